"""The metrics: what each is called, what it means and how it is computed, from one file.

In: ``sql/metrics.yaml`` and the models whose columns its formulas name.
Out: one `Metric` a figure, which gives its SQL. Nobody else writes a formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from pipelines.warehouse.project import SQL_DIR, Project

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.warehouse.header import Header

#: The file that ships with the models.
METRICS = SQL_DIR / "metrics.yaml"

Unit = Literal["count", "share", "hours", "money"]


@dataclass(frozen=True)
class Metric:
    """One figure, as ``sql/metrics.yaml`` defines it.

    ``value`` is an aggregate over the rows of ``model`` for which ``where`` holds. A share, in
    0..1, is ``numerator`` by ``denominator``. ``time`` is a column of dates, or None.
    """

    name: str
    label: str
    meaning: str
    is_not: str
    model: str
    where: str | None
    formula: str | None
    numerator: str | None
    denominator: str | None
    variance: str | None
    low: str | None
    high: str | None
    unit: Unit
    grain: str
    time: str | None
    periods: tuple[str, ...]
    by: str | None

    @property
    def value(self) -> str:
        """The aggregate, to select from ``model``; null where there is nothing to divide by."""
        if self.formula:
            return self.formula
        return f"1.0 * ({self.numerator}) / nullif({self.denominator}, 0)"

    @property
    def parts(self) -> dict[str, str]:
        """The value, and what tells how far chance can move it: name to aggregate."""
        names = ("numerator", "denominator", "variance", "low", "high")
        return {"value": self.value} | {n: getattr(self, n) for n in names if getattr(self, n)}

    @property
    def standalone(self) -> str:
        """The aggregate with ``where`` inside of it, in standard SQL; of one period, if any."""
        return _conditional(self.value, self.where or "", self.model.partition(".")[2])

    @property
    def text(self) -> str:
        """What it is and what it is not, for a comment or a page."""
        return f"{self.meaning} Not: {self.is_not[0].lower()}{self.is_not[1:]} For {self.grain}."

    def query(self, condition: str | None = None) -> str:
        """Return a select of the parts, one row a value of ``by``; ``condition`` is one more."""
        columns = [f"{sql} as {name}" for name, sql in self.parts.items()]
        conditions = " and ".join(f"({part})" for part in (self.where, condition) if part)
        return " ".join(
            [
                f"select {', '.join([*([self.by] if self.by else []), *columns])}",
                f"from {self.model}",
                *([f"where {conditions}"] if conditions else []),
                *([f"group by {self.by} order by {self.by}"] if self.by else []),
            ]
        )


def load_metrics(project: Project | None = None, path: Path = METRICS) -> tuple[Metric, ...]:
    """Read every metric; with a project, see that its marts have what the formulas name.

    Raises:
        ModelError: a field is missing or unknown, or a formula names what its mart does not have.
    """
    from pipelines.warehouse.header import Header, read_fields

    place = path.relative_to(path.parents[1]).as_posix()
    fields = read_fields(path.read_text(encoding="utf-8"), place)
    headers = ((name, Header(f"{place}: {name}", each or {})) for name, each in fields.items())
    return tuple(_metric(name, header, project) for name, header in headers)


def _metric(name: str, header: Header, project: Project | None) -> Metric:
    metric = Metric(
        name=name,
        label=header.text("label"),
        meaning=header.text("meaning"),
        is_not=header.text("is_not"),
        model=header.text("model"),
        where=header.maybe("where"),
        formula=header.maybe("formula"),
        numerator=header.maybe("numerator"),
        denominator=header.maybe("denominator"),
        variance=header.maybe("variance"),
        low=header.maybe("low"),
        high=header.maybe("high"),
        grain=header.text("grain"),
        time=header.maybe("time"),
        by=header.maybe("by"),
        periods=header.names("periods"),
        unit=header.choice("unit", get_args(Unit)),
    )
    header.finish()
    if (metric.formula is None) == (metric.numerator is None or metric.denominator is None):
        header.refuse("it has no formula", "Give formula, or numerator and denominator.")
    if project is not None:
        _refuse_unknown(metric, header, project)
    return metric


def _refuse_unknown(metric: Metric, header: Header, project: Project) -> None:
    """Refuse a model or a column that is not there; this reads SQL, which takes a moment."""
    model = next((model for model in project.models if model.qualified == metric.model), None)
    if model is None:
        header.refuse(f"{metric.model} is no model", "Name it as schema.table.")
    known = {column.name for column in model.columns}
    for column in sorted(_columns(metric) - known):
        header.refuse(f"{metric.model} has no column {column}", "Correct its spelling.")


def _columns(metric: Metric) -> set[str]:
    from sqlglot import exp, parse_one

    texts = [*metric.parts.values(), *metric.periods, metric.where, metric.time, metric.by]
    trees = (parse_one(text, dialect="duckdb") for text in texts if text)
    return {column.name for tree in trees for column in tree.find_all(exp.Column)}


def _conditional(formula: str, where: str, table: str) -> str:
    """Let each aggregate take only the rows for which ``where`` holds, and name their table."""
    from sqlglot import exp, parse_one

    tree = parse_one(formula, dialect="duckdb")
    for aggregate in list(tree.find_all(exp.AggFunc)) if where else ():
        taken = exp.Literal.number(1) if isinstance(aggregate.this, exp.Star) else aggregate.this
        aggregate.set("this", exp.case().when(parse_one(where, dialect="duckdb"), taken.copy()))
    for column in tree.find_all(exp.Column):
        column.set("table", exp.to_identifier(table))
    return tree.sql()
