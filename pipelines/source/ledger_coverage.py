"""How far the ledger's files were read, and what became of every byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from pipelines.words import counted

#: A writer ends its line within moments; a rest that is so old is none that it is still writing.
REST_MAY_LAST = timedelta(hours=6)


@dataclass(frozen=True)
class Mark:
    """How far a file was read, and what stood last before that.

    ``offset`` counts bytes, unzipped; ``lines`` and ``depth`` (arrays that are open) are where the
    next record begins; ``since`` is when its rest was first seen (ISO 8601), "" without one.
    """

    size: int
    modified: str
    offset: int
    lines: int
    tail: str
    records: int | None = None
    bad: int = 0
    depth: int = 0
    rest: int = 0
    since: str = ""

    @classmethod
    def of(cls, noted: Mapping[str, Any]) -> Mark:
        """Read a mark that this or another version noted."""
        known = {part.name for part in fields(cls)}
        return cls(**{name: value for name, value in noted.items() if name in known})


@dataclass(frozen=True)
class Rest:
    """The end of a file that is no record yet: so many bytes, first seen ``since``."""

    file: str
    bytes: int
    since: datetime


@dataclass(frozen=True)
class LedgerCoverage:
    """What became of the ledger's bytes, over all syncs. ``bad`` records are in quarantine.

    ``left_out`` are links that lead out of the ledger's folder.
    """

    files: int
    bytes_read: int
    records: int
    bad: int
    rests: tuple[Rest, ...] = ()
    left_out: tuple[str, ...] = ()

    def gap(self, now: datetime) -> str | None:
        """Say in a sentence why the ledger is not whole; None when it is.

        A young rest is a line that is being written: it belongs to the next sync.
        """
        if self.left_out:
            return f"{', '.join(self.left_out)} leads out of the ledger's folder and is not read"
        old = [rest for rest in self.rests if now - rest.since >= REST_MAY_LAST]
        if not old:
            return None
        told = ", ".join(f"{rest.file} ({counted(rest.bytes, 'byte')})" for rest in old)
        since = min(rest.since for rest in old)
        return (
            f"the ledger ends in a record without an end, since {since:%Y-%m-%d %H:%M} UTC: {told}"
        )

    def document(self) -> dict[str, Any]:
        """Return it as JSON's types, for the certificate."""
        rests = [{**asdict(rest), "since": rest.since.isoformat()} for rest in self.rests]
        return {**asdict(self), "rests": rests, "left_out": list(self.left_out)}
