"""Writes docs/conformance.md from tests/conformance.toml and the tests' own words.

``make conformance`` runs it; ``tests/test_conformance.py`` holds the page to the tests.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/conformance.md"
TABLE = ROOT / "tests/conformance.toml"

_HEAD = """# Conformance

What the test suites of others ask of a connector, and which test here asks the same; then what no
such suite asks. Written by `make conformance` from `tests/conformance.toml` and the tests, each of
which says what would be broken without it.
"""
_OWN = {
    "name": "What none of them asks",
    "about": "They run a connector against an API that behaves, and read what it says of itself.",
}
_HOSTILE = """
`tests/hostile` runs this one against servers, files and settings that do not behave. Each whole run
ends with a code of [operating.md](operating.md), and an honest server is read completely after it.
"""


def page() -> str:
    """Return the page as the table and the tests have it.

    Raises:
        KeyError: the table names a test that is not there.
    """
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    suites = [*table["suite"], {**_OWN, "line": table["own"]}]
    files = sorted((ROOT / "tests/hostile").glob("test_*.py"))
    parts = [_HEAD.rstrip("\n"), *map(_suite, suites), _HOSTILE.rstrip("\n"), *map(_file, files)]
    return "\n".join(parts)


def broken_by(path: Path) -> dict[str, str]:
    """Return what would be broken without each test of a file, by its name."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    tests = (part for part in module.body if isinstance(part, ast.FunctionDef))
    return {
        test.name: _sentence(ast.get_docstring(test))
        for test in tests
        if test.name.startswith("test_")
    }


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split()).removeprefix("Broken: ").replace("|", "\\|")


def _suite(suite: dict[str, Any]) -> str:
    rows = [f"| {line['asks']} | {_answer(line)} |" for line in suite["line"]]
    head = ["| what is asked | by which test here |", "| --- | --- |"]
    return "\n".join([f"\n## {suite['name']}\n", suite["about"], "", *head, *rows])


def _answer(line: dict[str, Any]) -> str:
    return "<br>".join(map(_named, line["tests"])) if "tests" in line else line["none"]


def _named(test: str) -> str:
    file, _, name = test.partition("::")
    broken_by(ROOT / file)[name]  # it is there
    return f"[`{name}`](../{file})"


def _file(path: Path) -> str:
    module = ast.parse(path.read_text(encoding="utf-8"))
    title, _, more = _sentence(ast.get_docstring(module)).partition(". ")
    about = [more, ""] if more else []
    return "\n".join([f"\n### {title.rstrip('.')}\n", *about, *_rows(path)])


def _rows(path: Path) -> Iterator[str]:
    yield "| test | without it |"
    yield "| --- | --- |"
    for name, broken in broken_by(path).items():
        yield f"| [`{name}`](../{path.relative_to(ROOT)}) | {broken} |"


if __name__ == "__main__":
    PAGE.write_text(f"{page()}\n", encoding="utf-8")
