"""``printora doctor`` looks at everything once, changes nothing, and says what to do."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cli_support import Place
from thorough import THOROUGH

from pipelines.cli import examinations, warehouse_examinations
from pipelines.cli.examinations import Finding
from pipelines.clock import SystemClock
from pipelines.sandbox import Sandbox
from pipelines.settings import load_settings
from pipelines.warehouse import connect, warehouse_lock

#: What there is to do while some runs wait in vain.
pytestmark = [pytest.mark.xdist_group("patient"), pytest.mark.usefixtures("patient")]


@pytest.fixture
def here(loaded: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The loaded place, in this process."""
    for name, text in loaded.environment.items():
        if name.startswith(("SOURCES__", "DESTINATION__", "DLT_")):
            monkeypatch.setenv(name, text)
    monkeypatch.chdir(loaded.folder)
    return loaded


def named(findings: list[Finding], level: str) -> str:
    return " ".join(f"{one.text} {one.todo}" for one in findings if one.level == level)


def test_a_healthy_place_is_healthy(loaded: Place, sandbox: Sandbox) -> None:
    """Broken: an operator is sent after what is not wrong; or the look costs a day's quota."""
    before, asked = loaded.warehouse.read_bytes(), sandbox.requests.count
    done = loaded.run("doctor", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == document["exit_code"] == 0, done.stdout
    assert {one["what"] for one in document["findings"] if one["level"] != "bad"} >= {
        "versions",
        "settings",
        "key",
        "orders",
        "webhook logs",
        "limits",
        "clock",
        "ledger",
        "lock",
        "warehouse",
    }
    assert 0 < sandbox.requests.count - asked <= 10
    assert loaded.warehouse.read_bytes() == before
    assert loaded.settings["SOURCES__PRINTORA__API_KEY"] not in done.stdout


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"api_key": "sk_test_revoked"}, 1, "401"),
        ({"session_legder": "x"}, 2, "Did you mean SOURCES__PRINTORA__SESSION_LEDGER?"),
        ({"session_ledger": "nowhere.jsonl", "api_key": "sk_test_revoked"}, 2, "nowhere.jsonl"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(
    place: Place, changes: dict[str, str], code: int, told: str
) -> None:
    """Broken: the first thing that is wrong hides the others, or has no code of its own."""
    done = place.run("doctor", **changes)
    assert done.returncode == code, done.stdout
    assert told in " ".join(done.stdout.split())
    assert "To do:" in done.stdout
    assert "there is none yet" in done.stdout or "session_legder" in changes
    assert "Traceback" not in done.stderr


def test_every_block_is_read(here: Place) -> None:
    """Broken: bytes that a disk lost are met months later, by the one question that reads them."""
    whole = here.warehouse.read_bytes()
    size = len(whole)
    found = []
    for at in range(3 * 4096, size, size // (60 if THOROUGH else 30)):
        here.warehouse.write_bytes(whole[:at] + bytes(200) + whole[at + 200 :])
        found.append(named(list(warehouse_examinations.warehouse()), "bad"))
    assert sum("move it away" in text for text in found) >= (4 if THOROUGH else 1)
    here.warehouse.write_bytes(whole)
    assert named(list(warehouse_examinations.warehouse()), "bad") == ""


def test_a_lost_table_and_a_writer_are_named(here: Place) -> None:
    """Broken: a side table that is gone ends the next run with the words of a library."""
    with warehouse_lock(here.warehouse, command="printora run"):
        code = "from pipelines.cli import warehouse_examinations as e; print(list(e.warehouse()))"
        done = subprocess.run(
            [sys.executable, "-c", code], env=here.environment, capture_output=True, text=True
        )
        assert "`printora run`" in done.stdout
        assert "is writing" in done.stdout
    with connect(here.warehouse) as connection:
        connection.execute("drop table printora_raw.order_history")
    (found,) = (one for one in warehouse_examinations.warehouse() if one.level == "bad")
    assert "order_history" in found.text
    assert "printora sync --full" in found.todo
    assert found.code == 1


def test_the_ledger_is_read_to_its_end(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: sessions are missing, and nobody says of which file."""
    path = here.folder / "l.jsonl"
    path.write_text('{"session_id": "s1"}\nno record\n{"session_id": "s2"')
    monkeypatch.setenv("SOURCES__PRINTORA__SESSION_LEDGER", str(path))
    found = list(examinations.ledger(load_settings(), SystemClock()))
    assert "1 file, 31 bytes, 1 record of" in named(found, "ok")
    assert "1 record cannot be read" in named(found, "note")
    assert "l.jsonl ends in 19 bytes" in named(found, "note")


#: What takes a tenth of a second or more to import, and which commands need it.
_HEAVY = {
    "dlt",
    "duckdb",
    "pyarrow",
    "numpy",
    "pandas",
    "httpx",
    "sqlglot",
    "sqlalchemy",
    "dagster",
}


@pytest.mark.parametrize(
    ("command", "needed"), [("--help", set()), ("status", {"duckdb"}), ("build", _HEAVY - {"dlt"})]
)
def test_a_command_loads_only_what_it_needs(loaded: Place, command: str, needed: set[str]) -> None:
    """Broken: a question that takes no time to answer waits for libraries that it does not use."""
    code = (
        f"import sys; sys.argv = ['printora', {command!r}]\n"
        "from pipelines.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print(sorted({_HEAVY - needed!r} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=loaded.environment,
        cwd=loaded.folder,
        capture_output=True,
        text=True,
    )
    assert done.stderr.splitlines()[-1] == "[]"
