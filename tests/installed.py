"""The wheel in an environment of its own: what ``pip install printora-elt`` gives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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


def install(folder: Path) -> Installed:
    """Build the wheel, and install it with what it declares, at the versions that are locked."""
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
