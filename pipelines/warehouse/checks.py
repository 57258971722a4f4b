"""Running the checks: each is a query for rows that should not be there."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.errors import ModelError
from pipelines.warehouse.failure import failure
from pipelines.warehouse.project import Check, Project

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Rows of a failed check that are shown: enough to see what is wrong, few enough to read.
SAMPLE_ROWS = 5


@dataclass(frozen=True)
class CheckResult:
    """One check, run: how many rows offend, and the first few rows of its query, as text."""

    check: Check
    failures: int
    sample: tuple[dict[str, str | None], ...]

    @property
    def passed(self) -> bool:
        """Whether no row offends."""
        return self.failures == 0

    @property
    def is_error(self) -> bool:
        """Whether rows offend a check of severity error: readers keep what they have."""
        return self.check.severity == "error" and not self.passed


def run_checks(
    connection: DuckDBPyConnection, project: Project, select: Collection[str] | None = None
) -> list[CheckResult]:
    """Run the checks of these names; for None, those of ``sql/checks``.

    What the models' headers promise can be named, too; a build has checked it already. The
    warehouse may be open read-only.

    Raises:
        ModelError: the database refuses a check's query. That rows are found is no error.
    """
    every = (*project.promises, *project.checks)
    unknown = sorted(set(select or ()) - {check.name for check in every})
    if unknown:
        raise ModelError(f"There is no check {unknown[0]}.", hint="Each is a file in sql/checks/.")
    chosen = project.checks if select is None else [c for c in every if c.name in select]
    return [run_check(connection, check) for check in chosen]


def run_check(connection: DuckDBPyConnection, check: Check) -> CheckResult:
    """Run one check.

    Raises:
        ModelError: the database refuses its query.
    """
    import duckdb

    # The select keeps its own lines, and one more for a comment in its last.
    rows = f"({check.sql}\n)"
    try:
        counted = connection.execute(f"select {number_of(check)} from {rows}").fetchone()  # noqa: S608 - a file of ours
        failures = int(counted[0] or 0) if counted else 0
        sample = _sample(connection, rows) if failures else ()
    except duckdb.Error as error:
        raise failure(check.place, error, hint="The other checks were not run.") from error
    return CheckResult(check, failures, sample)


def number_of(check: Check) -> str:
    """Return how the offenders are counted: a row is one, unless it says how many it stands for."""
    return "sum(offenders)" if re.search(r"\bas offenders\b", check.sql) else "count(*)"


def _sample(connection: DuckDBPyConnection, rows: str) -> tuple[dict[str, str | None], ...]:
    # As text: what looks at it (a terminal, JSON, a web page) knows no decimals or time zones.
    cursor = connection.execute(
        f"select cast(columns(*) as varchar) from (from {rows} limit {SAMPLE_ROWS})"  # noqa: S608
    )
    names = [column[0] for column in cursor.description or ()]
    return tuple(dict(zip(names, row, strict=True)) for row in cursor.fetchall())
