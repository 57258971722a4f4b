"""Runs the main job under Dagster, in a process of its own, and shows how far it is.

``pipelines/`` does not import Dagster: it is started as its own command line is, and what it says
of each step is read from its log.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.status import Status

from pipelines.cli import terminal
from pipelines.errors import PrintoraError

JOB = "printora"
_MODULE = "assets.definitions"
#: One process for all steps: each process of the multiprocess executor would import all anew.
_CONFIG: dict[str, Any] = {"execution": {"config": {"in_process": {}}}}
_EVENT = re.compile(
    r" - (?P<step>\w+) - (?P<event>STEP_FAILURE|ASSET_MATERIALIZATION|ASSET_CHECK_EVALUATION) - "
    r"(?P<text>.*)"
)
_FINDING = re.compile(r"Asset check '(?P<check>\w+)' on '.*' did not pass")


@dataclass
class DagsterRun:
    """What Dagster's log tells of a run; ``found`` are checks that found something."""

    assets: int = 0
    checks: int = 0
    found: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def take(self, line: str) -> bool:
        """Take in one line of the log; tell whether it changed anything."""
        match = _EVENT.search(line)
        if match is None:
            return False
        if match["event"] == "STEP_FAILURE":
            self.failed.append(match["step"])
        elif match["event"] == "ASSET_MATERIALIZATION":
            self.assets += 1
        else:
            self.checks += 1
            if finding := _FINDING.match(match["text"]):
                self.found.append(finding["check"])
        return True

    def __str__(self) -> str:
        passed = f"{self.checks - len(self.found)} of {self.checks} checks passed"
        found = f"; {', '.join(self.found)} found something" if self.found else ""
        return f"Dagster: {self.assets} assets materialized, {passed}{found}."


def execute(environment: Mapping[str, str], log: Path) -> DagsterRun:
    """Run the job, and keep its log.

    Raises:
        PrintoraError: the run failed. The text names the step, and where the log is.
    """
    run = DagsterRun()
    config = log.with_name("dagster_run.yaml")
    config.write_text(json.dumps(_CONFIG), encoding="utf-8")  # JSON is YAML, too.
    with (
        _dagster(environment, config) as process,
        log.open("w", encoding="utf-8") as copy,
        _status() as bar,
    ):
        for line in _lines(process):
            copy.write(line)
            if run.take(line):
                bar.update(str(run))
    if process.returncode:
        step = f" at {run.failed[0]}" if run.failed else ""
        raise PrintoraError(f"Dagster's run failed{step}.", hint=f"Its log is {log}.")
    return run


@contextmanager
def _dagster(environment: Mapping[str, str], config: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the job. Ctrl-C reaches it too, and the block waits until it has tidied up."""
    command = (sys.executable, "-W", "ignore", "-m", "dagster", "job", "execute")
    arguments = ("-m", _MODULE, "-j", JOB, "--config", str(config))
    process = subprocess.Popen(  # noqa: S603 - our own command line
        [*command, *arguments],
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    with process:
        yield process


def _lines(process: subprocess.Popen[str]) -> Iterable[str]:
    return process.stdout or ()


def _status() -> Status:
    """Return a spinner; it is silent where there is no terminal."""
    return terminal.errors().status("Dagster starts")
