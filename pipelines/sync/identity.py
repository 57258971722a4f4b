"""Whose data the settings reach, and whose the destination holds."""

from __future__ import annotations

from urllib.parse import urlsplit

from pipelines.client.credentials import key_mode
from pipelines.destination_setting import shown
from pipelines.destinations.base import Destination
from pipelines.errors import ConfigurationError, WarehouseError
from pipelines.lists import LISTS
from pipelines.settings import Settings
from pipelines.source.schema import SYNC_RUNS
from pipelines.sync.state import Identity
from pipelines.sync.stored_state import read_state


def identity_of(settings: Settings) -> Identity:
    """Return whose data the settings reach."""
    address = urlsplit(settings.base_url)
    return Identity(
        host=(address.hostname or "").rstrip("."),
        partner=settings.partner_id,
        mode=key_mode(settings.api_key) or "",
        version=settings.contract.version,
        path=address.path.rstrip("/"),
    )


def refuse_another(destination: Destination, identity: Identity, settings: Settings) -> None:
    """Refuse a destination that does not hold this identity's data.

    Raises:
        ConfigurationError: it holds another's.
        WarehouseError: it has data, and nothing tells whose.
    """
    held, where = read_state(destination.state).identity, _place(settings)
    # One sync that was killed may have left its certificates without its notes; several did not.
    if not destination.state and destination.count(SYNC_RUNS) > len(LISTS) + 1:
        raise WarehouseError(
            f"{where} has lost the sync's own notes, which tell whose data it holds.",
            hint="Put a copy back in its place; or, if the data are this partner's, run once with "
            "--adopt. Nothing was changed.",
        )
    if held is None or held == identity:
        return
    raise ConfigurationError(
        f"{where} holds the data of {held}; the settings are those of {identity}.",
        hint=f"Set DESTINATION__{_elsewhere(settings)}; or, if it is the "
        "same partner under a new address, key mode or version, run once with --adopt. Nothing was "
        "changed.",
    )


def _place(settings: Settings) -> str:
    """Return the destination for a person."""
    url = settings.postgres_url
    return shown(url) if url else settings.lake_url or str(settings.warehouse_path)


def _elsewhere(settings: Settings) -> str:
    """Return the setting that names another destination, and what it is to be set to."""
    if settings.postgres_url:
        return "POSTGRES__CREDENTIALS to another database"
    if settings.lake_url:
        return "FILESYSTEM__BUCKET_URL to another folder"
    return "DUCKDB__CREDENTIALS to another file"
