"""What the API and the ledger say, as rows; and the dlt source, ``printora``, for its users."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.printora import printora as printora


def __getattr__(name: str) -> Any:
    """Return the dlt source, once it is asked for: it stands above this package, and loads dlt."""
    if name == "printora":
        return importlib.import_module("pipelines.printora").printora
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
