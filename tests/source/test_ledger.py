"""The session ledger: every form of it, and only what is new."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import LedgerError
from pipelines.source.ledger import Ledger
from pipelines.source.parse import Parser, Rejected
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PARSER = Parser("sessions", Privacy("pseudonymous", Keys.of_api_key("sk_test_key")))
SESSIONS = [
    {"session_id": f"sess_{i}", "created_at": f"2026-05-0{i}T10:00:00Z", "mode": "image"}
    for i in range(1, 6)
]


def lines(sessions: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(session) + "\n" for session in sessions)


def read(setting: Path | str, before: Ledger | None = None) -> tuple[list[Any], Ledger]:
    """Return the session ids, or the reasons why there is none, and the ledger to go on from."""
    ledger = Ledger(str(setting), before.state() if before else None)
    rows = [entry.parsed_by(PARSER, NOW) for entry in ledger.entries()]
    ids = [row.reason if isinstance(row, Rejected) else row["session_id"] for row in rows]
    return ids, ledger


ALL = [session["session_id"] for session in SESSIONS]


def write(path: Path, sessions: list[dict[str, Any]]) -> Path:
    """Write the sessions in the form that the name asks for."""
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.DictWriter(file, list(sessions[0]))
            writer.writeheader()
            writer.writerows(sessions)
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(sessions), path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(lines(sessions).encode()))
    else:
        path.write_text(lines(sessions))
    return path


@pytest.mark.parametrize("ending", ["jsonl", "ndjson", "json", "csv", "parquet", "jsonl.gz"])
def test_every_form_gives_the_same_sessions(ending: str, tmp_path: Path) -> None:
    """A ledger in the partner's own form would have to be converted by hand."""
    path = write(tmp_path / f"a.{ending}", SESSIONS)
    ids, ledger = read(path)
    assert ids == ALL
    assert ledger.lines == 5
    assert read(path, ledger)[0] == [], "a file that did not change was read again"


def test_a_glob_reads_each_file_once(tmp_path: Path) -> None:
    """A ledger that starts a file a day would lose the days before."""
    write(tmp_path / "2026-05-01.jsonl", SESSIONS[:2])
    write(tmp_path / "2026-05-02.csv", SESSIONS[2:4])
    ids, ledger = read(tmp_path / "2026-*")
    assert ids == ALL[:4]
    write(tmp_path / "2026-05-03.jsonl", SESSIONS[4:])
    ids, ledger = read(tmp_path / "2026-*", ledger)
    assert ids == ALL[4:]
    assert ledger.lines == 5


def test_of_a_file_that_grew_only_the_new_lines_are_read(tmp_path: Path) -> None:
    """A ledger of millions would be read anew every quarter of an hour."""
    path = write(tmp_path / "a.jsonl", SESSIONS[:3])
    _, ledger = read(path)
    with path.open("a") as file:
        file.write(lines(SESSIONS[3:]))
    ids, ledger = read(path, ledger)
    assert ids == ALL[3:]
    assert ledger.lines == 5


def test_a_line_that_is_being_written_waits(tmp_path: Path) -> None:
    """Half a line would be a bad record today, and be skipped tomorrow."""
    path = tmp_path / "a.jsonl"
    text = lines(SESSIONS)
    path.write_text(text[:-20])
    ids, ledger = read(path)
    assert ids == ALL[:4]
    path.write_text(text)
    assert read(path, ledger)[0] == ALL[4:]


def test_a_file_that_was_rewritten_is_read_anew(tmp_path: Path) -> None:
    """A rotated file of the same name would begin in the middle."""
    path = write(tmp_path / "a.jsonl", SESSIONS[:2])
    _, ledger = read(path)
    write(path, list(reversed(SESSIONS)))
    assert read(path, ledger)[0] == list(reversed(ALL))


def test_bad_lines_are_told_one_by_one(tmp_path: Path) -> None:
    """One bad line would hide the whole file, or vanish."""
    path = tmp_path / "a.jsonl"
    good = lines(SESSIONS[:1])
    path.write_text(good + "not json\n" + "[1]\n" + '{"created_at": "x"}\n' + "\n" + good[:-1])
    ids, _ = read(path)
    assert ids[0] == ids[-1] == "sess_1"
    assert ids[1] == "the line is not JSON"
    assert "not an object" in ids[2]
    assert len(ids) == 5


