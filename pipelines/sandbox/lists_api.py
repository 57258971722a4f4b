"""The two lists over the API: paging, filters, envelopes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.sandbox.answers import Answer, Request, invalid
from pipelines.sandbox.backend import Backend
from pipelines.sandbox.behaviour import MAX_LIMIT
from pipelines.sandbox.listing import Listing, Page
from pipelines.sandbox.log_rows import log_rows
from pipelines.sandbox.order_rows import order_rows


class ListEndpoints:
    """The list of orders and the list of webhook logs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def orders(self, request: Request) -> Answer:
        """List orders."""
        backend, now = self._backend, self._now()
        filters = self._filters(request.query, backend.behaviour.order_filters)
        page = self._page(backend.orders, request.query, filters, now)
        rows = order_rows(backend.world, page.rows, now, backend.behaviour)
        return self._enveloped("orders", rows, page, request.query)

    def logs(self, request: Request) -> Answer:
        """List webhook logs."""
        backend, now = self._backend, self._now()
        filters = self._filters(request.query, backend.behaviour.log_filters)
        page = self._page(backend.logs, request.query, filters, now)
        rows = log_rows(backend.world, page.rows, now, backend.behaviour)
        return self._enveloped(backend.behaviour.logs_key, rows, page, request.query)

    def _now(self) -> int:
        now = self._backend.clock.now_ms()
        self._backend.world.reach(now)
        return now

    def _filters(self, query: Mapping[str, str], known: tuple[str, ...]) -> dict[str, str]:
        """Return the filters to obey; refuse those that the API refuses."""
        behaviour = self._backend.behaviour
        asked = {name: value for name, value in query.items() if name not in ("limit", "offset")}
        for name in asked:
            habit = behaviour.filters if name in known else behaviour.unknown_filters
            if habit == "refused":
                raise invalid(f"Unknown parameter: {name}", field=name)
        if behaviour.filters == "ignored":
            return {}
        return {name: value for name, value in asked.items() if name in known}

    def _page(
        self, listing: Listing, query: Mapping[str, str], filters: dict[str, str], now: int
    ) -> Page:
        offset, limit = self._window(query)
        return listing.page(now, filters, self._backend.behaviour.sort, offset, limit)

    def _window(self, query: Mapping[str, str]) -> tuple[int, int]:
        """Return the offset, and the limit that is really given."""
        behaviour = self._backend.behaviour
        limit = _number(query, "limit", behaviour.default_limit, least=1)
        if limit > MAX_LIMIT and behaviour.over_limit == "refuse":
            raise invalid(f"limit must be at most {MAX_LIMIT}", field="limit")
        return _number(query, "offset", 0, least=0), min(limit, behaviour.page_clamp)

    def _enveloped(
        self, key: str, rows: list[dict[str, Any]], page: Page, query: Mapping[str, str]
    ) -> Answer:
        """Return the answer in the envelope that the API uses."""
        behaviour = self._backend.behaviour
        offset, limit = self._window(query)
        totals = {"filtered": page.matching, "all": page.all_rows}
        total = {"total": totals[behaviour.total]} if behaviour.total in totals else {}
        content: dict[str, Any] = {key: rows, **total}
        if behaviour.envelope == "plain":
            content |= {"limit": limit, "offset": offset}
        elif behaviour.envelope == "success":
            content = {"success": True, **content}
        else:
            content = {"success": True, "data": content}
        return Answer(200, content)


def _number(query: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    """Return a whole number of the query."""
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and least <= int(text) < 2**31):
        raise invalid(f"{name} must be a whole number of at least {least}", field=name)
    return int(text)
