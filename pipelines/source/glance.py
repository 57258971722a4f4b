"""What strategies see of a record: its key, when it was made and its status, and nothing else.

A first load sees each record so at once, and reads it whole with thousands of others later. It is
the careful path's own reading (``parse.py``); what a glance cannot be sure of is left to that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pipelines.source.fields import part_of, spelt_once
from pipelines.source.parse import Parser
from pipelines.source.times import usual
from pipelines.source.values import BadValueError, is_absent

#: Sets of names are few, unless they are ids, or somebody's words; so are statuses.
_MOST_PLANS = 512
#: An id that is read as it stands: too long for a word that says "none", and without capitals.
_PLAIN_KEY = re.compile("[0-9a-z][0-9a-z_.:-]{11,199}")


class Glance(NamedTuple):
    """What one record says of itself."""

    key: str
    made_at: datetime | None
    status: str | None


#: Where a column may stand, most telling first: a name as it is spelt, and steps inside its object.
_Places = list[tuple[str, list[str]]]


@dataclass(frozen=True)
class _Plan:
    """Where records of one set of names have the columns; ``first``: key, time and status."""

    places: dict[str, _Places]
    first: tuple[str, str, str] | None


class Glancer:
    """Looks at one list's records; ``made`` are the columns that say when a row was made."""

    def __init__(self, parser: Parser, made: Sequence[str]) -> None:
        self._parser = parser
        self._made = made
        self._plans: dict[tuple[Any, ...], _Plan | None] = {}
        #: Statuses that were read, by how they are spelt.
        self._words: dict[str, str] = {}

    def __call__(self, record: Any) -> Glance | None:
        """Return what a record says; None where only a reading of all of it can tell."""
        plan = self._plan(tuple(record)) if type(record) is dict else None
        if plan is None:
            return None
        return self._quickly(plan, record) or self._carefully(plan, record)

    def _quickly(self, plan: _Plan, record: dict[str, Any]) -> Glance | None:
        """Read the form that nearly all have."""
        if plan.first is None:
            return None
        key, moment, word = map(record.__getitem__, plan.first)
        if type(key) is str and type(word) is str and _PLAIN_KEY.fullmatch(key):
            made_at, status = usual(moment), self._words.get(word)
            if made_at and status:
                return Glance(key, made_at, status)
        return None

    def _carefully(self, plan: _Plan, record: dict[str, Any]) -> Glance | None:
        try:
            key = self._read(self._parser.shape.key, plan, record)
            if key is None:
                return None
            times = (self._read(column, plan, record) for column in self._made)
            made_at = next((at for at in times if at is not None), None)
            status = self._read("status", plan, record)
        except BadValueError:
            return None
        word = record[plan.first[2]] if plan.first else None
        if status and type(word) is str and not is_absent(word) and len(self._words) < _MOST_PLANS:
            self._words[word] = status
        return Glance(key, made_at, status)

    def _read(self, column: str, plan: _Plan, record: dict[str, Any]) -> Any:
        for name, steps in plan.places[column]:
            value = record[name]
            if steps and type(value) is str:
                raise BadValueError("may be an object in a text")
            for step in steps:
                value = part_of(value, step)
            if value is not None and not is_absent(value):
                return self._parser.value(column, value)
        return None

    def _plan(self, names: tuple[Any, ...]) -> _Plan | None:
        try:
            return self._plans[names]
        except KeyError:
            if len(self._plans) > _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[names] = self._planned(names)
            return plan

    def _planned(self, names: tuple[Any, ...]) -> _Plan | None:
        """Return where the columns stand in records of these names; None: a name stands twice."""
        plain = spelt_once(names)
        if plain is None:
            return None
        there = dict(zip(plain, names, strict=True))
        shape = self._parser.shape
        places: dict[str, _Places] = {}
        for column in (shape.key, "status", *self._made):
            split = (name.split(".") for name in shape.names[column])
            places[column] = [(there[top], steps) for top, *steps in split if top in there]
        key, moment, word = (places[column][:1] for column in (shape.key, self._made[0], "status"))
        if any(steps for _, steps in (*key, *moment, *word)) or not (key and moment and word):
            return _Plan(places, None)
        return _Plan(places, (key[0][0], moment[0][0], word[0][0]))
