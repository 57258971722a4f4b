"""A whole ledger is a proof: every byte became a session, a counted bad record, or a named rest."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from textwrap import indent
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import LedgerError, LedgerSettingError
from pipelines.source.ledger import REST_MAY_LAST, Ledger
from pipelines.source.parse import Parser, Rejected
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PARSER = Parser("sessions", Privacy("none", Keys.new()))

Session = dict[str, Any]


def read(
    path: Path | str, before: Ledger | None = None, now: datetime = NOW
) -> tuple[list[str], Ledger]:
    """Return the ids of the sessions that were read, and the ledger to go on from."""
    ledger = Ledger(str(path), before.state() if before else None, now=now)
    rows = [entry.parsed_by(PARSER, NOW) for entry in ledger.entries()]
    return [row["session_id"] for row in rows if not isinstance(row, Rejected)], ledger


def dump(session: Session, indent: int | None = None) -> str:
    return json.dumps(session, ensure_ascii=False, indent=indent)


def table(delimiter: str) -> Callable[[list[Session]], str]:
    def write(sessions: list[Session]) -> str:
        out = io.StringIO()
        names = ["session_id", "note", "mode"]
        writer = csv.DictWriter(out, names, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(sessions)
        return out.getvalue()

    return write


FORMS: dict[str, Callable[[list[Session]], str]] = {
    "lines.jsonl": lambda all_: "".join(dump(one) + "\n" for one in all_),
    "crlf.jsonl": lambda all_: "\r\n".join(dump(one) for one in all_),
    "together.jsonl": lambda all_: "".join(dump(one) for one in all_),
    "blanks.json": lambda all_: " ".join(dump(one) for one in all_),
    "pretty.json": lambda all_: "\n".join(dump(one, indent=2) for one in all_),
    "array.json": lambda all_: json.dumps(all_),
    "pretty-array.json": lambda all_: json.dumps(all_, indent=2),
    "arrays.jsonl": lambda all_: "".join(json.dumps([one]) + "\n" for one in all_),
    "sequence.json": lambda all_: "".join(f"\x1e{dump(one)}\n" for one in all_),
    "comma.csv": table(","),
    "semicolon.csv": table(";"),
    "tab.csv": table("\t"),
    "tab.tsv": table("\t"),
    "excel.csv": lambda all_: "sep=;\r\n" + table(";")(all_),
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
#: What tears a reader apart that splits at line breaks, braces, commas or quotes.
NOTES = st.text(st.sampled_from("ab{}[],;:\"'\\\n\r\té😀 "), max_size=12)
SESSIONS = st.lists(NOTES, min_size=1, max_size=8).map(
    lambda notes: [
        {"session_id": f"sess_{i}", "note": note, "mode": "image"} for i, note in enumerate(notes)
    ]
)


def encoded(text: str, encoding: str) -> bytes:
    mark = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}.get(encoding, "")
    return (mark + text).encode(encoding)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=15, deadline=None)
@given(sessions=SESSIONS, encoding=st.sampled_from(ENCODINGS), zipped=st.booleans())
def test_every_usual_form_is_read_to_its_last_byte(
    form: str,
    sessions: list[Session],
    encoding: str,
    zipped: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A ledger of a form that another tool writes would be taken for one without sessions."""
    content = encoded(FORMS[form](sessions), encoding)
    path = tmp_path_factory.mktemp("form") / form
    path.write_bytes(gzip.compress(content) if zipped else content)
    ids, ledger = read(path)
    assert ids == [session["session_id"] for session in sessions]
    coverage = ledger.coverage
    assert (coverage.files, coverage.records, coverage.bad) == (1, len(sessions), 0)
    assert coverage.rests == ()
    assert coverage.gap(NOW + timedelta(days=9)) is None
    if not zipped or not form.endswith(("csv", "tsv")):
        assert coverage.bytes_read == len(content)
    assert read(path, ledger)[0] == []


