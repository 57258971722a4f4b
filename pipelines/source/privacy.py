"""What may enter a table: secrets never, personal fields only as far as the settings allow.

Secrets are whatever logs somebody in, opens a payment or signs a message: redirect and payment
URLs, tokens, keys, signatures. Personal fields are what names or reaches a person; country, state
and city stay, because delivery is analysed by them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pipelines.source.names import snake

REMOVED = "[removed]"

_SECRET_NAME = re.compile(
    r"redirect|payment_(url|link|intent|token)|checkout_(url|link)|login|magic|token|secret|"
    r"signature|password|passwd|api_?key|authorization|credential|cookie|(^|_)otp(_|$)|jwt"
)
_SECRET_VALUE = re.compile(
    r"\b(sk|pk)_(test|live)_\w+|\bwhsec_\w+|\beyJ[\w-]+\.[\w-]+\.[\w-]*|\bBearer\s+\S+|"
    r"\b\w*(token|secret|signature|password|api_?key)=[^\s&]+"
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+'-]+@[\w-]+(\.[\w-]+)+")
_PERSON_NAME = re.compile(
    r"e_?mail|phone|mobile|(first|last|full|user|sur|family|given|middle|customer|recipient)_?name|"
    r"street|address_?(line)?_?\d?$|^line_?\d$|postal|post_?code|zip|birth|^ip$|ip_address|"
    r"latitude|longitude|^lat$|^lng$|company|tax_id|(^|_)vat(_|$)"
)
#: Objects that describe a person: of these only the places stay.
_PERSON = re.compile(r"customer|user_?data|^user$|address|recipient|contact|buyer|billing|person")
#: And these, if they are objects; as plain values they are costs or methods.
_PERSON_OBJECT = re.compile(r"^(shipping|ship_to|bill_to|sender|receiver|consignee|owner|profile)$")
#: Text that was meant to be an object or a list of some, and not `[sale] mug`.
_OBJECT_TEXT = re.compile(r"\s*(\{\s*[\"}]|\[\s*[\[{\"\]])")
_PLACES = {"country", "country_code", "state", "region", "province", "city"}


@dataclass(frozen=True)
class Privacy:
    """The rule for one load: what is kept of a person, and the key of the pseudonyms."""

    keep_personal: bool
    pseudonym_key: bytes | None

    @classmethod
    def of(cls, personal_data: str, key: str | None, api_key: str) -> Privacy:
        """Build the rule from the settings.

        Without a key of its own, pseudonyms are keyed by a hash of the API key: they change when
        the API key does.
        """
        if personal_data == "none":
            return cls(keep_personal=False, pseudonym_key=None)
        secret = (key or f"printora-elt pseudonyms {api_key}").encode()
        return cls(
            keep_personal=personal_data == "full", pseudonym_key=hashlib.sha256(secret).digest()
        )

    def pseudonym(self, email: Any) -> str | None:
        """Return the same 32 hex digits for the same address, which nobody can turn around."""
        if self.pseudonym_key is None or not isinstance(email, str) or not email.strip():
            return None
        text = email.strip().casefold().encode(errors="backslashreplace")
        return hmac.new(self.pseudonym_key, text, hashlib.sha256).hexdigest()[:32]


def without_secrets(value: Any) -> Any:
    """Copy a JSON value without secrets: their fields gone, their texts replaced."""
    if isinstance(value, Mapping):
        return {
            field.kept_as: without_secrets(part)
            for name, part in value.items()
            if not (field := _Field.named(str(name))).is_secret
        }
    if isinstance(value, list):
        return [without_secrets(part) for part in value]
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        return _scrubbed_text(value, without_secrets, _without_secret_words)
    return value


def clean(text: str) -> str:
    """Take secrets and e-mail addresses out of a plain text."""
    text = _without_secret_words(text)
    return _EMAIL.sub(REMOVED, text) if "@" in text else text


def _without_secret_words(text: str) -> str:
    if "://" in text:
        text = _URL.sub(REMOVED, text)
    return _SECRET_VALUE.sub(REMOVED, text)


@dataclass(frozen=True)
class _Field:
    """What a field's name tells: a few hundred names stand in millions of records."""

    kept_as: str
    is_secret: bool
    is_person: bool
    is_place: bool
    is_person_object: bool

    @classmethod
    @lru_cache(maxsize=4096)
    def named(cls, name: str) -> _Field:
        plain = snake(name)
        return cls(
            kept_as=clean(name),
            is_secret=bool(_SECRET_NAME.search(plain)),
            is_person=bool(_PERSON.search(plain) or _PERSON_NAME.search(plain)),
            is_place=plain in _PLACES,
            is_person_object=bool(_PERSON_OBJECT.search(plain)),
        )


def _scrubbed_text(text: str, scrub: Callable[[Any], Any], plain: Callable[[str], str]) -> str:
    """Scrub a text; JSON in it as JSON, and nothing is kept of JSON that was cut off."""
    if not _OBJECT_TEXT.match(text):
        return plain(text)
    try:
        found = json.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return REMOVED
    kept = scrub(found)
    return text if kept == found else json.dumps(kept, ensure_ascii=False, default=str)


def without_persons(value: Any, inside_person: bool = False) -> Any:
    """Copy a JSON value without secrets and without what names or reaches a person."""
    if isinstance(value, Mapping):
        return _scrubbed_object(value, inside_person)
    if isinstance(value, list):
        kept = value
        if inside_person:  # a list of names or phones
            kept = [part for part in value if isinstance(part, (Mapping, list))]
        return [without_persons(part, inside_person) for part in kept]
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        return _scrubbed_text(value, without_persons, clean)
    return value


def _scrubbed_object(value: Mapping[Any, Any], inside_person: bool) -> dict[str, Any]:
    kept = {}
    for name, part in value.items():
        field = _Field.named(str(name))
        if field.is_secret:
            continue
        nested = isinstance(part, (Mapping, list))
        person = inside_person or field.is_person
        if not nested and not field.is_place and person:
            continue
        kept[field.kept_as] = without_persons(part, person or field.is_person_object)
    return kept
