"""The check of the certificates: is what was loaded complete, and how late is it?

A check of its own, because it has something to say above all when no sync runs any more.
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from assets.ingestion import resource_key
from assets.resources import WarehouseResource
from assets.running import POOL
from assets.settings import Automation
from pipelines.cli.certificates import Freshness, read_freshness
from pipelines.clock import SystemClock, utc
from pipelines.lists import RESOURCES
from pipelines.source.schema import COMPLETE, FAILED
from pipelines.words import spoken

CHECK = "certificate"


@dataclass(frozen=True)
class Evaluation:
    """What a certificate comes to. ``is_serious`` tells an error from a warning."""

    passed: bool
    is_serious: bool
    text: str


def certificate_checks(automation: Automation) -> dg.AssetChecksDefinition:
    """Return one check for each resource."""

    @dg.multi_asset_check(
        name="certificates",
        specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=resource_key(resource),
                description="The last sync proved that the table holds all that there is, and "
                "that is not long ago.",
            )
            for resource in RESOURCES
        ],
        can_subset=True,
        pool=POOL,
        description="Judges what the last syncs proved.",
    )
    def certificates(
        context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.AssetCheckResult]:
        now = utc(SystemClock().now())
        with warehouse.open(context, read_only=True) as connection:
            found = read_freshness(connection)
        for key in sorted(context.selected_asset_check_keys, key=str):
            certificate = found.get(key.asset_key.path[-1])
            as_of = certificate.complete_as_of if certificate else None
            yield result(key, judge(certificate, now, automation), as_of)

    return certificates


def judge(certificate: Freshness | None, now: datetime, automation: Automation) -> Evaluation:
    """Say whether the resource is complete and current.

    An error: no sync, a failed one, or nothing recent. A warning: late, or not proven to be whole,
    as in a first load that takes days, or without a ledger.
    """
    if certificate is None:
        return Evaluation(False, True, "It was never synced.")
    late = how_late(certificate.complete_as_of or certificate.ended_at, now, automation)
    if certificate.outcome == FAILED:
        return Evaluation(False, True, f"The last sync failed: {certificate.reason}")
    if certificate.outcome != COMPLETE and not late.is_serious:
        return Evaluation(False, False, f"It is not proven to be complete: {certificate.reason}")
    return late


def how_late(as_of: datetime, now: datetime, automation: Automation) -> Evaluation:
    """Say whether data of that time is late: a warning, and after a while an error."""
    age = now - as_of
    text = f"It is {spoken(age)} old."
    return Evaluation(age <= automation.warn_after, age > automation.fail_after, text)


def result(
    key: dg.AssetCheckKey, evaluation: Evaluation, as_of: datetime | None
) -> dg.AssetCheckResult:
    """Return what Dagster shows of an evaluation of data that is proven as of then."""
    error, warning = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        check_name=key.name,
        asset_key=key.asset_key,
        passed=evaluation.passed,
        severity=error if evaluation.is_serious else warning,
        description=evaluation.text,
        metadata={"complete_as_of": dg.MetadataValue.timestamp(as_of)} if as_of else None,
    )
