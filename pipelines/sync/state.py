"""What one sync leaves to the next: typed, versioned, kept in the destination with the rows.

Version 2 is written. Version 1, which had no number, is read; any other is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Literal, Self, TypeVar

from pipelines.destinations.where import JsonObject
from pipelines.errors import WarehouseError

VERSION = 2

Order = Literal["newest_first", "oldest_first", "unknown"]
#: ``new``: never scanned to the end. ``verified``: the table held all that the list had.
#: ``inconclusive``: a proof failed once. ``unverified``: only a full scan can prove it again.
Standing = Literal["new", "verified", "inconclusive", "unverified"]

#: The least page that any text of the API knows: a shorter one was not cut, unless the server has
#: been seen to do so.
SMALLEST_PAGE = 20


@dataclass
class ScanPosition:
    """Where a full scan stands. Plain values, so that a later sync can take it up."""

    id: str = ""
    started_at: str = ""
    offset: int = 0
    #: Keys of the last page in order: the newest of them that a page holds is the place to go on.
    anchor: list[str] = field(default_factory=list)
    #: Where that page began and ended.
    page_offset: int = 0
    page_end: int = 0
    total: int | None = None
    first_total: int | None = None
    largest_total: int = 0
    #: More rows came than `total` says there are: it is not believed any more.
    total_is_wrong: bool = False
    #: So it was in an earlier scan, too.
    total_was_wrong: bool = False
    longest_page: int = 0
    #: The shortest page after which more rows came, and the length of the last one.
    smallest_cut: int = field(default_factory=lambda: SMALLEST_PAGE)
    last_page: int = field(default_factory=lambda: SMALLEST_PAGE)
    requests: int = 0
    restarts: int = 0
    idle: int = 0
    searches: int = 0
    #: While searching: an offset that lies before the lost place, and one that lies behind it.
    before: int | None = None
    behind: int | None = None
    last_made_at: str = ""
    falling: bool = True
    rising: bool = True
    #: Places whose records are no rows, and places that are counted and not shown.
    bad: int = 0
    hidden: int = 0
    #: The offset of the page that is asked for again because it seemed to leave rows out, and how
    #: many.
    asked_again: int = -1
    #: The scan goes on behind places that are hidden.
    jumping: bool = False
    suspected: int = 0
    #: Pages were joined by their offsets alone: they hold one row, and so no overlap.
    is_blind: bool = False

    @property
    def order(self) -> Order:
        """How the rows stood."""
        if self.falling == self.rising:
            return "unknown"
        return "newest_first" if self.falling else "oldest_first"

    @property
    def is_mixed(self) -> bool:
        """Whether the rows were neither sorted the one way nor the other."""
        return not (self.falling or self.rising)

    @property
    def usable_total(self) -> int | None:
        """The list's length as the API last gave it; None where it turned out to be wrong."""
        return None if self.total_is_wrong or self.total_was_wrong else self.total

    def copy(self) -> ScanPosition:
        """Return the position as it is now."""
        return replace(self, anchor=list(self.anchor))


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
    ``bad``: places of records without a key.
    ``disappeared``: rows that the last scan missed in a mass. ``end_seen``: what the last scan of a
    list without total met. ``offset_ceiling``: the API refuses offsets from there on.
    ``page_limit``: rows that one answer can hold, where that is fewer than usual.
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
    disappeared: Withheld | None = None
    end_seen: EndSeen | None = None
    offset_ceiling: int | None = None
    page_limit: int | None = None
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
            for name, value in _of(cls, kept).items()
        }
        if values.get("scan"):
            values["scan"] = ScanPosition(**_of(ScanPosition, values["scan"]))
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
    """All that one sync leaves to the next. ``observed_until``: the latest look that is loaded."""

    lists: Mapping[str, ListState] = field(default_factory=dict)
    ledger: JsonObject = field(default_factory=dict)
    identity: Identity | None = None
    observed_until: datetime | None = None
    #: With which fields the ledger's marks were read; with others, it is read again.
    session_fields: tuple[str, ...] = ()

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
        }


def read_state(kept: Mapping[str, Any]) -> SyncState:
    """Read what a sync of this or of an older version left in the destination.

    Raises:
        WarehouseError: another version wrote it, or it is damaged.
    """
    version = kept.get("version", 1)
    try:
        if not kept:
            return SyncState()
        if version == 1:
            return _of_version_1(kept)
        if version == VERSION:
            return _of_version_2(kept)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WarehouseError(
            f"The sync state in the warehouse (version {version}) cannot be read: {error}.",
            hint="Restore the warehouse from a copy, or load into another file; "
            "nothing was changed.",
        ) from error
    raise WarehouseError(
        f"The sync state in the warehouse is of version {version}, and this program reads up to "
        f"{VERSION}.",
        hint="Update the program to the version that last wrote this warehouse; "
        "nothing was changed.",
    )


def _of_version_2(kept: Mapping[str, Any]) -> SyncState:
    until = kept.get("observed_until")
    return SyncState(
        lists={name: ListState.from_json(part) for name, part in kept["lists"].items()},
        ledger=dict(kept.get("ledger") or {}),
        identity=Identity(**kept["identity"]) if kept.get("identity") else None,
        observed_until=datetime.fromisoformat(until) if until else None,
        session_fields=tuple(kept.get("session_fields") or ()),
    )


def _of_version_1(kept: Mapping[str, Any]) -> SyncState:
    parts = {name: part for name, part in kept.items() if name != "ledger"}
    return SyncState(
        lists={name: _list_of_version_1(part) for name, part in parts.items()},
        ledger=dict(kept.get("ledger") or {}),
    )


def _list_of_version_1(part: Mapping[str, Any]) -> ListState:
    def time(name: str) -> datetime | None:
        return datetime.fromisoformat(part[name]) if part.get(name) else None

    if part.get("order") not in (None, "newest_first", "oldest_first", "unknown"):
        raise ValueError(f"order is {part['order']!r}")
    standing: Standing = "verified" if part.get("proven") else "unverified"
    if part.get("frontier") is None:
        standing = "new"
    elif part.get("proven") and part.get("unsettled"):
        standing = "inconclusive"
    began, requests = part.get("walked") or (None, 0)
    return ListState(
        standing=standing,
        order=part.get("order", "unknown"),
        reason=part.get("doubt"),
        high_water_mark=time("frontier"),
        contiguous_since=time("joined"),
        retention_cutoff=time("horizon"),
        scan=_scan_of_version_1(part.get("walk")),
        scanned_at=datetime.fromisoformat(began) if began else None,
        scan_requests=requests,
        rechecked_at=time("retried_read_at"),
        events_exact=dict(part.get("events_exact") or {}),
    )


def _scan_of_version_1(walk: Mapping[str, Any] | None) -> ScanPosition | None:
    if not walk:
        return None
    position = ScanPosition(**_of(ScanPosition, walk))
    position.page_end = position.offset + min(2, len(position.anchor))
    position.page_offset = max(position.page_end - len(position.anchor), 0)
    return position


T = TypeVar("T")


def _of(kind: type[Any], kept: Mapping[str, Any]) -> JsonObject:
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
