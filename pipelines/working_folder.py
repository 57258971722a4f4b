"""Where dlt may keep packages on their way: it writes the path of each into SQL, as it is."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from pathlib import Path

from pipelines.errors import ConfigurationError

#: What ends a text in SQL, what DuckDB takes for a pattern, and what dlt takes for a parameter.
_UNSAFE = re.compile(r"['%*?\[\]{}\\]")


def safe_folder(wanted: Path) -> Path:
    """Return the folder, or in its place one of this process where the path would break SQL.

    Raises:
        ConfigurationError: the folder for temporary files has such a path, too.
    """
    if not _UNSAFE.search(str(wanted)):
        return wanted
    if _UNSAFE.search(tempfile.gettempdir()):
        raise ConfigurationError(
            f"Neither {wanted} nor {tempfile.gettempdir()} can hold packages on their way.",
            hint="Set DLT_DATA_DIR to a folder whose path has none of ' % * ? [ ] { } \\.",
        )
    folder = Path(tempfile.mkdtemp(prefix="printora-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
