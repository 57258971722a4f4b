"""The session marts, from the ledger and the orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
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

    def fct_sessions(self) -> list[Row]:
        """Sessions of the ledger, and those that only an order or an event shows."""
        return self._every_session

    @cached_property
    def _every_session(self) -> list[Row]:
        by_session: dict[str, list[Row]] = defaultdict(list)
        for order in self.fct_orders():
            by_session[order["session_id"]].append(order)
        events: dict[str, datetime] = {}
        for log in self.history.logs:
            if log["order_id"] not in self.known:
                at = events.get(log["session_id"], log["event_at"])
                events[log["session_id"]] = min(at, log["event_at"])
        return [
            self._session(session_id, by_session[session_id], events.get(session_id))
            for session_id in self._ledger.keys() | by_session.keys() | events.keys()
        ]

    def _session(self, session_id: str, orders: list[Row], event_at: datetime | None) -> Row:
        listed = self._ledger.get(session_id)
        first: Any = min((order["created_at"] for order in orders), default=None)
        paid = [order for order in orders if order["is_paid"]]
        first_paid = min((o["paid_at"] for o in paid if o["paid_at"]), default=None)
        created: Any = listed["created_at"] if listed else first or event_at
        known = [self.known[order["order_id"]]["paid"] for order in paid]
        earliest = min((at.at or at.not_before or first for at in known), default=None)
        if first_paid and earliest < first_paid:
            first_paid = None
        two_days = created + timedelta(hours=48)
        is_within: bool | None = any((at.at or at.not_after) <= two_days for at in known)
        is_unclear = not paid and any(order["is_payment_unknown"] for order in orders)
        if is_unclear or not listed or (known and not is_within and earliest <= two_days):
            is_within = None
        kept = [order for order in paid if not order["is_cancelled"]]
        currencies = {order["currency"] for order in paid}
        is_summable = len(currencies) <= 1
        return {
            "session_id": session_id,
            "created_at": created,
            "cohort_date": self.date(created),
            "status": self._session_status(created, bool(orders or event_at)),
            "source": "ledger" if listed else "order" if orders else "event",
            "orders": len(orders),
            "paid_orders": len(paid),
            "net_paid_orders": len(kept),
            "first_order_at": first,
            "first_paid_at": first_paid,
            "is_ordered": bool(orders),
            "is_converted": bool(paid),
            "is_converted_net": bool(kept),
            "is_payment_unknown": is_unclear,
            "is_paid_within_48h": is_within,
            "is_mature": created + MATURITY <= AS_OF,
            "seconds_to_order": (first - created).total_seconds() if listed and first else None,
            "seconds_to_paid": (
                (first_paid - created).total_seconds() if listed and first_paid else None
            ),
            "currency": max(currencies) if currencies and is_summable else None,
            "revenue": _total(paid) if is_summable else None,
            "net_revenue": _total(kept) if is_summable else None,
        }

    def _session_status(self, created: datetime, has_led_to_order: bool) -> str:
        if has_led_to_order:
            return "completed"
        if created + MATURITY <= AS_OF:
            return "expired"
        return "pending" if created + timedelta(minutes=15) > AS_OF else "active"

    def session_conversion_daily(self) -> Iterator[Row]:
        """Sessions of the ledger by day, with rates once they are mature."""
        by_day: dict[date, list[Row]] = defaultdict(list)
        for session in self.fct_sessions():
            by_day[session["cohort_date"]].append(session)
        books = {
            s["currency"] if s["revenue"] is not None else s["session_id"]
            for s in self.fct_sessions()
            if s["source"] == "ledger" and s["is_converted"]
        }
        is_summable = len(books) <= 1 and None not in books
        for day, every in by_day.items():
            listed = [session for session in every if session["source"] == "ledger"]
            ordered = sum(session["is_ordered"] for session in listed)
            paid = sum(session["is_converted"] for session in listed)
            end = datetime.combine(day + timedelta(1), datetime.min.time(), tzinfo=self._zone)
            is_mature = end <= AS_OF and all(session["is_mature"] for session in every)
            has_rate = is_mature and listed
            unclear = sum(session["is_payment_unknown"] for session in listed)
            low, high = _paid_between(paid, unclear, len(listed)) if has_rate else (None, None)
            is_told = has_rate and 10 * unclear <= len(listed)
            order_low, order_high = wilson(ordered, len(listed)) if has_rate else (None, None)
            net = sum(session["is_converted_net"] for session in listed)
            currencies = {s["currency"] for s in listed if s["is_converted"]}
            within = [session["is_paid_within_48h"] for session in listed]
            sure, open_48h = within.count(True), within.count(None)
            has_48h = has_rate and end + timedelta(hours=48) <= AS_OF
            low_48h, high_48h = (
                _paid_between(sure, open_48h, len(listed)) if has_48h else (None, None)
            )
            is_told_48h = has_48h and 10 * open_48h <= sure
            with_order = sum(session["is_ordered"] for session in every)
            yield {
                "cohort_date": day,
                "sessions": len(listed),
                "ordered_sessions": ordered,
                "paid_sessions": paid,
                "net_paid_sessions": net,
                "payment_unknown_sessions": unclear,
                "mature_sessions": sum(session["is_mature"] for session in listed),
                "order_rate": ordered / len(listed) if has_rate else None,
                "order_rate_low": order_low,
                "order_rate_high": order_high,
                "paid_rate": paid / len(listed) if is_told else None,
                "paid_rate_low": low,
                "paid_rate_high": high,
                "net_paid_rate": net / len(listed) if has_rate else None,
                "paid_within_48h_sessions": sure,
                "paid_within_48h_rate": sure / len(listed) if is_told_48h else None,
                "paid_within_48h_rate_low": low_48h,
                "paid_within_48h_rate_high": high_48h,
                "is_mature": is_mature,
                "is_proven": is_mature,
                "currency": max(currencies) if currencies and is_summable else None,
                "revenue": sum(s["revenue"] for s in listed) if is_summable else None,
                "net_revenue": sum(s["net_revenue"] for s in listed) if is_summable else None,
                "unledgered_sessions": len(every) - len(listed),
                "ledger_coverage": ordered / with_order if with_order else None,
            }

    def session_funnel(self) -> Iterator[Row]:
        """How far the ledger's mature sessions came; no rate where an order may still take them."""
        orders: dict[str, list[Row]] = defaultdict(list)
        for order in self.fct_orders():
            orders[order["session_id"]].append(order)
        listed = [s for s in self.fct_sessions() if s["source"] == "ledger" and s["is_mature"]]
        reached = {
            "sessions": listed,
            "ordered": [s for s in listed if s["is_ordered"]],
            "paid": (paid := [s for s in listed if s["is_converted"]]),
            "shipped": [
                s for s in paid if _passed(orders[s["session_id"]], "shipped", "delivered")
            ],
            "delivered": [s for s in paid if _passed(orders[s["session_id"]], "delivered")],
        }
        before = None
        for position, (step, sessions) in enumerate(reached.items(), 1):
            open_ones = [s for s in paid if any(o["is_open"] for o in orders[s["session_id"]])]
            is_final = all(s in sessions for s in open_ones)
            has_rate = is_final and bool(listed)
            unclear = sum(s["is_payment_unknown"] for s in listed) if position >= 3 else 0
            low, high = (
                _paid_between(len(sessions), unclear, len(listed)) if has_rate else (None, None)
            )
            is_told = has_rate and 10 * unclear <= len(listed)
            yield {
                "step": step,
                "position": position,
                "sessions": len(sessions),
                "rate": len(sessions) / len(listed) if is_told else None,
                "rate_low": low,
                "rate_high": high,
                "rate_of_previous": len(sessions) / before if has_rate and before else None,
                "net_sessions": sum(s["is_converted_net"] for s in sessions),
                "payment_unknown_sessions": unclear,
                "is_final": is_final,
            }
            before = len(sessions)

    def orders_daily(self) -> Iterator[Row]:
        """Orders and money by day, each order once by its creation and once by its payment."""
        groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for order in self.fct_orders():
            currency = order["currency"] or "unknown"
            for basis in ("created", "paid") if order["is_paid"] else ("created",):
                at = order[f"{basis}_at"]
                groups[at and self.date(at), basis, currency].append(order)
        for (day, basis, currency), orders in groups.items():
            paid = [order for order in orders if order["is_paid"]]
            yield {
                "date": day,
                "date_basis": basis,
                "currency": currency,
                "orders": len(orders),
                "paid_orders": len(paid),
                "orders_payment_unknown": sum(order["is_payment_unknown"] for order in orders),
                "orders_without_amount": 0,
                "revenue": _total(paid),
                "net_revenue": _total([o for o in paid if not o["is_cancelled"]]),
                "average_order_value": float(_total(paid)) / len(paid) if paid else None,
            }

    def session_revenue_daily(self) -> Iterator[Row]:
        """Money by the day of the session."""
        sessions = {session["session_id"]: session for session in self.fct_sessions()}
        groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for order in self.fct_orders():
            session = sessions[order["session_id"]]
            if order["is_paid"]:
                currency = order["currency"] or "unknown"
                key = (session["cohort_date"], session["source"], currency)
                groups[key].append(order)
        for (day, source, currency), orders in groups.items():
            lost = [order for order in orders if order["is_cancelled"]]
            yield {
                "cohort_date": day,
                "source": source,
                "currency": currency,
                "paid_orders": len(orders),
                "revenue": _total(orders),
                "cancelled_orders": len(lost),
                "cancelled_revenue": _total(lost),
                "net_revenue": _total(orders) - _total(lost),
            }


def _passed(orders: list[Row], *steps: str) -> bool:
    return any(order[f"{step}_at_source"] for order in orders for step in steps)


def _paid_between(sure: int, unclear: int, trials: int) -> tuple[float, float]:
    return wilson(sure, trials)[0], wilson(sure + unclear, trials)[1]


def _total(orders: list[Row]) -> Decimal:
    return sum((order["total_amount"] for order in orders), Decimal(0))