@pytest.mark.parametrize("what", ["missing", "folder", "format", "parquet"])
def test_a_ledger_that_cannot_be_read_is_told(what: str, tmp_path: Path) -> None:
    """Whoever set the path would see a traceback, or sessions that are silently missing."""
    path = tmp_path / "ledger"
    if what == "folder":
        path.mkdir()
    elif what == "format":
        path = tmp_path / "a.xlsx"
        path.write_text("x")
    elif what == "parquet":
        path = tmp_path / "a.parquet"
        path.write_text("not parquet")
    with pytest.raises(LedgerError) as caught:
        read(path)
    assert caught.value.hint


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_of_something_else_is_no_ledger(ending: str, tmp_path: Path) -> None:
    """Every row would be quarantined, and no session at all be called the whole ledger."""
    path = write(tmp_path / f"a.{ending}", [{"kennung": "s1", "created_at": "2026-05-01"}])
    with pytest.raises(LedgerError, match=r"no column session_id .*kennung, created_at"):
        read(path)


@pytest.mark.parametrize(
    ("setting", "remedy"),
    [("s3://a/*.jsonl", r"uv pip install .*dlt\[s3\]"), ("gs://a/*.jsonl", "CREDENTIALS")],
)
def test_a_bucket_that_cannot_be_opened_says_what_is_missing(setting: str, remedy: str) -> None:
    """Pages of dlt's own words would end in the advice to set the ledger to a bucket."""
    with pytest.raises(LedgerError, match=remedy) as caught:
        read(setting)
    assert "\n" not in str(caught.value)


def test_a_bucket_is_read_as_a_folder_is() -> None:
    """Whoever keeps the ledger in a bucket would have to copy it to a disk first."""
    bucket = fsspec.filesystem("memory")
    bucket.pipe("/shop/sessions/2026-05/a.jsonl", lines(SESSIONS[:2]).encode())
    bucket.pipe("/shop/sessions/2026-06/a.jsonl", lines(SESSIONS[2:4]).encode())
    ids, ledger = read("memory://shop/sessions/*/*.jsonl")
    assert ids == ALL[:4]
    bucket.pipe("/shop/sessions/2026-06/a.jsonl", lines(SESSIONS[2:]).encode())
    assert read("memory://shop/sessions/*/*.jsonl", ledger)[0] == ALL[4:]
    assert read("memory://shop/sessions/2026-05/a.jsonl")[0] == ALL[:2]


@pytest.mark.parametrize("name", ["my ledger.jsonl", "[2026].jsonl", "später.jsonl"])
def test_a_files_url_is_its_path(name: str, tmp_path: Path) -> None:
    """A name with a blank or a bracket would be a ledger that is not there."""
    path = write(tmp_path / name, SESSIONS)
    assert read(path)[0] == read(f"file://{path}")[0] == read(path.as_uri())[0] == ALL


@pytest.mark.parametrize("broken", ["parquet", "jsonl.gz", "xlsx"])
def test_a_broken_file_is_met_before_the_first_row_of_another(broken: str, tmp_path: Path) -> None:
    """Rows of the files before it would be loaded by a run that ends with an error."""
    write(tmp_path / "a.jsonl", SESSIONS)
    (tmp_path / f"b.{broken}").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(LedgerError, match=f"b.{broken}"):
        next(Ledger(str(tmp_path / "*")).entries())


def test_a_byte_that_is_no_text_spoils_its_own_row_only(tmp_path: Path) -> None:
    """One name that a spreadsheet saved in Latin-1 would stop the load of all sessions."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"session_id,created_at\nsess_1,\ns\xfcss_2,\nsess_3,\n")
    assert read(path)[0] == [
        "sess_1",
        "session_id holds half of a surrogate pair, which is no text",
        "sess_3",
    ]
    path.write_bytes(b"session_id,\xfc\nsess_1,\n")
    with pytest.raises(LedgerError, match="not text in UTF-8"):
        read(path)


@pytest.mark.parametrize(
    "url",
    [
        "https://host.test/ledger.jsonl?X-Amz-Signature=hidden0",
        "https://user:hidden0@host.test/ledger.jsonl",
        "memory://user:hidden0@bucket/ledger.jsonl",
        "nonsense://user:hidden0@bucket/ledger.jsonl?sig=hidden0",
    ],
)
def test_a_login_in_the_ledgers_url_is_not_repeated(url: str) -> None:
    """The error, and every log that it gets into, would open the bucket."""
    with pytest.raises(LedgerError) as caught:
        read(url)
    assert "hidden0" not in str(caught.value)
    assert "ledger.jsonl" in str(caught.value)
