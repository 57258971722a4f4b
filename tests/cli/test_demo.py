"""``printora demo`` of the wheel: the whole product on an empty machine, and nothing elsewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import duckdb
import pytest
from cli_support import REPOSITORY, SECRET, Place, everything
from installed import Installed

from assets.definitions import defs
from pipelines.cli.demo import _query

# One worker installs the wheel, and has the demo run once for all of these.
pytestmark = pytest.mark.xdist_group("package")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
Demo = tuple[Place, str, str]
Completed = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def demos(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Demo, Completed]:
    """A folder in which the demo has run, and what another one said that was begun meanwhile."""
    program = installed.environment / "bin" / "printora"
    place = Place(tmp_path_factory.mktemp("demo"), program=program)
    # A real key in the environment is none of the demo's business.
    place.settings = {"SOURCES__PRINTORA__API_KEY": "sk_live_of_the_real_shop"}
    with place.start("demo", "--orders", "300") as process:
        assert process.stderr
        first_line = process.stderr.readline()
        second = place.run("demo")
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return (place, out, first_line + err), second


@pytest.fixture(scope="module")
def demo(demos: tuple[Demo, Completed]) -> Demo:
    """The folder, and what was printed on both streams."""
    return demos[0]


def test_it_ends_with_both_answers_and_a_word_on_completeness(demo: Demo) -> None:
    """Broken: the wheel has no models, or the first thing that a new user sees has no numbers."""
    _, out, err = demo
    assets = len(defs.resolve_asset_graph().get_all_asset_keys())
    assert f"Dagster: {assets} assets materialized" in (out + err).replace("\n", " ")
    for step in ("sessions", "ordered", "paid", "shipped", "delivered"):
        assert re.search(rf"^ {step} +[\d,]+ ", out, re.MULTILINE), step
    for stage in ("created → paid", "paid → shipped", "shipped → delivered"):
        assert re.search(rf"^ {stage} +[\d,]+ ", out, re.MULTILINE), stage
    assert "Complete as of" in out
    assert "Printora allows 60" in err, "the raised limit has to be owned up to"


def test_nothing_is_written_outside_its_folder(demo: Demo) -> None:
    """Broken: dlt's or Dagster's statistics, caches or homes appear in the user's home."""
    place, *_ = demo
    assert list(place.home.rglob("*")) == []
    assert {path.name for path in place.folder.iterdir()} == {"home", ".printora"}
    assert {path.name for path in (place.folder / ".printora").iterdir()} == {"demo", "demo.lock"}


def test_nobody_else_reads_what_it_leaves(demo: Demo) -> None:
    """Broken: Dagster keeps the first rows of a check's finding, where every user reads them."""
    place, *_ = demo
    made = [path for path in (place.folder / ".printora").rglob("*") if path.is_file()]
    assert any("dagster" in path.parts for path in made)
    readable = {path.name for path in made if path.stat().st_mode & 0o077}
    assert {name for name in readable if ".published" not in name} == set()


def test_dagster_knows_of_the_run(demo: Demo) -> None:
    """Broken: the demo's run is not in the UI that it tells to open."""
    place, *_ = demo
    runs = place.folder / ".printora/demo/dagster/history/runs"
    assert [path for path in runs.glob("*.db") if path.name != "index.db"]


def test_an_sql_client_can_read_what_it_made(demo: Demo) -> None:
    """Broken: the file that the README tells to query has no marts in it."""
    place, *_ = demo
    warehouse = place.folder / ".printora/demo/printora.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute("select count(*) from analytics.fct_orders").fetchone()
        assert rows == (300,)


def _joined(text: str) -> str:
    """Return the text with the lines that a shell takes for one as one."""
    return text.replace("\\\n  ", "")


def test_the_commands_that_it_ends_with_work(demo: Demo) -> None:
    """Broken: who wants to see more is sent to a file, and has to find out how to ask it."""
    place, _, err = demo
    told = re.search(
        r"^(DESTINATION__\w+)=(\S+) \S*printora (query .+)$", _joined(err), re.MULTILINE
    )
    assert told
    name, path, command = told.groups()
    (question,) = re.findall(r"printora query \"\n(.*?)\"\n```", README, re.DOTALL)
    place.settings = {**place.settings, name: path, "COLUMNS": "80"}
    first = place.run(*shlex.split(command))
    assert "delivered" in first.stdout, first.stderr
    shown = place.run("query", question)
    assert all(f" {column} " in shown.stdout for column in ("sessions", "paid", "low", "high"))
    assert "…" not in first.stdout + shown.stdout, "columns are left out at the width of a terminal"


@pytest.mark.parametrize(
    "as_called", [".venv/bin/printora", "/x/.venv/bin/printora", "/y/printora"]
)
def test_the_command_is_called_as_this_one_was(
    as_called: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: `make demo` names a command that is on nobody's path."""
    monkeypatch.setattr("pathlib.Path.cwd", lambda: Path("/x"))
    monkeypatch.setattr("pathlib.Path.absolute", lambda path: Path("/x") / path)
    monkeypatch.setattr("sys.argv", [as_called])
    called = ".venv/bin/printora" if ".venv" in as_called else "printora"
    assert f"\n  {called} query " in _query()


def test_no_secret_is_in_anything_that_it_leaves_or_prints(demo: Demo) -> None:
    """Broken: the key, or a URL that logs somebody in, is in a table, a log or Dagster's events."""
    place, out, err = demo
    places = dict(everything(place.folder))
    assert [name for name, content in places.items() if SECRET.search(content)] == []
    assert not SECRET.search((out + err).encode())
    # The search reads what is there to be read: an order's id is in the tables' text.
    assert any(b"ord_" in content for content in places.values())


def test_a_second_demo_at_once_is_told_so(demos: tuple[Demo, Completed]) -> None:
    """Broken: a second demo deletes the folder of the first one while it runs."""
    _, second = demos
    assert second.returncode == 1
    assert "Another demo is running" in second.stderr
