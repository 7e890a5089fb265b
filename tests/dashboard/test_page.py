"""The dashboard in a browser, from end to end."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from crisis_sim.cli import DONE
from crisis_sim.dashboard import server
from crisis_sim.dashboard.changes import Changes, open_reference
from crisis_sim.dashboard.session import Runs, Session, Superseded
from crisis_sim.scenario.yaml_text import MAX_BYTES
from tests.conftest import Cli
from tests.dashboard.conftest import PATIENCE, QUARREL, dashboard, visit, write_quarrel

expect.set_options(timeout=PATIENCE)
THRESHOLD = "mediators.elder.attention_threshold"
LATE = "extends: quarrel.yaml\ntitle: A late quarrel\n"


def slider(page: Page, path: str = THRESHOLD) -> Locator:
    return page.locator(f'[id="{path}"]')


def move(page: Page, value: str, path: str = THRESHOLD) -> None:
    """Move a slider and wait for what comes of it."""
    slider(page, path).fill(value)
    expect(page.get_by_role("status")).to_contain_text("Changed:")


def curves(page: Page, count: int) -> None:
    expect(page.locator(".cs-curve")).to_have_count(count)


def click(page: Page | Locator, name: str) -> None:
    page.get_by_role("button", name=name).click()


def send(page: Page, name: str, content: str) -> None:
    file = {"name": name, "mimeType": "application/yaml", "buffer": content.encode()}
    page.locator('input[type="file"]').set_input_files(files=[file])


def pick(page: Page, number: int) -> Locator:
    """Have a crisis told by its number."""
    page.get_by_label("Crisis number").fill(str(number))
    page.keyboard.press("Enter")
    story = page.get_by_role("article")
    expect(story).to_contain_text(f"Crisis {number}")
    return story


def fine(page: Page) -> bool:
    """Whether axe-core finds nothing wrong."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    return True


def test_it_works_without_requests_that_leave_the_machine(browser: Browser, address: str) -> None:
    asked: list[str] = []
    wrong: list[str] = []
    with browser.new_context() as context:  # which has fetched nothing yet
        context.set_default_timeout(PATIENCE)
        context.on("request", lambda request: asked.append(request.url))
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        page = context.new_page()
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.goto(address)
        page.get_by_role("status").wait_for()
        move(page, "0.1")
    here = urlsplit(address).netloc
    assert len(asked) > 5
    assert [url for url in asked if urlsplit(url).netloc not in (here, "")] == []
    assert wrong == []


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
    curves(page, 1)
    move(page, "0.95")
    curves(page, 2)
    expect(page.locator(".cs-paused")).to_have_count(2)
    changed, reference = (
        page.locator(f".cs-{one} > .cs-curve").get_attribute("d")
        for one in ("changed", "reference")
    )
    assert changed != reference
    expect(page.get_by_label("Differences")).to_contain_text("95% interval")
    move(page, "0.4")
    page.wait_for_function(
        "d => document.querySelector('.cs-changed > .cs-curve').getAttribute('d') != d", arg=changed
    )
    click(page, "Reset Attention threshold")
    curves(page, 1)


@pytest.mark.slow
def test_sliders_work_with_keyboard_typed_numbers_and_screen_readers(page: Page) -> None:
    one = page.get_by_role("slider", name="Attention threshold").first
    one.focus()
    before = float(one.input_value())
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("status")).to_contain_text("Changed:")
    assert float(one.input_value()) == pytest.approx(before + 0.01)
    described = page.locator(f'[id="{one.get_attribute("aria-describedby")}"]')
    expect(described).to_contain_text("Danger above it makes the mediator")
    assert page.get_attribute("html", "lang") == "en"
    assert "user-scalable=no" not in page.get_attribute('meta[name="viewport"]', "content")
    typed = page.get_by_label("Attention threshold, as a number").first
    typed.fill("7")
    typed.press("Enter")
    assert typed.evaluate("one => one.validity.rangeOverflow")
    typed.fill("0.123456")
    typed.press("Enter")
    expect(page).to_have_url(re.compile(f"set={THRESHOLD}=0.123456"))
    expect(slider(page)).to_have_attribute("aria-valuetext", "0.123456")
    typed.fill("")
    typed.press("Enter")
    curves(page, 1)
    days = slider(page, "mediators.elder.attention_days")
    days.fill("0.5")  # halfway between 1 and 100, by ratios
    expect(page.get_by_label("Attention days, as a number").first).to_have_value("10")
    expect(days).to_have_attribute("aria-valuetext", "10 days")


