"""What Python and SQL both have to know is the same in both."""

from __future__ import annotations

import re

import duckdb

from pipelines.lists import ORDERS_LIST, RESOURCES, WEBHOOK_LOGS_LIST
from pipelines.source.schema import TABLES
from pipelines.warehouse import ModelSettings, load_project

_MODELS = {model.qualified: model.sql for model in load_project().models}
_CHECKS = {check.name: check.sql for check in load_project().checks}


def test_the_retry_timetable_is_one() -> None:
    """Broken: the sync looks again at other times than those that the models count with."""
    assert WEBHOOK_LOGS_LIST.recheck is not None
    sql = _MODELS["intermediate.int_webhook_deliveries"]
    cases = [
        (int(attempt), int(minutes))
        for attempt, minutes in re.findall(r"when (\d) then (\d+)", sql)
    ]
    timetable = list(enumerate(WEBHOOK_LOGS_LIST.recheck.after, start=1))
    assert cases == timetable
    assert ModelSettings().retry_settled_minutes == timetable[-1][1]


def test_the_words_for_an_orders_status_are_one() -> None:
    """Broken: the sync knows a spelling that means nothing to the models."""
    with duckdb.connect() as connection:
        sql = _MODELS["intermediate.int_status_meanings"]
        steps = {word: step for word, _, step in connection.execute(sql).fetchall()}
    ranks = ORDERS_LIST.statuses.ranks
    assert ranks.keys() <= steps.keys()
    in_order = sorted(ranks, key=lambda word: ranks[word])
    assert [steps[word] for word in in_order] == sorted(steps[word] for word in in_order)
    for word in ORDERS_LIST.statuses.terminal:
        assert steps[word] in (4, 9)


def test_the_words_for_a_delivery_are_one() -> None:
    """Broken: a status that the sync settles is named as one that nobody has heard of."""
    (words,) = re.findall(r"status not in \(([^)]+)\)", _CHECKS["statuses_are_known"])
    assert set(re.findall(r"'(\w+)'", words)) == WEBHOOK_LOGS_LIST.statuses.ranks.keys()


def test_the_models_know_every_resource() -> None:
    """Broken: a list is synced, and the models take no time of it for now."""
    assert set(RESOURCES) <= {table.name for table in TABLES}
    looks = re.findall(r"select '(\w+)' as resource", _MODELS["intermediate.int_data_as_of"])
    assert set(looks) == set(RESOURCES)
