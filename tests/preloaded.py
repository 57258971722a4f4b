"""Processes that are begun from one that has imported everything, and so begin at once.

What they import costs more than most of what the tests have them do.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from typing import Any
from unittest import mock

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["warm"])


@cache
def _begin() -> None:
    """Start the one that they are begun from, where it sees the folder of the tests.

    Before Python 3.13 it does not, and what it cannot import it leaves out in silence.
    """
    with mock.patch.dict(os.environ, PYTHONPATH=str(Path(__file__).parent)):
        forkserver.ensure_running()


def process(target: Callable[..., None], *arguments: Any) -> Any:
    """Return a process that is to be started, with the settings that the environment has now."""
    _begin()
    return _CONTEXT.Process(target=_as_here, args=(dict(os.environ), target, *arguments))


def _as_here(environment: dict[str, str], target: Callable[..., None], *arguments: Any) -> None:
    """Do not have the settings of the test that began the one which all are begun from."""
    os.environ.clear()
    os.environ.update(environment)
    target(*arguments)
