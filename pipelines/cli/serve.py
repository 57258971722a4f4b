"""``printora sandbox``: from the command line's options to a sandbox that serves."""

from __future__ import annotations

import ast
import inspect
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer

from pipelines.cli import terminal
from pipelines.errors import ConfigurationError
from pipelines.sandbox import (
    Behaviour,
    FaultPlan,
    Limits,
    Sandbox,
    SandboxConfig,
    Server,
    WorldOptions,
)
from pipelines.sandbox.behaviour import patched
from pipelines.words import counted


def config(
    *,
    world: WorldOptions,
    ledger_path: Path,
    speed: float,
    api_version: str,
    limited: bool,
    faults: Sequence[str],
    changes: Sequence[str],
) -> SandboxConfig:
    """Return the sandbox's settings; ``changes`` are NAME=VALUE of any of its dataclasses."""
    if api_version not in ("1.0", "1.1"):
        raise ConfigurationError(f"--api-version is {api_version!r}.", hint="Give 1.0 or 1.1.")
    newer = api_version == "1.1"
    limits = Limits.v1_1() if newer else Limits()
    base = SandboxConfig(
        world=world,
        behaviour=Behaviour.v1_1() if newer else Behaviour(),
        limits=limits if limited else Limits.off(),
        faults=FaultPlan(_shares(faults)),
        speed=speed,
        ledger_path=ledger_path.resolve(),
    )
    return _changed(base, _pairs(changes))


def serve(chosen: SandboxConfig, port: int) -> None:
    """Serve until Ctrl-C, after telling how to use it."""
    terminal.note(f"Making a world of {counted(chosen.world.orders, 'order')} …")
    Sandbox(chosen).run_forever(port, ready=lambda server: _tell(server, chosen))
    terminal.note("The sandbox has ended; its world is gone, the list of sessions is kept.")


def exports(server: Server, chosen: SandboxConfig) -> dict[str, str]:
    """Return the settings by which printora reads this sandbox."""
    newer = chosen.behaviour.versions == "1.1"
    settings = {
        "SOURCES__PRINTORA__API_KEY": chosen.api_key,
        "SOURCES__PRINTORA__PARTNER_ID": chosen.partner_id,
        "SOURCES__PRINTORA__BASE_URL": server.base_url,
        "SOURCES__PRINTORA__API_VERSION": "1.1" if newer else "1.0",
        "SOURCES__PRINTORA__SESSION_LEDGER": str(chosen.ledger_path or ""),
    }
    # A header lifts no limit: printora would keep to the usual.
    limits, long = chosen.limits, "HOUR" if newer else "DAY"
    for window, requests in (("MINUTE", limits.per_minute), (long, limits.per_long)):
        number = requests if limits.per_minute else 1_000_000
        settings[f"SOURCES__PRINTORA__REQUESTS_PER_{window}"] = str(number)
    return settings


def _tell(server: Server, chosen: SandboxConfig) -> None:
    """Print, for whoever started it, the settings to paste into another terminal."""
    for name, value in exports(server, chosen).items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    limits = chosen.limits
    pace = f"{counted(limits.per_minute, 'request')} a minute" if limits.per_minute else "no limits"
    terminal.note(
        f"Serving at {server.base_url} with {pace}. Paste the lines above into another terminal, "
        "then `printora run` there. Ctrl-C ends it."
    )


def _changed(base: SandboxConfig, changes: Mapping[str, Any]) -> SandboxConfig:
    """Put each change into the part of the settings that has a field of that name."""
    parts = ("world", "behaviour", "limits", "ledger")
    homes = {field.name: part for part in parts for field in fields(getattr(base, part))}
    for name, value in changes.items():
        if name not in homes:
            known = (line for part in parts for line in _described(type(getattr(base, part))))
            hint = "\n".join(["Choose of these:", *sorted(known)])
            raise ConfigurationError(f"There is no setting {name!r}.", hint=hint)
        part = patched(getattr(base, homes[name]), {name: value})
        base = replace(base, **{homes[name]: part})
    return base


def _described(settings: type) -> Iterator[str]:
    """Yield each field of a dataclass with the text that stands below it."""
    (body,) = ast.parse(inspect.getsource(settings)).body
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for field, text in pairwise(statements):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            yield f"{ast.unparse(field.target)}: {ast.literal_eval(text.value)}"


def _shares(texts: Sequence[str]) -> dict[str, float]:
    shares = _pairs(texts)
    for name, share in shares.items():
        if not isinstance(share, int | float):
            raise ConfigurationError(f"{name}={share} is not a number.", hint="Give 0 to 1.")
    return shares


def _pairs(texts: Sequence[str]) -> dict[str, Any]:
    """Return NAME=VALUE texts as a mapping; numbers, true and false become what they are."""
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigurationError(f"{text!r} is not NAME=VALUE.")
        try:
            pairs[name] = json.loads(value)
        except ValueError:
            pairs[name] = value
    return pairs
