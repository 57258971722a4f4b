"""Shows a sync while it runs: bars on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pipelines.cli import terminal
from pipelines.progress import Event, Loaded, PageRead, Planned, Waiting
from pipelines.words import counted

#: Shorter pauses than this many seconds are not worth a line in a log.
_LONG_WAIT = 5.0
#: Where fewer requests than this are left in the minute, they tell nothing of the pace.
_FEW = 10


class Watcher:
    """Listens to a sync. Use as a context manager: the bars go when it ends."""

    def __init__(self) -> None:
        console = terminal.errors()
        self._bars = console.is_terminal
        self._tasks: dict[str, TaskID] = {}
        self._told: set[str] = set()
        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[rows]}"),
            TextColumn("{task.fields[quota]}", style="dim"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            disable=not self._bars,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Planned():
                self._line(plan_text(event))
            case Waiting():
                if event.seconds >= _LONG_WAIT:
                    self._wait(event)
            case Loaded(rows=rows):
                if rows:
                    self._line(f"Loaded {counted(rows, 'row')}, new or looked at again")
            case PageRead():
                self._page(event)

    def _line(self, text: str) -> None:
        """Print above the bars; through their console, which moves them out of the way."""
        self._progress.console.print(text, markup=False, soft_wrap=True)

    def _wait(self, wait: Waiting) -> None:
        """Show a pause where the quota stands, and its reason once: a paced load has many."""
        if not self._bars or wait.reason not in self._told:
            self._line(f"Waiting {wait.seconds:,.0f} s for {wait.reason}")
            self._told.add(wait.reason)
        for task in self._tasks.values():
            self._progress.update(task, quota=f"waiting {wait.seconds:,.0f} s")

    def _page(self, page: PageRead) -> None:
        if not self._bars:
            return
        if page.resource not in self._tasks:
            self._tasks[page.resource] = self._progress.add_task(page.resource, rows="", quota="")
        self._progress.update(
            self._tasks[page.resource],
            completed=page.rows_read,
            total=page.rows_total,
            rows=rows_text(page),
            quota=quota_text(page.quota_left),
        )


def plan_text(plan: Planned) -> str:
    """Return what is about to be asked, and of how much, as one line."""
    about = "an unknown number of requests"
    if plan.requests is not None:
        about = f"about {counted(plan.requests, 'request')}"
    return f"Plan: {about}{_time_text(plan)}; {quota_text(plan.quota_left)}. {plan.text}"


def _time_text(plan: Planned) -> str:
    """Return how long that takes at least, where the limits make it worth a word."""
    left = plan.quota_left.get("minute", 0)
    if plan.requests is None or left < _FEW or plan.requests <= left:
        return ""
    return f", {counted(round(plan.requests / left), 'minute')} or more"


def rows_text(page: PageRead) -> str:
    """Return how far a resource is, as "1,200 of 20,000 rows, 12 requests"."""
    rows = counted(page.rows_read, "row")
    if page.rows_total is not None:
        rows = f"{page.rows_read:,} of {counted(page.rows_total, 'row')}"
    asked = f", {counted(page.requests, 'request')}" if page.requests else ""
    return rows + asked


def quota_text(quota_left: dict[str, int]) -> str:
    """Return what is left of each limit, as "left: 40/minute, 7,900/day"."""
    parts = [f"{left:,}/{window}" for window, left in quota_left.items()]
    return f"left: {', '.join(parts)}" if parts else ""
