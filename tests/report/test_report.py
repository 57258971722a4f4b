# ruff: noqa: E501 - a row of a table is one line
"""The report: one file, nothing loaded, figures from the marts, and safe with hostile data."""

from __future__ import annotations

import re
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import pytest
from model_support import Warehouse, project

from pipelines.report import glance, plots, queries, todo, write_report
from pipelines.report.axes import date_axis
from pipelines.report.headlines import headlines
from pipelines.report.latency_charts import forecast
from pipelines.report.svg import Scale, ticks
from pipelines.report.webhook_charts import troubles
from pipelines.report.weekly import Reading, Week, weekly
from pipelines.warehouse.metrics import load_metrics
from pipelines.words import count, percent

pytestmark = pytest.mark.xdist_group("report")
METRICS = {metric.name: metric for metric in load_metrics(project())}
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
    assert len(pictures) == 9
    for picture in pictures:
        assert ElementTree.fromstring(picture).get("aria-label")  # noqa: S314 - our own text
        assert "nan" not in picture
        assert "Nothing to show" not in picture


def test_light_and_dark_come_from_the_reader(html: str) -> None:
    """Without both sets of colours half of the readers get dark text on dark ground."""
    assert html.count("@media(prefers-color-scheme:dark)") == 1 + len(SVG.findall(html))


def test_the_figures_are_the_metrics(html: str, world: Warehouse) -> None:
    """A report with arithmetic of its own would contradict the marts one day."""
    shown = dict(re.findall(r'<div class="tile"><span>(.*?)</span><b>(.*?)</b>', html))
    for name in glance.SHOWN:
        for headline in headlines(world.connection, METRICS[name]):
            assert shown[headline.metric.label] == headline.figures[0]
    paid, high = world.connection.execute(
        "select rate, rate_high from analytics.session_funnel where step = 'paid'"
    ).fetchall()[0]
    assert f"{percent(paid)} (" in html
    assert f"to {percent(high)})" in html


def test_young_weeks_are_shaded_and_have_no_rate(world: Warehouse) -> None:
    """A rate for today would look like a collapse every Monday."""
    for name in ("paid_within_48h_rate", "delivered_within_7_days"):
        weeks = queries.weekly_share(world.connection, METRICS[name])
        young = [week for week in weeks if week.is_young]
        assert young[-1] is weeks[-1]
        assert all(week.value is None for week in young)
        picture = weekly(weeks, Reading("t", "n", "sessions", percent))
        assert picture.count('class="hatch"') == len(young) + 1
        assert picture.count('class="whisker') == sum(week.value is not None for week in weeks) + 1


def test_weeks_that_tell_nothing_have_no_axis() -> None:
    """Broken: an axis from 0 to 72 minutes, and not one week that was measured."""
    weeks = [Week(date(2026, 3, 30), None, None, None, 84, is_young=True)]
    assert "Nothing to show yet" in weekly(weeks, Reading("t", "n", "orders", percent))


def test_a_weeks_rate_is_that_of_its_days(world: Warehouse) -> None:
    """A week's rate as the mean of its days' would be another one."""
    weeks = queries.weekly_share(world.connection, METRICS["paid_within_48h_rate"])
    week = next(week for week in weeks if week.value is not None)
    paid, sessions = world.connection.execute(
        "select sum(paid_within_48h_sessions), sum(sessions) from analytics.session_conversion_daily "
        "where cohort_date between ? and ?",
        [week.start, week.start + timedelta(days=6)],
    ).fetchall()[0]
    assert week.value == pytest.approx(paid / sessions)
    assert week.volume == sessions
    assert (week.low or 1) < paid / sessions < (week.high or 0)


def test_what_to_do_leads_to_as_many_rows_as_it_says(html: str, world: Warehouse) -> None:
    """A number without its rows is a number that nobody can act on."""
    links = re.findall(r'<a href="#([a-z-]+)">(\d[\d,]*) ', html)
    assert {"lost-webhooks", "ledger-gaps", "late-orders"} <= {anchor for anchor, _ in links}
    for anchor, number in links:
        table = html.split(f'id="{anchor}"')[1].split("</table>")[0]
        shown = table.count("<tr>") - 1
        assert shown == min(int(number.replace(",", "")), 50)
    (lost,) = world.connection.execute(
        "select count(*) from analytics.webhook_gaps where explanation = 'none'"
    ).fetchall()[0]
    assert ("lost-webhooks", count(lost)) in links


