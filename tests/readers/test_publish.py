"""The snapshot for readers: whole, without people, and never in anybody's way."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from thorough import THOROUGH

from pipelines.clock import ManualClock
from pipelines.errors import ConfigurationError, WarehouseError
from pipelines.settings import load_settings
from pipelines.warehouse import Project, Published, connect, load_project, publish
from pipelines.warehouse.connection import storage_version
from pipelines.warehouse.lineage import Lineage
from pipelines.warehouse.parquet import export
from pipelines.warehouse.publish import columns_for_readers, published_models

PROJECT = load_project()
SMALL = Project(PROJECT.select({"analytics.fct_orders", "analytics.fct_sessions"}), ())
RUNS = 20 if THOROUGH else 7
START = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
#: Reads the versions of two tables. Restless: opens anew each time, without pause, until a file
#: says stop. Steady: opens once, reads, and reads again on that connection when its input ends.
_READER = """
import sys, duckdb
from pathlib import Path
path, stop, is_restless = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "restless"
connection, reads, versions = None, 0, []
while reads == 0 or not stop.exists():
    connection = connection or duckdb.connect(path, read_only=True)
    orders = connection.execute("select distinct currency from analytics.fct_orders").fetchall()
    sessions = connection.execute("select distinct status from analytics.fct_sessions").fetchall()
    assert len(orders) == 1 and orders == sessions, (orders, sessions)
    reads += 1
    if orders[0][0] not in versions:
        versions.append(orders[0][0])
    if reads == 1:
        print("reading", flush=True)
    if is_restless:
        connection.close()
        connection = None
    else:
        sys.stdin.read()
print(*versions)
"""


def published(
    warehouse: Path,
    target: Path | None = None,
    clock: ManualClock | None = None,
    keep: int = 3,
    project: Project = PROJECT,
) -> Published:
    """Publish what is in the warehouse."""
    target = target or warehouse.with_name("out.duckdb")
    with connect(warehouse, read_only=True) as connection:
        return publish(connection, project, target, keep=keep, clock=clock or ManualClock(START))


def test_readers_get_marts_and_staging_as_they_were_built(warehouse: Path) -> None:
    """Broken: a mart is missing, has other rows, or lost what explains its columns."""
    done = published(warehouse)
    with connect(warehouse) as connection:
        connection.execute(f"attach '{done.path}' as out (read_only)")
        for model in published_models(PROJECT):
            names = ", ".join(name for name, _ in columns_for_readers(model))
            differing = connection.execute(
                f"select count(*) from (select {names} from {model.qualified} "  # noqa: S608 - our own names
                f"except all select {names} from out.{model.qualified})"
            ).fetchone()
            assert differing == (0,), model.qualified
        comments = connection.execute(
            "select count(*), count(comment) from duckdb_columns() where database_name = 'out'"
        ).fetchone()
    assert comments is not None
    assert comments[0] == comments[1] > 200
    assert {table.name.split(".")[0] for table in done.tables} == {"staging", "analytics"}
    assert {t.name: t.rows for t in done.tables}["analytics.fct_orders"] > 150


#: What takes ids and numbers under known names out of documents, or only counts people.
OF_DOCUMENTS = {"stg_printora__order_items", "fct_order_items", "stg_printora__quarantined_logs"}
OF_DOCUMENTS |= {"customer_cohorts_monthly"}


def test_no_personal_or_internal_column_is_published() -> None:
    """Broken: a file that everybody may read tells who bought what."""
    lineage = Lineage(PROJECT)
    for model in published_models(PROJECT):
        sources = lineage.of(model)
        for column, _ in columns_for_readers(model):
            read = {source.column for source in sources[column] if "printora_raw" in source.table}
            assert (
                not read & {"personal", "customer_pseudonym", "extra", "record", "payload"}
                or column in ("carrier", "country", "creator_id")
                or model.name in OF_DOCUMENTS
            ), f"{model.qualified}.{column} is made of {read}"
    names = [name for m in published_models(PROJECT) for name, _ in columns_for_readers(m)]
    assert [n for n in names if n.startswith("_") or "pseudonym" in n or n == "personal"] == []


def test_clients_from_1_4_on_can_read_it(warehouse: Path) -> None:
    """Broken: today's BI drivers refuse the file."""
    done = published(warehouse)
    with connect(done.path, read_only=True) as connection:
        assert storage_version(connection) == "v1.4.0"


def test_the_last_ones_are_kept(warehouse: Path) -> None:
    """Broken: yesterday's figures cannot be looked at, or the disk fills up."""
    clock = ManualClock(START)
    for _ in range(4):
        done = published(warehouse, clock=clock, keep=2, project=SMALL)
        clock.sleep(60)
    names = sorted(path.name for path in warehouse.parent.iterdir())
    assert names == [
        "out.20260402T093200.000000Z.duckdb",
        "out.20260402T093300.000000Z.duckdb",
        "out.duckdb",
        "printora.duckdb",
    ]
    assert done.path.samefile(warehouse.with_name(names[1])), "the newest takes its place twice"


