"""The page of an experiment: its question, what it found, its figures, and how to have it again."""

from __future__ import annotations

import base64
import json
import re
from importlib import import_module
from inspect import getsource
from pathlib import Path

import pytest

from crisis_sim.batch import ResultsError
from crisis_sim.cli import MISTAKE, run_command
from crisis_sim.experiments import read_experiment, run_experiment
from crisis_sim.experiments.spec import KINDS
from crisis_sim.report import page as pages
from crisis_sim.report.page import page_of
from crisis_sim.report.story import environment
from crisis_sim.scenario import Scenario
from tests.experiments.examples import made
from tests.report.page.conftest import QUESTION, short
from tests.report.page.reading import Element, read


@pytest.fixture(scope="session")
def page(sweep_html: str) -> Element:
    return read(sweep_html)


def test_it_asks_the_experiments_question_and_gives_its_answer(page: Element, sweep: Path) -> None:
    assert page.all("h1")[0].text.startswith("Does it matter? ")
    assert "<script>alert(1)</script>" in page.all("h1")[0].text
    sentences = read_experiment(sweep).answer
    (answer,) = (one for one in page.walk() if one.attributes.get("class") == "answer")
    assert answer.text == sentences[0]
    assert all(sentence in page.text for sentence in sentences)


def test_its_charts_and_tables_are_there_and_can_be_read_aloud(page: Element, sweep: Path) -> None:
    charts = [one.attributes["aria-labelledby"] for one in page.all("svg")]
    both = [
        f"chart-{name}{width}-title"
        for name in ("curves", "differences")
        for width in ("", "-narrow")
    ]
    assert charts[:4] == both
    assert all(one.startswith("story-") for one in charts[4:])
    captions = [one.all("caption")[0].text for one in page.all("table")]
    for name in read_experiment(sweep).tables:
        assert any(f"({name}.parquet)" in caption for caption in captions)


def test_nothing_that_it_was_given_is_obeyed(sweep_html: str, page: Element) -> None:
    assert QUESTION not in sweep_html
    assert not page.all("script", "img")


def test_its_files_travel_with_it(sweep_html: str, tmp_path: Path) -> None:
    attached = re.findall(r'base64,([^"]+)" download="([^"]+)"', sweep_html)
    files = {name: base64.b64decode(content).decode() for content, name in attached}
    assert json.loads(files["resolve.yaml"])["question"] == QUESTION
    (tmp_path / "short.yaml").write_text(files["short.yaml"], encoding="utf-8")
    assert Scenario.load(tmp_path / "short.yaml").digest == short().digest


@pytest.mark.usefixtures("no_charts")
def test_a_table_too_large_for_a_page_is_said_to_be_in_the_folder(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_ROWS", 5)
    page = page_of(sweep)
    assert "measures.parquet (6 rows)" in page.html
    sections = [one.attributes["id"] for one in read(page.html).all("section")]
    assert sections[1:5] == ["charts", "tables", "stories", "assumptions"]
    assert page.plain["stories"]


def test_it_has_no_other_scenario_to_be_compared_with_and_its_crises_alone_are_no_run(
    sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ResultsError, match="whose comparisons are fixed by its file"):
        page_of(sweep, "short")
    assert run_command(["report", str(sweep / "design")]) == MISTAKE
    assert "give the folder of the experiment that asked for them" in capsys.readouterr().err


def test_a_new_experiment_takes_the_old_page_away(tmp_path: Path) -> None:
    for _ in range(2):
        run_experiment(made("sweep"), tmp_path)
        assert not (tmp_path / "report.html").exists()
        (tmp_path / "report.html").write_text("earlier")


def test_every_chart_that_an_experiment_may_draw_is_called_by_what_it_shows() -> None:
    drawn = {
        name
        for module in KINDS.values()
        for name in re.findall(r'yield "(\w+)"', getsource(import_module(module)))
    }
    parts = environment().get_template("parts.html.jinja").module
    assert drawn
    assert drawn <= set(parts.experiment_charts)
