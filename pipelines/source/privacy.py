"""What may enter a table: secrets never, values of people only as far as the settings allow.

Secrets are whatever logs somebody in, opens a payment or signs a message: links, tokens, keys,
signatures; they are known by their names and their looks. All else is known by the names that may
stay (``pipelines/source/allowed.py``): of other fields the name and the type are kept. Country,
state and city stay, because delivery is analysed by them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from pipelines.source.allowed import FREE_TEXT, KINDS, PLACES, Kind, fits, is_word, marker
from pipelines.source.names import snake
from pipelines.source.pseudonyms import Keys
from pipelines.source.values import BadValueError

REMOVED = "[removed]"

_SECRET_NAME = re.compile(
    r"redirect|payment_(url|link|intent|token)|checkout_(url|link)|login|magic|token|secret|"
    r"signature|password|passwd|api_?key|authorization|credential|cookie|jwt|(access|pass)_?code|"
    r"(^|_)(otp|pin|cvv|cvc|sig|auth|sid|hash|nonce|key|url|uri|href|link)(_|$)"
)
_SECRET_VALUE = re.compile(
    r"\b(sk|pk|rk)_(test|live)_\w+|\bwhsec_\w+|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|\bBearer\s+\S+|\bBasic\s+(?=\S*[0-9=])[\w+/=]{8,}|\btok_\w{8,}|\bA[KS]IA[0-9A-Z]{12,}"
    r"|\b(gh[a-z]|glpat|xox[a-z])[_-][\w-]{8,}|-----BEGIN .*|"
    r"\b\w*(token|secret|signature|password|api_?key)=[^\s&]+"
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+|\bwww\.\S+|(?<!\S)/\S+\?\S+", re.IGNORECASE)
#: As it is, as a link has it, in full width, and spelt out.
_EMAIL = re.compile(r"[\w.+'-]+\s?(?:@|%40|\uff20|[(\[]at[)\]])\s?[\w-]+(\.[\w-]+)+", re.IGNORECASE)
_AT = re.compile(r"[@%\uff20]|[(\[]at[)\]]", re.IGNORECASE)
#: Text that was meant to be an object or a list of some, and not `[sale] mug`.
_OBJECT_TEXT = re.compile(r"\s*(\{\s*[\"}]|\[\s*[\[{\"\]])")
#: A name that a programmer gave. Others, such as an address as a key, may be somebody's.
_FIELD_NAME = re.compile(r"(?!.*\d{4})[A-Za-z_][A-Za-z0-9_.-]{0,39}")
_NO_FIELD_NAME = "<name>"
_DEEPEST = 20
_MOST_SHAPES = 5
_MOST_NAMES = 100

PersonalData = Literal["none", "pseudonymous", "full"]
#: Where a value stands: among the names of the allow-list, in a person, or in what is not on it.
_Scope = Literal["listed", "person", "unlisted"]


@dataclass(frozen=True)
class Privacy:
    """The rule for one load: what is kept of people, and the keys of the pseudonyms."""

    personal_data: PersonalData
    keys: Keys
    #: Fields of the ledger that a setting lets in, in snake case; dots step into objects.
    session_fields: tuple[str, ...] = ()

    @property
    def keep_personal(self) -> bool:
        """Whether people are kept in clear."""
        return self.personal_data == "full"

    def pseudonym(self, email: Any) -> str | None:
        """Return the same 32 hex digits for the same address, which nobody can turn around."""
        return None if self.personal_data == "none" else self.keys.pseudonym(email)

    def identity(self, text: str | None) -> str:
        """Return a short text for a text, from which nobody can tell it."""
        return self.keys.identity(text or "")

    def text(self, column: str, value: str) -> str:
        """Return a text as its column may hold it: without secrets, and no sentence as a place.

        Raises:
            BadValueError: it is a sentence in the place of a word or a number.
        """
        text, kind = clean(value), KINDS.get(column)
        if not self.keep_personal and not is_word(kind, text):
            raise BadValueError("is a sentence, and no word")
        return text if kind != "term" else self._of_kind("term", text)

    def id(self, value: str) -> str:
        """Return an id, which is no secret and no address of somebody.

        Raises:
            BadValueError: it is one.
        """
        kept = _without_secret_words(value) if self.keep_personal else clean(value)
        if kept != value:
            raise BadValueError("is a secret or an address, and no id")
        return value

    def word(self, text: str) -> str:
        """Return the status of a bad record, of which it is not sure that it is one."""
        return self._of_kind("word", clean(text))

    def _of_kind(self, kind: Kind, text: str) -> str:
        return text if self.keep_personal or fits(kind, text) else marker(text) or text

    def kept(self, value: Any) -> Any:
        """Copy a JSON value as it may enter a table; where people are kept, without secrets.

        What was kept once is kept as it is: cleaning it again changes nothing.
        """
        if self.keep_personal:
            return without_secrets(value)
        dropped = FREE_TEXT if self.personal_data == "none" else frozenset()
        return kept_of(value, dropped)


def is_secret_name(name: str) -> bool:
    """Tell whether what stands under a name, in snake case, may be a secret."""
    return bool(_SECRET_NAME.search(name))


def kept_of(value: Any, dropped: frozenset[Kind] = frozenset()) -> Any:
    """Keep of a JSON value what the allow-list lets stay, without values of the dropped kinds."""
    return _kept(value, "object", "listed", dropped, 0)


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
    return _EMAIL.sub(REMOVED, text) if _AT.search(text) else text


def _without_secret_words(text: str) -> str:
    if "/" in text or "www." in text:
        text = _URL.sub(REMOVED, text)
    return _SECRET_VALUE.sub(REMOVED, text) if may_be_secret(text) else text


def _scrubbed_text(text: str, scrub: Callable[[Any], Any], plain: Callable[[str], str]) -> str:
    """Scrub a text; JSON in it as JSON, and nothing is kept of JSON that was cut off."""
    if not _OBJECT_TEXT.match(text):
        return plain(text)
    try:
        found = _from_json(text)
    except ValueError:
        return REMOVED
    kept = scrub(found)
    return text if kept == found else json.dumps(kept, ensure_ascii=False, default=str)


def _from_json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ValueError from error


@dataclass(frozen=True)
class _Field:
    """What a field's name tells: a few hundred names stand in millions of records."""

    kept_as: str
    shown_as: str
    is_secret: bool
    is_place: bool
    kind: Kind | None

    @classmethod
    @lru_cache(maxsize=4096)
    def named(cls, name: str) -> _Field:
        plain = snake(name)
        kind = KINDS.get(plain)
        shown = name if kind or name == _NO_FIELD_NAME or _is_field_name(name) else _NO_FIELD_NAME
        return cls(
            kept_as=clean(name),
            shown_as=shown,
            is_secret=is_secret_name(plain),
            is_place=plain in PLACES,
            kind=kind,
        )

    def kind_in(self, scope: _Scope) -> Kind | None:
        """Return the kind that a value of this name must have here; None: it may not stay."""
        if scope == "unlisted" or (scope == "person" and not self.is_place):
            return "person" if scope == "person" and self.kind == "person" else None
        return self.kind


