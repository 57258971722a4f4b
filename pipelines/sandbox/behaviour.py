"""How the API answers: every shape and habit that the sources show or leave open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, TypeVar, cast, get_args, get_type_hints

from pipelines.errors import ConfigurationError
from pipelines.sandbox.listing import Sort

#: The longest page of any version.
MAX_LIMIT: Final = 100

_PLAIN: Final[dict[Any, Any]] = {bool: bool, int: int, float: (int, float), str: str}

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class Behaviour:
    """The API's habits. The defaults are version 1.0 in its richest shape."""

    versions: Literal["1.0", "1.1", "both"] = "both"
    """Whose paths are served. Only under 1.1 alone is an Idempotency-Key required."""
    sort: Sort = "newest_first"
    """The order of both lists by creation; `unsorted` is stable, `shuffled` new at each request."""
    page_clamp: int = MAX_LIMIT
    """The longest page that is really given, whatever was asked for."""
    default_limit: int = 20
    """The page's length where none is asked for."""
    over_limit: Literal["clamp", "refuse"] = "clamp"
    """What becomes of a `limit` above 100."""
    envelope: Literal["plain", "success", "data"] = "plain"
    """`{"orders": …}`, `{"success": true, "orders": …}` or `{"success": true, "data": {…}}`."""
    logs_key: Literal["logs", "webhook_logs", "webhookLogs", "data"] = "logs"
    """What the envelope calls the list of logs."""
    case: Literal["snake", "camel"] = "snake"
    """The case of the fields of rows."""
    order_id_field: Literal["auto", "order_id", "orderId", "id"] = "auto"
    """What an order calls its id; `auto` follows the case."""
    log_id_field: Literal["auto", "webhook_log_id", "webhookLogId", "id"] = "auto"
    """What a log row calls its id; `auto` follows the case."""
    event_field: Literal["event", "event_type", "eventType"] = "event"
    """What a log row calls its event."""
    fields: Literal["full", "minimal"] = "full"
    """`minimal`: the six fields of an order in the vendor's example."""
    order_times: bool = True
    """Whether orders tell when they were paid, shipped, delivered and cancelled (not `minimal`)."""
    log_times: Literal["all", "created", "none"] = "all"
    """Which times a log row carries besides its payload's timestamp."""
    payload: Literal["object", "text", "none"] = "object"
    """How a log row carries the event that was sent."""
    payload_session: Literal["uuid", "sess"] = "uuid"
    """The kind of id that `sessionId` at the payload's top is."""
    filters: Literal["honoured", "ignored", "refused"] = "honoured"
    """What becomes of the filters that exist."""
    unknown_filters: Literal["ignored", "refused"] = "ignored"
    """What becomes of any other parameter."""
    order_filters: tuple[str, ...] = ("status",)
    """The filters that the orders list has."""
    log_filters: tuple[str, ...] = ("status", "event", "event_type", "session_id")
    """The filters that the logs list has."""
    total: Literal["filtered", "all", "missing"] = "filtered"
    """What `total` counts."""
    money: Literal["number", "text"] = "number"
    """How amounts are written: 29.99 or "29.99"."""
    paid_status: Literal["processing", "paid"] = "processing"
    """What a paid order is called."""

    @classmethod
    def v1_1(cls) -> Behaviour:
        """Return what the vendor's guide to version 1.1 shows."""
        return cls(
            versions="1.1",
            envelope="success",
            case="camel",
            order_id_field="id",
            event_field="eventType",
            payload_session="sess",
            paid_status="paid",
        )


def patched(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return a copy of a settings dataclass with some values changed, each one checked."""
    hints = get_type_hints(type(settings))
    known = {field.name for field in fields(cast(Any, settings))}
    for name, value in changes.items():
        if name not in known:
            raise ConfigurationError(f"There is no setting {name!r}.", hint=_hint(known))
        choices = get_args(hints[name])
        if choices and all(isinstance(choice, str) for choice in choices) and value not in choices:
            raise ConfigurationError(f"{name} cannot be {value!r}.", hint=_hint(choices))
        if hints[name] in _PLAIN and not isinstance(value, _PLAIN[hints[name]]):
            raise ConfigurationError(f"{name} cannot be {value!r}.", hint="It is of another type.")
    tidy = {name: tuple(v) if isinstance(v, list) else v for name, v in changes.items()}
    return replace(cast(Any, settings), **tidy)  # type: ignore[no-any-return]


def _hint(choices: Any) -> str:
    return f"Choose one of {', '.join(sorted(choices))}."
