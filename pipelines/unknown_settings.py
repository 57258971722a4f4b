"""What looks like a setting and is none: refused with the nearest one that there is.

A misspelt setting would be ignored in silence.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipelines.errors import ConfigurationError
from pipelines.lookup import documents
from pipelines.setting_table import BY_NAME, DESTINATION, SECTION, TABLE, variable

#: What dlt itself may be told below the section, in tables of its own.
_OF_DLT = {"data_writer", "extract", "load", "normalize", "schema"}
#: Variables that are read where nothing else can be: before dlt, or by Dagster's definitions.
OTHERS = (
    DESTINATION,
    "PRINTORA_SCHEDULE",
    "PRINTORA_SCHEDULE_CRON",
    "PRINTORA_SCHEDULE_TIME_ZONE",
    "PRINTORA_WARN_AFTER_MINUTES",
    "PRINTORA_FAIL_AFTER_MINUTES",
    "PRINTORA_ALERT_URL",
    "PRINTORA_ALERT_EMAIL_FROM",
    "PRINTORA_ALERT_EMAIL_TO",
    "PRINTORA_ALERT_EMAIL_HOST",
    "PRINTORA_ALERT_EMAIL_PASSWORD",
    "PRINTORA_OWNERS",
    "PRINTORA_REPOSITORY_URL",
    "PRINTORA_TRACEBACK",
)
_NEAR = 0.9
#: Settings that may be the shop's own where they stand without our section: its key for the API.
_SHOPS = frozenset({"api_key", "partner_id", "environment", "base_url", "api_version"})
#: What stands for DuckDB's file in other pipelines, or half of its name.
_HALF_A_DESTINATION = ("DESTINATION__CREDENTIALS", "DESTINATION__DUCKDB", "DUCKDB_CREDENTIALS")
_MAY_BE_OURS = re.compile("PRINT|DUCKDB", re.IGNORECASE)


def refuse_unknown() -> None:
    """Refuse what looks like a setting and is none.

    Raises:
        ConfigurationError: with the name, where it stands, and the nearest one that there is.
    """
    for name, where, nearest in _unknown():
        meant = f"Did you mean {nearest}?" if nearest else "README.md lists them all."
        raise ConfigurationError(f"There is no setting {name}{where}.", hint=meant)


def _unknown() -> Iterator[tuple[str, str, str | None]]:
    known = {*(one.variable for one in TABLE), *OTHERS}
    for name in sorted(os.environ.keys() - known):
        if name.startswith(variable("")):
            rest = name.removeprefix(variable("")).lower()
            if rest.partition("__")[0] not in _OF_DLT:
                near = _nearest(rest, BY_NAME, 0.6)
                yield name, " (environment)", near and variable(near)
        elif name.startswith(f"{DESTINATION}__"):
            yield name, " (environment)", DESTINATION
        elif name.partition(f"__{variable('')}")[2].lower() in BY_NAME:
            continue  # one dlt pipeline's own, MINE__SOURCES__PRINTORA__…: the dlt source heeds it
        elif (meant := _without_section(name)) and variable(meant) not in os.environ:
            yield name, " (environment)", variable(meant)
        elif name in _HALF_A_DESTINATION and DESTINATION not in os.environ:
            yield name, " (environment)", DESTINATION
        elif _MAY_BE_OURS.search(name) and (near := _nearest(name, known, _NEAR)):
            yield name, " (environment)", near
    for path, document in documents():
        yield from _in_file(str(path), document)


def _without_section(name: str) -> str | None:
    """Return the setting that a variable of ours names without dlt's section."""
    meant = name.removeprefix("PRINTORA").lstrip("_").lower() if "PRINTORA" in name else ""
    return meant if meant in BY_NAME.keys() - _SHOPS else None


def _nearest(name: str, known: Iterable[str], cutoff: float) -> str | None:
    plain = {re.sub("_+", "_", one.upper()): one for one in known}
    found = difflib.get_close_matches(re.sub("_+", "_", name.upper()), plain, 1, cutoff)
    return plain[found[0]] if found else None


def _in_file(path: str, document: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    where = f" in {path}"
    for top, sections in document.items():
        tables = sections if isinstance(sections, Mapping) else {}
        for section in tables:
            spelt = f"{top}.{section}"
            if spelt != SECTION and _is_near(spelt, SECTION):
                yield f"[{spelt}]", where, f"[{SECTION}]"
    sources = document.get("sources", {})
    ours = sources.get("printora", {}) if isinstance(sources, Mapping) else {}
    if not isinstance(ours, Mapping):
        yield f"{SECTION} = …", where, f"[{SECTION}]"
        return
    for name, value in ours.items():
        if name in BY_NAME or (name in _OF_DLT and isinstance(value, Mapping)):
            continue
        yield name, f"{where}, [{SECTION}]", _nearest(name, BY_NAME, 0.6)
    yield from _outside(document, ours, where)
    yield from _of_destination(document, where)


def _outside(
    document: Mapping[str, Any], ours: Mapping[str, Any], where: str
) -> Iterator[tuple[str, str, str | None]]:
    """Name settings that stand outside their section, where nothing reads them."""
    holders = {
        "": document,
        "[sources]": document.get("sources"),
        "[printora]": document.get("printora"),
    }
    for section, holder in holders.items():
        names = holder.keys() & BY_NAME.keys() if isinstance(holder, Mapping) else set()
        for name in sorted(names - _SHOPS - ours.keys()):
            yield name, f"{where}, [{section}]" if section else where, f"[{SECTION}] {name}"


def _of_destination(
    document: Mapping[str, Any], where: str
) -> Iterator[tuple[str, str, str | None]]:
    destination = document.get("destination", {})
    duckdb = destination.get("duckdb", {}) if isinstance(destination, Mapping) else {}
    for name in duckdb if isinstance(duckdb, Mapping) else ():
        if name != "credentials" and _is_near(name, "credentials"):
            yield name, f"{where}, [destination.duckdb]", "credentials"


def _is_near(spelt: str, name: str) -> bool:
    return difflib.SequenceMatcher(None, spelt.lower(), name).ratio() >= _NEAR
