"""A server's clock that goes back, or is two clocks: what was read is stored, or it is said."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import fast
import httpx
import pytest
from fast import FastDestination, FastWorld, fast_world

from pipelines.destinations.where import JsonObject, Row
from pipelines.source.schema import ORDERS, Table
from pipelines.sync import driver
from pipelines.sync.certificate import ResourceCertificate

sys.path.append(str(Path(__file__).parents[1] / "hostile"))
import hostile_run
from hostile_run import LISTS, Ended, Middle, Partner
from hostile_server import date


@pytest.fixture
def partner() -> Iterator[Partner]:
    """A partner of some orders, whose warehouse is empty."""
    with duckdb.connect() as connection:
        yield Partner(connection)


def move(patch: pytest.MonkeyPatch, number: int, status: str) -> None:
    """Let an order come into a status, of which no event tells."""
    orders = [*LISTS["orders"]]
    orders[number] = orders[number] | {"status": status}
    patch.setitem(hostile_run.LISTS, "orders", orders)


def dated(partner: Partner, offsets: Iterable[float]) -> Middle:
    """Date each answer as far from now as the next offset says, a second and a half later."""
    ahead = iter(offsets)

    def answer(_: httpx.Request, said: Any) -> httpx.Response:
        partner.clock.sleep(1.5)
        headers = {"date": date(partner.clock.now() + next(ahead))}
        return httpx.Response(200, json=said(), headers=headers)

    return answer


def true(partner: Partner, ended: Ended) -> bool:
    """Tell whether the orders are stored as they are, unless the certificate does not say so."""
    stored = {key: row["status"] for key, row in partner.stored("orders").items()}
    is_exact = stored == {row["order_id"]: row["status"] for row in LISTS["orders"]}
    return is_exact or ended.outcomes["orders"] != "complete"


@pytest.mark.parametrize("flush", [3_600.0, 0.0])
@pytest.mark.parametrize("pattern", [0b1100011, 0b1111011, 0b0111111])
def test_a_look_that_is_dated_before_the_stored_one_is_stored_or_told(
    pattern: int, flush: float, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two servers behind a balancer one is half a minute fast: a shipped order stays paid."""
    monkeypatch.setattr(driver, "FLUSH_SECONDS", flush)
    partner.run(dated(partner, (30.0 for _ in count())))
    move(monkeypatch, 3, "shipped")
    partner.clock.sleep(0.5)
    ended = partner.run(dated(partner, (30.0 * (pattern >> at & 1) for at in count())))
    assert true(partner, ended), ended.told
    partner.clock.sleep(60)
    again = partner.run(dated(partner, (0.0 for _ in count())))
    assert again.outcomes["orders"] == "complete"
    assert true(partner, again)


class Stubborn(FastDestination):
    """Something else puts an order back into the status that it had."""

    def load(self, rows: Mapping[Table, Iterable[Row]], state: JsonObject) -> None:
        """Load, and put the order back."""
        super().load(rows, state)
        if self.has(ORDERS):
            self.query(
                "update printora_raw.orders set status = 'processing'"
                " where order_id = (select min(order_id) from printora_raw.orders)"
            )


def test_rows_that_are_not_in_the_status_that_was_counted_are_no_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many rows are there, one of them is stale, and the sync says that all is well."""

    def orders(here: FastWorld) -> ResourceCertificate:
        return here.sync().resources["orders"]

    monkeypatch.setattr(fast, "FastDestination", Stubborn)
    with fast_world(tmp_path, 120) as here:
        part = orders(here)
        assert (part.outcome, part.complete_as_of) == ("partial", None)
        assert "in other statuses" in (part.reason or "")
        monkeypatch.setattr(fast, "FastDestination", FastDestination)
        here.clock.sleep(600)
        assert orders(here).outcome == "complete"
        here.assert_exact()
