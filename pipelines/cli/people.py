"""``printora forget`` and ``printora rotate-pseudonyms``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli import failures, redaction, terminal, warehouses
from pipelines.cli.options import Json
from pipelines.errors import PrintoraError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.people.forgetting import Receipt
    from pipelines.settings import KeySettings

_NOT_REACHED = (
    "Not reached: the API itself, the session ledger, backups, and whatever was copied out of the "
    "warehouse (reports, exports)."
)

_NOBODY = (
    "Nobody found: mistyped, or forgotten before. It is noted, so that later syncs do not bring "
    "them. Where no pseudonyms are kept (personal_data is none), only the ids of their orders find "
    "somebody."
)


def forget(
    who: Annotated[
        str, typer.Argument(help="An e-mail address, a pseudonym, or the id of an order.")
    ],
    *,
    json: Json = False,
) -> None:
    """Erase one person from the warehouse, for good, and print the receipt."""
    terminal.wishes.json = json
    redaction.hide(who if "@" in who else None)
    receipt = _forget(_settings(), who)
    found = ", ".join(f"{rows} of {table}" for table, rows in receipt.rows.items() if rows)
    terminal.show(
        *(() if found else (_NOBODY,)),
        f"{'Forgotten' if found else 'Noted'} at {receipt.forgotten_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"receipt {receipt.receipt_id}.",
        f"Rows about the person, which are nobody's now: {found or 'none'}.",
        "What later syncs bring of them is erased as it comes. " + _NOT_REACHED,
    )
    if json:
        terminal.print_json({"exit_code": failures.DONE, "receipt": asdict(receipt)})


def rotate_pseudonyms(
    *,
    lost: Annotated[
        bool, typer.Option("--lost", help="Without the old key: drop the stored pseudonyms.")
    ] = False,
    json: Json = False,
) -> None:
    """Take the stored pseudonyms through a new key. One person stays one."""
    from pipelines.clock import SystemClock, utc
    from pipelines.people.rewrite import rewrite
    from pipelines.people.rotating import rotate
    from pipelines.warehouse import READER_TIMEOUT, connect
    from pipelines.warehouse.catalog import transaction

    terminal.wishes.json = json
    settings = _settings()
    with warehouses.changing() as path:
        with connect(path, wait_seconds=READER_TIMEOUT) as connection, transaction(connection):
            keys = rotate(connection, settings, utc(SystemClock().now()), lost=lost)
        rewrite(path)
    _rebuild_there()
    terminal.show(f"The pseudonyms are those of key {keys.version} ({keys.fingerprint()}) now.")
    if lost:
        terminal.note("The others are gone. `printora run --full` gives orders new ones.")
    if json:
        facts = {"key_version": keys.version, "key_fingerprint": keys.fingerprint()}
        terminal.print_json({"exit_code": failures.DONE, **facts})


def _settings() -> KeySettings:
    """Read the settings, and refuse a place where there is nothing to work on."""
    from pipelines.settings import key_settings

    settings = key_settings()
    redaction.hide(settings.api_key, settings.pseudonym_key)
    with warehouses.loaded():
        pass
    return settings


def _forget(settings: KeySettings, who: str) -> Receipt:
    from pipelines.clock import SystemClock, utc
    from pipelines.people.forgetting import forget
    from pipelines.people.guard import keys_for, refuse_other_keys
    from pipelines.people.rewrite import rewrite
    from pipelines.people.state import recorded
    from pipelines.warehouse import READER_TIMEOUT, connect
    from pipelines.warehouse.catalog import transaction

    with warehouses.changing() as path:
        with connect(path, wait_seconds=READER_TIMEOUT) as connection:
            keys = keys_for(settings, connection)
            keys.require()
            refuse_other_keys(connection, recorded(connection), keys)
            with transaction(connection):
                receipt = forget(connection, who, keys, utc(SystemClock().now()))
        rewrite(path)
        _publish_anew(path)
    _rebuild_there()
    return receipt


def _rebuild_there() -> None:
    """Build the models elsewhere anew, which still tell of what the raw tables do not."""
    from pipelines.cli.elsewhere import build_elsewhere

    if not warehouses.is_file():
        build_elsewhere()


def _publish_anew(path: Path) -> None:
    """Replace the readers' snapshots, of which the older ones still tell of the person."""
    from pipelines.settings import publish_path
    from pipelines.warehouse import connect, load_project, publish

    target = publish_path()
    if target is None or not target.exists():
        return
    with connect(path, read_only=True) as connection:
        try:
            publish(connection, load_project(), target, keep=1)
        except PrintoraError as error:
            terminal.note(f"The snapshots for readers still tell of the person: {error}")
