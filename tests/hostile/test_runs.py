"""Whole syncs against hostile servers: each ends with a code of the table, and costs itself only.

After each of them an honest server is asked: what it has is stored, and nothing else is.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from hostile_run import LISTS, Middle, Partner, honest
from hostile_server import KEY

CODES = {
    int(code)
    for code in re.findall(
        r"^\| (\d+) \|",
        (Path(__file__).parents[2] / "docs/operating.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}
#: No hostile run of sixty rows may ask more often, nor last longer than the day that a limit may.
MOST_REQUESTS = 600
LONGEST = 2 * 86_400.0


def says(content: bytes | str, status: int = 200, headers: dict[str, str] | None = None) -> Middle:
    """Always answer the same."""
    return lambda *_: httpx.Response(status, content=content, headers=headers)


def with_headers(**headers: str) -> Middle:
    """Answer as the API does, with headers of one's own."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _, ask: httpx.Response(200, json=ask(), headers=named)


def changed(**fields: Any) -> Middle:
    """Answer as the API does, with other fields around the list."""
    return lambda _, ask: httpx.Response(200, json={**ask(), **fields})


def rows(change: Callable[[dict[str, Any]], Any]) -> Middle:
    """Answer as the API does, with each row as a function leaves it."""

    def middle(_: httpx.Request, ask: Callable[[], dict[str, Any]]) -> httpx.Response:
        said = ask()
        for row in said.get("orders", said.get("logs", [])):
            change(row)
        return httpx.Response(200, json=said)

    return middle


def paged(**asked: int) -> Middle:
    """Answer as if another page had been asked for."""

    def middle(request: httpx.Request, _: Callable[[], dict[str, Any]]) -> httpx.Response:
        url = request.url.copy_merge_params({name: str(at) for name, at in asked.items()})
        return httpx.Response(200, json={**honest(httpx.Request("GET", url)), "total": 60})

    return middle


def replaced(old: str, new: str, times: int = 2) -> Middle:
    """Answer with a few bytes of the API's answer changed."""

    def middle(_: httpx.Request, ask: Callable[[], dict[str, Any]]) -> httpx.Response:
        body = json.dumps(ask()).encode().replace(old.encode(), new.encode("latin-1"), times)
        return httpx.Response(200, content=body)

    return middle


def alternating(*middles: Middle) -> Middle:
    """Answer now so, now so."""
    asked = iter(range(10**9))
    return lambda request, ask: middles[next(asked) % len(middles)](request, ask)


def for_list(name: str, middle: Middle) -> Middle:
    """Be hostile for one list only."""

    def choose(request: httpx.Request, ask: Callable[[], dict[str, Any]]) -> httpx.Response:
        if request.url.path.endswith(name):
            return middle(request, ask)
        return httpx.Response(200, json=ask())

    return choose


def _unseen() -> Middle:
    """Fill each page with rows that nobody has seen."""
    made = itertools.count()

    def middle(_: httpx.Request, ask: Callable[[], dict[str, Any]]) -> httpx.Response:
        said = {**ask(), "total": 10**6}
        for row in said.get("orders", said.get("logs", [])):
            row["webhook_log_id" if "event" in row else "order_id"] = f"new_{next(made):08}"
        return httpx.Response(200, json=said)

    return middle


HONEST: Middle = lambda _, ask: httpx.Response(200, json=ask())  # noqa: E731
LIMITED = '{"error": {"code": "RATE_LIMIT_EXCEEDED", "message": "slow down"}}'

