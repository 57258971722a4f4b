"""A destination that is not proven is refused by name, and never ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.destination_setting import MISSING, shown
from pipelines.errors import ConfigurationError
from pipelines.settings import local_path, postgres_url, warehouse_path


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
    with pytest.raises(ConfigurationError, match="this works on one only"):
        warehouse_path()
    with pytest.raises(ConfigurationError, match="DESTINATION__POSTGRES__CREDENTIALS is not set"):
        postgres_url()


def test_the_database_is_named_as_dlt_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: dlt's own ways to name a database lead elsewhere, or a password is shown."""
    monkeypatch.setenv("DESTINATION_TYPE", "postgres")
    parts = {"host": "db.example", "port": "5433", "database": "shop", "username": "eva"}
    for name, text in {**parts, "password": "p@ss/word"}.items():
        monkeypatch.setenv(f"DESTINATION__POSTGRES__CREDENTIALS__{name.upper()}", text)
    assert postgres_url() == "postgresql://eva:p%40ss%2Fword@db.example:5433/shop"
    mirror = local_path()
    monkeypatch.setenv(
        "DESTINATION__POSTGRES__CREDENTIALS", "postgresql://eva:x@db.example:5433/shop"
    )
    assert shown(postgres_url() or "") == "postgresql://eva@db.example:5433/shop"
    assert local_path() == mirror, "a new password is no new database"
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", "mysql://db.example/shop")
    with pytest.raises(ConfigurationError, match="is no URL of PostgreSQL"):
        postgres_url()
