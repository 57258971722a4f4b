"""The engine against an adversary that changes the world between any two requests.

Every step of the machine is a change, a fault, a kill or a sync, some of them with a server that
lies. After each sync its certificate is held against the truth of the time that it names; and from
time to time the world is made to stand still, and then the next few syncs must leave an exact copy.

``PRINTORA_THOROUGH=1`` runs many more examples.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import hypothesis.strategies as st
from fast import FastWorld, Killed
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from liar import LIES, Cache, Liar
from small_warehouse import Memory
from sync_world import START, settings_for
from thorough import THOROUGH

from pipelines.clock import ManualClock
from pipelines.errors import PrintoraError
from pipelines.lists import ORDERS_LIST
from pipelines.sandbox import Behaviour, Limits, Request, Sandbox, SandboxConfig, WorldOptions
from pipelines.sync import SyncResult

DAY = 86_400.0
_LOG_RANKS = {"pending": 0, "retrying": 1, "failed": 2, "sent": 3}

SHAPE = st.fixed_dictionaries(
    {},
    optional={
        "sort": st.sampled_from(["newest_first", "oldest_first", "unsorted"]),
        "page_clamp": st.sampled_from([20, 10, 100]),
        "envelope": st.sampled_from(["plain", "success", "data"]),
        "filters": st.sampled_from(["honoured", "ignored", "refused"]),
        "total": st.sampled_from(["filtered", "all", "missing"]),
    },
)
FIXED_SHAPE = st.fixed_dictionaries(
    {},
    optional={
        "fields": st.sampled_from(["full", "minimal"]),
        "case": st.sampled_from(["snake", "camel"]),
        "money": st.sampled_from(["number", "text"]),
        "order_times": st.booleans(),
        "log_times": st.sampled_from(["all", "created", "none"]),
        "payload": st.sampled_from(["object", "text", "none"]),
        "payload_session": st.sampled_from(["uuid", "sess"]),
        "paid_status": st.sampled_from(["processing", "paid"]),
        "event_field": st.sampled_from(["event", "event_type", "eventType"]),
        "log_id_field": st.sampled_from(["auto", "id"]),
    },
)
CHANGES = (
    *("new", "backdated", "move", "move_unseen", "cancel", "delete"),
    *("retry", "resend", "drop_logs", "wait"),
)
CHANGE = st.tuples(st.sampled_from(CHANGES), st.integers(0, 10**6))
#: After so many of a sync's requests, this change happens.
SURPRISES = st.lists(st.tuples(st.integers(0, 25), CHANGE), max_size=4)
FAULTS = st.lists(
    st.sampled_from(["ok", "error_500", "html_503", "broken_json", "cut_connection", "empty_body"]),
    max_size=5,
)


class SyncMachine(RuleBasedStateMachine):
    """One partner's life."""

    @initialize(
        orders=st.sampled_from([0, 1, 12, 45, 130]),
        shape=SHAPE,
        fixed=FIXED_SHAPE,
        webhooks=st.sampled_from([True, True, True, False]),
        lost=st.sampled_from([0.0, 0.1]),
        seed=st.integers(0, 3),
        memory=st.sampled_from([True] * 5 + [False]),
    )
    def begin(
        self,
        orders: int,
        shape: dict[str, Any],
        fixed: dict[str, Any],
        webhooks: bool,
        lost: float,
        seed: int,
        memory: bool,
    ) -> None:
        """Make the world."""
        self._folder = tempfile.TemporaryDirectory()
        clock = ManualClock(START)
        options = WorldOptions(
            orders=orders, seed=seed, days=20, webhooks=webhooks, lost=lost, attempt_failure=0.2
        )
        config = SandboxConfig(
            world=options, behaviour=Behaviour(**shape, **fixed), limits=Limits.off()
        )
        sandbox = Sandbox(config, clock=clock)
        self.here = FastWorld(sandbox, clock, settings_for("http://x", Path(self._folder.name)))
        self.here.connection = duckdb.connect()
        self.here.memory = Memory() if memory else None
        #: The lie of the sync before, and what a cache has kept.
        self.lied, self.cache = "", Cache()
        self.history: dict[str, set[tuple[Any, ...]]] = {}

    def teardown(self) -> None:
        """Give back what the example took."""
        if hasattr(self, "here"):
            self.here.connection.close()
            self._folder.cleanup()

    # Changes ---------------------------------------------------------------------------------

    @rule(change=CHANGE)
    def change(self, change: tuple[str, int]) -> None:
        """Change the world between two syncs."""
        self._change(*change)

    @rule(hours=st.sampled_from([0.01, 0.2, 1.0, 7.0, 50.0]))
    def wait(self, hours: float) -> None:
        """Let time pass, and what was planned happen."""
        self.here.clock.sleep(hours * 3600)

    @rule(shape=SHAPE)
    def change_habits(self, shape: dict[str, Any]) -> None:
        """Let the API answer in another way from now on."""
        self.here.sandbox.set_behaviour(**shape)

    def _change(self, kind: str, chance: int) -> None:
        here, changes = self.here, self.here.sandbox.changes
        orders = sorted(here.truth("orders").items())
        count = min(1 + chance % 4, len(orders))
        keys = sorted({orders[(chance + 7919 * i) % len(orders)][0] for i in range(count)})
        if kind == "new":
            changes.add_orders(1 + chance % 130 if chance % 5 == 0 else 1 + chance % 3)
        elif kind == "backdated":
            changes.add_orders(1 + chance % 2, created_at=here.clock.now() - chance % int(9 * DAY))
        elif kind in ("move", "move_unseen"):
            changes.churn(0, 1 + chance % 9) if kind == "move" else self._step(keys)
        elif kind == "cancel":
            changes.cancel([k for k in keys if here.truth("orders")[k]["status"] != "delivered"])
        elif kind == "delete":
            changes.delete_orders(keys[:1])
        elif kind == "drop_logs":
            oldest = sorted(here.truth("webhook_logs").values(), key=lambda row: row["created_at"])
            here.sandbox.changes.delete_logs(
                [row["webhook_log_id"] for row in oldest[: chance % 150]]
            )
        elif kind == "wait":
            here.clock.sleep(chance % 400)
        else:
            self._deliver_again(kind, chance)

    def _step(self, keys: list[str]) -> None:
        """Move orders on by a step of which no webhook tells."""
        steps = {"pending": "processing", "processing": "shipped", "shipped": "delivered"}
        steps["paid"] = "shipped"
        for key in keys:
            step = steps.get(self.here.truth("orders")[key]["status"])
            if step:
                self.here.sandbox.changes.move(key, step, log=False)

    def _deliver_again(self, kind: str, chance: int) -> None:
        logs = self.here.truth("webhook_logs")
        if kind == "resend":
            keys = sorted(logs)
            self.here.sandbox.changes.resend_logs(keys[chance % len(keys)] if keys else [])
            return
        failed = sorted(key for key, row in logs.items() if row["status"] == "failed")
        if failed:
            self.here.sandbox.changes.retry_logs(failed[chance % len(failed)], taken=True)

    # Syncs -----------------------------------------------------------------------------------

    @rule(
        surprises=SURPRISES,
        faults=FAULTS,
        budget=st.sampled_from([None, None, None, 1, 2, 5, 15, 40]),
        full=st.sampled_from([False] * 7 + [True]),
    )
    def sync(
        self,
        surprises: list[tuple[int, tuple[str, int]]],
        faults: list[str],
        budget: int | None,
        full: bool,
    ) -> None:
        """Sync while the world changes and answers go wrong."""
        self.lied = ""
        self._surprise(surprises)
        self.here.sandbox.faults.script(faults)
        before = self.here.sandbox.requests.count
        try:
            self._sync(budget=budget, full=full)
        except PrintoraError:
            if not faults:
                raise
        finally:
            self._still()
        if budget is not None:
            assert self.here.sandbox.requests.count - before <= budget

    @rule(
        surprises=SURPRISES,
        lie=st.sampled_from(LIES),
        at=st.integers(0, 20),
        chance=st.integers(0, 10**6),
        full=st.sampled_from([False, False, True]),
    )
    def lied_to(
        self,
        surprises: list[tuple[int, tuple[str, int]]],
        lie: str,
        at: int,
        chance: int,
        full: bool,
    ) -> None:
        """Sync with a server that lies."""
        if lie == "loses_a_mass" and not self._is_a_mass():
            return
        self.lied = lie
        self._surprise(surprises)
        try:
            self._sync(full=full, between=Liar(lie, at, chance, self.here, self.cache))
        finally:
            self._still()

    def _is_a_mass(self) -> bool:
        """Tell whether a loss would be noticed: few rows, or what a later sync agrees to, go."""
        return self.lied != "loses_a_mass" and len(self.here.stored("orders")) > 100

    @rule(surprises=SURPRISES, at=st.integers(0, 30))
    def killed_at_a_request(self, surprises: list[tuple[int, tuple[str, int]]], at: int) -> None:
        """End the process while it waits for an answer."""
        self._surprise(surprises, kill_at=at)
        try:
            self._sync()
        except Killed:
            pass
        finally:
            self._still()

    @rule(surprises=SURPRISES, at=st.integers(0, 12))
    def killed_at_a_load(self, surprises: list[tuple[int, tuple[str, int]]], at: int) -> None:
        """End the process before one of the tables, or the state, is loaded."""
        self._surprise(surprises)
        left = iter(range(at))

        def cut(_: str) -> None:
            if next(left, None) is None:
                raise Killed

        try:
            self._sync(cut=cut)
        except Killed:
            pass
        finally:
            self._still()

    @precondition(lambda self: hasattr(self, "here"))
    @rule()
    def stands_still(self) -> None:
        """Let the world stand still: a sync whose copy is not exact would stay wrong for good."""
        for _ in range(4):
            self.here.clock.sleep(DAY)  # a whole walk may be due again
            result = self._sync()
            found = [d for t in ("orders", "webhook_logs", "sessions") for d in self._differ(t)]
            if not found:
                break
        reasons = {name: part.reason for name, part in result.resources.items()}
        assert not found, (found[:5], reasons)

    def _differ(self, table: str) -> list[str]:
        found, habits = self.here.differences(table), self.here.sandbox.behaviour
        if table == "webhook_logs":  # those that the API drops for their age stay
            found = [text for text in found if "not there any more" not in text]
        if (habits.sort, habits.total) == ("unsorted", "missing"):
            # No walk of such a list proves anything, so no row is ever known to be deleted.
            return [text for text in found if "not there any more" not in text]
        return found

    def _sync(self, **options: Any) -> SyncResult:
        result = self.here.sync(**options)
        self._check_certificate(result)
        return result

    def _surprise(
        self, surprises: list[tuple[int, tuple[str, int]]], kill_at: int | None = None
    ) -> None:
        seen = iter(range(10**9))

        def hook(_: Request) -> None:
            number = next(seen)
            if number == kill_at:
                raise Killed
            for at, change in surprises:
                if at == number:
                    self._change(*change)

        self.here.sandbox.before_request = hook

    def _still(self) -> None:
        self.here.sandbox.before_request = None
        self.here.sandbox.set_faults()

    # What must always hold -------------------------------------------------------------------

    def _check_certificate(self, result: SyncResult) -> None:
        """Hold the certificate against the truth of the time that it names."""
        for name, ranks in (("orders", ORDERS_LIST.statuses.ranks), ("webhook_logs", _LOG_RANKS)):
            as_of = result.resources[name].complete_as_of
            if as_of is None:
                continue
            # A server whose every date is ahead is believed, and its time is not this world's.
            ended_at, here = result.resources[name].ended_at, result.resources[name].local_ended_at
            ahead = (ended_at - (here or ended_at)).total_seconds()
            at = as_of.timestamp() - (ahead if ahead > 60 else 0)
            # Hands move this clock: what came in the same instant may have come after the look.
            then = self.here.truth(name, at - 0.001)
            now, stored = self.here.truth(name), self.here.stored(name)
            missing = then.keys() & now.keys() - stored.keys()
            assert not missing, f"certified as of {as_of}, but {sorted(missing)[:3]} are missing"
            for key in then.keys() & now.keys():
                have, had = stored[key]["status"], then[key]["status"]
                assert ranks[have] >= ranks[had], f"{key} is {have}, but was {had} at {as_of}"

    @invariant()
    @precondition(lambda self: hasattr(self, "here"))
    def history_only_grows(self) -> None:
        """A history that is rewritten is none."""
        for table in ("order_history", "webhook_log_history"):
            rows = self.here.all_of(table)
            assert self.history.get(table, set()) <= rows
            self.history[table] = rows

    @invariant()
    @precondition(lambda self: hasattr(self, "here"))
    def no_refusal(self) -> None:
        """A 429 takes the partner's shop down."""
        assert not self.here.sandbox.requests.by_status[429]


SyncMachine.TestCase.settings = settings(
    max_examples=2_000 if THOROUGH else 14,
    stateful_step_count=25 if THOROUGH else 12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not THOROUGH,
)
TestSync = SyncMachine.TestCase
