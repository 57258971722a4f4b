"""The errors that a person reads: what was wrong, where, and what to do.

PrintoraError                      exit code 1
├── ConfigurationError             2  a setting or an option is missing, wrong or contradictory
├── LedgerError                    1  the session ledger cannot be read
│   └── LedgerSettingError         2  the setting names none: no file, a folder, no known format
├── WarehouseError                 1  the destination refuses
│   ├── WarehouseLocked            1  another process holds the DuckDB file
│   └── WarehouseSettingError      2  the setting names what cannot be a warehouse
├── ModelError                     1  a file in sql/ is not what it should be, or fails
├── QuotaExhausted                 3  stopped early; what was read is loaded
└── pipelines.client.errors.ApiError
"""

from __future__ import annotations

from typing import ClassVar


class PrintoraError(Exception):
    """A failure with a remedy.

    ``hint`` says what to do about it; ``exit_code`` is what the command line ends with.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigurationError(PrintoraError):
    """A setting or an option is missing, malformed, or contradicts another one."""

    exit_code = 2


class LedgerError(PrintoraError):
    """The partner's session ledger cannot be read."""


class LedgerSettingError(LedgerError):
    """The setting names no ledger that there is, or none that can be read without a change."""

    exit_code = 2


class WarehouseError(PrintoraError):
    """The destination cannot be opened, read or written."""


class WarehouseLocked(WarehouseError):  # noqa: N818 - it names a state, as httpx's errors do
    """Another process has the DuckDB file open."""


class WarehouseSettingError(WarehouseError):
    """The setting names what cannot be a warehouse: to run again does not help."""

    exit_code = 2


class ModelError(PrintoraError):
    """A model or check in ``sql/`` is malformed, or the database refuses it."""


class QuotaExhausted(PrintoraError):  # noqa: N818 - it ends a run early; nothing went wrong
    """The API's quota is used up for longer than a run should wait."""

    exit_code = 3
