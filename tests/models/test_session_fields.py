# ruff: noqa: E501, S608 - a row of a table is one line; the names of tables are ours
"""Fields of the ledger that a setting lists: from its lines to columns and rates."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from model_support import Warehouse, project, undescribed
from truth_estimators import wilson

from pipelines.errors import ConfigurationError, ModelError
from pipelines.source.session_fields import read_setting
from pipelines.warehouse import ModelSettings
from pipelines.warehouse.build import build

sys.path.insert(0, str(Path(__file__).parents[1] / "sync"))

from fast import FastWorld, fast_world

BY = "analytics.session_conversion_by"
VARIABLE = "SESSION_FIELDS"


def told(world: FastWorld) -> dict[str, str]:
    """Write where each session of the ledger came from into it; return that by session."""
    path = Path(str(world.settings.session_ledger))
    sources, lines = {}, []
    for number, line in enumerate(path.read_text().splitlines()):
        record = json.loads(line)
        if number % 4:
            sources[record["session_id"]] = ("newsletter", "Instagram", "paid search")[number % 3]
            record["utmSource"] = sources[record["session_id"]]
            record["metadata"] = {"campaign": number % 5, "landing": "anna@example.com"}
        lines.append(json.dumps(record))
    path.write_text("\n".join(lines) + "\n")
    return sources


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """A shop whose ledger tells where sessions come from, synced before anybody asked for it."""
    with fast_world(tmp_path, 120) as here:
        here.sandbox.ledger.write(Path(str(here.settings.session_ledger)))
        here.sources = told(here)  # type: ignore[attr-defined]
        monkeypatch.setattr(here.sandbox.ledger, "write", lambda path: 0)
        here.sync()
        yield here


def test_a_setting_makes_columns_and_rates_of_what_is_stored_already(world: FastWorld) -> None:
    """Files that were read are not read again: the setting would stay without effect for ever."""
    assert world.query("select count(fields) from printora_raw.sessions") == [(0,)]
    models = ModelSettings(session_fields="utm_source,metadata.campaign,metadata.landing")
    world.settings = replace(world.settings, models=models)
    world.sync()
    build(world.connection, undescribed(), models, select=[f"+{BY}"])
    sources = world.sources  # type: ignore[attr-defined]
    found = world.query(
        "select session_id, utm_source, metadata_campaign, metadata_landing from analytics.fct_sessions"
        " where source = 'ledger'"
    )
    assert {row[0]: row[1] for row in found if row[1]} == sources
    assert {row[2] for row in found} == {None, "0", "1", "2", "3", "4"}
    assert {row[3] for row in found} == {None}
    truth = world.truth("sessions")
    old = world.clock.now() - timedelta(minutes=1455).total_seconds()
    for value in ("newsletter", "Instagram", "paid search", "unknown"):
        of_value = [s for s in truth if sources.get(s, "unknown") == value]
        mature = [s for s in of_value if truth[s]["created_at"].timestamp() <= old]
        ordered = [s for s in mature if truth[s]["first_order_at"]]
        ((*row, low, high),) = world.query(
            f"select sessions, ordered_sessions, young_sessions, order_rate, order_rate_low, order_rate_high from {BY}"
            f" where dimension = 'utm_source' and value = '{value}'"
        )
        assert row[:3] == [len(mature), len(ordered), len(of_value) - len(mature)]
        assert row[3] == pytest.approx(len(ordered) / len(mature))
        assert (low, high) == pytest.approx(wilson(len(ordered), len(mature)))
    by_mode = world.query(
        f"select sum(sessions + young_sessions) from {BY} where dimension = 'mode'"
    )
    assert by_mode == [(len(truth),)]


def test_nothing_of_it_is_kept_where_nothing_of_people_is(world: FastWorld) -> None:
    """Somebody's own words may name them."""
    models = ModelSettings(session_fields="utm_source")
    world.settings = replace(world.settings, models=models, personal_data="none")
    world.sync()
    assert world.query("select count(fields) from printora_raw.sessions") == [(0,)]


def test_who_is_young_has_no_rate(warehouse: Warehouse) -> None:
    """A campaign that began today has not failed."""
    warehouse.settings = {"session_fields": "campaign"}
    warehouse.given(
        "sessions",
        """
        session_id | created_at  | mode  | fields
        s1         | 03-01 10:00 | image | {"campaign": "spring"}
        s2         | 03-01 10:00 | image | {"campaign": "spring", "other": "x"}
        s3         | 03-05 10:00 | merch | {"campaign": "today"}
        s4         | 03-01 10:00 | -     | -
        """,
    )
    warehouse.given(
        "orders",
        "order_id | session_id | status | created_at | paid_at\n o1 | s1 | paid | 03-01 11:00 | 03-01 11:00\n o2 | x | paid | 03-01 11:00 | 03-01 11:00",
    )
    warehouse.looked_at("03-05 12:00")
    warehouse.expect(
        BY,
        """
        dimension | value   | sessions | ordered_sessions | paid_sessions | young_sessions | order_rate | paid_rate | is_final
        mode      | image   | 2        | 1                | 1             | 0              | 0.5        | 0.5       | true
        mode      | merch   | 0        | 0                | 0             | 1              | -          | -         | false
        mode      | unknown | 1        | 0                | 0             | 0              | 0          | 0         | true
        campaign  | spring  | 2        | 1                | 1             | 0              | 0.5        | 0.5       | true
        campaign  | today   | 0        | 0                | 0             | 1              | -          | -         | false
        campaign  | unknown | 1        | 0                | 0             | 0              | 0          | 0         | true
        """,
    )
    warehouse.expect(
        "analytics.fct_sessions",
        "session_id | campaign\n s1 | spring\n s2 | spring\n s3 | today\n s4 | -\n x | -",
    )


def test_another_setting_changes_the_columns_and_none_takes_them_away(warehouse: Warehouse) -> None:
    """A column of yesterday's setting would show what nobody fills any more."""
    warehouse.given(
        "sessions", 'session_id | created_at | fields\n s1 | 03-01 10:00 | {"a": "1", "b": "2"}'
    )
    for fields in ("a", "b,a", ""):
        models = ModelSettings(session_fields=fields)
        build(warehouse.connection, undescribed(), models, select=["+fct_sessions"])
        columns = warehouse.connection.execute("describe analytics.fct_sessions").fetchall()
        assert [c[0] for c in columns if len(c[0]) == 1] == [f for f in fields.split(",") if f]
    with pytest.raises(ModelError, match=r"fct_sessions.sql: it has a column revenue already"):
        build(warehouse.connection, project(), ModelSettings(session_fields="revenue"))


@pytest.mark.parametrize(
    "text",
    [
        *("email", "userData.email", "customer", "first_name", "name", "ip", "shipping_address"),
        *(
            "redirect_url",
            "token",
            "utm source; drop",
            "created_at",
            "mode",
            "utm_source,utmSource",
        ),
        "a,b,c,d,e,f,g,h,i",
    ],
)
def test_a_setting_lets_no_person_and_no_secret_in(text: str) -> None:
    """One word in a setting must not open what the list of names keeps shut."""
    with pytest.raises(ConfigurationError, match=VARIABLE):
        read_setting(text, VARIABLE)


def test_names_are_taken_in_any_spelling() -> None:
    """The ledger's own spelling is what somebody will write."""
    assert read_setting("utmSource, metadata.campaignName", VARIABLE) == (
        "utm_source",
        "metadata.campaign_name",
    )
