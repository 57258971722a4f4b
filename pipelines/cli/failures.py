"""How a failure is told: one paragraph with what to do, and the exit code.

| code | meaning |
| --- | --- |
| 0 | done and complete |
| 1 | failed, or there is nothing to work on yet |
| 2 | wrong usage or configuration: to run again does not help |
| 3 | stopped early; all that was read is safely loaded, run again to go on |
| 130 | stopped by Ctrl-C |
"""

from __future__ import annotations

import os
import traceback
from typing import Any

from pipelines.cli import terminal
from pipelines.errors import ConfigurationError, PrintoraError, QuotaExhausted, WarehouseError

DONE, FAILED, PARTIAL, INTERRUPTED = 0, 1, 3, 130

_unknown_hint = (
    "Nothing that was loaded before is changed by it. Run again with `printora --traceback …` to "
    "see where it happened, and report that."
)
_interrupted_text = (
    "Stopped by Ctrl-C. What is loaded is safe; what was read since the last load is asked for "
    "again by the same command."
)


def tell(error: Exception) -> int:
    """Print the error for a person, and as JSON where that was asked for; return the exit code."""
    if terminal.wishes.traceback:
        terminal.errors().print("".join(traceback.format_exception(error)), markup=False)
    message, hint, code = explain(error)
    lead = "Stopped early:" if isinstance(error, QuotaExhausted) else "Error:"
    terminal.paragraph(f"[bold red]{lead}[/]", f"{message} {hint}".strip())
    if terminal.wishes.json:
        terminal.print_json({"error": _as_json(error, message, hint), "exit_code": code})
    return code


def tell_interrupted() -> int:
    """Say what is safe after Ctrl-C; return the exit code."""
    terminal.paragraph("", _interrupted_text)
    return INTERRUPTED


def explain(error: Exception) -> tuple[str, str, int]:
    """Return what was wrong, what to do, and the exit code."""
    return _read(_explained(error))


def _explained(error: Exception) -> Exception:
    """Return what is behind an error, where that is known by its words alone."""
    from pipelines.warehouse.damage import DAMAGE_HINT, is_damaged, is_full, is_short_of_memory

    if is_full(error):
        return PrintoraError(
            f"There is no room left on the disk{_of(error)}.",
            hint="Make room, or lift the limit of a file's size or of a quota, and run again. What "
            "was loaded is whole; the models are those of the last build.",
        )
    if is_damaged(error) and not isinstance(error, WarehouseError):
        return WarehouseError("The warehouse is damaged.", hint=DAMAGE_HINT)
    if is_short_of_memory(error):
        return PrintoraError(
            "There is too little memory.",
            hint="Set SOURCES__PRINTORA__DUCKDB_MEMORY_LIMIT to less than the machine has, or end "
            "what else uses it.",
        )
    if isinstance(error, OSError) and error.filename is not None:
        return _of_a_file(error)
    return error


def _of(error: Exception) -> str:
    name = getattr(error, "filename", None)
    return f" of {name}" if name else ""


def _of_a_file(error: OSError) -> PrintoraError:
    text = f"{error.filename} cannot be used: {error.strerror}."
    folder = os.environ.get("DLT_DATA_DIR", "")
    if folder and str(error.filename).startswith(folder):
        return ConfigurationError(text, hint="DLT_DATA_DIR names the folder: make it writable.")
    return PrintoraError(text, hint="Make it readable and writable for this user.")


def _read(error: Exception) -> tuple[str, str, int]:
    if isinstance(error, PrintoraError):
        return error.message, error.hint, error.exit_code
    text = " ".join(str(error).split())[:500]
    return f"{type(error).__name__}: {text.rstrip('.')}.", _unknown_hint, FAILED


def _as_json(error: Exception, message: str, hint: str) -> dict[str, Any]:
    return {"type": type(error).__name__, "message": message, "hint": hint}
