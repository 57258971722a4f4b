"""The webhook marts, from the logs and from what the orders imply."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cached_property

from truth_estimators import CANCELLED, ENDED, OPEN, Subject, incidence, quantile
from truth_orders import Known, OrderTruth
from truth_world import AS_OF, STEPS, Row

TIMETABLE = {1: 0, 2: 1, 3: 6, 4: 36, 5: 156}


class WebhookTruth(OrderTruth):
    """What became of the events."""

    def fct_webhook_deliveries(self) -> Iterator[Row]:
        """Logs, with the time of delivery that the API tells or its timetable implies."""
        for log in self.history.logs:
            delivered = self._delivered(log)
            yield {
                "webhook_log_id": log["webhook_log_id"],
                "order_id": log["order_id"],
                "session_id": log["session_id"],
                "event_type": log["event_type"],
                "event_at": log["event_at"],
                "status": log["status"],
                "attempts": log["attempts"],
                "first_attempt_delivered": (
                    log["status"] == "sent" and log["attempts"] == 1 if log["attempts"] else None
                ),
                "delivered_at": delivered,
                "seconds_to_deliver": (
                    (delivered - log["event_at"]).total_seconds() if delivered else None
                ),
            }

    def _delivered(self, log: Row) -> datetime | None:
        if log["status"] != "sent":
            return None
        if self.history.scenario.log_times == "all":
            delivered: datetime | None = log["delivered_at"]
            return delivered
        created: datetime = log["created_at"]
        return created + timedelta(minutes=TIMETABLE[log["attempts"]])

    @cached_property
    def events(self) -> list[Row]:
        """Events: logs of one order and type are one event."""
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for log in self.history.logs:
            groups[log["order_id"], log["event_type"]].append(log)
        return [self._event(key, logs) for key, logs in groups.items()]

    def _event(self, key: tuple[str, str], logs: list[Row]) -> Row:
        statuses = {log["status"] for log in logs}
        delivered = min((at for log in logs if (at := self._delivered(log))), default=None)
        first = min(logs, key=lambda log: log["created_at"])
        at = min(log["event_at"] for log in logs)
        last = max(log["created_at"] for log in logs)
        if delivered:
            outcome, until = ENDED, delivered
        elif statuses == {"failed"}:
            outcome, until = CANCELLED, last + timedelta(minutes=156)
        else:
            outcome, until = OPEN, AS_OF
        return {
            "order_id": key[0],
            "event_type": key[1],
            "event_date": self.date(at),
            "logs": len(logs),
            "is_orphan": key[0] not in self.known,
            "first": first["status"] == "sent" and first["attempts"] == 1,
            "delivered_at": delivered,
            "subject": ((until - at).total_seconds(), outcome),
        }

    def webhook_health_daily(self) -> Iterator[Row]:
        """Events by day and type."""
        late = self._out_of_order()
        groups: dict[tuple[date, str], list[Row]] = defaultdict(list)
        for event in self.events:
            groups[event["event_date"], event["event_type"]].append(event)
        for (day, kind), events in groups.items():
            subjects = [event["subject"] for event in events]
            steps = incidence(Subject(*subject) for subject in subjects)
            outcomes = [outcome for _, outcome in subjects]
            yield {
                "event_date": day,
                "event_type": kind,
                "events": len(events),
                "delivered": outcomes.count(ENDED),
                "delivered_first_attempt": sum(event["first"] for event in events),
                "retrying": outcomes.count(OPEN),
                "failed": outcomes.count(CANCELLED),
                "repeated": sum(event["logs"] > 1 for event in events),
                "out_of_order": sum((e["order_id"], kind) in late for e in events),
                "orphans": sum(event["is_orphan"] for event in events),
                "logs": sum(event["logs"] for event in events),
                "p50_seconds": quantile(steps, 0.5),
                "p95_seconds": quantile(steps, 0.95) if len(events) >= 100 else None,
                "p99_seconds": quantile(steps, 0.99) if len(events) >= 500 else None,
            }

    def _out_of_order(self) -> set[tuple[str, str]]:
        by_order: dict[str, dict[int, datetime]] = defaultdict(dict)
        for event in self.events:
            if event["delivered_at"]:
                step = STEPS.index(event["event_type"].removeprefix("order."))
                by_order[event["order_id"]][step] = event["delivered_at"]
        return {
            (order_id, f"order.{STEPS[step]}")
            for order_id, times in by_order.items()
            for step, at in times.items()
            if any(later > step and times[later] < at for later in times)
        }

    def webhook_gaps(self) -> Iterator[Row]:
        """Events that the order implies and no log shows."""
        status = {o["order_id"]: o["status"] for o in self.fct_orders()}
        for order_id, known in self.known.items():
            for step, at in known.items():
                is_due = at.not_after + timedelta(minutes=156) <= AS_OF
                if is_due and (order_id, f"order.{step}") not in self.logged:
                    yield {
                        "order_id": order_id,
                        "event_type": f"order.{step}",
                        "implied_by": self._shown_by(order_id, step),
                        "order_status": status[order_id],
                        "expected_at": at.at or at.not_after,
                        "not_before": at.not_before,
                        "not_after": at.not_after,
                        "explanation": self._explanation(f"order.{step}", at),
                    }

    def _explanation(self, event_type: str, at: Known) -> str:
        logged_from = self.logged_from.get(event_type)
        if logged_from is None:
            return "type never logged"
        if at.not_after < logged_from:
            return "before the first log"
        is_lost = at.not_before is not None and at.not_before >= logged_from
        return "none" if is_lost else "may be older than the first log"

    def _shown_by(self, order_id: str, step: str) -> str:
        if self.known[order_id][step].source == "order":
            return "order time"
        order = next(o for o in self.history.orders if o["order_id"] == order_id)
        ranks = [self._rank(order, look) for look in self.history.looks_at(order)]
        wanted = STEPS.index(step)
        seen = any(rank == wanted or wanted < rank < len(STEPS) - 1 for rank in ranks)
        return "status" if seen else "later milestone"
