"""Servers that lie a little: what is missing or stale never stands under the word complete."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fast import FastWorld, engine_world, fast_world

from pipelines.errors import ConfigurationError, PrintoraError
from pipelines.sync import SyncResult
from pipelines.sync.identity import identity_of
from pipelines.sync.stored_state import read_state

Answer = dict[str, Any]
Lie = Callable[[Answer], None]
DAY = 86_400.0


def rows_of(answer: Answer, *names: str) -> list[Any]:
    """Return the list in an answer, or nothing where it is another one."""
    return next((answer[name] for name in names or ("orders", "logs") if name in answer), [])


def assert_true(here: FastWorld, result: SyncResult, name: str = "orders") -> None:
    """Hold a certificate against what the API had at the time that it names."""
    as_of = result.resources[name].complete_as_of
    if as_of is None:
        return
    then, now = here.truth(name, as_of.timestamp() - 0.001), here.truth(name)
    missing = (then.keys() & now.keys()) - here.stored(name).keys()
    assert not missing, f"certified, and {len(missing)} rows are missing"
    wrongly = here.stored(name, deleted=True).keys() & now.keys()
    assert not wrongly, f"certified, and {len(wrongly)} rows are marked as deleted"


def once(lie: Lie, at: int) -> Lie:
    """Let a lie befall one answer only."""
    number = iter(range(10**9))

    def told(answer: Answer) -> None:
        if next(number) == at:
            lie(answer)

    return told


def hide(share: slice, *names: str) -> Lie:
    """Leave rows out of an answer."""

    def told(answer: Answer) -> None:
        for name in names or ("orders", "logs"):
            if name in answer:
                del answer[name][share]

    return told


@pytest.mark.parametrize("sort", ["newest_first", "oldest_first", "unsorted"])
@pytest.mark.parametrize("times", ["all", "none"])
def test_rows_that_arrive_do_not_mask_rows_that_are_left_out(
    sort: str, times: str, tmp_path: Path
) -> None:
    """Ten rows at the start would be missing, because ten others came meanwhile."""
    with engine_world(tmp_path, 300, {"sort": sort, "log_times": times}) as here:
        came = iter(range(10**9))

        def arrive(_: object) -> None:
            if next(came) in (3, 4, 5):
                here.sandbox.changes.add_orders(5)

        here.sandbox.before_request = arrive
        result = here.sync(lie=once(hide(slice(40, 50), "logs"), 8))
        here.sandbox.before_request = None
        assert_true(here, result, "webhook_logs")
        assert_true(here, result)


@pytest.mark.parametrize("cut", [2, 60])
def test_a_list_without_total_that_is_cut_once_is_not_complete(cut: int, tmp_path: Path) -> None:
    """One short page would end the list: 100 of 400 orders, complete."""

    def short(answer: Answer) -> None:
        del answer["orders"][cut:]

    def is_orders(answer: Answer) -> None:
        if "orders" in answer and next(seen) == 1:
            short(answer)

    seen = iter(range(10**9))
    with engine_world(tmp_path, 400, {"total": "missing"}, webhooks=False) as here:
        result = here.sync(lie=is_orders)
        assert_true(here, result)
        for _ in range(3):
            here.clock.sleep(3_600)
            result = here.sync()
        here.assert_exact("orders")
        assert result.resources["orders"].evidence == "end seen twice"


def test_a_first_page_from_the_past_is_noticed(tmp_path: Path) -> None:
    """A replica that is an hour behind would hide all that came in it."""

    def stale(answer: Answer) -> None:
        if "orders" in answer:
            del answer["orders"][:60]
            answer["total"] -= 60

    with fast_world(tmp_path, 400) as here:
        result = here.sync(lie=once(stale, 1))
        assert_true(here, result)
        assert here.sync().outcome == "complete"
        here.assert_exact()


@pytest.mark.parametrize("form", [str, float, lambda total: f" {total} "])
def test_a_total_in_another_form_is_a_number(form: Callable[[int], Any], tmp_path: Path) -> None:
    """Each later run would end with exit code 3, for want of a total."""

    def lie(answer: Answer) -> None:
        answer["total"] = form(answer["total"])

    with engine_world(tmp_path, 250) as here:
        for _ in range(3):
            result = here.sync(lie=lie)
            assert result.outcome == "complete", result.resources["orders"].reason
            here.clock.sleep(600)
        assert result.requests <= 9


@pytest.mark.parametrize("left", [10, 0])
def test_mass_disappearance_waits_for_a_second_opinion(left: int, tmp_path: Path) -> None:
    """A default filter that changes would mark 990 of 1,000 orders as deleted."""

    def lie(answer: Answer) -> None:
        if "orders" in answer:
            answer["orders"] = answer["orders"][:left] if answer["offset"] == 0 else []
            answer["total"] = left

    with engine_world(tmp_path, 250, webhooks=False) as here:
        here.sync()
        here.clock.sleep(60)
        result = here.sync(lie=lie, full=True)
        orders = result.resources["orders"]
        assert (orders.outcome, result.exit_code) == ("partial", 3)
        assert "--accept-deletions" in str(orders.reason)
        assert not here.stored("orders", deleted=True)
        assert here.sync(full=True).outcome == "complete"
        here.sync(lie=lie, full=True)
        assert not here.stored("orders", deleted=True)
        result = here.sync(lie=lie, full=True, accept_deletions=True)
        assert result.resources["orders"].outcome == "complete"
        assert len(here.stored("orders", deleted=True)) == 250 - left


def test_a_few_deletions_need_no_second_scan(tmp_path: Path) -> None:
    """Each order that is deleted would cost a reading of the whole list."""
    with engine_world(tmp_path, 1_500, webhooks=False) as here:
        here.sync()
        here.clock.sleep(600)
        gone = sorted(here.truth("orders"))[::500]
        here.sandbox.changes.delete_orders(gone)
        result = here.sync()
        assert result.resources["orders"].outcome == "complete", result.resources["orders"].reason
        assert here.stored("orders", deleted=True).keys() == set(gone)
        assert result.requests <= 40


@pytest.mark.parametrize("hidden", [slice(50, 51), slice(0, 300, 10), slice(80, 170)])
def test_rows_that_are_counted_and_never_shown_are_told(hidden: slice, tmp_path: Path) -> None:
    """Soft-deleted rows would keep a list unproven for ever, at the cost of a scan a day."""
    with engine_world(tmp_path, 300, webhooks=False) as here:
        young = sorted(here.truth("orders").items(), key=lambda item: item[1]["created_at"])
        names = {key for key, _ in young[hidden]}

        def lie(answer: Answer) -> None:
            if "orders" in answer:
                answer["orders"] = [r for r in answer["orders"] if r["order_id"] not in names]

        result = here.sync(lie=lie)
        for _ in range(2):
            here.clock.sleep(3_600)
            result = here.sync(lie=lie)
        orders = result.resources["orders"]
        assert len(here.stored("orders")) == 300 - len(names)
        assert orders.outcome == "complete", orders.reason
        assert orders.rows_reported == 300


def test_status_words_in_capitals_are_asked_for_as_they_are_spelt(tmp_path: Path) -> None:
    """Fifty requests of repair at each sync, for nothing, and exit code 3."""
    with engine_world(tmp_path, 250) as here:

        def lie(answer: Answer) -> None:
            for row in rows_of(answer):
                row["status"] = row["status"].upper()

        asked: list[str] = []

        def listen(request: Any) -> None:
            status = request.query.get("status")
            if status is not None:
                asked.append(status)
                request.query["status"] = status.lower() if status.isupper() else "nothing"

        here.sandbox.before_request = listen
        for _ in range(3):
            result = here.sync(lie=lie)
            assert result.outcome == "complete", result.resources["orders"].reason
            here.clock.sleep(600)
        assert result.requests <= 9
        assert asked


def test_one_status_word_that_is_not_honoured_makes_no_other_worthless(tmp_path: Path) -> None:
    """The counts of all statuses would be thrown away, and the whole list scanned each time."""
    with engine_world(tmp_path, 250) as here:

        def ignore_shipped(request: Any) -> None:
            if request.query.get("status") == "shipped":
                del request.query["status"]

        here.sandbox.before_request = ignore_shipped
        here.sync()
        for _ in range(2):
            here.clock.sleep(600)
            here.sandbox.changes.churn(3, 5)
            here.clock.sleep(5)
            result = here.sync()
            assert result.outcome == "complete", result.resources["orders"].reason
        assert result.requests <= 16
        here.assert_exact()


def test_a_bad_record_that_changes_hides_no_order(tmp_path: Path) -> None:
    """A record without an id that is never the same would count twice, and mask a missing row."""
    nonce = iter(range(10**9))
    with fast_world(tmp_path, 250) as here:
        keys = sorted(here.truth("orders"), key=lambda k: here.truth("orders")[k]["created_at"])
        missing, bad = keys[20], keys[-99]

        def lie(answer: Answer) -> None:
            rows = rows_of(answer, "orders")
            rows[:] = [row for row in rows if row["order_id"] != missing]
            for row in rows:
                if row["order_id"] == bad:
                    row["order_id"], row["age"] = None, next(nonce)

        for _ in range(3):
            result = here.sync(lie=lie)
            orders = result.resources["orders"]
            known = orders.rows_stored + 1 + orders.detail.get("rows_hidden", 0)
            assert orders.outcome != "complete" or known == 250
            here.clock.sleep(600)


def leaves_out_cancelled(
    request: httpx.Request, answer: Callable[[httpx.Request], httpx.Response]
) -> httpx.Response:
    """Leave cancelled orders out of the list and its total, unless they are asked for."""
    told = answer(request)
    if "/orders" not in request.url.path or "status" in request.url.params:
        return told
    body = told.json()
    kept = [row for row in body["orders"] if row["status"] != "cancelled"]
    body["total"] -= len(body["orders"]) - len(kept)
    headers = {k: v for k, v in told.headers.items() if k != "content-length"}
    return httpx.Response(200, json=body | {"orders": kept}, headers=headers)


def test_rows_that_a_filter_shows_are_never_marked_as_deleted(tmp_path: Path) -> None:
    """Cancelled orders that a list leaves out by default would be marked as deleted."""
    with engine_world(tmp_path, 90, webhooks=False) as here:
        here.sandbox.changes.move(sorted(here.truth("orders"))[::10], "cancelled", log=False)
        here.clock.sleep(5)
        here.sync(between=leaves_out_cancelled)
        for _ in range(3):
            here.clock.sleep(3_700)
            result = here.sync(between=leaves_out_cancelled)
            assert not here.stored("orders", deleted=True)
            assert_true(here, result)
            assert "under a filter" in str(result.resources["orders"].reason)


def test_a_filter_that_finds_nothing_is_not_a_closed_list(tmp_path: Path) -> None:
    """A 404 for a status that no order has would keep each new order away."""
    with engine_world(tmp_path, 150) as here:
        rows = here.truth("orders").items()
        here.sandbox.changes.delete_orders([k for k, r in rows if r["status"] == "cancelled"])

        def finds_nothing(request: httpx.Request) -> bool:
            status = request.url.params.get("status")
            rows = here.truth("orders").values()
            is_orders = status is not None and "/orders" in request.url.path
            return is_orders and all(row["status"] != status for row in rows)

        for _ in range(3):
            new = here.sandbox.changes.add_orders(3)
            here.clock.sleep(5)
            result = here.sync(refuse=(finds_nothing, 404))
            orders = result.resources["orders"]
            assert orders.outcome == "complete", orders.reason
            assert set(new) <= here.stored("orders").keys()
            here.clock.sleep(600)


# Whose it is ----------------------------------------------------------------------------------


def test_another_partner_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """One partner's orders would be mixed into another's, and marked as deleted."""
    from sync_world import world

    with world(tmp_path, 30) as here:
        here.sync()
        before = here.stored("orders")
        mine = identity_of(here.settings)
        here.settings = replace(here.settings, partner_id="another")
        asked = here.sandbox.requests.count
        with pytest.raises(ConfigurationError) as refused:
            here.sync()
        assert refused.value.exit_code == 2
        assert mine.partner in str(refused.value)
        assert "another" in str(refused.value)
        assert here.sandbox.requests.count == asked
        assert here.stored("orders") == before


# One list closed -------------------------------------------------------------------------------


def test_a_closed_list_does_not_stop_the_other(tmp_path: Path) -> None:
    """An account without webhooks would load nothing at all."""
    with fast_world(tmp_path, 150) as here:
        result = here.sync(refuse=("/logs", 403))
        orders, logs = result.resources["orders"], result.resources["webhook_logs"]
        assert orders.outcome == "complete", orders.reason
        assert logs.outcome == "failed"
        assert "403" in str(logs.reason)
        here.assert_exact("orders")
        here.clock.sleep(600)
        assert here.sync(refuse=("/logs", 403)).resources["orders"].outcome == "complete"
        assert here.sync().outcome == "complete"
        with pytest.raises(PrintoraError, match="403"):
            here.sync(refuse=("", 403))


@pytest.mark.parametrize("closed", ["orders", "webhook_logs"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_list_that_closes_in_mid_scan_fails_alone(
    closed: str, is_first: bool, tmp_path: Path
) -> None:
    """The other list would neither be loaded to its end nor be certified."""
    with engine_world(tmp_path, 450) as here:
        name = closed.rpartition("_")[2]

        def far(request: Any) -> bool:
            is_closed = request.url.path.endswith(name)
            return is_closed and int(request.url.params.get("offset", 0)) >= 300

        if not is_first:
            here.sync()
        result = here.sync(refuse=(far, 403), full=not is_first)
        other = "webhook_logs" if closed == "orders" else "orders"
        assert (result.resources[closed].outcome, result.exit_code) == ("failed", 1)
        assert "403" in str(result.resources[closed].reason)
        assert result.resources[other].outcome == "complete", result.resources[other].reason
        here.assert_exact(other)
        assert here.sync().outcome == "complete"
        here.assert_exact()


@pytest.mark.parametrize("status", [403, 401])
def test_a_proving_scan_that_is_cut_is_charged(status: int, tmp_path: Path) -> None:
    """A scan that never comes to its end would take the partner's quota at every sync."""
    with fast_world(tmp_path, 450, {"sort": "unsorted"}) as here:
        here.sync()
        here.clock.sleep(86_400)
        here.sandbox.changes.churn(5, 5)
        here.clock.sleep(5)

        def far(request: Any) -> bool:
            return "status" not in request.url.params and (
                request.url.path.endswith("orders")
                and int(request.url.params.get("offset", 0)) >= 300
            )

        with suppress(PrintoraError):
            result = here.sync(refuse=(far, status))
            assert result.resources["orders"].outcome == "failed"
            assert result.resources["webhook_logs"].outcome == "complete"
        state = read_state(json.loads(here.query("select content from printora_raw.state")[0][0]))
        credit = state.of("orders").scan_credit
        assert credit is not None
        assert credit <= 2_000 - 4


