"""A page in a browser: offline, by keyboard, on a phone, in dark mode, in print, and with axe-core."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from crisis_sim.report import inline_svg
from crisis_sim.report.inline_svg import contrast
from crisis_sim.report.save import PAGE

PHONE = {"width": 390, "height": 844}
#: What a chart's parts must stand out by, in contrast with the paper (WCAG 2.2, 1.4.11).
PARTS = 3.0
#: Sheets of A4 that a page may take: it tells six crises, each with a chart, and every assumption.
SHEETS = range(6, 40)
#: What axe-core looks for by night; all else that it knows of is the same by day.
BY_NIGHT = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
GROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(params=["html", pytest.param("sweep_html", marks=pytest.mark.slow)])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """The pages of a run and of an experiment, unfolded; the browser makes no requests and logs no errors."""
    request.getfixturevalue(request.param)  # which has written it
    folder: Path = request.getfixturevalue("folder" if request.param == "html" else "sweep")
    address, requests, messages = (folder / PAGE).as_uri(), [], []
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        opened.on("request", lambda request: requests.append(request.url))
        opened.on("console", lambda message: messages.append(message.text))
        opened.on("pageerror", lambda error: messages.append(str(error)))
        opened.goto(address)
        yield opened
    assert (requests, messages) == ([address], [])


def unfold(page: Page) -> None:
    """Unfold all parts."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")


def test_it_opens_without_requests_and_fits_a_phone(page: Page) -> None:
    unfold(page)
    page.mouse.wheel(0, 20_000)
    page.wait_for_load_state("networkidle")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


@pytest.mark.slow
def test_axe_finds_no_violation_and_the_keyboard_reaches_and_opens_all_parts(page: Page) -> None:
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the answer")
    assert skip.evaluate("one => one === document.activeElement")
    assert skip.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "answer"
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('details:not([open]) > summary')"):
            break
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.matches('details[open]')")
    unfold(page)
    for scheme, options in (("light", None), ("dark", BY_NIGHT)):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=options)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.slow
def test_chart_colours_are_visible_in_dark_mode_and_print_is_white(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    assert written(page.evaluate(GROUND)) == inline_svg.PAPER
    painted: list[list[str]] = page.evaluate(
        """() => [...document.querySelectorAll("svg.chart [style]")].flatMap(one =>
            ["fill", "stroke"].map(key => [one.style[key], getComputedStyle(one)[key]])
        ).filter(([given, _]) => given.startsWith("var("))"""
    )
    seen = {re.findall("#\\w+", given)[0]: written(shown) for given, shown in painted}
    assert len(seen) > 3
    parts = {one: shown for one, shown in seen.items() if one.upper() not in inline_svg.TURNED}
    assert parts
    for given, shown in parts.items():
        assert contrast(shown, inline_svg.PAPER) >= PARTS or given.upper() in inline_svg.FIXED, (
            given
        )
    letters = page.locator("svg.chart").first.evaluate("one => getComputedStyle(one).fill")
    assert written(letters) == inline_svg.INK
    page.emulate_media(media="print", color_scheme="dark")
    assert written(page.evaluate(GROUND)) == "#ffffff"
    line = page.locator('svg.chart [style*="--on-0072b2"]').first
    shown = line.evaluate("one => [getComputedStyle(one).fill, getComputedStyle(one).stroke]")
    assert "rgb(0, 114, 178)" in shown
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) in SHEETS


def written(colour: str) -> str:
    """Convert a browser's colour, such as `rgb(20, 20, 20)`, to hexadecimal."""
    found = re.findall(r"\d+", colour)[:3]
    return "#" + "".join(f"{int(one):02x}" for one in found)
