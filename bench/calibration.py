"""How often the intervals of the marts hold what happened in the sandbox, shape by shape.

    PYTHONPATH=.:tests/models python bench/calibration.py [worlds] [orders]

Builds so many worlds of each documented shape, 20 of 700 orders unless told otherwise, and prints
in Markdown how often each interval of the marts holds. Times and shares are held twice: against
what became of the world's own orders, and against what became of those of all worlds, which is the
rule that they follow. An interval of 95 % says how far chance moves a figure from the rule, so of
the rule it should hold in 95 of 100 cases. Of the world's own orders it holds nearly always: where
most of them have ended their stage, the figure is theirs, and chance has nothing left to move.
`tests/models` does the same with one world of each shape.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from calibration_support import SHAPES, Interval, built, intervals
from truth_world import History, Scenario


def main(worlds: int = 20, orders: int = 700) -> None:
    """Print the table: a line for each shape, a column for each figure."""
    held: dict[str, dict[str, list[bool]]] = {name: defaultdict(list) for name in SHAPES}
    for name, scenario in SHAPES.items():
        for interval in _of_shape(scenario, worlds, orders):
            held[name][interval.figure].append(interval.holds)
    names = list(dict.fromkeys(figure for found in held.values() for figure in found))
    print("| shape | " + " | ".join(names) + " |")
    print("| --- |" + " --- |" * len(names))
    for shape, found in held.items():
        print(f"| {shape} | " + " | ".join(_share(found[name]) for name in names) + " |")


def _of_shape(scenario: Scenario, worlds: int, orders: int) -> Iterator[Interval]:
    histories = [History.of(replace(scenario, seed=100 + seed), orders) for seed in range(worlds)]
    every = [order for history in histories for order in history.fates]
    for history in histories:
        warehouse = built(history)
        yield from intervals(history, warehouse)
        for interval in intervals(history, warehouse, every):
            if interval.figure != "forecast":  # it is about the world's own parcels
                yield interval._replace(figure=f"{interval.figure}, the rule")


def _share(held: list[bool]) -> str:
    return f"{sum(held) / len(held):.1%} of {len(held)}" if held else "none told"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
