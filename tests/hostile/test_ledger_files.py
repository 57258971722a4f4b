"""Ledgers as other programs leave them: all of it becomes sessions, or it is told by name."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import lzma
import re
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import LedgerError, LedgerSettingError
from pipelines.source.ledger import Ledger
from pipelines.source.parse import Parsed, Parser
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys

NOW = datetime(2026, 7, 1, tzinfo=UTC)
MANY = 12


def session(number: int) -> dict[str, str]:
    """One line of a ledger."""
    at = datetime(2026, 6, 3, tzinfo=UTC) + timedelta(minutes=number)
    return {"session_id": f"s-{number:06}", "created_at": at.isoformat(), "mode": "image"}


SESSIONS = [session(number) for number in range(MANY)]
LINES = "".join(json.dumps(one) + "\n" for one in SESSIONS)
LONG = f'{{"session_id": "a", "note": "{"x" * 400}"}},'
HEADER = "session_id;created_at;mode\r\n"
ROWS = "".join(";".join(one.values()) + "\r\n" for one in SESSIONS)


def parquet(table: pa.Table) -> bytes:
    """Write a Parquet file."""
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


TYPED = pa.table(
    {
        "session_id": pa.array([one["session_id"] for one in SESSIONS]).dictionary_encode(),
        "created_at": pa.array(
            [datetime.fromisoformat(one["created_at"]) for one in SESSIONS],
            pa.timestamp("ns", "America/New_York"),
        ),
        "mode": pa.array([b"image"] * MANY, pa.large_binary()),
    }
)


def read(path: Path, marks: Any = None) -> tuple[dict[str, Parsed], Ledger, list[str]]:
    """Return the sessions of a ledger, the ledger, and why other records are none."""
    ledger = Ledger(str(path), marks, now=NOW)
    parser = Parser("sessions", Privacy("none", Keys.new()))
    found: dict[str, Parsed] = {}
    bad: list[str] = []
    for entry in ledger.entries():
        row = entry.parsed_by(parser, NOW)
        if isinstance(row, Parsed):
            key = row["session_id"]
            found[key] = Parsed(entry.line(row).told_over(found.get(key)))
        else:
            bad.append(row.reason)
    return found, ledger, bad


FORMS: dict[str, tuple[str, bytes]] = {
    "an envelope": ("s.json", json.dumps({"sessions": SESSIONS, "total": MANY}).encode()),
    "an envelope in another": (
        "s.json",
        json.dumps({"success": True, "data": {"items": SESSIONS}}, indent=1).encode(),
    ),
    "an envelope a page": (
        "s.jsonl",
        b"\n".join(json.dumps({"results": SESSIONS[at : at + 4]}).encode() for at in (0, 4, 8)),
    ),
    "events around sessions": (
        "s.jsonl",
        "\n".join(json.dumps({"event": "made", "session": one}) for one in SESSIONS).encode(),
    ),
    "DynamoDB": (
        "s.jsonl",
        "\n".join(
            json.dumps({"Item": {name: {"S": value} for name, value in one.items()}})
            for one in SESSIONS
        ).encode(),
    ),
    "UTF-16, big end first": ("s.jsonl", b"\xfe\xff" + LINES.encode("utf-16-be")),
    "a mark in the middle": (
        "s.jsonl",
        "\ufeff".join(json.dumps(one) + "\n" for one in SESSIONS).encode(),
    ),
    "a name that says nothing": ("sessions.log", LINES.encode()),
    "lines called CSV": ("s.csv", LINES.encode()),
    "CSV called lines": ("s.jsonl", (HEADER + ROWS).encode()),
    "Parquet called lines": ("s.jsonl", parquet(TYPED)),
    "types of an export": ("s.parquet", parquet(TYPED)),
    "a struct": (
        "s.parquet",
        parquet(pa.table({"session": pa.array(SESSIONS), "n": pa.nulls(MANY)})),
    ),
    "a title above the columns": ("s.csv", f"Sessions 2026\r\n\r\n{HEADER}{ROWS}".encode()),
    "a remark above the columns": ("s.csv", f"# by cron\r\n{HEADER}{ROWS}".encode()),
    "tables one behind the other": (
        "s.csv",
        b"\xef\xbb\xbf".join(
            (HEADER + ";".join(one.values()) + "\r\n").encode() for one in SESSIONS
        ),
    ),
    "columns in another order": (
        "s.csv",
        (HEADER + ROWS + "mode;session_id\r\nimage;s-000001\r\n").encode(),
    ),
    "line breaks in cells": (
        "s.tsv",
        (
            "note\tSession ID\tcreatedAt\tmode\n"
            + "".join('"a\n""b""\tc"\t' + "\t".join(one.values()) + "\n" for one in SESSIONS)
        ).encode(),
    ),
    "cells lined up": (
        "s.csv",
        "".join(
            " | ".join(f"{cell:40}" for cell in line) + "\n"
            for line in (HEADER.strip().split(";"), *(one.values() for one in SESSIONS))
        ).encode(),
    ),
    "psql's table": (
        "s.txt",
        (
            " session_id | created_at | mode \n------------+------------+------\n"
            + "".join(f" {' | '.join(one.values())} \n" for one in SESSIONS)
        ).encode(),
    ),
    "a table in Markdown": (
        "s.md",
        (
            "| created_at | session_id | mode |\n| --- | :--- | ---: |\n"
            + "".join(
                f"| {one['created_at']} | {one['session_id']} | {one['mode']} |\n"
                for one in SESSIONS
            )
        ).encode(),
    ),
    "a blank behind the comma": (
        "s.csv",
        (
            "created_at, session_id, note, mode\n"
            + "".join(
                f'{one["created_at"]}, {one["session_id"]}, "a, b", {one["mode"]}\n'
                for one in SESSIONS
            )
        ).encode(),
    ),
    "texts for Excel": (
        "s.csv",
        (
            HEADER
            + "".join(
                f'="{one["session_id"]}";{one["created_at"]};"=""{one["mode"]}"""\r\n'
                for one in SESSIONS
            )
        ).encode(),
    ),
    "JSON in a log's message": (
        "s.jsonl",
        "".join(
            json.dumps({"timestamp": 1, "id": n, "message": json.dumps(one)}) + "\n"
            for n, one in enumerate(SESSIONS)
        ).encode(),
    ),
    "events with an id": (
        "s.jsonl",
        "".join(
            json.dumps({"id": f"evt_{n}", "type": "session.created", "data": {"object": one}})
            + "\n"
            for n, one in enumerate(SESSIONS)
        ).encode(),
    ),
    "sessions with their orders": (
        "s.jsonl",
        "".join(
            json.dumps(
                {
                    "id": one["session_id"],
                    "createdAt": one["created_at"],
                    "mode": "image",
                    "data": {"orders": [{"order_id": f"o-{n}", "session_id": f"other-{n}"}]},
                }
            )
            + "\n"
            for n, one in enumerate(SESSIONS)
        ).encode(),
    ),
    "JSON written twice": (
        "s.jsonl",
        "".join(json.dumps(json.dumps(one)) + "\n" for one in SESSIONS).encode(),
    ),
    "GraphQL's edges": (
        "s.json",
        json.dumps({"data": {"sessions": {"edges": [{"node": one} for one in SESSIONS]}}}).encode(),
    ),
    "Hive's separator": (
        "s.csv",
        (HEADER + ROWS).replace(";", "\x01").encode("utf-16"),
    ),
    "a member a line": (
        "s.jsonl.gz",
        b"".join(gzip.compress(json.dumps(one).encode() + b"\n") for one in SESSIONS) + b"\0" * 99,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_session_of_a_file_is_read(form: str, tmp_path: Path) -> None:
    """A partner's whole ledger is one record that is none, or no form at all."""
    name, content = FORMS[form]
    path = tmp_path / name
    path.write_bytes(content)
    found, ledger, bad = read(path)
    told = {key: (row["created_at"], row["mode"]) for key, row in found.items()}
    wanted = {
        one["session_id"]: (datetime.fromisoformat(one["created_at"]), "image") for one in SESSIONS
    }
    assert told == wanted
    assert bad == []
    assert ledger.coverage.gap(NOW) is None
    assert ledger.coverage.rests == ()


PACKED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "bzip2": (bz2.compress, "packed by bzip2"),
    "xz": (lzma.compress, "packed by xz"),
    "zstd": (lambda content: b"\x28\xb5\x2f\xfd" + content, "packed by Zstandard"),
    "gzip twice": (lambda content: gzip.compress(gzip.compress(content)), "packed by gzip twice"),
    "Avro": (lambda content: b"Obj\x01" + content, "an Avro file"),
    "SQLite": (lambda content: b"SQLite format 3\0" + content, "an SQLite database"),
}


