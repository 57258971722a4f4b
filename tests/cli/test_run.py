"""``printora run`` loads what is there, all of it and once, and says how it ended."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from cli_support import PLENTY, Place, served_settings
from thorough import THOROUGH

from pipelines.sandbox import Limits, Sandbox, SandboxConfig, WorldOptions

#: The columns that the API and the truth both have; times and money among them.
_COMPARED = {
    "orders": (
        "order_id, session_id, status, total_amount, currency, created_at, paid_at, shipped_at, "
        "delivered_at, cancelled_at, carrier, country, state, city"
    ),
    "webhook_logs": (
        "webhook_log_id, order_id, event_type, status, attempts, event_at, created_at, "
        "last_attempt_at, delivered_at"
    ),
    "sessions": "session_id, created_at, mode",
}


def _differences(warehouse: Path, table: str, truth: pa.Table) -> list[tuple[object, ...]]:
    """Return what only the warehouse has and what only the truth has, repeats counted."""
    columns = _COMPARED[table]
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.register("truth", truth)
        loaded = f"select {columns} from printora_raw.{table}"  # noqa: S608 - our own names
        true = f"select {columns} from truth"  # noqa: S608 - our own names
        return connection.execute(
            f"(({loaded}) except all ({true})) union all (({true}) except all ({loaded}))"
        ).fetchall()


def _raw(contents: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    return {name: what for name, what in contents.items() if name.startswith("printora_raw.")}


@pytest.fixture
def large(tmp_path: Path) -> Sandbox:
    """A world that stands still, of more logs than the API lists in thirty answers."""
    world = WorldOptions(orders=5_000 if THOROUGH else 1_000, after_start=False)
    return Sandbox(SandboxConfig(world=world, limits=PLENTY, speed=0.0))


def test_thousands_of_orders_are_the_sandboxs_and_a_second_run_changes_nothing(
    large: Sandbox, tmp_path: Path
) -> None:
    """Broken: a page is skipped or read twice, an amount is rounded, a time is shifted."""
    with large.serve() as server:
        place = Place(tmp_path, served_settings(large, server, tmp_path))
        first = place.run("run", "--json")
        assert first.returncode == 0, first.stderr
        for table in _COMPARED:
            assert _differences(place.warehouse, table, large.truth.table(table)) == []
        before = place.contents()
        second = place.run("run", "--json")
    assert second.returncode == 0, second.stderr
    after = place.contents()
    assert _raw(after) == _raw(before)
    # Marts also tell as of when they are, which goes on: they have the same rows, but for curves,
    # which have one for each age that an open order has by then.
    rows = [{n: r for n, (r, _) in each.items() if "curve" not in n} for each in (before, after)]
    assert rows[0] == rows[1]
    resources = json.loads(second.stdout)["sync"]["resources"]
    assert [(part["rows_new"], part["rows_changed"]) for part in resources.values()] == [(0, 0)] * 3


def test_a_truth_that_differs_in_one_cent_is_noticed(loaded: Place, sandbox: Sandbox) -> None:
    """Broken: the comparison above, which then finds everything equal."""
    truth = sandbox.truth.orders()
    assert _differences(loaded.warehouse, "orders", truth) == []
    at = truth.column_names.index("total_amount")
    amounts = truth.column(at).to_pylist()
    amounts[0] += type(amounts[0])("0.01")
    dearer = truth.set_column(at, "total_amount", pa.array(amounts, truth.schema.field(at).type))
    assert len(_differences(loaded.warehouse, "orders", dearer)) == 2


def test_a_budget_that_is_spent_ends_with_3_and_the_next_run_goes_on(place: Place) -> None:
    """Broken: a first load that needs several days fails, begins anew, or is called complete."""
    first = place.run("sync", "--budget", "5", "--json")
    assert first.returncode == 3, first.stderr
    document = json.loads(first.stdout)
    assert document["exit_code"] == 3
    assert document["sync"]["requests"] == 5
    assert place.run("status").returncode == 3
    second = place.run("run")
    assert second.returncode == 0, second.stderr
    assert "Complete as of" in second.stdout


def test_json_is_one_document_and_nothing_else(loaded: Place) -> None:
    """Broken: a table or a progress line stands before the JSON that a machine reads."""
    for command in ("sync", "build", "status"):  # and "run" by those around this one
        done = loaded.run(command, "--json")
        assert done.returncode == 0, done.stderr
        assert isinstance(json.loads(done.stdout), dict)


def test_what_is_not_a_terminal_gets_plain_lines(
    first_run: tuple[Place, subprocess.CompletedProcess[str]],
) -> None:
    """Broken: a log is full of bars, colours and lines that are cut in two."""
    _, done = first_run
    assert "\x1b" not in done.stdout + done.stderr
    assert "━" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("command", "number"),
    [("run", signal.SIGINT), ("sync", signal.SIGTERM), ("sync", signal.SIGHUP)],
)
def test_a_signal_ends_a_run_in_order(command: str, number: signal.Signals, tmp_path: Path) -> None:
    """Broken: what was read is lost, the requests are forgotten, or it counts as success."""
    slow = SandboxConfig(world=WorldOptions(orders=200), limits=Limits(per_minute=10))
    sandbox = Sandbox(slow)
    with sandbox.serve() as server:
        place = Place(tmp_path, served_settings(sandbox, server, tmp_path))
        with place.start(command) as process:
            _wait_for_requests(sandbox, 5)
            process.send_signal(number)
            err = process.communicate(timeout=60)[1]
        assert process.returncode == 3, err
        assert number.name in err
        assert "Traceback" not in err
        with duckdb.connect(str(place.warehouse), read_only=True) as connection:
            runs = connection.execute("select outcome, requests from printora_raw.sync_runs")
            outcomes, requests = zip(*runs.fetchall(), strict=True)
        assert "partial" in outcomes
        assert sum(requests) >= 5


def _wait_for_requests(sandbox: Sandbox, count: int) -> None:
    deadline = time.monotonic() + 60
    while sandbox.requests.count < count:
        assert time.monotonic() < deadline, "the run asks for nothing"
        time.sleep(0.05)


def test_one_model_can_be_built_alone(loaded: Place) -> None:
    """Broken: --select builds everything, or a misspelt name builds nothing in silence."""
    done = loaded.run("build", "--select", "analytics.fct_orders", "--json")
    assert done.returncode == 0, done.stderr
    assert [model["name"] for model in json.loads(done.stdout)["models"]] == [
        "analytics.fct_orders"
    ]
    wrong = loaded.run("build", "--select", "analytics.fct_oders")
    assert wrong.returncode == 2
    assert "analytics.fct_oders" in wrong.stderr


def test_status_of_an_empty_place_says_what_to_do(place: Place) -> None:
    """Broken: status makes a warehouse, or fails with a missing table."""
    done = place.run("status")
    assert done.returncode == 1
    assert "printora run" in done.stderr
    assert not place.warehouse.exists()


def test_status_after_the_first_sync_needs_no_build(place: Place) -> None:
    """Broken: who only syncs has no quarantine table yet, and status ends with an error."""
    assert place.run("sync").returncode == 0
    status = place.run("status")
    assert status.returncode == 0, status.stderr
    assert "0 records" in status.stdout


def test_status_after_a_failed_sync_knows_what_was_proven_before(loaded: Place) -> None:
    """Broken: who is paged reads that the data was never complete, and to run again."""
    assert loaded.run("sync", "--adopt", partner_id="somebody_else").returncode == 1
    status = loaded.run("status")
    told = " ".join(status.stdout.split())
    assert status.returncode == 3
    assert "seconds ago" in told or "minute" in told
    assert "Mend what ended the last sync, then run again. 403" in told


def test_a_wrong_partner_loads_nothing(place: Place) -> None:
    """Broken: the logs of one list are loaded before the other list refuses the partner."""
    done = place.run("sync", partner_id="somebody_else")
    assert done.returncode == 1
    assert "Loaded" not in done.stderr


def test_the_funnel_counts_sessions_of_the_ledger_only(loaded: Place, tmp_path: Path) -> None:
    """Broken: sessions that only an order shows raise the rate, for their like never ordered."""
    lines = Path(loaded.settings["SOURCES__PRINTORA__SESSION_LEDGER"]).read_text().splitlines()
    half = tmp_path / "half.jsonl"
    half.write_text("\n".join(lines[::2]))
    fresh = Place(tmp_path / "fresh", loaded.settings)
    done = fresh.run("run", "--json", session_ledger=str(half))
    assert done.returncode == 0, done.stderr
    funnel = json.loads(done.stdout)["funnel"]
    assert funnel["steps"][0]["sessions"] + funnel["immature"] == len(lines[::2])
    assert funnel["unlisted"] > 0
    assert 0.2 < funnel["steps"][1]["rate"] < 0.5


def test_the_report_is_one_page(loaded: Place) -> None:
    """Broken: the command writes nothing, or elsewhere than it was told to."""
    assert loaded.run("build").returncode == 0
    done = loaded.run("report", "--output", "out/page.html")
    assert done.returncode == 0, done.stderr
    assert "<svg" in (loaded.folder / "out/page.html").read_text(encoding="utf-8")


def test_a_report_of_nothing_says_what_to_do(place: Place) -> None:
    """Broken: a report before the first build ends with a database's own error."""
    duckdb.connect(str(place.warehouse)).close()
    done = place.run("report")
    assert done.returncode == 1
    assert "printora build" in done.stderr


