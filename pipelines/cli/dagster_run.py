"""Runs the main job under Dagster, in a process of its own, and shows how far it is.

``pipelines/`` does not import Dagster: ``assets/main_run.py`` does, and tells its events in JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pipelines.cli import terminal
from pipelines.errors import PrintoraError
from pipelines.words import counted

_MODULE = "assets.main_run"


@dataclass
class DagsterRun:
    """What Dagster tells of a run; ``found`` are checks that found something."""

    assets: int = 0
    checks: int = 0
    found: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def take(self, event: Mapping[str, Any]) -> None:
        """Take in one event."""
        match event["event"]:
            case "asset":
                self.assets += 1
            case "failure":
                self.failed.append(event["name"])
            case "check":
                self.checks += 1
                self.found += [] if event["passed"] else [event["name"]]

    def __str__(self) -> str:
        passed = f"{self.checks - len(self.found)} of {counted(self.checks, 'check')} passed"
        found = f"; {', '.join(self.found)} found something" if self.found else ""
        return f"Dagster: {counted(self.assets, 'asset')} materialized, {passed}{found}."


def execute(environment: Mapping[str, str], log: Path) -> DagsterRun:
    """Run the job, and keep its log.

    Raises:
        PrintoraError: the run failed. The text names the step, and where the log is.
    """
    run = DagsterRun()
    with (
        log.open("w", encoding="utf-8") as told,
        _dagster(environment, told) as process,
        terminal.errors().status("Dagster starts") as bar,
    ):
        for line in process.stdout or ():
            run.take(json.loads(line))
            bar.update(str(run))
    if process.returncode:
        step = f" at {run.failed[0]}" if run.failed else ""
        raise PrintoraError(f"Dagster's run failed{step}.", hint=f"Its log is {log}.")
    return run


@contextmanager
def _dagster(environment: Mapping[str, str], log: IO[str]) -> Iterator[subprocess.Popen[str]]:
    """Start the job. Ctrl-C reaches it too, and the block waits until it has tidied up."""
    process = subprocess.Popen(  # noqa: S603 - our own command line
        (sys.executable, "-W", "ignore", "-m", _MODULE),
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=log,
        encoding="utf-8",
    )
    with process:
        yield process
