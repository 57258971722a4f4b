"""Formulas that are written once, and stand in each file that calls them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warehouse_support import write_model

from pipelines.errors import ModelError
from pipelines.warehouse import load_project
from pipelines.warehouse.macros import expanded

_ENDS = expanded("select wilson_low(k, n), wilson_high(k, n) from (select ? as k, ? as n)", "x.sql")


@settings(deadline=None)  # Another process may have the machine.
@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_is_the_textbooks(pair: tuple[int, int]) -> None:
    """Broken: every rate has a wrong interval; at its ends p is 1.96 standard errors away."""
    k, n = pair
    ends = duckdb.execute(_ENDS, [k, n]).fetchone()
    assert ends is not None
    low, high = ends
    assert 0 <= low <= k / n <= high <= 1
    for end in (low, high):
        distance = (k / n - end) ** 2
        assert distance == pytest.approx(1.959963984540054**2 * end * (1 - end) / n, abs=1e-12)
    assert (low == 0) == (k == 0)
    assert (high == 1) == (k == n)


def test_of_nobody_there_is_no_share() -> None:
    """Broken: a day without sessions stops the build."""
    assert duckdb.execute(_ENDS, [0, 0]).fetchall() == [(None, None)]


def test_a_time_is_left_out_a_day_after_it_was_seen() -> None:
    """Broken: a wrong date bends the marts, or a row that nobody dated loses its times."""
    sql = expanded("select unless_future(k, n) from (select ? as k, ?::timestamp as n)", "x.sql")
    seen = datetime(2026, 3, 1)  # noqa: DTZ001 - DuckDB gives its times back as it got them
    for told, at, kept in [
        (seen + timedelta(days=1), seen, True),
        (seen + timedelta(days=1, seconds=1), seen, False),
        (seen, None, True),
    ]:
        assert duckdb.execute(sql, [told, at]).fetchall() == [(told if kept else None,)]


@pytest.mark.parametrize("call", ["wilson_low(k + 1, n)", "wilson_high(k)", "wilson_low"])
def test_a_macro_that_is_called_wrongly_is_refused_with_its_line(root: Path, call: str) -> None:
    """Broken: the database says that there is no such function, of a text that nobody wrote."""
    write_model(root, "analytics/a", f"select\n    {call} as a\nfrom t", ["a"])
    with pytest.raises(ModelError, match=r"sql/analytics/a\.sql:\d+: wilson_\w+ takes the names"):
        load_project(root, layers=())
