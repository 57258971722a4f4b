"""What the API stands on: the world, its time, its lists, and how the API behaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.clock import Clock, SystemClock
from pipelines.sandbox.behaviour import Behaviour, patched
from pipelines.sandbox.changes import Changes
from pipelines.sandbox.config import SandboxConfig
from pipelines.sandbox.faults import FaultPlan, Faults
from pipelines.sandbox.ledger import Ledger
from pipelines.sandbox.limits import Limits, Meter
from pipelines.sandbox.listing import LogListing, OrderListing
from pipelines.sandbox.times import to_ms
from pipelines.sandbox.truth import Truth
from pipelines.sandbox.world import World
from pipelines.sandbox.worldclock import WorldClock


class Backend:
    """One Printora: its world and everything that can be asked of it or done to it."""

    def __init__(self, config: SandboxConfig, clock: Clock | None = None) -> None:
        self.config = config
        start = None if config.now is None else to_ms(config.now) / 1000
        self.clock = WorldClock(clock or SystemClock(), start, config.speed)
        self.world = World(config.world, self.clock.now_ms())
        self.orders = OrderListing(self.world)
        self.logs = LogListing(self.world)
        self.truth = Truth(self.world, self.clock)
        self.changes = Changes(self.world, self.clock)
        self.ledger = Ledger(self.world, self.clock, config.ledger)
        #: Seconds by which the server's clock is ahead of the world's.
        self.skew = config.skew
        self.behaviour = config.behaviour
        self.meter = Meter(config.limits, self.server_now())
        self.faults = Faults(config.faults, config.world.seed)
        self.set_behaviour()

    def set_behaviour(self, behaviour: Behaviour | None = None, **changes: Any) -> Behaviour:
        """Change how the API answers from the next request on; return how it answers now."""
        self.behaviour = patched(behaviour or self.behaviour, changes)
        self.world.paid_status = self.behaviour.paid_status
        return self.behaviour

    def set_limits(self, limits: Limits | None = None, **changes: Any) -> Limits:
        """Change the limits; the counting begins anew. Return the limits."""
        self.meter = Meter(patched(limits or self.meter.limits, changes), self.server_now())
        return self.meter.limits

    def set_faults(self, plan: FaultPlan | None = None, **changes: Any) -> FaultPlan:
        """Change which answers go wrong; what was left of a script is forgotten."""
        self.faults = Faults(patched(plan or self.faults.plan, changes), self.config.world.seed)
        return self.faults.plan

    def server_now(self) -> float:
        """Seconds since the epoch by the server's clock."""
        return self.clock.now() + self.skew

    def settings(self) -> Mapping[str, Any]:
        """Return the settings that can be changed while the sandbox runs."""
        return {
            "behaviour": self.behaviour,
            "limits": self.meter.limits,
            "faults": self.faults.plan,
        }
