"""The asset checks: one for each file in ``sql/checks``."""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.

from collections.abc import Iterator

import dagster as dg

from assets.describing import asset_key
from assets.resources import PartnerResource, WarehouseResource
from assets.running import POOL
from pipelines.warehouse import Check, CheckResult, Project, read_state, run_checks

_SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


def model_checks(project: Project) -> dg.AssetChecksDefinition:
    """Return the checks of a project, in one op with one connection, each to be run on its own."""

    @dg.multi_asset_check(
        name="checks",
        specs=[check_spec(check) for check in project.checks],
        can_subset=True,
        pool=POOL,
        description="Looks for rows that should not be there.",
    )
    def checks(
        context: dg.AssetCheckExecutionContext,
        partner: PartnerResource,
        warehouse: WarehouseResource,
    ) -> Iterator[dg.AssetCheckResult]:
        selected = {key.name for key in context.selected_asset_check_keys}
        with warehouse.open(context, read_only=True) as connection:
            stale = read_state(connection, project, partner.models()).stale
            unfit = [c for c in project.checks if c.name in selected and stale & set(c.depends_on)]
            results = run_checks(connection, project, selected - {check.name for check in unfit})
        yield from map(check_result, results)
        for check in unfit:
            yield _not_run(check, stale)

    return checks


def check_spec(check: Check) -> dg.AssetCheckSpec:
    """Return a check of ``sql/checks``, or one of what a model's header promises."""
    guarded, *others = (asset_key(name) for name in check.models)
    return dg.AssetCheckSpec(
        _name(check),
        asset=guarded,
        additional_deps=others,
        blocking=check.severity == "error" and check.blocking,
        description=check.description,
        metadata={"file": check.place, "what to do": check.todo},
    )


def _not_run(check: Check, stale: frozenset[str]) -> dg.AssetCheckResult:
    """On tables of different ages a check would find what the next build mends."""
    tables = ", ".join(sorted(stale & set(check.depends_on)))
    return dg.AssetCheckResult(
        check_name=_name(check),
        asset_key=asset_key(check.models[0]),
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Not run: {tables} is older than its data, settings or file. Build it first.",
    )


def check_result(result: CheckResult) -> dg.AssetCheckResult:
    """Return what a check found, with its first rows and what to do."""
    check = result.check
    return dg.AssetCheckResult(
        check_name=_name(check),
        asset_key=asset_key(check.models[0]),
        passed=result.passed,
        severity=_SEVERITIES[check.severity],
        metadata={"offending rows": result.failures}
        if result.passed
        else {
            "offending rows": result.failures,
            "what to do": check.todo,
            "first rows": _table(result),
        },
    )


def _name(check: Check) -> str:
    """Return the name beside its asset: a promise has the model's before its own."""
    return check.name.rpartition("__")[2]


def _table(result: CheckResult) -> dg.TableMetadataValue:
    records = [dg.TableRecord(row) for row in result.sample]
    schema = dg.TableSchema([dg.TableColumn(name) for name in result.sample[0]])
    return dg.MetadataValue.table(records, schema)
