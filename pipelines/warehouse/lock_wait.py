"""Waiting for the right to write, while another run has it."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.clock import Clock
from pipelines.errors import WarehouseLocked


def wait_for_writer(
    acquire: Callable[[], bool],
    other: Callable[[], str],
    *,
    timeout: float,
    on_wait: Callable[[str], None] | None,
    clock: Clock,
    poll_seconds: float,
) -> None:
    """Try every ``poll_seconds`` to ``acquire`` the right, for at most ``timeout`` seconds.

    ``other`` says who is writing where; ``on_wait`` is told so once.

    Raises:
        WarehouseLocked: the other run did not end in time.
    """
    deadline = clock.now() + timeout
    told = on_wait is None
    while not acquire():
        who = other()
        if clock.now() >= deadline:
            raise WarehouseLocked(
                f"{who[0].upper()}{who[1:]}, and did not end within {timeout:g} seconds.",
                hint="Run again when it is done. Should it hang, end that process: its lock ends "
                "with it.",
            )
        if on_wait and not told:
            on_wait(f"Waiting: {who}.")
            told = True
        clock.sleep(poll_seconds)
