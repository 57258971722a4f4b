"""A server that lies a little, as real ones do: it stands between the engine and the sandbox.

Each liar tells one kind of lie for the length of a sync: in one answer (``at``), or in all. What it
does contradicts itself somewhere; a server that lies without contradiction cannot be told from one
that has just those rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import httpx
from sync_world import World

Answer = dict[str, Any]
Ask = Callable[[httpx.Request], httpx.Response]
#: A cache's answers by what was asked, and when it got them. It outlives the sync.
Cache = dict[str, tuple[httpx.Response, float]]

#: What a list may be called in an answer.
_LISTS = ("orders", "logs")
#: How far a `Date` is off, in seconds.
_OFF = (1_800.0, -1_800.0, 72_000.0, -86_400.0 * 400, 86_400.0 * 20_000)
_WORDS = ("pending", "processing", "shipped", "delivered", "sent", "failed")


class Liar:
    """One kind of lie. ``chance`` chooses how it is told."""

    def __init__(self, kind: str, at: int, chance: int, world: World, cache: Cache) -> None:
        self._lie: Callable[[httpx.Request, Ask], httpx.Response] = getattr(self, f"_{kind}")
        self._at = at
        self._chance = chance
        self._world = world
        self._cache = cache
        self._number = -1
        self._totals: dict[str, Any] = {}

    def __call__(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Answer one request."""
        self._number += 1
        return self._lie(request, ask)

    @property
    def _is_now(self) -> bool:
        return self._number == self._at

    # Rows ------------------------------------------------------------------------------------

    def _hides_rows(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Leave some rows out of one answer."""
        first, count = self._chance % 100, 1 + self._chance % 7
        return self._changed(request, ask, lambda rows: rows[:first] + rows[first + count :])

    def _cuts_a_page(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """End one page early."""
        return self._changed(request, ask, lambda rows: rows[: self._chance % 60])

    def _is_behind(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Give one answer out of a copy that does not have the youngest rows yet."""
        count = 1 + self._chance % 60

        def older(answer: Answer) -> None:
            name, rows = _list_in(answer)
            if name is None or "status" in request.url.params:
                return
            truth = self._world.truth("orders" if name == "orders" else "webhook_logs")
            young = sorted(truth, key=lambda key: truth[key]["created_at"])[-count:]
            rows[:] = [row for row in rows if not set(young) & set(map(str, row.values()))]
            if type(answer.get("total")) is int:
                answer["total"] -= len(young)

        return _edited(ask(request), older) if self._is_now else ask(request)

    def _clamps_as_it_likes(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Cut each page at another length, never below twenty rows."""
        most = 20 + (self._chance + 37 * self._number) % 81
        request = _asked(request, limit=min(int(request.url.params.get("limit", 20)), most))
        return ask(request)

    def _loses_a_mass(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Show the first few orders only, as a default filter would."""
        left = self._chance % 15

        def few(answer: Answer) -> None:
            if "orders" in answer:
                offset = int(request.url.params.get("offset", 0))
                answer["orders"] = answer["orders"][: max(left - offset, 0)]
                if type(answer.get("total")) is int:
                    answer["total"] = min(left, answer["total"])

        return _edited(ask(request), few)

    # Totals ----------------------------------------------------------------------------------

    def _forgets_a_total(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Give one answer without total."""
        return _edited(ask(request), lambda a: a.pop("total", 0)) if self._is_now else ask(request)

    def _counts_late(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Count what there was when the same was last asked for."""

        def late(answer: Answer) -> None:
            asked = f"{request.url.path} {request.url.params.get('status')}"
            if "total" in answer:
                before, self._totals[asked] = self._totals.get(asked), answer["total"]
                answer["total"] = answer["total"] if before is None else before

        return _edited(ask(request), late)

    def _writes_totals_as_text(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Write each total as a text or with a point."""
        form: Callable[[int], Any] = (str, float, lambda total: f" {total} ")[self._chance % 3]

        def written(answer: Answer) -> None:
            if "total" in answer:
                answer["total"] = form(answer["total"])

        return _edited(ask(request), written)

    # Time ------------------------------------------------------------------------------------

    def _has_a_wild_date(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Date one answer, or all, by another clock."""
        response = ask(request)
        if "date" in response.headers and (self._is_now or self._chance % 4 == 0):
            off = timedelta(seconds=_OFF[self._chance % len(_OFF)])
            at = parsedate_to_datetime(response.headers["date"]) + off
            response.headers["date"] = format_datetime(at, usegmt=True)
        return response

    def _is_a_cache(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Answer what was asked before as it was answered then."""
        url, now = str(request.url), self._world.clock.now()
        if url not in self._cache:
            self._cache[url] = ask(request), now
            return self._cache[url][0]
        kept, since = self._cache[url]
        headers = {"content-type": "application/json", "age": str(int(now - since))}
        if "date" in kept.headers:
            headers["date"] = kept.headers["date"]
        return httpx.Response(200, headers=headers, content=kept.content)

    # What is asked for -----------------------------------------------------------------------

    def _refuses_offsets(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Take no offset beyond a ceiling."""
        ceiling = 60 + self._chance % 300
        if int(request.url.params.get("offset", 0)) >= ceiling:
            error = {"code": "VALIDATION_ERROR", "message": f"offset is at most {ceiling}"}
            return httpx.Response(400, json={"success": False, "error": error})
        return ask(request)

    def _writes_in_capitals(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Write each status in capitals, and know it by no other spelling."""
        status = request.url.params.get("status")
        if status is not None:
            request = _asked(request, status=status.lower() if status.isupper() else "nothing")

        def loud(answer: Answer) -> None:
            for row in _list_in(answer)[1]:
                row["status"] = row["status"].upper()

        return _edited(ask(request), loud)

    def _ignores_a_word(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Take one status for no filter at all."""
        if request.url.params.get("status") == _WORDS[self._chance % len(_WORDS)]:
            request = _asked(request, status=None)
        return ask(request)

    def _changed(
        self, request: httpx.Request, ask: Ask, change: Callable[[list[Any]], list[Any]]
    ) -> httpx.Response:
        def changed(answer: Answer) -> None:
            rows = _list_in(answer)[1]
            rows[:] = change(rows)

        return _edited(ask(request), changed) if self._is_now else ask(request)


LIES = tuple(
    name[1:]
    for name in vars(Liar)
    if name[0] == "_" and name[1] != "_" and name not in ("_is_now", "_changed")
)


def _list_in(answer: Answer) -> tuple[str | None, list[Any]]:
    """Return the list in an answer and what it is called; an empty one where there is none."""
    inner = answer["data"] if isinstance(answer.get("data"), dict) else answer
    name = next((name for name in _LISTS if isinstance(inner.get(name), list)), None)
    return name, inner[name] if name else []


def _edited(response: httpx.Response, change: Callable[[Answer], object]) -> httpx.Response:
    if response.status_code != 200:
        return response
    try:
        answer = json.loads(response.content)
    except ValueError:
        return response
    inner = answer.get("data")
    change(inner if isinstance(inner, dict) else answer)
    headers = [(n, v) for n, v in response.headers.multi_items() if n != "content-length"]
    return httpx.Response(200, headers=headers, content=json.dumps(answer).encode())


def _asked(request: httpx.Request, **changes: Any) -> httpx.Request:
    """Return the request with other parameters."""
    params = {**dict(request.url.params), **changes}
    url = request.url.copy_with(params={k: v for k, v in params.items() if v is not None})
    return httpx.Request(request.method, url, headers=request.headers)
