"""The answers as tables that read well at 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from pipelines.cli.answers import Funnel, Latency
from pipelines.cli.certificates import SKIPPED, Certificate
from pipelines.warehouse import CheckResult

#: Stands for what is missing: not reached, not known, nothing to divide by.
NONE = "-"

LATENCY_NOTE = (
    "Open orders count as not there yet, cancelled ones as never to come; a dash: not reached, or "
    "not to be told from so little. "
    "naive p50 looks at finished orders only."
)


def funnel_table(funnel: Funnel) -> Table:
    """Return the funnel, one line a step."""
    columns = ("step", "sessions", "of all", "95 % interval", "of step before")
    table = _table("How many sessions become orders", columns)
    for step in funnel.steps:
        first = step is funnel.steps[0]
        unknown = first or step.low is None
        interval = NONE if unknown else f"{percent(step.low)} to {percent(step.high)}"
        table.add_row(
            step.name,
            f"{step.sessions:,}",
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
        f"Sessions of the ledger older than {age}. {funnel.immature:,} younger ones can still "
        "become orders and are left out. What parcels under way may still reach has no rate yet."
    )
    if funnel.unlisted:
        text += f" {funnel.unlisted:,} sessions that are in no ledger are left out, too."
    return text


def latency_table(latencies: Sequence[Latency]) -> Table:
    """Return how long each stage takes, one line a stage; quantiles in days or hours."""
    counted = ("orders", "ended", "can-\ncelled", "open")
    table = _table("How long orders take", ("stage", *counted, "p50", "p90", "p95", "naive\np50"))
    for row in latencies:
        counts = (row.orders, row.ended, row.cancelled, row.open)
        quantiles = (row.p50_hours, row.p90_hours, row.p95_hours, row.naive_p50_hours)
        table.add_row(
            row.stage.replace("_to_", " → "),
            *(f"{count:,}" for count in counts),
            *(duration(hours) for hours in quantiles),
        )
    return table


def findings_table(found: Sequence[CheckResult]) -> Table:
    """Return the checks that found something, and what to do about each."""
    table = _table("Checks that found something", ("check", "rows", "severity", "what to do"))
    table.columns[-1].justify = "left"
    for result in found:
        check = result.check
        table.add_row(check.name, f"{result.failures:,}", check.severity, check.todo)
    return table


def certificate_table(certificates: Sequence[Certificate]) -> Table:
    """Return what the last sync read and proved, one line a resource."""
    counted = ("rows", "new", "changed", "re-\nquests")
    table = _table("The last sync", ("resource", *counted, "complete as of\n(UTC)", "evidence"))
    for row in certificates:
        counts = (row.rows_stored, row.rows_new, row.rows_changed, row.requests)
        table.add_row(
            row.resource,
            *(f"{count:,}" for count in counts),
            NONE if row.complete_as_of is None else f"{row.complete_as_of:%Y-%m-%d %H:%M}",
            row.evidence,
        )
    return table


def completeness_line(certificates: Sequence[Certificate]) -> Text:
    """Return one line: whether all that the API has is loaded, as of when, by what evidence."""
    if not certificates:
        return Text("Not complete: there is no certificate of any sync.", style="bold red")
    read = [row for row in certificates if row.outcome != SKIPPED]
    unproven = [row for row in read if row.complete_as_of is None]
    if unproven:
        why = "; ".join(f"{row.resource}: {row.reason or row.evidence}" for row in unproven)
        return Text(f"Not proven complete. {why}", style="bold yellow")
    parts = ", ".join(f"{row.rows_stored:,} {row.resource} ({row.evidence})" for row in read)
    oldest = min(row.complete_as_of for row in read if row.complete_as_of)
    notes = [f" {r.resource} are not read: {r.reason}." for r in certificates if r not in read]
    notes += [
        f" {row.rows_quarantined:,} records of {row.resource} could not be read: "
        "printora_raw.quarantine says why and where."
        for row in read
        if row.rows_quarantined
    ]
    style = "bold yellow" if notes else "bold green"
    return Text(f"Complete as of {moment(oldest)}: {parts}.{''.join(notes)}", style=style)


def percent(rate: float | None) -> str:
    """Return a rate in 0..1 as "34.1 %"."""
    return NONE if rate is None else f"{rate:.1%}".replace("%", " %")


def duration(hours: float | None) -> str:
    """Return hours in the unit that reads best: "41 s", "12 min", "5.2 h", "34 h", "3.4 d"."""
    if hours is None:
        return NONE
    for unit, length in (("d", 24.0), ("h", 1.0), ("min", 1 / 60)):
        amount = hours / length
        if amount >= 2:
            return f"{amount:.0f} {unit}" if amount >= 10 else f"{amount:.1f} {unit}"
    return f"{hours * 3600:.0f} s"


def moment(at: datetime | None) -> str:
    """Return a time in UTC to the second."""
    return NONE if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _table(title: str, columns: Sequence[str]) -> Table:
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
