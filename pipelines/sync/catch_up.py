"""Following a list whose past is known: what changed is read, and counts prove that it was all.

New rows stand at the young end (``young_end.py``). Moved ones are told by events
(``by_events.py``), by the clock (``by_time.py``), or by counts, status by status
(``by_counts.py``). Then the list's length is compared with the known rows (``whole.py``).
"""

from __future__ import annotations

from pipelines.sync.by_counts import Refresh
from pipelines.sync.by_events import by_events
from pipelines.sync.by_time import by_time
from pipelines.sync.listrun import ListRun
from pipelines.sync.protocol import RequestRefused, Strategy
from pipelines.sync.unseen import look_for_hidden


def catch_up(run: ListRun, refresh: Refresh) -> Strategy[None]:
    """Read what changed, and prove that this is all; ``refresh`` reads new events."""
    try:
        yield from look_for_hidden(run)
        if run.spec.recheck is not None:
            yield from by_time(run)
        else:
            yield from by_events(run, refresh)
    except RequestRefused as refused:
        run.conclude_refused(refused)
