"""What the last sync left of a list is taken up, and what the next one goes on with is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pipelines.lists import PAGE_SIZE
from pipelines.source.parse import Parser
from pipelines.sync.driver import Driver
from pipelines.sync.listrun import ListRun
from pipelines.sync.page_size import PageSize, fewer
from pipelines.sync.state import ListState


def take_up(
    name: str, state: ListState, driver: Driver, parser: Parser, started_at: datetime
) -> None:
    """Let the driver and the parser of a list go on as its state says."""
    parser.spellings |= state.spellings
    if state.scan is not None:
        driver.scans[name] = state.scan
    driver.sizes[name] = PageSize(
        state.page_limit or PAGE_SIZE,
        state.paged_by,
        fewer=0 if state.standing == "new" else fewer(started_at),
    )


def left_of(run: ListRun, driver: Driver, parser: Parser) -> ListState:
    """Return the state of a list as it is now, with what driver and parser have learned."""
    size = driver.sizes[run.spec.name]
    return replace(
        run.state,
        scan=driver.scans.get(run.spec.name),
        page_limit=size.limit if size.limit < PAGE_SIZE else None,
        paged_by=size.paged_by,
        spellings=parser.spellings,
    )
