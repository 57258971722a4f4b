"""What the tests of a lake take from others."""

from __future__ import annotations

import sys
from pathlib import Path

for name in ("sync", "models", "readers", "postgres", "cli"):
    sys.path.append(str(Path(__file__).parents[1] / name))
