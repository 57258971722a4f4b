"""``printora compact``: the upkeep of a lake."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pipelines.cli import failures, terminal, warehouses
from pipelines.cli.options import Json
from pipelines.errors import ConfigurationError
from pipelines.words import counted


def compact(
    *,
    keep_hours: Annotated[
        int, typer.Option(min=0, help="Keep the files of versions as old as this for readers.")
    ] = 24 * 7,
    json: Json = False,
) -> None:
    """Keep a lake fast: merge small files, delete those of old versions. Once a night is enough.

    No row changes, and readers go on; it waits for a run that writes.
    """
    from pipelines.destinations.lake import LakeDestination
    from pipelines.settings import lake_url, local_path

    terminal.wishes.json = json
    if (url := lake_url()) is None:
        raise ConfigurationError(
            "There is no lake to compact: the destination is another.",
            hint="Set DESTINATION_TYPE=filesystem and DESTINATION__FILESYSTEM__BUCKET_URL.",
        )
    path = local_path()
    with (
        warehouses.loaded(),
        warehouses.writing(),
        LakeDestination(url, path, str(path.parent / "dlt")) as lake,
    ):
        done = lake.compact(keep_hours)
    merged, deleted = sum(part.merged for part in done), sum(part.deleted for part in done)
    terminal.show(
        f"{counted(len(done), 'table')}: {counted(merged, 'file')} merged, "
        f"{counted(deleted, 'old one')} gone."
    )
    if json:
        tables = [asdict(part) for part in done]
        terminal.print_json({"exit_code": failures.DONE, "tables": tables})
