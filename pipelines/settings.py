"""The settings, as a sync, a build and a reader take them, checked as far as they can be here.

Each is an environment variable (``SOURCES__PRINTORA__API_KEY``) or a key under
``[sources.printora]`` in ``.dlt/config.toml`` or ``.dlt/secrets.toml``, where dlt looks, too. Their
names, bounds and meanings are rows of ``pipelines/setting_table.py``.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipelines import destination_setting
from pipelines.errors import ConfigurationError
from pipelines.hosts import LOOPBACK
from pipelines.lookup import lookup, read_once
from pipelines.setting_table import BY_NAME, choice, flag, is_off, refuse_wrong_values
from pipelines.setting_table import number as _number
from pipelines.setting_table import text as _text
from pipelines.setting_table import variable as _variable
from pipelines.source.privacy import PersonalData
from pipelines.source.pseudonyms import Keys
from pipelines.unknown_settings import refuse_unknown
from pipelines.warehouse import ModelSettings, published_path
from pipelines.warehouse.project import LAYERS, RAW_SCHEMA
from pipelines.warehouse.publish import refuse_target
from pipelines.working_folder import safe_folder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.client.governor import Limit
    from pipelines.client.wire import Contract


#: S: the vendor's published collection names both hosts.
HOSTS = {
    "production": "https://api.printora.ai",
    "staging": "https://api-staging.printora.ai",
}
_KEY_MODE = {"production": "live", "staging": "test"}
_REQUIRED = ("api_key", "partner_id")
_MEMORY = re.compile(r"\d+(\.\d+)? ?([KMGT]i?B|%)", re.IGNORECASE)


@dataclass(frozen=True)
class KeySettings:
    """What the keys of the pseudonyms depend on."""

    warehouse_path: Path
    pseudonym_key: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """Everything that a sync and a build need to know.

    ``reserve_share`` (0..1) of each limit is left to the partner's own traffic; a wait above
    ``max_wait_seconds`` ends a run instead of being slept through, and so does a run's own length
    of ``max_run_minutes``. Each row is read again within ``reread_days``. Where ``postgres_url`` or
    ``lake_url`` is the destination, ``warehouse_path`` is a mirror of its raw tables.
    """

    api_key: str = field(repr=False)
    partner_id: str
    base_url: str
    contract: Contract
    warehouse_path: Path
    session_ledger: str | None = None
    reserve_share: float = 0.2
    max_wait_seconds: float = 300.0
    timeout_seconds: float = 30.0
    personal_data: PersonalData = "pseudonymous"
    pseudonym_key: str | None = field(default=None, repr=False)
    max_run_minutes: float | None = None
    reread_days: float = 30.0
    requests_in_flight: int = 1
    duckdb_memory_limit: str | None = None
    postgres_url: str | None = field(default=None, repr=False)
    lake_url: str | None = None
    models: ModelSettings = field(default_factory=ModelSettings)


def load_settings() -> Settings:
    """Read the settings that a sync needs.

    Raises:
        ConfigurationError: a setting is missing, malformed or unknown, or the key's mode
            contradicts the environment. The text names every setting that is missing.
    """
    from pipelines.client.credentials import refuse_key, refuse_partner

    refuse_wrong()
    missing = [name for name in _REQUIRED if not _text(name)]
    if missing:
        names = " and ".join(_variable(name) for name in missing)
        raise ConfigurationError(
            f"{names} {'is' if len(missing) == 1 else 'are'} not set.",
            hint=f"Set {names} in the environment, or [sources.printora] in .dlt/secrets.toml; "
            f"`printora demo` needs neither.{_where_they_are(missing)}",
        )
    api_key, partner_id = _text("api_key") or "", _text("partner_id") or ""
    refuse_key(api_key)
    refuse_partner(partner_id)
    base_url = _base_url(api_key)
    publish_path()  # A wrong one is told before the first request, not after the last.
    return Settings(
        api_key=api_key,
        partner_id=partner_id,
        base_url=base_url,
        contract=_contract(),
        warehouse_path=local_path(),
        postgres_url=postgres_url(),
        lake_url=lake_url(),
        session_ledger=_text("session_ledger"),
        reserve_share=_number("reserve_share"),
        max_wait_seconds=_number("max_wait_seconds"),
        timeout_seconds=_number("timeout_seconds"),
        personal_data=cast(PersonalData, choice("personal_data")),
        pseudonym_key=_pseudonym_key(),
        max_run_minutes=_number("max_run_minutes", 0.0) or None,
        reread_days=_number("reread_days"),
        requests_in_flight=int(_number("requests_in_flight")),
        duckdb_memory_limit=memory_limit(),
        models=model_settings(),
    )


@read_once()
def refuse_wrong() -> None:
    """Refuse settings that there are not, and values that they cannot have: each command begins so.

    Raises:
        ConfigurationError: with the setting, and what it may be.
    """
    refuse_unknown()
    refuse_wrong_values()
    _refuse_contradiction()
    memory_limit()
    model_settings()
    _pseudonym_key()


def _where_they_are(missing: Sequence[str]) -> str:
    from pipelines.client.credentials import KEY_FORM, PARTNER_PLACE

    places = {"api_key": f"A key looks like {KEY_FORM}.", "partner_id": PARTNER_PLACE}
    return "".join(f" {places[name]}" for name in missing)


def _refuse_contradiction() -> None:
    """Refuse an environment that is set beside the address of another one."""
    environment, url = _text("environment"), _text("base_url")
    try:
        host = (urlsplit(url or "").hostname or "").rstrip(".")
    except ValueError:
        return  # no URL at all, which is told where it is read
    named = next((name for name, of in HOSTS.items() if urlsplit(of).hostname == host), None)
    if environment and named and environment != named:
        raise ConfigurationError(
            f"{_variable('environment')} is {environment}, but {host} is {named}: "
            f"{_variable('base_url')} names it.",
            hint="Unset one of them.",
        )


def key_settings() -> KeySettings:
    """Read the settings that the keys of the pseudonyms depend on; none of them is required."""
    return KeySettings(local_path(), _pseudonym_key(), _text("api_key"))


def warehouse_path() -> Path:
    """Return the DuckDB file, from dlt's ``DESTINATION__DUCKDB__CREDENTIALS``."""
    refuse_wrong()
    if destination_setting.destination_type(lookup) != "duckdb":
        raise ConfigurationError(
            "The destination is no DuckDB file, and this works on one only.",
            hint="docs/scale.md says what there is for PostgreSQL and for a lake.",
        )
    given = lookup("destination.duckdb.credentials")
    if given is not None and not isinstance(given, str | Path):
        raise ConfigurationError(
            "DESTINATION__DUCKDB__CREDENTIALS is not a text.",
            hint='Write credentials = "printora.duckdb" under [destination.duckdb].',
        )
    text = str(given or "").strip() or "printora.duckdb"
    path = text.removeprefix("duckdb:///").removeprefix("duckdb:")
    if path == ":memory:" or "://" in path or path.startswith("md:"):
        raise ConfigurationError(
            f"DESTINATION__DUCKDB__CREDENTIALS is {text!r}, which is not a file.",
            hint="Name a DuckDB file, for example warehouse/printora.duckdb.",
        )
    if Path(path).stem in {RAW_SCHEMA, *LAYERS}:
        raise ConfigurationError(
            f"DESTINATION__DUCKDB__CREDENTIALS is {text!r}: DuckDB cannot tell a file from a "
            "schema of the same name.",
            hint="Give the file another name, for example printora.duckdb.",
        )
    absolute = _absolute(path)
    if "?" in str(absolute):
        raise ConfigurationError(
            f"The warehouse's path, {absolute}, has a question mark.",
            hint="DuckDB cannot keep its log beside such a file: give file and folder another "
            "name, or set DESTINATION__DUCKDB__CREDENTIALS.",
        )
    return absolute


