"""Files that are no code: beside the packages in a checkout, inside of one in a wheel."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def shipped(name: str) -> Path:
    """Return where a file or folder of the repository is, such as ``sql``.

    The wheel carries it in ``pipelines`` (see pyproject.toml), so that nothing else of an
    environment can have its name. The path is returned whether or not anything is there.
    """
    package = Path(str(files("pipelines")))
    inside = package / name
    return inside if inside.exists() else package.parent / name