# Stuck for ever --------------------------------------------------------------------------------


def test_offsets_with_a_ceiling_do_not_stop_the_daily_work(tmp_path: Path) -> None:
    """Each sync would begin at the refused offset again, and read no new order."""
    with engine_world(tmp_path, 300, {"page_clamp": 50}) as here:

        def ceiling(request: Any) -> bool:
            return int(request.url.params.get("offset", 0)) + 50 > 200

        for _ in range(3):
            result = here.sync(refuse=(ceiling, 400))
            here.clock.sleep(3_600)
            new = here.sandbox.changes.add_orders(5)
            here.clock.sleep(5)
            result = here.sync(refuse=(ceiling, 400))
            assert set(new) <= here.stored("orders").keys()
        orders = result.resources["orders"]
        assert orders.outcome == "complete" or "offsets" in str(orders.reason)
        assert_true(here, result)


def test_a_question_refused_after_a_scan_ends_its_proof_alone(tmp_path: Path) -> None:
    """The sync would end with a traceback, and the other list with it."""
    asked_by_status: list[Any] = []

    def behind_the_scan(request: Any) -> bool:
        asked = request.url.params
        if "logs" in request.url.path:
            return False
        if "status" in asked and not asked_by_status:
            here.clock.sleep(60)
            asked_by_status.append(here.sandbox.changes.add_orders(1))
        return bool(asked_by_status) and "status" not in asked and int(asked["offset"]) > 0

    with engine_world(tmp_path, 60, {"sort": "oldest_first"}) as here:
        result = here.sync(refuse=(behind_the_scan, 400))
        orders, logs = result.resources["orders"], result.resources["webhook_logs"]
        assert (orders.outcome, logs.outcome) == ("partial", "complete")
        here.clock.sleep(DAY)
        assert here.sync().outcome == "complete"
        here.assert_exact()


