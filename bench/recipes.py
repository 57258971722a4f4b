"""Run every recipe of docs/bi.md on a snapshot, each in an environment of its own.

    .venv/bin/python bench/recipes.py printora.published.duckdb [lake]

``lake`` is a folder that `printora publish --parquet` wrote. Ends with code 1 where one fails.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_BLOCK = re.compile(r"^## (.+?)\n.*?```(python|sh)\n# pip install ([^\n]+)\n(.*?)```", re.M | re.S)
ROOT = Path(__file__).parents[1]
_UV = Path(sys.executable).with_name("uv")


def main(snapshot: Path, lake: Path | None) -> int:
    """Run them all; return the exit code."""
    recipes = _BLOCK.findall((ROOT / "docs/bi.md").read_text(encoding="utf-8"))
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        shutil.copy(snapshot, Path(name) / "printora.published.duckdb")
        if lake:
            shutil.copytree(lake, Path(name) / "lake")
        for heading, language, packages, code in recipes:
            if heading == "Parquet" and not lake:
                continue
            done = _run(language, packages.split(), code, name)
            failed += done.returncode != 0
            print(f"{'ok' if not done.returncode else 'FAILED':<7}{heading}")
            if done.returncode:
                print(done.stdout[-2000:])
    return 1 if failed else 0


def _run(
    language: str, packages: list[str], code: str, folder: str
) -> subprocess.CompletedProcess[str]:
    wanted = [word for package in packages for word in ("--with", package)]
    (Path(folder) / "recipe.py").write_text(code, encoding="utf-8")
    program = ["python", "recipe.py"] if language == "python" else ["sh", "-ec", code]
    return subprocess.run(
        [_UV, "run", "--quiet", "--no-project", "--python", sys.executable, *wanted, *program],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    snapshot, *lakes = map(Path, sys.argv[1:])
    sys.exit(main(snapshot, lakes[0] if lakes else None))
