"""What Python and SQL both have to know is the same in both."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta

import duckdb

from pipelines.cli import withdrawing
from pipelines.cli.certificates import LATE
from pipelines.destinations.sql import SqlReading
from pipelines.lists import LISTS, ORDERS_LIST, RESOURCES, WEBHOOK_LOGS_LIST
from pipelines.source.schema import SYNC_RUNS, TABLES
from pipelines.sync.verdict import Proof
from pipelines.warehouse import ModelSettings, load_project
from pipelines.words import EVIDENCE

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
    by_resource = {
        "int_data_as_of": (_MODELS["intermediate.int_data_as_of"], RESOURCES),
        "value_issues": (_MODELS["staging.stg_printora__value_issues"], RESOURCES),
        # The partner's own list of sessions is counted by nobody else.
        "counts_match_the_api": (_CHECKS["counts_match_the_api"], {spec.name for spec in LISTS}),
    }
    for name, (sql, known) in by_resource.items():
        assert set(re.findall(r"select '(\w+)' as resource", sql)) == set(known), name


def test_data_are_old_after_one_time() -> None:
    """Broken: `printora status` calls data old that the check of the build lets pass."""
    (hours,) = re.findall(r"lag_seconds > (\d+) \* 3600", _CHECKS["what_is_proven_is_fresh"])
    assert timedelta(hours=int(hours)) == LATE


def test_the_words_for_a_proof_are_one() -> None:
    """Broken: a list is certified, and the build stops at a word that the models do not know."""
    models = {model.qualified: model for model in load_project().models}
    freshness = models["analytics.data_freshness"]
    assert set(freshness.contract.accepted["evidence"]) == {*Proof, "not proven"}
    assert EVIDENCE.keys() == {*Proof}
    described = [*freshness.columns, *models["staging.stg_printora__sync_runs"].columns]
    told = [column.description for column in described if column.name == "evidence"]
    told += [column.description for column in SYNC_RUNS.columns if column.name == "evidence"]
    assert len(told) == 3
    assert all(word in text for word in Proof for text in told)
    (anew,) = re.findall(r"evidence in \(([^)]+)\)", inspect.getsource(SqlReading.withdrawn))
    (scans,) = re.findall(r"evidence in \(([^)]+)\)", inspect.getsource(withdrawing))
    assert set(re.findall(r"'([^']+)'", scans)) == {Proof.FULL_SCAN, Proof.END_SEEN}
    # What proves by itself, and not by what was certified before.
    assert set(re.findall(r"'([^']+)'", anew)) == {*Proof} - {Proof.COUNTS}