@pytest.mark.slow
def test_two_variants_are_compared_and_agents_are_removed_and_added(page: Page) -> None:
    elder = page.get_by_role("switch", name="the elder takes part")
    elder.uncheck()
    expect(page.get_by_text("removed")).to_be_visible()
    expect(slider(page)).to_be_disabled()
    curves(page, 2)
    click(page, "Reset all")
    curves(page, 1)
    expect(elder).to_be_checked()
    move(page, "0.1")
    click(page, "Keep for comparison")
    expect(page.get_by_text("Compared with the kept variant")).to_be_visible()
    page.get_by_role("switch", name="Envoy takes part").uncheck()
    curves(page, 2)
    expect(page.get_by_role("heading", name="changed minus kept")).to_be_visible()
    click(page, "Compare with the unchanged scenario")
    expect(page.get_by_role("heading", name="changed minus unchanged")).to_be_visible()


@pytest.mark.slow
def test_two_sessions_do_not_mix_and_a_reload_brings_back_the_file_that_was_opened(
    context: BrowserContext, address: str
) -> None:
    one, other = visit(context, address), visit(context, address)
    move(one, "0.1")
    send(other, "late.yaml", LATE)
    expect(other.get_by_role("heading", name="A late quarrel")).to_be_visible()
    curves(other, 1)
    expect(one.get_by_role("heading", level=1)).to_have_text("A quarrel")
    curves(one, 2)
    move(other, "0.15")
    other.reload()
    expect(other.get_by_role("heading", name="A late quarrel")).to_be_visible()
    expect(other.get_by_role("status")).to_contain_text("Changed:")
    expect(slider(other)).to_have_value("0.15")
    one.close()
    other.close()


BAD_FILES = (
    ("bad.yaml", "extends: nowhere.yaml\n", "bad.yaml:1:10: error: no file 'nowhere.yaml' here"),
    ("big.yaml", "#" * (MAX_BYTES + 1), "big.yaml: error: too big for a scenario"),
    ("<img src=x>.yaml", QUARREL, "the file's name cannot be a scenario's name"),
)