@pytest.mark.parametrize("form", [name for name in FORMS if name.endswith(("jsonl", "json"))])
@settings(max_examples=15, deadline=None)
@given(sessions=SESSIONS, encoding=st.sampled_from(ENCODINGS), share=st.floats(0, 1))
def test_a_file_cut_anywhere_is_read_on_from_there(
    form: str,
    sessions: list[Session],
    encoding: str,
    share: float,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A record that the writer is in the middle of would be lost, doubled, or bad for ever."""
    content = encoded(FORMS[form](sessions), encoding)
    path = tmp_path_factory.mktemp("cut") / form
    at = int(share * len(content))
    path.write_bytes(content[:at])
    first, ledger = read(path)
    cut = ledger.coverage
    assert cut.bytes_read + sum(rest.bytes for rest in cut.rests) == at
    assert cut.bad == 0
    path.write_bytes(content)
    second, ledger = read(path, ledger)
    assert first + second == [session["session_id"] for session in sessions]
    assert (ledger.coverage.records, ledger.coverage.bad) == (len(sessions), 0)
    assert (ledger.coverage.bytes_read, ledger.coverage.rests) == (len(content), ())


GARBAGE = st.sampled_from(
    [
        "nonsense",
        '{"session_id": "lost", ',
        '{"session_id": "lost"',
        '{"a": [1, 2',
        "\x00\x00",
        '"',
        '{"session_id": "lost", "items": [{"session_id": "nested"}, {]}',
        "{]",
        "123",
        "<html>",
    ]
)


@settings(max_examples=60, deadline=None)
@given(sessions=SESSIONS, garbage=GARBAGE, at=st.integers(0, 8), pretty=st.booleans())
def test_what_is_no_record_costs_itself_only(
    sessions: list[Session],
    garbage: str,
    at: int,
    pretty: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A line that a crash cut short would swallow the ones behind it, or what is nested in it."""
    parts = [dump(session, indent=2 if pretty else None) for session in sessions]
    parts.insert(at, garbage)
    content = "".join(f"{part}\n" for part in parts)
    path = tmp_path_factory.mktemp("bad") / "a.jsonl"
    path.write_text(content, newline="")
    ids, ledger = read(path)
    assert ids == [session["session_id"] for session in sessions]
    coverage = ledger.coverage
    assert coverage.bad + len(coverage.rests) >= 1
    assert coverage.bytes_read + sum(rest.bytes for rest in coverage.rests) == len(content.encode())


def test_a_broken_object_over_several_lines_gives_no_nested_one(tmp_path: Path) -> None:
    """An item's id would become a session that never was."""
    good = dump({"session_id": "sess_1"}, indent=2)
    broken = '{\n  "session_id": "x",,\n  "items": [\n    {\n      "id": "item"\n    }\n  ]\n}'
    for text in (f"{broken}\n{good}\n", "[\n" + indent(f"{broken},\n{good}", "  ") + "\n]"):
        path = tmp_path / "a.json"
        path.write_text(text)
        ids, ledger = read(path)
        assert ids == ["sess_1"]
        assert ledger.coverage.bad == 1


def test_a_rest_has_an_age_and_ends_the_proof(tmp_path: Path) -> None:
    """A file that is taken for one long line would be certified as whole for ever."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"session_id": "sess_1"}\n{"session_id": "se')
    _, ledger = read(path)
    assert [(rest.bytes, rest.since) for rest in ledger.coverage.rests] == [(18, NOW)]
    assert ledger.coverage.gap(NOW) is None
    later = NOW + REST_MAY_LAST
    for _ in range(2):
        _, ledger = read(path, ledger, now=later)
        assert [rest.since for rest in ledger.coverage.rests] == [NOW]
    assert "a.jsonl (18 bytes)" in (ledger.coverage.gap(later) or "")
    with path.open("a") as file:
        file.write('ss_2"}\n{')
    _, ledger = read(path, ledger, now=later)
    assert [rest.since for rest in ledger.coverage.rests] == [later]


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\n" * 9,
        b"<html>\n<body>Sign in</body>\n</html>\n",
        b'{"users": [{"id": "sess_1"}]}',
        b'{"kennung": "sess_1"}\n' * 3,
        b"\x00" * 3_000_000,
        b"[1, 2, 3]",
    ],
)
def test_a_file_of_which_nothing_can_be_read_is_an_error(content: bytes, tmp_path: Path) -> None:
    """Nothing read, everything certified: the worst of all."""
    (tmp_path / "a.jsonl").write_text('{"session_id": "sess_1"}\n')
    (tmp_path / "b.jsonl").write_bytes(content)
    with pytest.raises(LedgerError, match=r"b\.jsonl .*none of its"):
        next(Ledger(str(tmp_path / "*")).entries())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(
            (name, text)
            for name in ("a.jsonl", "a.csv", "a.jsonl.gz")
            for text in ("", "\n\n", "\ufeff")
        ),
        ("a.parquet", ""),
        ("a.csv", "session_id;mode\n;\n;\n"),
        ("a.json", "[]"),
    ],
)
def test_an_empty_file_is_a_ledger_without_sessions(
    name: str, content: str, tmp_path: Path
) -> None:
    """A ledger that was only just begun would stop the load of everything else."""
    path = tmp_path / name
    path.write_text(content)
    ids, ledger = read(path)
    assert (ids, ledger.coverage.rests) == ([], ())


def test_memory_stays_flat_and_a_line_is_bounded(tmp_path: Path) -> None:
    """One endless line, or one array of all sessions, would be read into memory whole."""
    path = tmp_path / "a.json"
    one = dump({"session_id": "sess_1", "note": "x" * 200})
    for content in (
        f"[{','.join([one] * 60_000)}]",
        one + "\n" + '{"session_id": "' + "x" * 12_000_000 + '"}\n' + one + "\n",
        one + "\n" + "\x00" * 12_000_000 + "\n" + one + "\n",
    ):
        path.write_text(content)
        tracemalloc.start()
        ledger = Ledger(str(path), now=NOW)
        count = sum(entry.broken is None for entry in ledger.entries())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count in (2, 60_000)
        assert peak < 12_000_000
        assert ledger.coverage.bytes_read == len(content)


def test_a_quotation_mark_that_is_never_closed_costs_its_line(tmp_path: Path) -> None:
    """All sessions behind it would be one long text of the first."""
    path = tmp_path / "a.csv"
    path.write_text('session_id,mode\nsess_1,"image\nsess_2,5" mug\nsess_3,"a\nb"\nsess_4,x\n')
    ids, ledger = read(path)
    assert ids == ["sess_2", "sess_3", "sess_4"] or ids == ["sess_1", "sess_3", "sess_4"]
    assert ledger.coverage.bad <= 1
    path.write_text('session_id,mode\nsess_1,"image\nsess_2,a\nsess_3,b\n')
    ids, ledger = read(path)
    assert (ids, ledger.coverage.bad) == (["sess_2", "sess_3"], 1)


def test_a_table_that_was_cut_off_names_its_rest(tmp_path: Path) -> None:
    """Half an id would be a session that never was."""
    path = tmp_path / "a.csv"
    path.write_text("created_at,session_id,mode\n2026-05-01,sess_1,image\n2026-05-02,se")
    ids, ledger = read(path)
    assert ids == ["sess_1"]
    assert [rest.bytes for rest in ledger.coverage.rests] == [13]
    path.write_text("created_at,session_id,mode\n2026-05-01,sess_1,image\n2026-05-02,sess_2,x")
    assert read(path, ledger)[0] == ["sess_1", "sess_2"]
    path.write_text('session_id,mode\nsess_1,image\nsess_2,"ima')
    ids, ledger = read(path)
    assert (ids, ledger.coverage.bad) == (["sess_1"], 0)
    assert [rest.bytes for rest in ledger.coverage.rests] == [11]


def test_a_zipped_file_that_was_cut_off_names_its_rest(tmp_path: Path) -> None:
    """The sessions behind the cut would be missing without a word."""
    lines = "".join(dump({"session_id": f"sess_{i}", "note": str(i**9)}) + "\n" for i in range(999))
    whole, path = gzip.compress(lines.encode()), tmp_path / "a.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])
    first, ledger = read(path)
    assert 0 < len(first) < 999
    assert [rest.file for rest in ledger.coverage.rests] == ["a.jsonl.gz"]
    path.write_bytes(whole)
    second, ledger = read(path, ledger)
    assert (len(first + second), ledger.coverage.rests) == (999, ())


def test_typed_columns_are_what_they_mean(tmp_path: Path) -> None:
    """An id that an export wrote as a float or as bytes would be refused, or be another one."""
    path = tmp_path / "a.parquet"
    moment = datetime(2026, 5, 1, 10, tzinfo=UTC)
    key = uuid.UUID("11111111-2222-3333-4444-555555555555")
    forms = {
        "text": (["sess_1"], pa.large_string()),
        "bytes": ([b"sess_1"], pa.binary()),
        "dictionary": (["sess_1"], pa.dictionary(pa.int32(), pa.string())),
        "uuid": ([key.bytes], pa.binary(16)),
        "float": ([17.0], pa.float64()),
        "decimal": ([Decimal("17.00")], pa.decimal128(9, 2)),
        "unsigned": ([17], pa.uint64()),
    }
    times = [
        ([date(2026, 5, 1)], pa.date32()),
        ([moment], pa.timestamp("ns", tz="Europe/Berlin")),
        ([moment.replace(tzinfo=None)], pa.timestamp("ms")),
        ([2**62], pa.timestamp("us")),
    ]
    expected = {"uuid": str(key), "float": "17", "decimal": "17", "unsigned": "17"}
    for name, (ids, kind) in forms.items():
        columns = {"session_id": pa.array(ids, kind)}
        for number, (values, time) in enumerate(times):
            columns[f"time_{number}"] = pa.array(values, time)
        pq.write_table(pa.table({**columns, "created_at": columns["time_1"]}), path)
        assert read(path)[0] == [expected.get(name, "sess_1")]
        (entry,) = Ledger(str(path)).entries()
        row = entry.parsed_by(PARSER, NOW)
        assert not isinstance(row, Rejected)
        assert row["created_at"] == moment


@pytest.mark.parametrize("name", ["[c]", "100%s", "a%20b", "it's", "a#b?", "ä (1) {x}", "*"])
def test_any_folder_will_do(name: str, tmp_path: Path) -> None:
    """A ledger in a folder of that name would not be there."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / "sessions-1.jsonl").write_text('{"session_id": "sess_1"}\n')
    for setting in (
        folder / "sessions-1.jsonl",
        folder / "*.jsonl",
        folder / "sessions-[12].jsonl",
    ):
        assert read(setting)[0] == ["sess_1"]


def test_a_glob_stays_in_its_folder(tmp_path: Path) -> None:
    """Whoever may put a link beside the ledger would have any file of the machine read."""
    folder = tmp_path / "ledger"
    folder.mkdir()
    (tmp_path / "secret.jsonl").write_text('{"session_id": "secret"}\n')
    (folder / "a.jsonl").write_text('{"session_id": "sess_1"}\n')
    (folder / "inside.jsonl").symlink_to(folder / "a.jsonl")
    (folder / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (folder / "up").symlink_to(tmp_path)
    for pattern in ("*.jsonl", "**/*.jsonl"):
        ids, ledger = read(folder / pattern)
        assert ids == ["sess_1"]
        assert "link.jsonl" in (ledger.coverage.gap(NOW) or "")
    assert read(folder / "link.jsonl")[0] == ["secret"], "a link that the setting names is meant"


@pytest.mark.parametrize("what", ["missing", "folder", "a.xlsx", "https://a.test/x.jsonl"])
def test_what_repeating_does_not_help_has_code_2(what: str, tmp_path: Path) -> None:
    """A scheduler would try a mistyped path again and again."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.xlsx").write_text("x")
    with pytest.raises(LedgerSettingError) as caught:
        read(what if "://" in what else tmp_path / what)
    assert caught.value.exit_code == 2


def test_without_an_ending_the_content_tells_the_form(tmp_path: Path) -> None:
    """A delivery stream names its files without an ending: none of them would be read."""
    (tmp_path / "stream-1").write_text('{"session_id": "sess_1"}{"session_id": "sess_2"}')
    pq.write_table(pa.table({"session_id": ["sess_3"]}), tmp_path / "stream-2")
    assert read(tmp_path / "stream-*")[0] == ["sess_1", "sess_2", "sess_3"]


def test_a_rotation_is_read_from_the_oldest_file_and_each_line_once(tmp_path: Path) -> None:
    """An older line would overwrite a newer one, at the first sync or after the next rotation."""

    def write(name: str, *ids: int) -> None:
        lines = "".join(dump({"session_id": f"sess_{i}"}) + "\n" for i in ids).encode()
        (tmp_path / name).write_bytes(gzip.compress(lines) if name.endswith("gz") else lines)

    for suffix in ("sessions.{}.jsonl", "sessions.jsonl.{}", "sessions.jsonl.{}.gz"):
        for path in tmp_path.iterdir():
            path.unlink()
        for number in (1, 2, 10):
            write(suffix.format(number), 10 - number)
        write("sessions.jsonl", 10)
        ids, ledger = read(tmp_path / "sessions*")
        assert ids == ["sess_0", "sess_8", "sess_9", "sess_10"]
        (tmp_path / suffix.format(1)).rename(tmp_path / suffix.format(3))
        write(suffix.format(1), 10)
        write("sessions.jsonl", 11)
        assert read(tmp_path / "sessions*", ledger)[0] == ["sess_11"]
