"""The dlt source alone, without sync, models or Dagster: ``python -m pipelines [DESTINATION]``.

Loads into the dataset ``printora_lists`` of any destination that dlt knows, DuckDB unless one is
named. Credentials are dlt's own settings, as ``DESTINATION__POSTGRES__CREDENTIALS``.
"""

from __future__ import annotations

import sys

import dlt

from pipelines.errors import PrintoraError
from pipelines.printora import printora_source


def main(destination: str = "duckdb") -> int:
    """Load once and say what was loaded; return the exit code."""
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
