"""``printora doctor``: everything that a run needs, looked at once, and what to do about each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from pipelines.cli import failures, terminal
from pipelines.cli.options import Json

if TYPE_CHECKING:
    from pipelines.cli.examinations import Finding

_STYLES = {"ok": "green", "note": "yellow", "bad": "bold red"}


def doctor(
    *,
    json: Json = False,
) -> None:
    """Look at settings, key, API, ledger and warehouse, and say what to do. Changes nothing.

    Makes at most ten requests. Ends with 0 where a run can be made, with 1 where something is
    broken, and with 2 where a setting is wrong.
    """
    terminal.wishes.json = json
    found: list[Finding] = []
    for finding in _examine():
        if any(one.text == finding.text for one in found):
            continue  # a setting that is wrong is met by each look that needs it
        found.append(finding)
        _show(finding.level, finding.what, finding.text, finding.todo)
    code = max((finding.code for finding in found), default=failures.DONE)
    if json:
        findings = [asdict(finding) for finding in found]
        terminal.print_json({"exit_code": code, "findings": findings})
    raise typer.Exit(code)


def _examine() -> Iterator[Finding]:
    from pipelines.cli import examinations, warehouse_examinations
    from pipelines.clock import SystemClock

    clock = SystemClock()
    yield from examinations.versions()
    settings, found = examinations.read_settings()
    yield from found
    if settings is not None:
        yield from examinations.api(settings, clock)
        yield from examinations.ledger(settings, clock)
    yield from warehouse_examinations.warehouse()


def _show(level: str, what: str, text: str, todo: str) -> None:
    line = Text.assemble((f"{level:<4}", _STYLES[level]), f" {what:<11} {text}")
    terminal.show(line, *([Text(f"{'':<16} To do: {todo}")] if todo and todo != "Nothing." else []))
