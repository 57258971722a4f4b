"""The wheel in an environment of its own: what ``pip install printora-elt`` gives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from assets.definitions import defs
from pipelines.sandbox import Limits, Sandbox, SandboxConfig, WorldOptions
from pipelines.warehouse import load_project

ROOT = Path(__file__).parents[1]
ASSETS = len(defs.resolve_asset_graph().get_all_asset_keys())
# One worker builds and installs for all of these.
pytestmark = pytest.mark.xdist_group("package")


@dataclass
class Installed:
    """An environment that has the wheel and what it needs, and an empty folder to work in."""

    environment: Path
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the environment's programs to its end."""
        foreign = ("SOURCES__", "DESTINATION__", "DLT_", "DAGSTER_", "PRINTORA_", "PYTHON")
        own = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        return subprocess.run(
            [self.environment / "bin" / program, *arguments],
            cwd=self.folder,
            env={**own, "HOME": str(self.folder), **self.settings},
            capture_output=True,
            encoding="utf-8",
            timeout=900,
        )

    def succeed(self, program: str, *arguments: str) -> str:
        """Run it, and return what it prints on both streams."""
        done = self.run(program, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def _uv(*arguments: object) -> None:
    """Call uv; from its cache, which setting this environment up has filled, if that is enough."""
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL")
    environment = {**os.environ, **({"UV_DEFAULT_INDEX": index} if index else {})}
    for network in ("--offline", "--no-progress"):
        done = subprocess.run(
            [Path(sys.executable).with_name("uv"), network, *map(str, arguments)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            encoding="utf-8",
        )
        if done.returncode == 0:
            return
    pytest.fail(done.stderr)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the wheel, and install it with what it declares, at the versions that are locked."""
    folder = tmp_path_factory.mktemp("package")
    made = Installed(folder / "env", folder / "elsewhere")
    made.folder.mkdir()
    _uv("build", "--wheel", "--quiet", "--out-dir", folder)
    (wheel,) = folder.glob("*.whl")
    _uv("venv", "--quiet", "--python", sys.executable, made.environment)
    python = ("--python", made.environment / "bin/python", "--constraint", "requirements.lock")
    _uv("pip", "install", "--quiet", *python, wheel)
    _hand_bytecode_to(made.environment)
    return made


def _hand_bytecode_to(environment: Path) -> None:
    """Give the other packages what was compiled of the same files here: it takes half a minute."""
    (there,) = environment.glob("lib/python*/site-packages")
    here = Path(sysconfig.get_path("purelib"))
    for cache in here.rglob("__pycache__"):
        package = there / cache.parent.relative_to(here)
        if package.is_dir():
            shutil.copytree(cache, package / cache.name, dirs_exist_ok=True)


def test_the_demo_runs(installed: Installed) -> None:
    """Broken: the wheel has no models, and its first command fails or shows nothing."""
    told = installed.succeed("printora", "demo", "--orders", "100")
    assert f"Dagster: {ASSETS} assets materialized" in told.replace("\n", " ")
    assert "Complete as of" in told


def test_the_job_its_parts_and_the_report_run(installed: Installed) -> None:
    """Broken: a real account is read for minutes, and then there is nothing to build with."""
    sandbox = Sandbox(SandboxConfig(world=WorldOptions(orders=50), limits=Limits.off()))
    with sandbox.serve() as server:
        installed.settings = {
            "SOURCES__PRINTORA__API_KEY": sandbox.config.api_key,
            "SOURCES__PRINTORA__PARTNER_ID": sandbox.config.partner_id,
            "SOURCES__PRINTORA__BASE_URL": server.base_url,
        }
        installed.run("printora", "run")
        told = installed.succeed("python", "-m", "pipelines")
    assert "printora_lists" in told
    assert f"{len(load_project().models)} models built" in installed.run("printora", "build").stdout
    installed.succeed("printora", "report")
    assert (installed.folder / "report.html").stat().st_size > 10_000
    with duckdb.connect(str(installed.folder / "printora_source.duckdb")) as connection:
        assert connection.execute("select count(*) from printora_lists.orders").fetchall() == [
            (50,)
        ]


def test_dagster_finds_the_definitions(installed: Installed) -> None:
    """Broken: a deployment from the wheel is green, and has no models."""
    code = """
from assets.definitions import defs
from pipelines.shipped import shipped
print(len(defs.resolve_asset_graph().get_all_asset_keys()), shipped("workspace.yaml").exists())
"""
    assert installed.succeed("python", "-c", code) == f"{ASSETS} True\n"


def test_a_lost_layer_is_told_before_the_first_request(installed: Installed) -> None:
    """Broken: minutes of quota are spent, and then marts are dropped or nothing is built."""
    found = installed.succeed(
        "python", "-c", "from pipelines.shipped import *; print(shipped('sql'))"
    )
    marts = Path(found.strip()) / "analytics"
    assert marts.is_relative_to(installed.environment)
    aside = marts.rename(marts.with_name("aside"))
    try:
        # At this address nobody answers: a request would be a failure of another kind.
        installed.settings |= {
            "SOURCES__PRINTORA__BASE_URL": "http://127.0.0.1:9",
            "SOURCES__PRINTORA__API_KEY": "sk_test_key",
            "SOURCES__PRINTORA__PARTNER_ID": "somebody",
        }
        done = installed.run("printora", "run")
    finally:
        aside.rename(marts)
    assert done.returncode == 1
    assert "There are no models in" in done.stderr
