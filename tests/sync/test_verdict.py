"""The verdict alone: no numbers but those that agree make "complete"."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pipelines.sync.state import ListState, Standing
from pipelines.sync.verdict import (
    TRANSITIONS,
    ClockReading,
    Evidence,
    Inconclusive,
    NeedsScan,
    Proof,
    Verdict,
    Verified,
    after,
    judge,
    objection,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLOCK = ClockReading(AT, AT)
SMALL = st.integers(0, 6)

EVIDENCE = st.builds(
    Evidence,
    proof=st.sampled_from(Proof),
    words=st.just("orders"),
    as_of=st.sampled_from([AT - timedelta(hours=1), AT, AT + timedelta(days=1)]),
    ended_at=st.just(AT),
    clock=st.sampled_from([CLOCK, replace(CLOCK, doubt="two answers differ by a day")]),
    total=st.none() | SMALL,
    stored=SMALL,
    bad=st.integers(0, 2),
    hidden=st.integers(0, 2),
    repeated=st.integers(0, 2),
    uncovered=st.sampled_from([None, None, "two pages do not join"]),
    counts=st.dictionaries(st.sampled_from(["paid", "shipped"]), st.tuples(SMALL, SMALL)),
    searched=st.dictionaries(st.sampled_from(["paid", "shipped"]), st.integers(-1, 2)),
    ends_seen=st.integers(0, 2),
    withheld=st.sampled_from([0, 0, 3]),
    oldest_answer=st.sampled_from([0.0, 30.0, 86_400.0]),
    damaged_share=st.sampled_from([0.0, 0.2, 0.9]),
    went_back=st.sampled_from([0, 0, 0, 2]),
    same_identity=st.sampled_from([True, True, False]),
)


def test_good_evidence_is_a_proof() -> None:
    """A verdict that refuses everything would hold all other tests here."""
    good = Evidence(Proof.COUNTS, "orders", AT, AT, CLOCK, 10, 9, bad=1, counts={"paid": (9, 9)})
    assert objection(good) is None
    ended = Evidence(Proof.END_SEEN, "orders", AT, AT, CLOCK, None, 9, ends_seen=2)
    assert objection(ended) is None


@given(EVIDENCE)
@settings(max_examples=2_000, deadline=None)
def test_complete_is_built_from_numbers_that_agree(evidence: Evidence) -> None:
    """Rows would be missing, stale or another partner's under the word complete."""
    try:
        Verified(evidence)
    except ValueError:
        return
    is_ledger = evidence.proof is Proof.LEDGER
    assert evidence.same_identity
    assert is_ledger or evidence.clock.doubt is None
    assert evidence.as_of <= evidence.ended_at + timedelta(seconds=5)
    assert evidence.oldest_answer <= 60
    assert not evidence.withheld
    assert not evidence.went_back
    assert evidence.uncovered is None
    if evidence.total is None:
        assert is_ledger or (evidence.proof is Proof.END_SEEN and evidence.ends_seen >= 2)
    else:
        counts = evidence.counts
        beside = evidence.bad + evidence.hidden + evidence.repeated
        assert evidence.stored + beside == evidence.total
        assert all(api >= ours for api, ours in evidence.counts.values())
        gaps = {s: api - ours for s, (api, ours) in counts.items() if api != ours}
        assert gaps in ({}, evidence.searched)


#: One thing that is wrong, of each kind.
WRONG: dict[str, dict[str, Any]] = {
    "a row is missing": {"stored": 9},
    "a row is too many": {"stored": 11},
    "another partner": {"same_identity": False},
    "a clock in doubt": {"clock": replace(CLOCK, doubt="it leapt")},
    "a time to come": {"as_of": AT + timedelta(minutes=1)},
    "a cache": {"oldest_answer": 61.0},
    "deletions withheld": {"withheld": 1},
    "a hole": {"uncovered": "the server repeats its pages"},
    "no total": {"total": None},
    "a moved row": {"counts": {"paid": (4, 5), "shipped": (6, 5)}},
    "a status that lacks rows": {"counts": {"paid": (6, 5)}},
    "a gap that nobody searched": {"stored": 9, "bad": 1, "counts": {"paid": (6, 5)}},
    "unreadable records": {"stored": 5, "bad": 5},
    "damaged values": {"damaged_share": 0.9},
    "rows that went back": {"went_back": 1},
}


@pytest.mark.parametrize("kind", WRONG)
def test_each_wrong_thing_alone_is_an_objection(kind: str) -> None:
    """One of the checks would be dead."""
    good = Evidence(Proof.COUNTS, "orders", AT, AT, CLOCK, 10, 10)
    verdict = judge(replace(good, **WRONG[kind]), otherwise=Inconclusive)
    assert isinstance(verdict, Inconclusive)
    assert verdict.reason


def test_rows_that_went_back_alone_call_for_no_scan() -> None:
    """Each order that is put back while a long list is scanned would cost another scan."""
    good = Evidence(Proof.FULL_SCAN, "orders", AT, AT, CLOCK, 10, 10, went_back=1)
    assert isinstance(judge(good, otherwise=NeedsScan), Inconclusive)
    assert isinstance(judge(replace(good, stored=9), otherwise=NeedsScan), NeedsScan)


@given(
    st.sampled_from(sorted(TRANSITIONS)),
    st.lists(st.sampled_from(["verified", "inconclusive", "needs scan"]), max_size=6),
)
@settings(max_examples=300, deadline=None)
def test_only_a_proof_leads_back_to_verified(standing: Standing, happenings: list[str]) -> None:
    """A list would be trusted again because nothing was asked of it."""
    good = Evidence(Proof.COUNTS, "orders", AT, AT, CLOCK, 1, 1)
    verdicts: dict[str, Verdict] = {
        "verified": Verified(good),
        "inconclusive": Inconclusive("the counts differ"),
        "needs scan": NeedsScan("the order is not what it was"),
    }
    state = ListState(standing=standing)
    for each in happenings:
        before, state = state, after(state, verdicts[each])
        assert (state.standing == "verified") == (each == "verified")
        if before.standing in ("inconclusive", "unverified") and each != "verified":
            assert state.standing == "unverified"
        assert (state.reason is None) == (each == "verified")
