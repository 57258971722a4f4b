"""A served sandbox whose clock stands still, and an HTTP client that knows the key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from sandbox_support import START, Api, MakeApi

from pipelines.clock import ManualClock
from pipelines.sandbox import DEFAULT_KEY, Limits, Sandbox, SandboxConfig, WorldOptions


@pytest.fixture
def make_api() -> Iterator[MakeApi]:
    """Serve sandboxes until the test ends. Limits are off unless the test sets them."""
    with ExitStack() as stack:

        def make(orders: int = 120, *, world: dict[str, Any] | None = None, **config: Any) -> Api:
            clock = ManualClock(START)
            options = WorldOptions(orders=orders, **(world or {}))
            settings = SandboxConfig(world=options, **{"limits": Limits.off(), **config})
            sandbox = Sandbox(settings, clock=clock)
            server = stack.enter_context(sandbox.serve())
            headers = {"Authorization": f"Bearer {DEFAULT_KEY}"}
            http = stack.enter_context(httpx.Client(base_url=server.base_url, headers=headers))
            return Api(sandbox, clock, http)

        yield make


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    """Serve a small sandbox with every setting at its default."""
    return make_api()
