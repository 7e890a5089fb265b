"""Batches, journals, charts and pages for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from crisis_sim import Replay, replay, simulate
from crisis_sim.batch import run_to_folder
from crisis_sim.batch.ensemble import Batch
from crisis_sim.experiments import make_experiment, run_experiment
from crisis_sim.outcomes.summary import summarise
from crisis_sim.report import example_crises
from crisis_sim.report import page as pages
from crisis_sim.report.charts import draw_differences, draw_endings, draw_incidence, draw_markets
from crisis_sim.report.example_crises import choose
from crisis_sim.report.page import write_page
from tests.report.looking import Element, read
from tests.report.made_up import CASES, HARM, alone, harmful, make_batch, make_ensemble, short

#: A file may not hold what would steer a terminal; all else that means harm it may.
QUESTION = f"Does it matter? {HARM.partition(chr(0x202E))[0].strip()}"
#: The results that pages are made from.
REPLICATES, SEED = 60, 7


@pytest.fixture(scope="session")
def real() -> Batch:
    """May 2025 with and without mediators, as the model has it."""
    return simulate(["may_2025", "no_mediators"], replicates=60)


@pytest.fixture(scope="session")
def crisis() -> Replay:
    """A crisis of May 2025 with a first strike and a ceasefire."""
    return replay("may_2025", 4)


@pytest.fixture(scope="session")
def batch(real: Batch) -> Batch:
    """May 2025 and its counterfactuals, with made-up outcomes."""
    paths = real["may_2025"].paths
    return make_batch(*(make_ensemble(name, paths=paths) for name in CASES))


@pytest.fixture(scope="session")
def summary(batch: Batch) -> dict[str, Any]:
    return summarise(batch)


@pytest.fixture(scope="session")
def drawn(batch: Batch, summary: dict[str, Any], crisis: Replay) -> dict[str, Figure]:
    """Every chart, drawn once; read-only."""
    return {
        "ceasefire_from_first_strike": draw_incidence(batch, summary),
        "ceasefire_from_trigger": draw_incidence(batch, summary, "from_trigger"),
        "endings": draw_endings(batch, summary),
        "differences": draw_differences(batch, summary),
        "markets": draw_markets(batch, summary),
        "replay": crisis.plot(),
    }


def with_two_stories(folder: Path, file: Path | None = None) -> str:
    """The page of a folder with only two stories, since their charts take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(example_crises, "choose", lambda ensemble: choose(ensemble)[:2])
        return write_page(folder, file).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two scenarios, side by side."""
    folder = tmp_path_factory.mktemp("results") / "pair"
    command = ["crisis-sim", "run", "short", "alone"]
    run_to_folder([short(), alone(short())], folder, REPLICATES, SEED, command=command)
    return folder


@pytest.fixture(scope="session")
def html(folder: Path) -> str:
    return with_two_stories(folder)


@pytest.fixture(scope="session")
def page(html: str) -> Element:
    return read(html)


@pytest.fixture(scope="session")
def harmful_html(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("results") / "harm"
    run_to_folder(harmful(), folder, REPLICATES, SEED, command=["crisis-sim", "run", HARM])
    return with_two_stories(folder)


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("experiments") / "sweep"
    experiment = make_experiment(
        "resolve",
        kind="sweep",
        question=QUESTION,
        scenario=short(),
        outcomes=["agreement", "war"],
        replicates=20,
        vary={"states.northland.resolve": {"points": 3}},
    )
    run_experiment(experiment, folder)
    return folder


@pytest.fixture(scope="session")
def sweep_html(sweep: Path) -> str:
    return with_two_stories(sweep)


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip charts, which take most of a page's time and have other tests."""
    names = ("ceasefire_from_first_strike", "endings", "differences")
    monkeypatch.setattr(pages, "all_charts", lambda *_: ((name, None) for name in names))
    monkeypatch.setattr(pages, "charts_of", lambda *_: iter(()))
    monkeypatch.setattr("crisis_sim.report.replay.draw_replay", lambda *_: None)
    for module in (pages, example_crises):
        monkeypatch.setattr(module, "for_both", lambda *_: "<svg></svg>")