@pytest.mark.parametrize("status", [500, 503, 504])
def test_pages_that_always_fail_do_not_stop_the_daily_work(status: int, tmp_path: Path) -> None:
    """A first load that cannot finish would keep each new order away for ever."""
    with engine_world(tmp_path, 120, {"page_clamp": 20}, webhooks=status == 500) as here:

        def far(request: Any) -> bool:
            return int(request.url.params.get("offset", 0)) >= 60

        here.sync(refuse=(far, status))
        for _ in range(2):
            here.clock.sleep(3_600)
            new = here.sandbox.changes.add_orders(5)
            here.clock.sleep(5)
            result = here.sync(refuse=(far, status))
            assert set(new) <= here.stored("orders").keys()
            assert_true(here, result)
        here.clock.sleep(86_400)
        here.sync()
        here.clock.sleep(86_400)
        assert here.sync().outcome == "complete"
        here.assert_exact()


@pytest.mark.parametrize("most", [50, 7, 1])
def test_pages_that_are_too_large_are_asked_for_in_parts(most: int, tmp_path: Path) -> None:
    """A gateway that answers 502 to a hundred rows would keep everything away."""
    with engine_world(tmp_path, 130) as here:

        def too_large(request: Any) -> bool:
            return int(request.url.params.get("limit", 0)) > most

        result = here.sync(refuse=(too_large, 413))
        assert result.outcome == "complete", result.resources["orders"].reason
        here.assert_exact()


