"""What the lock brings in: its bill of materials, and whether anything in it has a known hole.

``audit LOCK [ADVISORIES]`` compares with the advisories of https://osv.dev, taken from the network
or from a copy of its PyPI archive. What is taken is kept for when there is no network, and its age
is told each time. ``sbom LOCK`` prints CycloneDX. Exit codes of an audit: 0 nothing known, 1
something is, 2 the advisories are missing or too old to say.
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
#: Where the last ones that were taken are kept.
KEPT = Path(".printora/advisories.zip")
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
    if newest is None:
        return 2, ["Not audited: there is no advisory in it, so it is too old to tell anything."]
    holes = sorted(set(known_holes(locked, known)))
    old = f"the newest of {newest:%Y-%m-%d %H:%M} UTC, {max((now - newest).days, 0)} days old"
    said = f"{len(locked)} packages, {len(holes)} findings; {len(known):,} advisories, {old}."
    if now - newest > STALE:
        late = f"They are too old to say that nothing else is known. Get newer ones: {ARCHIVE}"
        return 1 if holes else 2, [*holes, said, late]
    return int(bool(holes)), [*holes, said]


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
        archive, remark = (Path(copies[0]).read_bytes(), []) if copies else _newest()
        code, lines = audit(text, archive, datetime.now(UTC))
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        code, remark, lines = 2, [], [f"Not audited: the advisories cannot be read: {error}."]
    print("\n".join([*remark, *lines]))
    return code


def _newest() -> tuple[bytes, list[str]]:
    """Take the advisories from the network, or those that were taken last, with a remark."""
    try:
        archive = _download()
    except OSError as error:
        if not KEPT.exists():
            raise OSError(
                f"there are none here of an earlier audit, and none can be taken from the network "
                f"({error}); give a copy of {ARCHIVE}: make audit ADVISORIES=all.zip"
            ) from error
        taken = datetime.fromtimestamp(KEPT.stat().st_mtime, UTC)
        return KEPT.read_bytes(), [
            f"No network ({error}): this is what the advisories were on {taken:%Y-%m-%d %H:%M} UTC."
        ]
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_bytes(archive)
    return archive, []


def _download() -> bytes:
    with urllib.request.urlopen(ARCHIVE, timeout=60) as answer:
        content: bytes = answer.read()
    return content


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
