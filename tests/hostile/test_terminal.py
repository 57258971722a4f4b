"""What data may do to a terminal: nothing."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from rich.table import Table

from pipelines.cli import job, terminal
from pipelines.text import printable_lines

EVIL = "a\x1b[31mb\x9b31mc\u202ed\u2066e\u200bf\x07g\x00h\ufeffi\x7fj\u2028k\x1b]0;title\x07l"
PLAIN = "a[31mb31mcdefghij k]0;titlel"


def steering(text: str) -> set[str]:
    """Return what in a text is no letter, and not a line break."""
    return {mark for mark in text if unicodedata.category(mark) in ("Cc", "Cf", "Zl")} - {"\n"}


def test_no_text_of_the_data_steers_a_console(capsys: pytest.CaptureFixture[str]) -> None:
    """A status of the API could erase the line that says that the sync failed."""
    table = Table("status", EVIL)
    table.add_row(EVIL, f"x\n{EVIL}")
    terminal.show(EVIL, table)
    terminal.note(EVIL)
    terminal.paragraph("Error:", EVIL)
    terminal.errors().print(EVIL, markup=False)
    out, err = capsys.readouterr()
    assert not steering(out + err)
    assert err.count(PLAIN) == 3


def test_what_a_machine_reads_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """An id would be another one in the JSON than in the table."""
    document = {"status": EVIL, "name": "Jürgen \U0001f600 \u00a0"}
    terminal.print_json(document)
    out = capsys.readouterr().out
    assert not steering(out)
    assert json.loads(out) == document
    assert "Jürgen \U0001f600" in out


def test_colours_of_our_own_stay() -> None:
    """The console would be without its bold and its bars."""
    file = io.StringIO()
    kind = type(terminal.errors())
    console = kind(file=file, force_terminal=True, color_system="standard", highlight=False)
    console.print("[bold]good[/]", EVIL)
    text = file.getvalue()
    assert text.startswith("\x1b[1mgood\x1b[0m")
    assert PLAIN in text


def test_nothing_that_hides_reaches_a_terminal_by_any_way() -> None:
    """What prints past the console, as DuckDB's tables do, would be shown as it is."""
    script = "from pipelines.cli import redaction; redaction.install(); print(input())"
    main, other = pty.openpty()
    command = [sys.executable, "-c", script]
    text = "a\x9b31mb\u202ec\u200bd\u00e4\u2502"
    subprocess.run(command, input=text.encode(), stdout=other, check=True, env=os.environ)
    os.close(other)
    assert os.read(main, 1_000).decode().strip() == "a31mbcd\u00e4\u2502"
    os.close(main)


def test_line_breaks_stay() -> None:
    """A table would be one line."""
    assert printable_lines(f"{EVIL}\n\n{EVIL}") == f"{PLAIN}\n\n{PLAIN}"


def test_a_host_that_stands_for_other_letters_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key goes to a host that only looks like the API's, in a form that nobody reads."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCES__PRINTORA__API_KEY", "sk_live_x")
    monkeypatch.setenv("SOURCES__PRINTORA__PARTNER_ID", "p1")
    for url, shown in (("https://xn--pi-7kc.printora.ai", True), ("https://api.test", False)):
        monkeypatch.setenv("SOURCES__PRINTORA__BASE_URL", url)
        job._settings()
        assert ("The key goes to xn--pi-7kc.printora.ai" in capsys.readouterr().err) is shown
