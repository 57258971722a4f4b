"""Rows that the API shows under a filter and leaves out of its list.

A default filter, or a ceiling on what one question may count, cuts a list and its ``total`` alike:
every number agrees. Asked for one status, the API shows what it kept back. So before a full scan is
believed, each status is asked for where what the scan met of it ends.
"""

from __future__ import annotations

from datetime import datetime

from pipelines.destinations.where import Bound, Where, made, where
from pipelines.sync.counts import statuses_in_order
from pipelines.sync.head import CLOCK_SLACK, TAIL
from pipelines.sync.listrun import ListRun
from pipelines.sync.position import ScanPosition
from pipelines.sync.protocol import ListPage, PageRequest, RequestRefused, Strategy
from pipelines.sync.scan import full_scan

#: So many statuses that are no filter are enough to know that the API does not count by status.
_ENOUGH = 2


def left_out(run: ListRun, rows: int) -> str:
    """Return why a list proves nothing that leaves out rows which the API shows elsewhere."""
    return f"the API shows {rows} {run.spec.words} under a filter that its list leaves out"


def count_left_out(
    run: ListRun, scan: ScanPosition, started_at: datetime, total: int | None
) -> Strategy[int]:
    """Return how many rows the API shows by status that a full scan did not meet.

    What is shown meanwhile is stamped with the scan, as every row is. Statuses that rows come into
    last are asked for first: a row that moves on is then missed, and none is counted twice.
    """
    if run.state.filters_ignored:
        return 0
    before = made_until(run, scan.id, started_at)
    known = run.beside
    overlap = max(min(TAIL, scan.longest_page - 1), 0)  # a page that ends there shows nothing new
    by_status = yield from _surplus(run, scan, overlap)
    surplus = sum(by_status.values())
    if surplus and run.state.hidden:  # of which a filter may show what the list does not
        yield from _read_whole(run, [status for status, more in by_status.items() if more > 0])
    shown = made_until(run, scan.id, started_at) - before
    if shown or surplus <= known:
        return shown
    came = yield from _came(run, scan.id, total, overlap)
    return max(surplus - known - came, 0)


def _read_whole(run: ListRun, statuses: list[str]) -> Strategy[None]:
    for status in statuses:
        yield from full_scan(run.spec, ScanPosition(), purpose="by status", status=status)


def _surplus(run: ListRun, scan: ScanPosition, overlap: int) -> Strategy[dict[str, int]]:
    """Return by status how many more rows are shown than met; nothing where one is no filter."""
    surplus, ignored = dict[str, int](), 0
    for status in reversed(statuses_to_ask(run)):
        met = met_by(run, scan.id, status)
        start = max(met - overlap, 0)
        try:
            page = yield from _end_of(run, status, start)
        except RequestRefused:
            if met:  # of none, a refusal may say just that
                return {}
            continue
        if any(not row.is_bad and row.status != status for row in page.rows):
            ignored += 1
        else:
            # A long page where an empty one stood says nothing of the end; `total` may be of all.
            tells = page.offset >= start or len(page.rows) < scan.longest_page
            surplus[status] = page.end - met if tells else 0
        if ignored == _ENOUGH:
            run.note(filters_ignored=True)
            break
    return {} if ignored else surplus


def _end_of(run: ListRun, status: str, start: int) -> Strategy[ListPage]:
    """Read a status from a place on; from its start, where nothing is left that far."""
    page = yield PageRequest(run.spec, start, "count", status)
    if start and not page.rows:
        page = yield PageRequest(run.spec, 0, "count", status)
    return page


def made_until(run: ListRun, scan_id: str, moment: datetime) -> int:
    """Count the rows that a scan met and that were made until a time, or nobody knows when."""
    met = (("_walk", scan_id),)
    later = Where(equal=met, bounds=(Bound(made(run.spec), moment + CLOCK_SLACK),))
    return met_by(run, scan_id) - run.copy.count(run.spec, later)


def statuses_to_ask(run: ListRun) -> list[str]:
    """Return the statuses that are asked for after a scan: those of which no row was seen, too."""
    known, order = statuses_in_order(run.spec, run.copy), run.spec.statuses
    unheard = {} if order.common else order.ranks
    return sorted({*known, *unheard}, key=lambda status: (order.rank(status, order.last), status))


def met_by(run: ListRun, scan_id: str, status: str | None = None) -> int:
    """Count the rows that a scan met, of a status or of all."""
    return run.copy.count(run.spec, where(run.spec, status, equal=(("_walk", scan_id),)))


def _came(run: ListRun, scan_id: str, total: int | None, overlap: int) -> Strategy[int]:
    """Return how many rows came since the scan's end, as far as the young end shows it."""
    before = met_by(run, scan_id)
    start = max(before - overlap, 0) if run.state.order == "oldest_first" else 0
    page = yield PageRequest(run.spec, start, "head")
    grown = 0 if total is None or page.total is None else page.total - total
    return max(grown, met_by(run, scan_id) - before)
