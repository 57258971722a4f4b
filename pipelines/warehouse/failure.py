"""The database's errors as ours: with the file and the line in it."""

from __future__ import annotations

import re

from pipelines.errors import ModelError


def failure(place: str, error: Exception, *, hint: str) -> ModelError:
    """Return DuckDB's error as one that names the file and the line in it."""
    text = str(error).strip()
    line = re.search(r"LINE (\d+):", text)
    return ModelError(f"{place}:{line[1]}: {text}" if line else f"{place}: {text}", hint=hint)
