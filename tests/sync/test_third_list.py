"""A list that the product does not have: one spec, its columns and its shape make it complete.

Everything about ``refunds`` stands here; the engine, the client and the destination are the real
ones, and know of it by its ``ListSpec`` alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from fast import PLENTY, FastDestination
from sync_world import world

from pipelines import lists
from pipelines.cli.examinations import api
from pipelines.client import PrintoraClient, RateGovernor
from pipelines.client.wire import CONTRACTS
from pipelines.clock import ManualClock
from pipelines.lists import LISTS, RESOURCES, ListSpec, StatusOrder
from pipelines.printora import printora_source
from pipelines.progress import ignore
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys
from pipelines.source.schema import Column, Table
from pipelines.source.shapes import Shape
from pipelines.sync import ResourceCertificate
from pipelines.sync.runner import Runner

PIPELINES = Path(__file__).parents[2] / "pipelines"
START = datetime(2026, 6, 1, 12, tzinfo=UTC)
REFUNDS_TABLE = Table(
    name="refunds",
    description="Refunds as the API last showed them. One row per refund.",
    key=("refund_id",),
    columns=(
        Column("refund_id", "text", "The API's id of the refund."),
        Column("order_id", "text", "The order that is refunded."),
        Column("status", "text", "pending, approved or paid_out."),
        Column("amount", "money", "What is paid back."),
        Column("created_at", "time", "When the refund was asked for."),
        Column("extra", "json", "Fields without a column."),
        Column("_fingerprint", "text", "Hash of what the API said."),
        Column("_walk", "text", "The last full scan that met the row."),
        Column("deleted_at", "time", "When the API was proven not to have it any more."),
        Column("_seen_at", "time", "When the list was asked for the answer that held it."),
    ),
)
REFUND_HISTORY = Table(
    name="refund_history",
    description="Every status that a refund was seen in.",
    key=("refund_id", "status"),
    is_append_only=True,
    columns=(
        Column("refund_id", "text", "The refund."),
        Column("status", "text", "A status it was seen in."),
        Column("not_before", "time", "The last look without this status."),
        Column("first_seen_at", "time", "The first look that had it."),
        Column("changed_at", "time", "When it changed, where the API says so."),
        Column("origin", "text", "list."),
    ),
)
REFUNDS = ListSpec(
    table=REFUNDS_TABLE,
    history=REFUND_HISTORY,
    shape=Shape(
        table=REFUNDS_TABLE,
        names={
            "refund_id": ("refund_id", "id"),
            "order_id": ("order_id",),
            "status": ("status",),
            "amount": ("amount",),
            "created_at": ("created_at",),
        },
        words=("status",),
        email=(),
        person=(),
    ),
    paths={"1.0": "/api/v1/partners/{partner_id}/refunds"},
    envelopes=("refunds",),
    statuses=StatusOrder(
        ranks={"pending": 0, "approved": 1, "paid_out": 2},
        terminal=frozenset({"paid_out"}),
        common=frozenset({"pending", "approved", "paid_out"}),
        time_columns={"pending": "created_at"},
    ),
)


@dataclass
class Api(httpx.BaseTransport):
    """Three lists in memory, newest first, a hundred rows a page, counted by status."""

    clock: ManualClock
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    requests: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests += 1
        name, asked = request.url.path.rpartition("/")[2], request.url.params
        rows = [r for r in self.lists[name] if asked.get("status") in (None, r["status"])]
        rows.sort(key=lambda row: str(row["created_at"]), reverse=True)
        start = int(asked.get("offset", 0))
        page = rows[start : start + min(int(asked.get("limit", 20)), 100)]
        date = format_datetime(datetime.fromtimestamp(self.clock.now(), UTC), usegmt=True)
        answer = {name: page, "total": len(rows)}
        return httpx.Response(200, json=answer, headers={"Date": date})

    def refund(self, number: int, status: str) -> None:
        """Make a refund, a minute after the one before."""
        made = START - timedelta(days=1) + timedelta(minutes=number)
        self.lists["refunds"].append(
            {
                "refund_id": f"ref_{number:04}",
                "order_id": f"ord_{number:04}",
                "status": status,
                "amount": f"{number}.50",
                "created_at": made.isoformat(),
            }
        )


@dataclass
class Place:
    """One partner's warehouse in memory, and the API that it is read from."""

    api: Api
    connection: duckdb.DuckDBPyConnection

    def sync(self) -> ResourceCertificate:
        """Run the engine once; return what it certifies of the refunds."""
        clock = self.api.clock
        with PrintoraClient(
            "http://sandbox",
            "sk_test_1",
            "p1",
            governor=RateGovernor(PLENTY, clock=clock, reserve_share=0.0),
            clock=clock,
            transport=self.api,
        ) as client:
            result = Runner(
                client,
                FastDestination(self.connection, lambda _: None),
                Privacy("none", Keys.of_api_key("sk_test_1")),
                clock=clock,
                listener=ignore,
                lists=(*LISTS, REFUNDS),
            ).run()
        clock.sleep(600)
        return result.resources["refunds"]

    def stored(self) -> list[tuple[Any, ...]]:
        """Return id, order, status and amount of what is stored."""
        return self.connection.execute(
            "select refund_id, order_id, status, cast(amount as double)"
            " from printora_raw.refunds where deleted_at is null order by refund_id"
        ).fetchall()

    def truth(self) -> list[tuple[Any, ...]]:
        """Return the same of what the API has."""
        names = ("refund_id", "order_id", "status")
        rows = self.api.lists["refunds"]
        return sorted((*(row[name] for name in names), float(row["amount"])) for row in rows)


