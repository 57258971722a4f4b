"""How often the intervals of the marts hold what happened in the sandbox, shape by shape.

    PYTHONPATH=.:tests/models python bench/calibration.py [worlds] [orders]

Builds so many worlds of each documented shape, 20 of 700 orders unless told otherwise, holds each
interval of the marts against what happened, and prints the shares in Markdown. An interval of 95 %
should hold in 95 of 100 cases; those that looks widen hold more often. `tests/models` does the same
with one world of each shape.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import replace

from calibration_support import SHAPES, built, intervals
from truth_world import History


def main(worlds: int = 20, orders: int = 700) -> None:
    """Print the table: a line for each shape, a column for each figure."""
    held: dict[str, dict[str, list[bool]]] = {name: defaultdict(list) for name in SHAPES}
    for name, scenario in SHAPES.items():
        for seed in range(worlds):
            history = History.of(replace(scenario, seed=100 + seed), orders)
            for interval in intervals(history, built(history)):
                held[name][interval.figure].append(interval.holds)
    names = list(dict.fromkeys(figure for found in held.values() for figure in found))
    print("| shape | " + " | ".join(names) + " |")
    print("| --- |" + " --- |" * len(names))
    for shape, found in held.items():
        print(f"| {shape} | " + " | ".join(_share(found[name]) for name in names) + " |")


def _share(held: list[bool]) -> str:
    return f"{sum(held) / len(held):.1%} of {len(held)}" if held else "none told"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
