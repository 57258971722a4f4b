"""One real run of the main job, which several tests look at."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from dagster_support import ORDERS, MainRun, Place, api_settings, start_dagster

from pipelines.sandbox import Behaviour, Limits, Sandbox, SandboxConfig, WorldOptions
from pipelines.warehouse import connect, warehouse_lock


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty place."""
    made = Place(tmp_path)
    made.prepare()
    return made


@pytest.fixture
def in_place(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty place that runs of this process write to."""
    for name, value in place.settings().items():
        monkeypatch.setenv(name, value)
    return place


@pytest.fixture(scope="session")
def main_run(tmp_path_factory: pytest.TempPathFactory) -> MainRun:
    """Run the main job as a user does, once: its tests are one group, and so of one process.

    It is started while somebody else holds the warehouse, and so has to wait for it.
    """
    return _run_main_job(Place(tmp_path_factory.mktemp("main_run")))


def _run_main_job(place: Place) -> MainRun:
    place.prepare()
    config = SandboxConfig(
        world=WorldOptions(orders=ORDERS, after_start=False),
        limits=Limits.off(),
        behaviour=Behaviour(fields="full"),
        speed=0.0,
        ledger_path=place.ledger,
    )
    sandbox = Sandbox(config)
    with sandbox.serve() as server:
        environment = {**place.settings(), **api_settings(sandbox, server.base_url)}
        with warehouse_lock(place.warehouse, command="somebody else"), connect(place.warehouse):
            run = start_dagster(
                "job",
                "execute",
                "-m",
                "assets.definitions",
                "-j",
                "printora",
                environment=environment,
            )
            lines = _lines_until(run, "somebody else")
        output, _ = run.communicate(timeout=900)
    return MainRun(place, "".join(lines) + output, run.returncode, sandbox.config.api_key)


def _lines_until(run: subprocess.Popen[str], text: str) -> list[str]:
    """Read what the run prints up to the line that has this text."""
    lines: list[str] = []
    for line in run.stdout or ():
        lines.append(line)
        if text in line:
            return lines
    return lines
