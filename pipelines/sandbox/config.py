"""All settings of a sandbox in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipelines.sandbox.behaviour import Behaviour
from pipelines.sandbox.faults import FaultPlan
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.options import WorldOptions

DEFAULT_KEY = "sk_test_printora_sandbox_0001"
DEFAULT_PARTNER = "partner_demo"


@dataclass(frozen=True)
class LedgerOptions:
    """What the partner's own list of sessions looks like. Shares are in 0..1."""

    coverage: float = 1.0
    """Share of the sessions that the partner wrote down."""
    user_data: float = 0.3
    """Share of the lines that carry the user's e-mail and name."""
    redirect_url: float = 0.0
    """Share of the lines that carry the URL which logs its holder in."""


@dataclass(frozen=True)
class SandboxConfig:
    """What a sandbox is started with."""

    world: WorldOptions = field(default_factory=WorldOptions)
    now: datetime | float | None = None
    """The world's time at the start; None: the clock's."""
    speed: float = 1.0
    """Seconds that pass in the world for each second of the clock."""
    behaviour: Behaviour = field(default_factory=Behaviour)
    limits: Limits = field(default_factory=Limits)
    faults: FaultPlan = field(default_factory=FaultPlan)
    skew: float = 0.0
    """Seconds by which the server's clock is ahead of the world's."""
    api_key: str = DEFAULT_KEY
    partner_id: str = DEFAULT_PARTNER
    ledger: LedgerOptions = field(default_factory=LedgerOptions)
    ledger_path: Path | None = None
    """Where the partner's list of sessions is kept up to date while serving; None: nowhere."""
    ledger_every: float = 5.0
    """Real seconds between two updates of the list while serving."""
