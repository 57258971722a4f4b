#!/bin/sh
# A Superset of its own, on 127.0.0.1 alone, until Ctrl-C:
#
#   deploy/superset/superset.sh [PORT]
#
# Its environment (700 MB), its own database and its admin's password are in .printora/superset, or
# in SUPERSET_HOME. `make` must have made .venv, which has uv and Python.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bin=$here/../../.venv/bin
SUPERSET_HOME=${SUPERSET_HOME:-$here/../../.printora/superset}
mkdir -p "$SUPERSET_HOME" && SUPERSET_HOME=$(cd "$SUPERSET_HOME" && pwd)
SUPERSET_CONFIG_PATH=$here/superset_config.py
TZ=UTC # DuckDB shows times in the process's zone.
export SUPERSET_HOME SUPERSET_CONFIG_PATH TZ FLASK_APP=superset
own=$SUPERSET_HOME/env
umask 077

if ! cmp -s "$here/requirements.txt" "$SUPERSET_HOME/installed.txt"; then
    echo "Setting up Superset (once, 700 MB and some minutes)"
    "$bin/uv" venv --quiet --clear --python "$bin/python" "$own"
    "$bin/uv" pip install --quiet --python "$own/bin/python" -r "$here/requirements.txt"
    for name in secret password; do
        [ -s "$SUPERSET_HOME/$name" ] ||
            "$bin/python" -c 'import secrets; print(secrets.token_urlsafe(32))' >"$SUPERSET_HOME/$name"
    done
    {
        "$own/bin/superset" db upgrade
        "$own/bin/superset" fab create-admin --username admin --firstname Admin --lastname Admin \
            --email admin@localhost --password "$(cat "$SUPERSET_HOME/password")"
        "$own/bin/superset" init
    } >"$SUPERSET_HOME/setup.log" 2>&1 || {
        echo "Superset could not be set up: $SUPERSET_HOME/setup.log ends with" >&2
        tail -n 3 "$SUPERSET_HOME/setup.log" >&2
        exit 1
    }
    cp "$here/requirements.txt" "$SUPERSET_HOME/installed.txt"
fi

echo "http://127.0.0.1:${1:-8088} user admin, password in $SUPERSET_HOME/password"
exec "$own/bin/gunicorn" --bind "127.0.0.1:${1:-8088}" --threads 8 --timeout 120 --log-level warning \
    "superset.app:create_app()" >>"$SUPERSET_HOME/superset.log" 2>&1
