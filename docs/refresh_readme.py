"""Puts what `make demo` prints into README.md, between its two marks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(?<=<!-- printora demo -->\n```text\n).*?(?=```\n<!-- end -->)", re.DOTALL)


def demo() -> str:
    """Run the demo as a terminal of 80 columns shows it; return both streams as they came."""
    done = subprocess.run(  # noqa: S603 - our own command
        [Path(sys.executable).with_name("printora"), "demo"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        encoding="utf-8",
    )
    lines = [part for line in done.stdout.splitlines() for part in _wrapped(line.rstrip())]
    return "".join(f"{line}\n" for line in lines)


def _wrapped(line: str) -> list[str]:
    """Break what a pipe gets unbroken, as a terminal does; tables fit as they are."""
    return textwrap.wrap(line, 80) if len(line) > 80 else [line]


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    printed = demo()
    readme.write_text(BLOCK.sub(lambda _: printed, text), encoding="utf-8")
