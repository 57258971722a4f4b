"""Whoever installs this gets what the lock names; and is told what is wrong with that."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LOCK = "duckdb==2.0.0 \\\n    --hash=sha256:aa\nother-name==1.5 ; python_version < '4' \\\n"


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location("supply_chain", ROOT / ".ci/supply_chain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _archive(*advisories: dict[str, Any]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as files:
        for number, advisory in enumerate(advisories):
            files.writestr(f"{number}.json", json.dumps(advisory))
    return content.getvalue()


def _advisory(name: str, *, days: int = 1, **affected: Any) -> dict[str, Any]:
    return {
        "id": "X-1",
        "modified": (NOW - timedelta(days=days)).isoformat(),
        "affected": [{"package": {"name": name}, **affected}],
    }


def _range(*events: dict[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


@pytest.mark.parametrize(
    ("affected", "code"),
    [
        ({"versions": ["1.5"]}, 1),
        ({"versions": ["1.4"]}, 0),
        (_range({"introduced": "0"}), 1),
        (_range({"introduced": "0"}, {"fixed": "1.5"}), 0),
        (_range({"introduced": "1.2"}, {"fixed": "1.5.1"}), 1),
        (_range({"introduced": "0"}, {"last_affected": "1.5.0"}), 1),
        (_range({"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "1.4"}), 1),
    ],
)
def test_a_known_hole_is_found(affected: dict[str, Any], code: int) -> None:
    """Broken: the audit says that nothing is known of a version that has a hole, or cries wolf."""
    found, lines = _tool().audit(LOCK, _archive(_advisory("Other.Name", **affected)), NOW)
    assert found == code, lines
    assert ("X-1" in lines[0]) == bool(code)
    assert "the newest of 2026-05-31" in lines[-1]


@pytest.mark.parametrize(
    "archive", [_archive(), _archive(_advisory("x", days=15))], ids=["empty", "old"]
)
def test_old_advisories_say_nothing(archive: bytes) -> None:
    """Broken: an audit against last year's list is green."""
    code, lines = _tool().audit(LOCK, archive, NOW)
    assert code == 2
    assert "too old" in lines[-1]


def test_old_advisories_still_name_what_they_know() -> None:
    """Broken: a hole that is known for a year is not named, because the list is a year old."""
    archive = _archive(_advisory("duckdb", days=400, versions=["2.0.0"]))
    code, lines = _tool().audit(LOCK, archive, NOW)
    assert code == 1
    assert "X-1" in lines[0]
    assert "400 days old" in lines[1]


def test_without_network_an_audit_says_how_old_its_data_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Broken: whoever audits on a train is told of a socket, or takes old advisories for new."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lock").write_text(LOCK)
    tool, served = _tool(), tmp_path / "served.zip"
    monkeypatch.setattr(tool, "ARCHIVE", served.as_uri())
    assert tool.main("audit", "lock") == 2
    assert "none here of an earlier audit" in capsys.readouterr().out
    advisory = {**_advisory("x"), "modified": datetime.now(UTC).isoformat()}
    served.write_bytes(_archive(advisory))
    assert tool.main("audit", "lock") == 0
    assert "0 days old" in capsys.readouterr().out
    served.unlink()
    assert tool.main("audit", "lock") == 0
    told = capsys.readouterr().out
    assert f"were on {datetime.now(UTC):%Y-%m-%d}" in told
    assert "0 days old" in told


@pytest.mark.parametrize(
    "content",
    [b"<html>", _archive({"id": "X"}), _archive([])],  # type: ignore[arg-type]
    ids=["a page", "half an advisory", "a list"],
)
def test_advisories_that_are_none_are_told(content: bytes, tmp_path: Path) -> None:
    """Broken: a login page in the archive's place ends in a stack of calls."""
    lock, copy = tmp_path / "lock", tmp_path / "all.zip"
    lock.write_text(LOCK)
    copy.write_bytes(content)
    assert _tool().main("audit", str(lock), str(copy)) == 2


def test_the_bill_names_every_package_of_the_lock() -> None:
    """Broken: somebody looks for a package that has a hole, and it is here and not in the bill."""
    command = [sys.executable, ".ci/supply_chain.py", "sbom", "requirements.lock"]
    bill = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    named = {f"{part['name']}=={part['version']}" for part in bill["components"]}
    assert named == set(re.findall(r"^[a-z0-9._-]+==[^ \\;]+", lock, re.MULTILINE))


def test_nothing_is_installed_that_no_hash_covers() -> None:
    """Broken: uv, or what builds the package, is whatever the index serves on that day."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    build = {re.split("[<>=]", text)[0] for text in project["build-system"]["requires"]}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    hashed = set(re.findall(r"^([a-z0-9._-]+)==\S+.*\\\n\s+--hash=sha256:", lock, re.MULTILINE))
    assert {"uv", "setuptools", *build} <= hashed
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    installs = re.findall(r"\t@\$\((?:PYTHON|UV)\)[^\n]* install [^\n]*", makefile)
    # What tries a lake in a bucket is installed by its own target, into no environment of a user.
    installs = [line for line in installs if "moto" not in line]
    assert len(installs) == 3
    assert all("--require-hashes" in line or "--build-constraints" in line for line in installs)
