"""One SQL for every engine: the models are written in DuckDB's, and compiled for another.

sqlglot does most of it. Where what it makes fails elsewhere or, worse, says something else, a rule
here takes the construct's place. Every construct that the models use, and every rule, is proven by
running it on both engines: ``tests/readers/constructs.txt`` lists them, and a model that uses
another one is refused there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Literal

from pipelines.errors import ModelError
from pipelines.warehouse.project import LAYERS, RAW_SCHEMA

if TYPE_CHECKING:
    from sqlglot import exp

Dialect = Literal["duckdb", "postgres", "spark"]
Rule = Callable[["exp.Expr"], "exp.Expr | None"]

#: What a unit of date_diff lasts, in microseconds. Days and longer ones are a calendar's affair.
_UNITS = {"MICROSECOND": 1, "MILLISECOND": 1_000, "SECOND": 1_000_000, "MINUTE": 60_000_000}
#: Models read lists in JSON by place, up to this many.
_PLACES = 100


@cache
def compiled(sql: str, dialect: Dialect, place: str = "", *, suffix: str = "") -> str:
    """Return one select, written for DuckDB, for another engine. ``place`` is for errors.

    ``suffix`` is put behind the schemas of models: a build makes its tables beside the last one's.
    On Spark tables have the names of :func:`view_name`.

    Raises:
        ModelError: it uses what no rule can say in the other engine's SQL.
    """
    if dialect == "duckdb":
        return sql
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, dialect="duckdb")
    for table in tree.find_all(exp.Table):
        if dialect == "spark" and table.db in (RAW_SCHEMA, *LAYERS):
            _name_view(table)
        elif table.db in LAYERS:
            table.set("db", exp.to_identifier(table.db + suffix))
    # From the inside out: a rule that replaces a node must find those below it replaced already.
    for node in reversed(list(tree.walk())):
        for rule in RULES[dialect]:
            replacement = _applied(rule, node, place)
            if replacement is not None:
                node.replace(replacement)
                break
    # Quoted, no name of ours is a word of the engine's.
    return tree.sql(dialect=dialect, pretty=True, identify=dialect == "spark")


def view_name(qualified: str) -> str:
    """Return the session's view that stands for a table on Spark: no catalog has to know it."""
    return qualified.replace(".", "__")


def _name_view(table: exp.Table) -> None:
    from sqlglot import exp

    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
    table.set("this", exp.to_identifier(view_name(f"{table.db}.{table.name}")))
    table.set("db", None)


def _applied(rule: Rule, node: exp.Expr, place: str) -> exp.Expr | None:
    try:
        return rule(node)
    except ModelError as error:
        raise ModelError(f"{place}: {error.message}", hint=error.hint) from None


def _date_diff(node: exp.Expr) -> exp.Expr | None:
    """Subtract times as they are.

    sqlglot casts them to times without a zone first, which is the session's zone: across a change
    of its clocks the difference would be an hour off.
    """
    from sqlglot import exp

    if not isinstance(node, exp.DateDiff):
        return None
    length = _length(node)
    micros = "cast(extract(epoch from {0}) * 1000000 as bigint)"
    if length == 1:
        return _sql(micros.format("(:later - :earlier)"), later=node.this, earlier=node.expression)
    # DuckDB counts the boundaries between the two, not whole units.
    text = " - ".join(f"floor({micros.format(of)} / {length}.0)" for of in (":later", ":earlier"))
    return _sql(f"cast({text} as bigint)", later=node.this, earlier=node.expression)


def _length(node: exp.DateDiff) -> int:
    """Return how long the unit of a date_diff is, in microseconds."""
    unit = str(node.args["unit"]).upper()
    if unit not in _UNITS:
        raise ModelError(
            f"date_diff('{unit.lower()}', …) depends on a calendar that engines do not share.",
            hint=f"Take one of {', '.join(_UNITS).lower()}, or subtract dates.",
        )
    return _UNITS[unit]


def _to_microseconds(node: exp.Expr) -> exp.Expr | None:
    from sqlglot import exp

    if not isinstance(node, exp.Anonymous) or node.name.lower() != "to_microseconds":
        return None
    return _sql("(:number * interval '1 microsecond')", number=node.expressions[0])


def _json(node: exp.Expr) -> exp.Expr | None:
    """Read jsonb, which is what dlt makes of JSON; sqlglot's functions read json only."""
    from sqlglot import exp

    if isinstance(node, exp.Anonymous) and node.name.lower() == "json_array_length":
        length = (  # and no error where it is no list
            "case when jsonb_typeof(cast(:it as jsonb)) = 'array' "
            "then jsonb_array_length(cast(:it as jsonb)) when not :it is null then 0 end"
        )
        return _sql(length, it=node.expressions[0])
    if not isinstance(node, (exp.JSONExtract, exp.JSONExtractScalar)):
        return None
    operator = "#>>" if isinstance(node, exp.JSONExtractScalar) else "#>"
    if isinstance(node.expression, exp.JSONPath):
        keys = [str(part.this) for part in node.expression.find_all(exp.JSONPathKey)]
        text = exp.Literal.string("{" + ",".join(f'"{key}"' for key in keys) + "}")
        return _sql(f"(cast(:document as jsonb) {operator} :path)", document=node.this, path=text)
    found = "jsonb_path_query_first(cast(:document as jsonb), cast(:path as jsonpath))"
    return _sql(found, document=node.this, path=node.expression)


