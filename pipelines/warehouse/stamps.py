"""Stamps: what a table was built from, so that no table stands on older ones without a word.

A stamp is a hash of the model's SQL and of the stamps of all that it reads, down to the settings
and the raw tables. A build writes it down beside the model's name; what is there now has another
one as soon as a sync, a setting or a file has changed anything that the table is computed from.

A raw table's stamp is the number of its rows and, of each column of times, the number and the
latest: every load moves one of them. A change by hand that moves none of them is not seen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from pipelines.source.schema import TABLES
from pipelines.warehouse.catalog import quoted
from pipelines.warehouse.project import BUILD_SETTINGS, RAW_SCHEMA, Model, Project
from pipelines.warehouse.settings import ModelSettings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Qualified name to stamp; none where a version that knew no stamps has built it.
Stamps = Mapping[str, str | None]


def code_version(model: Model) -> str:
    """Return the hash of the model's SQL, without its header."""
    return _hash(model.materialized, model.sql.strip())


def current_stamps(
    connection: DuckDBPyConnection, project: Project, settings: ModelSettings
) -> dict[str, str]:
    """Return the stamp that each raw table and model has if it is built now.

    The raw tables must be there.
    """
    stamps = raw_stamps(connection)
    stamps[BUILD_SETTINGS] = _hash(*dataclasses.astuple(settings))
    for model in project.models:
        inputs = (stamps[name] for name in model.depends_on)
        stamps[model.qualified] = _hash(code_version(model), *inputs)
    return stamps


def raw_stamps(connection: DuckDBPyConnection) -> dict[str, str]:
    """Return the stamps of the raw tables."""
    stamps = {}
    for table in TABLES:
        name = f"{RAW_SCHEMA}.{table.name}"
        times = [quoted(column.name) for column in table.columns if column.kind == "time"]
        parts = ", ".join(["count(*)", *(f"count({time}), max({time})" for time in times)])
        row = connection.execute(f"select {parts} from {quoted(name)}").fetchone()  # noqa: S608
        stamps[name] = _hash(*(row or ()))
    return stamps


def stale_models(project: Project, built: Stamps, current: Mapping[str, str]) -> frozenset[str]:
    """Return the models that are not what a build would make of today's data, files and settings.

    ``built`` are the stamps of what is there. A view is never older than what it reads, only as
    old as the oldest table below it.
    """
    stale: set[str] = set()
    for model in project.models:
        name = model.qualified
        is_same = built.get(name) == stored_stamp(model, current)
        if not is_same or (model.materialized == "view" and stale & set(model.depends_on)):
            stale.add(name)
    return frozenset(stale)


def stored_stamp(model: Model, current: Mapping[str, str]) -> str:
    """Return what a build writes down: a view changes with what it reads, a table does not."""
    return code_version(model) if model.materialized == "view" else current[model.qualified]


def _hash(*parts: object) -> str:
    return sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]
