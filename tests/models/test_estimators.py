"""The tests' own estimators, compared with lifelines: a truth that is wrong proves nothing."""

from __future__ import annotations

import math
import random
import warnings

import pytest
from truth_estimators import (
    CANCELLED,
    ENDED,
    OPEN,
    Subject,
    incidence,
    interval,
    quantile,
    wilson,
)

#: lifelines takes a second to be there: one worker imports it, and only when it runs these.
pytestmark = pytest.mark.xdist_group("estimators")
CODES = {OPEN: 0, ENDED: 1, CANCELLED: 2}


def _subjects(seed: int, outcomes: tuple[str, ...], late: float = 0.0) -> list[Subject]:
    """Return subjects without ties, which lifelines would shift at random; some enter late."""
    chance = random.Random(seed)  # noqa: S311 - a test's choice
    found = []
    for i in range(300):
        time = chance.expovariate(0.1) + 1e-6 * i
        entered = chance.uniform(0, 8) if i > 50 and chance.random() < late else -1
        if time > entered:
            found.append(Subject(time, chance.choice(outcomes), entered))
    return found


@pytest.mark.parametrize("late", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_aalen_johansen_and_its_band_agree_with_lifelines(seed: int, late: float) -> None:
    """A loop of ours that was wrong in the same way as the SQL would hide its mistake."""
    from lifelines import AalenJohansenFitter

    subjects = _subjects(seed, (ENDED, CANCELLED, OPEN), late)
    fitter = AalenJohansenFitter(calculate_variance=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitter.fit(
            [s.time for s in subjects],
            [CODES[s.outcome] for s in subjects],
            event_of_interest=1,
            entry=[max(s.entered, 0) for s in subjects],
        )
    curve = fitter.cumulative_density_.iloc[:, 0]
    band = fitter.confidence_interval_
    for step in incidence(subjects):
        assert step.cumulative_ended == pytest.approx(curve.loc[step.time], abs=1e-9)
        low, high = band.loc[step.time]
        if step.cumulative_ended and not math.isnan(low):  # it divides by nobody at the last one
            assert (step.low, step.high) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_quantiles_interval_is_the_bands(seed: int) -> None:
    """Brookmeyer and Crowley: the times at which lifelines' band passes a half."""
    from lifelines import KaplanMeierFitter
    from lifelines.utils import median_survival_times

    subjects = _subjects(seed, (ENDED, OPEN))
    fitter = KaplanMeierFitter()
    fitter.fit([s.time for s in subjects], [s.outcome == ENDED for s in subjects])
    times = median_survival_times(fitter.confidence_interval_)
    low, high = interval(incidence(subjects), 0.5)
    assert sorted(times.iloc[0]) == pytest.approx([low, high], rel=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_without_a_competing_risk_it_is_kaplan_meier(seed: int) -> None:
    """The median is the first time by which survival is a half or less, ties and all."""
    from lifelines import KaplanMeierFitter

    subjects = [Subject(float(round(t)), o) for t, o, _ in _subjects(seed, (ENDED, OPEN))]
    fitter = KaplanMeierFitter()
    fitter.fit([s.time for s in subjects], [s.outcome == ENDED for s in subjects])
    steps = incidence(subjects)
    for step in steps:
        assert 1 - step.cumulative_ended == pytest.approx(fitter.predict(step.time), abs=1e-9)
    assert quantile(steps, 0.5) == fitter.median_survival_time_


def test_the_wilson_interval_is_the_textbooks() -> None:
    """Wilson (1927), 3 of 10: 0.1078 to 0.6032."""
    assert list(wilson(3, 10)) == pytest.approx([0.1078, 0.6032], abs=1e-4)
