"""Nothing of anybody is in a file that a run leaves, unless a list allows it; and who reads it."""

from __future__ import annotations

import json
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest
from cli_support import Place, everything

from pipelines.errors import ConfigurationError
from pipelines.people.forgetting import forget
from pipelines.source.privacy import PersonalData
from pipelines.source.pseudonyms import Keys

sys.path.append(str(Path(__file__).parents[1] / "source"))
from people_records import MARKS, SECRET, TEXT, log, order, plain, tree

NUMBER = 12


def _shop(random: Random) -> dict[str, list[Any]]:
    """Return the lists of a shop, with records that cannot be read among them."""
    orders = [order(random, number) for number in range(NUMBER)]
    logs = [log(random, number) for number in range(NUMBER)]
    broken = [{**tree(random), "status": f"as {TEXT} said"}, f"{TEXT}@example.com", [TEXT]]
    return {"orders": plain(orders + broken), "logs": plain(logs + broken)}


@contextmanager
def _served(lists: dict[str, list[Any]]) -> Iterator[str]:
    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            name = "logs" if url.path.endswith("/logs") else "orders"
            query = parse_qs(url.query)
            start, count = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["20"])[0])
            rows = [row for row in lists[name] if _has(row, query.get("status"))]
            page = {name: rows[start : start + count], "total": len(rows)}
            body = json.dumps(page).encode()
            self.send_response(200)
            self.send_header("Date", formatdate(usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _has(row: Any, status: list[str] | None) -> bool:
    return status is None or (isinstance(row, dict) and row.get("status") in status)


def _place(folder: Path, url: str, random: Random, rule: PersonalData) -> Place:
    """Return a folder to run in; the ledger, which is the shop's own file, is elsewhere."""
    ledger = folder / "partner" / "sessions.jsonl"
    ledger.parent.mkdir()
    sessions = [{**tree(random), "session_id": f"sess_{number}"} for number in range(NUMBER)]
    ledger.write_text("".join(f"{json.dumps(plain(line))}\n" for line in sessions) + f"{{{TEXT}\n")
    run = folder / "run"
    run.mkdir()
    settings = {
        "SOURCES__PRINTORA__API_KEY": "sk_test_abc",
        "SOURCES__PRINTORA__PARTNER_ID": "p1",
        "SOURCES__PRINTORA__BASE_URL": url,
        "SOURCES__PRINTORA__SESSION_LEDGER": str(ledger),
        "SOURCES__PRINTORA__PERSONAL_DATA": rule,
    }
    return Place(run, settings)


def _found(place: Place, marks: tuple[str, ...]) -> set[tuple[str, str]]:
    """Return which marks are in which file or table of the folder."""
    return {
        (name, mark)
        for name, content in everything(place.folder)
        for mark in marks
        if mark.encode() in content
    }


def _assert_owners_alone(place: Place) -> None:
    """See that nobody else reads what is not made for readers, and nobody else writes anything."""
    modes = {
        path.relative_to(place.folder).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in place.folder.rglob("*")
        if path != place.home
    }
    readers = {name for name, mode in modes.items() if mode & 0o044}
    assert "warehouse.duckdb.pseudonym-key" in modes
    assert {name for name in readers if ".published." not in name} == {"report.html"}
    assert not any(mode & 0o022 for mode in modes.values())


@pytest.mark.parametrize("rule", ["none", "pseudonymous"])
def test_no_mark_of_anybody_is_in_what_a_run_leaves(tmp_path: Path, rule: PersonalData) -> None:
    """Broken: a field that no list allows is in a table, a package, the report or the output."""
    random = Random(rule)  # noqa: S311 - any records will do
    with _served(_shop(random)) as url:
        place = _place(tmp_path, url, random, rule)
        done = [place.run("run", "--json"), place.run("report")]
    with duckdb.connect(str(place.warehouse), read_only=True) as connection:
        counts = [
            connection.execute(f"select count(*) from printora_raw.{table}").fetchall()[0][0]  # noqa: S608 - our own names
            for table in ("orders", "webhook_logs", "sessions", "quarantine")
        ]
    assert counts[:3] == [NUMBER] * 3, [process.stderr for process in done]
    assert counts[3] > 3
    assert _found(place, (*MARKS, SECRET)) == set()
    output = "".join(process.stdout + process.stderr for process in done)
    assert [mark for mark in (*MARKS, SECRET) if mark in output] == []
    _assert_owners_alone(place)


def test_full_keeps_people_and_no_secret_and_less_takes_them_out(tmp_path: Path) -> None:
    """Broken: the search finds nothing anyway, a link is taken for data, or old bytes stay."""
    random = Random(7)  # noqa: S311 - any records will do
    with _served(_shop(random)) as url:
        place = _place(tmp_path, url, random, "full")
        place.run("run")
        found = _found(place, (*MARKS, SECRET))
        assert {mark for _, mark in found} == set(MARKS)
        stricter = place.run("sync", personal_data="pseudonymous")
    assert "What is stored was scrubbed" in stricter.stderr
    assert _found(place, MARKS) == set()


def test_somebody_is_forgotten_from_the_command_line(loaded: Place) -> None:
    """Broken: the receipt is not told, or the address is repeated in the output."""
    with duckdb.connect(str(loaded.warehouse)) as connection:
        query = "select order_id, customer_pseudonym from printora_raw.orders limit 1"
        order_id, pseudonym = connection.execute(query).fetchall()[0]
    told = loaded.run("forget", order_id, "--json")
    assert told.returncode == 0, told.stderr
    receipt = json.loads(told.stdout)["receipt"]
    assert receipt["rows"]["printora_raw.orders"] >= 1
    note = {"printora_raw.forgotten", str(loaded.warehouse)}
    assert {name for name, _ in _found(loaded, (pseudonym,))} == note
    rotated = loaded.run("rotate-pseudonyms")
    assert rotated.returncode == 0, rotated.stderr
    assert "key 2" in rotated.stdout
    assert loaded.run("sync").returncode == 0


def test_a_mistyped_name_is_no_receipt(loaded: Place) -> None:
    """Broken: who mistypes an order's id is told that somebody was forgotten."""
    before = loaded.warehouse.read_bytes()
    told = loaded.run("forget", "ord_nope")
    assert (told.returncode, told.stdout) == (2, "")
    assert "nobody was forgotten" in told.stderr
    with duckdb.connect(str(loaded.warehouse), read_only=True) as connection:
        for who in ["", " ", "0" * 32, "@", "ada@", "Ada <ada@example.com>", "ada example.com"]:
            with pytest.raises(ConfigurationError, match="nobody was forgotten"):
                forget(connection, who, Keys.new(), datetime.now(UTC))
    assert loaded.warehouse.read_bytes() == before


def test_an_address_of_nobody_is_told_so_first(loaded: Place) -> None:
    """Broken: a mistyped address reads like one that was found."""
    told = loaded.run("forget", "nobody@example.com")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("Nobody found: mistyped, or forgotten before.")
    assert "Forgotten" not in told.stdout
