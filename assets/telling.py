"""Telling Dagster what was made: what was selected, and what had to be made along with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg


@dataclass(frozen=True)
class Told:
    """An asset that an op has made, with its data version and what was checked of it."""

    key: dg.AssetKey
    stamp: str
    metadata: dict[str, Any]
    checks: Sequence[dg.AssetCheckResult] = ()

    def to(self, context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        """Yield the result if it was selected; log it else, so that Dagster knows of it, too."""
        if self.key in context.selected_asset_keys:
            asked = context.selected_asset_check_keys
            yield dg.MaterializeResult(
                asset_key=self.key,
                metadata=self.metadata,
                data_version=dg.DataVersion(self.stamp),
                check_results=[
                    check
                    for check in self.checks
                    if dg.AssetCheckKey(self.key, str(check.check_name)) in asked
                ],
            )
        else:
            tags = {"dagster/data_version": self.stamp}
            context.log_event(dg.AssetMaterialization(self.key, metadata=self.metadata, tags=tags))
