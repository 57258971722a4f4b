"""Reading rows again that no event told of, found by halving."""

from __future__ import annotations

from pipelines.sync.listrun import RECONCILE_REQUESTS, ListRun
from pipelines.sync.protocol import Strategy
from pipelines.sync.reconcile import reconcile
from pipelines.sync.refetch import refetch


def repair(run: ListRun, status: str | None, total: int) -> Strategy[bool]:
    """Find the rows that came under a status or left it, and read them again.

    Without a status: those that came into the list or left it. Tell whether all was searched, and
    no known row is lacking there.
    """
    pending, spec = run.shared.pending, run.spec
    before = pending.count_news(spec.table)
    left = yield from reconcile(
        spec, run.state, run.copy, status, total, at_most=RECONCILE_REQUESTS
    )
    if left:
        yield from refetch(run.order, left, "repair", at_most=RECONCILE_REQUESTS)
    run.certificate.rows_repaired += pending.count_news(spec.table) - before
    return left is not None and not left