def _is_field_name(name: str) -> bool:
    return _FIELD_NAME.fullmatch(name) is not None and _SECRET_VALUE.search(name) is None


def _kept(value: Any, kind: Kind | None, scope: _Scope, dropped: frozenset[Kind], deep: int) -> Any:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str) and kind in ("object", "person") and _OBJECT_TEXT.match(value):
        try:
            value = _from_json(value)
        except ValueError:
            return marker(value)
    if deep >= _DEEPEST:
        return marker(value)
    if isinstance(value, Mapping):
        within: _Scope = "unlisted" if kind is None else "person" if kind == "person" else scope
        return _kept_object(value, within, dropped, deep + 1)
    if isinstance(value, list):
        return _kept_list(value, kind, scope, dropped, deep + 1)
    may_stay = kind is not None and kind not in dropped and fits(kind, value)
    return value if may_stay and not _is_barred(value) else marker(value)


def _is_barred(value: Any) -> bool:
    """Tell whether a value is a secret or an address, whatever its name lets in."""
    if not isinstance(value, str):
        return False
    is_secret = may_be_secret(value) and _SECRET_VALUE.search(value)
    return bool(is_secret or (_AT.search(value) and _EMAIL.search(value)))


#: One of these is in every secret that has no blank and no equals sign.
TELLTALES = "_test_|_live_|whsec_|eyJ|tok_|AKIA|ASIA|gh[a-z]_|gh[a-z]-|glpat|xox[a-z]|BEGIN"
_TELLTALE = re.compile(f"=|Bearer|Basic|{TELLTALES}")


def may_be_secret(text: str) -> bool:
    """Tell in a moment that a text has nothing that every secret has; the pattern takes long."""
    return _TELLTALE.search(text) is not None


def _kept_object(
    value: Mapping[Any, Any], scope: _Scope, dropped: frozenset[Kind], deep: int
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, part in value.items():
        field = _Field.named(str(name))
        if field.is_secret:
            continue
        kind = field.kind_in(scope)
        shown = field.shown_as if kind or len(kept) < _MOST_NAMES else _NO_FIELD_NAME
        kept[shown] = _kept(part, kind, scope, dropped, deep)
    return kept


def _kept_list(
    value: list[Any], kind: Kind | None, scope: _Scope, dropped: frozenset[Kind], deep: int
) -> list[Any]:
    """Keep each part of a list; of one that is not on the list, each type once."""
    if kind is not None:
        return [_kept(part, kind, scope, dropped, deep) for part in value]
    shapes: list[Any] = []
    for part in value:
        shape = _kept(part, kind, scope, dropped, deep)
        if shape not in shapes and len(shapes) < _MOST_SHAPES:
            shapes.append(shape)
    return shapes


# For many records of one shape ---------------------------------------------------------------
# The same rule, with what the names decide by themselves decided once.

Scope = _Scope


def kept_part(
    privacy: Privacy, value: Any, kind: Kind | None, scope: Scope = "listed", deep: int = 0
) -> Any:
    """Keep of a value inside others what may stay: under a name of this kind, so deep inside."""
    dropped = FREE_TEXT if privacy.personal_data == "none" else frozenset()
    return _kept(value, kind, scope, dropped, deep)


def plan_of(names: Collection[str], scope: Scope) -> list[tuple[str, str, Kind | None]] | None:
    """Return for each name of an object that stays: how it is shown, itself, its value's kind.

    None where more than the names decides: of very many, and of two that are shown as one.
    """
    fields = [(_Field.named(name), name) for name in names]
    kept = [(f.shown_as, name, f.kind_in(scope)) for f, name in fields if not f.is_secret]
    shown = {name for name, _, _ in kept}
    return kept if len(shown) == len(kept) and len(kept) < _MOST_NAMES else None


def scope_within(kind: Kind | None, scope: Scope) -> Scope:
    """Return where the fields of an object stand that has a name of this kind."""
    return "unlisted" if kind is None else "person" if kind == "person" else scope
