"""Secrets do not get out, whatever text they got into."""

import subprocess
import sys

from pipelines.cli import redaction

_PRINTS_A_SECRET = """
import sys
from pipelines.cli import redaction
redaction.install()
redaction.hide("sk_live_abcdef0123", "short", None)
print("key sk_live_abcdef0123 and short")
print("key sk_live_abcdef0123", file=sys.stderr)
"""


def test_both_streams_lose_the_secret() -> None:
    """Broken: an error that quotes a header or a URL prints the key."""
    done = subprocess.run(
        [sys.executable, "-c", _PRINTS_A_SECRET], capture_output=True, text=True, check=True
    )
    assert done.stdout == "key [hidden] and short\n"
    assert done.stderr == "key [hidden]\n"


def test_what_is_too_short_for_a_secret_stays() -> None:
    """Broken: an empty or tiny setting garbles every line that is printed."""
    redaction.hide("", "a", None)
    assert redaction.redact("a banana") == "a banana"
