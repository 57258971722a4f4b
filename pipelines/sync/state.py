"""What one sync leaves to the next: typed, versioned, kept in the destination with the rows.

Version 2 is written; what an older version wrote is read in ``stored_state.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Literal, Self

from pipelines.destinations.where import JsonObject
from pipelines.sync.position import Order, ScanPosition

VERSION = 2

#: ``new``: never scanned to the end. ``verified``: the table held all that the list had.
#: ``inconclusive``: a proof failed once. ``unverified``: only a full scan can prove it again.
Standing = Literal["new", "verified", "inconclusive", "unverified"]


@dataclass(frozen=True)
class Withheld:
    """A finding that is not acted on before a later scan agrees: how many rows, and since when."""

    rows: int
    since: datetime


@dataclass(frozen=True)
class EndSeen:
    """The end of a list without total: by which scan, begun when, and the rows it had met.

    ``total_is_wrong``: the list gave a total, and more rows than that.
    """

    scan: str
    started_at: datetime
    rows: int
    total_is_wrong: bool = False


@dataclass(frozen=True)
class ListState:
    """One list, as the last sync left it. Times are the server's.

    ``high_water_mark``: all that was made until then is stored. ``contiguous_since``: until then
    the list's young end was read since. ``retention_cutoff``: the API has dropped what was made
    before. ``scan``: an unfinished full scan. ``scanned_at``: when the last one began,
    ``scan_requests`` what it took, ``scan_was_fruitless``: it proved nothing. ``total_is_wrong``:
    the API counts fewer rows than it shows, so that only scans that agree prove anything.
    ``scan_credit``: requests that scans may still take, and when that was so. ``shortfall``: rows
    that the last scan lacked; ``hidden``: rows that are counted and never shown, by two scans;
    ``hidden_looked_at``: when they were last looked for by themselves.
    ``bad``: places of records without a key. ``repeats_seen``: places at which the last scan met
    a row again; ``repeated``: so many did two scans. ``searched``: by status, so many more rows
    are counted than are known, and a search found none that moved.
    ``disappeared``: rows that the last scan missed in a mass. ``end_seen``: what the last scan of a
    list without total met. ``offset_ceiling``: the API refuses offsets from there on.
    ``page_limit``: rows that one answer can hold, where that is fewer than usual. ``paged_by``:
    rows of the pages that the API rounds offsets to, where it does.
    ``events_exact``: statuses of which events tell all that the list shows. ``miscounted``: how
    often the API's count of a status could not be explained. ``spellings``: statuses as the API
    spells them.
    """

    standing: Standing = "new"
    order: Order = "unknown"
    reason: str | None = None
    high_water_mark: datetime | None = None
    contiguous_since: datetime | None = None
    retention_cutoff: datetime | None = None
    scan: ScanPosition | None = None
    scanned_at: datetime | None = None
    scan_requests: int = 0
    scan_was_fruitless: bool = False
    total_is_wrong: bool = False
    scan_credit: float | None = None
    scan_credit_at: datetime | None = None
    shortfall: int = 0
    hidden: int = 0
    hidden_looked_at: datetime | None = None
    bad: int = 0
    repeats_seen: int = 0
    repeated: int = 0
    searched: Mapping[str, int] = field(default_factory=dict)
    disappeared: Withheld | None = None
    end_seen: EndSeen | None = None
    offset_ceiling: int | None = None
    page_limit: int | None = None
    paged_by: int | None = None
    rechecked_at: datetime | None = None
    reread_at: datetime | None = None
    events_exact: Mapping[str, bool] = field(default_factory=dict)
    miscounted: Mapping[str, int] = field(default_factory=dict)
    filters_ignored: bool = False
    spellings: Mapping[str, str] = field(default_factory=dict)

    @property
    def can_catch_up(self) -> bool:
        """Whether the list's young end can be read and joined to what is stored."""
        return self.high_water_mark is not None and self.order != "unknown"

    @property
    def is_trusted(self) -> bool:
        """Whether what changed since the high-water mark is all there is to read."""
        return self.standing in ("verified", "inconclusive") and not self.total_is_wrong

    def to_json(self) -> JsonObject:
        """Return the state as JSON keeps it."""
        return {name: _plain(value) for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` made."""
        times = {f.name for f in fields(cls) if f.type == "datetime | None"}
        values: JsonObject = {
            name: datetime.fromisoformat(value) if name in times and value else value
            for name, value in known(cls, kept).items()
        }
        if values.get("scan"):
            values["scan"] = ScanPosition(**known(ScanPosition, values["scan"]))
        if values.get("disappeared"):
            gone = values["disappeared"]
            values["disappeared"] = Withheld(gone["rows"], datetime.fromisoformat(gone["since"]))
        if values.get("end_seen"):
            end = values["end_seen"]
            started_at = datetime.fromisoformat(end["started_at"])
            values["end_seen"] = EndSeen(**end | {"started_at": started_at})
        return cls(**values)


@dataclass(frozen=True)
class Identity:
    """Whose data a warehouse holds. ``path``: of several APIs on one host, where this one is."""

    host: str
    partner: str
    mode: str
    version: str
    #: States of older versions do not tell: they are taken for those of the usual address.
    path: str = ""

    def __str__(self) -> str:
        mode = f"{self.mode} mode, " if self.mode else ""
        return f"partner {self.partner} at {self.host}{self.path} ({mode}API {self.version})"


@dataclass(frozen=True)
class SyncState:
    """All that one sync leaves to the next.

    ``observed_until``: the latest look that is loaded. ``server_offset``: by how many seconds the
    API's clock was ahead of this machine's when its answers last agreed.
    """

    lists: Mapping[str, ListState] = field(default_factory=dict)
    ledger: JsonObject = field(default_factory=dict)
    identity: Identity | None = None
    observed_until: datetime | None = None
    #: With which fields the ledger's marks were read; with others, it is read again.
    session_fields: tuple[str, ...] = ()
    server_offset: float | None = None

    def of(self, name: str) -> ListState:
        """Return one list's state; a new one where it was never read."""
        return self.lists.get(name, ListState())

    def to_json(self) -> JsonObject:
        """Return the state as JSON keeps it."""
        return {
            "version": VERSION,
            "lists": {name: state.to_json() for name, state in self.lists.items()},
            "ledger": self.ledger,
            "identity": _plain(self.identity),
            "observed_until": _plain(self.observed_until),
            "session_fields": list(self.session_fields),
            "server_offset": self.server_offset,
        }


def known(kind: type[Any], kept: Mapping[str, Any]) -> JsonObject:
    """Return the values, all of which the kind must know."""
    unknown = kept.keys() - {each.name for each in fields(kind)}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} is not known")
    return dict(kept)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, ScanPosition | Identity):
        return asdict(value)
    if isinstance(value, Withheld | EndSeen):
        return {name: _plain(part) for name, part in vars(value).items()}
    return dict(value) if isinstance(value, Mapping) else value
