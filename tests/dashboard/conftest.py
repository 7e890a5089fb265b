"""A dashboard that is served for all tests of a run, and visitors who look at it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.dashboard.quarrel import write_quarrel

ROOT = Path(__file__).parents[2]
#: Milliseconds that a page may take to show what it was asked for, on a busy machine.
PATIENCE = 60_000


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the dashboard is: `crisis-sim dashboard` in a process of its own."""
    quarrel = write_quarrel(tmp_path_factory.mktemp("dashboard"))
    command = [sys.executable, "-m", "crisis_sim", "dashboard", str(quarrel), "--no-browser"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--replicates", "150"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+/", process.stderr.readline())
        assert found, "the dashboard does not say where it is"
        yield found.group()
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor's browser, which keeps what it has fetched once."""
    with browser.new_context(accept_downloads=True) as visitor:
        visitor.set_default_timeout(PATIENCE)
        yield visitor


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """The dashboard, with its first results on it: a session of its own."""
    opened = visit(context, address)
    yield opened
    opened.close()


def visit(context: BrowserContext, address: str) -> Page:
    """Open the dashboard and wait for its first results."""
    page = context.new_page()
    page.goto(address)
    page.get_by_role("status").wait_for()
    return page
