"""Pages asked for before a strategy comes to them, where the limits leave room.

On an API that takes a third of a second for an answer, a long scan waits for nothing else. A page
that no strategy comes to is dropped, and counted; a fault that one met is held until then.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from pipelines.client import Page
from pipelines.lists import ListSpec
from pipelines.sync.protocol import PageRequest

#: So many requests must be left in each window for each one that is asked early.
_ROOM = 10


class Fetch(Protocol):
    """One page of a list from the API."""

    def __call__(self, spec: ListSpec, *, offset: int, limit: int, status: str | None) -> Page:
        """Ask; raise an :class:`ApiError`, or what ends the run early."""


class Ahead:
    """Asks for pages, ``in_flight`` of one list at a time; 1 is one after the other.

    ``dropped`` is told the list's name of each early page that was asked in vain.
    """

    def __init__(
        self,
        fetch: Fetch,
        in_flight: int,
        quota_left: Callable[[], dict[str, int]],
        dropped: Callable[[str], None],
    ) -> None:
        self._fetch = fetch
        self._in_flight = in_flight
        self._quota_left = quota_left
        self._dropped = dropped
        self._early: dict[tuple[str, int, int], Future[Page]] = {}
        #: The offset that was last asked for, by list.
        self._last: dict[str, int] = {}
        self._pool = ThreadPoolExecutor(in_flight, "page") if in_flight > 1 else None

    def ask(self, request: PageRequest, limit: int, status: str | None) -> Page:
        """Return the page that a request wants, and ask for those it would like next."""
        if self._pool is None or status is not None:
            return self._fetch(request.spec, offset=request.offset, limit=limit, status=status)
        self._forget_older(request)
        early = self._early.pop((request.spec.name, request.offset, limit), None)
        page = early or self._submit(self._pool, request.spec, request.offset, limit)
        self._ask_early(self._pool, request, limit)
        return page.result()

    def close(self) -> None:
        """Drop what nobody came for, and wait for nothing."""
        for name, offset, limit in list(self._early):
            self._drop((name, offset, limit))
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask_early(self, pool: ThreadPoolExecutor, request: PageRequest, limit: int) -> None:
        name, wanted = request.spec.name, request.ahead[: self._in_flight - 1]
        for key in [key for key in self._early if key[0] == name]:
            if key[1] not in wanted or key[2] != limit:
                self._drop(key)
        if any(left < _ROOM * self._in_flight for left in self._quota_left().values()):
            return
        for offset in wanted:
            if (name, offset, limit) not in self._early:
                self._early[name, offset, limit] = self._submit(pool, request.spec, offset, limit)

    def _forget_older(self, request: PageRequest) -> None:
        """Drop what was asked early when a list is read again: the later observation counts."""
        name = request.spec.name
        if request.offset <= self._last.get(name, -1):
            for key in [key for key in self._early if key[0] == name]:
                self._drop(key)
        self._last[name] = request.offset

    def _submit(
        self, pool: ThreadPoolExecutor, spec: ListSpec, offset: int, limit: int
    ) -> Future[Page]:
        return pool.submit(self._fetch, spec, offset=offset, limit=limit, status=None)

    def _drop(self, key: tuple[str, int, int]) -> None:
        if not self._early.pop(key).cancel():
            self._dropped(key[0])