#: What a server does, and the exit codes that tell it rightly.
CASES: dict[str, tuple[Middle, set[int]]] = {
    # Limits
    "429 for ever": (says(LIMITED, 429), {3}),
    "429 until the year 2999": (
        says(LIMITED, 429, {"Retry-After": "Fri, 01 Jan 2999 00:00:00 GMT"}),
        {3},
    ),
    "429 until yesterday": (
        says(LIMITED, 429, {"Retry-After": "Sat, 28 Feb 2026 12:00:00 GMT"}),
        {3},
    ),
    "429 for 10^20 seconds": (says(LIMITED, 429, {"Retry-After": "9" * 20}), {3}),
    "429 for half a second": (says(LIMITED, 429, {"Retry-After": "0.5"}), {3}),
    "limits in a 200": (says(LIMITED), {3}),
    "limits in a 403": (says(LIMITED, 403), {3}),
    "limits in a 503": (says(LIMITED, 503, {"Retry-After": "5"}), {1, 3}),
    "nothing remains for ever": (
        with_headers(
            X_RateLimit_Limit="60", X_RateLimit_Remaining="0", X_RateLimit_Reset="1772366460"
        ),
        {0, 3},
    ),
    "limits twice in the headers": (
        lambda _, ask: httpx.Response(
            200,
            json=ask(),
            headers=[
                *(("X-RateLimit-Limit", limit) for limit in ("60", "1000000")),
                *(("X-RateLimit-Remaining", left) for left in ("59", "999999")),
                ("X-RateLimit-Reset", "1772366460"),
            ],
        ),
        {0},
    ),
    "limits that are no numbers": (
        with_headers(
            X_RateLimit_Limit="many", X_RateLimit_Remaining="-3", X_RateLimit_Reset="soon"
        ),
        {0},
    ),
    # Statuses and bodies that are none
    "302 to another host": (says("", 302, {"Location": "https://evil.example/"}), {1}),
    "307 in a circle": (says("", 307, {"Location": "/api/v1/webhooks/logs"}), {1}),
    "401 in a 200": (says('{"success": false, "error": {"code": "INVALID_API_KEY"}}'), {1}),
    "an unknown no in a 200": (says('{"success": "false", "message": "maintenance"}'), {1}),
    "a login page": (says("<html>Sign in</html>", headers={"Content-Type": "text/html"}), {1}),
    "nothing": (says(""), {1}),
    "503 for ever": (says("", 503), {1}),
    "503 in 2999": (says("", 503, {"Retry-After": "Fri, 01 Jan 2999 00:00:00 GMT"}), {1, 3}),
    "999": (says("{}", 999), {1}),
    "cut": (says('{"orders": [{"order_id": "a"'), {1}),
    "deeper than any stack": (says("[" * 100_000), {1}),
    "UTF-16": (
        lambda _, ask: httpx.Response(200, content=json.dumps(ask()).encode("utf-16")),
        {0},
    ),
    "a mark before it": (
        lambda _, ask: httpx.Response(200, content=b"\xef\xbb\xbf" + json.dumps(ask()).encode()),
        {0},
    ),
    "now and then 500": (alternating(says("", 500), HONEST, HONEST), {0}),
    "now and then a page": (alternating(HONEST, says("<html>", 200), HONEST), {0}),
    # Rows
    "NaN": (replaced('"12.50"', "NaN"), {0}),
    "infinities": (replaced('"12.50"', "-Infinity"), {0}),
    "bytes that are no text": (replaced("USD", "U\xffD"), {0, 3}),
    "keys twice": (replaced('"status"', '"order_id": "zz", "status"'), {0, 3}),
    "a number of 6,000 digits": (replaced('"12.50"', "9" * 6_000), {0, 3}),
    "nesting": (replaced('"12.50"', "[" * 3_000 + "]" * 3_000), {0, 3}),
    "half an emoji": (replaced('"USD"', '"\\ud83d"'), {0}),
    "NUL": (replaced('"USD"', '"U\\u0000SD"'), {0}),
    "NUL in every row": (replaced('"USD"', '"U\\u0000SD"', 99), {3}),
    "an id of a megabyte": (replaced("ord_0001_abcdef", "x" * 10**6, 1), {0, 3}),
    "other types in each field": (
        rows(lambda row: row.update(currency=[1], total_amount={"a": 1}, carrier=True, extra={})),
        {3},
    ),
    "controls in each text": (
        rows(lambda row: row.update({"carrier": "\x1b[2J\x9b31m\u202e", "x\x1b[31m": "\x07"})),
        {0},
    ),
    "no ids": (rows(lambda row: row.update(order_id=None, webhook_log_id="")), {3}),
    "one id for all": (rows(lambda row: row.update(order_id="one", webhook_log_id="one")), {3}),
    "a null among the rows": (replaced('[{"', '[null, {"', 1), {0, 3}),
    # Counts and order
    "a total of 10^18": (changed(total=10**18), {3}),
    "a total of five thousand": (changed(total=5_000), {3}),
    "a total below zero": (changed(total=-1), {0, 3}),
    "a total that is NaN": (replaced('"total": 60', '"total": NaN'), {0, 3}),
    "a total of words": (changed(total="sixty"), {0, 3}),
    "numbers in place of lists": (changed(orders=5, logs="x"), {1}),
    "the same page for ever": (paged(offset=0, limit=20), {3}),
    "pages of one row": (paged(limit=1), {0, 3}),
    "new rows for ever": (_unseen(), {3}),
    "nothing on each second page": (alternating(HONEST, changed(orders=[], logs=[])), {0, 3}),
    # Times
    "no date": (with_headers(Date=""), {0, 3}),
    "two dates": (
        lambda _, ask: httpx.Response(
            200,
            json=ask(),
            headers=[
                ("Date", "Fri, 01 Jan 2088 00:00:00 GMT"),
                ("Date", "Sun, 01 Mar 2026 12:00:00 GMT"),
            ],
        ),
        {0, 3},
    ),
    "a date of the year 2088": (with_headers(Date="Fri, 01 Jan 2088 00:00:00 GMT"), {3}),
    "an age of a day": (with_headers(Age="86400"), {3}),
    "a cookie": (with_headers(Set_Cookie="sid=evil; Path=/"), {0}),
    # One list only
    "one list is closed": (for_list("logs", says('{"error": {"code": "FORBIDDEN"}}', 403)), {1}),
    "one list is a page": (for_list("orders", says("<html>")), {1}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_run_ends_and_costs_itself_only(case: str) -> None:
    """A run hangs, ends without a code that the table has, or leaves what no later run mends."""
    middle, codes = CASES[case]
    with duckdb.connect() as connection:
        here = Partner(connection)
        began = here.clock.now()
        ended = here.run(middle)
        assert ended.code in CODES & codes, ended
        assert here.requests <= MOST_REQUESTS
        assert here.clock.now() - began <= LONGEST
        assert ended.told.isprintable()
        assert KEY not in ended.told
        here.clock.sleep(2 * 86_400)
        after = here.run(full=True, accept_deletions=True)
        if after.code == 3:  # of a list whose total was false, the end is looked at twice
            after = here.run(full=True, accept_deletions=True)
        assert after.code == 0, after
        for table, name, key in (
            ("orders", "orders", "order_id"),
            ("webhook_logs", "logs", "webhook_log_id"),
        ):
            stored = here.stored(table)
            assert set(stored) == {row[key] for row in LISTS[name]}
            assert {row["status"] for row in stored.values()} <= {"delivered", "processing", "sent"}


@pytest.mark.parametrize("envelope", ["own", "data"])
@pytest.mark.parametrize(("path", "other"), [("orders", "logs"), ("logs", "orders")])
@pytest.mark.parametrize("is_first", [True, False])
def test_another_lists_records_are_refused_by_name(
    is_first: bool, path: str, other: str, envelope: str
) -> None:
    """Sixty deliveries would be loaded as orders, or go to quarantine without a word."""

    def answer(request: httpx.Request, said: Any) -> httpx.Response:
        told = said()
        if request.url.path.endswith(path):
            name = path if envelope == "own" else "data"
            told = {name: LISTS[other], "total": len(LISTS[other])}
        return httpx.Response(200, json=told)

    with duckdb.connect() as connection:
        partner = Partner(connection)
        if not is_first:
            assert partner.run().code == 0
        before = partner.stored("orders"), partner.stored("webhook_logs")
        ended = partner.run(answer)
        words = {"orders": "orders", "logs": "webhook logs"}
        assert ended.code == 1
        assert f"the answer holds {words[other]} in the place of {words[path]}" in ended.told
        assert (partner.stored("orders"), partner.stored("webhook_logs")) == before
