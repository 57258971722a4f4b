"""``printora metrics``: each figure as it is defined, and what it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli import tables, terminal
from pipelines.words import NONE

if TYPE_CHECKING:
    from pipelines.report.headlines import Headline


def metrics(
    *,
    semantic: Annotated[
        Path | None,
        typer.Option(
            "--semantic", help="Write the definitions there, for BI tools (Apache Ossie)."
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON document with the definitions.")
    ] = False,
) -> None:
    """Tell each metric's value in the last weeks, and in those before. Reads the snapshot.

    What each of them means, and is not, is in docs/data-dictionary.md and in --json.
    """
    from pipelines.cli.query import snapshot
    from pipelines.report.headlines import headlines
    from pipelines.warehouse import load_metrics, load_project, semantic_file

    terminal.wishes.json = json
    project = load_project()
    defined = load_metrics(project)
    with snapshot() as connection:
        if semantic:
            semantic.write_text(semantic_file(connection, project, defined), encoding="utf-8")
            terminal.note(f"Written: {semantic}")
            return
        found = [headline for metric in defined for headline in headlines(connection, metric)]
    if json:
        terminal.print_json({"metrics": [asdict(headline) for headline in found]})
    else:
        terminal.show(_table(found), _NOTE)


_NOTE = (
    "Changed: by more than chance explains in 99 of 100 cases; a dash where nothing tells that, or "
    "where the history is shorter than two periods.\n"
)


def _table(found: Sequence[Headline]) -> Any:
    table = tables.new_table("Metrics", ("metric", "days", "until", "now", "before", "changed"))
    for headline in found:
        now, before = headline.figures
        days, until = headline.period.in_words if headline.period else (NONE, NONE)
        changed = {True: "yes", False: "no", None: NONE}[headline.is_change]
        table.add_row(headline.metric.label, days, until, now, before, changed)
    return table