@pytest.fixture
def place() -> Iterator[Place]:
    """A partner with 250 refunds, and neither orders nor logs."""
    api = Api(ManualClock(START), {"orders": [], "logs": [], "refunds": []})
    for number in range(250):
        api.refund(number, ("paid_out", "approved", "pending")[number // 100])
    with duckdb.connect() as connection:
        yield Place(api, connection)


def test_a_third_list_is_loaded_followed_and_proven(place: Place) -> None:
    """Broken: a new list of the API needs more than its spec to be kept complete."""
    first = place.sync()
    assert (first.outcome, first.evidence, first.rows_new) == ("complete", "whole walk", 250)
    assert place.stored() == place.truth()

    again = place.sync()
    assert (again.outcome, again.evidence) == ("complete", "counts equal")
    assert (again.rows_new, again.rows_changed) == (0, 0)

    refunds = place.api.lists["refunds"]
    refunds[110]["status"] = refunds[120]["status"] = "paid_out"
    refunds[230]["status"] = "approved"
    place.api.refund(250, "pending")
    after = place.sync()
    assert (after.outcome, after.rows_new, after.rows_changed) == ("complete", 1, 3)
    assert after.rows_stored == after.rows_reported == 251
    assert place.stored() == place.truth()


def test_the_history_of_a_third_list_has_every_status(place: Place) -> None:
    """Broken: only the lists that were known when the engine was written have a history."""
    place.sync()
    place.api.lists["refunds"][249]["status"] = "approved"
    place.sync()
    seen = place.connection.execute(
        "select status, not_before is null from printora_raw.refund_history"
        " where refund_id = 'ref_0249' order by first_seen_at"
    ).fetchall()
    assert seen == [("pending", True), ("approved", False)]


def test_a_refund_that_goes_is_marked(place: Place) -> None:
    """Broken: what a third list no longer has stays in the warehouse as if it were there."""
    place.sync()
    del place.api.lists["refunds"][7]
    after = place.sync()
    assert (after.outcome, after.rows_stored) == ("complete", 249)
    assert place.stored() == place.truth()


def _names(node: ast.AST) -> list[ast.expr]:
    """Return what is compared, and what stands in a collection."""
    match node:
        case ast.Compare():
            return [*node.comparators, node.left]
        case ast.Tuple() | ast.List() | ast.Set():
            return node.elts
        case ast.Dict():
            return [key for key in node.keys if key]
    return []


def test_a_version_that_has_no_such_list_is_not_asked_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dlt source and the doctor would end in a KeyError, for a list that only 1.0 has."""
    monkeypatch.setattr(lists, "LISTS", (REFUNDS, *LISTS))
    with world(tmp_path, 5, contract=CONTRACTS["1.1"]) as here:
        assert set(printora_source(here.settings).resources) == set(RESOURCES)
        levels = [found.level for found in api(here.settings, here.clock)]
        assert levels == ["ok"] * 4  # two lists, the limits and the clock


def test_nobody_asks_a_list_for_its_name() -> None:
    """Broken: a list is treated by its name, so that another one is not treated at all."""
    names = {spec.name for spec in LISTS}
    parts = ("sync", "client", "source", "destinations", "people", "warehouse", "cli", "../assets")
    found = [
        f"{path.relative_to(PIPELINES / part)}:{word.lineno}"
        for part in parts
        for path in (PIPELINES / part).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for word in _names(node)
        if isinstance(word, ast.Constant) and word.value in names
    ]
    # A shape has its table's name, and a column of what is printed may have any.
    assert [place for place in found if not place.startswith(("shapes.py", "tables.py"))] == []