def _spark_date_diff(node: exp.Expr) -> exp.Expr | None:
    """Subtract microseconds: Spark knows no difference in a unit so small."""
    from sqlglot import exp

    if not isinstance(node, exp.DateDiff):
        return None
    length = _length(node)
    text = " - ".join(
        of if length == 1 else f"cast(floor({of} / cast({length} as double)) as bigint)"
        for of in ("unix_micros(:later)", "unix_micros(:earlier)")
    )
    return _sql(f"({text})", "spark", later=node.this, earlier=node.expression)


def _spark_percentile(node: exp.Expr) -> exp.Expr | None:
    """Take the exact percentile: sqlglot's approximate one gives other figures."""
    from sqlglot import exp

    if not isinstance(node, exp.WithinGroup) or not isinstance(node.this, exp.PercentileCont):
        return None
    (ordered,) = node.expression.expressions
    return _sql("percentile(:value, :share)", "spark", value=ordered.this, share=node.this.this)


def _spark_local_time(node: exp.Expr) -> exp.Expr | None:
    """Take a local time to UTC: sqlglot's function goes the other way."""
    from sqlglot import exp

    if not isinstance(node, exp.AtTimeZone):
        return None
    is_local = isinstance(node.this, exp.Cast) and node.this.is_type("timestamp", "timestampntz")
    function = "to_utc_timestamp" if is_local else "from_utc_timestamp"
    return exp.Anonymous(this=function, expressions=[node.this.copy(), node.args["zone"].copy()])


def _spark_json(node: exp.Expr) -> exp.Expr | None:
    """Count a list's elements, and read one by a computed place, as Sail and Spark both do.

    Sail finds an element of an object, too, and none by a path that is no constant.
    """
    from sqlglot import exp

    if isinstance(node, exp.Anonymous) and node.name.lower() == "json_array_length":
        length = (
            "case when substring(:it, 1, 1) = '[' then json_array_length(:it)"
            " when not :it is null then 0 end"
        )
        return _sql(length, "spark", it=node.expressions[0])
    if not isinstance(node, exp.JSONExtract) or isinstance(node.expression, exp.JSONPath):
        return None
    paths = [f"'$[{place}]'" for place in range(_PLACES)]
    cases = " ".join(f"when {path} then get_json_object(:it, {path})" for path in paths)
    return _sql(f"case :path {cases} end", "spark", it=node.this, path=node.expression)


def _spark_weekday(node: exp.Expr) -> exp.Expr | None:
    """Count from Monday, 1, to Sunday, 7: Spark has no ``isodow``, and Sail knows no weekday 6."""
    from sqlglot import exp

    if not isinstance(node, exp.Extract) or node.name.lower() != "isodow":
        return None
    return _sql("((dayofweek(:day) + 5) % 7 + 1)", "spark", day=node.expression)


def _spark_division(node: exp.Expr) -> exp.Expr | None:
    """Make nothing of a division by zero, as on PostgreSQL.

    Sail computes a column also for rows that a filter leaves out, such as one for zeros.
    """
    from sqlglot import exp

    if not isinstance(node, (exp.Div, exp.IntDiv, exp.Mod)) or not node.expression.find(exp.Column):
        return None
    divided = node.copy()
    by = exp.Nullif(this=node.expression.copy(), expression=exp.Literal.number(0))
    divided.set("expression", by)
    return divided


def _spark_document(node: exp.Expr) -> exp.Expr | None:
    """Take JSON for text, which it is there; sqlglot's function would make a JSON text of it."""
    from sqlglot import exp

    is_document = isinstance(node, exp.Cast) and node.is_type("json")
    return exp.cast(node.this.copy(), "text") if is_document else None


def _spark_fraction(node: exp.Expr) -> exp.Expr | None:
    """Make a number with a point a float, as all figures are: decimals divide to few digits."""
    from sqlglot import exp

    is_fraction = isinstance(node, exp.Literal) and not node.is_string and "." in node.name
    return exp.cast(node.copy(), "double") if is_fraction else None


def _sql(template: str, dialect: Dialect = "postgres", **parts: exp.Expr) -> exp.Expr:
    """Return an engine's text as a tree, with other trees in the places that begin with ``:``."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(template, dialect=dialect)
    for hole in list(tree.find_all(exp.Placeholder)):
        part = parts[hole.name].copy()
        hole.replace(exp.Paren(this=part) if isinstance(part, exp.Binary) else part)
    return tree


RULES: dict[Dialect, tuple[Rule, ...]] = {
    "postgres": (_date_diff, _to_microseconds, _json),
    "spark": (
        _spark_date_diff,
        _to_microseconds,
        _spark_percentile,
        _spark_local_time,
        _spark_json,
        _spark_weekday,
        _spark_division,
        _spark_document,
        _spark_fraction,
    ),
}
