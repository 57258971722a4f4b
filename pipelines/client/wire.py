"""What the API's versions and texts disagree on: paths, limits, envelopes and names.

Sources: S, the vendor's published collection v1.0 (the default); E, the vendor's example
integration; G, the vendor's guide v1.1. Where S is silent and E and G differ, both are taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pipelines.client.governor import Limit

Json = dict[str, Any]

_LIST_NAMES = {
    "orders": ("orders",),
    "webhook_logs": ("logs", "webhook_logs", "webhookLogs"),
}
_ANY_LIST = ("data", "items", "results", "records")


@dataclass(frozen=True)
class Contract:
    """Paths, limits and habits of one version of the API."""

    version: str
    orders: str
    webhook_logs: str
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
    orders="/api/v1/partners/{partner_id}/orders",
    webhook_logs="/api/v1/webhooks/logs",
    create_session="/api/v1/partner-session",
    retry_webhook="/api/v1/webhooks/retry",
    resend_webhook="/api/v1/webhooks/resend",
    read_session=None,
    event_filter="event",
    limits=(Limit("minute", 60, 60), Limit("day", 86_400, 10_000)),
)
V1_1 = Contract(
    version="1.1",
    orders="/api/v1/partners/orders",
    webhook_logs="/api/v1/partners/webhook-logs",
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

    ``total`` is what the API says there is (of the filtered list or of all: it does not tell);
    None where it says nothing. The answer was made between ``asked_at`` and ``answered_at``, in
    epoch seconds of the server's clock. ``place`` says where the rows were read, for a person.
    """

    rows: Sequence[Any]
    total: int | None
    asked_at: float
    answered_at: float
    place: str


class NotTheContractError(ValueError):
    """An answer's body is not of a form that any version of the API has."""


def decode(body: bytes) -> Any:
    """Parse JSON with every number exact: fractions become ``Decimal``, never float.

    Raises:
        NotTheContractError: the body is not JSON, or holds NaN or an infinity.
    """
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError) as error:
        kind = "a web page" if body.lstrip()[:1] == b"<" else "empty" if not body else "not JSON"
        raise NotTheContractError(f"the answer is {kind}") from error


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def unwrap_list(body: Any, resource: str) -> tuple[Sequence[Any], int | None]:
    """Find the rows and the total in any of the envelopes that the API's texts show.

    Raises:
        NotTheContractError: there is no list where one of the envelopes has it.
    """
    if isinstance(body, list):
        return body, None
    if not isinstance(body, Mapping):
        raise NotTheContractError(f"the answer is a JSON {type(body).__name__}, not an object")
    names = (*_LIST_NAMES[resource], *_ANY_LIST)
    for holder in (body, body.get("data")):
        if not isinstance(holder, Mapping):
            continue
        for name in names:
            if isinstance(holder.get(name), list):
                return holder[name], _total(holder, body)
    keys = ", ".join(sorted(str(key)[:40] for key in body)[:12]) or "none"
    raise NotTheContractError(f"the answer holds no list of {resource} (its keys: {keys})")


def _total(*holders: Mapping[str, Any]) -> int | None:
    for holder in holders:
        for scope in (holder, holder.get("pagination"), holder.get("meta")):
            total = scope.get("total") if isinstance(scope, Mapping) else None
            if isinstance(total, int) and not isinstance(total, bool) and total >= 0:
                return total
    return None


def unwrap_object(body: Any) -> Json:
    """Return the object that the answer to a write holds, with or without an envelope.

    Raises:
        NotTheContractError: the answer is not a JSON object.
    """
    if not isinstance(body, dict):
        raise NotTheContractError(f"the answer is a JSON {type(body).__name__}, not an object")
    inner = body.get("data")
    return inner if isinstance(inner, dict) else body


def error_of(body: Any) -> tuple[str | None, str | None]:
    """Return the code and message of the error envelope, as far as they are there."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(error, str):
        return None, error
    if not isinstance(error, Mapping):
        return None, None
    code, message = error.get("code"), error.get("message")
    return (
        code if isinstance(code, str) else None,
        message if isinstance(message, str) else None,
    )
