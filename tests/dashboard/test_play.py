"""A game in a browser, from the dashboard's link to the debrief."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, expect

from tests.dashboard.conftest import PATIENCE

expect.set_options(timeout=PATIENCE)


@pytest.mark.slow
def test_a_game_is_played_in_the_browser(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.goto(f"{address}?play=north")
    shown = page.get_by_role("status")
    expect(shown).to_contain_text("decides")
    first = shown.inner_text()
    page.get_by_role("button", name="wait").click()
    expect(shown).not_to_have_text(first)
    page.get_by_role("button", name="undo").click()
    expect(page.get_by_role("button", name="undo")).to_have_count(0)
    assert shown.inner_text() == first
    assert Axe().run(page).response["violations"] == []
    page.goto(f"{address}?play=nobody")
    expect(page.get_by_role("alert")).to_contain_text("no state 'nobody'")
    page.close()
