"""Figures of made-up crises equal those calculated by hand; percentiles and verdicts of cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.model import CrisisModel
from crisis_sim.model.observer import ACTS, NEXT, transition_column
from crisis_sim.outcomes.intervals import normal_quantile, wilson_interval
from crisis_sim.scenario import load_scenario
from crisis_sim.scenario.behaviour import Behaviour
from crisis_sim.scenario.load import find_scenario
from crisis_sim.scenario.yaml_text import parse
from crisis_sim.validation import run
from crisis_sim.validation.facts import Case, Expectation, read_cases, read_expectations
from crisis_sim.validation.run import Validation

nan = np.nan


def ensemble(nuclear: Any = True, **columns: Any) -> Ensemble:
    """Replicates with the given columns."""
    states = {"one": {"nuclear": nuclear}, "other": {"nuclear": True}}
    table, about = pa.table(columns), {"states": states}
    return Ensemble("made_up", "", 2400.0, ("one", "other"), table, scenario=about)


def values(figures: run.Figures) -> dict[str, float]:
    return {name: one.value for name, one in figures.items()}


def test_durations_are_quantiles_in_days_and_the_horizon_censors() -> None:
    days, until, levels = np.arange(1.0, 101.0), np.full(100, 2400.0), (10, 25, 50, 75, 90)
    crises = ensemble(
        over_at_hours=24 * days + 12, followed_until_hours=until, trigger_at_hours=np.full(100, 12.0)
    )  # fmt: skip
    assert values(run.durations(crises)) == {f"duration_p{one}": one for one in levels}
    ended = np.where(days <= 60, 24 * days, nan)
    crises = ensemble(
        over_at_hours=ended, followed_until_hours=until * 0.6, trigger_at_hours=np.zeros(100)
    )
    figures = values(run.durations(crises))
    assert figures["duration_p50"] == 50
    assert np.isnan(figures["duration_p75"])


def test_endings_are_shares_of_ended_crises() -> None:
    words = ["agreement"] * 6 + ["tacit"] * 2 + ["faded"] * 2 + ["unresolved"] * 10
    figures = run.endings(ensemble(ending=words))
    assert figures["ending_agreement"].value == 0.6
    assert figures["ending_agreement"].n == 10
    assert figures["ending_imposed"].value == 0.0
    assert figures["ending_tacit"].value == pytest.approx(0.88 * 0.2)
    assert figures["ending_other"].value == pytest.approx(0.12 * 0.4)
    assert sum(one.value for one in figures.values()) == pytest.approx(1.0)


def test_violence_and_mediation_are_shares_of_all_crises() -> None:
    worst = ensemble(worst_violence=["none"] * 3 + ["full-scale war"])
    figures = values(run.worst_violence(worst))
    assert (figures["peak_violence_none"], figures["peak_violence_full_scale_war"]) == (0.75, 0.25)
    start = np.array([nan] * 4 + [24.0 * day + 6 for day in range(1, 5)])
    crises = ensemble(
        mediated=~np.isnan(start),
        mediation_started_at_hours=start,
        trigger_at_hours=np.full(8, 6.0),
    )
    figures = values(run.mediation(crises))
    assert figures["mediated"] == 0.5
    assert [figures[f"mediation_start_p{level}"] for level in (25, 50, 75)] == [1, 2, 3]


def test_agreement_by_mediation_and_style_among_ended_crises() -> None:
    crises = ensemble(
        ending=["agreement", "tacit", "agreement", "faded", "unresolved", "agreement"],
        mediated=[True, True, False, False, True, True],
        mediation_style=["facilitation", "manipulation", "", "", "formulation", "manipulation"],
    )
    figures = run.agreement(crises)
    shares = values(figures)
    assert shares["agreement_if_mediated"] == pytest.approx(2 / 3)
    assert shares["agreement_if_unmediated"] == 0.5
    assert (shares["agreement_facilitation"], shares["agreement_manipulation"]) == (1.0, 0.5)
    assert np.isnan(shares["agreement_formulation"])
    assert figures["agreement_formulation"].n == 0


def test_responses_of_both_states_are_pooled() -> None:
    crises = ensemble(
        one_response=["violent", "verbal", "", "violent"],
        one_response_hours=[24.0, 48.0, nan, 72.0],
        other_response=["", "", "nonviolent_military", ""],
        other_response_hours=[nan, nan, 96.0, nan],
    )
    figures = values(run.responses(crises))
    assert figures["violent_response"] == 0.5
    assert figures["response_nonviolent_military"] == figures["response_verbal"] == 0.25
    assert figures["response_political_or_economic"] == 0.0
    assert (figures["response_days_p25"], figures["response_days_p50"]) == (1, 2)


def test_nuclear_use_is_a_share_of_nuclear_pairs() -> None:
    used = np.array([10.0, nan, nan, nan])
    assert values(run.nuclear_use(ensemble(nuclear_use_at_hours=used)))["nuclear_use"] == 0.25
    lone = ensemble(nuclear=False, nuclear_use_at_hours=used)
    assert run.nuclear_use(lone)["nuclear_use"].n == 0
    drawn = ensemble(0.5, nuclear_use_at_hours=used, nuclear_pair=[True, True, False, False])
    assert values(run.nuclear_use(drawn))["nuclear_use"] == 0.5


def test_transitions_are_shares_of_acts() -> None:
    counts = {transition_column(a, b): np.zeros(3, int) for a in ACTS for b in NEXT}
    counts["next_force_force"] = np.array([3, 0, 2])
    counts["next_force_end"] = np.array([1, 1, 0])
    counts["next_force_war"] = np.array([0, 0, 1])
    figures = run.transitions(ensemble(war_at_hours=[nan, nan, 5.0], **counts))
    assert figures["next_force_force"].value == 5 / 8
    assert figures["next_force_force"].n == 8
    assert figures["next_force_threat"].value == 0.0
    assert figures["next_threat_end"].n == 0
    assert figures["war_share_confrontations"].value == pytest.approx(1 / 3)


def test_clustered_events_have_the_interval_of_clusters() -> None:
    part = np.repeat([1.0, 0.0], [30, 70])
    one, ten_alike = (run.ratio(n * part, np.full(100, n)) for n in (1.0, 10.0))
    usual = normal_quantile() * np.sqrt(0.3 * 0.7 / 100)
    assert one.upper - one.value == pytest.approx(usual)
    assert ten_alike.lower == pytest.approx(one.lower)
    never = run.ratio(0 * part, np.full(100, 10.0))
    assert never.upper == pytest.approx(float(wilson_interval(0, 100).upper))


def test_intervals_of_clustered_events_have_nominal_coverage() -> None:
    rng, covered = np.random.default_rng(1), 0
    for _ in range(400):
        shares = rng.beta(2, 3, 150)  # of single crises; their mean is 0.4
        events = rng.integers(1, 8, 150)
        measured = run.ratio(rng.binomial(events, shares).astype(float), events.astype(float))
        covered += measured.lower <= 0.4 <= measured.upper
    assert 0.92 <= covered / 400 <= 0.98


# --- Cases


@pytest.mark.parametrize("case", read_cases(), ids=lambda case: case.scenario)
def test_a_case_contains_the_record_which_the_model_does_not_read(case: Case) -> None:
    path = find_scenario(case.scenario)
    top, _ = parse(str(path), path.read_text(encoding="utf-8"))
    assert not {"behaviour", "extends"} & {*top.entries()}
    scenario = load_scenario(case.scenario)
    assert scenario.behaviour == Behaviour()
    assert scenario.horizon_days >= max(60, 3 * (case.strike_days + case.halt_days))
    real = scenario.real_path
    struck = scenario.hours_from_start(real.first_strike)
    days = (struck - scenario.trigger_hours) / 24
    assert days == pytest.approx(case.strike_days, abs=0.7)  # dates without an hour
    if real.ceasefire_in_effect is not None:
        days = (scenario.hours_from_start(real.ceasefire_in_effect) - struck) / 24
        assert days == pytest.approx(case.halt_days, abs=0.2)
    short = scenario.model_copy(update={"horizon_days": 60})
    with_record = CrisisModel(short, 30).run().outcomes()
    without = CrisisModel(short.model_copy(update={"real_path": None}), 30).run().outcomes()
    for column, numbers in with_record.items():
        np.testing.assert_array_equal(without[column], numbers, err_msg=column)


def case_of(real: float, came: float, days: Any, shares: Any) -> run.CaseResult:
    case, expectation = Case("A", "a", 1.0, 1.0), Expectation("a")
    numbers = np.array(days, float), np.array(shares, float)
    return run.CaseResult(case, "halt", real, came, *numbers, expectation)


@pytest.mark.parametrize(
    ("real", "expected"), [(0, 0.0), (1, 0.1), (2, 0.45), (2.5, 0.7), (4, 0.85), (9, 1.0)]
)
def test_a_percentile_counts_ties_half(real: float, expected: float) -> None:
    assert case_of(real, 1.0, [1, 2, 4], [0.2, 0.7, 1]).percentile == pytest.approx(expected)
    assert np.isnan(case_of(real, 0.0, [], []).percentile)


@pytest.mark.parametrize(
    ("at", "came", "verdict"),
    [(0.5, 1.0, "inside"), (0.1, 1.0, "inside"), (0.91, 1.0, "near"), (0.025, 1.0, "near"),
     (0.98, 1.0, "outside"), (0.5, 0.05, "near"), (0.5, 0.01, "outside"), (nan, 0.0, "outside")],
)  # fmt: skip
def test_inside_is_the_central_eighty_per_cent_of_frequent_events(
    at: float, came: float, verdict: str
) -> None:
    # The real figure has the given percentile among a thousand.
    days = np.arange(1000.0 if at == at else 0.0)
    one = case_of(1000 * at - 0.5 if at == at else 0.0, came, days, (days + 1) / 1000)
    assert one.percentile == pytest.approx(at, nan_ok=True)
    assert one.verdict == verdict
    unlike = replace(one, expectation=Expectation("a", counterpart=False))
    assert unlike.verdict == "not comparable"


def test_a_case_has_percentiles_and_frequencies() -> None:
    # Ten crises: six strikes, two ends without a strike, two cut off; five of the strikes halt.
    struck = 24.0 * np.array([1, 2, 3, 4, 5, 6, nan, nan, nan, nan])
    ended = 24.0 * np.array([20, 20, 20, 20, 20, nan, 9, 9, nan, nan])
    crises = ensemble(
        trigger_at_hours=np.zeros(10),
        first_strike_at_hours=struck,
        ended_at_hours=ended,
        halted_at_hours=24.0 * np.array([2, 4, 6, 8, 10, nan, nan, nan, nan, nan]),
        followed_until_hours=np.where(np.isnan(ended), 720.0, ended),
    )
    case = Case("Kargil", "kargil_1999", strike_days=4.0, halt_days=2.5)
    strike, halt = run.results(case, crises, read_expectations())
    # Six of ten strike before any other ending: 3 of 6 are below the real time, and one is equal.
    assert strike.came == pytest.approx(0.6)
    assert strike.percentile == pytest.approx(3.5 / 6)
    assert strike.quantiles[2] == 3.0
    assert halt.percentile == pytest.approx(2 / 5)
    assert halt.came == pytest.approx(5 / 6)
    assert halt.verdict == "inside"


def test_only_may_2025_has_a_rebound(validation: Validation) -> None:
    (rebound,) = (one for one in validation.cases if one.what == run.REBOUND)
    assert rebound.case.scenario == "may_2025"
    column = validation.batch.ensembles["may_2025"].column("pakistan_market_rebound")
    known = column[~np.isnan(column)]
    assert rebound.came == pytest.approx(known.size / column.size)
    assert rebound.percentile == pytest.approx((known < rebound.real).mean())
