"""A strategy under way: it is sent the page that it waits for, until it has a result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from pipelines.sync.protocol import ListPage, PageRequest, RequestRefused, Strategy

R = TypeVar("R")


class Turn(Generic[R]):
    """A strategy under way, and the request that it waits for."""

    def __init__(self, strategy: Strategy[R]) -> None:
        self._strategy = strategy
        self._request: PageRequest | None = None
        self._result: list[R] = []
        self._go_on(lambda: next(strategy))

    @property
    def is_over(self) -> bool:
        """Whether there is a result."""
        return bool(self._result)

    @property
    def request(self) -> PageRequest:
        """The page that the strategy waits for."""
        if self._request is None:
            raise RuntimeError("the strategy is over")
        return self._request

    def result(self) -> R:
        """Return what the strategy returned."""
        return self._result[0]

    def send(self, page: ListPage) -> None:
        """Hand the page over."""
        self._go_on(lambda: self._strategy.send(page))

    def throw(self, refused: RequestRefused) -> None:
        """Say that the API does not take the request."""
        self._go_on(lambda: self._strategy.throw(refused))

    def close(self) -> None:
        """End the strategy early."""
        self._strategy.close()

    def _go_on(self, step: Callable[[], PageRequest]) -> None:
        try:
            self._request = step()
        except StopIteration as end:
            self._request, self._result = None, [end.value]
