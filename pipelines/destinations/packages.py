"""dlt's packages: rows and the sync's state on their way into a destination."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import dlt
import pyarrow as pa
from dlt.common.configuration import NotResolved
from dlt.common.configuration.specs.base_configuration import is_hint_not_resolvable

from pipelines.destinations.base import DATASET
from pipelines.destinations.faults import readable_errors
from pipelines.destinations.where import JsonObject
from pipelines.source.schema import Table

PIPELINE = "printora"


def as_given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of one of dlt's configurations as such that it looks up nowhere.

    It would, for all of them and fifty times a sync, which is a tenth of a small one.
    """
    return {
        name: hint if is_hint_not_resolvable(hint) else Annotated[hint, NotResolved()]
        for name, hint in fields.items()
    }


@contextmanager
def without_expected_hints(resources: Collection[str]) -> Iterator[None]:
    """Drop dlt's note, of these resources, that JSON columns travel as text: so they are declared.

    Other resources of the same process keep theirs.
    """
    ours = [f"In resource: {resource}," for resource in resources]

    def is_news(record: logging.LogRecord) -> bool:
        said = record.getMessage()
        return "column hints were different" not in said or not any(of in said for of in ours)

    logger = logging.getLogger("dlt")
    logger.addFilter(is_news)
    try:
        yield
    finally:
        logger.removeFilter(is_news)


def resource(
    table: Table,
    batches: Callable[..., Iterator[Any]],
    *arguments: Any,
    table_format: str | None = None,
    **options: Any,
) -> Any:
    """Return the dlt resource that merges Arrow batches into one raw table.

    Rows of one batch must have different keys: neither strategy may meet a repeated one.
    """

    def made() -> Iterator[Any]:
        yield from batches(*arguments)

    return dlt.resource(made, name=table.name, **hints_of(table, table_format), **options)


def hints_of(table: Table, table_format: str | None = None) -> dict[str, Any]:
    """Return how dlt merges a raw table: a batch has each key once, and dlt need not sort it.

    ``table_format``: where the destination is files, what they are; such as delta.
    """
    merged = "upsert" if table_format else "delete-insert"  # all that dlt can do on files
    strategy = "insert-only" if table.is_append_only else merged
    return {
        **({"table_format": table_format} if table_format else {}),
        "primary_key": list(table.key),
        "write_disposition": {
            "disposition": "merge",
            "strategy": strategy,
            "deduplicated": not table.is_append_only,
        },
        "columns": {c.name: {"data_type": "json"} for c in table.columns if c.kind == "json"},
    }


class Packages:
    """A dlt pipeline that keeps nothing of its own: what counts is in the destination.

    ``pipelines_dir``: where packages are while they are on their way. ``formats`` are dlt's own:
    ``file_format`` is how rows travel, ``table_format`` what files are on a file system.
    """

    def __init__(self, destination: Any, pipelines_dir: str | None, **formats: str) -> None:
        # No second copy of the rows stays behind a load: not in the packages, nor in the dataset
        # that dlt merges from.
        dlt.config["load.delete_completed_jobs"] = True
        dlt.config["load.truncate_staging_dataset"] = True
        self._formats = formats
        self.pipeline = dlt.pipeline(
            PIPELINE,
            destination=destination,
            dataset_name=DATASET,
            pipelines_dir=pipelines_dir,  # type: ignore[arg-type]  # dlt means: or None
        )

    def open(self) -> None:
        """Forget what a killed process left: it is older than what others loaded since."""
        self.pipeline.drop()

    def begin(self) -> None:
        """Let dlt make its dataset, before anybody else makes tables in it."""
        with readable_errors(), self.pipeline.destination_client() as client:
            client.initialize_storage()

    def state(self) -> JsonObject:
        """Return what the last whole package left in the destination."""
        with readable_errors():
            self.pipeline.sync_destination()
        sources = self.pipeline.state.get("sources", {})
        return dict(sources.get(PIPELINE, {}).get("sync", {}))

    def load(self, batches: Mapping[Table, pa.Table], state: JsonObject) -> None:
        """Merge the rows and note the state, in one package."""

        def noting_state(batch: pa.Table) -> Iterator[pa.Table]:
            dlt.current.source_state()["sync"] = dict(state)
            yield batch

        resources = [
            resource(table, noting_state, batch, **self._formats)
            for table, batch in batches.items()
        ]
        source = dlt.source(lambda: resources, name=PIPELINE, max_table_nesting=0)()
        with readable_errors(), without_expected_hints([table.name for table in batches]):
            # `run` would first restore the state from the destination again: it is ours already.
            self.pipeline.extract(source)
            self.pipeline.normalize()
            self.pipeline.load()