def _zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("sessions.jsonl", content)
    return file.getvalue()


@pytest.mark.parametrize("name", ["sessions.jsonl", "sessions.csv", "sessions.zip", "sessions"])
@pytest.mark.parametrize("packed", [*PACKED, "zip"])
def test_what_is_packed_is_refused_by_its_name(packed: str, name: str, tmp_path: Path) -> None:
    """Most lines of an archive can be read, and the ledger is called whole."""
    pack, words = PACKED.get(packed, (_zipped, "a zip archive or a spreadsheet"))
    path = tmp_path / name
    path.write_bytes(pack(LINES.encode()))
    with pytest.raises(LedgerSettingError, match=words) as told:
        list(Ledger(str(path)).entries())
    assert told.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("s.csv", HEADER.replace("mode", "session_id") + ROWS, "the column 'session_id' twice"),
        ("s.csv", "<html><body>Sign in</body></html>", "no column session_id"),
        ("s.json", '{"columns": ["session_id"], "data": [["s-1"]]}', r"its records \(1\)"),
        ("s.json", '{"session_id": {"0": "s-1"}}', r"its records \(1\)"),
        ("s.json", '{"users": [{"id": 1}], "total": 1}', r"its records \(1\)"),
        ("s.jsonl", LINES.replace('"', "'"), rf"its records \({MANY:,}\)"),
    ],
)
def test_a_file_without_a_session_is_an_error(
    name: str, content: str, words: str, tmp_path: Path
) -> None:
    """Nothing is read, and all is certified; or every session is the same one."""
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(LedgerError, match=words):
        list(Ledger(str(path)).entries())


