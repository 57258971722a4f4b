"""What a sync does while it waits for the API's limits."""

from __future__ import annotations

import threading

from pipelines.destinations.base import Destination
from pipelines.progress import Event, Listener, Waiting
from pipelines.sync.runner import Runner
from pipelines.sync.stopping import Stopping

#: A wait of so many seconds is long enough for somebody to read the warehouse in.
WORTH_RELEASING = 1.0
#: Before a wait of so many seconds, what was read is loaded.
LONG_WAIT = 60.0


class Waits:
    """What happens while the limits are waited for: rows are loaded, and readers let in."""

    def __init__(self, destination: Destination, stopping: Stopping, listener: Listener) -> None:
        self._destination = destination
        self._stopping = stopping
        self._listener = listener
        self.runner: Runner | None = None

    def __call__(self, event: Event) -> None:
        """Use a wait in the main thread, whose the destination is; tell the listener of all."""
        if threading.current_thread() is not threading.main_thread():
            self._listener(event)
            return
        if isinstance(event, Waiting) and event.seconds >= LONG_WAIT and self.runner:
            self._stopping.working(self.runner.driver.load_before_waiting)
        if isinstance(event, Waiting) and event.seconds >= WORTH_RELEASING:
            self._destination.release()
        self._listener(event)
