"""A place to run Dagster in, a sandbox to read, and a project of one's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from pipelines.sandbox import Sandbox

ROOT = Path(__file__).parents[2]

#: How many orders the sandbox has.
ORDERS = 120

#: Nothing is sent anywhere, and no window asks the tests to join a community.
_INSTANCE = """
telemetry:
  enabled: false
nux:
  enabled: false
"""


@dataclass(frozen=True)
class Place:
    """A folder with everything that a run writes."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.folder / "printora.duckdb"

    @property
    def home(self) -> Path:
        """DAGSTER_HOME."""
        return self.folder / "dagster"

    @property
    def ledger(self) -> Path:
        """The session ledger."""
        return self.folder / "sessions.jsonl"

    def prepare(self) -> None:
        """Make the folders."""
        self.home.mkdir(parents=True)
        (self.home / "dagster.yaml").write_text(_INSTANCE)

    def instance(self) -> dg.DagsterInstance:
        """Open what Dagster keeps of its runs."""
        return dg.DagsterInstance.from_config(str(self.home))

    def settings(self) -> dict[str, str]:
        """Return the settings that keep all writing inside this place."""
        return {
            "DAGSTER_HOME": str(self.home),
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.warehouse),
            "DLT_DATA_DIR": str(self.folder / "dlt"),
            "SOURCES__PRINTORA__SESSION_LEDGER": str(self.ledger),
        }


@dataclass(frozen=True)
class MainRun:
    """A run of the main job, over: where it was, what it printed and how it ended."""

    place: Place
    output: str
    exit_code: int
    api_key: str


def api_settings(sandbox: Sandbox, base_url: str) -> dict[str, str]:
    """Return the settings that read the sandbox."""
    return {
        "SOURCES__PRINTORA__API_KEY": sandbox.config.api_key,
        "SOURCES__PRINTORA__PARTNER_ID": sandbox.config.partner_id,
        "SOURCES__PRINTORA__BASE_URL": base_url,
    }


def start_dagster(
    *arguments: str, environment: Mapping[str, str], program: str = "dagster"
) -> subprocess.Popen[str]:
    """Start one of Dagster's own command lines, as a user does."""
    return subprocess.Popen(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def write_model(root: Path, name: str, select: str, header: str = "") -> None:
    """Write a model with one column, ``a``."""
    lines = [f"description: About {name}.", "grain: one row", header, "columns: {a: The a.}"]
    _write(root / f"{name}.sql", lines, select)


def write_check(root: Path, name: str, select: str, header: str) -> None:
    """Write a check."""
    lines = ["description: Something broke.", "todo: Mend it.", header]
    _write(root / "checks" / f"{name}.sql", lines, select)


def _write(path: Path, header: list[str], select: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(line for line in header if line)
    path.write_text(f"/*\n{text}\n*/\n{select}\n", encoding="utf-8")