def test_a_table_without_a_header_shows_nobody(tmp_path: Path) -> None:
    """The first customer of the export is in the log of every run."""
    path = tmp_path / "s.csv"
    path.write_text("s-1,Erika Mustermann,erika@example.com,0170 8675309\n" * 3)
    with pytest.raises(LedgerError, match="no column session_id") as told:
        list(Ledger(str(path)).entries())
    assert not {"Erika", "erika", "8675309"} & set(re.findall(r"\w+", str(told.value)))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"session_id": "a", "session_id": "b"}', "has the key 'session_id' twice"),
        ('{"event": "made", "items": [{"id": "mug"}], "user": {"id": 5}}', "session_id is missing"),
        ('{"data": {"user": {"id": 5}}}', "session_id is missing"),
        ('{"session_id": ["a", "b"]}', "session_id is a list"),
    ],
)
def test_what_names_no_session_or_two_is_told(line: str, reason: str, tmp_path: Path) -> None:
    """A user's or an item's id is a session that never converts; of two ids, one is chosen."""
    path = tmp_path / "s.jsonl"
    path.write_text(f"{line}\n{LINES}")
    found, ledger, bad = read(path)
    assert len(found) == ledger.coverage.records == MANY
    assert ledger.coverage.bad == len(bad) == 1
    assert reason in bad[0]


@pytest.mark.parametrize("footer", ["Total", "(12 rows)", "-- 12 rows exported"])
def test_the_last_line_of_an_export_is_no_session(footer: str, tmp_path: Path) -> None:
    """A session called Total is in every rate."""
    path = tmp_path / "s.csv"
    path.write_text(f"{HEADER}{ROWS}{footer}\r\n")
    found, _, bad = read(path)
    assert len(found) == MANY
    assert bad == ["the line has one column, and the table has several"]


