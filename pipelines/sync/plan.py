"""One sync, from the plan to the certificate.

1. The ledger's files are looked at, and the first page of each list that needs a full scan is
   read: the first costs nothing, the second shows that the key and the contract hold. Until then
   nothing is written.
2. The ledger is read.
3. Full scans, page by page in turn, so that two first loads share the quota.
4. What was verified before is caught up with: logs first, because they tell where orders moved.
5. Full scans prove what feeds and counts could not, as far as their credit reaches; and rows that
   were seen long ago are read again.
6. The certificate. It is also written with every load on the way, as partial, so that a sync that
   was killed can be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from pipelines.client.errors import ApiError
from pipelines.errors import PrintoraError, QuotaExhausted
from pipelines.progress import Listener, Planned
from pipelines.source.schema import FAILED
from pipelines.sync import scan_credit
from pipelines.sync.catch_up import catch_up
from pipelines.sync.driver import Driver
from pipelines.sync.left_out import statuses_to_ask
from pipelines.sync.listrun import ListRun
from pipelines.sync.position import ScanPosition, step
from pipelines.sync.protocol import RequestRefused, Strategy
from pipelines.sync.reread import reread
from pipelines.sync.scanning import LONG_SCAN, scan_list
from pipelines.sync.verdict import Inconclusive, Verified, judge
from pipelines.sync.young_end import read_head
from pipelines.words import counted

#: What catching up with one list usually takes, in requests.
_CATCH_UP = 4
#: Scans of one list in one sync that prove again.
_SCANS = 3


def _may_be_a_wrong_partner(run: ListRun) -> bool:
    return run.spec.names_partner and run.state.standing == "new"


class Plan:
    """Which strategies run, in which order."""

    def __init__(
        self,
        driver: Driver,
        runs: Collection[ListRun],
        *,
        now: Callable[[], datetime],
        listener: Listener,
        quota_left: Callable[[], dict[str, int]],
        read_ledger: Callable[[], None],
        full: bool,
        reread_within: timedelta,
    ) -> None:
        self._driver = driver
        self._runs = list(runs)
        self._now = now
        self._listener = listener
        self._quota_left = quota_left
        self._read_ledger = read_ledger
        self._full = full
        self._reread_within = reread_within
        #: Lists that the API closes to this key.
        self.closed: set[str] = set()
        #: Whether each list that was asked for has answered.
        self.accepted = False

    def carry_out(self) -> None:
        """Run the sync, but for loading what is left and the certificate."""
        scanning = [run for run in self._runs if self._needs_scan(run)]
        resumed = {run.spec.name for run in scanning} & self._driver.scans.keys()
        try:
            self._begin(scanning)
        except QuotaExhausted:
            self._read_ledger()  # it costs nothing
            raise
        self.accepted = True
        try:
            self._read_and_prove(scanning, resumed)
        except PrintoraError:
            self._hold_against_events()
            raise
        self._reread()

    def _read_and_prove(self, scanning: Collection[ListRun], resumed: Collection[str]) -> None:
        self._tell(scanning)
        self._read_ledger()
        waiting = self._waiting(scanning)
        self._catch_up([run for run in self._runs if run.spec.name not in waiting])
        for run in self._open_runs():
            if run.spec.name in waiting:
                self._guard(run, read_head(run))
        self._driver.go_on(refused=self._refused)
        behind = [r for r in self._open_runs() if self._is_behind(r, waiting, resumed, scanning)]
        self._catch_up(behind)
        self._prove_again()
        self._hold_against_events()

    def _open_runs(self) -> list[ListRun]:
        return [run for run in self._runs if run.spec.name not in self.closed]

    def _needs_scan(self, run: ListRun) -> bool:
        """Tell whether a list is read whole from the start: the first load, or as it was asked."""
        return self._full or run.state.high_water_mark is None

    def _begin(self, scanning: Collection[ListRun]) -> None:
        """Read the first page of each scan; note the lists that are closed."""
        refused: dict[str, ApiError] = {}
        for run in scanning:
            strategy = scan_list(run, self._position(run), self._driver.end_scan)
            try:
                self._driver.begin(run.spec.name, strategy)
            except ApiError as error:
                if not error.list_closed or _may_be_a_wrong_partner(run):
                    raise
                refused[run.spec.name] = error
        if len(refused) == len(self._runs):
            raise next(iter(refused.values()))
        for run in scanning:
            if run.spec.name in refused:
                self._close(run, refused[run.spec.name])

    def _position(self, run: ListRun) -> ScanPosition:
        """Return where a scan goes on, or begins."""
        kept = self._driver.scans.get(run.spec.name)
        if kept is not None:
            return kept.copy()
        return ScanPosition(total_was_wrong=run.state.total_is_wrong)

    def _close(self, run: ListRun, error: ApiError) -> None:
        """Note that the API does not show a list; the others are kept complete."""
        self.closed.add(run.spec.name)
        run.certificate.unproven(error.message, FAILED)

    def _waiting(self, scanning: Collection[ListRun]) -> set[str]:
        """Return the lists whose feed is loaded for the first time, and they are not any more.

        What moved is then found by counting only, day after day, for as long as the load takes;
        once the events are there, they tell all of it.
        """
        names = {run.spec.name for run in scanning} - self.closed
        return {
            run.spec.name
            for run in self._runs
            if run.spec.feed
            and run.spec.feed.events in names
            and run.spec.name not in names
            and run.state.can_catch_up
        }

    def _is_behind(
        self,
        run: ListRun,
        waiting: Collection[str],
        resumed: Collection[str],
        scanning: Collection[ListRun],
    ) -> bool:
        if run.spec.name in waiting or run.spec.name in resumed:
            return True
        began = run.state.scanned_at
        return run in scanning and began is not None and self._now() - began > LONG_SCAN

    def _catch_up(self, runs: Collection[ListRun]) -> None:
        """Read what changed, logs first: they tell where orders moved."""
        for run in runs:
            if run.spec.name in self.closed:
                continue
            is_scanning = run.spec.name in self._driver.scans
            if run.state.can_catch_up and not (is_scanning and run.state.is_trusted):
                self._guard(run, catch_up(run, self._refresh))
                self._driver.load_when_due()

    def _guard(self, run: ListRun, strategy: Strategy[object]) -> None:
        """Carry a strategy out; a list that is closed meanwhile does not end the others."""
        try:
            self._driver.run(strategy)
        except RequestRefused:
            pass  # what a proof rests on is concluded where it is asked for; this is beside one
        except ApiError as error:
            self._refused(run.spec.name, error)

    def _refused(self, name: str, error: ApiError) -> None:
        """Close a list; any other error, or no list left, ends the sync."""
        if not error.list_closed or len(self.closed) + 1 >= len(self._runs):
            raise error
        self._close(next(run for run in self._runs if run.spec.name == name), error)

    def _refresh(self) -> Strategy[None]:
        """Read new events."""
        feeds = {run.spec.feed.events for run in self._runs if run.spec.feed}
        for run in self._open_runs():
            if run.spec.name in feeds and run.state.can_catch_up:
                yield from read_head(run)

    # What only scans prove -------------------------------------------------------------------

    def _prove_again(self) -> None:
        """Let full scans prove what feeds and counts could not, as far as one sync may go."""
        left = scan_credit.A_SYNC
        for _ in range(_SCANS):
            runs = [run for run in self._open_runs() if self._is_unproven(run)]
            runs = [run for run in runs if self._may_scan(run)]
            if not runs or left <= 0:
                break
            left -= self._scan(runs, left)
        for run in self._open_runs():
            if run.spec.name in self._driver.scans and not isinstance(run.verdict, Verified):
                run.certificate.unproven("a full scan is under way; run again to go on")

    def _is_unproven(self, run: ListRun) -> bool:
        if run.spec.name in self._driver.scans:
            return True
        is_open = run.certificate.complete_as_of is None
        return is_open and not (run.state.is_trusted and run.state.can_catch_up)

    def _scan(self, runs: Collection[ListRun], left: int) -> int:
        """Scan lists in turn; return the requests that it took."""
        allowed = min([left, *(int(scan_credit.credit(run.state, self._now())) for run in runs)])
        before = {run.spec.name: self._driver.requests(run.spec) for run in runs}
        strategies = {
            run.spec.name: scan_list(run, self._position(run), self._driver.end_scan)
            for run in runs
        }
        try:
            self._driver.run_in_turn(strategies, at_most=max(allowed, 1), refused=self._refused)
        finally:  # a scan that is cut short has cost as much
            took = {r.spec.name: self._driver.requests(r.spec) - before[r.spec.name] for r in runs}
            for run in runs:
                run.state = scan_credit.spent(run.state, self._now(), took[run.spec.name])
        return sum(took.values())

    def _may_scan(self, run: ListRun) -> bool:
        """Tell whether a scan has credit; say in the certificate when it has not."""
        due = scan_credit.next_at(run.state, self._now(), is_second=run.is_promising)
        if due is None:
            return True
        why = run.certificate.reason or run.state.reason or "the list has no order"
        why = why.partition("; a full scan follows")[0]
        run.certificate.unproven(f"{why}; a full scan follows after {due:%Y-%m-%d %H:%M} UTC")
        return False

    def _hold_against_events(self) -> None:
        """Judge again what was proven before the events were read."""
        for run in self._open_runs():
            if run.feed is not None and isinstance(run.verdict, Verified):
                evidence = run.verdict.evidence
                behind = run.feed.ahead_of_list(run.copy, evidence.as_of)
                if behind:
                    run.conclude(judge(replace(evidence, behind=behind), otherwise=Inconclusive))

    def _reread(self) -> None:
        for run in self._open_runs():
            if isinstance(run.verdict, Verified):
                self._guard(run, reread(run, self._now(), self._reread_within))

    # Telling ---------------------------------------------------------------------------------

    def _tell(self, scanning: Collection[ListRun]) -> None:
        requests: list[int | None] = []
        lines = []
        for run in self._runs:
            requests.append(self._driver.requests(run.spec))
            if run.spec.name in self.closed:
                text = "closed to this key"
            elif run not in scanning:
                requests.append(_CATCH_UP)
                text = "what changed"
            elif run.spec.name not in self._driver.scans:
                text = "all read"
            else:
                requests += [self._pages_left(run), len(statuses_to_ask(run))]
                total = run.stats.total
                rows = "unknown rows" if total is None else counted(total, "row")
                text = f"whole list, {rows}"
            lines.append(f"{run.spec.name}: {text}")
        known = [number for number in requests if number is not None]
        about = sum(known) if len(known) == len(requests) else None
        self._listener(Planned(about, self._quota_left(), "; ".join(lines)))

    def _pages_left(self, run: ListRun) -> int | None:
        """Estimate how many requests a scan still takes; None while the API gives no total."""
        position, total, read = self._position(run), run.stats.total, run.stats.rows_read
        if total is None:
            return None
        by = step(max(position.longest_page, read))
        return -(-max(total - position.offset - read, 0) // by)
