"""The list of constructs that models may use, and what of a select is one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp

from pipelines.warehouse.dialect import compiled

PATH = Path(__file__).with_name("constructs.txt")
#: What Spark is given for each of them, in the same order; `tests/lake` runs it.
SPARK = PATH.with_name("constructs_spark.txt")
_ARROW = "\n=>\n"
#: Beside functions: what engines do not all say in the same way.
_KINDS = (
    exp.AtTimeZone,
    exp.Div,
    exp.Except,
    exp.Filter,
    exp.IntDiv,
    exp.Intersect,
    exp.Interval,
    exp.JSONExtract,
    exp.Lateral,
    exp.Mod,
    exp.Qualify,
    exp.Star,
    exp.Union,
    exp.Unnest,
    exp.Values,
    exp.Window,
    exp.WithinGroup,
)


@dataclass(frozen=True)
class Construct:
    """A select in DuckDB's SQL, and the text that PostgreSQL is given for it."""

    sql: str
    golden: str


def read() -> list[Construct]:
    """Read the list; with REFRESH set, write down what the installed sqlglot makes of it."""
    head, *blocks = PATH.read_text(encoding="utf-8").strip().split("\n\n")
    found = [Construct(sql, golden) for sql, _, golden in (b.partition(_ARROW) for b in blocks)]
    if os.environ.get("REFRESH"):
        found = [Construct(part.sql, compiled(part.sql, "postgres")) for part in found]
        texts = [f"{part.sql}{_ARROW}{part.golden}" for part in found]
        PATH.write_text("\n\n".join([head, *texts]) + "\n", encoding="utf-8")
        SPARK.write_text(for_spark(found), encoding="utf-8")
    return found


def for_spark(found: list[Construct]) -> str:
    """Return the text that Spark is given for all of them."""
    return "\n\n".join(compiled(part.sql, "spark") for part in found) + "\n"


def of(sql: str) -> set[str]:
    """Return the names of the constructs in a select, such as ``DateDiff MINUTE``."""
    nodes = sqlglot.parse_one(sql, dialect="duckdb").walk()
    return {
        _name(node)
        for node in nodes
        if isinstance(node, (exp.Func, *_KINDS)) and not isinstance(node, exp.Connector)
    }


def _name(node: exp.Expr) -> str:
    name = type(node).__name__
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    if isinstance(node, exp.Cast):
        return f"{name} {node.to.this.name}"
    if isinstance(node, exp.Extract):
        return f"{name} {node.this}".upper()
    unit = node.args.get("unit")
    return f"{name} {unit}".upper() if unit else name
