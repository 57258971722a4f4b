"""What docs/sync.md says of verdicts is what the engine does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from cli_support import REPOSITORY

from pipelines.source.shapes import SHAPES
from pipelines.sync.verdict import TRANSITIONS
from pipelines.words import EVIDENCE

DOCUMENT = (REPOSITORY / "docs/sync.md").read_text(encoding="utf-8")
_SAYING = {"NeedsScan", "Inconclusive", "unproven", "_give_up", "Stopped"}
_ASKING = {"PageRequest", "refetch", "look_around", "full_scan"}
_SPEAKERS = (
    *("verdict", "catch_up", "by_time", "by_counts", "counts", "whole", "young_end", "scanning"),
    *("deletions", "scan", "plan", "listrun", "runner", "certifying", "stopping"),
)


def test_the_standings_are_drawn_from_their_table() -> None:
    """Broken: the document tells of transitions that a list does not make."""
    columns = list(next(iter(TRANSITIONS.values())))
    rows = [["standing", *columns], ["---"] * (len(columns) + 1)]
    rows += [[f"`{s}`", *(f"`{to[c]}`" for c in columns)] for s, to in TRANSITIONS.items()]
    drawn = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    block = _block(DOCUMENT, "verdict.TRANSITIONS")
    assert block == drawn, f"write this into docs/sync.md:\n{drawn}"


def test_the_ledgers_names_are_drawn_from_their_table() -> None:
    """Broken: a ledger is refused that has a session's id under a name that is taken."""
    shape = SHAPES["sessions"]
    rows = [["column", "names"], ["---", "---"]]
    rows += [[f"`{c}`", ", ".join(f"`{n}`" for n in names)] for c, names in shape.names.items()]
    rows += [["`customer_pseudonym`", ", ".join(f"`{name}`" for name in shape.email)]]
    drawn = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    assert _block(DOCUMENT, 'shapes.SHAPES["sessions"]') == drawn, f"write this:\n{drawn}"


def test_the_two_names_of_a_proof_are_drawn_from_their_table() -> None:
    """Broken: who reads "same counts" in a table finds no such evidence in the database."""
    glossary = (REPOSITORY / "docs/glossary.md").read_text(encoding="utf-8")
    table = _block(glossary, "words.EVIDENCE")
    assert dict(re.findall(r"^\| `(.+?)` \| (.+?) \| \S", table, re.MULTILINE)) == {
        **EVIDENCE,
        "not proven": "not proven",
    }


def _block(text: str, name: str) -> str:
    return text.partition(f"<!-- {name} -->\n")[2].partition("\n<!-- end -->")[0]


def _pieces(node: ast.AST) -> list[str]:
    """Return the fixed parts of a text in the code."""
    if isinstance(node, ast.JoinedStr):
        return [piece for value in node.values for piece in _pieces(value)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _reasons(module: str) -> Iterator[str]:
    """Yield the longest fixed part of each reason that a module gives."""
    source = (REPOSITORY / f"pipelines/sync/{module}.py").read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        said: list[ast.expr] = []
        if isinstance(node, ast.Return) and node.value is not None:
            said = [node.value]
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            said = node.args if name in _SAYING else []
        elif isinstance(node, ast.Assign):
            is_constant = isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
            said = [node.value] if is_constant else []
        longest = max((p.strip() for each in said for p in _pieces(each)), key=len, default="")
        if " " in longest:
            yield longest


@pytest.mark.parametrize("module", _SPEAKERS)
def test_every_reason_is_in_the_document(module: str) -> None:
    """Broken: whoever is paged looks a reason up and does not find it."""
    assert [reason for reason in _reasons(module) if reason.rstrip(".;") not in DOCUMENT] == []


def _purposes() -> Iterator[str]:
    """Yield what requests are counted under."""
    yield from ("walk", "early")  # a full scan's, unless it says otherwise, and what none came for
    for path in (REPOSITORY / "pipelines/sync").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in _ASKING:
                named = [word.value for word in node.keywords if word.arg == "purpose"]
                yield from (piece for each in [*node.args, *named] for piece in _pieces(each))


def test_every_purpose_is_in_the_document() -> None:
    """Broken: a certificate divides its requests by words that nothing explains."""
    table = DOCUMENT.partition("| purpose |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(.+?)`", table, re.MULTILINE)) == set(_purposes())
