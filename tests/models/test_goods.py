# ruff: noqa: S608 - the names of tables are ours
"""Items, customers and creators, held against what the sandbox's shop sold, and to whom.

The API tells them in the orders list, in the event of a payment, or nowhere.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from model_support import undescribed
from truth_world import Row

from pipelines.source.pseudonyms import Keys
from pipelines.warehouse import ModelSettings
from pipelines.warehouse.build import build

sys.path.insert(0, str(Path(__file__).parents[1] / "sync"))

from fast import fast_world

pytestmark = pytest.mark.xdist_group("goods")
ITEMS = "analytics.fct_order_items"
CUSTOMERS = "analytics.dim_customers"
CREATORS = "analytics.dim_creators"
COHORTS = "analytics.customer_cohorts_monthly"
SIX = ("order_id", "session_id", "status", "total_amount", "currency", "created_at")


@dataclass
class Shop:
    """A warehouse, and the full rows of the orders that the API has."""

    connection: Any
    settings: Any
    rows: dict[str, Row] = field(default_factory=dict)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Query the warehouse."""
        return list(self.connection.execute(sql).fetchall())

    def person(self, order_id: str) -> str | None:
        """Return the pseudonym of whoever made an order."""
        keys = Keys.of_api_key(self.settings.api_key)
        return keys.pseudonym(self.rows[order_id]["customer"]["email"])


@pytest.fixture(scope="module", params=["list", "camel", "events", "nowhere"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Sync and build a shop whose API tells the goods in one of the documented ways."""
    habits = {"camel": {"case": "camel", "money": "text"}, "events": {"payload": "text"}}
    folder: Path = tmp_path_factory.mktemp(request.param)
    with fast_world(folder, 150, habits.get(request.param), lost=0.0) as world:
        shop = Shop(world.connection, world.settings)

        def listen(answer: Any) -> None:
            for row in answer.get("orders", ()):
                shop.rows[row.get("order_id") or row["orderId"]] = dict(row)
                if request.param in ("events", "nowhere"):
                    for name in row.keys() - {*SIX}:
                        del row[name]
            for row in answer.get("logs", ()) if request.param == "nowhere" else ():
                row.pop("payload")

        world.sync(lie=listen)
        build(world.connection, undescribed(), ModelSettings())
        yield request.param, shop


def paid(shop: Shop) -> set[str]:
    """Return the orders that were paid, of which the events tell."""
    found = shop.query("select order_id from analytics.fct_orders where is_paid")
    return {order_id for (order_id,) in found}


def price(line: Row) -> Decimal:
    """Return the price of one, exactly as it was written."""
    return Decimal(str(line.get("unit_price", line.get("unitPrice"))))


def test_items_are_what_was_sold(shop: tuple[str, Shop]) -> None:
    """Revenue by product is of what was ordered, to the cent, whoever tells it."""
    way, here = shop
    told = here.rows.keys() - (here.rows.keys() - paid(here) if way == "events" else set())
    sold = {
        (order_id, place, line["sku"], line["quantity"], price(line))
        for order_id in (told if way != "nowhere" else ())
        for place, line in enumerate(here.rows[order_id]["items"], start=1)
    }
    found = here.query(f"select order_id, position, sku, quantity, unit_price from {ITEMS}")
    assert {*found} == sold
    assert len(found) == len(sold)
    sums = here.query(f"select currency, sum(line_amount) from {ITEMS} group by currency")
    total = sum(quantity * price for *_, quantity, price in sold)
    assert sums == ([("USD", total)] if sold else [])


def test_customers_are_who_ordered(shop: tuple[str, Shop]) -> None:
    """Somebody counted as two, or two as one, makes every question about loyalty wrong."""
    way, here = shop
    if way == "nowhere":
        return
    told = here.rows.keys() if way != "events" else paid(here)
    orders = Counter(here.person(order_id) for order_id in told)
    assert dict(here.query(f"select customer_pseudonym, orders from {CUSTOMERS}")) == orders
    assert here.query(f"select distinct source from {CUSTOMERS}") == [("api",)]
    returning = Counter(here.person(order_id) for order_id in paid(here))
    found = here.query(f"select customer_pseudonym from {CUSTOMERS} where is_returning")
    assert {person for (person,) in found} == {p for p, n in returning.items() if n > 1}
    revenue = here.query(f"select sum(revenue) from {CUSTOMERS}")
    books = here.query("select sum(total_amount) from analytics.fct_orders where is_paid")
    assert revenue == books


def test_without_a_customer_the_ledgers_user_stands_for_them(shop: tuple[str, Shop]) -> None:
    """Where the API names nobody, the partner's own list does, and the table says that it does."""
    way, here = shop
    if way != "nowhere":
        return
    found = here.query("select customer_pseudonym, order_id from intermediate.int_order_customers")
    assert here.query("select count(customer_pseudonym) from analytics.fct_orders") == [(0,)]
    assert len(found) > 20
    assert all(here.person(order_id) == person for person, order_id in found)
    assert here.query(f"select distinct source from {CUSTOMERS}") == [("ledger",)]


def test_creators_are_whose_designs_were_ordered(shop: tuple[str, Shop]) -> None:
    """A creator is paid by what is credited to them."""
    way, here = shop
    credited = Counter(
        row["creator"]["id"] for row in here.rows.values() if row["creator"] and way != "nowhere"
    )
    assert dict(here.query(f"select creator_id, orders from {CREATORS}")) == credited
    assert bool(credited) == (way != "nowhere")
