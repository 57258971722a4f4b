"""Answers that go wrong, by chance or by a script."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import numpy as np

from pipelines.errors import ConfigurationError

Fault = Literal[
    "error_500",
    "html_502",
    "html_503",
    "broken_json",
    "cut_connection",
    "slow",
    "slow_real",
    "empty_body",
    "wrong_envelope",
]

FAULTS: Final[tuple[str, ...]] = get_args(Fault)
#: These answer instead of the API; after the others, the API has done what it was asked.
INSTEAD: Final = ("error_500", "html_502", "html_503")


@dataclass(frozen=True)
class FaultPlan:
    """Which requests fail, and how."""

    chances: Mapping[str, float] = field(default_factory=dict)
    """Fault to its share of the requests, 0..1."""
    paths: str = ""
    """A regular expression: only requests whose `GET /api/v1/…` it is found in."""
    slow_seconds: float = 3.0
    """How long a slow answer takes: `slow` on the world's clock, `slow_real` in real time."""

    def __post_init__(self) -> None:
        _check(self.chances)
        re.compile(self.paths)
        if sum(self.chances.values()) > 1:
            raise ConfigurationError("The chances of all faults add up to more than 1.")


class Faults:
    """Draws each request's fault from the plan, or takes it from the script while there is one."""

    def __init__(self, plan: FaultPlan, seed: int) -> None:
        self.plan = plan
        self._chance = np.random.default_rng([seed, 5])
        self._script: deque[str] = deque()

    def script(self, faults: Iterable[str]) -> None:
        """Set what happens to the next matching requests, one each; ``ok`` lets one through."""
        wanted = list(faults)
        _check(name for name in wanted if name != "ok")
        self._script.extend(wanted)

    def next(self, method: str, path: str) -> str | None:
        """Return the fault that this request meets, or None."""
        if not re.search(self.plan.paths, f"{method} {path}"):
            return None
        if self._script:
            fault = self._script.popleft()
            return None if fault == "ok" else fault
        return self._draw()

    def _draw(self) -> str | None:
        chance = self._chance.random() if self.plan.chances else 1.0
        for name, part in self.plan.chances.items():
            chance -= part
            if chance < 0:
                return name
        return None


def _check(names: Iterable[str]) -> None:
    for name in names:
        if name not in FAULTS:
            raise ConfigurationError(
                f"There is no fault {name!r}.", hint=f"Choose one of {', '.join(FAULTS)}."
            )
