"""What goes wrong is told in a paragraph with what to do, and leaves the tables as they were."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cli_support import Place
from patient import has_failed, held

pytestmark = [pytest.mark.xdist_group("patient"), pytest.mark.usefixtures("patient")]


def _fails(place: Place, code: int, *texts: str, **changes: str) -> None:
    """Run the main job, which must fail with that code, say these texts, and touch no table."""
    before = place.contents()
    has_failed(place, before, place.run("run", **changes), code, *texts)


def test_a_wrong_key_is_named(loaded: Place) -> None:
    """Broken: a revoked key looks like an outage, or empties the tables."""
    _fails(
        loaded, 1, "401", "INVALID_API_KEY", "SOURCES__PRINTORA__API_KEY", api_key="sk_test_revoked"
    )


def test_every_missing_setting_is_named_at_once(loaded: Place) -> None:
    """Broken: one setting is asked for after the other, or dlt's own error is shown."""
    names = ("SOURCES__PRINTORA__API_KEY", "SOURCES__PRINTORA__PARTNER_ID")
    _fails(loaded, 2, *names, "are not set", "printora demo", api_key="", partner_id="")


def test_another_partner_is_refused(loaded: Place) -> None:
    """Broken: another partner's orders are mixed in, or a mistyped id empties the tables."""
    _fails(loaded, 2, "partner somebody_else", "--adopt", partner_id="somebody_else")


def test_a_test_key_is_not_sent_to_production(loaded: Place) -> None:
    """Broken: a test's key is sent to the real API because a variable was left unset."""
    _fails(loaded, 2, "test key", "SOURCES__PRINTORA__ENVIRONMENT", base_url="")


def test_a_ledger_that_is_not_there_is_named(loaded: Place) -> None:
    """Broken: a mistyped path counts as a partner without sessions."""
    path = str(loaded.folder / "nowhere.jsonl")
    _fails(loaded, 2, "nowhere.jsonl", session_ledger=path)


def test_a_ledger_that_cannot_be_read_is_named(loaded: Place) -> None:
    """Broken: half a Parquet file, as an upload leaves it, ends in a traceback."""
    path = loaded.folder / "sessions.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    _fails(loaded, 1, "sessions.parquet", session_ledger=str(path))


def test_who_reads_the_file_is_named_before_a_run_fails(loaded: Place) -> None:
    """Broken: all is well, says status, and every run ends because a BI tool is connected."""
    with held(loaded.warehouse, "reading") as pid:
        told = [loaded.run("status").stdout, loaded.run("doctor").stdout]
    for text in told:
        assert f"(PID {pid}): a run waits ten seconds, and ends." in " ".join(text.split())


def test_a_warehouse_that_is_something_else_is_left_alone(place: Place) -> None:
    """Broken: a file that a setting names by mistake is overwritten."""
    place.warehouse.write_bytes(b"my thesis" * 2_000)
    done = place.run("run")
    assert done.returncode == 2
    assert "DuckDB database" in done.stderr
    assert place.warehouse.read_bytes() == b"my thesis" * 2_000


@pytest.mark.parametrize(
    ("path", "told"),
    [("typo/in/it.duckdb", "no folder"), ("home", "is a folder"), ("/proc/x.duckdb", "lock file")],
)
def test_a_warehouse_that_cannot_be_made_is_refused_at_once(
    place: Place, path: str, told: str
) -> None:
    """Broken: a mistyped path becomes a new warehouse, with a first load that takes a day."""
    place.settings = {**place.settings, "DESTINATION__DUCKDB__CREDENTIALS": path}
    before = sorted(place.folder.rglob("*"))
    done = place.run("sync")
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    left = (path for path in place.folder.rglob("*") if path.suffix != ".lock")
    assert sorted(path for path in left if path.name != "dlt") == before  # dlt's own, and empty


def test_a_first_run_that_is_refused_leaves_nothing(place: Place) -> None:
    """Broken: a mistyped key leaves an empty warehouse, and a key of pseudonyms that nobody has."""
    before = {path.name for path in place.folder.iterdir()}
    done = place.run("run", api_key="sk_test_revoked")
    assert done.returncode == 1, done.stderr
    assert "401" in done.stderr
    left = {path.name for path in place.folder.iterdir()} - before
    assert left <= {"dlt", "warehouse.duckdb.lock"}


def test_an_error_is_a_document_too(loaded: Place) -> None:
    """Broken: a machine that reads --json gets nothing, or text, when a run fails."""
    done = loaded.run("run", "--json", api_key="sk_test_revoked")
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode == 1
    assert document["error"]["type"] == "Unauthorized"
    assert "SOURCES__PRINTORA__API_KEY" in document["error"]["hint"]


@pytest.mark.parametrize("asked", [("--traceback",), ()])
def test_the_traceback_is_there_for_who_asks(place: Place, asked: tuple[str, ...]) -> None:
    """Broken: an error cannot be traced to its cause, or everybody is shown the code."""
    done = place.run(*asked, "run", api_key="")
    assert done.returncode == 2
    assert ("Traceback" in done.stderr) is bool(asked)


def test_wrong_usage_has_a_code_of_its_own(place: Place) -> None:
    """Broken: a scheduler cannot tell a mistyped option from a failed load."""
    for arguments in (("runn",), ("run", "--budget", "0"), ("sandbox", "--set", "sort=upwards")):
        assert place.run(*arguments).returncode == 2


def test_a_build_of_a_warehouse_that_is_not_there_is_no_success(place: Place) -> None:
    """Broken: a mistyped path makes an empty database, and all checks of nothing pass."""
    done = place.run("build")
    assert done.returncode == 1
    assert "printora run" in done.stderr
    assert not place.warehouse.exists()


def test_a_report_goes_to_a_file(loaded: Place) -> None:
    """Broken: a folder in place of a file ends in Python's own words."""
    done = loaded.run("report", "--output", str(loaded.folder))
    assert done.returncode == 1
    assert "cannot be written" in " ".join(done.stderr.split())
    assert "--output" in done.stderr


def test_an_unreachable_host_is_named(patient: dict[str, Callable[..., None]]) -> None:
    """Broken: a refused connection ends in a traceback."""
    patient["nobody"]("127.0.0.1", "Connection refused")


def test_a_page_in_place_of_the_api_is_not_an_empty_list(
    patient: dict[str, Callable[..., None]],
) -> None:
    """Broken: an answer that is not JSON counts as no rows."""
    patient["page"]("web page", "SOURCES__PRINTORA__BASE_URL")


def test_an_unknown_envelope_is_not_an_empty_list(patient: dict[str, Callable[..., None]]) -> None:
    """Broken: a list under a name that nobody knows counts as no rows."""
    patient["envelope"]("report")


@pytest.mark.parametrize("asked", ["held", "status of held"])
def test_who_holds_the_file_is_named(patient: dict[str, Callable[..., None]], asked: str) -> None:
    """Broken: a notebook that is left open makes every run fail without a word of it."""
    patient[asked]()
