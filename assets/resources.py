"""What a deployment or a launch configures: whose data, how it is asked for, where it goes.

Every field may stay empty: then dlt's configuration says it, as for the command line. What is set
here wins: in the code location for a second partner (see deploy/README.md), in the launchpad for
one run. A secret is given as ``{"env": "NAME"}``, so that Dagster keeps the name alone.
"""

# No `from __future__ import annotations`: Dagster looks at the annotations of the fields itself.

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import dagster as dg
from pydantic import Field

from assets.running import LOCK_TIMEOUT, LONG_READER_TIMEOUT, Context, explained
from pipelines.lookup import overridden
from pipelines.warehouse import ModelSettings, connect
from pipelines.warehouse.first_load import warehouse_writer
from pipelines.warehouse.same_file import SameFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.progress import Event
    from pipelines.settings import Settings
    from pipelines.sync import SyncResult


class _Settings(dg.ConfigurableResource[Any]):
    """Fields that are settings of pipelines/settings.py, each under its own name there."""

    prefix: ClassVar[str] = "sources.printora"
    names: ClassVar[dict[str, str]] = {}

    def overrides(self) -> dict[str, object]:
        """Return what is set here, by its dotted name."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            self.names.get(name, f"{self.prefix}.{name}"): value
            for name, value in values.items()
            if value is not None
        }


class PartnerResource(_Settings):
    """Whose data is read, and what of it is kept."""

    api_key: str | None = Field(default=None, description='Its key: {"env": "NAME"}.')
    partner_id: str | None = Field(default=None, description="The partner that it belongs to.")
    session_ledger: str | None = Field(default=None, description="Path, glob or bucket URL.")
    personal_data: str | None = Field(default=None, description="none, pseudonymous or full.")
    report_time_zone: str | None = Field(default=None, description="IANA zone of the dates.")

    def models(self) -> ModelSettings:
        """Return what the models are told."""
        from pipelines.settings import model_settings

        with overridden(self.overrides()):
            return model_settings()


class ClientResource(_Settings):
    """Where the API is, and how much of its limits a run may use."""

    environment: str | None = Field(default=None, description="production or staging.")
    base_url: str | None = Field(default=None, description="Another host.")
    api_version: str | None = Field(default=None, description="1.0 or 1.1.")
    reserve_share: float | None = Field(default=None, description="Left to your shop, 0 to 0.95.")
    max_wait_seconds: float | None = Field(default=None, description="A longer wait ends the run.")
    timeout_seconds: float | None = Field(default=None, description="How long an answer may take.")

    def sync(
        self,
        settings: "Settings",
        *,
        listener: Callable[["Event"], None],
        budget: int | None,
        full: bool,
    ) -> "SyncResult":
        """Sync. Imported here: dlt takes a second, and the definitions do not need it."""
        from pipelines.sync import sync

        return sync(settings, listener=listener, budget=budget, full=full)


class WarehouseResource(_Settings):
    """The DuckDB file, and how long to wait for it."""

    names: ClassVar[dict[str, str]] = {"path": "destination.duckdb.credentials"}

    path: str | None = Field(default=None, description="The DuckDB file.")
    publish_to: str | None = Field(default=None, description="The file for readers, or off.")

    def file(self) -> Path:
        """Return the DuckDB file."""
        from pipelines.settings import warehouse_path

        with overridden(self.overrides()):
            return warehouse_path()

    def published(self) -> Path | None:
        """Return the file for readers; None where there is to be none."""
        from pipelines.settings import publish_path

        with overridden(self.overrides()):
            return publish_path()

    @contextmanager
    def writing(self, context: Context) -> Iterator[None]:
        """Be the only run that has the warehouse, with a line in the log while waiting for it."""
        command = f"dagster run {context.run.run_id}"
        with explained(context):
            path = self.file()
            with warehouse_writer(
                path, timeout=LOCK_TIMEOUT, on_wait=context.log.info, command=command
            ):
                yield

    @contextmanager
    def open(self, context: Context, *, read_only: bool = False) -> Iterator["DuckDBPyConnection"]:
        """Hold the lock and a connection. It closes with the block: the next op must get in.

        Where something was written, the file must still be in its place afterwards.
        """
        from pipelines.settings import limit_memory

        path = self.file()
        with self.writing(context):
            file = SameFile(path) if not read_only and path.exists() else None
            with connect(path, read_only, wait_seconds=LONG_READER_TIMEOUT) as connection:
                limit_memory(connection)
                yield connection
            if file:
                file.check()


#: The resources' keys, as ops and schedules name them.
KEYS = frozenset({"partner", "client", "warehouse"})
Resources = dict[str, Any]


def resources() -> Resources:
    """Return the resources that leave everything to dlt's configuration."""
    return {
        "partner": PartnerResource.configure_at_launch(),
        "client": ClientResource.configure_at_launch(),
        "warehouse": WarehouseResource.configure_at_launch(),
    }


def sync_settings(
    partner: PartnerResource, client: ClientResource, warehouse: WarehouseResource
) -> "Settings":
    """Return all that a sync needs.

    Raises:
        ConfigurationError: a setting is missing or malformed.
    """
    from pipelines.settings import load_settings

    with overridden({**partner.overrides(), **client.overrides(), **warehouse.overrides()}):
        return load_settings()
