"""The session marts, from the ledger and the orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from truth_estimators import wilson
from truth_orders import OrderTruth
from truth_world import AS_OF, Row

MATURITY = timedelta(hours=24, minutes=15)


class SessionTruth(OrderTruth):
    """What became of the sessions."""

    @cached_property
    def _ledger(self) -> dict[str, Row]:
        return {row["session_id"]: row for row in self.history.ledger}

    def fct_sessions(self) -> Iterator[Row]:
        """Sessions of the ledger, and those that only an order shows."""
        by_session: dict[str, list[Row]] = defaultdict(list)
        for order in self.fct_orders():
            by_session[order["session_id"]].append(order)
        for session_id in self._ledger.keys() | by_session.keys():
            yield self._session(session_id, by_session[session_id])

    def _session(self, session_id: str, orders: list[Row]) -> Row:
        listed = self._ledger.get(session_id)
        first = min((order["created_at"] for order in orders), default=None)
        paid = [order for order in orders if order["is_paid"]]
        first_paid = min((o["paid_at"] for o in paid if o["paid_at"]), default=None)
        created = listed["created_at"] if listed else first
        return {
            "session_id": session_id,
            "created_at": created,
            "cohort_date": self.date(created),
            "status": self._session_status(created, orders),
            "source": "ledger" if listed else "order",
            "orders": len(orders),
            "paid_orders": len(paid),
            "net_paid_orders": sum(order["cancelled_at_source"] is None for order in paid),
            "first_order_at": first,
            "first_paid_at": first_paid,
            "is_ordered": bool(orders),
            "is_converted": bool(paid),
            "is_mature": created + MATURITY <= AS_OF,
            "seconds_to_order": (first - created).total_seconds() if listed and first else None,
            "seconds_to_paid": (
                (first_paid - created).total_seconds() if listed and first_paid else None
            ),
            "revenue": sum(order["total_amount"] for order in paid),
        }

    def _session_status(self, created: datetime, orders: list[Row]) -> str:
        if orders:
            return "completed"
        if created + MATURITY <= AS_OF:
            return "expired"
        return "pending" if created + timedelta(minutes=15) > AS_OF else "active"

    def session_conversion_daily(self) -> Iterator[Row]:
        """Sessions of the ledger by day, with rates once they are mature."""
        by_day: dict[date, list[Row]] = defaultdict(list)
        for session in self.fct_sessions():
            by_day[session["cohort_date"]].append(session)
        for day, every in by_day.items():
            listed = [session for session in every if session["source"] == "ledger"]
            ordered = sum(session["is_ordered"] for session in listed)
            paid = sum(session["is_converted"] for session in listed)
            has_rate = all(session["is_mature"] for session in every) and listed
            low, high = wilson(paid, len(listed)) if has_rate else (None, None)
            with_order = sum(session["is_ordered"] for session in every)
            yield {
                "cohort_date": day,
                "sessions": len(listed),
                "ordered_sessions": ordered,
                "paid_sessions": paid,
                "order_rate": ordered / len(listed) if has_rate else None,
                "paid_rate": paid / len(listed) if has_rate else None,
                "paid_rate_low": low,
                "paid_rate_high": high,
                "is_mature": all(session["is_mature"] for session in every),
                "revenue": sum(session["revenue"] for session in listed),
                "ledger_coverage": ordered / with_order if with_order else None,
            }

    def session_revenue_daily(self) -> Iterator[Row]:
        """Money by the day of the session."""
        sessions = {session["session_id"]: session for session in self.fct_sessions()}
        groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for order in self.fct_orders():
            session = sessions[order["session_id"]]
            if order["is_paid"]:
                key = (session["cohort_date"], session["source"], order["currency"])
                groups[key].append(order)
        for (day, source, currency), orders in groups.items():
            total = sum(order["total_amount"] for order in orders)
            lost = [order for order in orders if order["cancelled_at_source"]]
            yield {
                "cohort_date": day,
                "source": source,
                "currency": currency,
                "paid_orders": len(orders),
                "revenue": total,
                "cancelled_orders": len(lost),
                "net_revenue": total - sum(order["total_amount"] for order in lost),
            }
