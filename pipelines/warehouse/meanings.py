"""What a column means, written once: ``= schema.model`` stands for what it means there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.errors import ModelError

if TYPE_CHECKING:
    from pipelines.warehouse.project import Column, Model

_SAME_AS = "= "


def with_meanings(models: Iterable[Model]) -> list[Model]:
    """Return the models with the meanings of all their columns.

    Raises:
        ModelError: there is no such column there, or it is not described there either.
    """
    known = list(models)
    meanings = {
        (model.qualified, column.name): column.description
        for model in known
        for column in model.columns
        if not column.description.startswith(_SAME_AS)
    }
    return [
        replace(m, columns=tuple(_with_meaning(m, column, meanings) for column in m.columns))
        for m in known
    ]


def _with_meaning(model: Model, column: Column, meanings: Mapping[tuple[str, str], str]) -> Column:
    if not column.description.startswith(_SAME_AS):
        return column
    meaning = meanings.get((column.description.removeprefix(_SAME_AS), column.name))
    if meaning is None:
        raise ModelError(
            f"{model.place}: {column.name} means {column.description!r}, where nothing says it.",
            hint="Write `= schema.model`, of a model that describes a column of this name.",
        )
    return replace(column, description=meaning)