def test_without_a_ledger_the_rest_is_complete_and_the_gap_is_named(place: Place) -> None:
    """Broken: who has no ledger yet is told at every run to run again, for ever."""
    done = place.run("run", session_ledger="")
    assert done.returncode == 0, done.stderr
    assert "sessions are not read: no session ledger is set" in " ".join(done.stdout.split())
    status = place.run("status")
    assert status.returncode == 0
    assert "Set SOURCES__PRINTORA__SESSION_LEDGER" in status.stdout


def test_full_reads_everything_again(loaded: Place) -> None:
    """Broken: who doubts the copy cannot have it proven anew."""
    done = loaded.run("sync", "--full", "--json")
    assert done.returncode == 0, done.stderr
    orders = json.loads(done.stdout)["sync"]["resources"]["orders"]
    assert orders["evidence"] == "whole walk"
    assert orders["rows_new"] == 0


def test_certificates_are_listed_with_whole_ids(loaded: Place) -> None:
    """Broken: an id is cut, and `certificates withdraw` takes none; a script reads "None"."""
    with duckdb.connect(str(loaded.warehouse)) as connection:
        connection.execute(
            "update printora_raw.sync_runs set complete_as_of = null, evidence = null, "
            "rows_stored = 1000000 where resource = 'orders'"
        )
    listed = json.loads(loaded.run("certificates", "list", "--json").stdout)["certificates"]
    lines = loaded.run("certificates", "list").stdout.splitlines()
    for row in listed:
        shown = [line for line in lines if row["sync_id"] in line and row["resource"] in line]
        assert len(shown) == 1
    assert max(map(len, lines)) <= 80
    (orders,) = (row for row in listed if row["resource"] == "orders")
    assert (orders["complete_as_of"], orders["rows_stored"]) == (None, 1_000_000)
