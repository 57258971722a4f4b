"""Dagster's UI in a real browser: what somebody sees who opens it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import browser, free_port, wait_for
from dagster_support import MainRun, start_dagster
from playwright.sync_api import Page, expect

from pipelines.source.schema import TABLES

pytestmark = pytest.mark.xdist_group("main_run")

#: A loaded machine draws slowly; nothing here depends on how fast.
_PATIENCE = 180_000


@pytest.fixture
def page(main_run: MainRun) -> Iterator[Page]:
    """A page of the UI's server, on what the main job's run left."""
    port = free_port()
    server = start_dagster(
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-w",
        "workspace.yaml",
        environment=main_run.place.settings(),
        program="dagster-webserver",
    )
    try:
        wait_for(port)
        with browser() as chromium:
            opened = chromium.new_page(
                base_url=f"http://127.0.0.1:{port}", viewport={"width": 2400, "height": 1000}
            )
            opened.set_default_timeout(_PATIENCE)
            yield opened
    finally:
        server.terminate()
        server.communicate(timeout=90)


def test_the_ui_shows_the_graph_by_group_and_what_is_in_a_mart(
    page: Page, main_run: MainRun, tmp_path: Path
) -> None:
    """The first look at the pipeline: four groups, all built, and a mart that explains itself."""
    assert main_run.exit_code == 0, main_run.output
    page.goto("/asset-groups")
    for group in ("printora_raw", "staging", "intermediate", "analytics"):
        node = page.locator("foreignObject").get_by_text(group, exact=True).first
        expect(node).to_be_visible(timeout=_PATIENCE)
    # All of them are built, none is stale: the group's dot has their number beside it.
    raw = page.locator("foreignObject").filter(has_text="printora_raw").first
    expect(raw).to_have_text(f"printora_raw{len(TABLES)}", timeout=_PATIENCE)
    page.screenshot(path=tmp_path / "graph.png")

    page.goto("/assets/analytics/fct_orders")
    expect(page.get_by_text("One row per order.")).to_be_visible(timeout=_PATIENCE)
    expect(page.get_by_text("DECIMAL(18,4)").first).to_be_visible(timeout=_PATIENCE)
    expect(page.get_by_text("Row count")).to_be_visible(timeout=_PATIENCE)
    page.screenshot(path=tmp_path / "mart.png")

    page.goto("/assets/printora_raw/orders?view=checks")
    expect(page.get_by_text(re.compile("^It is .* old"))).to_be_visible(timeout=_PATIENCE)
    page.screenshot(path=tmp_path / "certificate.png")

    page.goto("/assets/analytics/fct_orders?view=checks")
    expect(page.get_by_text("key_is_unique").first).to_be_visible(timeout=_PATIENCE)
    expect(page.get_by_text("blocking", exact=True).first).to_be_visible(timeout=_PATIENCE)
    page.screenshot(path=tmp_path / "checks.png")

    page.goto("/locations/printora/jobs/printora/playground")
    for resource in ("partner", "client", "warehouse"):
        expect(page.get_by_text(resource, exact=True).first).to_be_visible(timeout=_PATIENCE)
    page.screenshot(path=tmp_path / "launchpad.png")
