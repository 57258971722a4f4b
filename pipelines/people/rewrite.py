"""Writing the database file anew, so that deleted bytes are not in it any more."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from pipelines.errors import WarehouseError
from pipelines.warehouse.catalog import literal
from pipelines.warehouse.connection import ensure_database, log_of


def rewrite(path: Path) -> None:
    """Copy every table and view into a new file, and put it in the old one's place.

    The caller holds the warehouse's lock, and nobody has the file open. It takes as much room again
    until it is done.

    Raises:
        WarehouseError: there is no room, or the folder is not writable; the old file stays.
    """
    import duckdb

    aside = path.with_name(f".{path.name}.rewritten")
    try:
        aside.unlink(missing_ok=True)  # what a killed run left
        ensure_database(aside)
        with duckdb.connect(":memory:") as connection:
            connection.execute("set autoinstall_known_extensions = false")
            connection.execute(f"attach {literal(str(path))} as before_it (read_only)")
            connection.execute(f"attach {literal(str(aside))} as after_it")
            connection.execute("copy from database before_it to after_it")
        shutil.copymode(path, aside)
        aside.replace(path)
    except (OSError, duckdb.Error) as error:
        raise WarehouseError(
            f"{path} cannot be written anew, and what was deleted can still be read in its bytes: "
            f"{str(error).splitlines()[0].rstrip('.')}.",
            hint="Make room for a second copy beside it, and run again.",
        ) from error
    finally:
        for left in (aside, log_of(aside)):
            with suppress(OSError):
                left.unlink()
