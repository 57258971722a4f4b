"""Where dlt's own settings say that the data goes; what is not proven there is refused by name.

A destination that is set and not heeded would look like a success, while the rows are elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.errors import ConfigurationError

#: dlt's names of the setting, the nearer one first.
SETTINGS = ("pipelines.printora.destination_type", "destination_type")
#: Of dlt's destinations, what is missing before printora can load into them and build there.
MISSING = {
    "postgres": "its models are proven, but the sync does not load into it yet",
    "filesystem": "the sync does not load into a lake yet: merged rows would be appended twice",
    "snowflake": "no sync and no model was ever run on it",
    "bigquery": "no sync and no model was ever run on it",
    "databricks": "no sync and no model was ever run on it",
    "motherduck": "no sync was ever run on it, and its lock for a single writer is missing",
    "redshift": "no sync and no model was ever run on it",
    "clickhouse": "most models do not compile to its SQL, and no sync was ever run on it",
}


def refuse_unproven(setting: Callable[[str], Any]) -> None:
    """Refuse every destination but DuckDB; ``setting`` looks a name up as dlt does.

    Raises:
        ConfigurationError: with what is missing, and what to do.
    """
    name = next((found for found in SETTINGS if setting(found)), None)
    if name is None:
        return
    given = str(setting(name)).strip()
    kind = given.rpartition(".")[2].lower()  # dlt takes `dlt.destinations.postgres`, too
    if kind == "duckdb":
        return
    variable = name.replace(".", "__").upper()
    why = MISSING.get(kind, "it is no destination that printora knows")
    raise ConfigurationError(
        f"{variable} is {given!r}: {why}. Only duckdb is taken.",
        hint=f"Unset {variable} (or `{name.rpartition('.')[2]}` in .dlt/config.toml), and name the "
        "DuckDB file in DESTINATION__DUCKDB__CREDENTIALS.",
    )
