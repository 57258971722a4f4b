"""What the rate governor makes of the limits: a long load against the sandbox's own counting.

Time is handed in, so that hours pass in seconds. Prints a Markdown table:

    python bench/pacing.py
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate

from pipelines.client import RateGovernor
from pipelines.client.wire import V1_0, V1_1, Contract
from pipelines.clock import ManualClock
from pipelines.sandbox.limits import Limits, Meter

#: Sunday, 1 March 2026, 12:00:21.7 UTC: somewhere within a minute.
START = 1_772_366_421.7
WINDOWS = 20


@dataclass(frozen=True)
class Case:
    """One configuration. ``per`` is the window whose limit binds, in seconds."""

    name: str
    contract: Contract = V1_0
    limits: Limits = field(default_factory=Limits)
    per: int = 60
    windows: int = WINDOWS
    reserve: float = 0.2
    latency: tuple[float, float] = (0.05, 0.4)
    skew: float = -437.7

    @property
    def permitted(self) -> int:
        """Requests that each window holds for us."""
        limit = next(limit for limit in self.contract.limits if limit.seconds == self.per)
        return round(limit.requests * (1 - self.reserve))


@dataclass(frozen=True)
class Outcome:
    """What a load came to. ``seconds`` are those of the simulated clock."""

    requests: int
    refused: int
    shop_requests: int
    shop_refused: int
    seconds: float


def cases() -> Iterator[Case]:
    """Yield the configurations that the table shows."""
    for window in ("fixed", "sliding"):
        limits = Limits(window=window)
        yield Case(f"60/min, {window}", limits=limits)
        yield Case(f"60/min, {window}, nothing reserved", limits=limits, reserve=0.0)
        yield Case(f"60/min, {window}, 0.05 s latency", limits=limits, latency=(0.05, 0.05))
        yield Case(f"60/min, {window}, 0.4 s latency", limits=limits, latency=(0.4, 0.4))
        shop = Limits(window=window, production_per_minute=10)
        yield Case(f"60/min, {window}, a shop that takes 10/min", limits=shop)
        day = Limits(window=window, headers="tightest")
        yield Case(f"10,000/day, {window}", limits=day, per=86_400, windows=2)
        hour = Limits(100, 1_000, 3_600.0, window=window, headers="tightest")
        yield Case(f"1,000/h (1.1), {window}", V1_1, hour, per=3_600, windows=5)


def load(case: Case) -> Outcome:
    """Make as many requests as the windows hold, and the first of the next window."""
    clock = ManualClock(START)
    meter = Meter(case.limits, START + case.skew)
    governor = RateGovernor(
        case.contract.limits, clock=clock, reserve_share=case.reserve, max_wait=90_000
    )
    chance = random.Random(7)  # noqa: S311 - latencies
    requests, refused = case.permitted * case.windows, 0
    for _ in range(requests):
        governor.acquire()
        sent = clock.now()
        clock.sleep(chance.uniform(*case.latency) / 2)
        at = clock.now() + case.skew
        allowed = meter.allow(at)
        headers = {name.lower(): value for name, value in meter.headers(at).items()}
        headers["date"] = formatdate(at, usegmt=True)
        clock.sleep(chance.uniform(*case.latency) / 2)
        governor.release(sent, 200 if allowed else 429, headers)
        refused += not allowed
    governor.acquire()
    took = clock.now() - START
    return Outcome(requests, refused, meter.shop_requests, meter.shop_refused, took)


def main() -> None:
    """Print the table."""
    began = time.perf_counter()
    print("| load | requests | 429 | shop refused | permitted | achieved | of it |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for case in cases():
        outcome = load(case)
        unit = {60: "min", 3_600: "h", 86_400: "day"}[case.per]
        rate = outcome.requests / (outcome.seconds / case.per)
        print(
            f"| {case.name} | {outcome.requests:,} | {outcome.refused} "
            f"| {outcome.shop_refused} of {outcome.shop_requests:,} "
            f"| {case.permitted:,}/{unit} | {rate:,.1f}/{unit} | {rate / case.permitted:.1%} |"
        )
    print(f"\nReserve 20 %, server clock 438 s behind, {time.perf_counter() - began:.1f} s to run.")


if __name__ == "__main__":
    main()
