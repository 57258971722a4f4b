"""What ``printora doctor`` looks at beside the warehouse, one function each. Nothing is changed."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pipelines.cli import failures, redaction
from pipelines.cli.tables import QUARANTINE
from pipelines.clock import Clock, utc
from pipelines.errors import PrintoraError, QuotaExhausted
from pipelines.settings import load_settings
from pipelines.words import counted

if TYPE_CHECKING:
    from pipelines.client import PrintoraClient
    from pipelines.settings import Settings

#: More requests than this are never made.
REQUESTS = 10
#: A clock that is further from the API's is worth setting.
_CLOCKS = 60.0
_AGREE = 3
_PACKAGES = ("printora-elt", "dlt", "duckdb", "sqlglot", "pyarrow", "httpx")

Level = Literal["ok", "note", "bad"]


@dataclass(frozen=True)
class Finding:
    """What one look found: ``todo`` says what to do about it, ``code`` is what it ends with."""

    what: str
    level: Level
    text: str
    todo: str = ""
    code: int = failures.DONE


def of_error(what: str, error: Exception) -> Finding:
    """Return an error as a finding. Limits that are used up pass by themselves."""
    message, hint, code = failures.explain(error)
    if isinstance(error, QuotaExhausted):
        return Finding(what, "note", message, hint)
    return Finding(what, "bad", message, hint, code)


def versions() -> Iterator[Finding]:
    """Name the versions that matter when something is reported."""
    found = [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            yield Finding(
                "versions", "bad", f"{package} is not installed.", "Install printora again.", 1
            )
    yield Finding("versions", "ok", ", ".join(found))


def read_settings() -> tuple[Settings | None, list[Finding]]:
    """Read the settings, and say which key goes where."""
    from pipelines.client.credentials import key_mode

    try:
        settings = load_settings()
    except PrintoraError as error:
        return None, [of_error("settings", error)]
    redaction.hide(settings.api_key, settings.pseudonym_key)
    mode = key_mode(settings.api_key)
    key = Finding("key", "ok", f"a {mode} key") if mode else _odd_key()
    text = (
        f"API {settings.contract.version} at {urlsplit(settings.base_url).netloc}, partner "
        f"{settings.partner_id}, people: {settings.personal_data}"
    )
    return settings, [Finding("settings", "ok", text), key]


def _odd_key() -> Finding:
    from pipelines.client.credentials import KEY_FORM

    todo = f"Nothing, if the lists answer: else copy it again. Keys look like {KEY_FORM}."
    return Finding("key", "note", "a key that does not show its mode", todo)


def api(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Ask each list for one row: key, partner, contract, limits and clock show in the answers."""
    from pipelines.lists import lists_of
    from pipelines.sync import open_client

    with open_client(settings, clock, budget=REQUESTS) as client:
        lists = lists_of(client.contract.version)
        for spec in lists:
            try:
                page = client.read_list(spec, limit=1, attempts=2)
            except PrintoraError as error:
                yield of_error(spec.words, error)
            else:
                unknown = "an unknown number of rows"
                total = unknown if page.total is None else counted(page.total, "row")
                yield Finding(spec.words, "ok", f"the list answers, with {total}")
        left = ", ".join(f"{n:,} this {name}" for name, n in client.governor.left().items())
        yield Finding("limits", "ok", f"requests left, without your shop's share: {left}")
        for _ in range(_AGREE):  # a clock that is far away is believed when answers agree
            if not client.clock_trusted:
                with suppress(PrintoraError):
                    client.read_list(lists[0], limit=1, attempts=1)
        yield _clock(client)


def _clock(client: PrintoraClient) -> Finding:
    offset = client.server_offset_seconds
    ahead = f"{abs(offset):,.1f} s {'behind' if offset > 0 else 'ahead of'} the API's"
    if client.clock_doubt:
        todo = "Set this machine's clock. If it is right, a proxy answers in the API's place."
        return Finding("clock", "bad", client.clock_doubt, todo, failures.FAILED)
    if abs(offset) > _CLOCKS:
        return Finding("clock", "note", f"this machine's is {ahead}", "Set it, by NTP.")
    return Finding("clock", "ok", f"this machine's is {ahead}")


def ledger(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Read the whole ledger, and say what becomes of every byte."""
    from pipelines.source.ledger import Ledger
    from pipelines.source.parse import Parser
    from pipelines.source.privacy import Privacy
    from pipelines.source.pseudonyms import Keys

    if settings.session_ledger is None:
        todo = "Set SOURCES__PRINTORA__SESSION_LEDGER: conversion needs to know the sessions."
        yield Finding("ledger", "note", "none is set", todo)
        return
    now, parser = utc(clock.now()), Parser("sessions", Privacy("none", Keys.new()))
    read = Ledger(settings.session_ledger, now=now)
    try:
        for entry in read.entries():
            entry.parsed_by(parser, now)
    except PrintoraError as error:
        yield of_error("ledger", error)
        return
    told = read.coverage
    text = (
        f"{counted(told.files, 'file')}, {counted(told.bytes_read, 'byte')}, "
        f"{counted(told.records, 'record')} of sessions"
    )
    yield Finding("ledger", "ok", text)
    if told.bad:
        todo = f"{QUARANTINE} has place and reason of each after a sync."
        yield Finding("ledger", "note", f"{counted(told.bad, 'record')} cannot be read", todo)
    for rest in told.rests:
        todo = "Nothing, if it is being written; else end its last record, or take it away."
        yield Finding(
            "ledger", "note", f"{rest.file} ends in {counted(rest.bytes, 'byte')} of one", todo
        )
    if told.left_out:
        yield Finding("ledger", "bad", f"{told.gap(now)}", "Move the file into the folder.", 1)
