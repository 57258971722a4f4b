"""Pages asked for before a strategy comes to them, where the limits leave room.

On an API that takes a third of a second for an answer, a long scan waits for nothing else. An early
page is asked for once: where that fails, it is asked for again in its turn, and where no strategy
comes to it, it is dropped. Whatever was sent is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from pipelines.client import Page, PrintoraClient
from pipelines.client.transport import ATTEMPTS
from pipelines.lists import ListSpec
from pipelines.sync.protocol import PageRequest

#: So many requests must be left, in each window and of the budget, for each of those in flight.
_ROOM = 3


class Fetch(Protocol):
    """One page of a list from the API."""

    def __call__(
        self,
        spec: ListSpec,
        *,
        offset: int,
        limit: int,
        status: str | None,
        attempts: int = ATTEMPTS,
    ) -> Page:
        """Ask; raise an :class:`ApiError`, or what ends the run early."""


def fetch_by(client: PrintoraClient) -> Fetch:
    """Return how a client answers what strategies ask for.

    Where the first answer tells a time that is far from ours, two more have to agree with it before
    its rows are taken: they would be dated by another clock than all others. One of the two is of
    another address, for a cache that does not say that it is one agrees with itself.
    """
    governor = client.governor

    def fetch(
        spec: ListSpec, *, offset: int, limit: int, status: str | None, attempts: int = ATTEMPTS
    ) -> Page:
        def ask(rows: int) -> Page:
            return client.read_list(
                spec, offset=offset, limit=rows, status=status, attempts=attempts
            )

        page = ask(limit)
        if governor.server_clock.is_unsettled and governor.room() > 1:
            ask(max(limit - 1, 1))
            page = ask(limit)
        return page

    return fetch


class Ahead:
    """Asks for pages, ``in_flight`` of one list at a time; 1 is one after the other.

    ``room`` tells how many requests may be made without a wait.
    """

    def __init__(self, fetch: Fetch, in_flight: int, room: Callable[[], int]) -> None:
        self._fetch = fetch
        self._in_flight = in_flight
        self._room = room
        self._may_look = False
        self._early: dict[tuple[str, int, int], Future[Page]] = {}
        #: The offset that was last asked for, by list.
        self._last: dict[str, int] = {}
        self._pool = ThreadPoolExecutor(2 * in_flight, "page") if in_flight > 1 else None

    def look(self, left: float, lists: int) -> None:
        """Ask early while so many requests are left that scans of so many lists come to them."""
        self._may_look = left > lists * self._in_flight

    def ask(self, request: PageRequest, limit: int, status: str | None) -> Page:
        """Return the page that a request wants, and ask for those it would like next."""
        name = request.spec.name
        is_back = request.offset <= self._last.get(name, -1)
        if request.resume is None or status is not None or is_back:
            self._keep(name, limit, ())  # of two observations the later one counts
        self._last[name] = request.offset
        early = self._early.pop((name, request.offset, limit), None)
        if early is not None and not early.cancel():
            self._ask_early(request, limit)
            if early.exception() is None:
                return early.result()
        # It is waited for, and told, as any other. What was asked for early is older now.
        self._keep(name, limit, ())
        page = self._fetch(request.spec, offset=request.offset, limit=limit, status=status)
        self._ask_early(request, limit)
        return page

    def drop(self) -> None:
        """Drop what nobody came for, and ask for nothing early from now on."""
        self._may_look = False
        for name, _, limit in list(self._early):
            self._keep(name, limit, ())

    def close(self) -> None:
        """Drop what nobody came for, and wait for nothing."""
        self.drop()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask_early(self, request: PageRequest, limit: int) -> None:
        wanted = request.ahead[: self._in_flight - 1]
        self._keep(request.spec.name, limit, wanted)
        if self._pool is None or not self._may_look or self._room() < _ROOM * self._in_flight:
            return
        for offset in wanted:
            key = (request.spec.name, offset, limit)
            if key not in self._early:
                self._early[key] = self._pool.submit(
                    self._fetch, request.spec, offset=offset, limit=limit, status=None, attempts=1
                )

    def _keep(self, name: str, limit: int, wanted: tuple[int, ...]) -> None:
        """Drop the early pages of a list but for those that are wanted still."""
        for key in [key for key in self._early if key[0] == name]:
            if key[1] not in wanted or key[2] != limit:
                self._early.pop(key).cancel()
