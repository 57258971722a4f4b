"""The header of a file in ``sql/``: a block comment that holds YAML, before the select."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from pipelines.errors import ModelError

# libyaml reads a header ten times as fast, and is in PyYAML's wheels.
if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeLoader
else:
    from yaml import CSafeLoader as SafeLoader

_BLOCK = re.compile(r"\s*/\*(?P<yaml>.*?)\*/", re.DOTALL)


class Header:
    """The fields of one header, each asked for by name and type.

    Every refusal names the file, so that the text alone is enough to find the mistake.
    """

    def __init__(self, place: str, fields: Mapping[str, Any]) -> None:
        self.place = place
        self._fields = dict(fields)

    def text(self, name: str) -> str:
        """Return a text that must be there, on one line."""
        value = self._fields.pop(name, None)
        if not isinstance(value, str) or not value.strip():
            self.refuse(f"its header has no {name}", f"Add `{name}: …`, as text.")
        return " ".join(value.split())

    def maybe(self, name: str) -> str | None:
        """Return a text on one line, or null where it is not there."""
        return self.text(name) if name in self._fields else None

    def choice(self, name: str, choices: tuple[Any, ...]) -> Any:
        """Return one of the choices; the first is the default."""
        value = self._fields.pop(name, choices[0])
        if value not in choices:
            self.refuse(f"{name} is {value!r}", f"Write {' or '.join(map(str, choices))}.")
        return value

    def names(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        """Return a list of texts, empty when it is not there and need not be."""
        value = self._fields.pop(name, [])
        is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if not is_list or (required and not value):
            self.refuse(f"its header has no list of {name}", f"Add `{name}: […]`, names in it.")
        return tuple(value)

    def choices(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return a mapping of names to lists of texts, empty when it is not there."""
        value = self._fields.pop(name, {})
        lists = value.values() if isinstance(value, dict) else [None]
        if not all(isinstance(each, list) and each == [*map(str, each)] for each in lists):
            self.refuse(f"{name} is no mapping of columns to texts", f"Write `{name}: {{a: […]}}`.")
        return {str(key): tuple(each) for key, each in value.items()}

    def targets(self, name: str) -> dict[str, str]:
        """Return a mapping of names to texts, empty when it is not there."""
        return dict(self.meanings(name)) if name in self._fields else {}

    def meanings(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return an ordered mapping of names to texts that must be there."""
        value = self._fields.pop(name, None)
        if not isinstance(value, dict) or not value:
            self.refuse(f"its header has no {name}", f"Add `{name}:`, and `name: meaning` each.")
        for key, meaning in value.items():
            if not isinstance(key, str) or not isinstance(meaning, str) or not meaning.strip():
                self.refuse(f"{name}: {key} has no meaning", "Write `name: what it means`.")
        return tuple((key, " ".join(meaning.split())) for key, meaning in value.items())

    def finish(self) -> None:
        """Refuse fields that nobody asked for: they are misspelt."""
        if self._fields:
            self.refuse(
                f"its header has an unknown field {next(iter(self._fields))!r}",
                "Correct its spelling, or remove it.",
            )

    def refuse(self, what: str, hint: str) -> NoReturn:
        """Raise a ModelError that names the file."""
        raise ModelError(f"{self.place}: {what}.", hint=hint)


class _StrictLoader(SafeLoader):
    """YAML in which a name that is given twice is a mistake, not an overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                problem = f"{name!r} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def read_file(path: Path, place: str) -> tuple[Header, str]:
    """Return a file's header and its select.

    The select begins with as many empty lines as the header is long, so that a line number in an
    error of the parser or the database is the file's own.
    """
    text = path.read_text(encoding="utf-8")
    block = _BLOCK.match(text)
    if block is None:
        raise ModelError(
            f"{place}: it does not begin with a header.",
            hint="Begin the file with /* … */ that holds description, grain and columns as YAML.",
        )
    sql = "\n" * block[0].count("\n") + text[block.end() :].rstrip().removesuffix(";")
    first_line = text[: block.start("yaml")].count("\n")
    return Header(place, read_fields(block["yaml"], place, first_line)), sql


def read_fields(text: str, place: str, first_line: int = 0) -> Mapping[str, Any]:
    """Return a mapping that is written as YAML; ``first_line`` is where it begins in its file."""
    try:
        fields = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{first_line + mark.line + 1}" if mark else ""
        raise ModelError(
            f"{place}{line}: its header is not YAML: {getattr(error, 'problem', None) or error}.",
            hint='A text with ": " or " #" in it needs quotes, or `>-` and a line of its own.',
        ) from None
    if not isinstance(fields, dict):
        raise ModelError(
            f"{place}: its header is not a mapping.", hint="Write `description: …` and so on."
        )
    return fields
