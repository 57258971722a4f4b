"""docs/conformance.md says what the tests do, and every test that it names is there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs/refresh_conformance.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date() -> None:
    """A test is renamed or taken away, and the page goes on to promise it: `make conformance`."""
    tool = _tool()
    assert tool.PAGE.read_text(encoding="utf-8") == f"{tool.page()}\n"


def test_every_hostile_test_says_what_would_be_broken() -> None:
    """The page has a line that tells nothing."""
    for path in (ROOT / "tests/hostile").glob("test_*.py"):
        assert all(_tool().broken_by(path).values()), path


def test_a_line_that_names_no_test_is_an_error() -> None:
    """A line looks answered, and nothing answers it."""
    tool = _tool()
    with pytest.raises(KeyError):
        tool._named("tests/test_conformance.py::test_that_is_not_there")
    lines = [line for suite in _suites(tool) for line in suite["line"]]
    assert all(bool(line.get("tests")) != bool(line.get("none")) for line in lines)


def test_the_exit_codes_of_hostile_runs_are_in_the_table() -> None:
    """A run ends with a code that a scheduler's table does not have."""
    table = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    codes = set(map(int, re.findall(r"^\| (\d+) \|", table, re.MULTILINE)))
    assert codes == {0, 1, 2, 3, 130}


def _suites(tool: Any) -> list[dict[str, Any]]:
    suites: list[dict[str, Any]] = tool.tomllib.loads(tool.TABLE.read_text(encoding="utf-8"))[
        "suite"
    ]
    return suites
