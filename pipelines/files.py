"""Who may read the files that are made: their owner alone, unless they are made for readers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_OWNER_ONLY, _EVERYBODY_READS = 0o077, 0o022


def keep_to_owner() -> None:
    """Make every file of this process 0600 and every folder 0700, from now on."""
    os.umask(_OWNER_ONLY)


@contextmanager
def for_readers() -> Iterator[None]:
    """Make files and folders that everybody may read, as far as those above them let anybody in."""
    before = os.umask(_EVERYBODY_READS)
    try:
        yield
    finally:
        os.umask(before)
