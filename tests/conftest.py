"""What several folders of tests share, and is made once for all of a worker's."""

from __future__ import annotations

import gc

import pytest
from installed import Installed, install


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
