"""What several folders of tests share, and is made once for all of a worker's."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import pytest
from installed import Installed, install

_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder in it that is its owner's alone
_PLENTY = 6 * 2**30  # bytes: six times what a run has there at most


def pytest_configure() -> None:
    """Keep what tests write in memory, where there is plenty: no database waits for a disk."""
    if _MEMORY.is_dir() and min(shutil.disk_usage(_MEMORY).free, _memory()) > _PLENTY:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an environment of its own. Who asks for it is of the group "package"."""
    return install(tmp_path_factory.mktemp("package"))


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name what a test is given by its beginning: workers send, keep and compare all names."""
    if isinstance(val, str | bytes) and len(val) > 200:
        return f"{val[:60]!r}, {len(val)} in all"
    return None


def pytest_collection_finish() -> None:
    """Search for garbage among what tests make, and not among all that was imported for them."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let all of it go at the end, as extensions look for."""
    gc.unfreeze()
