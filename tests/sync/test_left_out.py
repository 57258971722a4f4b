"""Lists that keep rows back: cut alike in every answer, they would be called complete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fast import engine_world
from shop import Shop
from test_lies import assert_true, leaves_out_cancelled

Ask = Callable[[httpx.Request], httpx.Response]
Body = dict[str, Any]


def edited(told: httpx.Response, change: Callable[[Body], Body]) -> httpx.Response:
    """Return the answer with another body."""
    headers = {k: v for k, v in told.headers.items() if k != "content-length"}
    return httpx.Response(200, json=change(told.json()), headers=headers)


def is_capped(request: httpx.Request, ask: Ask) -> httpx.Response:
    """Neither count nor show more than 100 rows, whatever is asked for."""
    offset = int(request.url.params.get("offset", 0))

    def capped(body: Body) -> Body:
        name = "orders" if "orders" in body else "logs"
        shown = body[name][: max(100 - offset, 0)]
        return body | {name: shown, "total": min(body["total"], 100)}

    return edited(ask(request), capped)


def ends_early(request: httpx.Request, ask: Ask) -> httpx.Response:
    """Count nothing, and show 100 rows at most, as a statement that is cut does."""
    return edited(is_capped(request, ask), lambda body: body | {"total": None})


@pytest.mark.parametrize("cuts", [leaves_out_cancelled, is_capped, ends_early])
@pytest.mark.parametrize("sort", ["newest_first", "oldest_first", "unsorted"])
def test_a_list_that_is_cut_alike_in_every_answer_is_not_complete(
    cuts: Callable[[httpx.Request, Ask], httpx.Response], sort: str, tmp_path: Path
) -> None:
    """A default filter or a ceiling would hide a third of the orders under the word complete."""
    with engine_world(tmp_path, 150, {"sort": sort}, webhooks=False) as here:
        here.sandbox.changes.move(sorted(here.truth("orders"))[::10], "cancelled", log=False)
        here.clock.sleep(5)
        for _ in range(3):
            result = here.sync(between=cuts)
            orders = result.resources["orders"]
            assert orders.outcome == "partial"
            assert_true(here, result)
            assert not here.stored("orders", deleted=True)
            here.clock.sleep(3_700)


def test_a_filter_that_knows_no_offset_hides_nothing_else(tmp_path: Path) -> None:
    """An empty page of one status would make up for the rows of another that are left out."""
    with engine_world(tmp_path, 0) as here:
        shop = ShortFilter(here)
        keys = [shop.add_order(300 - n, "shipped" if n % 3 else "cancelled") for n in range(240)]
        shop.kept_back = frozenset(keys[228::3])
        orders = here.sync(between=shop).resources["orders"]
        assert "4 orders under a filter" in str(orders.reason)


class ShortFilter(Shop):
    """Shows nothing of one status behind its first page."""

    def __call__(self, request: httpx.Request, ask: object) -> httpx.Response:
        """Answer one request."""
        asked = request.url.params
        if asked.get("status") == "shipped" and int(asked.get("offset", 0)):
            return edited(super().__call__(request, ask), lambda body: body | {"orders": []})
        return super().__call__(request, ask)
