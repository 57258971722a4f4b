# ruff: noqa: E501 - a row of a table is one line
"""The report: one file, nothing loaded, figures from the marts, and safe with hostile data."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from model_support import Warehouse

from pipelines.report import plots, write_report
from pipelines.report.axes import date_axis
from pipelines.report.svg import Scale, ticks
from pipelines.words import count, duration, percent

SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


@pytest.fixture(scope="module")
def html(world: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the report of the world once."""
    path = tmp_path_factory.mktemp("report") / "deep" / "report.html"
    return write_report(world.connection, path).read_text(encoding="utf-8")


def test_the_page_loads_nothing(html: str) -> None:
    """A report that needs the network is blank in the meeting, and tells others who reads it."""
    addresses = set(re.findall(r"[a-z]+://[^\"'\s<]+", html))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\((?!#)|\ssrc=", html)


def test_every_picture_is_sound_and_says_what_it_shows(html: str) -> None:
    """A stray quote in one chart would swallow the rest of the page."""
    pictures = SVG.findall(html)
    assert len(pictures) == 8
    for picture in pictures:
        assert ElementTree.fromstring(picture).get("aria-label")  # noqa: S314 - our own text
        assert "nan" not in picture
        assert "Nothing to show" not in picture


def test_light_and_dark_come_from_the_reader(html: str) -> None:
    """Without both sets of colours half of the readers get dark text on dark ground."""
    assert html.count("@media(prefers-color-scheme:dark)") == 1 + len(SVG.findall(html))


def test_the_figures_are_those_of_the_marts(html: str, world: Warehouse) -> None:
    """A report with arithmetic of its own would contradict the marts one day."""
    sessions, paid = world.connection.execute(
        "select count(*), count(case when is_converted then 1 end) from analytics.fct_sessions "
        "where source = 'ledger' and is_mature"
    ).fetchall()[0]
    half, naive = world.connection.execute(
        "select p50_hours, naive_p50_hours from analytics.delivery_latency_summary "
        "where dimension = 'all' and period = 'all' and stage = 'paid_to_delivered'"
    ).fetchall()[0]
    assert f"<b>{percent(paid / sessions)}</b>" in html
    assert f"{count(sessions)} · " in html
    assert f"half by {duration(half)} (naive: {duration(naive)})" in html
    assert half > naive


def test_young_days_are_shaded_and_have_no_rate(html: str, world: Warehouse) -> None:
    """A rate for today would look like a collapse every morning."""
    (immature,) = world.connection.execute(
        "select count(*) from analytics.session_conversion_daily where not is_mature and sessions > 0"
    ).fetchall()[0]
    picture = next(p for p in SVG.findall(html) if "by day of creation" in p)
    assert immature > 0
    assert picture.count("so far</title>") == immature


def test_an_empty_warehouse_has_a_report_too(warehouse: Warehouse, tmp_path: Path) -> None:
    """On the first day there is nothing to divide by."""
    warehouse.build()
    html = write_report(warehouse.connection, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Data not certified" in html
    assert html.count("Nothing to show yet") == 8


def test_a_partial_load_is_visible_at_a_glance(warehouse: Warehouse, tmp_path: Path) -> None:
    """Half of the orders make half of the conversion, and nobody would know."""
    warehouse.given(
        "sync_runs",
        """
        sync_id | resource | outcome | reason
        r1      | orders   | partial | the day's quota is used up
        """,
    )
    warehouse.build()
    html = write_report(warehouse.connection, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Data partial" in html
    assert "orders: the day&#x27;s quota is used up" in html


def test_what_the_api_says_is_never_html(warehouse: Warehouse, tmp_path: Path) -> None:
    """A carrier named like a script tag would run in the reader's browser."""
    evil = "<script>x</script>"
    warehouse.given(
        "orders",
        f"""
        order_id | status    | created_at  | paid_at     | shipped_at  | delivered_at | carrier | country
        o1       | delivered | 03-01 10:00 | 03-01 10:00 | 03-02 10:00 | 03-03 10:00  | {evil}  | {evil}
        """,
    )
    warehouse.given(
        "webhook_logs",
        f"webhook_log_id | order_id | event_type | status | event_at \n l | o1 | {evil} | sent | 03-01 10:00",
    )
    warehouse.looked_at("03-09 00:00")
    warehouse.build()
    html = write_report(warehouse.connection, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_each_plot_stands_alone_for_a_mart_that_exists(world: Warehouse) -> None:
    """Dagster shows them one by one, without the page's colours."""
    tables = world.connection.execute(
        "select 'analytics.' || table_name from information_schema.tables"
    ).fetchall()
    pictures = plots(world.connection)
    assert set(pictures) <= {name for (name,) in tables}
    assert all("prefers-color-scheme" in picture for picture in pictures.values())


@pytest.mark.parametrize(("days", "labels"), [(1, 1), (2, 2), (6, 2), (7, 3), (90, 3)])
def test_few_days_have_their_labels_too(days: int, labels: int) -> None:
    """In the first week a chart's only date was cut off, or its last one missing."""
    dates = [date(2026, 3, 1) + timedelta(day) for day in range(days)]
    texts = re.findall(r">([^<]+)</text>", "".join(date_axis(dates, Scale(0, days, 44, 388), 100)))
    assert len(texts) == labels
    assert {texts[0], texts[-1]} == {f"{day:%-d %b %Y}" for day in (dates[0], dates[-1])}


@pytest.mark.parametrize("high", [0.003, 0.2, 1, 7, 12, 99, 100, 101, 12345])
def test_ticks_are_round_and_reach_the_top(high: float) -> None:
    """An axis that ends below its highest value cuts the chart off."""
    marks = ticks(high)
    assert marks[0] == 0
    assert marks[-1] >= high > marks[-2]
    assert 2 <= len(marks) <= 7
