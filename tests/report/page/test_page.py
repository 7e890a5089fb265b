"""What a page is, for whoever reads it: with eyes, by keyboard, aloud, or on paper."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from syrupy.assertion import SnapshotAssertion

from crisis_sim.batch.ensemble import Batch
from crisis_sim.report import page as pages
from tests.report.page.conftest import HARM, SEED
from tests.report.page.reading import Element, read


@pytest.fixture(params=["html", "harmful_html"])
def any_html(request: pytest.FixtureRequest) -> str:
    """Both pages: what holds of one must hold of the other."""
    text: str = request.getfixturevalue(request.param)
    return text


def named(page: Element, name: str) -> Element:
    return next(one for one in page.walk() if one.attributes.get("id") == name)


def test_what_a_page_says_of_a_run(batch: Batch, snapshot: SnapshotAssertion) -> None:
    def charts(*_: Any) -> list[tuple[str, None]]:
        return [(name, None) for name in pages.CHARTS]

    stubs: dict[str, Any] = {
        "all_charts": charts,
        "for_both": lambda _, name, title, finding: f"<svg><title>{title}</title></svg>",
        "reference_of": lambda *_: "nothing was kept",
        "_read": lambda _: None,
    }
    with patch.multiple(pages, **stubs):
        page = pages._of_run(batch, None, lambda done, total: None)
    main = read(page.html).all("main")[0]
    assert [
        [one.text for one in section.all("h2", "p", "dt", "dd", "li", "caption", "title", "tr")]
        for section in main.all("section")[:-1]
    ] == snapshot
    assert page.plain == snapshot(name="in short")


def test_a_page_reads_in_the_order_of_an_aides_questions_and_has_its_landmarks(
    page: Element,
) -> None:
    sections = [one.attributes["id"] for one in page.all("main")[0].all("section")]
    order = "answer charts compared endings stories assumptions sure again"
    assert sections == order.split()
    assert page.all("html")[0].attributes["lang"] == "en"
    assert page.all("title")[0].text.startswith("A short crisis")
    assert [len(page.all(one)) for one in ("header", "main", "nav", "footer")] == [1, 1, 1, 1]
    assert page.all("nav")[0].attributes["aria-label"]


def test_headings_come_in_order(any_html: str) -> None:
    levels = [int(one.tag[1]) for one in read(any_html).all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_ids_are_unique_and_every_reference_leads_somewhere(any_html: str) -> None:
    page = read(any_html)
    ids = [one.attributes["id"] for one in page.walk() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    referred = set()
    for one in page.walk():
        for key in ("aria-labelledby", "aria-describedby"):
            referred |= set(one.attributes.get(key, "").split())
        if one.attributes.get("href", "").startswith("#"):
            referred.add(one.attributes["href"][1:])
        for value in one.attributes.values():
            referred |= set(re.findall(r"url\(#([^)]+)\)", value))
    assert referred <= set(ids)


def test_every_chart_has_a_title_and_its_finding_in_words(any_html: str) -> None:
    charts = read(any_html).all("svg")
    assert len(charts) > 3
    for chart in charts:
        title, finding, *_ = chart.children
        assert (title.tag, finding.tag, chart.attributes["role"]) == ("title", "desc", "img")
        assert title.text
        assert len(finding.text) > 20
        assert chart.attributes["aria-labelledby"] == title.attributes["id"]
        assert chart.attributes["aria-describedby"] == finding.attributes["id"]


def test_every_table_has_a_caption_and_every_heading_a_scope(any_html: str) -> None:
    tables = read(any_html).all("table")
    assert len(tables) > 5
    for table in tables:
        assert table.all("caption")[0].text
        for heading in table.all("th"):
            assert heading.attributes["scope"] in ("col", "row")
        widths = {len(row.all("th", "td")) for row in table.all("tr")}
        assert len(widths) == 1


def test_whatever_scrolls_can_be_reached_by_the_keyboard_and_has_a_name(page: Element) -> None:
    scrolling = [one for one in page.walk() if one.attributes.get("class") == "scroll"]
    assert len(scrolling) == len(page.all("table"))
    for one in scrolling:
        assert one.attributes["tabindex"] == "0"
        assert one.attributes.get("aria-label") or one.attributes.get("aria-labelledby")


def test_stories_say_why_they_were_chosen_and_what_became_of_them_elsewhere(page: Element) -> None:
    stories = page.all("article")
    assert len(stories) >= 2
    assert stories[0].all("h3")[0].text.startswith("A typical crisis")
    for story in stories:
        assert "Why this one:" in story.text
        rows = story.all("tbody")[0].all("tr")
        assert [row.all("th")[0].text for row in rows] == ["A short crisis", "Nobody mediates"]
        for command in ("replay", "why"):
            assert f"crisis-sim {command} short.yaml --seed {SEED} --replicate" in story.text
        assert {one.text for one in story.all("h4")} >= {"How it ended"}


def test_assumptions_have_sources_and_differences_and_the_page_tells_how_it_was_made(
    page: Element,
) -> None:
    section, again = named(page, "assumptions"), named(page, "again")
    for said in ("Parameter Meaning Value Unit Source", "cost_power"):
        assert said in section.text
    assert "default: Schelling 1966" in section.text
    (table,) = (one for one in section.all("table") if "against" in one.all("caption")[0].text)
    assert "0.111" in table.text
    assert "not there" in table.text
    facts = dict(zip(*([one.text for one in again.all(tag)] for tag in ("dt", "dd")), strict=True))
    assert facts["Seed"] == str(SEED)
    for said in ("crisis-sim run short alone", "NumPy 2", '"git_revision"'):
        assert said in again.text


def test_nothing_is_fetched_and_nothing_is_run(any_html: str) -> None:
    page = read(any_html)
    assert not page.all("script", "link", "img", "iframe", "object", "embed", "form", "base")
    policy = next(one for one in page.all("meta") if one.attributes.get("http-equiv"))
    assert policy.attributes["content"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    for one in page.walk():
        assert not any(key.startswith("on") for key in one.attributes)
        for key in ("href", "src", "xlink:href", "action", "data"):
            value = one.attributes.get(key, "#")
            assert value.startswith(("#", "data:text/plain;"))
    style = page.all("style")[0].text
    assert "url(" not in style
    assert "@import" not in style


def test_what_a_stranger_wrote_is_text_and_no_more(harmful_html: str) -> None:
    assert not [one for one in (HARM, "<script", "<img", "\x1b", "\u202e") if one in harmful_html]
    page = read(harmful_html)
    assert "<script>alert(1)</script>" in page.all("h1")[0].text
    assert any("<script>alert(1)</script>" in one.text for one in page.all("article"))
    assert not any("javascript" in one.attributes.get("href", "") for one in page.all("a"))
