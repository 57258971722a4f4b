"""How a failure is told: one paragraph with what to do, and the exit code.

| code | meaning |
| --- | --- |
| 0 | done and complete |
| 1 | failed |
| 2 | wrong usage or configuration |
| 3 | stopped early; all that was read is safely loaded, run again to go on |
| 130 | stopped by Ctrl-C |
"""

from __future__ import annotations

import traceback
from typing import Any

from pipelines.cli import terminal
from pipelines.errors import PrintoraError, QuotaExhausted

DONE, FAILED, PARTIAL, INTERRUPTED = 0, 1, 3, 130

_unknown_hint = (
    "Nothing that was loaded before is changed by it. Run again with `printora --traceback …` to "
    "see where it happened, and report that."
)
_interrupted_text = (
    "Stopped by Ctrl-C. What was loaded before is safe; run the same command again to go on."
)


def tell(error: Exception) -> int:
    """Print the error for a person, and as JSON where that was asked for; return the exit code."""
    if terminal.wishes.traceback:
        terminal.errors().print("".join(traceback.format_exception(error)), markup=False)
    message, hint, code = _read(error)
    lead = "Stopped early:" if isinstance(error, QuotaExhausted) else "Error:"
    terminal.paragraph(f"[bold red]{lead}[/]", f"{message} {hint}".strip())
    if terminal.wishes.json:
        terminal.print_json({"error": _as_json(error, message, hint), "exit_code": code})
    return code


def tell_interrupted() -> int:
    """Say what is safe after Ctrl-C; return the exit code."""
    terminal.paragraph("", _interrupted_text)
    return INTERRUPTED


def _read(error: Exception) -> tuple[str, str, int]:
    if isinstance(error, PrintoraError):
        return error.message, error.hint, error.exit_code
    text = " ".join(str(error).split())[:500]
    return f"{type(error).__name__}: {text.rstrip('.')}.", _unknown_hint, FAILED


def _as_json(error: Exception, message: str, hint: str) -> dict[str, Any]:
    return {"type": type(error).__name__, "message": message, "hint": hint}
