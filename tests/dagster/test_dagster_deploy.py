"""The recipes in deploy/: as far as they can be tried without the machine that they are for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster_support import ROOT

from assets.definitions import defs
from assets.running import POOL
from pipelines.shipped import shipped

DEPLOY = ROOT / "deploy"


def _read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def test_an_instance_of_it_lets_one_op_write_at_a_time(tmp_path: Path) -> None:
    """Two runs in the launchpad would wait for each other's lock inside of their processes."""
    (tmp_path / "dagster.yaml").write_bytes((shipped("deploy") / "dagster.yaml").read_bytes())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled
        assert instance.global_op_concurrency_default_limit == 1
    nodes = {node.key: node for node in defs.resolve_asset_graph().asset_nodes}
    assert {node.pools == {POOL} for node in nodes.values()} == {True}


def test_the_instance_of_the_containers_differs_in_its_storage_only() -> None:
    """What is mended in one of the two files would be missing in the other."""
    containers = _read("dagster-postgres.yaml")
    assert "postgres" in containers.pop("storage")
    assert containers == _read("dagster.yaml")


def test_the_containers_need_no_root_and_hold_no_secret() -> None:
    """An image with a key in it hands the key to whoever pulls it."""
    services = _read("compose.yaml")["services"]
    recipe = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert "USER printora" in recipe
    assert re.search(r"^FROM \S+:\d+\.\d+\.\d+", recipe, re.MULTILINE), "pinned"
    assert all("healthcheck" in service for service in services.values())
    for name in ("webserver", "daemon"):
        given = services[name]["environment"]
        secrets = {key: text for key, text in given.items() if re.search("KEY|PASSWORD|ID$", key)}
        assert all(text.startswith("${") for text in secrets.values()), secrets


def test_the_crontabs_line_finds_its_settings(tmp_path: Path) -> None:
    """cron has no exports: the line of the docs ended with "not set" at each of its runs."""
    (line,) = re.findall(r"^\*/15 \S+ \S+ \S+ \S+ (.*)$", (DEPLOY / "crontab").read_text(), re.M)
    (tmp_path / "env").write_text(
        "SOURCES__PRINTORA__API_KEY=sk_test_1\nSOURCES__PRINTORA__PARTNER_ID=p\n"
        "SOURCES__PRINTORA__BASE_URL=http://example.com\n"
    )
    command = (
        line.replace("/var/lib/printora", str(tmp_path))
        .replace("/etc/printora.env", str(tmp_path / "env"))
        .replace("/opt/printora/.venv/bin", str(Path(sys.executable).parent))
    )
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SHELL": "/bin/sh"}
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, cwd=os.sep)
    # It was read, and is refused: the key would travel unencrypted.
    assert done.returncode == 2
    assert "unencrypted" in (tmp_path / "run.log").read_text()


@pytest.mark.parametrize("unit", ["printora.service", "printora.timer"])
def test_the_units_say_what_the_exit_codes_mean(unit: str) -> None:
    """A used-up quota is no failure: systemd would report a broken service each night."""
    text = (DEPLOY / unit).read_text(encoding="utf-8")
    assert ("SuccessExitStatus=3" in text) is unit.endswith(".service")
