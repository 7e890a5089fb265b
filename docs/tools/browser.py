"""Pictures of what stands in a browser: a report, and the dashboard with a slider moved. They need Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

#: A window in which the report has its width for reading, and what of it is shown.
REPORT = {"width": 1000, "height": 1100}
DASHBOARD = {"width": 1280, "height": 900}
PATIENCE = 60_000  # milliseconds
#: The slider that is moved for the picture, and to where.
MOVED = ("mediators.us.attention_days", "3")


def shoot_report(report: Path) -> bytes:
    """The top of a report."""
    with _page(REPORT) as page:
        page.goto(report.resolve().as_uri())
        return page.screenshot()


def shoot_dashboard(scenario: str) -> bytes:
    """The dashboard of a scenario, once a slider has been moved."""
    command = [sys.executable, "-m", "crisis_sim", "dashboard", scenario, "--no-browser"]
    server = subprocess.Popen([*command, "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        said = server.stderr.readline() if server.stderr else ""
        address = re.search(r"http://\S+", said)
        if address is None:
            sys.exit(f"the dashboard does not say where it is: {said}")
        with _page(DASHBOARD) as page:
            page.goto(address.group())
            page.get_by_role("status").wait_for()
            path, value = MOVED
            page.locator(f'[id="{path}"]').fill(value)
            page.locator(".cs-curve").nth(
                1
            ).wait_for()  # the moved scenario's, beside the unmoved one's
            page.locator(".cs-idle").wait_for(state="attached")  # all crises, not a first look
            page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
            return page.screenshot()
    finally:
        server.terminate()
        server.communicate(timeout=20)


@contextmanager
def _page(window: dict[str, int]) -> Iterator[Page]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        sys.exit("there is no chromium on the path (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        # As root Chromium has no sandbox; the pages are our own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport=window, color_scheme="light")  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()
