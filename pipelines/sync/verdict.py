"""From evidence to a verdict: the one place where "complete" is said. Nothing here does I/O.

``Verified`` can only be built from numbers that agree. Everything else is ``Inconclusive`` (looked
at again by the next sync) or ``NeedsScan`` (only a full scan can prove the list again), with the
reason in plain words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pipelines.client.headers import UNKNOWN_AGE
from pipelines.sync.state import ListState, Standing
from pipelines.words import counted

#: An answer that a cache has kept for longer proves nothing.
OLDEST_ANSWER = 60.0
#: A load of which more than this share is unreadable, or damaged in a value, is not complete.
_MOST_BAD, _MOST_DAMAGED = 0.1, 0.5
_SOME_BAD = 3
#: How far the as-of time may lie after the end of the sync: two readings of one clock.
_SLACK = timedelta(seconds=5)


class Proof(StrEnum):
    """What a verdict rests on: the words that ``sync_runs.evidence`` has.

    ``COUNTS``: the list's length is that of the known rows, and so is the number of each status. Of
    rows that change as time passes, a status is not counted of which all known rows were just seen,
    nor the last one, which is the rest.
    """

    FULL_SCAN = "whole walk"
    COUNTS = "counts equal"
    END_SEEN = "end seen twice"
    LEDGER = "whole ledger"


@dataclass(frozen=True)
class ClockReading:
    """The server's clock and ours at one moment. ``doubt``: why the former is not believed."""

    server: datetime
    local: datetime
    doubt: str | None = None


@dataclass(frozen=True)
class Evidence:
    """All that is known of a list at the end of a proof.

    ``total``: rows of the list as the last answer counted them; None where no total is usable.
    ``stored``: rows in the warehouse that the API still has. ``bad``: places whose records are no
    rows; ``hidden``: rows that are counted and never shown; ``repeated``: places at which single
    answers show a row once more. ``uncovered``: why places of the list
    may not have been seen. ``counts``: by status what the API counts and what is stored;
    ``searched``: by how many they differ though nothing was found that moved.
    ``ends_seen``: how often the end of a list without total was reached with one outcome.
    ``withheld``: rows that are missing and not marked as deleted yet. ``oldest_answer``: age in
    seconds of the oldest answer that a cache gave. ``damaged_share`` of the rows read had a value
    that could not be read. ``behind``: rows of which events tell what the list, asked later, does
    not show. ``went_back``: rows that the list showed further on earlier in this sync.
    """

    proof: Proof
    words: str
    as_of: datetime
    ended_at: datetime
    clock: ClockReading
    total: int | None
    stored: int
    bad: int = 0
    hidden: int = 0
    repeated: int = 0
    uncovered: str | None = None
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    searched: Mapping[str, int] = field(default_factory=dict)
    ends_seen: int = 0
    withheld: int = 0
    oldest_answer: float = 0.0
    damaged_share: float = 0.0
    behind: int = 0
    went_back: int = 0
    same_identity: bool = True


def objection(evidence: Evidence) -> str | None:
    """Return why the evidence does not prove that the list is stored whole; None: it does."""
    e = evidence
    if not e.same_identity:
        return "the warehouse holds another partner's data"
    if e.oldest_answer > OLDEST_ANSWER:
        return f"an answer came out of a cache and was {_age(e.oldest_answer)} old"
    if e.clock.doubt is not None and e.proof is not Proof.LEDGER:  # which no server dates
        return f"the server's clock is in doubt: {e.clock.doubt}"
    if e.as_of > e.ended_at + _SLACK:
        return "the answers are of a time that has not come yet"
    if e.bad >= _SOME_BAD and e.bad > _MOST_BAD * (e.stored + e.bad):
        return f"{e.bad} of {e.stored + e.bad} records could not be read and are in quarantine"
    if e.damaged_share > _MOST_DAMAGED:
        return f"{e.damaged_share:.0%} of the rows have a value that could not be read"
    if e.withheld:
        return _withheld(e)
    if e.behind:
        return f"events tell of {e.behind} {e.words} what the list does not show"
    if e.uncovered is not None:
        return e.uncovered
    return _objection_to_numbers(e) or _objection_to_steps_back(e)


def _objection_to_numbers(e: Evidence) -> str | None:
    if e.total is None:
        if e.proof in (Proof.END_SEEN, Proof.LEDGER):
            if e.proof is Proof.END_SEEN and e.ends_seen < 2:
                return "the list gives no total, and its end was seen once: it takes two readings"
            return None
        return "the list gives no total"
    if e.proof is Proof.END_SEEN:
        return "the list gives a total, and it was not compared"
    if e.stored + e.bad + e.hidden + e.repeated != e.total:
        return _difference(e)
    return _objection_to_counts(e)