@pytest.mark.slow
def test_mistakes_in_files_and_addresses_are_shown_and_nonsense_is_ignored(
    context: BrowserContext, address: str
) -> None:
    page = visit(context, f"{address}?set={THRESHOLD}=0.2&set=mediators.eldr.trust=1")
    mistake = page.get_by_role("alert")
    expect(mistake).to_contain_text("'mediators.eldr.trust', which has no slider here")
    expect(slider(page)).to_have_value("0.2")
    expect(page.get_by_role("status")).to_contain_text("Changed:")
    for name, content, told in BAD_FILES:
        send(page, name, content)
        expect(mistake).to_contain_text(told)
        expect(page.get_by_role("heading", level=1)).to_have_text("A quarrel")
        click(mistake, "Close")
        expect(mistake).to_have_count(0)
    page.evaluate(  # what the page would never send
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
    expect(mistake).to_contain_text("error: there is no crisis 1000")
    expect(mistake).to_contain_text("expected 0 to 149")
    expect(page.locator("body")).not_to_contain_text("Traceback")
    move(page, "0.1")
    page.close()


@pytest.mark.slow
def test_changes_are_saved_and_survive_a_reload(cli: Cli, page: Page, address: str) -> None:
    move(page, "0.25")
    page.get_by_label("File name").fill("mine")
    page.get_by_label("File name").press("Tab")
    expect(page.get_by_label("File name")).to_have_value("mine.yaml")
    for link in ("Save the scenario", "quarrel.yaml"):
        with page.expect_download() as saved:
            page.get_by_role("link", name=link).click()
        saved.value.save_as(saved.value.suggested_filename)
    assert Path("quarrel.yaml").read_text() == QUARREL
    assert "attention_threshold: 0.25" in Path("mine.yaml").read_text()
    assert cli("run", "quarrel.yaml", "mine.yaml", "--dry-run").code == DONE
    page.get_by_role("switch", name="Envoy takes part").uncheck()
    expect(page).to_have_url(f"{address}?set={THRESHOLD}=0.25&set=mediators.envoy=null")
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("Changed:")
    expect(slider(page)).to_have_value("0.25")
    expect(page.get_by_role("switch", name="Envoy takes part")).not_to_be_checked()
    click(page, "Reset all")
    expect(page).to_have_url(address)


@pytest.mark.slow
def test_a_crisis_is_read_with_and_without_the_changes(page: Page) -> None:
    box = page.locator(".cs-chart").bounding_box()
    page.locator(".cs-chart").click(position={"x": box["width"] / 3, "y": box["height"] / 2})
    story = page.get_by_role("article")
    expect(story).to_contain_text("How it ended")
    expect(story.get_by_role("img", name="Path of crisis")).to_be_visible()
    page.get_by_role("switch", name="the elder takes part").uncheck()
    expect(page.get_by_role("status")).to_contain_text("Changed:")
    pick(page, 42)
    expect(story).to_contain_text("Crisis 42, changed")
    expect(story).not_to_contain_text("Possible mediators: the elder")
    click(page, "The same crisis, unchanged")
    expect(story).to_contain_text("Crisis 42, unchanged")
    expect(story).to_contain_text("Possible mediators: the elder")
    page.get_by_label("as soon as it can").select_option("the elder: engage")
    page.get_by_label("From this day").fill("someday")
    click(page, "Show the futures")
    changed = page.get_by_role("region", name="Change this crisis")
    expect(changed).to_contain_text("'someday' is not a moment")
    page.get_by_label("From this day").fill("1.5")
    click(page, "Show the futures")
    expect(changed.get_by_role("table")).to_contain_text("as it was")
    expect(changed).to_contain_text("The change: on day 1.5, the elder engages.")
    assert fine(page)
    click(page, "Explain why")
    expect(changed).to_contain_text("The outcome: ")


@pytest.mark.slow
def test_a_nowcast_is_made_and_mistakes_in_evidence_are_shown(page: Page) -> None:
    pane = page.get_by_role("region", name="Nowcast")
    evidence = pane.get_by_label("Evidence")
    evidence.fill("title: Seen\ngiven:\n  - {at: 2, not_yet: frist_strike}\n")
    click(pane, "Run the nowcast")
    expect(pane.get_by_role("alert")).to_contain_text("did you mean 'first_strike'")
    evidence.fill("title: Seen\ngiven:\n  - {at: 2, not_yet: first_strike}\n")
    click(pane, "Run the nowcast")
    expect(pane).to_contain_text("Effective number of histories: ")
    expect(pane.get_by_role("img", name="Nowcast")).to_be_visible()
    assert fine(page)
    assert "ceasefire_from_trigger.csv" in download(page, page.locator(".cs-advice"))
    assert {"nowcast.json", "nowcast.png"} < download(page, pane)


@pytest.mark.slow
def test_leaving_cancels_a_nowcast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*server.SOLARA, *server.HOMES):
        monkeypatch.setenv(name, "")  # restored after `set_up_solara`
    server.set_up_solara()
    import ipyvuetify
    import solara

    from crisis_sim.dashboard import page as pages

    began, cancelled = threading.Event(), threading.Event()

    def endless(*_: Any, progress: Callable[[int, int], None], **__: Any) -> None:
        began.set()
        try:
            while True:
                progress(0, 1)
                time.sleep(0.01)
        except Superseded:
            cancelled.set()
            raise

    monkeypatch.setattr(pages, "nowcast", endless)
    session = Session(open_reference(write_quarrel(tmp_path)), Runs(), 60, seed=3)
    pane = pages.NowcastPane(session, Changes(), "quarrel")
    _, rendered = solara.render(pane, handle_error=False)
    rendered.find(ipyvuetify.Btn, children=["Run the nowcast"]).widget.click()
    assert began.wait(60)
    assert not cancelled.is_set()
    rendered.close()
    assert cancelled.wait(60)


@pytest.mark.slow
def test_ctrl_c_ends_the_server_during_a_nowcast(context: BrowserContext, tmp_path: Path) -> None:
    with dashboard(tmp_path) as (address, process):
        page = visit(context, address)
        pane = page.get_by_role("region", name="Nowcast")
        click(pane, "100,000 histories")
        click(pane, "Run the nowcast")
        expect(pane).to_contain_text("Running histories")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        page.close()


def download(page: Page, where: Locator) -> set[str]:
    """Names of the files in the archive that a button brings."""
    with page.expect_download() as saved:
        click(where, "(ZIP)")
    return set(ZipFile(saved.value.path()).namelist())


@pytest.mark.slow
def test_the_page_is_accessible_in_light_and_dark_mode_and_on_a_phone(page: Page) -> None:
    move(page, "0.1")
    pick(page, 4)
    grounds = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": 1280, "height": 720})
        assert fine(page)
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
        grounds.add(ground)
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        slider(page).scroll_into_view_if_needed()
        expect(page.locator(".cs-chart")).to_be_in_viewport()
        assert fine(page)
    assert len(grounds) == 2


@pytest.mark.slow
def test_a_game_is_played_in_the_browser(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    page.goto(f"{address}?play=north")
    shown = page.get_by_role("status")
    expect(shown).to_contain_text("decides")
    first = shown.inner_text()
    click(page, "wait")
    expect(shown).not_to_have_text(first)
    click(page, "undo")
    expect(page.get_by_role("button", name="undo")).to_have_count(0)
    assert shown.inner_text() == first
    assert fine(page)
    page.goto(f"{address}?play=nobody")
    expect(page.get_by_role("alert")).to_contain_text("no state 'nobody'")
    page.close()
