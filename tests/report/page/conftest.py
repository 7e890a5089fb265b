"""Pages made once: of a short crisis and a counterfactual, and of the same with texts that mean harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.batch import run_to_folder
from crisis_sim.cli.files import template_text
from crisis_sim.experiments import make_experiment, run_experiment
from crisis_sim.report import example_crises, replay
from crisis_sim.report import page as pages
from crisis_sim.report.page import write_page
from crisis_sim.scenario import Scenario
from tests.report.page.reading import Element, read

HARM = (
    '"><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)> '
    "[a](javascript:b) &amp; {{ 7 * 7 }} \u202eabc\x1b[31m"
)
#: A file may not hold what would steer a terminal; all else that means harm it may.
QUESTION = f"Does it matter? {HARM.partition(chr(0x202E))[0].strip()}"
REPLICATES = 60
SEED = 7


def short(name: str = "short", title: str = "A short crisis") -> Scenario:
    text = template_text("short.yaml").replace("horizon_days: 60", "horizon_days: 25")
    scenario = Scenario.from_text(text, name)
    return scenario.model_copy(update={"title": title})


def alone(scenario: Scenario, name: str = "alone") -> Scenario:
    """The same without mediators, and with leaders who are less exposed."""
    plain = {**scenario.plain(), "name": name, "title": "Nobody mediates", "mediators": {}}
    first = next(iter(plain["states"]))
    plain["states"][first]["audience"] = 0.111
    for channel in plain["channels"].values():
        channel["opened_by"] = [one for one in channel["opened_by"] if one in plain["states"]]
    return Scenario.model_validate(plain)


def harmful() -> Scenario:
    """A scenario whose every free text means harm."""
    plain = short().plain()
    plain |= {"title": HARM, "description": HARM, "sources": [HARM]}
    for section in ("states", "mediators", "lenders", "channels", "advisers"):
        for name, part in plain[section].items():
            part["title"] = f"{HARM} {name}"
    for event in plain["events"]:
        event["title"] = HARM
    names = {rung["name"]: f"{HARM} {place}" for place, rung in enumerate(plain["ladder"])}
    for rung in plain["ladder"]:
        rung["name"] = names[rung["name"]]
    for state in plain["states"].values():
        state["rung_at_start"] = names.get(state["rung_at_start"], "")
        state["market"]["index"] = HARM
    return Scenario.model_validate(plain)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two scenarios, side by side."""
    folder = tmp_path_factory.mktemp("results") / "pair"
    command = ["crisis-sim", "run", "short", "alone"]
    run_to_folder([short(), alone(short())], folder, REPLICATES, SEED, command=command)
    return folder


@pytest.fixture(scope="session")
def html(folder: Path) -> str:
    return write_page(folder).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page(html: str) -> Element:
    return read(html)


@pytest.fixture(scope="session")
def harmful_html(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("results") / "harm"
    run_to_folder(harmful(), folder, REPLICATES, SEED, command=["crisis-sim", "run", HARM])
    return write_page(folder).read_text(encoding="utf-8")


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
    return write_page(sweep).read_text(encoding="utf-8")


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts take most of the time that a page takes, and have tests of their own."""
    names = ("ceasefire_from_first_strike", "endings", "differences")
    monkeypatch.setattr(pages, "all_charts", lambda *_: ((name, None) for name in names))
    monkeypatch.setattr(pages, "charts_of", lambda *_: iter(()))
    monkeypatch.setattr(replay, "draw_replay", lambda *_: None)
    for module in (pages, example_crises):
        monkeypatch.setattr(module, "for_both", lambda *_: "<svg></svg>")
