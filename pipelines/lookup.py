"""Where a setting stands: the environment, then .dlt/secrets.toml, then .dlt/config.toml.

The places and their order are dlt's own, read here without it: dlt takes a second to import, and
``printora status`` is to answer within one.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pipelines.errors import ConfigurationError

FILES = ("secrets.toml", "config.toml")
Documents = tuple[tuple[Path, Mapping[str, Any]], ...]
_OVERRIDES: ContextVar[Mapping[str, object]] = ContextVar("settings", default={})  # noqa: B039 - never changed in place
_READ: ContextVar[Documents | None] = ContextVar("documents", default=None)


@contextmanager
def overridden(values: Mapping[str, object]) -> Iterator[None]:
    """Let these settings, by their dotted names, win over all others inside the block.

    For who configures in code, such as a Dagster resource; only this thread of work sees them.
    """
    token = _OVERRIDES.set({**_OVERRIDES.get(), **values})
    try:
        yield
    finally:
        _OVERRIDES.reset(token)


@contextmanager
def read_once() -> Iterator[None]:
    """Read the files once for all that is looked up inside the block."""
    token = _READ.set(tuple(documents()))
    try:
        yield
    finally:
        _READ.reset(token)


def lookup(path: str) -> Any:
    """Return the value of a dotted name; None where nothing sets it.

    Raises:
        ConfigurationError: a file that may set it cannot be read.
    """
    if path in _OVERRIDES.get():
        return _OVERRIDES.get()[path]
    variable = path.replace(".", "__").upper()
    if variable in os.environ:
        return os.environ[variable]
    for _, document in documents():
        value = _step_into(document, path)
        if value is not None:
            return value
    return None


def documents() -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Return the files that are there with what they say, the first to be heeded first."""
    if (read := _READ.get()) is not None:
        yield from read
        return
    for name in FILES:
        for folder in (_project_folder(), _global_folder()):
            path = folder / name
            if (document := _read(path)) is not None:
                yield path, document


def _step_into(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        text = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"{path} cannot be read: {text}.", hint='It is TOML: name = "value", one a line.'
        ) from error


def _project_folder() -> Path:
    return Path(os.environ.get("DLT_PROJECT_DIR", "."), os.environ.get("DLT_CONFIG_FOLDER", ".dlt"))


def _global_folder() -> Path:
    """Return the folder of the user's settings for all projects."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/dlt")
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path's raises without a home
    if not os.access(home, os.W_OK):
        return Path(tempfile.gettempdir(), "dlt")
    if "XDG_DATA_HOME" in os.environ and not (home / ".dlt").is_dir():
        return Path(os.environ["XDG_DATA_HOME"], "dlt")
    return home / ".dlt"
