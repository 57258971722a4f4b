"""Where dlt's own settings say that the data goes; what is not proven there is refused by name.

A destination that is set and not heeded would look like a success, while the rows are elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlsplit

from pipelines.errors import ConfigurationError

Kind = Literal["duckdb", "postgres", "filesystem"]
PROVEN: tuple[Kind, ...] = ("duckdb", "postgres", "filesystem")
#: Where dlt looks for the database, and for the bucket.
POSTGRES = "destination.postgres.credentials"
BUCKET = "destination.filesystem.bucket_url"
#: Of the places that dlt's filesystem reaches, those in which a sync was tried.
_SCHEMES = ("file", "s3")
#: dlt's names of the setting, the nearer one first.
SETTINGS = ("pipelines.printora.destination_type", "destination_type")
#: Of dlt's destinations, what is missing before printora can load into them and build there.
MISSING = {
    "snowflake": "no sync and no model was ever run on it",
    "bigquery": "no sync and no model was ever run on it",
    "databricks": "no sync and no model was ever run on it",
    "motherduck": "no sync was ever run on it, and its lock for a single writer is missing",
    "redshift": "no sync and no model was ever run on it",
    "clickhouse": "most models do not compile to its SQL, and no sync was ever run on it",
}


def destination_type(setting: Callable[[str], Any]) -> Kind:
    """Return which destination is set; ``setting`` looks a name up as dlt does.

    Raises:
        ConfigurationError: it is not proven; with what is missing, and what to do.
    """
    name = next((found for found in SETTINGS if setting(found)), None)
    if name is None:
        return "duckdb"
    given = str(setting(name)).strip()
    kind = given.rpartition(".")[2].lower()  # dlt takes `dlt.destinations.postgres`, too
    if kind in PROVEN:
        return kind
    variable = name.replace(".", "__").upper()
    why = MISSING.get(kind, "it is no destination that printora knows")
    raise ConfigurationError(
        f"{variable} is {given!r}: {why}. Only {', '.join(PROVEN)} are taken.",
        hint=f"Unset {variable} (or `{name.rpartition('.')[2]}` in .dlt/config.toml), and name the "
        "DuckDB file in DESTINATION__DUCKDB__CREDENTIALS; or set postgres or filesystem.",
    )


def postgres_url(setting: Callable[[str], Any]) -> str:
    """Return the database, from dlt's ``DESTINATION__POSTGRES__CREDENTIALS``: a URL, or its parts.

    Raises:
        ConfigurationError: it is not set, or no URL of PostgreSQL's.
    """
    given = setting(POSTGRES)
    url = given.strip() if isinstance(given, str) else _of_parts(setting)
    refuse_other_url(url, POSTGRES.replace(".", "__").upper())
    return url


def bucket_url(setting: Callable[[str], Any]) -> str:
    """Return the lake's place, from dlt's ``DESTINATION__FILESYSTEM__BUCKET_URL``, with its scheme.

    Raises:
        ConfigurationError: it is not set, or no place in which a sync was ever tried.
    """
    name = BUCKET.replace(".", "__").upper()
    given = str(setting(BUCKET) or "").strip().rstrip("/")
    scheme, _, path = given.rpartition("://")
    if not path or (scheme or "file") not in _SCHEMES:
        raise ConfigurationError(
            f"{name} is {given!r}: only folders and buckets of S3 were ever tried."
            if given
            else f"{name} is not set.",
            hint="Write it like s3://bucket/folder, or name a folder of this machine.",
        )
    return given if scheme == "s3" else f"file://{Path(path).absolute()}"


def refuse_other_url(url: str, name: str) -> None:
    """Refuse what is no URL of PostgreSQL's; ``name``: what it was given as. It is not shown.

    Raises:
        ConfigurationError: it begins otherwise, or is empty.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise ConfigurationError(
            f"{name} {'is no URL of PostgreSQL' if url else 'is not set'}.",
            hint="Write it like postgresql://user:password@host:5432/database.",
        )


def _of_parts(setting: Callable[[str], Any]) -> str:
    names = ("username", "password", "host", "port", "database")
    parts = {name: str(setting(f"{POSTGRES}.{name}") or "") for name in names}
    if not parts["host"] or not parts["database"]:
        return ""
    quoted = {name: quote(text, safe="") for name, text in parts.items()}
    who = ":".join(filter(None, (quoted["username"], quoted["password"])))
    port = f":{quoted['port']}" if quoted["port"] else ""
    return f"postgresql://{who}@{quoted['host']}{port}/{quoted['database']}"


def shown(url: str) -> str:
    """Return a database's URL without its password, and without options that may hold one."""
    parts = urlsplit(url)
    who = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    host = parts.hostname or dict(parse_qsl(parts.query)).get("host", "")
    return f"postgresql://{who}{host}{port}{parts.path}"
