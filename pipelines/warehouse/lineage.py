"""Which column comes from which: read from the SQL, without the database."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.source.schema import TABLES
from pipelines.warehouse.project import BUILD_SETTINGS, RAW_SCHEMA, Model, Project
from pipelines.warehouse.settings import ModelSettings

if TYPE_CHECKING:
    from sqlglot.lineage import Node
    from sqlglot.optimizer import Scope

_log = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class ColumnSource:
    """A column of a model or raw table that another column is computed from."""

    table: str
    column: str


#: A model's columns, each with those that it is computed from: none for a constant or count(*).
ModelLineage = Mapping[str, tuple[ColumnSource, ...]]


class Lineage:
    """The column lineage of a project's models."""

    def __init__(self, project: Project) -> None:
        self._schema = _schema_of(project)

    def of(self, model: Model) -> ModelLineage:
        """Return where each column of the model comes from.

        A column that cannot be followed has no sources, and a warning in the log: the pipeline
        does not stop for the sake of a picture.
        """
        scope = self._scope(model)
        return {column.name: self._follow(model, column.name, scope) for column in model.columns}

    def _scope(self, model: Model) -> Scope | None:
        """Qualify the select once for all of its columns: that is most of the work."""
        import sqlglot
        from sqlglot.optimizer import build_scope
        from sqlglot.optimizer.qualify import qualify

        try:
            query = sqlglot.parse_one(model.sql, dialect="duckdb")
            return build_scope(
                qualify(query, schema=self._schema, dialect="duckdb", identify=False)
            )
        except Exception as error:  # Whatever it is: this is decoration.
            _log.warning("%s: no column lineage: %s", model.place, error)
            return None

    def _follow(self, model: Model, column: str, scope: Scope | None) -> tuple[ColumnSource, ...]:
        from sqlglot.lineage import lineage

        if scope is None:
            return ()
        try:
            # Trimming copies the select for each column and step; the sources are the same.
            node = lineage(
                column,
                scope.expression,
                scope=scope,
                dialect="duckdb",
                copy=False,
                trim_selects=False,
            )
            return tuple(sorted({source for leaf in node.walk() if (source := _source(leaf))}))
        except Exception as error:
            _log.warning("%s: no lineage of %s: %s", model.place, column, error)
            return ()


def _source(node: Node) -> ColumnSource | None:
    from sqlglot import exp

    table = node.expression
    if not isinstance(table, exp.Table) or not table.db:
        return None
    return ColumnSource(f"{table.db}.{table.name}", node.name.rpartition(".")[2])


def _schema_of(project: Project) -> dict[str, Any]:
    """Return the names of all columns, nested as sqlglot wants them; their types do not matter."""
    tables = {f"{RAW_SCHEMA}.{table.name}": [c.name for c in table.columns] for table in TABLES}
    tables |= {model.qualified: [c.name for c in model.columns] for model in project.models}
    tables[BUILD_SETTINGS] = list(ModelSettings.__dataclass_fields__)
    nested: dict[str, Any] = {}
    for qualified, columns in tables.items():
        schema, _, name = qualified.partition(".")
        nested.setdefault(schema, {})[name] = dict.fromkeys(columns, "unknown")
    return nested
