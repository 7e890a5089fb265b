"""A small crisis in a file, which runs in a fraction of a second; and a dashboard of it for visitors to look at."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from crisis_sim.scenario import Scenario

ROOT = Path(__file__).parents[2]
#: Milliseconds that a page may take to show what it was asked for, on a busy machine.
PATIENCE = 60_000

QUARREL = """\
title: A quarrel
description: Two states and one agent of each role, for a week.
start: 2025-04-22T00:00+00:00
horizon_days: 10
follow_up_days: 2
states:
  north: {title: Northland, resolve: 0.9, audience: 0.6}
  south: {resolve: {uniform: [0.5, 1.0]}, audience: 0.5}
mediators:
  elder:
    title: the elder
    attention_threshold: {uniform: [0.4, 0.6]}
    trust: {north: 0.6, south: 0.5}
    leverage: {north: 0.3, south: {uniform: [0.2, 0.4]}}
  envoy: {attention_threshold: 0.7, trust: {north: 0.3}}
lenders:
  bank:
    title: a bank
    borrower: south
    conditionality: {uniform: [0, 1]}
    reviews:
      - {at: 2025-04-25T12:00+00:00, amount_usd_bn: 1}
channels:
  line: {trust: {beta: [2, 2]}, opened_by: [north, elder]}
advisers:
  brother: {state: south, attention_threshold: 0.1}
events:
  - {at: 2025-04-22T00:00+00:00, kind: trigger, struck: north, deaths: 40}
behaviour:
  decision: {preparation_days: {lognormal: [2.0, 0.3]}}
"""


def write_quarrel(folder: Path, name: str = "quarrel.yaml") -> Path:
    """The crisis in a file of a folder."""
    path = folder / name
    path.write_text(QUARREL, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def quarrel() -> Scenario:
    return Scenario.from_text(QUARREL, "quarrel")


@contextmanager
def dashboard(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `crisis-sim dashboard` of the small crisis; its address and its process."""
    command = [sys.executable, "-m", "crisis_sim", "dashboard", str(write_quarrel(folder))]
    process = subprocess.Popen(
        [*command, "--no-browser", "--port", "0", "--replicates", "150"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+/", process.stderr.readline())
        assert found, "the dashboard prints no address"
        yield found.group(), process
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running dashboard."""
    with dashboard(tmp_path_factory.mktemp("dashboard")) as (found, _):
        yield found


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
