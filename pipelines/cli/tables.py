"""The answers as tables that read well at 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from pipelines.cli.answers import Funnel, Latency
from pipelines.cli.certificates import Certificate, complete_as_of
from pipelines.source.schema import SKIPPED
from pipelines.warehouse import CheckResult
from pipelines.words import EVIDENCE, NONE, count, counted, duration, moment, percent

#: What shows the records that could not become rows.
QUARANTINE = '`printora query --warehouse "from printora_raw.quarantine"`'
LATENCY_NOTE = (
    "Of all orders: open ones are not there yet, and cancelled ones never will be. A dash: not "
    "reached, or not to be told from so little. The last column takes the done ones alone, as "
    "averages do, and is too short while others wait."
)


def funnel_table(funnel: Funnel) -> Table:
    """Return the funnel, one line a step."""
    columns = ("step", "sessions", "of all", "95 % interval", "of step before")
    table = new_table("How many sessions become orders", columns)
    for step in funnel.steps:
        first = step is funnel.steps[0]
        unknown = first or step.low is None
        interval = NONE if unknown else f"{percent(step.low)} to {percent(step.high)}"
        table.add_row(
            step.name,
            count(step.sessions),
            percent(step.rate),
            interval,
            NONE if first else percent(step.rate_of_previous),
        )
    return table


def funnel_note(funnel: Funnel, maturity_minutes: int) -> str:
    """Return what the funnel counts and what it leaves out."""
    hours, minutes = divmod(maturity_minutes, 60)
    age = f"{hours} h {minutes} min" if minutes else f"{hours} h"
    text = (
        f"Sessions of the ledger older than {age}. Left out: "
        f"{counted(funnel.immature, 'younger one')}, which can still become orders. "
        "What parcels under way may still reach has no rate yet."
    )
    if funnel.unlisted:
        text += f" Left out, too: {counted(funnel.unlisted, 'session')} in no ledger."
    return text


def latency_table(latencies: Sequence[Latency]) -> Table:
    """Return how long each stage takes, one line a stage; quantiles in days or hours."""
    counted = ("orders", "done", "can-\ncelled", "open")
    columns = ("stage", *counted, "50 %", "90 %", "95 %", "done:\n50 %")
    table = new_table("How long orders take: 50, 90 and 95 % get there within", columns)
    for row in latencies:
        counted_rows = (row.orders, row.ended, row.cancelled, row.open)
        quantiles = (row.p50_hours, row.p90_hours, row.p95_hours, row.naive_p50_hours)
        table.add_row(
            row.stage.replace("_to_", " → "),
            *map(count, counted_rows),
            *(duration(hours) for hours in quantiles),
        )
    return table


def findings_table(found: Sequence[CheckResult]) -> Table:
    """Return the checks that found something, and what to do about each."""
    table = new_table("Checks that found something", ("check", "rows", "severity", "what to do"))
    table.columns[-1].justify = "left"
    for result in found:
        check = result.check
        table.add_row(check.name, f"{result.failures:,}", check.severity, check.todo)
    return table


def certificate_table(certificates: Sequence[Certificate]) -> Table:
    """Return what the last sync read and proved, one line a resource."""
    counted = ("rows", "new", "changed", "re-\nquests")
    table = new_table("The last sync", ("resource", *counted, "complete as of\n(UTC)", "evidence"))
    for row in certificates:
        numbers = (row.rows_stored, row.rows_new, row.rows_changed, row.requests)
        table.add_row(
            row.resource,
            *map(count, numbers),
            NONE if row.complete_as_of is None else f"{row.complete_as_of:%Y-%m-%d %H:%M}",
            _evidence(row),
        )
    return table


def _evidence(row: Certificate) -> str:
    return EVIDENCE.get(row.evidence, row.evidence) if row.evidence else NONE


def completeness_line(certificates: Sequence[Certificate]) -> Text:
    """Return one line: whether all that the API has is loaded, as of when, by what evidence."""
    if not certificates:
        return Text("Not complete: there is no certificate of any sync.", style="bold red")
    read = [row for row in certificates if row.outcome != SKIPPED]
    oldest = complete_as_of(certificates)
    if oldest is None:
        unproven = [row for row in read if row.complete_as_of is None]
        reasons = ((row.resource, row.reason or row.evidence or "") for row in unproven)
        why = "; ".join(f"{name}: {reason.rstrip('.')}" for name, reason in reasons)
        return Text(f"Not proven complete. {why}.", style="bold yellow")
    parts = ", ".join(f"{count(row.rows_stored)} {row.resource} ({_evidence(row)})" for row in read)
    notes = [f" {r.resource} are not read: {r.reason}." for r in certificates if r not in read]
    notes += [
        f" {counted(row.rows_quarantined, 'record')} of {row.resource} could not be read: "
        f"{QUARANTINE} says why and where."
        for row in read
        if row.rows_quarantined
    ]
    style = "bold yellow" if notes else "bold green"
    complete = f"Complete as of {moment(oldest, seconds=True)}: {parts}."
    return Text(complete + "".join(notes), style=style)


def new_table(title: str, columns: Sequence[str]) -> Table:
    """Return an empty table: the first column is text, what follows stands to the right."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 0, 0, 1),
        pad_edge=False,
    )
    for position, name in enumerate(columns):
        table.add_column(
            name, justify="right" if position else "left", no_wrap=not position, overflow="fold"
        )
    return table
