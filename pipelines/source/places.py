"""Where the columns stand in records of one shape: found once, instead of in each record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.source.names import snake

#: The keys that lead to a value, as they are spelt.
Path = tuple[str, ...]


@dataclass(eq=False)
class Names:
    """The names in an object: there is one for each set of them, so that it is quickly compared."""

    keys: tuple[str, ...]
    opened: list[tuple[str, Opened]]


@dataclass(eq=False)
class Opened:
    """The objects, by name, inside which columns are looked for."""

    parts: dict[str, Opened] = field(default_factory=dict)
    _known: dict[tuple[str, ...], Names] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Iterable[str]) -> Opened:
        """Return what has to be opened to find these names."""
        root = cls()
        for name in names:
            here = root
            for step in name.split(".")[:-1]:
                here = here.parts.setdefault(step, cls())
        return root

    def shape_of(self, record: Mapping[str, Any]) -> Shape:
        """Return the names in a record, and in what is opened of it."""
        keys = tuple(record)
        names = self._known.get(keys)
        if names is None:
            names = self._known[keys] = Names(keys, self._inner(keys))
        if not names.opened:
            return names, ()
        shapes = [
            part.shape_of(value) if type(value := record[key]) is dict else None
            for key, part in names.opened
        ]
        return names, tuple(shapes)

    def path(self, name: str, shape: Shape) -> Path | None:
        """Return the keys that lead to a name in records of a shape; None where none do."""
        step, _, rest = name.partition(".")
        names, shapes = shape
        key = key_of(step, names.keys)
        if key is None or not rest:
            return None if key is None else (key,)
        inner = shapes[[opened for opened, _ in names.opened].index(key)]
        found = None if inner is None else self.parts[step].path(rest, inner)
        return None if found is None else (key, *found)

    def _inner(self, keys: Path) -> list[tuple[str, Opened]]:
        found = ((key_of(name, keys), part) for name, part in self.parts.items())
        return [(key, part) for key, part in found if key is not None]


#: Names, and the shapes of the opened objects among them; None for one that is no object.
Shape = tuple[Names, tuple[Any, ...]]


def key_of(name: str, keys: Path) -> str | None:
    """Return a name as it is spelt among the keys."""
    return name if name in keys else next((key for key in keys if snake(str(key)) == name), None)
