"""The partner's own list of the sessions that it created: JSON lines, only ever appended to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sandbox import ids, market
from pipelines.sandbox.config import LedgerOptions
from pipelines.sandbox.times import Array
from pipelines.sandbox.world import World
from pipelines.sandbox.worldclock import WorldClock

_AT_ONCE: Final = 200_000
_COVERED, _WITH_USER, _WITH_URL = range(0x1ED6_0001, 0x1ED6_0004)


class Ledger:
    """Writes the list. Which lines it has, and what each carries, is fixed by the session."""

    def __init__(self, world: World, clock: WorldClock, options: LedgerOptions) -> None:
        self._world = world
        self._clock = clock
        self._options = options
        self._written: dict[Path, Array] = {}

    def write(self, path: Path | str) -> int:
        """Bring the file up to now; return how many lines were added.

        The first call replaces what is there. Later ones append whole lines at the end.
        """
        place = Path(path).resolve()
        with self._world.lock:
            is_new = place not in self._written
            rows = self._missing(place)
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb" if is_new else "ab") as file:
                for start in range(0, len(rows), _AT_ONCE):
                    file.write(self._lines(rows[start : start + _AT_ONCE]))
            self._written[place][rows] = True
            return len(rows)

    def _missing(self, place: Path) -> Array:
        """Return the sessions that belong into the file and are not in it, oldest first."""
        now = self._clock.now_ms()
        self._world.reach(now)
        created, serials = self._world.sessions["created"], self._world.sessions["serial"]
        before = self._written.get(place, np.zeros(0, dtype=bool))
        written = np.zeros(len(created), dtype=bool)
        written[: len(before)] = before
        self._written[place] = written
        rows = np.flatnonzero((created <= now) & ~written)
        rows = rows[ids.share(serials[rows], _COVERED) < self._options.coverage]
        return rows[np.argsort(created[rows], kind="stable")]

    def _lines(self, rows: Array) -> pa.Buffer:
        """Return the lines of these sessions, each with its newline."""
        sessions = self._world.sessions.take(rows)
        serials = sessions["serial"]
        created = np.datetime_as_string(sessions["created"].astype("datetime64[ms]"))
        modes = pa.array(market.MODES).take(pa.array(sessions["mode"]))
        text = pc.binary_join_element_wise(
            '{"session_id":"',
            ids.SESSION.arrow(serials),
            '","created_at":"',
            pa.array(created, pa.string()),
            'Z","mode":"',
            modes,
            '"',
            self._user_data(serials, sessions["customer"]),
            self._redirect_url(serials),
            "}\n",
            "",
        )
        return text.buffers()[2]

    def _user_data(self, serials: Array, customers: Array) -> pa.Array:
        """Return the users' fields for some lines, an empty text for the others."""
        people = ids.CUSTOMER.arrow(customers)
        names = pc.utf8_slice_codeunits(people, 5, 11)
        text = pc.binary_join_element_wise(
            ',"userData":{"email":"', people, '@example.com","name":"Customer ', names, '"}', ""
        )
        return _for_share(text, serials, _WITH_USER, self._options.user_data)

    def _redirect_url(self, serials: Array) -> pa.Array:
        """Return the URL that lets its holder in for some lines, an empty text for the others."""
        start, end = json.dumps(redirect_url("\n"))[1:-1].split("\\n")
        text = pc.binary_join_element_wise(
            f',"redirectUrl":"{start}', ids.TOKEN.arrow(serials), f'{end}"', ""
        )
        return _for_share(text, serials, _WITH_URL, self._options.redirect_url)


def redirect_url(token: str) -> str:
    """Return the URL that logs its holder in as the session's user."""
    return f"https://shop.printora.example/session?token={token}"


def _for_share(text: pa.Array, serials: Array, key: int, part: float) -> pa.Array:
    return pc.if_else(pa.array(ids.share(serials, key) < part), text, "")
