"""What a select reads and what its columns are called, found in the SQL itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pipelines.errors import ModelError

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True)
class Reference:
    """A table that a select names. ``schema`` is empty when the SQL gives none."""

    schema: str
    name: str
    line: int | None

    @property
    def qualified(self) -> str:
        """``schema.name``, as the project calls it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True)
class Select:
    """The tables that a select reads, sorted, without its own CTEs, and its columns' names.

    A column is called ``*`` or nothing where only the database can tell what it is called,
    and there are none where only it can tell which there are.
    """

    reads: tuple[Reference, ...]
    columns: tuple[str, ...]


@cache
def parsed(sql: str, place: str) -> Select:
    """Return what the text of one select says.

    Raises:
        ModelError: it cannot be parsed, or is not one select.
    """
    query = _parse_one_query(sql, place)
    # A union by name has columns of both sides.
    selects = () if query.args.get("by_name") else query.selects
    return Select(_references(query), tuple(map(_called, selects)))


def _called(column: exp.Expr) -> str:
    """Return a column's name; sqlglot's own guess at one without an alias is not DuckDB's name."""
    from sqlglot import exp

    is_several = isinstance(column.this, exp.Columns | exp.Explode | exp.Unnest)
    is_named = isinstance(column, exp.Alias | exp.Column) and not is_several
    return column.output_name if is_named else ""


def _references(query: exp.Query) -> tuple[Reference, ...]:
    from sqlglot import exp

    ctes = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    found: dict[str, Reference] = {}
    for table in query.find_all(exp.Table):
        # Table functions (range, generate_series) are exp.Table too, around something else.
        if not isinstance(table.this, exp.Identifier):
            continue
        reference = Reference(table.db.lower(), table.name.lower(), table.this.meta.get("line"))
        if reference.schema or reference.name not in ctes:
            found.setdefault(reference.qualified, reference)
    return tuple(found[name] for name in sorted(found))


def _parse_one_query(sql: str, place: str) -> exp.Query:
    import sqlglot
    from sqlglot import exp

    try:
        statements = [statement for statement in sqlglot.parse(sql, dialect="duckdb") if statement]
    except sqlglot.errors.SqlglotError as error:
        detail = (getattr(error, "errors", None) or [{}])[0]
        line = f":{detail['line']}" if detail.get("line") else ""
        text = detail.get("description") or str(error)
        raise ModelError(f"{place}{line}: it is not SQL that can be parsed: {text}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ModelError(
            f"{place}: it holds {len(statements)} statements, not one select."
            if len(statements) != 1
            else f"{place}: it is not a select.",
            hint="One file is one select; its result becomes the table.",
        )
    return statements[0]
