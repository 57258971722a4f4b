"""A lake: Delta tables in a folder or a bucket, where dlt writes them and any engine reads them.

A table is at ``<bucket>/<schema>/<name>``. Each change of one is a commit of its own, which readers
see whole or not at all; a set of tables changes one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError, WarehouseError
from pipelines.source.schema import TABLES
from pipelines.warehouse.catalog import quoted
from pipelines.warehouse.project import RAW_SCHEMA

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from pipelines.source.schema import Table

#: What tells one state of a table from every other: its id, its version and when that was made.
Version = tuple[str, int, int]


@dataclass(frozen=True)
class Lake:
    """A bucket that is open. ``options`` are what delta-rs needs to reach it, secrets among them.

    ``files`` is fsspec's, ``root`` the bucket's path there, ``url`` the same with its scheme.
    """

    url: str
    root: str
    files: Any = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def location(self, table: str) -> str:
        """Return where a table is, such as ``s3://bucket/analytics/fct_orders``."""
        return f"{self.url}/{table.replace('.', '/')}"

    def table(self, name: str) -> Any:
        """Return a Delta table as it is now; None where there is none."""
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        try:
            return DeltaTable(self.location(name), storage_options=dict(self.options))
        except TableNotFoundError:
            return None

    def names(self, schema: str) -> list[str]:
        """Return the tables of a schema, with it; dlt's own and ours for notes are left out."""
        self.files.invalidate_cache()
        folder = f"{self.root}/{schema}"
        found = self.files.ls(folder, detail=True) if self.files.isdir(folder) else []
        folders = (str(part["name"]).rstrip("/") for part in found if part["type"] == "directory")
        names = sorted(path.rpartition("/")[2] for path in folders)
        return [f"{schema}.{name}" for name in names if not name.startswith("_")]

    def versions(self, schema: str = RAW_SCHEMA) -> dict[str, Version]:
        """Return the version of each table of a schema."""
        found = {name: self.table(name) for name in self.names(schema)}
        return {name: version(table) for name, table in found.items() if table is not None}

    def counted(self, table: Table) -> dict[str | None, int]:
        """Count by status the rows that the API still has."""
        import pyarrow.compute as pc

        rows = self.table(f"{RAW_SCHEMA}.{table.name}").to_pyarrow_dataset()
        kept = pc.field("deleted_at").is_null() if "deleted_at" in table.arrow.names else None
        found = rows.to_table(columns=["status"], filter=kept)["status"].value_counts()
        return {part["values"]: part["counts"] for part in found.to_pylist()}

    def replace(
        self,
        name: str,
        rows: pa.Table | pa.RecordBatchReader,
        text: str = "",
        meanings: Mapping[str, str] | None = None,
    ) -> None:
        """Put rows in the place of a table's, in one commit; it is made where there is none.

        Another ``text`` than it had is a commit of its own, because delta-rs keeps the first.
        """
        import pyarrow as pa
        from deltalake import write_deltalake

        schema = pa.schema(_described(rows.schema, meanings or {}))
        write_deltalake(
            self.location(name),
            rows.cast(schema),
            mode="overwrite",
            schema_mode="overwrite",
            name=name,
            description=text or None,
            storage_options=dict(self.options),
        )
        if text and (table := self.table(name)).metadata().description != text:
            table.alter.set_table_description(text)

    def ensure_raw_tables(self) -> None:
        """Create what is missing of the raw tables: tables and columns, described."""
        from deltalake import DeltaTable, Field, Schema

        for table in TABLES:
            name = f"{RAW_SCHEMA}.{table.name}"
            columns = list(map(Field.from_arrow, table.arrow))
            there = self.table(name)
            if there is None:
                DeltaTable.create(
                    self.location(name),
                    schema=Schema(columns),
                    mode="ignore",
                    name=name,
                    description=table.description,
                    storage_options=dict(self.options),
                )
                continue
            known = {field.name for field in there.schema().fields}
            if missing := [column for column in columns if column.name not in known]:
                there.alter.add_columns(missing)


def version(table: Any) -> Version:
    """Return which state of a table this is, of all that it ever had."""
    (newest,) = table.history(1)
    return (str(table.metadata().id), int(table.version()), int(newest["timestamp"]))


def copy_raw(lake: Lake, here: DuckDBPyConnection) -> None:
    """Copy the raw tables, and who is forgotten, into an empty DuckDB file, exactly."""
    from pipelines.warehouse.raw import ensure_raw_tables

    ensure_raw_tables(here)
    for name, table in _opened(lake, lake.names(RAW_SCHEMA)):
        here.register("of_the_lake", table.to_pyarrow_dataset())
        if here.execute(_IS_THERE, [name]).fetchone():
            here.execute(f"insert into {quoted(name)} by name from of_the_lake")
        else:
            here.execute(f"create table {quoted(name)} as from of_the_lake")
        here.unregister("of_the_lake")


def fill_raw(lake: Lake, here: DuckDBPyConnection) -> int:
    """Replace the raw tables of a lake by those of a warehouse; return how many rows."""
    lake.ensure_raw_tables()
    copied = 0
    with closing(here.cursor()) as cursor:
        for table in TABLES:
            name = f"{RAW_SCHEMA}.{table.name}"
            columns = ", ".join(map(quoted, table.arrow.names))
            rows = cursor.sql(f"select {columns} from {name}").to_arrow_table().cast(table.arrow)  # noqa: S608 - our own names
            lake.replace(name, rows, table.description)
            copied += len(rows)
    return copied


_IS_THERE = (
    "select 1 from duckdb_tables() where database_name = current_database()"
    " and schema_name || '.' || table_name = ?"
)


def _opened(lake: Lake, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    for name in names:
        if (table := lake.table(name)) is not None:
            yield name, table


def _described(schema: pa.Schema, meanings: Mapping[str, str]) -> Iterator[pa.Field]:
    for column in schema:
        meaning = meanings.get(column.name)
        yield column.with_metadata({"comment": meaning} if meaning else None)


def open_lake(url: str) -> Lake:
    """Open a bucket, with the credentials that dlt's own settings name.

    Raises:
        ConfigurationError: a package is missing that it needs, or dlt finds no credentials.
        WarehouseError: it cannot be reached.
    """
    try:
        import deltalake  # noqa: F401 - better missing here than in the midst of a load
        from dlt.common.configuration.resolve import resolve_configuration
        from dlt.common.libs.deltalake import deltalake_storage_options
        from dlt.common.storages import FilesystemConfiguration, fsspec_from_config

        where = FilesystemConfiguration(bucket_url=url)
        config = resolve_configuration(where, sections=("destination", "filesystem"))
        files, root = fsspec_from_config(config)
    except ImportError as error:
        raise ConfigurationError(
            f"A package is missing that a lake at {url} needs: {error}.",
            hint="Install printora-elt[spark], and for a bucket of S3 printora-elt[s3], too.",
        ) from None
    except Exception as error:
        raise WarehouseError(
            f"The lake at {url} cannot be opened: {str(error).splitlines()[0].rstrip('.')}.",
            hint="Set DESTINATION__FILESYSTEM__BUCKET_URL and its CREDENTIALS as dlt names them.",
        ) from error
    options = deltalake_storage_options(config.credentials)
    return Lake(str(config.bucket_url).rstrip("/"), str(root).rstrip("/"), files, options)
