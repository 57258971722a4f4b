"""The tests' own estimators, compared with lifelines: a truth that is wrong proves nothing."""

from __future__ import annotations

import random
import warnings

import pytest
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from truth_estimators import CANCELLED, ENDED, OPEN, incidence, quantile, wilson

CODES = {OPEN: 0, ENDED: 1, CANCELLED: 2}


def _subjects(seed: int, outcomes: tuple[str, ...]) -> list[tuple[float, str]]:
    """Return subjects without ties, which lifelines would shift at random."""
    chance = random.Random(seed)  # noqa: S311 - a test's choice
    return [(chance.expovariate(0.1) + 1e-6 * i, chance.choice(outcomes)) for i in range(300)]


@pytest.mark.parametrize("seed", range(3))
def test_aalen_johansen_agrees_with_lifelines(seed: int) -> None:
    """A loop of ours that was wrong in the same way as the SQL would hide its mistake."""
    subjects = _subjects(seed, (ENDED, CANCELLED, OPEN))
    fitter = AalenJohansenFitter(calculate_variance=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitter.fit([t for t, _ in subjects], [CODES[o] for _, o in subjects], event_of_interest=1)
    curve = fitter.cumulative_density_.iloc[:, 0]
    for step in incidence(subjects):
        assert step.cumulative_ended == pytest.approx(curve.loc[step.time], abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_without_a_competing_risk_it_is_kaplan_meier(seed: int) -> None:
    """The median is the first time by which survival is a half or less, ties and all."""
    subjects = [(float(round(t)), o) for t, o in _subjects(seed, (ENDED, OPEN))]
    fitter = KaplanMeierFitter()
    fitter.fit([t for t, _ in subjects], [o == ENDED for _, o in subjects])
    steps = incidence(subjects)
    for step in steps:
        assert 1 - step.cumulative_ended == pytest.approx(fitter.predict(step.time), abs=1e-9)
    assert quantile(steps, 0.5) == fitter.median_survival_time_


def test_the_wilson_interval_is_the_textbooks() -> None:
    """Wilson (1927), 3 of 10: 0.1078 to 0.6032."""
    assert list(wilson(3, 10)) == pytest.approx([0.1078, 0.6032], abs=1e-4)
