"""Fields of the ledger that a setting lists, as columns of ``fct_sessions``: decided at each build.

What is added is plain SQL, so that every engine that builds the models can build these, too.
"""

from __future__ import annotations

from dataclasses import replace

from pipelines.errors import ModelError
from pipelines.warehouse.project import Column, Model, Project, in_order
from pipelines.warehouse.settings import ModelSettings

FIELDS = "staging.stg_printora__session_fields"
SESSIONS = "analytics.fct_sessions"


def with_fields(project: Project, settings: ModelSettings) -> Project:
    """Return the project with a column for each field that the settings list.

    Raises:
        ModelError: ``fct_sessions`` has a column of that name already.
    """
    columns = {name.replace(".", "_"): name for name in settings.fields}
    if not columns:
        return project
    changed = {FIELDS: _told, SESSIONS: _widened}
    models = [
        changed[model.qualified](model, columns) if model.qualified in changed else model
        for model in project.models
    ]
    return replace(project, models=in_order(models))


def _told(model: Model, columns: dict[str, str]) -> Model:
    """Read each field out of the raw table's JSON: paths are constant, as engines like them."""
    parts = (
        f"select session_id, '{name}' as name, json_extract_string(fields, '$.{name}') as value "  # noqa: S608 - names are checked
        f"from printora_raw.sessions where json_extract_string(fields, '$.{name}') is not null"
        for name in columns
    )
    return replace(model, sql=" union all ".join(parts))


def _widened(model: Model, columns: dict[str, str]) -> Model:
    if taken := columns.keys() & {column.name for column in model.columns}:
        raise ModelError(
            f"{model.place}: it has a column {min(taken)} already.",
            hint="Take it out of SOURCES__PRINTORA__SESSION_FIELDS.",
        )
    own = [f"base.{column.name}" for column in model.columns]
    added = [f"of_{name}.value as {name}" for name in columns]
    joins = (
        f"left join {FIELDS} as of_{name} "
        f"on base.session_id = of_{name}.session_id and of_{name}.name = '{name}'"
        for name in columns
    )
    # On one line with the select's first, so that the lines in errors are the file's.
    select = ", ".join([*own, *added])
    meanings = tuple(
        Column(name, f"The ledger's field {path}; null where it says none that may be kept.")
        for name, path in columns.items()
    )
    return replace(
        model,
        sql=f"select {select} from ({model.sql}\n) as base {' '.join(joins)}",  # noqa: S608 - our own
        columns=model.columns + meanings,
        selected=tuple(column.name for column in model.columns + meanings),
        depends_on=(*model.depends_on, FIELDS),
    )