def postgres_url() -> str | None:
    """Return the PostgreSQL database that is the destination; None where it is none."""
    refuse_wrong()
    if destination_setting.destination_type(lookup) != "postgres":
        return None
    return destination_setting.postgres_url(lookup)


def lake_url() -> str | None:
    """Return the bucket or folder that is the destination; None where it is none."""
    refuse_wrong()
    if destination_setting.destination_type(lookup) != "filesystem":
        return None
    return destination_setting.bucket_url(lookup)


def local_path() -> Path:
    """Return the DuckDB file of this machine: the warehouse, or a mirror of the database's rows.

    A mirror is in DLT_DATA_DIR, else below the current folder, in a folder for each destination.
    """
    url, lake = postgres_url(), lake_url()
    kind, place = ("postgres", destination_setting.shown(url)) if url else ("lake", lake)
    if place is None:
        return warehouse_path()
    digest = hashlib.blake2b(place.encode(), digest_size=6).hexdigest()
    root = Path(os.environ.get("DLT_DATA_DIR") or ".printora/dlt").resolve()
    return safe_folder(root / kind / digest) / "mirror.duckdb"


def publish_path() -> Path | None:
    """Return where the snapshot for readers goes; None where there is none.

    It can be switched off; and readers of PostgreSQL or of a lake read what is there.
    """
    if postgres_url() is not None or lake_url() is not None:
        return None
    warehouse = warehouse_path()
    text = _text("publish_to")
    if text is None:
        return published_path(warehouse)
    if is_off(text):
        return None
    if "://" in text:
        raise ConfigurationError(
            f"{_variable('publish_to')} is {text!r}, which is not a file.",
            hint="Name a DuckDB file in a folder of this machine; `printora publish --parquet` "
            "writes files that can be copied anywhere.",
        )
    target = _absolute(text)
    refuse_target(target, warehouse)
    if not target.parent.is_dir():
        raise ConfigurationError(
            f"There is no folder {target.parent} for the snapshot {target.name}.",
            hint=f"Correct {_variable('publish_to')}, or make the folder with mkdir.",
        )
    return target


