"""The dashboard in a browser, from end to end."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from crisis_sim.cli import DONE, run_command
from crisis_sim.scenario.source import MAX_BYTES
from tests.dashboard.conftest import PATIENCE, visit
from tests.dashboard.quarrel import QUARREL

expect.set_options(timeout=PATIENCE)
THRESHOLD = "mediators.elder.attention_threshold"


def slider(page: Page, path: str = THRESHOLD) -> Locator:
    return page.locator(f'[id="{path}"]')


def move(page: Page, value: str, path: str = THRESHOLD) -> None:
    """Move a slider and wait for what comes of it."""
    slider(page, path).fill(value)
    expect(page.get_by_role("status")).to_contain_text("Changed:")


def curve(page: Page, name: str) -> str:
    return page.locator(f".cs-{name} > .cs-curve").get_attribute("d") or ""


def send(page: Page, name: str, content: str) -> None:
    file = {"name": name, "mimeType": "application/yaml", "buffer": content.encode()}
    page.locator('input[type="file"]').set_input_files(files=[file])  # type: ignore[list-item]


def test_it_loads_and_works_without_a_request_that_leaves_the_machine(
    browser: Browser, address: str
) -> None:
    asked: list[str] = []
    wrong: list[str] = []
    context = browser.new_context()  # which has fetched nothing yet
    context.set_default_timeout(PATIENCE)
    context.on("request", lambda request: asked.append(request.url))
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    page = context.new_page()
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.goto(address)
    page.get_by_role("status").wait_for()
    move(page, "0.1")
    here = urlsplit(address).netloc
    outside = [url for url in asked if urlsplit(url).netloc not in (here, "")]
    assert len(asked) > 5
    assert outside == []
    assert wrong == []
    context.close()


@pytest.mark.slow
def test_a_script_on_the_page_reads_no_cookie_reaches_no_other_server_and_sees_nothing_of_solaras(
    page: Page, context: BrowserContext, address: str
) -> None:
    cookies = context.cookies(address)
    assert cookies
    for cookie in cookies:
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""
    blocked = page.evaluate(
        """() => new Promise((done) => {
            document.addEventListener("securitypolicyviolation", (event) => done(event.blockedURI));
            try {
                new WebSocket("ws://127.0.0.2:8000/").onerror = () => setTimeout(() => done("tried"), 500);
            } catch (error) {}
        })"""
    )
    assert blocked.startswith("ws://127.0.0.2:8000")
    for path in ("resourcez", "resourcez?verbose", "readyz", "jupyter/api/kernels/x", "elsewhere"):
        assert context.request.get(f"{address}{path}").status == 404


def test_moving_a_slider_moves_the_chart_and_tells_the_difference(page: Page) -> None:
    expect(page.locator(".cs-curve")).to_have_count(1)
    move(page, "0.95")
    expect(page.locator(".cs-curve")).to_have_count(2)
    expect(page.locator(".cs-paused")).to_have_count(2)
    first = curve(page, "changed")
    assert first != curve(page, "reference")
    expect(page.get_by_label("Differences")).to_contain_text("95% interval")
    move(page, "0.4")
    page.wait_for_function(
        "d => document.querySelector('.cs-changed > .cs-curve').getAttribute('d') != d", arg=first
    )
    page.get_by_role("button", name="Put Attention threshold back").click()
    expect(page.locator(".cs-curve")).to_have_count(1)


@pytest.mark.slow
def test_a_slider_is_worked_by_keyboard_and_known_to_a_screen_reader(page: Page) -> None:
    one = page.get_by_role("slider", name="Attention threshold").first
    one.focus()
    before = float(one.input_value())
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("status")).to_contain_text("Changed:")
    assert float(one.input_value()) == pytest.approx(before + 0.01)
    described = one.get_attribute("aria-describedby")
    assert described is not None
    expect(page.locator(f'[id="{described}"]')).to_contain_text("Danger above which it hastens")
    assert page.get_attribute("html", "lang") == "en"
    assert "user-scalable=no" not in (page.get_attribute('meta[name="viewport"]', "content") or "")


def test_a_number_is_typed_and_shown_exactly_and_one_out_of_bounds_is_not_taken(page: Page) -> None:
    typed = page.get_by_label("Attention threshold, as a number").first
    typed.fill("7")
    typed.press("Enter")
    assert typed.evaluate("one => one.validity.rangeOverflow")
    assert page.locator(".cs-curve").count() == 1
    typed.fill("0.123456")
    typed.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Changed:")
    expect(page).to_have_url(re.compile(f"set={THRESHOLD}=0.123456"))
    expect(slider(page)).to_have_attribute("aria-valuetext", "0.123456")
    typed.fill("")
    typed.press("Enter")
    expect(page.locator(".cs-curve")).to_have_count(1)


def test_a_slider_over_decades_goes_by_ratios(page: Page) -> None:
    days = slider(page, "mediators.elder.attention_days")
    days.fill("0.5")  # halfway between 1 and 100
    expect(page.get_by_label("Attention days, as a number").first).to_have_value("10")
    expect(days).to_have_attribute("aria-valuetext", "10 days")
    expect(page.get_by_role("status")).to_contain_text("Changed:")


@pytest.mark.slow
def test_an_agent_is_taken_out_and_put_in_again(page: Page) -> None:
    page.get_by_role("switch", name="the elder takes part").uncheck()
    expect(page.get_by_text("taken out")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Changed:")
    expect(slider(page)).to_be_disabled()
    page.get_by_role("button", name="Put all back").click()
    expect(page.locator(".cs-curve")).to_have_count(1)
    expect(page.get_by_role("switch", name="the elder takes part")).to_be_checked()


@pytest.mark.slow
def test_two_sessions_do_not_mix(context: BrowserContext, address: str) -> None:
    one, other = visit(context, address), visit(context, address)
    move(one, "0.1")
    send(other, "late.yaml", "extends: quarrel.yaml\ntitle: A late quarrel\n")
    expect(other.get_by_role("heading", name="A late quarrel")).to_be_visible()
    expect(other.locator(".cs-curve")).to_have_count(1)
    expect(one.get_by_role("heading", level=1)).to_have_text("A quarrel")
    expect(one.locator(".cs-curve")).to_have_count(2)
    assert one.get_by_role("status").inner_text() != other.get_by_role("status").inner_text()
    one.close()
    other.close()


BAD_FILES = (
    (
        "bad.yaml",
        QUARREL.replace("leverage:", "leverge:"),
        "bad.yaml:14:5: error: unknown key 'leverge'",
    ),
    ("bad.yaml", "extends: nowhere.yaml\n", "bad.yaml:1:10: error: no file 'nowhere.yaml' here"),
    ("big.yaml", "#" * (MAX_BYTES + 1), "big.yaml: error: too big for a scenario"),
    ("<img src=x>.yaml", QUARREL, "the file's name cannot be a scenario's name"),
)


@pytest.mark.slow
def test_a_bad_file_shows_kindly_where_the_mistake_is(page: Page) -> None:
    mistake = page.get_by_role("alert")
    for name, content, told in BAD_FILES:
        send(page, name, content)
        expect(mistake).to_contain_text(told)
        expect(mistake).not_to_contain_text("Traceback")
        expect(page.get_by_role("heading", level=1)).to_have_text("A quarrel")
        mistake.get_by_role("button", name="Close").click()
        expect(mistake).to_have_count(0)


@pytest.mark.slow
def test_what_the_page_would_never_send_is_let_be(page: Page) -> None:
    page.evaluate(
        """() => {
            const { order } = document.querySelector(".cs-controls").__vue__;
            const odd = [{}, {path: 3, value: "1"}, {path: "x"}, {on: 1, name: {}, clock: 1, day: "soon"}, {files: [7]}];
            const known = ["move", "back", "switch", "name", "count", "pick_at", "reopen", "pick", "end", 5];
            for (const event of [null, 7, "x", []]) order(event);
            for (const event of odd) for (const what of known) order({ ...event, do: what });
            order({ do: "open", name: 5, content: "%%%" });
            order({ do: "pick", replicate: 1e300 });
        }"""
    )
    expect(page.get_by_role("alert")).to_contain_text("error: there is no crisis 1000")
    expect(page.get_by_role("alert")).to_contain_text("expected 0 to 149")
    expect(page.locator("body")).not_to_contain_text("Traceback")
    move(page, "0.1")
    expect(page.locator(".cs-curve")).to_have_count(2)


@pytest.mark.slow
def test_what_was_made_is_saved_as_a_file_that_check_and_run_accept(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move(page, "0.25")
    page.get_by_label("File name").fill("mine")
    page.get_by_label("File name").press("Tab")
    expect(page.get_by_label("File name")).to_have_value("mine.yaml")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the scenario").click()
    with page.expect_download() as original:
        page.get_by_role("link", name="quarrel.yaml").click()
    for download in (saved.value, original.value):
        download.save_as(tmp_path / download.suggested_filename)
    assert (tmp_path / "quarrel.yaml").read_text() == QUARREL
    monkeypatch.chdir(tmp_path)
    assert "attention_threshold: 0.25" in Path("mine.yaml").read_text()
    assert run_command(["check", "mine.yaml"]) == DONE
    assert run_command(["run", "quarrel.yaml", "mine.yaml", "--dry-run"]) == DONE


@pytest.mark.slow
def test_a_crisis_is_picked_off_the_chart_and_its_story_told(page: Page) -> None:
    box = page.locator(".cs-chart").bounding_box()
    assert box is not None
    page.locator(".cs-chart").click(position={"x": box["width"] / 3, "y": box["height"] / 2})
    story = page.get_by_role("article")
    expect(story).to_contain_text("How it ended")
    expect(story.get_by_role("img", name="Path of crisis")).to_be_visible()


@pytest.mark.slow
def test_a_crisis_is_picked_by_number_and_read_as_it_was_without_the_changes(page: Page) -> None:
    page.get_by_role("switch", name="the elder takes part").uncheck()
    expect(page.get_by_role("status")).to_contain_text("Changed:")
    page.get_by_label("Crisis number").fill("42")
    page.keyboard.press("Enter")
    story = page.get_by_role("article")
    expect(story).to_contain_text("Crisis 42, changed")
    expect(story).not_to_contain_text("Able to mediate: the elder")
    page.get_by_role("button", name="The same crisis, unchanged").click()
    expect(story).to_contain_text("Crisis 42, unchanged")
    expect(story).to_contain_text("Able to mediate: the elder")


@pytest.mark.slow
def test_what_would_have_come_of_a_crisis_is_asked_for_and_told(page: Page) -> None:
    page.get_by_label("Crisis number").fill("4")
    page.keyboard.press("Enter")
    page.get_by_label("as soon as it can").select_option("the elder: engage")
    page.get_by_label("From (a day").fill("someday")
    page.get_by_role("button", name="What would have come").click()
    changed = page.get_by_role("region", name="Change this crisis")
    expect(changed).to_contain_text("'someday' is no moment")
    page.get_by_label("From (a day").fill("1.5")
    page.get_by_role("button", name="What would have come").click()
    expect(changed.get_by_role("table")).to_contain_text("as it was")
    expect(changed).to_contain_text("Changed at 1.5: elder: engage.")
    assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Why it came").click()
    expect(changed).to_contain_text("The outcome: ")


@pytest.mark.slow
def test_a_nowcast_is_asked_for_and_its_mistakes_are_told_kindly(page: Page) -> None:
    pane = page.get_by_role("region", name="Nowcast")
    evidence = pane.get_by_label("Evidence")
    evidence.fill("title: Seen\ngiven:\n  - {at: 2, not_yet: frist_strike}\n")
    pane.get_by_role("button", name="Nowcast").click()
    expect(pane.get_by_role("alert")).to_contain_text("did you mean 'first_strike'")
    evidence.fill("title: Seen\ngiven:\n  - {at: 2, not_yet: first_strike}\n")
    pane.get_by_role("button", name="Nowcast").click()
    expect(pane).to_contain_text("Effective number of histories: ")
    expect(pane.get_by_role("img", name="Nowcast")).to_be_visible()
    assert Axe().run(page).violations_count == 0
    assert "ceasefire_from_trigger.csv" in download(page, page.locator(".cs-advice"))
    assert {"nowcast.json", "nowcast.png"} < download(page, pane)


def download(page: Page, where: Locator) -> set[str]:
    """Names of the files in the archive that a button brings."""
    with page.expect_download() as saved:
        where.get_by_role("button", name="(ZIP)").click()
    return set(ZipFile(saved.value.path()).namelist())


@pytest.mark.slow
def test_two_variants_stand_side_by_side(page: Page) -> None:
    move(page, "0.1")
    page.get_by_role("button", name="Keep to compare").click()
    expect(page.get_by_text("Compared with the variant that you kept")).to_be_visible()
    page.get_by_role("switch", name="Envoy takes part").uncheck()
    expect(page.locator(".cs-curve")).to_have_count(2)
    expect(page.get_by_role("heading", name="changed minus kept")).to_be_visible()
    page.get_by_role("button", name="Compare with the scenario as it is").click()
    expect(page.get_by_role("heading", name="changed minus unchanged")).to_be_visible()


@pytest.mark.slow
def test_a_reload_brings_back_what_was_changed_and_another_visitor_has_none_of_it(
    page: Page, context: BrowserContext, address: str
) -> None:
    move(page, "0.1")
    page.get_by_role("switch", name="Envoy takes part").uncheck()
    expect(page).to_have_url(f"{address}?set={THRESHOLD}=0.1&set=mediators.envoy=null")
    other = visit(context, address)
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("Changed:")
    expect(slider(page)).to_have_value("0.1")
    expect(page.get_by_role("switch", name="Envoy takes part")).not_to_be_checked()
    expect(other.get_by_role("status")).not_to_contain_text("Changed:")
    other.close()
    page.get_by_role("button", name="Put all back").click()
    expect(page).to_have_url(address)


@pytest.mark.slow
def test_a_reload_brings_back_the_file_that_was_opened(page: Page) -> None:
    send(page, "late.yaml", "extends: quarrel.yaml\ntitle: A late quarrel\n")
    expect(page.get_by_role("heading", name="A late quarrel")).to_be_visible()
    move(page, "0.15")
    page.reload()
    expect(page.get_by_role("heading", name="A late quarrel")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Changed:")
    expect(slider(page)).to_have_value("0.15")


@pytest.mark.slow
def test_a_bad_address_shows_kindly_what_is_wrong_in_it(
    context: BrowserContext, address: str
) -> None:
    page = visit(context, f"{address}?set={THRESHOLD}=0.2&set=mediators.eldr.trust=1")
    mistake = page.get_by_role("alert")
    expect(mistake).to_contain_text("'mediators.eldr.trust', which has no slider here")
    expect(mistake).not_to_contain_text("Traceback")
    expect(slider(page)).to_have_value("0.2")
    expect(page.get_by_role("status")).to_contain_text("Changed:")
    page.close()


@pytest.mark.slow
def test_by_day_and_night_axe_finds_nothing_wrong_and_a_path_is_drawn_in_the_pages_own_colours(
    page: Page,
) -> None:
    move(page, "0.1")
    page.get_by_label("Crisis number").fill("4")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        letters, ink, paper, ground = page.evaluate(
            """() => {
                const of = (one) => getComputedStyle(one);
                const chart = document.querySelector(".cs-path .chart");
                const sheet = chart.querySelector('[style*="--on-ffffff"]');
                const main = document.querySelector(".cs-page");
                return [of(chart).fill, of(main).color, of(sheet).fill, of(document.body).backgroundColor];
            }"""
        )
        assert (letters, paper) == (ink, ground)


@pytest.mark.slow
def test_it_is_usable_on_a_phone_by_day_and_night(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    grounds = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        slider(page).scroll_into_view_if_needed()
        expect(page.locator(".cs-chart")).to_be_in_viewport()
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    assert len(grounds) == 2


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
