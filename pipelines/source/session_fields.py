"""Fields of the ledger that a setting lets in, such as utm_source: words that sessions are told by.

They are somebody's own words, so they stay only where they look like a label, and not where nothing
of people is kept. Names of people, of addresses and of secrets are refused.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pipelines.errors import ConfigurationError
from pipelines.source.allowed import KINDS, fits
from pipelines.source.fields import Fields
from pipelines.source.names import snake
from pipelines.source.privacy import Privacy, is_secret_name
from pipelines.source.shapes import SHAPES

MOST: Final = 8
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){0,3}")
_OF_PEOPLE: Final = re.compile(
    r"(^|_)(e?_?mail|phone|tel|mobile|msisdn|street|postal|post_code|zip|birthday|dob|age|gender|"
    r"iban|card|ip|ssn|passport|user_?name|(first|last|full|display|sur|given)_?name)(_|$)|"
    r"^(name|vorname|nachname|handle|note|notes|comment|message)$"
)
_SESSION: Final = SHAPES["sessions"]


def read_setting(text: str, variable: str) -> tuple[str, ...]:
    """Return the names of a setting such as ``utm_source, metadata.campaign``, in snake case.

    Raises:
        ConfigurationError: one is no name, or may not be let in, or there are too many.
    """
    names = tuple(".".join(map(snake, part.strip().split("."))) for part in text.split(",") if part)
    for name in names:
        if why := _refusal(name):
            raise ConfigurationError(
                f"{variable} names {name!r}, {why}.",
                hint="Name fields of the ledger that tell where sessions come from or what they "
                "are for, such as utm_source, campaign or product.",
            )
    columns = [column_of(name) for name in names]
    if len(names) > MOST or len(set(columns)) < len(columns):
        raise ConfigurationError(
            f"{variable} names {len(names)} fields.", hint=f"Give at most {MOST}, each once."
        )
    return names


def _refusal(name: str) -> str | None:
    parts = name.split(".")
    if not _NAME.fullmatch(name):
        return "which is no field's name"
    if any(is_secret_name(part) for part in parts):
        return "which may be a secret's name"
    if any(KINDS.get(part) == "person" or _OF_PEOPLE.search(part) for part in parts):
        return "which may tell who somebody is"
    if name in {known for names in _SESSION.names.values() for known in names}:
        return "which has a column already"
    return None


def column_of(name: str) -> str:
    """Return the column of a field: of one inside another, both names."""
    return name.replace(".", "_")


def labels(fields: Fields, privacy: Privacy) -> dict[str, str]:
    """Return what a line of the ledger says in the fields that are let in, by column."""
    found = {column_of(name): _label(fields, name, privacy) for name in privacy.session_fields}
    return {column: label for column, label in found.items() if label is not None}


def _label(fields: Fields, name: str, privacy: Privacy) -> str | None:
    value: Any = fields.first((name,))[1]
    if isinstance(value, bool | int):
        value = str(value).lower()
    if privacy.personal_data == "none" or not isinstance(value, str):
        return None
    text = privacy.text("utm_source", value.strip())
    return text if text == value.strip() and fits("label", text) else None