@pytest.mark.parametrize("footer", ["Total;12;", "SUM:;;image", ";12;", "Grand Total;1;2"])
def test_a_sum_below_a_table_is_no_session(footer: str, tmp_path: Path) -> None:
    """A session called Total is in every rate, though its line has as many cells as the others."""
    path = tmp_path / "s.csv"
    path.write_text(f"{HEADER}{ROWS}{footer}\r\n")
    found, ledger, bad = read(path)
    assert len(found) == MANY
    assert len(bad) == ledger.coverage.bad == 1


def test_a_number_that_is_none_costs_itself(tmp_path: Path) -> None:
    """A ledger that pandas wrote has NaN wherever a session was not opened."""
    path = tmp_path / "s.jsonl"
    path.write_text(
        "".join(json.dumps({**one, "accessed_at": float("nan")}) + "\n" for one in SESSIONS)
    )
    found, _, bad = read(path)
    assert (len(found), bad) == (MANY, [])
    assert {row["accessed_at"] for row in found.values()} == {None}


def test_an_envelope_of_any_length_is_read_as_it_comes(tmp_path: Path) -> None:
    """The export of a large shop is one object, and longer than any record may be."""
    many = [{**session(number), "note": "x" * 400} for number in range(8_000)]
    path = tmp_path / "s.json"
    tail = {"total": 8_000, "meta": {"page": 1}, "errors": []}
    path.write_text(json.dumps({"success": True, "data": {"sessions": many}, **tail}))
    found, ledger, bad = read(path)
    assert (len(found), bad) == (8_000, [])
    assert ledger.coverage.bytes_read == path.stat().st_size


def test_a_long_envelope_that_grows_is_read_on(tmp_path: Path) -> None:
    """What is added to it would be read twice, or never."""
    lines = [json.dumps({**session(number), "note": "x" * 400}) for number in range(8_000)]
    path = tmp_path / "s.json"
    path.write_text('{"sessions": [' + ",\n".join(lines[:6_000]) + ",\n")
    found, ledger, _ = read(path)
    assert len(found) == 6_000
    with path.open("a") as file:
        file.write(",\n".join(lines[6_000:]))
    added, _, bad = read(path, ledger.state())
    assert (len(added), bad) == (2_000, [])


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1' + " " * 2_500_000 + "x",
        '{"a": ' + "1" * 2_500_000,
        '{"a":' * 500_000,
        '{"a":"' * 450_000,
        '{"sessions": [' + LONG * 6_000 + "]" + " " * 300_000 + ',"a": 1 x',
    ],
    ids=["blanks", "digits", "nested", "quotes", "a tail without end"],
)
def test_no_ledger_keeps_the_machine_busy(text: str, tmp_path: Path) -> None:
    """A pattern that tries each blank twice takes hours over three megabytes of them."""
    path = tmp_path / "s.json"
    path.write_text(text)
    began = time.process_time()
    with contextlib.suppress(LedgerError):
        list(Ledger(str(path)).entries())
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "later",
    [
        '{"sessionId": "s-000001", "status": "expired"}\n',
        '{"session": {"id": "s-000001", "status": "expired"}}\n',
        '{"sessions": [{"session_id": "s-000001", "status": "expired"}]}\n',
        '{"session_id": "s-000001", "created_at": NaN, "status": "expired"}\n',
        '{"session_id": "s-000001", "created_at": "soon", "status": "EXPIRED"}\n',
    ],
)
@pytest.mark.parametrize("where", ["the same file", "the next sync"])
def test_a_later_line_keeps_what_it_does_not_say(later: str, where: str, tmp_path: Path) -> None:
    """Ten of thirty sessions leave the rates with their last line."""
    path = tmp_path / "s.jsonl"
    path.write_text(LINES + (later if where == "the same file" else ""))
    found, ledger, _ = read(path)
    if where == "the next sync":
        known = found["s-000001"]
        with path.open("a") as file:
            file.write(later)
        ledger = Ledger(str(path), ledger.state(), now=NOW)
        (entry,) = ledger.entries()
        row = entry.parsed_by(Parser("sessions", Privacy("none", Keys.new())), NOW)
        assert isinstance(row, Parsed)
        found["s-000001"] = Parsed(entry.line(row).told_over(known))
    row = found["s-000001"]
    assert row["created_at"] == datetime.fromisoformat(SESSIONS[1]["created_at"])
    assert (row["mode"], row["status"]) == ("image", "expired")
