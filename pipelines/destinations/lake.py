"""A lake as the destination: dlt merges Delta tables, and a local mirror answers the questions.

Nobody is there to ask in a lake, so the rows are kept here as well, in a mirror. It counts while
each table of the lake is of the very version that the mirror notes: Delta counts the commits of a
table, whoever makes them, and each table has an id that no other has.

1. dlt merges the rows into the lake, table by table, and notes the state last.
2. Only then the mirror takes the same rows, and notes the versions that the lake has now.

Whoever is killed in between leaves a mirror of other versions than the lake's: it is copied anew.
So a mirror never knows of rows that the lake lacks. What a certificate counts, it counts there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import dlt

from pipelines.clock import Clock, SystemClock
from pipelines.destinations.base import DATASET
from pipelines.destinations.batches import Batch, to_arrow
from pipelines.destinations.faults import readable_errors
from pipelines.destinations.lake_edits import push
from pipelines.destinations.mirror import Mirror, Mirrored
from pipelines.destinations.packages import Packages
from pipelines.destinations.where import JsonObject
from pipelines.source.schema import Table
from pipelines.warehouse.lake import Lake, Version, copy_raw, open_lake
from pipelines.warehouse.lake_lock import Lease, writer_lease
from pipelines.warehouse.lake_upkeep import Upkeep, compact, erase

#: A table in a folder of its name, as every engine reads it.
_LAYOUT = "{table_name}/{load_id}.{file_id}.{ext}"


class LakeDestination(Mirrored):
    """One bucket, opened for one sync by its only writer. Use as a context manager.

    ``mirror``: the file that answers. ``pipelines_dir``: where dlt keeps packages on their way.
    """

    def __init__(
        self, url: str, mirror: Path, pipelines_dir: str | None, clock: Clock | None = None
    ) -> None:
        super().__init__()
        self._url = url
        self._clock = clock or SystemClock()
        there = dlt.destinations.filesystem(bucket_url=url, layout=_LAYOUT)
        self._packages = Packages(there, pipelines_dir, table_format="delta")
        self._mirror = Mirror(mirror, self._clock)
        self._stack = ExitStack()
        self._lake: Lake
        self._lease: Lease
        #: The versions that the mirror is of; None: it is of none.
        self._known: dict[str, Version] | None = None
        self.state: JsonObject = {}

    def __enter__(self) -> LakeDestination:
        with ExitStack() as stack:
            self._lake = open_lake(self._url)
            with readable_errors():
                lease = writer_lease(self._lake, clock=self._clock)
                self._lease = stack.enter_context(lease)
                stack.callback(self._mirror.close)
                self._packages.open()
                self._begin()
                self._lake.ensure_raw_tables()
                self.state = self._packages.state()
                self._open_mirror()
            self._stack = stack.pop_all()
        return self

    def counted(self, table: Table) -> dict[str | None, int]:
        """Count the rows in the lake; where the mirror has others, it is thrown away."""
        with readable_errors():
            there = self._lake.counted(table)
        if there != super().counted(table):
            self._note(None)
        return there

    def load(self, rows: Mapping[Table, Batch], state: JsonObject) -> None:
        """Merge the rows and note the state, in one package; then take them into the mirror."""
        batches = {table: to_arrow(table, part) for table, part in rows.items() if part}
        with readable_errors():
            self._lease.check()
            before = self._lake.versions()
            is_sure, self._known = before == self._known, None
            self._packages.load(batches, state)
            self.state = dict(state)
            self._lease.check()
            now = self._lake.versions()
        changed = {f"{DATASET}.{table.name}" for table in batches}
        self._known = now if is_sure and _are_ours(before, now, changed) else None
        self._mirror.merge(batches, _text(self._known))

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Let others of this process change the mirror's rows; then change the lake's."""
        with self._mirror.edited() as changed_from:
            yield
            if before := changed_from():
                with self._changing():
                    erase(self._lake, push(self._lake, self._mirror.connection, before))

    def compact(self, kept_hours: int) -> list[Upkeep]:
        """Merge small files and delete old ones; see :func:`pipelines.warehouse.lake_upkeep`."""
        with self._changing():
            return compact(self._lake, kept_hours)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Change the lake to what the mirror has already, and note its versions afterwards."""
        with readable_errors():
            self._lease.check()
            is_sure = self._lake.versions() == self._known
            yield
            self._note(self._lake.versions() if is_sure else None)

    def _begin(self) -> None:
        """Make the dataset where it is missing; one that a killed process left half is empty."""
        folder, files = f"{self._lake.root}/{DATASET}", self._lake.files
        if files.isdir(folder) and not files.ls(folder, detail=False):
            files.rmdir(folder)
        self._packages.begin()

    def _open_mirror(self) -> None:
        now = self._lake.versions()
        if self._mirror.package() == _text(now):
            self._mirror.read_columns()
        else:
            self._mirror.derive(_text(now) or "", partial(copy_raw, self._lake))
        self._known = now
        self.columns = self._mirror.columns

    def _note(self, versions: dict[str, Version] | None) -> None:
        self._known = versions
        self._mirror.note(_text(versions))


def _are_ours(before: Mapping[str, Version], now: Mapping[str, Version], changed: set[str]) -> bool:
    """Tell whether nobody but one package changed the tables in between."""
    return before.keys() == now.keys() and all(
        version == before[name]
        or (name in changed and version[:2] == (before[name][0], before[name][1] + 1))
        for name, version in now.items()
    )


def _text(versions: Mapping[str, Version] | None) -> str | None:
    return None if versions is None else json.dumps(versions, sort_keys=True)
