"""A ``printora`` process that is begun from one that has imported everything."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.cli import main


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], out: Path, err: Path
) -> None:
    """Be the command in that folder, with that environment and nothing of this one."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["printora", *arguments]
    sys.stdout, sys.stderr = (path.open("w", encoding="utf-8") for path in (out, err))
    os.dup2(sys.stdout.fileno(), 1)
    os.dup2(sys.stderr.fileno(), 2)
    try:
        main()
    finally:
        atexit._run_exitfuncs()  # processes of multiprocessing leave without
