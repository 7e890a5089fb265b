"""Nowcasts: equal to brute force where that is possible, calibrated on simulated crises, and plain about mistakes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from crisis_sim import CrisisModel, ScenarioError, load_scenario, simulate
from crisis_sim.history.evidence import Evidence, load_evidence, read_evidence
from crisis_sim.history.filtering import (
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
def test_rejection_is_brute_force(histories: Histories) -> None:
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
    cast = nowcast(MAY_2025, evidence(STRUCK), replicates=400, seed=SEED, enough=1)
    assert draw_nowcast(cast).axes
    for width in (60, 80):
        console = Console(width=width, file=io.StringIO())
        print_nowcast(cast, console)
        lines = console.file.getvalue().splitlines()
        assert max(map(len, lines)) <= width
        assert any(line.startswith("asked on") for line in lines)  # a table, not a list


@pytest.mark.slow
def test_the_particle_filter_says_what_rejection_says(histories: Histories) -> None:
    kept = histories.answers(enough=1, particles=10)[0]
    filtered = histories.answers(enough=REPLICATES + 1, particles=4_000)[0]
    assert (kept.method, filtered.method) == ("rejection", "particle filter")
    assert filtered.effective > 0.8 * kept.effective
    for a, b in zip(kept.figures[:6], filtered.figures, strict=False):
        error = np.hypot(a.upper - a.lower, b.upper - b.lower) / 3.92
        assert abs(a.estimate - b.estimate) < 3.5 * error, a.name


@pytest.mark.slow
def test_of_those_given_thirty_in_a_hundred_thirty_come() -> None:
    """Crises of another seed, each nowcast on what was seen of it by day 18: a ceasefire within a week."""
    real = simulate(MAY_2025, 300, seed=99).ensembles["may_2025"]
    names = ("first_strike", "ceasefire_agreed", "ceasefire_in_effect", "war")
    struck, agreed, halt, war = (real.column(f"{name}_at_hours") for name in names)
    now, told, came = 24 * 18.0, [], []
    groups: dict[tuple[str, str], float] = {}
    for row in np.flatnonzero(~(agreed <= now) & (real.column("followed_until_hours") > now)):
        key = tuple("came" if one[row] <= now else "not_yet" for one in (struck, war))
        if key not in groups:
            given = evidence(
                "title: what was seen\ngiven: [{at: 18, not_yet: ceasefire_agreed}, {at: 18, not_yet: over}, "
                f"{{at: 18, {key[0]}: first_strike}}, {{at: 18, {key[1]}: war}}]"
            )
            cast = nowcast(MAY_2025, given, replicates=4_000, seed=7, workers=2, enough=1)
            groups[key] = cast.answers[0].figures[2].estimate
        told.append(groups[key])
        came.append(halt[row] <= now + 168)
    assert len(groups) >= 2
    error = np.sqrt(np.sum(np.multiply(told, np.subtract(1, told))))
    assert abs(np.sum(told) - np.sum(came)) < 3 * error
    for share in set(told):
        inside = np.isclose(told, share)
        apart = np.array(came)[inside].sum() - share * inside.sum()
        assert abs(apart) < 3 * np.sqrt(share * inside.sum() * (1 - share)) + 1


def test_evidence_moves_what_it_speaks_of() -> None:
    given = evidence("title: Washington is quick\ngiven: [{at: 3, came: us_engaged}]")
    cast = nowcast(MAY_2025, given, replicates=2_000, seed=SEED, enough=100)
    moved = cast.moved[0]
    assert moved.path == "mediators.us.attention_days"
    assert moved.after[1] < 0.8 * moved.before[1]
    assert cast.plain()["moved"][0]["errors"] < -3.5


def test_may_2025_day_by_day_is_sound() -> None:
    shipped = load_evidence("may_2025_day_by_day", MAY_2025, COLUMNS)
    assert len(shipped.days) == 8
    assert [one.at for one in shipped.seen] == sorted(one.at for one in shipped.seen)
    asked = load_evidence("may_2025_day_by_day", MAY_2025, COLUMNS, at=["2025-05-09T08:00", "12.5"])
    assert asked.days == (300.0, 17 * 24 - 7.0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{at: 15, came: first_strik}", "no event 'first_strik'"),
        ("{at: 15, rung: india, at_least: limited strikes}", "did you mean 'limited strike'?"),
        ("{at: 15, rung: india}", "this does not say which rung"),
        ("{at: 15, market: pakistan, level: 0.9}", "a market has a level"),
        ("{at: 80, came: war}", "outside the crisis: 80"),
        ("{at: soon, came: war}", "not a date: 'soon'"),
        ("{at: 15, came: war, not_yet: war}", "a line says one thing"),
        ("{at: 15, came: war, level: 1}", "'level' says nothing of 'came'"),
        ("{at: 15, came: war, by: india}", "only a first strike is by somebody"),
        ("{at: 15, saw: war}", "unknown key 'saw'"),
        ("{at: 16, not_yet: relapsed}", "this contradicts line 3: relapsed by"),
    ],
)
def test_a_mistake_is_told_where_it_stands(line: str, said: str) -> None:
    text = f"title: wrong\ngiven:\n  - {{at: 15, came: relapsed}}\n  - {line}\n"
    with pytest.raises(ScenarioError, match=r"evidence:4:\d+: error: ") as error:
        evidence(text)
    assert said in str(error.value)


def test_evidence_that_no_history_meets_says_which_line_left_none() -> None:
    text = "title: rare\ngiven:\n  - {at: 14, came: first_strike}\n  - {at: 14.01, came: nuclear_use}\n"
    with pytest.raises(NoHistoryError, match="none of 200 histories met all evidence") as error:
        nowcast(MAY_2025, evidence(text), replicates=200, particles=400)
    assert "line 4: nuclear use by" in str(error.value)
