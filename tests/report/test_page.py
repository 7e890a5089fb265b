"""The page for its readers (on screen, by keyboard, by screen reader, on paper), and its file."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from inspect import getsource
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from syrupy.assertion import SnapshotAssertion

from crisis_sim.batch import ResultsError, read_batch
from crisis_sim.batch.ensemble import Batch
from crisis_sim.batch.manifest import seal
from crisis_sim.batch.safe_files import as_json
from crisis_sim.cli import DONE, MISTAKE
from crisis_sim.experiments import read_experiment, run_experiment
from crisis_sim.experiments.spec import KINDS
from crisis_sim.model import CrisisModel
from crisis_sim.outcomes import UnknownReferenceError
from crisis_sim.report import page as pages
from crisis_sim.report.page import page_of, write_page
from crisis_sim.report.story import environment
from crisis_sim.scenario import Scenario
from tests.conftest import Cli
from tests.report.conftest import QUESTION, REPLICATES, SEED, with_two_stories
from tests.report.looking import Element, read
from tests.report.made_up import HARM


@pytest.fixture(params=["html", "harmful_html"])
def any_html(request: pytest.FixtureRequest) -> str:
    """The page of a run and that of an experiment."""
    text: str = request.getfixturevalue(request.param)
    return text


def named(page: Element, name: str) -> Element:
    return next(one for one in page.walk() if one.attributes.get("id") == name)


def test_the_contents_of_a_runs_page(batch: Batch, snapshot: SnapshotAssertion) -> None:
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
    shown = ("h2", "p", "dt", "dd", "li", "caption", "title", "tr")
    assert [
        [section.attributes["id"], *(one.text for one in section.all(*shown))]
        for section in main.all("section")[:-1]
    ] == snapshot
    assert page.plain == snapshot(name="in short")


def test_a_page_is_accessible_by_screen_reader_and_keyboard(any_html: str) -> None:
    page = read(any_html)
    assert [len(page.all(one)) for one in ("header", "main", "nav", "footer")] == [1, 1, 1, 1]
    assert page.all("nav")[0].attributes["aria-label"]
    assert page.all("html")[0].attributes["lang"] == "en"
    assert page.all("title")[0].text
    levels = [int(one.tag[1]) for one in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(after <= before + 1 for before, after in pairwise(levels))
    charts = page.all("svg")
    assert len(charts) > 3
    for chart in charts:  # each has a title, and its finding in words
        title, finding, *_ = chart.children
        assert (title.tag, finding.tag, chart.attributes["role"]) == ("title", "desc", "img")
        assert title.text
        assert len(finding.text) > 20
        assert chart.attributes["aria-labelledby"] == title.attributes["id"]
        assert chart.attributes["aria-describedby"] == finding.attributes["id"]
    tables = page.all("table")
    assert len(tables) > 5
    for table in tables:
        assert table.all("caption")[0].text
        assert {one.attributes["scope"] for one in table.all("th")} <= {"col", "row"}
        assert len({len(row.all("th", "td")) for row in table.all("tr")}) == 1
    scrolling = [one for one in page.walk() if one.attributes.get("class") == "scroll"]
    assert len(scrolling) == len(tables)
    for one in scrolling:
        assert one.attributes["tabindex"] == "0"
        assert one.attributes.get("aria-label") or one.attributes.get("aria-labelledby")


def test_ids_are_unique_and_every_reference_has_a_target(any_html: str) -> None:
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


def test_stories_have_a_reason_for_their_choice_and_their_outcomes_elsewhere(page: Element) -> None:
    stories = page.all("article")
    assert len(stories) >= 2
    assert stories[0].all("h3")[0].text.startswith("A typical crisis")
    for story in stories:
        assert "Why this crisis:" in story.text
        rows = story.all("tbody")[0].all("tr")
        assert [row.all("th")[0].text for row in rows] == ["A short crisis", "Nobody mediates"]
        for command in ("replay", "why"):
            assert f"crisis-sim {command} short.yaml --seed {SEED} --replicate" in story.text
        assert {one.text for one in story.all("h4")} >= {"How it ended"}


def test_a_page_has_assumptions_with_sources_differences_and_its_command(page: Element) -> None:
    section, again = named(page, "assumptions"), named(page, "again")
    for words in ("Parameter Meaning Value Unit Source", "cost_power", "default: Schelling 1966"):
        assert words in section.text
    (table,) = (one for one in section.all("table") if "against" in one.all("caption")[0].text)
    assert "0.111" in table.text
    assert "not there" in table.text
    facts = dict(zip(*([one.text for one in again.all(tag)] for tag in ("dt", "dd")), strict=True))
    assert facts["Seed"] == str(SEED)
    for words in ("crisis-sim run short alone", "NumPy 2", '"git_revision"'):
        assert words in again.text


def test_a_page_fetches_nothing_and_runs_no_script(any_html: str) -> None:
    page = read(any_html)
    assert not page.all("script", "link", "img", "iframe", "object", "embed", "form", "base")
    policy = next(one for one in page.all("meta") if one.attributes.get("http-equiv"))
    assert policy.attributes["content"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    for one in page.walk():
        assert not any(key.startswith("on") for key in one.attributes)
        for key in ("href", "xlink:href"):
            assert one.attributes.get(key, "#").startswith(("#", "data:text/plain;"))


def test_text_from_a_scenario_is_never_markup(harmful_html: str) -> None:
    assert not [one for one in (HARM, "<script", "<img", "\x1b", "\u202e") if one in harmful_html]
    page = read(harmful_html)
    assert "<script>alert(1)</script>" in page.all("h1")[0].text
    assert any("<script>alert(1)</script>" in one.text for one in page.all("article"))
    assert not any("javascript" in one.attributes.get("href", "") for one in page.all("a"))


# The file of a page: attachments, and errors.


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A folder of results to damage."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.mark.slow
def test_the_same_results_make_the_same_page(copy: Path, html: str) -> None:
    again = copy / "deep" / "page.html"
    assert with_two_stories(copy, again) == html
    assert [path.name for path in again.parent.iterdir()] == ["page.html"]


def attached(html: str) -> dict[str, str]:
    """The files attached to a page."""
    found = re.findall(r'base64,([^"]+)" download="([^"]+)"', html)
    return {name: base64.b64decode(content).decode() for content, name in found}


def test_the_scenarios_attached_to_a_page_can_be_run(
    html: str, sweep_html: str, folder: Path, tmp_path: Path
) -> None:
    files = attached(html)
    assert set(files) == {"short.yaml", "alone.yaml"}
    digests = {one: of["digest"] for one, of in read_batch(folder).manifest["scenarios"].items()}
    for name, text in (*files.items(), ("short.yaml", attached(sweep_html)["short.yaml"])):
        (tmp_path / name).write_text(text, encoding="utf-8")
        scenario = Scenario.load(tmp_path / name)
        assert scenario.digest == digests[scenario.name]
    assert json.loads(attached(sweep_html)["resolve.yaml"])["question"] == QUESTION


@pytest.mark.usefixtures("no_charts")
def test_a_report_shows_progress(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    @contextmanager
    def bar(what: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: seen.append((done, total))

    monkeypatch.setattr("crisis_sim.cli.run.progress_bar", bar)
    assert cli("report", folder, "--out", "page.html").code == DONE
    done = [one for one, _ in seen]
    assert done == sorted(set(done))
    assert done[:2] == [1, 2]  # the scenarios, one by one
    assert len({total for _, total in seen}) == 1
    assert seen[-1][0] == seen[-1][1]


@pytest.mark.usefixtures("no_charts")
def test_another_reference_can_be_chosen(folder: Path) -> None:
    assert page_of(folder, "alone").plain["title"] == "Nobody mediates"
    with pytest.raises(UnknownReferenceError, match="did you mean 'alone'"):
        page_of(folder, "alon")


@pytest.mark.usefixtures("no_charts")
def test_a_crisis_that_is_not_reproduced_is_left_out_with_a_note(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = CrisisModel.outcomes

    def changed(model: CrisisModel) -> dict[str, Any]:
        outcomes = honest(model)
        return {**outcomes, "deaths": outcomes["deaths"] + (model.first_replicate in odd)}

    odd = {one["replicate"] for one in page_of(folder).plain["stories"][:1]}
    monkeypatch.setattr(CrisisModel, "outcomes", changed)
    page = page_of(folder)
    assert odd
    assert not odd & {one["replicate"] for one in page.plain["stories"]}
    assert "Left out: " in page.html
    assert "because another version made these results" in page.html


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest of a folder, and its checksum with it."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    change(manifest)
    (folder / "manifest.json").write_bytes(as_json(seal(manifest)))


@pytest.mark.usefixtures("no_charts")
def test_results_whose_scenarios_cannot_be_read_still_make_a_page(copy: Path) -> None:
    def later(manifest: dict[str, Any]) -> None:
        for one in manifest["scenarios"].values():
            one["scenario"]["of_the_future"] = 1

    change_manifest(copy, later)
    text = write_page(copy).read_text(encoding="utf-8")
    assert "another version of Crisis Sim made these results" in text
    assert "of_the_future" in attached(text)["short.yaml"]


@pytest.mark.usefixtures("no_charts")
def test_missing_crises_are_noted_first(copy: Path) -> None:
    block = {"block": 0, "scenario": "short", "first_replicate": 0, "replicates": 1200}
    why = {"first_point": 0, "points": 1, "seed": SEED, "error": "x", "trace": ""}
    change_manifest(copy, lambda manifest: manifest.update(failures=[block | why]))
    (notice,) = page_of(copy).plain["notices"]
    assert "1,200 crises could not be run and are missing here (1 block failed)" in notice


@pytest.mark.usefixtures("no_charts")
def test_an_unwritable_page_leaves_the_old_one(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy / "report.html").write_text("earlier")

    def full(self: Path, to: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_page(copy)
    assert (copy / "report.html").read_text() == "earlier"
    assert not list(copy.glob("*.partial"))


@pytest.mark.parametrize("name", ["outcomes.parquet", "manifest.json", "page", "."])
def test_a_page_overwrites_no_results(copy: Path, name: str) -> None:
    before = {path: path.read_bytes() for path in copy.iterdir() if path.is_file()}
    with pytest.raises(ResultsError, match=r"ends in \.html|is a folder"):
        write_page(copy, copy / name)
    assert {path: path.read_bytes() for path in copy.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (shutil.rmtree, "is not a folder; expected one from `crisis-sim run --out`"),
        (
            lambda folder: (folder / "manifest.json").write_text('{"format": 1, "scenarios": {}}'),
            "manifest.json: failures is missing",
        ),
        (
            lambda folder: change_manifest(folder, lambda manifest: manifest.update(points=3)),
            "the crises of an experiment's design; give the experiment's folder",
        ),
    ],
)
def test_a_mistake_is_explained_and_exits_with_2(
    cli: Cli, copy: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(copy)
    result = cli("report", copy)
    assert (result.code, result.out) == (MISTAKE, "")
    assert result.err.startswith("error: ")
    assert message in result.err
    assert not list(copy.rglob("report.html.*"))


@pytest.mark.usefixtures("no_charts")
def test_the_command_prints_the_file_or_the_answer(cli: Cli, copy: Path) -> None:
    result = cli("report", copy)
    assert (result.code, result.out) == (DONE, f"{copy / 'report.html'}\n")
    assert "opened in a browser" in result.err
    data = cli("report", copy, "--out", copy / "b.html", "--json").data
    assert data["file"] == str(copy / "b.html")
    assert data["answer"].startswith("In this model")
    assert all(0 <= one["replicate"] < REPLICATES for one in data["stories"])
    assert read_batch(copy).seed == SEED


# The page of an experiment: question, findings, figures and command.


def test_an_experiments_page_has_all_of_its_findings(sweep_html: str, sweep: Path) -> None:
    page, findings = read(sweep_html), read_experiment(sweep)
    assert page.all("h1")[0].text.startswith("Does it matter? ")
    assert "<script>alert(1)</script>" in page.all("h1")[0].text
    assert QUESTION not in sweep_html
    assert not page.all("script", "img")
    (answer,) = (one for one in page.walk() if one.attributes.get("class") == "answer")
    assert answer.text == findings.answer[0]
    assert all(sentence in page.text for sentence in findings.answer)
    charts = [one.attributes["aria-labelledby"] for one in page.all("svg")]
    names = [f"{name}{width}" for name in ("curves", "differences") for width in ("", "-narrow")]
    assert charts[:4] == [f"chart-{name}-title" for name in names]
    assert all(one.startswith("story-") for one in charts[4:])
    captions = [one.all("caption")[0].text for one in page.all("table")]
    for name in findings.tables:
        assert any(f"({name}.parquet)" in caption for caption in captions)


@pytest.mark.usefixtures("no_charts")
def test_a_table_too_large_is_only_named(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_ROWS", 5)
    page = page_of(sweep)
    assert "measures.parquet (6 rows)" in page.html
    sections = [one.attributes["id"] for one in read(page.html).all("section")]
    assert sections[1:5] == ["charts", "tables", "stories", "assumptions"]
    assert page.plain["stories"]


def test_an_experiment_has_no_other_reference_and_its_design_no_page(cli: Cli, sweep: Path) -> None:
    with pytest.raises(ResultsError, match="its file determines the comparisons"):
        page_of(sweep, "short")
    assert "give the experiment's folder" in cli("report", sweep / "design").err


def test_a_new_run_of_an_experiment_removes_the_old_page(sweep: Path, tmp_path: Path) -> None:
    again = Path(shutil.copytree(sweep, tmp_path / "sweep"))
    (again / "report.html").write_text("earlier")
    run_experiment(read_experiment(sweep).experiment, again)
    assert not (again / "report.html").exists()


def test_every_chart_of_an_experiment_has_a_title() -> None:
    drawn = {
        name
        for module in KINDS.values()
        for name in re.findall(r'yield "(\w+)"', getsource(import_module(module)))
    }
    parts = environment().get_template("parts.html.jinja").module
    assert drawn
    assert drawn <= set(parts.experiment_charts)