def test_whatever_fails_the_last_snapshot_stays(warehouse: Path) -> None:
    """Broken: a disk that is full takes away what readers had."""
    done = published(warehouse)
    before = done.path.read_bytes()
    with connect(warehouse) as connection:
        connection.execute("drop table analytics.fct_orders")
    with pytest.raises(WarehouseError, match=r"fct_orders.*Readers keep the last snapshot"):
        published(warehouse)
    assert done.path.read_bytes() == before
    assert [path for path in warehouse.parent.iterdir() if path.name.startswith(".")] == []


def test_a_log_that_a_client_left_is_not_applied_to_the_next_one(warehouse: Path) -> None:
    """Broken: somebody opened the snapshot to write and was killed: nobody can open it again."""
    done = published(warehouse)
    done.path.chmod(0o644)
    code = (
        "import duckdb, os, sys\n"
        "c = duckdb.connect(sys.argv[1])\n"
        "c.execute('create table mine as select 1')\n"
        "os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code, done.path], check=False)
    assert done.path.with_name("out.duckdb.wal").exists()
    published(warehouse)
    with connect(done.path, read_only=True) as connection:
        assert connection.execute("select count(*) from analytics.dim_dates").fetchone() != (0,)


def test_the_warehouse_itself_is_no_place_for_it(warehouse: Path) -> None:
    """Broken: a setting replaces the warehouse by its own snapshot, and all history is gone."""
    with pytest.raises(ConfigurationError, match="the warehouse itself"):
        published(warehouse, warehouse)
    with pytest.raises(ConfigurationError, match="a folder"):
        published(warehouse, warehouse.parent)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{folder}/printora.duckdb", "the warehouse itself"),
        ("{folder}", "a folder"),
        ("{folder}/analytics.duckdb", "a schema of the same name"),
        ("s3://bucket/shop.duckdb", "not a file"),
    ],
)
def test_a_place_that_cannot_be_is_told_first(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    """Broken: a run asks the API for an hour, and then fails on a setting."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(warehouse))
    monkeypatch.setenv("SOURCES__PRINTORA__API_KEY", "sk_test_x")
    monkeypatch.setenv("SOURCES__PRINTORA__PARTNER_ID", "p")
    monkeypatch.setenv("SOURCES__PRINTORA__ENVIRONMENT", "staging")
    monkeypatch.setenv("SOURCES__PRINTORA__PUBLISH_TO", text.format(folder=warehouse.parent))
    with pytest.raises(ConfigurationError, match=why):
        load_settings()


def _give_version(warehouse: Path, version: int) -> None:
    with connect(warehouse) as connection:
        connection.execute(f"update analytics.fct_orders set currency = 'v{version:02}'")  # noqa: S608 - a number
        connection.execute(f"update analytics.fct_sessions set status = 'v{version:02}'")  # noqa: S608 - a number


def test_readers_meet_no_error_and_no_half_state_while_runs_go_on(warehouse: Path) -> None:
    """Broken: a dashboard shows errors while data is loaded, or tables of two different runs."""
    target, stop, clock = warehouse.with_name("out.duckdb"), warehouse.with_name("stop"), START

    def run(version: int) -> None:
        _give_version(warehouse, version)
        with connect(warehouse, read_only=True) as connection:
            at = ManualClock(clock + timedelta(minutes=version))
            publish(connection, SMALL, target, clock=at)

    run(0)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", _READER, target, stop, kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for kind in ("restless", "steady")
    ]
    assert [reader.stdout.readline() for reader in readers if reader.stdout] == ["reading\n"] * 2
    for version in range(1, RUNS + 1):
        run(version)
    stop.touch()
    restless, steady = (reader.communicate(timeout=60)[0].split() for reader in readers)
    assert [reader.returncode for reader in readers] == [0, 0]
    assert steady == ["v00"]
    assert restless == sorted(restless)
    assert len(restless) > RUNS // 4


def test_parquet_has_the_same_rows_and_a_manifest_that_is_whole(warehouse: Path) -> None:
    """Broken: a reader of the files gets rows twice, or of two snapshots."""
    folder, clock = warehouse.with_name("lake"), ManualClock(START)
    with connect(warehouse, read_only=True) as connection:
        for _ in range(3):
            export(connection, PROJECT, folder, keep=2, clock=clock)
            clock.sleep(60)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["published_at"] == "2026-04-02T09:32:00+00:00"
        for table in manifest["tables"]:
            files = [str(folder / file["path"]) for file in table["files"]]
            assert all((folder / f["path"]).stat().st_size == f["bytes"] for f in table["files"])
            names = ", ".join(column["name"] for column in table["columns"])
            counted = connection.execute(
                f"select count(*) from (select {names} from {table['name']} except all "  # noqa: S608 - our own names
                f"select {names} from read_parquet($1, hive_partitioning = true))",
                [files],
            ).fetchone()
            assert counted == (0,), table["name"]
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 2
    orders = next(t for t in manifest["tables"] if t["name"] == "analytics.fct_orders")
    assert orders["partitioned_by_month_of"] is not None
    assert len(orders["files"]) > 1
