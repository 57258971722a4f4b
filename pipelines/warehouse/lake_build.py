"""The models on a lake: the same files, compiled, run by Spark Connect over Delta tables.

They are built in a folder of their own, from one version of each raw table. Once the promises of
their headers are kept, the marts take the places of the last ones, each in one commit: a reader
sees whole marts, and for some seconds those of two builds beside each other.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.errors import ModelError
from pipelines.source.schema import TABLES
from pipelines.warehouse.build import ModelResult, kept, refuse_other_columns
from pipelines.warehouse.checks import SAMPLE_ROWS, CheckResult, number_of
from pipelines.warehouse.dialect import compiled
from pipelines.warehouse.lake import Lake
from pipelines.warehouse.postgres_build import MARK, Prepared
from pipelines.warehouse.project import BUILD_SETTINGS, RAW_SCHEMA, Check, Model, Project
from pipelines.warehouse.session_fields import with_fields
from pipelines.warehouse.settings import ModelSettings
from pipelines.warehouse.spark import Spark, explained, fetched, read_table

if TYPE_CHECKING:
    import pyarrow as pa

#: Where builds are on their way; what is left there by one that was killed, the next one deletes.
_FOLDER = "_printora_build"
MARTS = "analytics"
_UNCHANGED = "Every mart is as it was before this build."


@dataclass(frozen=True)
class _Build:
    """One build: where it writes, what runs it, and who is told before each table."""

    lake: Lake
    spark: Spark
    folder: str
    on_step: Callable[[], None]

    def location(self, name: str) -> str:
        return f"{self.folder}.{name}"


def build(lake: Lake, spark: Spark, project: Project, settings: ModelSettings) -> list[ModelResult]:
    """Build all models, whatever the checks find. Raises what :func:`prepared` raises."""
    with prepared(lake, spark, replace(project, checks=()), settings) as new:
        return new.models


@contextmanager
def prepared(
    lake: Lake,
    spark: Spark,
    project: Project,
    settings: ModelSettings,
    *,
    on_model: Callable[[ModelResult], None] | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[Prepared]:
    """Build all models beside the last ones; their marts take places when the block ends.

    ``on_model`` is told of each model. ``on_step`` is called before each table that is written, to
    see that this is still the only writer.

    Raises:
        ModelError: a model fails or breaks what its header promises, or a table of a mart's name is
            not ours. Readers go on with the last build.
    """
    project = with_fields(project, settings)
    own = _Build(lake, spark, f"{_FOLDER}/{uuid.uuid4().hex}", on_step)
    try:
        _clear(lake)
        _read_inputs(own, settings)
        models = []
        for model in project.models:
            models.append(_make(own, model))
            if on_model:
                on_model(models[-1])
        models = [
            replace(result, checks=tuple(kept(run_check(spark, check)) for check in model.checks))
            for result, model in zip(models, project.models, strict=True)
        ]
        checks = [run_check(spark, check) for check in project.checks]
        new = Prepared(models, checks, is_first=lake.table(BUILD_SETTINGS) is None)
        yield new
        if not new.keeps_old:
            _publish(own, project)
    finally:
        with suppress(OSError):
            _clear(lake)


def run_check(spark: Spark, check: Check) -> CheckResult:
    """Run one check on what the session's views show."""
    found = f"({compiled(check.sql, 'spark', check.place)}) as found"
    with explained(check.place, hint="The other checks were not run."):
        ((failures,),) = fetched(spark, f"select count(*) from {found}")  # noqa: S608 - a file of ours
        sample = []
        if failures:
            frame = spark.sql(f"select * from {found} limit {SAMPLE_ROWS}")  # noqa: S608 - a file of ours
            sample = frame.toArrow().to_pylist()
            if number_of(check) != "count(*)":  # Sail 0.7 cannot sum what was counted and filtered
                offenders = fetched(spark, f"select offenders from {found}")  # noqa: S608 - a file of ours
                failures = sum(number for (number,) in offenders)
    texts = [{k: None if v is None else str(v) for k, v in row.items()} for row in sample]
    return CheckResult(check, failures, tuple(texts))


def _clear(lake: Lake) -> None:
    folder = f"{lake.root}/{_FOLDER}"
    lake.files.invalidate_cache()
    if lake.files.isdir(folder):
        lake.files.rm(folder, recursive=True)


def _read_inputs(own: _Build, settings: ModelSettings) -> None:
    own.lake.ensure_raw_tables()
    for table in TABLES:
        name = f"{RAW_SCHEMA}.{table.name}"
        version = own.lake.table(name).version()
        read_table(own.spark, name, own.lake.location(name), version)
    own.lake.replace(own.location(BUILD_SETTINGS), settings_row(settings))
    read_table(own.spark, BUILD_SETTINGS, own.lake.location(own.location(BUILD_SETTINGS)))


def settings_row(settings: ModelSettings) -> pa.Table:
    """Return the one row of ``staging.build_settings``."""
    import pyarrow as pa

    types = {"str": pa.string(), "int": pa.int32()}
    fields = dataclasses.fields(settings)
    schema = pa.schema([(field.name, types[str(field.type)]) for field in fields])
    return pa.Table.from_pylist([dataclasses.asdict(settings)], schema=schema)


def _make(own: _Build, model: Model) -> ModelResult:
    started = time.perf_counter()  # A duration, not a time: nothing that is stored depends on it.
    own.on_step()
    select = compiled(model.sql, "spark", model.place)
    with explained(model.place, hint=_UNCHANGED):
        frame = own.spark.sql(select)
        refuse_other_columns(model, list(frame.columns))
        # Views, too: each model that reads one would compute it again.
        place = own.lake.location(own.location(model.qualified))
        frame.write.format("delta").mode("overwrite").save(place)
        read_table(own.spark, model.qualified, place)
    count = own.lake.table(own.location(model.qualified)).to_pyarrow_dataset().count_rows()
    return ModelResult(model.qualified, count, time.perf_counter() - started, (), "")


def _publish(own: _Build, project: Project) -> None:
    marts = [model for model in project.models if model.schema == MARTS]
    _refuse_foreign(own.lake, marts)
    for model in marts:
        own.on_step()
        table = own.lake.table(own.location(model.qualified))
        own.lake.replace(
            model.qualified,
            table.to_pyarrow_dataset().scanner().to_reader(),
            f"{model.text} {MARK}",
            {column.name: column.description for column in model.columns},
        )
    _drop_others(own.lake, {model.qualified for model in marts})
    fields = dataclasses.fields(ModelSettings)
    row = own.lake.table(own.location(BUILD_SETTINGS)).to_pyarrow_table()
    meanings = {field.name: field.metadata["description"] for field in fields}
    own.lake.replace(BUILD_SETTINGS, row, f"The settings of the last build. {MARK}", meanings)


def _drop_others(lake: Lake, marts: Collection[str]) -> None:
    """Delete the marts whose file is gone."""
    for name in lake.names(MARTS):
        if name not in marts and _is_ours(lake, name):
            lake.files.rm(f"{lake.root}/{name.replace('.', '/')}", recursive=True)


def _is_ours(lake: Lake, name: str) -> bool | None:
    """Tell whether a build made a table; None where there is none."""
    table = lake.table(name)
    return None if table is None else (table.metadata().description or "").endswith(MARK)


def _refuse_foreign(lake: Lake, marts: list[Model]) -> None:
    for model in marts:
        if _is_ours(lake, model.qualified) is False:
            raise ModelError(
                f"There is a table {lake.location(model.qualified)} already, which was not built "
                "from sql/.",
                hint=f"Move it; a build replaces only what a build made. {_UNCHANGED}",
            )
