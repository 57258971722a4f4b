"""What the lock brings in: its bill of materials, and whether anything in it has a known hole.

``audit LOCK [ADVISORIES]`` compares with the advisories of https://osv.dev, taken from the network
or from a copy of its PyPI archive; ``sbom LOCK`` prints CycloneDX. Exit codes of an audit: 0
nothing known, 1 something is, 2 the advisories are missing or too old to say.
"""

from __future__ import annotations

import io
import json
import re
import sys
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

ARCHIVE = "https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"
#: New advisories come every day: a copy without any for so long is an old one.
STALE = timedelta(days=14)
_PIN = re.compile(r"^([a-z0-9._-]+)==([^ \\;]+)", re.MULTILINE)

Advisory = Mapping[str, Any]


def pins(lock: str) -> list[tuple[str, str]]:
    """Return name and version of each package of a lock; of some, each Python has its own."""
    return sorted(set(_PIN.findall(lock)))


def advisories(archive: bytes) -> list[Advisory]:
    """Return what an archive holds that was not withdrawn."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        found = [json.loads(files.read(name)) for name in files.namelist()]
    return [advisory for advisory in found if "withdrawn" not in advisory]


def known_holes(locked: list[tuple[str, str]], known: list[Advisory]) -> Iterator[str]:
    """Yield a line for each advisory that is about a version of the lock."""
    for advisory in known:
        for affected in advisory.get("affected", ()):
            about = re.sub(r"[._-]+", "-", affected.get("package", {}).get("name", "")).lower()
            for name, version in locked:
                if name == about and _is_hit(version, affected):
                    summary = advisory.get("summary") or "no summary"
                    yield f"{name} {version}: {advisory['id']}: {summary}"


def _is_hit(version: str, affected: Mapping[str, Any]) -> bool:
    ranges = [part for part in affected.get("ranges", ()) if part.get("type") == "ECOSYSTEM"]
    return version in affected.get("versions", ()) or any(
        _is_within(Version(version), part["events"]) for part in ranges
    )


def _is_within(version: Version, events: list[Mapping[str, str]]) -> bool:
    """Tell whether a version lies behind an introduction and before what ends it."""
    inside = False
    for event in events:
        ((kind, text),) = event.items()
        try:
            at = Version("0" if text == "0" else text)
        except InvalidVersion:
            continue
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def audit(lock: str, archive: bytes, now: datetime) -> tuple[int, list[str]]:
    """Return the exit code of an audit, and what it says."""
    known, locked = advisories(archive), pins(lock)
    newest = max((_time(advisory["modified"]) for advisory in known), default=None)
    if newest is None or now - newest > STALE:
        return 2, [f"The advisories are of {newest}: too old to tell anything. Get newer ones."]
    holes = sorted(set(known_holes(locked, known)))
    age = f"{len(known):,} advisories, the newest of {newest:%Y-%m-%d %H:%M} UTC"
    return int(bool(holes)), [*holes, f"{len(locked)} packages, {len(holes)} findings; {age}."]


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def sbom(lock: str) -> dict[str, Any]:
    """Return the bill of materials: each package of the lock, with its licence if it is here."""
    components = [
        {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
            **_licence(name),
        }
        for name, version in pins(lock)
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": components,
    }


def _licence(name: str) -> dict[str, Any]:
    try:
        about = metadata(name)
    except PackageNotFoundError:  # of another platform
        return {}
    text = about.get("License-Expression") or about.get("License") or ""
    first = text.strip().splitlines()[0][:100] if text.strip() else ""
    return {"licenses": [{"license": {"name": first}}]} if first else {}


def main(command: str, lock: str, *copies: str) -> int:
    """Run a command on a lock file; return the exit code."""
    text = Path(lock).read_text(encoding="utf-8")
    if command == "sbom":
        print(json.dumps(sbom(text), indent=2))
        return 0
    try:
        archive = Path(copies[0]).read_bytes() if copies else _download()
        code, lines = audit(text, archive, datetime.now(UTC))
    except (OSError, zipfile.BadZipFile) as error:
        code, lines = 2, [f"Not audited: the advisories cannot be read: {error}."]
    print("\n".join(lines))
    return code


def _download() -> bytes:
    with urllib.request.urlopen(ARCHIVE, timeout=60) as answer:
        content: bytes = answer.read()
    return content


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
