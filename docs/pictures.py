"""Takes the README's pictures: the report and Dagster's graph, both of what `make demo` left."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import browser, free_port, wait_for  # noqa: E402 - tests/ is on the path by now

DEMO = ROOT / ".printora/demo"
_SETTINGS = {
    "DAGSTER_HOME": str(DEMO / "dagster"),
    "DESTINATION__DUCKDB__CREDENTIALS": str(DEMO / "printora.duckdb"),
    "DLT_DATA_DIR": str(DEMO / "dlt"),
    "DLT_PROJECT_DIR": str(DEMO),
}
_BIN = Path(sys.executable).parent
#: A picture of a page may weigh so much, in bytes, that a README opens at once.
LARGEST = 150_000


def main() -> None:
    """Run the demo, write the report, and take both pictures."""
    environment = {**os.environ, **_SETTINGS}
    report = DEMO / "report.html"
    for command in (["demo"], ["report", "--output", str(report)]):
        subprocess.run([_BIN / "printora", *command], cwd=ROOT, env=environment, check=True)  # noqa: S603
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1120, "height": 980})
        page.goto(report.as_uri())
        _take(page, "report.webp")
        page.set_viewport_size({"width": 1240, "height": 820})
        page.set_default_timeout(180_000)
        with _dagster(environment) as address:
            page.goto(f"{address}/assets/analytics/fct_sessions?view=lineage")
            page.locator("foreignObject").get_by_text("published", exact=True).first.wait_for()
            page.wait_for_load_state("networkidle")
            _take(page, "dagster.webp")


def _take(page: object, name: str) -> None:
    """Save what the page shows as WebP, which the browser makes as small as PNG is large."""
    session = page.context.new_cdp_session(page)  # type: ignore[attr-defined]
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": 80})
    picture = base64.b64decode(shot["data"])
    if len(picture) > LARGEST:
        raise ValueError(f"{name} has {len(picture):,} bytes, more than {LARGEST:,}.")
    (ROOT / "docs" / name).write_bytes(picture)
    sys.stdout.write(f"docs/{name}: {len(picture):,} bytes\n")


@contextmanager
def _dagster(environment: dict[str, str]) -> Iterator[str]:
    """Serve Dagster's UI on what the demo left; yield its address."""
    port = free_port()
    command = ["dagster-webserver", "-h", "127.0.0.1", "-p", str(port), "-w", "workspace.yaml"]
    with (
        subprocess.Popen(  # noqa: S603 - our own command
            [_BIN / command[0], *command[1:]],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process
    ):
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
