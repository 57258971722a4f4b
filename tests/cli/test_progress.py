"""A sync is shown while it runs: bars on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import pytest

from pipelines.cli import terminal
from pipelines.cli.progress import Watcher, plan_text
from pipelines.progress import Event, Loaded, PageRead, Planned, Waiting

_QUOTA = {"minute": 40, "day": 7_900}
_EVENTS: tuple[Event, ...] = (
    Planned(12, _QUOTA, "orders: what changed"),
    PageRead("orders", 1_200, 20_000, 12, _QUOTA),
    Waiting(0.4, "the limit of 60 requests a minute"),
    Waiting(52.0, "the limit of 60 requests a minute"),
    Waiting(51.0, "the limit of 60 requests a minute"),
    Loaded(1_200),
    Loaded(0),
)


def _shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with Watcher() as watcher:
        for event in _EVENTS:
            watcher(event)
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_a_log_gets_the_plan_long_waits_and_loads(capsys: pytest.CaptureFixture[str]) -> None:
    """Broken: a log of a first load has a line a page, or nothing for an hour."""
    assert _shown(capsys) == [
        "Plan: about 12 requests; left: 40/minute, 7,900/day. orders: what changed",
        "Waiting 52 s for the limit of 60 requests a minute",
        "Waiting 51 s for the limit of 60 requests a minute",
        "Loaded 1,200 rows, new or looked at again",
    ]


def test_a_plan_says_how_long_it_takes() -> None:
    """Broken: a first load of hours looks like one that hangs."""
    assert "about 239 requests, 6 minutes or more; left" in plan_text(Planned(239, _QUOTA, ""))
    assert "minutes" not in plan_text(Planned(239, {"minute": 1}, ""))
    assert "minutes" not in plan_text(Planned(None, _QUOTA, ""))


def test_a_terminal_is_told_rows_requests_and_quota(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: whoever watches cannot see how far it is and what is left of the day."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    assert terminal.errors().is_terminal
    shown = "\n".join(_shown(capsys))
    assert "1,200 of 20,000 rows, 12 requests" in shown
    assert "waiting 51 s" in shown
    assert shown.count("Waiting 5") == 1, "the same reason is told once"
