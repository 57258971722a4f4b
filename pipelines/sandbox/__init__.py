"""A Printora of one's own: the Partner API on loopback, before a world whose truth is known.

    world (seeded, ──▶ lists ──▶ endpoints ──▶ gate (keys, limits, faults) ──▶ HTTP
    a function of time) ──▶ truth, ledger
        ▲
    changes by hand

It shares no code with the client, the source or the sync: what it says is an independent truth.

    with Sandbox(SandboxConfig(), clock=ManualClock(0.0)).serve() as server:
        httpx.get(f"{server.base_url}/api/v1/partners/partner_demo/orders", headers=…)
"""

from pipelines.sandbox.answers import Request
from pipelines.sandbox.behaviour import Behaviour
from pipelines.sandbox.config import DEFAULT_KEY, DEFAULT_PARTNER, LedgerOptions, SandboxConfig
from pipelines.sandbox.faults import FaultPlan
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.options import WorldOptions
from pipelines.sandbox.sandbox import Sandbox, Server

__all__ = [
    "DEFAULT_KEY",
    "DEFAULT_PARTNER",
    "Behaviour",
    "FaultPlan",
    "LedgerOptions",
    "Limits",
    "Request",
    "Sandbox",
    "SandboxConfig",
    "Server",
    "WorldOptions",
]
