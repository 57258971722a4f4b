"""How much is tried: what each change has time for, or with ``PRINTORA_THOROUGH=1`` much more."""

from __future__ import annotations

import os

THOROUGH = bool(os.environ.get("PRINTORA_THOROUGH"))