def memory_limit() -> str | None:
    """Return how much memory DuckDB may take; None leaves it to DuckDB."""
    text = _text("duckdb_memory_limit")
    if text is not None and not _MEMORY.fullmatch(text):
        raise ConfigurationError(
            f"{_variable('duckdb_memory_limit')} is {text!r}.", hint="Write it like 2GB or 500MB."
        )
    return text


def limit_memory(connection: DuckDBPyConnection) -> None:
    """Let DuckDB take no more memory than was set."""
    if limit := memory_limit():
        connection.execute("set memory_limit = ?", [limit])


def model_settings() -> ModelSettings:
    """Return what the models can be told, from ``[sources.printora]``."""
    zone = _text("report_time_zone") or BY_NAME["report_time_zone"].default
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"{_variable('report_time_zone')} is {zone!r}, which is no IANA time zone.",
            hint="Write it like Europe/Berlin or America/New_York.",
        ) from None
    return ModelSettings(
        report_time_zone=zone,
        session_maturity_minutes=int(_number("session_maturity_minutes")),
        retry_settled_minutes=int(_number("retry_settled_minutes")),
        session_fields=",".join(_session_fields()),
        delivery_promise_days=int(_number("delivery_promise_days")),
    )


def _session_fields() -> tuple[str, ...]:
    given = _text("session_fields")
    if given is None:
        return ()
    from pipelines.source.session_fields import read_setting

    return read_setting(given, _variable("session_fields"))


def _absolute(path: str) -> Path:
    # Path's own expansion raises where there is no home, as under cron.
    expanded = Path(os.path.expanduser(path))  # noqa: PTH111
    try:
        return expanded.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"{path!r} leads nowhere: {error}.", hint="Name a file, for example printora.duckdb."
        ) from None


def _contract() -> Contract:
    from pipelines.client.wire import CONTRACTS  # not needed to read a warehouse, and slow

    contract = CONTRACTS[choice("api_version")]
    return replace(contract, limits=tuple(_limit(limit) for limit in contract.limits))


def _limit(limit: Limit) -> Limit:
    """Return the contract's limit, or the one that an account of its own terms has."""
    number = _number(f"requests_per_{limit.name}", limit.requests)
    return replace(limit, requests=int(number))


def _pseudonym_key() -> str | None:
    """Return the key that is set; refuse one that can be guessed."""
    value = _text("pseudonym_key")
    if value is not None:
        Keys.of_setting(value)
    return value


def _base_url(api_key: str) -> str:
    from pipelines.client.transport import host_of

    base_url = (_text("base_url") or HOSTS[choice("environment")]).rstrip("/")
    try:
        parts = urlsplit(base_url)
        host = (parts.hostname or "").rstrip(".")  # the root's dot names the same host
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigurationError(
            f"{_variable('base_url')} is not a URL.", hint="Write it like https://api.printora.ai."
        )
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ConfigurationError(
            f"{_variable('base_url')} would send the key to {host} unencrypted.",
            hint="Use https; http is for this machine only.",
        )
    host_of(base_url)
    _refuse_wrong_mode(api_key, host)
    return base_url


def _refuse_wrong_mode(api_key: str, host: str) -> None:
    """Refuse a test key at the production host and a live key at the staging host."""
    from pipelines.client.credentials import key_mode

    allowed, mode = flag("allow_mode_mismatch"), key_mode(api_key)
    for environment, url in HOSTS.items():
        if urlsplit(url).hostname != host or mode is None or allowed:
            continue
        if mode != _KEY_MODE[environment]:
            raise ConfigurationError(
                f"The key is a {mode} key, but {host} is {environment}.",
                hint=f"Set {_variable('environment')} to the key's own environment, use a "
                f"{_KEY_MODE[environment]} key, or set {_variable('allow_mode_mismatch')}=true.",
            )
