"""Models are written once: what they use says the same on every engine that is claimed."""

from __future__ import annotations

import constructs
import duckdb
import pytest

from pipelines.errors import ModelError
from pipelines.warehouse import load_project
from pipelines.warehouse.compare import differing, plain
from pipelines.warehouse.dialect import compiled
from pipelines.warehouse.postgres import connect

PROVEN = constructs.read()


@pytest.mark.xdist_group("postgres")
def test_each_construct_says_the_same_on_postgresql(server: str) -> None:
    """Broken: a mart has other figures on another engine, and nothing failed."""
    here, there = duckdb.connect(), connect(server)
    here.execute("set TimeZone = 'UTC'")
    with there, there.cursor() as cursor:
        for construct in PROVEN:
            # A difference of times must not depend on the session's zone either.
            zone = "Europe/Berlin" if "date_diff" in construct.sql else "UTC"
            cursor.execute(f"set timezone = '{zone}'; {compiled(construct.sql, 'postgres')}")
            one = sorted(map(plain, here.execute(construct.sql).fetchall()), key=repr)
            other = sorted(map(plain, cursor.fetchall()), key=repr)
            assert len(one) == len(other), construct.sql
            assert not any(map(differing, one, other)), (construct.sql, one, other)
    there.close()


def test_the_compiled_text_is_known() -> None:
    """Broken: a new sqlglot writes other SQL, and nobody has looked at it."""
    changed = [part.sql for part in PROVEN if compiled(part.sql, "postgres") != part.golden]
    assert changed == [], f"look at the diff after: REFRESH=1 pytest {__file__}"
    assert constructs.for_spark(PROVEN) == constructs.SPARK.read_text(encoding="utf-8")


def test_models_and_checks_use_only_what_is_proven() -> None:
    """Broken: a construct that engines are known to differ in gets into a model."""
    project = load_project()
    proven = set().union(*(constructs.of(part.sql) for part in PROVEN))
    used = {part.place: part.sql for part in project.models}
    used |= {part.name: part.sql for part in (*project.checks, *project.promises)}
    unproven = {place: constructs.of(sql) - proven for place, sql in used.items()}
    assert {place: names for place, names in unproven.items() if names} == {}, (
        "say it otherwise, or prove in tests/readers/constructs.txt that engines agree"
    )


@pytest.mark.parametrize("unit", ["day", "week", "month", "year"])
def test_what_depends_on_a_calendar_is_refused(unit: str) -> None:
    """Broken: days are counted in the zone of whoever asks."""
    sql = "select date_diff('day', a, b) from t".replace("day", unit)
    with pytest.raises(ModelError, match=rf"sql/x\.sql: date_diff\('{unit}', …\) depends"):
        compiled(sql, "postgres", "sql/x.sql")
