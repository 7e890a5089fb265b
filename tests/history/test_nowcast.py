"""Nowcasts agree with brute force where that is possible, are calibrated on simulated crises, and report mistakes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from crisis_sim import CrisisModel, ScenarioError, load_scenario, simulate
from crisis_sim.history.evidence import Evidence, load_evidence, read_evidence
from crisis_sim.history.nowcast import (
    Histories,
    NoHistoryError,
    draw_nowcast,
    nowcast,
    print_nowcast,
    run_histories,
)
from crisis_sim.outcomes.measures import Columns

SEED, REPLICATES = 5, 6_000
STRUCK = """
title: A strike on day 15, and no halt in the two days after it
days: [17]
outcomes: [median_days_to_ceasefire]
given:
  - {at: 15, came: first_strike, within_hours: 60, by: india}
  - {at: 17, not_yet: ceasefire_agreed}
  - {at: 17, rung: india, at_least: border fire}
"""


MAY_2025 = load_scenario("may_2025")
COLUMNS = Columns.of(MAY_2025)


def evidence(text: str) -> Evidence:
    return read_evidence(text, MAY_2025, COLUMNS)


@pytest.fixture(scope="module")
def histories() -> Histories:
    return run_histories(MAY_2025, evidence(STRUCK), REPLICATES, SEED, workers=2)


@pytest.mark.slow
def test_rejection_agrees_with_brute_force(histories: Histories) -> None:
    answer = histories.answers(enough=1, particles=10)[0]
    model = CrisisModel(MAY_2025, REPLICATES, SEED, keep_paths=REPLICATES).run(daily=False)
    outcomes, paths = model.outcomes(), model.kept_paths()
    times = (
        "first_strike_at ceasefire_agreed_at ceasefire_in_effect_at war_at ended_at followed_until"
    )
    strike, agreed, halt, war, ended, until = (outcomes[f"{one}_hours"] for one in times.split())
    rung = paths["india_rung"][paths["day"] == 17]
    met = (strike >= 300) & (strike <= 408) & ~(agreed <= 408)  # the window is cut at the moment
    met &= (model.crises["first_strike_by"] == 0) & (until > 408) & (rung >= 4)
    rows = np.flatnonzero(met)
    assert answer.ancestors.tolist() == rows.tolist()
    assert answer.met == answer.effective == rows.size > 50
    assert answer.figures[5].estimate == np.isfinite(war[rows]).mean()
    on_clock = ~(ended[rows] < 408)
    assert answer.figures[2].estimate == pytest.approx((halt[rows][on_clock] <= 408 + 168).mean())


@pytest.mark.slow
def test_a_nowcast_is_printed_as_a_table_and_drawn() -> None:
    result = nowcast(MAY_2025, evidence(STRUCK), replicates=400, seed=SEED, enough=1)
    assert draw_nowcast(result).axes
    for width in (60, 80):
        console = Console(width=width, file=io.StringIO())
        print_nowcast(result, console)
        lines = console.file.getvalue().splitlines()
        assert max(map(len, lines)) <= width
        assert any(line.startswith("asked on") for line in lines)  # a table, not a list


@pytest.mark.slow
def test_the_particle_filter_agrees_with_rejection(histories: Histories) -> None:
    kept = histories.answers(enough=1, particles=10)[0]
    filtered = histories.answers(enough=REPLICATES + 1, particles=4_000)[0]
    assert (kept.method, filtered.method) == ("rejection", "particle filter")
    assert filtered.effective > 0.8 * kept.effective
    for a, b in zip(kept.figures[:6], filtered.figures, strict=False):
        error = np.hypot(a.upper - a.lower, b.upper - b.lower) / 3.92
        assert abs(a.estimate - b.estimate) < 3.5 * error, a.name


@pytest.mark.slow
def test_probabilities_are_calibrated() -> None:
    """A ceasefire within a week, predicted on day 18 for crises of another seed, by their events so far."""
    real = simulate(MAY_2025, 300, seed=99).ensembles["may_2025"]
    names = ("first_strike", "ceasefire_agreed", "ceasefire_in_effect", "war")
    struck, agreed, halt, war = (real.column(f"{name}_at_hours") for name in names)
    now, predicted, came = 24 * 18.0, [], []
    groups: dict[tuple[str, str], float] = {}
    for row in np.flatnonzero(~(agreed <= now) & (real.column("followed_until_hours") > now)):
        key = tuple("came" if times[row] <= now else "not_yet" for times in (struck, war))
        if key not in groups:
            given = evidence(
                "title: observed\ngiven: [{at: 18, not_yet: ceasefire_agreed}, {at: 18, not_yet: over}, "
                f"{{at: 18, {key[0]}: first_strike}}, {{at: 18, {key[1]}: war}}]"
            )
            result = nowcast(MAY_2025, given, replicates=4_000, seed=7, workers=2, enough=1)
            groups[key] = result.answers[0].figures[2].estimate
        predicted.append(groups[key])
        came.append(halt[row] <= now + 168)
    assert len(groups) >= 2
    error = np.sqrt(np.sum(np.multiply(predicted, np.subtract(1, predicted))))
    assert abs(np.sum(predicted) - np.sum(came)) < 3 * error
    for share in set(predicted):
        group = np.isclose(predicted, share)
        difference = np.array(came)[group].sum() - share * group.sum()
        assert abs(difference) < 3 * np.sqrt(share * group.sum() * (1 - share)) + 1


def test_evidence_moves_the_parameters_that_it_concerns() -> None:
    given = evidence("title: Washington is quick\ngiven: [{at: 3, came: us_engaged}]")
    result = nowcast(MAY_2025, given, replicates=2_000, seed=SEED, enough=100)
    moved = result.moved[0]
    assert moved.path == "mediators.us.attention_days"
    assert moved.after[1] < 0.8 * moved.before[1]
    assert result.plain()["moved"][0]["errors"] < -3.5


def test_may_2025_day_by_day_is_valid() -> None:
    shipped = load_evidence("may_2025_day_by_day", MAY_2025, COLUMNS)
    assert len(shipped.days) == 8
    times = [observation.at for observation in shipped.observations]
    assert times == sorted(times)
    at = ["2025-05-09T08:00", "12.5"]
    evidence = load_evidence("may_2025_day_by_day", MAY_2025, COLUMNS, at=at)
    assert evidence.days == (300.0, 17 * 24 - 7.0)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{at: 15, came: first_strik}", "no event 'first_strik'"),
        ("{at: 15, rung: india, at_least: limited strikes}", "did you mean 'limited strike'?"),
        ("{at: 15, rung: india}", "no rung in this line"),
        ("{at: 15, market: pakistan, level: 0.9}", "a market needs a level"),
        ("{at: 80, came: war}", "outside the crisis: 80"),
        ("{at: soon, came: war}", "not a date: 'soon'"),
        (
            "{at: 15, came: war, not_yet: war}",
            "a line contains one observation, not came and not_yet",
        ),
        ("{at: 15, came: war, level: 1}", "'level' does not go with 'came'"),
        ("{at: 15, came: war, by: india}", "'by' goes with a first strike only"),
        ("{at: 15, saw: war}", "unknown key 'saw'"),
        ("{at: 16, not_yet: relapsed}", "this contradicts line 3: relapsed by"),
    ],
)
def test_mistakes_are_reported_with_their_place(line: str, message: str) -> None:
    text = f"title: wrong\ngiven:\n  - {{at: 15, came: relapsed}}\n  - {line}\n"
    with pytest.raises(ScenarioError, match=r"evidence:4:\d+: error: ") as error:
        evidence(text)
    assert message in str(error.value)


def test_if_no_history_agrees_the_error_lists_the_share_of_each_line() -> None:
    text = "title: rare\ngiven:\n  - {at: 14, came: first_strike}\n  - {at: 14.01, came: nuclear_use}\n"
    with pytest.raises(
        NoHistoryError, match="none of 200 histories agrees with all evidence"
    ) as error:
        nowcast(MAY_2025, evidence(text), replicates=200, particles=400)
    assert "line 4: nuclear use by" in str(error.value)