def test_a_day_unlike_its_weekday_is_told(world: Warehouse) -> None:
    """An outage of last Tuesday is in a table that nobody opens."""
    connection = world.connection
    connection.execute("begin")
    connection.execute(
        "insert into analytics.metric_alerts (date, metric, value, expected, low, high, direction) "
        "select max(date), 'paid_within_48h_rate', 0.1, 0.3, 0.25, 0.35, 'below' from analytics.dim_dates"
    )
    found = {each.kind.anchor: each for each in todo.find(connection)}["odd-days"]
    connection.execute("rollback")
    assert found.text == "1 day was unlike its weekday"
    assert (found.rows[0]["was"], found.rows[0]["usual"]) == ("10 %", "25 to 35 %")


def test_every_link_leads_to_a_place_on_the_page(html: str) -> None:
    """A table of contents that leads nowhere is worse than none."""
    places = set(re.findall(r' id="([a-z-]+)"', html))
    targets = re.findall(r'href="#([a-z-]+)"', html)
    assert len(set(targets)) >= 8
    assert set(targets) <= places


def test_an_axis_ends_a_little_above_what_it_shows(world: Warehouse) -> None:
    """Failures of one in a hundred are not seen on an axis from 0 to 100 %."""
    weeks = queries.webhook_weeks(world.connection)
    worst = max(
        float(w["later"] + w["retrying"] + w["failed"] + w["lost"]) / float(w["events"] + w["lost"])
        for w in weeks
    )
    marks = re.findall(r'small muted end">([\d.]+) %', troubles(weeks))
    assert worst <= float(marks[-1]) / 100 <= worst * 2.5


def test_the_zone_the_version_and_the_words_are_on_the_page(html: str, world: Warehouse) -> None:
    """Two people compare two pages, and cannot tell why the days differ."""
    zone = queries.settings(world.connection)["report_time_zone"]
    assert f"Days are those of {zone}" in html
    assert version("printora-elt") in html
    assert "naive" not in html
    assert all(f"<dt>{METRICS[name].label}</dt>" in html for name in glance.SHOWN)


def test_an_empty_warehouse_has_a_report_too(warehouse: Warehouse, tmp_path: Path) -> None:
    """On the first day there is nothing to divide by."""
    warehouse.build()
    html = write_report(warehouse.connection, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Data not certified" in html
    assert html.count("Nothing to show yet") == 9


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
    assert "orders are not proven complete" in html
    assert "the day&#x27;s quota is used up" in html


def test_without_a_ledger_the_rest_is_complete_here_too(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """The page says partial for ever where the command line says complete."""
    warehouse.given(
        "sync_runs",
        """
        sync_id | resource | outcome  | complete_as_of | evidence   | reason
        r1      | orders   | complete | 03-01 10:00    | whole walk | -
        r1      | sessions | skipped  | -              | not proven | no session ledger is set
        """,
    )
    warehouse.build()
    html = write_report(warehouse.connection, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Data complete" in html
    assert "Set SOURCES__PRINTORA__SESSION_LEDGER" in html


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


def test_the_readmes_pictures_are_there_and_small() -> None:
    """A README whose first screen loads for seconds, or shows a broken frame, is closed."""
    root = Path(__file__).parents[2]
    names = re.findall(r'<img src="([^"]+)"', (root / "README.md").read_text(encoding="utf-8"))
    assert len(names) == 2
    assert all(5_000 < (root / name).stat().st_size < 150_000 for name in names)


def test_a_forecast_that_only_has_bounds_draws_them() -> None:
    """Broken: a shop that is watched for a week sees nothing, or a bar of None parcels."""
    day = {"date": date(2026, 4, 3), "expected_deliveries": None, "low": 0.0, "high": 9.5}
    picture = forecast([day, day | {"expected_deliveries": 3.0, "low": 1.0}])
    assert picture.count("2026-04-03: ") == 1
    assert picture.count("stroke-main") >= 2
    assert "None" not in picture
