"""The processes that tests begin are their own."""

from __future__ import annotations

import os
from pathlib import Path

import preloaded
import pytest

_SETTING = "DESTINATION__FILESYSTEM__BUCKET_URL"


def _tell(place: Path) -> None:
    place.write_text(os.environ.get(_SETTING, "none"), encoding="utf-8")


def test_a_process_has_the_settings_of_its_test_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: a test's process loads into the lake of another test, whose order decides."""
    for setting in ("one", "other", None):
        if setting:
            monkeypatch.setenv(_SETTING, setting)
        else:
            monkeypatch.delenv(_SETTING)
        process = preloaded.process(_tell, tmp_path / "told")
        process.start()
        process.join()
        assert (tmp_path / "told").read_text(encoding="utf-8") == (setting or "none")
