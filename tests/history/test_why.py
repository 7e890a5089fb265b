"""The effects of steps are those of running the crisis with and without them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from crisis_sim import CrisisModel, load_scenario, why
from crisis_sim.history.one_crisis import HistoryError, begin, run_to
from crisis_sim.history.why import Reasons, read_outcome
from crisis_sim.outcomes.measures import Columns
from crisis_sim.scenario.errors import ScenarioError
from tests.conftest import Cli

#: May 2025 with the parameters of one fit, so that its crises do not change.
FILE = Path(__file__).with_name("may_2025.yaml")
MAY_2025 = load_scenario(FILE)
COLUMNS = Columns.of(MAY_2025)
REPLICATE, FUTURES = 562, 300


@pytest.fixture(scope="module")
def found() -> Reasons:
    return why(MAY_2025, REPLICATE, "ceasefire within 96 hours", futures=FUTURES)


@pytest.mark.slow
def test_the_halt_and_the_strike_that_led_to_it_are_found_first(found: Reasons) -> None:
    assert found.came
    kinds = [[entry.kind for entry in one.steps[0].entries] for one in found.mattered]
    assert sorted(kinds[:2]) == [["act"], ["agreed"]]
    assert all(one.clear and one.weight > 0 for one in found.mattered)
    halt = next(one for one in found.strongest if one.steps[0].entries[0].kind == "agreed")
    assert float(halt.given.estimate) == 1.0
    assert not halt.same_luck
    assert int(halt.without.of) == FUTURES
    assert found.strongest == sorted(found.strongest, key=lambda one: -one.weight)
    assert len(found.pairs) <= 10
    for pair in found.pairs:
        first, second = pair.steps
        assert first.days < second.days
    assert found.pairs[0].weight >= found.strongest[0].weight - 0.1


@pytest.mark.slow
def test_shares_are_those_of_futures_branched_at_the_step(found: Reasons) -> None:
    def share(model: CrisisModel) -> float:
        return found.outcome.occurred(model.branch(FUTURES, salt=2).run()).mean()

    for one in found.strongest[:4]:
        given, without = float(one.given.estimate), float(one.without.estimate)
        assert given == share(run_to(begin(MAY_2025, 1, REPLICATE), one.steps[0].days))
        assert float(one.difference.estimate) == pytest.approx(given - without)
    # To undo this decision is to wait, with new random numbers afterwards.
    reason = next(one for one in found.strongest if one.steps[0].choice > 0)
    step = reason.steps[0]
    model = run_to(begin(MAY_2025, 1, REPLICATE), float(np.nextafter(step.days, 0)))
    model.force(step.agent, "wait")
    assert float(reason.without.estimate) == share(run_to(model, step.days))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Screen steps on fewer futures."""
    monkeypatch.setattr("crisis_sim.history.why.SCREENED", 20)


@pytest.mark.slow
def test_an_outcome_that_did_not_occur_is_explained_by_what_prevented_it(quick: None) -> None:
    war, none = (why(MAY_2025, REPLICATE, outcome, futures=100) for outcome in ("war", "no war"))
    assert not war.came
    assert none.came
    assert all(float(one.difference.estimate) < 0 for one in war.mattered)
    assert "It did not occur." in war.answer()[1]
    assert [x.description for x in none.mattered] == [x.description for x in war.mattered]


def test_an_outcome_is_what_its_column_says() -> None:
    model = CrisisModel(MAY_2025, 300).run()
    columns = model.outcomes()
    strike, halt = columns["first_strike_at_hours"], columns["ceasefire_in_effect_at_hours"]
    agreed = np.where(columns["ending"] == "agreement", columns["ended_at_hours"], np.nan)
    soon = np.where(halt >= strike, halt, agreed) - strike
    came = {
        "ceasefire within 96 hours": (soon >= 0) & (soon <= 96),
        "the agreement": columns["ending"] == "agreement",
        "no war": np.isnan(columns["war_at_hours"]),
        "{share: {deaths: {at_least: 1000}}, given: {mediated: true}}": (columns["deaths"] >= 1000) & columns["mediated"],
    }  # fmt: skip
    for outcome, expected in came.items():
        assert 0 < expected.sum() < 300, outcome
        np.testing.assert_array_equal(
            read_outcome(outcome, COLUMNS).occurred(model), expected, outcome
        )


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("peace", "no outcome 'peace': expected ceasefire within 96 hours, agreement"),
        ("agreemnt", "did you mean 'agreement'"),
        ("", "no outcome ''"),
        ("median deaths", "is a number: expected an event or ending"),
        ("{mean: deaths}", "is a number"),
        ("{share: {deeths: {at_least: 2}}}", "did you mean 'deaths'"),
    ],
)
def test_invalid_outcomes_are_refused(outcome: str, expected: str) -> None:
    with pytest.raises(ScenarioError if "deeths" in outcome else HistoryError, match=expected):
        read_outcome(outcome, COLUMNS)


@pytest.mark.slow
def test_the_command_tells_the_steps_and_draws_them(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    asked = ["why", str(FILE), "--replicate", str(REPLICATE), "--futures", "50", "--outcome"]
    plain = cli(*asked, "ceasefire within 96 hours", "--json").data
    assert plain["came"] is True
    assert any(one["with"]["estimate"] == 1.0 for one in plain["strongest"])
    assert {one["of"] for one in plain["strongest"]} == {50}
    made = {f"why.{kind}" for kind in ("md", "svg", "png", "csv")} | {"report.html"}
    assert {one.name for one in Path("results/why").iterdir()} == made
    page = Path("results/why/report.html").read_text(encoding="utf-8")
    assert all(f'class="chart {width}"' in page for width in ("wide", "narrow"))
    monkeypatch.setenv("COLUMNS", "60")
    lines = cli(*asked, "ceasefire within 96 hours").out.splitlines()
    assert max(map(len, lines)) <= 60
    assert any(re.match(r"step +% +% +95% +without", line) for line in lines)  # a table, no list
    wrong = cli(*asked, "peace")
    assert wrong.code == 2
    assert "no outcome 'peace'" in wrong.err
