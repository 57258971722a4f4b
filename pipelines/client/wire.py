"""What the API's versions and texts disagree on: paths, limits, envelopes and names.

Sources: S, the vendor's published collection v1.0 (the default); E, the vendor's example
integration; G, the vendor's guide v1.1. Where S is silent and E and G differ, both are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from pipelines.client.governor import Limit
from pipelines.decoding import NotTheContractError, Undecodable, decode, shown_key
from pipelines.lists import ListSpec

__all__ = [
    "CONTRACTS",
    "NO_CONTENT",
    "V1_0",
    "V1_1",
    "Contract",
    "Json",
    "Listed",
    "NotTheContractError",
    "Page",
    "Undecodable",
    "decode",
    "error_of",
    "is_error",
    "unwrap_list",
    "unwrap_object",
    "whole_number",
]

Json = dict[str, Any]

_ANY_LIST = ("data", "items", "results", "records")
_TOTAL = ("total", "total_count", "totalCount")
#: The body of an answer whose status says that there is none.
NO_CONTENT: Final = object()
#: A number as a text, as servers send it whose database driver gives long integers as texts.
_WHOLE = re.compile(r"[0-9]{1,15}(?:\.0{1,15})?")
_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")


@dataclass(frozen=True)
class Contract:
    """Paths, limits and habits of one version of the API."""

    version: str
    create_session: str
    retry_webhook: str
    resend_webhook: str
    read_session: str | None
    event_filter: str
    limits: tuple[Limit, ...]

    def path(self, template: str, **parts: str) -> str:
        """Fill a path's parts in, quoted, so that an id cannot change the path."""
        return template.format(**{name: quote(part, safe="") for name, part in parts.items()})


V1_0 = Contract(
    version="1.0",
    create_session="/api/v1/partner-session",
    retry_webhook="/api/v1/webhooks/retry",
    resend_webhook="/api/v1/webhooks/resend",
    read_session=None,
    event_filter="event",
    limits=(Limit("minute", 60, 60), Limit("day", 86_400, 10_000)),
)
V1_1 = Contract(
    version="1.1",
    create_session="/api/v1/partner-session",
    retry_webhook="/api/v1/partners/webhook-logs/{webhook_log_id}/retry",
    resend_webhook="/api/v1/partners/webhooks/resend",
    read_session="/api/v1/partner-session/{session_id}",
    event_filter="event_type",
    limits=(Limit("minute", 60, 100), Limit("hour", 3_600, 1_000)),
)
CONTRACTS = {contract.version: contract for contract in (V1_0, V1_1)}


@dataclass(frozen=True)
class Page:
    """One answer of a list.

    A row is what the API sent, or :class:`Undecodable`. ``total`` is what the API says there is (of
    the filtered list or of all: it does not tell); None where it says nothing. The answer was made
    at ``asked_at`` or later, in epoch seconds of the server's clock, or of ours where nothing is
    known of it. A cache's answer is ``age_seconds`` older than the request, and so is its
    ``asked_at``. ``place`` says where the rows were read, for a person.
    """

    rows: Sequence[Any]
    total: int | None
    asked_at: float
    place: str
    age_seconds: float = 0.0


@dataclass(frozen=True)
class Listed:
    """What the envelope of a list holds. ``total`` is None where it does not tell it."""

    rows: Sequence[Any]
    total: int | None = None


def unwrap_list(body: Any, spec: ListSpec) -> Listed:
    """Find the rows and their total in any of the envelopes that the API's texts show.

    An answer without content is an empty list, and so is null in a list's place unless the total
    says that there is something.

    Raises:
        NotTheContractError: there is no list where one of the envelopes has it.
    """
    if body is NO_CONTENT:
        return Listed([])
    if isinstance(body, list):
        return Listed(body)
    if not isinstance(body, Mapping):
        raise NotTheContractError(f"the answer is a JSON {type(body).__name__}, not an object")
    holders = [holder for holder in (body, body.get("data")) if isinstance(holder, Mapping)]
    for find in (_rows, _nothing):
        for holder in holders:
            total = _total(holder, body)
            rows = find(holder, spec.envelopes, total)
            if rows is not None:
                return Listed(rows, total)
    keys = ", ".join(sorted({shown_key(str(key)).strip("'") for key in body})[:12]) or "none"
    raise NotTheContractError(f"the answer holds no list of {spec.name} (its keys: {keys})")


def _rows(holder: Mapping[str, Any], own: Sequence[str], _: int | None) -> list[Any] | None:
    lists = (holder.get(name) for name in (*own, *_ANY_LIST))
    return next((rows for rows in lists if isinstance(rows, list)), None)


def _nothing(holder: Mapping[str, Any], own: Sequence[str], total: int | None) -> list[Any] | None:
    """Take null for an empty list: under the list's own name, or where the total agrees."""
    nulls = {name for name in (*own, *_ANY_LIST) if name in holder and holder[name] is None}
    return [] if (nulls & {*own} and not total) or (nulls and total == 0) else None


def _total(*holders: Mapping[str, Any]) -> int | None:
    scopes = (
        scope
        for holder in holders
        for scope in (holder, holder.get("pagination"), holder.get("meta"))
        if isinstance(scope, Mapping)
    )
    numbers = (whole_number(scope.get(name)) for scope in scopes for name in _TOTAL)
    return next((number for number in numbers if number is not None), None)


def whole_number(value: Any) -> int | None:
    """Return a count that came as 250, 250.0 or "250"; None for what counts nothing."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = Decimal(value.strip())
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() <= 15:
        value = int(value) if value == int(value) else None
    return value if type(value) is int and value >= 0 else None


def unwrap_object(body: Any) -> Json:
    """Return the object that the answer to a write holds, with or without an envelope.

    Raises:
        NotTheContractError: the answer is not a JSON object.
    """
    if body is NO_CONTENT:
        return {}
    if not isinstance(body, dict):
        raise NotTheContractError(f"the answer is a JSON {type(body).__name__}, not an object")
    inner = body.get("data")
    return inner if isinstance(inner, dict) else body


def is_error(body: Any) -> bool:
    """Tell whether an answer says that it is an error, whatever its status is."""
    if not isinstance(body, Mapping):
        return False
    success, error = body.get("success"), body.get("error") or body.get("errors")
    # What was done may well tell of an error that came before: of a delivery, say.
    return success in (False, "false") or bool(error and not (success and isinstance(error, str)))


def error_of(body: Any) -> tuple[str | None, str | None]:
    """Return the code and message of an error, as far as they are there.

    They stand in ``error``, in the first of ``errors``, or beside it.
    """
    if not isinstance(body, Mapping):
        return None, None
    several = body.get("errors")
    error = body.get("error") or (several[0] if isinstance(several, list) and several else None)
    inner = error if isinstance(error, Mapping) else {}
    word = error if isinstance(error, str) else None
    codes = [holder.get(name) for holder in (inner, body) for name in ("code", "statusCode")]
    if word and _CODE.fullmatch(word):
        codes.insert(0, word)
    return next(_texts(codes), None), next(
        _texts([inner.get("message"), body.get("message"), word]), None
    )


def _texts(values: Sequence[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str) or type(value) is int:
            yield str(value)[:10_000]
