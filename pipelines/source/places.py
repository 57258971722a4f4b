"""Where the columns stand in records of one shape: found once, instead of in each record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.source.names import snake

#: The keys that lead to a value, as they are spelt.
Path = tuple[str, ...]


@dataclass
class Opened:
    """The objects, by name, inside which columns are looked for."""

    parts: dict[str, Opened] = field(default_factory=dict)
    _keys: dict[Path, list[tuple[str, Opened]]] = field(default_factory=dict)

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
        inner = self._keys.get(keys)
        if inner is None:
            inner = self._keys[keys] = self._inner(keys)
        if not inner:
            return keys, ()
        shapes = [
            part.shape_of(value) if type(value := record[key]) is dict else None
            for key, part in inner
        ]
        return keys, tuple(shapes)

    def path(self, name: str, shape: Shape) -> Path | None:
        """Return the keys that lead to a name in records of a shape; None where none do."""
        step, _, rest = name.partition(".")
        keys, shapes = shape
        key = key_of(step, keys)
        if key is None or not rest:
            return None if key is None else (key,)
        place = [opened for opened, _ in self._keys[keys]].index(key)
        inner = shapes[place]
        found = None if inner is None else self.parts[step].path(rest, inner)
        return None if found is None else (key, *found)

    def _inner(self, keys: Path) -> list[tuple[str, Opened]]:
        found = ((key_of(name, keys), part) for name, part in self.parts.items())
        return [(key, part) for key, part in found if key is not None]


#: Names, and the shapes of the opened objects among them; None for one that is no object.
Shape = tuple[Path, tuple[Any, ...]]


def key_of(name: str, keys: Path) -> str | None:
    """Return a name as it is spelt among the keys."""
    return name if name in keys else next((key for key in keys if snake(str(key)) == name), None)
