"""The ``printora`` command. Commands import what they need when they run: help is instant."""

from __future__ import annotations

import os
from pathlib import Path

from pipelines.files import keep_to_owner


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Before anything imports dlt, which would write into the home folder: an id for its
    # statistics, and the packages on their way.
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("DLT_DATA_DIR", str(Path(".printora/dlt").resolve()))
    keep_to_owner()
    if not os.environ.get("PRINTORA_TRACEBACK"):
        # dlt logs tracebacks of what ends in a sentence of ours.
        os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    from pipelines.cli import redaction
    from pipelines.cli.app import app

    redaction.install()
    app()
