"""The dlt source alone, without sync, models or Dagster: ``python -m pipelines [DESTINATION]``.

Loads into the dataset ``printora_lists`` of any destination that dlt knows, DuckDB unless one is
named. Credentials are dlt's own settings, as ``DESTINATION__POSTGRES__CREDENTIALS``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pipelines.errors import PrintoraError


def main(destination: str = "duckdb") -> int:
    """Load once and say what was loaded; return the exit code."""
    # Before anything imports dlt: its folder is this one's, not one for all of the user's.
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("DLT_DATA_DIR", str(Path(".printora/dlt").resolve()))
    import dlt

    from pipelines.printora import printora_source

    pipeline = dlt.pipeline(
        "printora_source", destination=destination, dataset_name="printora_lists"
    )
    try:
        sys.stdout.write(f"{pipeline.run(printora_source())}\n")
    except Exception as error:
        ours = _ours(error)
        if ours is None:
            raise
        sys.stderr.write(f"{ours}\n")
        return ours.exit_code
    return 0


def _ours(error: BaseException | None) -> PrintoraError | None:
    """Return the error with a remedy that dlt's own is about, if there is one."""
    while error is not None and not isinstance(error, PrintoraError):
        error = error.__cause__ or error.__context__
    return error


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
