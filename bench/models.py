"""Time and memory of every model at two sizes side by side: nothing grows faster than its input.

    python bench/models.py [orders ...]

Fills the raw tables by `synthetic_world.sql` (3.7 logs and 2.9 sessions per order), builds all of
`sql/` in a process of its own for each size, and prints a table in Markdown. Linux only: the peak
of each model is the kernel's, reset before it. Seconds are the clock's; CPU seconds are of all
threads, and hardly change when the machine has other work.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipelines.warehouse import ModelSettings
from pipelines.warehouse.build import ModelResult, build
from pipelines.warehouse.checks import run_checks
from pipelines.warehouse.connection import connect
from pipelines.warehouse.raw import ensure_raw_tables
from pipelines.warehouse.sql_files import load_project

SIZES = (100_000, 1_000_000)
#: What DuckDB may use. The process has some more: Python, Arrow, and what the allocator keeps.
MEMORY = "2200MB"
WORLD = Path(__file__).with_name("synthetic_world.sql")

#: Model to rows, seconds, CPU seconds and peak MB.
Measures = dict[str, tuple[int, float, float, float]]


def main(arguments: list[str]) -> None:
    """Measure each size in a process of its own, and print the table."""
    if arguments[:1] == ["--one"]:
        print(json.dumps(measure(int(arguments[1]))))
        return
    sizes = [int(argument) for argument in arguments] or list(SIZES)
    print(table({size: in_own_process(size) for size in sizes}))


def in_own_process(orders: int) -> Measures:
    """Return the measures of one size; memory that an earlier one left would spoil them."""
    command = [sys.executable, __file__, "--one", str(orders)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    measures: Measures = json.loads(done.stdout)
    return measures


def measure(orders: int) -> Measures:
    """Fill, build and check a warehouse, and measure all of it."""
    with tempfile.TemporaryDirectory() as folder, connect(Path(folder) / "bench.duckdb") as db:
        db.execute(f"set memory_limit = '{MEMORY}'; set threads = 2")
        ensure_raw_tables(db)
        for statement in WORLD.read_text().replace("$orders", str(orders)).split("\n;\n"):
            db.execute(statement)
        db.execute("checkpoint")
        every, models, checks = Stopwatch(), Stopwatch(), Stopwatch()
        measures: Measures = {}

        def note(result: ModelResult) -> None:
            _, cpu, peak = models.lap()
            measures[result.name] = (result.rows, result.seconds, cpu, peak)

        models.lap()
        build(db, load_project(), ModelSettings(), on_model=note)
        seconds, cpu, _ = every.lap()
        peak = max(measure[3] for measure in measures.values())
        measures["all models"] = (0, seconds, cpu, peak)
        checks.lap()
        run_checks(db, load_project())
        measures["all checks"] = (0, *checks.lap())
    return measures


class Stopwatch:
    """Seconds, CPU seconds and the peak of memory between two laps."""

    def __init__(self) -> None:
        self._clock, self._cpu = time.perf_counter(), time.process_time()

    def lap(self) -> tuple[float, float, float]:
        """Return what passed since the last lap, and let the kernel measure the peak anew."""
        clock, cpu = time.perf_counter(), time.process_time()
        passed = clock - self._clock, cpu - self._cpu
        self._clock, self._cpu = clock, cpu
        status = Path("/proc/self/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        Path("/proc/self/clear_refs").write_text("5")
        return *passed, int(peak.split()[1]) / 1024


def table(by_size: dict[int, Measures]) -> str:
    """Return the measures as Markdown; ratios are of the last size to the first."""
    head = ["model"]
    for size in by_size:
        head += [f"rows at {size:,}", "seconds", "CPU seconds", "peak MB"]
    head += ["times the rows", "times the CPU"]
    lines = [head, ["---"] * len(head)]
    measured = list(by_size.values())
    first, last = measured[0], measured[-1]
    for name in sorted(last, key=lambda name: (not name.startswith("all"), -last[name][2])):
        cells = [f"`{name}`"]
        for measures in by_size.values():
            rows, seconds, cpu, peak = measures[name]
            cells += [f"{rows:,}" if rows else "", f"{seconds:.2f}", f"{cpu:.2f}", f"{peak:.0f}"]
        grown = f"{last[name][0] / first[name][0]:.1f}" if first[name][0] else ""
        slower = f"{last[name][2] / first[name][2]:.1f}" if last[name][2] >= 0.2 else ""
        lines.append([*cells, grown, slower])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main(sys.argv[1:])
