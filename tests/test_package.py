"""The wheel alone, in a folder elsewhere: its demo is in ``cli/test_demo.py``."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from installed import Installed

from assets.definitions import defs
from pipelines.sandbox import Limits, Sandbox, SandboxConfig, WorldOptions
from pipelines.warehouse import load_project

ASSETS = len(defs.resolve_asset_graph().get_all_asset_keys())
# One worker builds and installs for all of these.
pytestmark = pytest.mark.xdist_group("package")


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
