"""Which hosts are this machine: what is sent to them crosses no network, and needs no proxy."""

from __future__ import annotations

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
