"""What the models can be told."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ModelSettings:
    """The settings of a build: one field is one column of ``staging.build_settings``."""

    report_time_zone: str = field(
        default="UTC",
        metadata={"description": "IANA zone that turns times into dates; it changes no time."},
    )
    session_maturity_minutes: int = field(
        default=1455,
        metadata={"description": "Age at which a session can no longer convert: 24 h 15 min."},
    )
    retry_settled_minutes: int = field(
        default=156,
        metadata={"description": "Age at which the API has stopped retrying a delivery."},
    )
    delivery_promise_days: int = field(
        default=0,
        metadata={"description": "Days from payment in which delivery is promised; 0 for none."},
    )
    session_fields: str = field(
        default="",
        metadata={"description": "Fields of the ledger that are columns, with commas."},
    )

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the ledger that are columns; dots step into objects."""
        return tuple(filter(None, self.session_fields.split(",")))
