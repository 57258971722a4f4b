"""Nothing that dlt writes leaves the test's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def quiet() -> Iterator[None]:
    """Keep dlt's telemetry and its log out of the machine, from the first fixture on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        patch.setenv("RUNTIME__LOG_LEVEL", "ERROR")
        yield


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep dlt's working folder out of the machine."""
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
