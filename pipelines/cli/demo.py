"""``printora demo``: the whole product on a made-up world.

A sandbox serves the API from this process; Dagster runs the main job in another one, whose
settings point to the sandbox; then the answers are read from the warehouse that it built.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from pipelines.cli import dagster_run, outcome, terminal
from pipelines.cli.serve import exports
from pipelines.errors import PrintoraError
from pipelines.sandbox import Limits, Sandbox, SandboxConfig, Server, WorldOptions
from pipelines.shipped import shipped
from pipelines.warehouse import ModelSettings, connect
from pipelines.words import counted

FOLDER = Path(".printora/demo")
#: Printora allows 60 requests a minute: the demo would spend its time waiting.
_LIMITS = Limits(per_minute=6_000, per_long=1_000_000)


def show(*, orders: int, ui: bool) -> int:
    """Run the demo; return the exit code."""
    with _folder() as folder:
        warehouse = folder / "printora.duckdb"
        config = SandboxConfig(
            world=WorldOptions(orders=orders), limits=_LIMITS, ledger_path=folder / "sessions.jsonl"
        )
        with Sandbox(config).serve() as server:
            environment = _environment(folder, warehouse, exports(server, config))
            _introduce(server, orders)
            terminal.note(str(dagster_run.execute(environment, folder / "dagster.log")) + "\n")
            with connect(warehouse, read_only=True) as connection:
                told = outcome.read_answers(connection)
            outcome.show_answers(told, ModelSettings().session_maturity_minutes)
            outcome.finish(told.exit_code, outcome.answers_document(told))
            terminal.note(_next_steps(ui))
            if ui:
                _serve_ui(environment)
    return told.exit_code


@contextmanager
def _folder() -> Iterator[Path]:
    """Give an empty folder to one demo at a time."""
    folder = FOLDER.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_suffix(".lock"), timeout=0)
    try:
        with lock:
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "dagster").mkdir(parents=True)
            shutil.copyfile(shipped("deploy") / "dagster.yaml", folder / "dagster/dagster.yaml")
            yield folder
    except Timeout:
        raise PrintoraError(
            f"Another demo is running in {folder}.", hint="End it, or wait until it has ended."
        ) from None


def _environment(folder: Path, warehouse: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with the demo's settings in place of any real ones."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SOURCES__", "DESTINATION__"))
    }
    return {
        **own,
        **settings,
        "DESTINATION__DUCKDB__CREDENTIALS": str(warehouse),
        "DLT_DATA_DIR": str(folder / "dlt"),
        # Where there is no .dlt folder: the settings of the real API are none of the demo's.
        "DLT_PROJECT_DIR": str(folder),
        "DAGSTER_HOME": str(folder / "dagster"),
    }


def _introduce(server: Server, orders: int) -> None:
    terminal.note(
        f"A sandbox with {counted(orders, 'order')} answers at {server.base_url}. Printora allows "
        f"60 requests a minute; for the demo the sandbox allows {_LIMITS.per_minute:,}. As in "
        "life, it loses a webhook now and then: a check finds that."
    )


def _next_steps(ui: bool) -> str:
    if ui:
        return (
            "\nThe sandbox goes on, and so does its world. Dagster's UI comes up at "
            "http://127.0.0.1:3000; Ctrl-C ends both."
        )
    return (
        f"\nAll of it is in {FOLDER}, for you to query:\n\n{_query()}\n\n`make ui` shows it in "
        "Dagster; README.md has more to ask, and how to read the real API."
    )


def _query() -> str:
    """Return the command, for this folder, that asks the demo's warehouse something."""
    program = Path(sys.argv[0]).absolute()
    here = program.is_relative_to(Path.cwd()) and program.relative_to(Path.cwd())
    lines = (
        f"DESTINATION__DUCKDB__CREDENTIALS={FOLDER}/printora.duckdb",
        f"{here or program.name} query",
        "'select step, sessions, rate from analytics.session_funnel order by position'",
    )
    return " \\\n  ".join(lines)


def _serve_ui(environment: Mapping[str, str]) -> None:
    """Let Dagster's web server run until Ctrl-C."""
    command = (
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "dagster",
        "dev",
        "-w",
        str(shipped("workspace.yaml")),
    )
    with suppress(KeyboardInterrupt):
        subprocess.run(command, env=dict(environment), check=False)  # noqa: S603 - our own command
