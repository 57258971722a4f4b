"""Every setting, in one table: the reading, the errors, the README and ``printora doctor``.

A name that is not in it is refused: ``pipelines/unknown_settings.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipelines.errors import ConfigurationError
from pipelines.lookup import lookup

SECTION = "sources.printora"
DESTINATION = "DESTINATION__DUCKDB__CREDENTIALS"
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
    _integer("requests_in_flight", "1", "pages of a scan that are asked for at a time", 1, 8),
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
    Setting(
        "duckdb_memory_limit",
        "text",
        "DuckDB's",
        "memory that DuckDB may take, like `2GB`; a sync gives it 128MB unless this is set",
    ),
    Setting(
        "publish_to",
        "text",
        "<warehouse>.published.duckdb",
        "the snapshot for readers; `off`: none",
    ),
)
BY_NAME = {setting.name: setting for setting in TABLE}
_TRUE, _FALSE = ("on", "true", "yes", "1"), ("off", "false", "no", "0")


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{SECTION}.{name}".replace(".", "__").upper()


def text(name: str) -> str | None:
    """Return what is set, without blanks around it; None for nothing."""
    value = lookup(f"{SECTION}.{BY_NAME[name].name}")
    if isinstance(value, Mapping | list):
        raise ConfigurationError(
            f"{variable(name)} is a table or a list.", hint=f'Write {name} = "value".'
        )
    return str(value).strip() or None if value is not None else None


def number(name: str, default: float | None = None) -> float:
    """Return a number; where nothing is set, the default, which is the table's unless given."""
    setting, given = BY_NAME[name], text(name)
    if given is None:
        return float(setting.default) if default is None else default
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
    given = (text(name) or BY_NAME[name].default).lower()
    if given not in (*_TRUE, *_FALSE):
        raise ConfigurationError(
            f"{variable(name)} is {given!r}.",
            hint=f"Set {', '.join(_TRUE)}, or {', '.join(_FALSE)}.",
        )
    return given in _TRUE


def is_off(word: str) -> bool:
    """Tell whether a word switches something off."""
    return word.lower() in _FALSE


def refuse_wrong_values() -> None:
    """Refuse every number, switch and word of the table that is not one that it may be.

    Raises:
        ConfigurationError: with the values that are known.
    """
    for setting in TABLE:
        if setting.kind == "choice":
            choice(setting.name)
        elif setting.kind == "flag":
            flag(setting.name)
        elif setting.kind in ("number", "integer"):
            number(setting.name, 0.0)


def choice(name: str) -> str:
    """Return one of the words that a setting may be."""
    setting = BY_NAME[name]
    given = text(name) or setting.default
    if given not in setting.choices:
        raise ConfigurationError(
            f"{setting.variable} is {given!r}.", hint=f"Set {' or '.join(setting.choices)}."
        )
    return given