def test_a_scan_by_status_goes_on_where_the_budget_ended_it(tmp_path: Path) -> None:
    """A list behind a ceiling on offsets would begin anew at each run, and never be read whole."""
    with engine_world(tmp_path, 400) as here:
        asked = list[tuple[str | None, int]]()

        def far(request: Any) -> bool:
            offset = int(request.url.params.get("offset", 0))
            if not request.url.path.endswith("/orders"):
                return False
            asked.append((request.url.params.get("status"), offset))
            return offset > 330

        for _ in range(12):
            orders = here.sync(refuse=(far, 400), budget=12).resources["orders"]
            here.clock.sleep(3_600)
            if orders.outcome == "complete":
                break
        pages = Counter(place for place in asked if place[0] is not None and place[1] > 0)
        assert orders.outcome == "complete", orders.reason
        assert here.sync(refuse=(far, 400)).resources["orders"].outcome == "complete"
        here.assert_exact("orders")
        assert max(pages.values()) <= 2, pages.most_common(3)


@pytest.mark.parametrize(("status", "place"), [(413, 3), (413, 60), (413, 249), (500, 60)])
def test_a_row_that_no_answer_can_hold_is_left_out_alone(
    status: int, place: int, tmp_path: Path
) -> None:
    """One such row would keep hundreds away for ever, and nothing would say which it is."""
    with engine_world(tmp_path, 250) as here:
        bad = sorted(here.truth("orders").values(), key=lambda row: str(row["created_at"]))
        key = bad[-1 - place]["order_id"]

        def between(request: Any, answer: Any) -> httpx.Response:
            found: httpx.Response = answer(request)
            return httpx.Response(status, json={}) if key in found.text else found

        orders = here.sync(between=between).resources["orders"]
        assert orders.outcome == "complete", orders.reason
        assert orders.detail["unreadable_places"][0] == f"orders at offset {place}"
        assert here.truth("orders").keys() - here.stored("orders").keys() == {key}
        assert orders.requests < 80, "tens of requests more"
        here.clock.sleep(3_600)
        assert here.sync(between=between).resources["orders"].evidence == "counts equal"


