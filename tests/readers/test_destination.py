"""A destination that is not proven is refused by name, and never ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.destination import MISSING
from pipelines.errors import ConfigurationError
from pipelines.settings import warehouse_path


@pytest.mark.parametrize("kind", [*MISSING, "oracle"])
def test_a_destination_that_is_not_proven_is_refused(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: rows land in a DuckDB file of the current folder, while another place was named."""
    monkeypatch.setenv("DESTINATION_TYPE", kind)
    with pytest.raises(ConfigurationError, match=f"DESTINATION_TYPE is '{kind}': ") as refused:
        warehouse_path()
    assert refused.value.exit_code == 2
    assert MISSING.get(kind, "no destination that printora knows") in str(refused.value)


def test_the_pipelines_own_setting_counts_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Broken: the setting is heeded under one of dlt's names, and ignored under the other."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "printora.duckdb"))
    monkeypatch.setenv("DESTINATION_TYPE", "duckdb")
    assert warehouse_path().parent == tmp_path
    monkeypatch.setenv("PIPELINES__PRINTORA__DESTINATION_TYPE", "dlt.destinations.postgres")
    with pytest.raises(ConfigurationError, match="PIPELINES__PRINTORA__DESTINATION_TYPE is"):
        warehouse_path()
