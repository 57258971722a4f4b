"""A partner's API, and a folder with the settings of a lake; supports that other tests have."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "sync"))
sys.path.append(str(Path(__file__).parents[1] / "models"))
sys.path.append(str(Path(__file__).parents[1] / "readers"))
sys.path.append(str(Path(__file__).parents[1] / "postgres"))
sys.path.append(str(Path(__file__).parents[1] / "cli"))

from cli_support import PLENTY, served_settings
from lake_commands import ZONE

from pipelines.sandbox import Behaviour, Sandbox, SandboxConfig, WorldOptions


@pytest.fixture
def sandbox() -> Sandbox:
    """A partner's API."""
    config = SandboxConfig(
        world=WorldOptions(orders=80, after_start=False, attempt_failure=0.2),
        behaviour=Behaviour(fields="full"),
        limits=PLENTY,
    )
    return Sandbox(config)


@pytest.fixture
def environment(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """Be in an empty folder, with the settings of a lake below it."""
    with sandbox.serve() as server:
        settings = {
            **served_settings(sandbox, server, tmp_path),
            "SOURCES__PRINTORA__REPORT_TIME_ZONE": ZONE,
            "DESTINATION_TYPE": "filesystem",
            "DESTINATION__FILESYSTEM__BUCKET_URL": "lake",
            "DLT_DATA_DIR": str(tmp_path / "dlt"),
        }
        for name, text in settings.items():
            monkeypatch.setenv(name, text)
        monkeypatch.delenv("SPARK_REMOTE", raising=False)
        # A worker of tests runs no file, which Spark's client takes for a doctest of its own.
        main = str(Path(pytest.__file__).with_name("__main__.py"))
        monkeypatch.setattr(sys.modules["__main__"], "__file__", main, raising=False)
        monkeypatch.chdir(tmp_path)
        yield settings
