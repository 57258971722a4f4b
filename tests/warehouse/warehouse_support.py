"""Small projects, written by the tests that read them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def write_model(
    root: Path, name: str, select: str, columns: Sequence[str] | Mapping[str, str], **fields: Any
) -> Path:
    """Write a model, such as ``analytics/a``, with a complete header; ``fields`` replace parts."""
    if not isinstance(columns, Mapping):
        columns = {column: f"The {column}." for column in columns}
    header = {"description": f"About {name}.", "grain": "one row per row", "columns": columns}
    return write(root, name, select, {**header, **fields})


def write_check(root: Path, name: str, select: str, models: Sequence[str], **fields: Any) -> Path:
    """Write a check with a complete header."""
    header = {"description": "Something broke.", "models": list(models), "todo": "Mend it."}
    return write(root, f"checks/{name}", select, {**header, **fields})


def write(root: Path, name: str, select: str, header: Mapping[str, Any]) -> Path:
    """Write a file with this header; a field that is None is left out."""
    fields = {key: value for key, value in header.items() if value is not None}
    path = root / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=100)
    path.write_text(f"/*\n{text}*/\n{select}\n", encoding="utf-8")
    return path


def start_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start another process that runs the code, with the repository on its path."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_python(code: str, *arguments: object) -> str:
    """Run the code in another process and return what it prints."""
    with start_python(code, *arguments) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output