# What needs no waiting, and what no status shows ------------------------------------------------


@pytest.mark.parametrize(
    "habits",
    [
        {"sort": "unsorted", "filters": "ignored"},
        {"filters": "refused"},
        {"total": "missing"},
        {"total": "all"},
        {"sort": "unsorted", "total": "all"},
    ],
)
def test_a_small_list_is_proven_at_each_run(habits: dict[str, Any], tmp_path: Path) -> None:
    """A partner of some pages would end two of three manual runs with exit code 3."""
    with engine_world(tmp_path, 300, habits) as here:
        for _ in range(3):
            result = here.sync()
            assert result.exit_code == 0, {n: p.reason for n, p in result.resources.items()}
            here.clock.sleep(60)
        here.assert_exact()


@pytest.mark.parametrize("orders", [0, 10])
def test_a_list_that_is_and_stays_empty_is_proven(orders: int, tmp_path: Path) -> None:
    """A partner without webhooks would be told to wait for a scan, at every second run."""
    with engine_world(tmp_path, orders, webhooks=False) as here:
        for _ in range(3):
            assert here.sync().exit_code == 0
            here.clock.sleep(60)


def test_values_that_no_status_shows_are_read_again_within_days(tmp_path: Path) -> None:
    """A refund or a corrected address would stay wrong for ever, under the word complete."""
    with fast_world(tmp_path, 300, {"page_clamp": 50}, days=60, webhooks=False) as here:
        here.sync()
        began, before = here.clock.now(), here.stored("orders")
        changed = sorted(before)[::9]

        def lie(answer: Answer) -> None:
            for row in rows_of(answer, "orders"):
                if row["order_id"] in changed:
                    row["total_amount"] = 999.99

        most = 0
        while here.clock.now() - began < 31 * DAY:
            here.clock.sleep(DAY)
            result = here.sync(lie=lie)
            most = max(most, result.requests)
            assert result.outcome == "complete", result.resources["orders"].reason
        stored = here.stored("orders")
        assert {str(stored[key]["total_amount"]) for key in changed} == {"999.9900"}
        told = here.query("select order_id, total_amount from printora_raw.order_amount_history")
        assert dict(told) == {key: before[key]["total_amount"] for key in changed}
        assert len(told) == len(changed)
        oldest = result.resources["orders"].oldest_observation_at
        assert oldest is not None
        assert here.clock.now() - oldest.timestamp() < 31 * DAY
        assert most <= 40


