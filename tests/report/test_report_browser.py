"""The report in a real browser: what somebody sees who opens it, at a desk and on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import browser
from model_support import Warehouse

from pipelines.report import write_report

pytestmark = pytest.mark.xdist_group("report")
#: Whether two colours can be told apart, by the contrast that WCAG asks of text.
_CONTRAST = """
() => {
    const light = text => {
        const parts = text.match(/[\\d.]+/g).slice(0, 3).map(part => {
            const value = part / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const ground = light(getComputedStyle(document.querySelector(".card")).backgroundColor);
    const worst = [...document.querySelectorAll("p,td,th,small,b,a,text,dd,li")].map(each => {
        const style = getComputedStyle(each);
        const ink = light(each.tagName === "text" ? style.fill : style.color);
        return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    });
    return Math.min(...worst);
}
"""


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_it_can_be_read(world: Warehouse, tmp_path: Path, width: int, theme: str) -> None:
    """Broken: a phone scrolls sideways, text is cut or grey on grey, or a link leads nowhere."""
    path = write_report(world.connection, tmp_path / "report.html")
    told: list[str] = []
    with browser() as chromium:
        page = chromium.new_page(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
        )
        page.on("console", lambda message: told.append(message.text))
        page.on("request", lambda request: told.append(request.url))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(_CONTRAST) >= 4.5
        cut = page.evaluate(
            "[...document.querySelectorAll('svg text')].filter(t => { const box = t.getBBox(); "
            "return box.x < -1 || box.x + box.width > 401; }).map(t => t.textContent)"
        )
        assert cut == []
        page.click("nav a[href='#data']")
        assert page.evaluate("document.querySelector('#data').getBoundingClientRect().top") < 900
    assert told == [path.as_uri()]
