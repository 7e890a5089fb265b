"""What a step is said to have brought about is what running the crisis with it and without it gives."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from crisis_sim import CrisisModel, load_scenario, why
from crisis_sim.cli import run_command
from crisis_sim.history.past import HistoryError, begin, run_to
from crisis_sim.history.why import Reasons, read_outcome
from crisis_sim.outcomes.measures import Columns
from crisis_sim.scenario.errors import ScenarioError

#: May 2025 with one fit of the behaviour, so that its crises stay what they are.
FILE = Path(__file__).with_name("may_2025.yaml")
MAY_2025 = load_scenario(FILE)
COLUMNS = Columns.of(MAY_2025)
REPLICATE, FUTURES = 562, 300


@cache
def found() -> Reasons:
    return why(MAY_2025, REPLICATE, "ceasefire within 96 hours", futures=FUTURES)


@pytest.mark.slow
def test_the_halt_and_the_strike_that_led_to_it_are_found_first() -> None:
    assert found().came
    kinds = [[entry.kind for entry in one.steps[0].entries] for one in found().mattered]
    assert sorted(kinds[:2]) == [["act"], ["agreed"]]
    assert all(one.clear and one.weight > 0 for one in found().mattered)
    halt = next(one for one in found().strongest if one.steps[0].entries[0].kind == "agreed")
    assert float(halt.given.estimate) == 1.0
    assert not halt.same_luck
    assert int(halt.without.of) == FUTURES
    assert found().strongest == sorted(found().strongest, key=lambda one: -one.weight)


@pytest.mark.slow
def test_shares_are_those_of_futures_branched_at_the_step() -> None:
    for one in found().strongest[:4]:
        step = one.steps[0]
        model = run_to(begin(MAY_2025, 1, REPLICATE), step.days).branch(FUTURES, salt=2).run()
        assert float(one.given.estimate) == found().outcome.came(model).mean()
        assert float(one.difference.estimate) == pytest.approx(
            float(one.given.estimate) - float(one.without.estimate)
        )
    # A decision left out is a decision taken otherwise: the state waits, and luck is fresh from then on.
    step = next(one.steps[0] for one in found().strongest if one.steps[0].choice > 0)
    model = run_to(begin(MAY_2025, 1, REPLICATE), float(np.nextafter(step.days, 0)))
    model.force(step.agent, "wait")
    futures = run_to(model, step.days).branch(FUTURES, salt=2).run()
    reason = next(one for one in found().strongest if one.steps[0] is step)
    assert float(reason.without.estimate) == found().outcome.came(futures).mean()


@pytest.mark.slow
def test_a_pair_undone_leaves_both_out() -> None:
    assert len(found().pairs) <= 10
    for pair in found().pairs:
        assert len(pair.steps) == 2
        assert pair.steps[0].days < pair.steps[1].days
    strongest = found().pairs[0]
    assert strongest.weight >= max(one.weight for one in found().strongest) - 0.1


@pytest.mark.slow
def test_what_did_not_come_is_explained_by_what_kept_it_from_coming() -> None:
    war = why(MAY_2025, REPLICATE, "war", futures=100)
    assert not war.came
    assert all(float(one.difference.estimate) < 0 for one in war.mattered)
    assert "It did not come." in war.answer()[1]
    none = why(MAY_2025, REPLICATE, "no war", futures=100)
    assert none.came
    assert [one.told for one in none.mattered] == [one.told for one in war.mattered]


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
    for said, expected in came.items():
        assert 0 < expected.sum() < 300, said
        np.testing.assert_array_equal(read_outcome(said, COLUMNS).came(model), expected, said)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("peace", "no outcome 'peace': expected ceasefire within 96 hours, agreement"),
        ("agreemnt", "did you mean 'agreement'"),
        ("", "no outcome ''"),
        ("median deaths", "is a number: expected what may come or not"),
        ("{mean: deaths}", "is a number"),
    ],
)
def test_what_is_no_outcome_is_refused(said: str, expected: str) -> None:
    with pytest.raises(HistoryError, match=expected):
        read_outcome(said, COLUMNS)
    with pytest.raises(ScenarioError, match="did you mean 'deaths'"):
        read_outcome("{share: {deeths: {at_least: 2}}}", COLUMNS)


@pytest.mark.slow
def test_the_command_tells_the_steps_and_draws_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["why", str(FILE), "--replicate", str(REPLICATE), "--futures", "50", "--outcome"]
    assert run_command([*asked, "ceasefire within 96 hours", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["came"] is True
    assert any(one["with"]["estimate"] == 1.0 for one in plain["strongest"])
    assert {one["of"] for one in plain["strongest"]} == {50}
    made = {f"why.{kind}" for kind in ("md", "svg", "png", "csv")} | {"report.html"}
    assert {one.name for one in Path("results/why").iterdir()} == made
    page = Path("results/why/report.html").read_text(encoding="utf-8")
    assert all(f'class="chart {width}"' in page for width in ("wide", "narrow"))
    for width in (60, 80):
        monkeypatch.setenv("COLUMNS", str(width))
        assert run_command([*asked, "ceasefire within 96 hours"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= width
        assert any(
            re.match(r"step +% +% +95% +without", line) for line in lines
        )  # a table, not a list
    assert run_command([*asked, "peace"]) == 2
    assert "no outcome 'peace'" in capsys.readouterr().err
