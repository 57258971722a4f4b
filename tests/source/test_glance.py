"""A glance at a record sees what reading all of it would, or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from test_columns import BASES, KEYS, PRIVACY, START, drifting

from pipelines.destinations.where import first_of, made
from pipelines.source.glance import Glance, Glancer
from pipelines.source.parse import SHAPES, Parsed, Parser
from pipelines.source.privacy import PersonalData, Privacy


@pytest.mark.parametrize("mode", ["pseudonymous", "full"])
@settings(deadline=None, max_examples=200)
@given(drifting())
def test_a_glance_is_what_the_whole_record_says(
    mode: PersonalData, drawn: tuple[str, list[Any]]
) -> None:
    """A strategy would follow rows that are never loaded, or miss the place of one that is."""
    resource, records = drawn
    parser, columns = Parser(resource, Privacy(mode, KEYS)), made(SHAPES[resource].table)
    glance = Glancer(Parser(resource, Privacy(mode, KEYS)), columns)
    for record in records:
        seen, row = glance(record), parser.parse(record, seen_at=START, place="")
        if seen is not None:
            assert isinstance(row, Parsed)
            assert seen == Glance(row[parser.shape.key], first_of(columns, row), row["status"])


@pytest.mark.parametrize("resource", BASES)
def test_a_plain_record_is_told_by_a_glance(resource: str) -> None:
    """Each record would be read twice, and a first load take twice as long."""
    record = BASES[resource][0]
    columns = made(SHAPES[resource].table)
    for known in (
        record,
        {name: record[name] for name in record if not name.startswith("created")},
    ):
        assert Glancer(Parser(resource, PRIVACY), columns)(known) is not None
