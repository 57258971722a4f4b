"""What the README says is so, and what there is is in the README."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cli_support import REPOSITORY, Place

from pipelines.setting_table import TABLE

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
_OWN_VARIABLE = re.compile(r'"((?:PRINTORA|DLT|DAGSTER)_[A-Z_]+)"')
#: Where the demo tells dlt to look for no settings: nobody is meant to set it.
_INTERNAL = {"DLT_PROJECT_DIR", "DLT_CONFIG_FOLDER"}


def _python_files() -> list[Path]:
    return [path for part in ("pipelines", "assets") for path in (REPOSITORY / part).rglob("*.py")]


def test_every_setting_that_the_code_reads_is_in_the_readme() -> None:
    """Broken: a setting exists that nobody can find."""
    names = {setting.variable for setting in TABLE}
    for path in _python_files():
        names |= set(_OWN_VARIABLE.findall(path.read_text(encoding="utf-8")))
    assert [name for name in sorted(names - _INTERNAL) if f"`{name}" not in README] == []


def test_every_command_is_in_the_readme(place: Place) -> None:
    """Broken: a command exists that nobody can find."""
    listed = place.run("--help").stdout.partition("Commands:")[2]
    commands = re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE)
    assert "sandbox" in commands
    assert [name for name in commands if not re.search(rf"(printora|make) {name}\b", README)] == []


def test_every_link_of_the_readme_leads_somewhere() -> None:
    """Broken: a reader is sent to a page that is not there."""
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    assert [target for target in targets if not (REPOSITORY / target).exists()] == []


def test_every_mart_is_in_the_changelog() -> None:
    """Broken: an analyst learns of a new mart by chance."""
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    marts = [path.stem for path in (REPOSITORY / "sql/analytics").glob("*.sql")]
    assert "fct_orders" in marts
    assert [name for name in marts if f"{name}`" not in changelog] == []


def test_help_is_instant(place: Place) -> None:
    """Broken: the command line imports dlt or DuckDB before it knows what is asked."""
    code = (
        "import sys; sys.argv = ['printora', '--help']\n"
        "from pipelines.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'dlt', 'duckdb', 'pyarrow', 'numpy', 'httpx', 'sqlglot', 'dagster'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=place.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file that git has and that is text."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return [REPOSITORY / name for name in names if name and (REPOSITORY / name).is_file()]


def test_no_file_names_a_package_registry(tracked: list[Path]) -> None:
    """Broken: the lock sends everybody to one registry, past the mirror that they have set."""
    hosts = [".".join(parts).encode() for parts in (("pypi", "org"), ("pythonhosted", "org"))]
    assert len(tracked) > 50
    naming = [path for path in tracked if any(host in path.read_bytes() for host in hosts)]
    assert naming == []


def test_the_lock_has_every_dependency_with_hashes() -> None:
    """Broken: pyproject.toml names a package that a fresh install does not get."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[\[<>=]", text)[0].lower() for text in wanted}
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9._-]+)==\S+.*\\\n\s+--hash=(sha256):", lock, re.MULTILINE))
    assert names - locked.keys() == set()
