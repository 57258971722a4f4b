"""The tables say what the numbers are, and fit where they are read."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from cli_support import REPOSITORY
from rich.console import Console

from pipelines.cli import answers, tables
from pipelines.sync.certificate import ResourceCertificate
from pipelines.sync.verdict import ClockReading, Evidence, Proof, Verified
from pipelines.words import NONE, counted, duration

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _printed(renderable: object, width: int = 80) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get().splitlines()


def prove(certificate: ResourceCertificate) -> None:
    """Certify that all of no rows are there."""
    clock = ClockReading(AT, AT)
    evidence = Evidence(Proof.COUNTS, certificate.resource, AT, AT, clock, total=0, stored=0)
    certificate.proven(Verified(evidence))


def _latency(stage: str, **changes: object) -> answers.Latency:
    values = {
        "orders": 18_500,
        "ended": 17_000,
        "cancelled": 1_250,
        "open": 1_250,
        "p50_hours": 100.0,
        "p90_hours": 210.0,
        "p95_hours": None,
        "naive_p50_hours": 97.0,
    }
    return answers.Latency(stage, **{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_of_a_table_is_broken(width: int) -> None:
    """Broken: at the width of a log, a number stands on two lines and cannot be read."""
    certificate = ResourceCertificate("webhook_logs", AT, AT, rows_stored=1_000_000)
    prove(certificate)
    steps = [answers.Step("delivered", 123_456, 0.341, 0.33, 0.35, 0.99)] * 2
    shown = [
        (tables.latency_table([_latency("shipped_to_delivered")]), "shipped → delivered"),
        (tables.funnel_table(answers.Funnel(steps, 3, 0)), "delivered"),
        (tables.certificate_table([certificate]), "webhook_logs"),
    ]
    for table, first in shown:
        lines = _printed(table, width)
        body = lines[next(i for i, line in enumerate(lines) if "───" in line) + 1 :]
        assert all(line.strip().startswith(first) for line in body if line.strip())
        assert max(map(len, lines)) <= width


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (None, NONE),
        (0.0, "0 s"),
        (41 / 3600, "41 s"),
        (0.2, "12 min"),
        (1.5, "90 min"),
        (5.2, "5.2 h"),
        (34.0, "34 h"),
        (81.6, "3.4 d"),
        (24.0 * 12, "12 d"),
    ],
)
def test_a_duration_is_told_in_the_unit_that_reads_best(hours: float | None, text: str) -> None:
    """Broken: a median of 41 seconds is shown as 0.0 h."""
    assert duration(hours) == text


def test_one_unproven_resource_makes_the_whole_unproven() -> None:
    """Broken: orders are complete, logs are not, and the line says complete."""
    orders, logs = (ResourceCertificate(name, AT, AT) for name in ("orders", "webhook_logs"))
    prove(orders)
    logs.unproven("the budget of 5 requests is spent")
    line = tables.completeness_line([orders, logs]).plain
    assert line.startswith("Not proven complete")
    assert "webhook_logs: the budget of 5 requests is spent" in line


def test_a_warehouse_without_certificate_is_not_called_complete() -> None:
    """Broken: no certificate at all counts as nothing wrong."""
    assert tables.completeness_line([]).plain.startswith("Not complete")


def _miscounted(path: Path, nouns: set[str]) -> Iterator[str]:
    """Yield the texts of a file that put a number before a noun by themselves."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.JoinedStr):
            continue
        for before, (value, text) in zip([None, *node.values], pairwise(node.values), strict=False):
            if not isinstance(value, ast.FormattedValue) or not isinstance(text, ast.Constant):
                continue
            word = re.match(r" ([a-z]+)s\b", str(text.value))
            is_constant = ast.unparse(value.value).rpartition(".")[2].isupper()
            of = isinstance(before, ast.Constant) and str(before.value).endswith(" of ")
            if word and word[1] in nouns and not of and not is_constant:
                yield f"{path.name}:{node.lineno} {ast.unparse(node)}"


def test_nothing_is_counted_by_hand() -> None:
    """Broken: "1 files" is told, in this sentence or in the next."""
    assert counted(1, "row") == "1 row"
    assert counted(2_000, "row") == "2,000 rows"
    assert counted(0, "delivery", "deliveries") == "0 deliveries"
    paths = [p for part in ("pipelines", "assets") for p in (REPOSITORY / part).rglob("*.py")]
    used = {
        noun
        for path in paths
        for noun in re.findall(r"counted\(.*?, [\"']([a-z]+)[\"']\)", path.read_text())
    }
    assert {"row", "file", "request"} <= used
    told = [path for path in paths if "sandbox" not in path.parts]
    assert [text for path in told for text in _miscounted(path, used)] == []
