"""Real ``printora`` processes against a real sandbox on loopback."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_support import PLENTY, Place, served_settings

from pipelines.sandbox import Sandbox, SandboxConfig, WorldOptions

pytest.register_assert_rewrite("patient")

from patient import patient  # noqa: E402, F401 - a fixture, after its asserts are told to explain


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """A small world that stands still, so that two looks at it agree."""
    config = SandboxConfig(
        world=WorldOptions(orders=300, after_start=False), limits=PLENTY, speed=0.0
    )
    return Sandbox(config)


@pytest.fixture(scope="session")
def served(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings that read the sandbox."""
    with sandbox.serve() as server:
        yield served_settings(sandbox, server, tmp_path_factory.mktemp("ledger"))


@pytest.fixture
def place(tmp_path: Path, served: dict[str, str]) -> Place:
    """An empty folder with the settings that read the sandbox."""
    return Place(tmp_path, served)


@pytest.fixture(scope="session")
def first_run(
    tmp_path_factory: pytest.TempPathFactory, served: dict[str, str]
) -> tuple[Place, subprocess.CompletedProcess[str]]:
    """A place where the main job has run, for copying only, and what it said."""
    place = Place(tmp_path_factory.mktemp("loaded"), served)
    done = place.run("run")
    assert done.returncode == 0, done.stderr
    return place, done


@pytest.fixture(scope="session")
def loaded_once(first_run: tuple[Place, subprocess.CompletedProcess[str]]) -> Place:
    """A place where the main job has run; for copying only."""
    return first_run[0]


@pytest.fixture
def loaded(loaded_once: Place, place: Place) -> Place:
    """A place of one's own with what the main job loads."""
    shutil.copyfile(loaded_once.warehouse, place.warehouse)
    return place