def test_rows_that_are_shown_again_are_soon_read(tmp_path: Path) -> None:
    """Three orders that were being indexed for ten minutes would be missing for a month."""
    with engine_world(tmp_path, 500) as here:
        young = sorted(here.truth("orders").items(), key=lambda item: item[1]["created_at"])
        names = {key for key, _ in young[250:253]}

        def lie(answer: Answer) -> None:
            if "orders" in answer:
                answer["orders"] = [r for r in answer["orders"] if r["order_id"] not in names]

        looks = []
        for _ in range(8):
            orders = here.sync(lie=lie).resources["orders"]
            looks.append(orders.detail["requests_by_purpose"].get("repair", 0))
            here.clock.sleep(3_600)
        assert orders.outcome == "complete", orders.reason
        assert orders.detail["rows_hidden"] == 3
        assert orders.detail["hidden_looked_for_at"].startswith(f"{orders.complete_as_of:%Y-%m-%d}")
        assert [hour for hour, requests in enumerate(looks) if requests] == [1, 3, 7]
        assert max(looks[2:]) <= 6  # the first time, it is also searched why the counts differ
        here.clock.sleep(12 * 3_600)
        orders = here.sync().resources["orders"]
        assert orders.outcome == "complete", orders.reason
        assert "rows_hidden" not in orders.detail
        here.assert_exact("orders")


@pytest.mark.parametrize("habits", [{}, {"sort": "unsorted"}, {"filters": "ignored"}])
def test_logs_that_the_api_drops_for_their_age_are_not_deleted(
    habits: dict[str, Any], tmp_path: Path
) -> None:
    """A full scan would mark each log that is older than the API keeps it as deleted."""
    with engine_world(tmp_path, 40, habits, days=40) as here:

        def by_age() -> list[str]:
            logs = here.truth("webhook_logs").items()
            return [key for key, row in sorted(logs, key=lambda item: item[1]["created_at"])]

        here.sync()
        here.sandbox.changes.delete_logs(by_age()[: len(by_age()) // 2])
        for _ in range(2):
            here.clock.sleep(3_700)
            logs = here.sync(full=True).resources["webhook_logs"]
            assert (logs.outcome, logs.evidence) == ("complete", "whole walk"), logs.reason
        between = by_age()[9]
        here.sandbox.changes.delete_logs(between)
        here.clock.sleep(3_700)
        here.sync(full=True)
        here.sandbox.changes.delete_logs(by_age())
        for _ in range(3):
            here.clock.sleep(3_700)
            logs = here.sync().resources["webhook_logs"]
        assert logs.outcome == "complete", logs.reason
        assert here.stored("webhook_logs", deleted=True).keys() == {between}
