"""Every setting, in one table: the reading, the errors, the README and ``printora doctor``.

A name that is not in it is refused with the nearest one that is: a misspelt setting would be
ignored in silence.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.errors import ConfigurationError
from pipelines.lookup import documents, lookup

SECTION = "sources.printora"
DESTINATION = "DESTINATION__DUCKDB__CREDENTIALS"
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
    "PRINTORA_OWNERS",
    "PRINTORA_REPOSITORY_URL",
    "PRINTORA_ALERT_URL",
    "PRINTORA_ALERT_EMAIL_TO",
    "PRINTORA_ALERT_EMAIL_FROM",
    "PRINTORA_ALERT_EMAIL_HOST",
    "PRINTORA_ALERT_EMAIL_PASSWORD",
    "PRINTORA_TRACEBACK",
)
_NEAR = 0.9
_MAY_BE_OURS = re.compile("PRINT|DUCKDB", re.IGNORECASE)

Kind = Literal["text", "secret", "number", "integer", "flag", "choice"]


@dataclass(frozen=True)
class Setting:
    """One setting. ``default`` is shown, "" is none; a number lies in ``low`` to ``high``."""

    name: str
    kind: Kind
    default: str
    meaning: str
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return variable(self.name)


def _number(name: str, default: str, meaning: str, low: float, high: float) -> Setting:
    return Setting(name, "number", default, meaning, low, high)


def _integer(name: str, default: str, meaning: str, low: float, high: float) -> Setting:
    return Setting(name, "integer", default, meaning, low, high)


def _choice(name: str, meaning: str, *choices: str) -> Setting:
    return Setting(name, "choice", choices[0], meaning, choices=choices)


_LIMIT = "the limit, if yours differs from the version's"
TABLE: tuple[Setting, ...] = (
    Setting("api_key", "secret", "required", "the key, `sk_live_…` or `sk_test_…`"),
    Setting("partner_id", "text", "required", "the partner that the key belongs to"),
    _choice("environment", "`production` or `staging`", "production", "staging"),
    Setting("base_url", "text", "", "another host; wins over the environment"),
    _choice("api_version", "`1.0` or `1.1`", "1.0", "1.1"),
    Setting("session_ledger", "text", "", "path, glob or bucket URL of the ledger"),
    Setting(
        "allow_mode_mismatch",
        "flag",
        "false",
        "allow a test key in production, and a live key in staging",
    ),
    _number(
        "reserve_share",
        "0.2",
        "share of each limit that is left to your shop, 0 to 0.95",
        0.0,
        0.95,
    ),
    _integer("requests_per_minute", "the version's", _LIMIT, 1, 1e9),
    _integer("requests_per_hour", "the version's", f"{_LIMIT} (1.1)", 1, 1e9),
    _integer("requests_per_day", "the version's", f"{_LIMIT} (1.0)", 1, 1e9),
    _number(
        "max_wait_seconds",
        "300",
        "a longer wait for the limits ends the run with code 3",
        0.0,
        86_400.0,
    ),
    _number("max_run_minutes", "", "a run that lasts longer ends with code 3", 1.0, 10_080.0),
    _number("timeout_seconds", "30", "how long an answer may take", 0.1, 600.0),
    _number(
        "requests_in_flight",
        "1",
        "pages of a scan that are asked for at a time",
        1.0,
        8.0,
    ),
    _number("reread_days", "30", "each row is read again within so many days", 1.0, 3_650.0),
    _choice(
        "personal_data",
        "`none`, `pseudonymous` or `full`: what is kept of people",
        "pseudonymous",
        "none",
        "full",
    ),
    Setting(
        "pseudonym_key",
        "secret",
        "made once, beside the file",
        "secret that keys the pseudonyms, 32 characters or more; `old,new` to rotate",
    ),
    Setting("report_time_zone", "text", "UTC", "IANA zone of dates in the marts; no time changes"),
    _integer(
        "session_maturity_minutes",
        "1455",
        "age at which a session can no longer convert",
        1,
        1_000_000,
    ),
    _integer(
        "retry_settled_minutes",
        "156",
        "age at which the API has stopped retrying a delivery",
        1,
        1_000_000,
    ),
    Setting(
        "session_fields",
        "text",
        "",
        "fields of the ledger that become columns, with commas: `utm_source,campaign`",
    ),
    _integer(
        "delivery_promise_days",
        "0",
        "days from payment in which you promise delivery; 0: late is slower than nine of ten were",
        0,
        3_650,
    ),
    Setting("duckdb_memory_limit", "text", "DuckDB's", "memory that DuckDB may take, like `2GB`"),
    Setting(
        "publish_to",
        "text",
        "<warehouse>.published.duckdb",
        "the snapshot for readers; `off`: none",
    ),
)
_BY_NAME = {setting.name: setting for setting in TABLE}
_TRUE, _FALSE = ("on", "true", "yes", "1"), ("off", "false", "no", "0")


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{SECTION}.{name}".replace(".", "__").upper()


def text(name: str) -> str | None:
    """Return what is set, without blanks around it; None for nothing."""
    value = lookup(f"{SECTION}.{_BY_NAME[name].name}")
    if isinstance(value, Mapping | list):
        raise ConfigurationError(
            f"{variable(name)} is a table or a list.", hint=f'Write {name} = "value".'
        )
    return str(value).strip() or None if value is not None else None


def number(name: str, default: float) -> float:
    """Return a number; the default where nothing is set."""
    setting, given = _BY_NAME[name], text(name)
    if given is None:
        return default
    try:
        found = float(given)
    except ValueError:
        found = float("nan")
    if not setting.low <= found <= setting.high or (
        setting.kind == "integer" and not found.is_integer()
    ):
        whole = "whole number" if setting.kind == "integer" else "number"
        raise ConfigurationError(
            f"{setting.variable} is {given!r}.",
            hint=f"Give a {whole} from {setting.low:g} to {setting.high:g}.",
        )
    return found


def flag(name: str) -> bool:
    """Return whether something is switched on."""
    given = (text(name) or _BY_NAME[name].default).lower()
    if given not in (*_TRUE, *_FALSE):
        raise ConfigurationError(
            f"{variable(name)} is {given!r}.",
            hint=f"Set {', '.join(_TRUE)}, or {', '.join(_FALSE)}.",
        )
    return given in _TRUE


def choice(name: str) -> str:
    """Return one of the words that a setting may be."""
    setting = _BY_NAME[name]
    given = text(name) or setting.default
    if given not in setting.choices:
        raise ConfigurationError(
            f"{setting.variable} is {given!r}.", hint=f"Set {' or '.join(setting.choices)}."
        )
    return given


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
                near = _nearest(rest, _BY_NAME, 0.6)
                yield name, " (environment)", near and variable(near)
        elif name.startswith(f"{DESTINATION}__"):
            yield name, " (environment)", DESTINATION
        elif name.partition(f"__{variable('')}")[2].lower() in _BY_NAME:
            continue  # one dlt pipeline's own, MINE__SOURCES__PRINTORA__…: the dlt source heeds it
        elif _MAY_BE_OURS.search(name) and (near := _nearest(name, known, _NEAR)):
            yield name, " (environment)", near
    for path, document in documents():
        yield from _in_file(str(path), document)


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
    for name, value in ours.items() if isinstance(ours, Mapping) else ():
        if name in _BY_NAME or (name in _OF_DLT and isinstance(value, Mapping)):
            continue
        yield name, f"{where}, [{SECTION}]", _nearest(name, _BY_NAME, 0.6)


def _is_near(spelt: str, name: str) -> bool:
    return difflib.SequenceMatcher(None, spelt.lower(), name).ratio() >= _NEAR
