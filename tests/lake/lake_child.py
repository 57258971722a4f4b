"""One sync into a lake in a process of its own, which may end itself at a chosen step.

The steps are dlt's: before it loads a package, merges a table and notes the state. And those at
which the mirror is written.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import dlt
from crash_child import Steps, wrap
from dlt.destinations.impl.filesystem.filesystem import DeltaLoadFilesystemJob, FilesystemClient
from lake_world import placed
from sync_world import settings_for

from pipelines.cli.app import app
from pipelines.clock import ManualClock
from pipelines.destinations.mirror import Mirror
from pipelines.sync import sync


def run(base_url: str, folder: Path, now: float, steps: Path, end_at: int | None = None) -> None:
    """Sync, and note each step in the file; do not live to take the step ``end_at``."""
    os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"})
    reached = Steps(steps, end_at).reach
    for kind, names in (
        (dlt.Pipeline, ("load",)),
        (DeltaLoadFilesystemJob, ("run",)),
        (FilesystemClient, ("complete_load",)),
        (Mirror, ("derive", "merge", "note")),
    ):
        for name in names:
            wrap(kind, name, lambda *_, name=name: reached(name))
    sync(placed(settings_for(base_url, folder), folder), clock=ManualClock(now))


def command(folder: Path, settings: Mapping[str, str], *arguments: str) -> None:
    """Run a command that does not live to note the state of its first package: rows are there."""
    os.environ.update(settings)
    os.chdir(folder)
    wrap(FilesystemClient, "complete_load", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    app(arguments)
