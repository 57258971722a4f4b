"""Items, customers, creators and what sessions are told by, from what the shop was made to sell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import truth_goods
from truth_estimators import wilson
from truth_sessions import SessionTruth
from truth_world import AS_OF, Row

#: What the lines in truth_goods say: sku, product, variant, quantity, price, total, currency.
_SAID: tuple[tuple[tuple[Any, ...], ...], ...] = (
    (("MUG", None, None, 2, "12.5", "25", None), ("CAP", None, None, 1, "9", "9", None)),
    ((None, "7", None, 3, "4.10", "12.3", "EUR"),),
    ((None, None, "v-1", 2, None, None, None),),
    ((None,) * 7,) * 4,
    (),
    (),
)


class ShopTruth(SessionTruth):
    """What was sold, and to whom."""

    @cached_property
    def _orders(self) -> list[Row]:
        return self.fct_orders()

    @cached_property
    def _logged_orders(self) -> set[str]:
        return {order_id for order_id, _ in self.logged}

    def _is_told(self, order_id: str, event: str | None = None) -> bool:
        return (order_id, event) in self.logged if event else order_id in self._logged_orders

    @cached_property
    def _customers(self) -> dict[str, str | None]:
        """Of each order, whoever the list names, or else its events."""
        found = {}
        for order in self._orders:
            order_id = order["order_id"]
            listed = self.history.scenario.order_times and truth_goods.of_order(order_id)
            found[order_id] = listed["customer_pseudonym"] if listed else None
            if not found[order_id] and self._is_told(order_id):
                found[order_id] = truth_goods.of_event(order_id)["customer_pseudonym"]
        return found

    def fct_order_items(self) -> Iterator[Row]:
        """The lines of the list, or of the payment."""
        for order in self._orders:
            number = truth_goods.number(order["order_id"])
            said: tuple[tuple[Any, ...], ...] = ()
            source = "list"
            if self.history.scenario.order_times:
                said = _SAID[number % len(_SAID)]
            if not said and self._is_told(order["order_id"], "order.paid"):
                said, source = _SAID[number % 3], "event"
            for place, (sku, product, variant, quantity, price, total, currency) in enumerate(said):
                yield {
                    "order_id": order["order_id"],
                    "position": place + 1,
                    "lines": len(said),
                    "source": source,
                    "sku": sku,
                    "product_id": product,
                    "variant_id": variant,
                    "item_id": None,
                    "quantity": quantity,
                    "unit_price": price and Decimal(price),
                    "line_amount": total and Decimal(total),
                    "currency": currency or order["currency"] or "unknown",
                    "is_paid": order["is_paid"],
                    "is_cancelled": order["is_cancelled"],
                }

    def dim_customers(self) -> Iterator[Row]:
        """Who ordered."""
        for person, orders in self._grouped(self._customers).items():
            paid = [order for order in orders if order["is_paid"]]
            yield {
                "customer_pseudonym": person,
                "source": "api",
                "is_returning": len(paid) > 1,
                **_figures(orders),
            }

    def customers_by_paid_orders(self) -> Iterator[Row]:
        """How many paid how often."""
        groups: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for customer in self.dim_customers():
            groups[customer["currency"] or "unknown", customer["paid_orders"]].append(customer)
        for (currency, paid_orders), people in groups.items():
            yield {
                "currency": currency,
                "paid_orders": paid_orders,
                "is_returning": paid_orders > 1,
                "customers": len(people),
                **{
                    name: None if currency == "unknown" else sum(person[name] for person in people)
                    for name in ("revenue", "net_revenue")
                },
            }

    def dim_creators(self) -> Iterator[Row]:
        """Whose designs were ordered."""
        creators: dict[str, str | None] = {}
        for order in self._orders:
            number = truth_goods.number(order["order_id"])
            if self.history.scenario.order_times:
                creators[order["order_id"]] = f"crt_{number % 5}" if number % 2 else None
            else:
                is_told = self._is_told(order["order_id"])
                creators[order["order_id"]] = f"crt_{number % 7}" if is_told else None
        for creator, orders in self._grouped(creators).items():
            yield {"creator_id": creator, **_figures(orders)}

    def _grouped(self, by: dict[str, str | None]) -> dict[str, list[Row]]:
        groups: dict[str, list[Row]] = defaultdict(list)
        for order in self._orders:
            if name := by[order["order_id"]]:
                groups[name].append(order)
        return groups

    def customer_cohorts_monthly(self) -> Iterator[Row]:
        """Who came back, month by month, until the month of the last look."""
        paid = [
            (_month(self.date(order["paid_at"] or order["created_at"])), person)
            for order in self._orders
            if order["is_paid"]
            for person in [self._customers[order["order_id"]]]
        ]
        first: dict[str, date] = {}
        for month, person in sorted((m, p) for m, p in paid if p):
            first.setdefault(person, month)
        last = _month(self.date(AS_OF))
        for cohort in set(first.values()):
            of_month = [person for month, person in paid if month == cohort]
            people = {person for person, month in first.items() if month == cohort}
            months = [cohort]
            while months[-1] < last:
                months.append(_month(months[-1] + timedelta(32)))
            for since, month in enumerate(months):
                orders = [person for m, person in paid if m == month and person in people]
                is_final = month < last
                low, high = wilson(len({*orders}), len(people)) if is_final else (None, None)
                yield {
                    "cohort_month": cohort,
                    "months_since": since,
                    "month_start": month,
                    "customers": len(people),
                    "active_customers": len({*orders}),
                    "orders": len(orders),
                    "retention_rate": len({*orders}) / len(people) if is_final else None,
                    "retention_rate_low": low,
                    "retention_rate_high": high,
                    "is_final": is_final,
                    "customer_coverage": sum(map(bool, of_month)) / len(of_month),
                }

    def session_conversion_by(self) -> Iterator[Row]:
        """The ledger's sessions by mode: no field is listed."""
        modes = {row["session_id"]: row["mode"] for row in self.history.ledger}
        groups: dict[str, list[Row]] = defaultdict(list)
        for session in self.fct_sessions():
            if session["source"] == "ledger":
                groups[modes[session["session_id"]]].append(session)
        for mode, sessions in groups.items():
            old = [session for session in sessions if session["is_mature"]]
            ordered = sum(session["is_ordered"] for session in old)
            paid = sum(session["is_converted"] for session in old)
            unclear = sum(session["is_payment_unknown"] for session in old)
            low = wilson(paid, len(old))[0] if old else None
            high = wilson(paid + unclear, len(old))[1] if old else None
            yield {
                "dimension": "mode",
                "value": mode,
                "sessions": len(old),
                "ordered_sessions": ordered,
                "paid_sessions": paid,
                "payment_unknown_sessions": unclear,
                "young_sessions": len(sessions) - len(old),
                "paid_rate": paid / len(old) if old and 10 * unclear <= len(old) else None,
                "paid_rate_low": low,
                "paid_rate_high": high,
                "is_final": bool(old),
            }


def _month(day: date) -> date:
    return day.replace(day=1)


def _figures(orders: Iterable[Row]) -> Row:
    """Return counts, and money if it is all of one currency."""
    every = list(orders)
    paid = [order for order in every if order["is_paid"]]
    kept = [order for order in paid if not order["is_cancelled"]]
    currencies = {order["currency"] or "unknown" for order in paid}
    one = len(currencies) <= 1
    return {
        "first_order_at": min(order["created_at"] for order in every),
        "last_order_at": max(order["created_at"] for order in every),
        "orders": len(every),
        "paid_orders": len(paid),
        "net_paid_orders": len(kept),
        "currency": next(iter(currencies - {"unknown"}), None) if one else None,
        "revenue": sum((o["total_amount"] for o in paid), Decimal(0)) if one else None,
        "net_revenue": sum((o["total_amount"] for o in kept), Decimal(0)) if one else None,
    }