def _objection_to_counts(e: Evidence) -> str | None:
    gaps = gaps_of(e.counts)
    if gaps and not (gaps == e.searched and are_beside(gaps, e.bad + e.hidden + e.repeated)):
        return f"the counts of {', '.join(gaps)} differ"
    return None


def gaps_of(counts: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Return by status how many more rows the API counts than are stored, where it does."""
    return {status: api - ours for status, (api, ours) in counts.items() if api != ours}


def are_beside(gaps: Mapping[str, int], places: int) -> bool:
    """Tell whether so many places of which no row is stored may make the counts differ so."""
    return all(gap > 0 for gap in gaps.values()) and sum(gaps.values()) <= places


def _objection_to_steps_back(e: Evidence) -> str | None:
    if not e.went_back:
        return None
    return f"the list showed {e.went_back} {e.words} further on earlier in this sync"


def _age(seconds: float) -> str:
    return "nobody knows how" if seconds == UNKNOWN_AGE else f"{seconds:.0f} seconds"


def _difference(e: Evidence) -> str:
    kinds = ((e.bad, "unreadable"), (e.hidden, "hidden"), (e.repeated, "repeated"))
    beside = [f"{n} {what}" for n, what in kinds if n]
    known = f" ({', '.join(beside)} beside them)" if beside else ""
    return f"the API counts {e.total} {e.words}, {e.stored} are stored{known}"


def _withheld(e: Evidence) -> str:
    if e.withheld == e.stored:
        return (
            f"the list is empty, and the table has {counted(e.stored, 'row')}: it is believed when "
            "it stays so, or with --accept-deletions"
        )
    return (
        f"{e.withheld} of {e.stored} {e.words} are not in the list any more: they are marked as "
        "deleted when a later scan agrees, or with --accept-deletions"
    )


@dataclass(frozen=True)
class Verified:
    """The list is stored whole. Cannot be built from evidence that does not prove it."""

    evidence: Evidence

    def __post_init__(self) -> None:
        """Refuse evidence that proves nothing."""
        why = objection(self.evidence)
        if why is not None:
            raise ValueError(f"this is no proof: {why}")


@dataclass(frozen=True)
class Inconclusive:
    """Not proven this time; the next sync looks again."""

    reason: str


@dataclass(frozen=True)
class NeedsScan:
    """Only a full scan can prove the list again."""

    reason: str


Verdict = Verified | Inconclusive | NeedsScan


def judge(evidence: Evidence, *, otherwise: type[Inconclusive | NeedsScan]) -> Verdict:
    """Return the verdict; ``otherwise``: what evidence that proves nothing calls for.

    Rows that went back are few and known, and call for no scan: counting finds them.
    """
    why = objection(evidence)
    if why is None:
        return Verified(evidence)
    if objection(replace(evidence, went_back=0)) is None:
        return Inconclusive(why)
    return otherwise(why)


Happening = Literal["verified", "inconclusive", "needs scan"]
#: What becomes of a list's standing; ``docs/sync.md`` is drawn from this table.
TRANSITIONS: Mapping[Standing, Mapping[Happening, Standing]] = {
    "new": {"verified": "verified", "inconclusive": "inconclusive", "needs scan": "unverified"},
    "verified": {
        "verified": "verified",
        "inconclusive": "inconclusive",
        "needs scan": "unverified",
    },
    "inconclusive": {
        "verified": "verified",
        "inconclusive": "unverified",
        "needs scan": "unverified",
    },
    "unverified": {
        "verified": "verified",
        "inconclusive": "unverified",
        "needs scan": "unverified",
    },
}


def happening(verdict: Verdict) -> Happening:
    """Return the column of the table that a verdict stands for."""
    if isinstance(verdict, Verified):
        return "verified"
    return "inconclusive" if isinstance(verdict, Inconclusive) else "needs scan"


def after(state: ListState, verdict: Verdict) -> ListState:
    """Return the state that a verdict leads to."""
    standing = TRANSITIONS[state.standing][happening(verdict)]
    if isinstance(verdict, Verified):
        return replace(
            state, standing=standing, reason=None, high_water_mark=verdict.evidence.as_of
        )
    return replace(state, standing=standing, reason=verdict.reason)
