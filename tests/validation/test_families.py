from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.model.observer import ACTS, NEXT, transition_column
from crisis_sim.outcomes.intervals import normal_quantile, wilson_interval
from crisis_sim.validation import simulated

nan = np.nan


def ensemble(nuclear: Any = True, **columns: Any) -> Ensemble:
    """Replicates with the given columns."""
    states = {"one": {"nuclear": nuclear}, "other": {"nuclear": True}}
    return Ensemble(
        name="made_up",
        title="made up",
        horizon_hours=2400.0,
        states=("one", "other"),
        table=pa.table(columns),
        scenario={"states": states},
    )


def values(figures: simulated.Figures) -> dict[str, float]:
    return {name: one.value for name, one in figures.items()}


def test_durations_of_crises_that_all_end_are_plain_quantiles_in_days() -> None:
    days = np.arange(1.0, 101.0)
    crises = ensemble(
        over_at_hours=24 * days + 12,
        followed_until_hours=np.full(100, 2400.0),
        trigger_at_hours=np.full(100, 12.0),
    )
    expected = {"duration_p10": 10, "duration_p25": 25, "duration_p50": 50}
    assert values(simulated.durations(crises)) == expected | {
        "duration_p75": 75,
        "duration_p90": 90,
    }


def test_crises_cut_off_are_no_short_ones() -> None:
    ended = np.where(np.arange(100) < 60, 24.0 * np.arange(1, 101), nan)
    crises = ensemble(
        over_at_hours=ended,
        followed_until_hours=np.full(100, 24.0 * 60),
        trigger_at_hours=np.zeros(100),
    )
    figures = simulated.durations(crises)
    assert figures["duration_p50"].value == 50
    assert np.isnan(figures["duration_p75"].value)


def test_endings_are_shares_of_those_that_ended() -> None:
    words = ["agreement"] * 6 + ["tacit"] * 2 + ["faded"] * 2 + ["unresolved"] * 10
    figures = simulated.endings(ensemble(ending=words))
    assert figures["ending_agreement"].value == 0.6
    assert figures["ending_agreement"].n == 10
    assert figures["ending_imposed"].value == 0.0
    assert figures["ending_tacit"].value == pytest.approx(0.88 * 0.2)
    assert figures["ending_other"].value == pytest.approx(0.12 * 0.4)
    assert sum(one.value for one in figures.values()) == pytest.approx(1.0)


def test_worst_violence_is_a_share_of_all() -> None:
    figures = values(
        simulated.worst_violence(ensemble(worst_violence=["none"] * 3 + ["full-scale war"]))
    )
    assert figures["peak_violence_none"] == 0.75
    assert figures["peak_violence_full_scale_war"] == 0.25


def test_mediation_starts_are_days_from_the_trigger_of_mediated_crises() -> None:
    start = np.array([nan] * 4 + [24.0 * day + 6 for day in range(1, 5)])
    figures = values(
        simulated.mediation(
            ensemble(
                mediated=~np.isnan(start),
                mediation_started_at_hours=start,
                trigger_at_hours=np.full(8, 6.0),
            )
        )
    )
    assert figures["mediated"] == 0.5
    assert [figures[f"mediation_start_p{level}"] for level in (25, 50, 75)] == [1, 2, 3]


def test_agreement_goes_by_mediation_and_its_style_among_ended_crises() -> None:
    figures = simulated.agreement(
        ensemble(
            ending=["agreement", "tacit", "agreement", "faded", "unresolved", "agreement"],
            mediated=[True, True, False, False, True, True],
            mediation_style=["facilitation", "manipulation", "", "", "formulation", "manipulation"],
        )
    )
    told = values(figures)
    assert told["agreement_if_mediated"] == pytest.approx(2 / 3)
    assert told["agreement_if_unmediated"] == 0.5
    assert (told["agreement_facilitation"], told["agreement_manipulation"]) == (1.0, 0.5)
    assert np.isnan(told["agreement_formulation"])
    assert figures["agreement_formulation"].n == 0


def test_answers_of_both_states_are_taken_together_and_those_without_left_out() -> None:
    crises = ensemble(
        one_response=["violent", "verbal", "", "violent"],
        one_response_hours=[24.0, 48.0, nan, 72.0],
        other_response=["", "", "nonviolent_military", ""],
        other_response_hours=[nan, nan, 96.0, nan],
    )
    figures = values(simulated.responses(crises))
    assert figures["violent_response"] == 0.5
    assert figures["response_nonviolent_military"] == figures["response_verbal"] == 0.25
    assert figures["response_political_or_economic"] == 0.0
    assert (figures["response_days_p25"], figures["response_days_p50"]) == (1, 2)


def test_nuclear_use_is_a_share_of_nuclear_pairs() -> None:
    used = np.array([10.0, nan, nan, nan])
    assert values(simulated.nuclear_use(ensemble(nuclear_use_at_hours=used)))["nuclear_use"] == 0.25
    lone = ensemble(nuclear=False, nuclear_use_at_hours=used)
    assert simulated.nuclear_use(lone)["nuclear_use"].n == 0
    drawn = ensemble(
        nuclear=0.5, nuclear_use_at_hours=used, nuclear_pair=[True, True, False, False]
    )
    assert values(simulated.nuclear_use(drawn))["nuclear_use"] == 0.5


def test_what_follows_an_act_is_a_share_of_acts() -> None:
    counts = {transition_column(a, b): np.zeros(3, int) for a in ACTS for b in NEXT}
    counts["next_force_force"] = np.array([3, 0, 2])
    counts["next_force_end"] = np.array([1, 1, 0])
    counts["next_force_war"] = np.array([0, 0, 1])
    figures = simulated.transitions(ensemble(war_at_hours=[nan, nan, 5.0], **counts))
    assert figures["next_force_force"].value == 5 / 8
    assert figures["next_force_force"].n == 8
    assert figures["next_force_threat"].value == 0.0
    assert figures["next_threat_end"].n == 0
    assert figures["war_share_confrontations"].value == pytest.approx(1 / 3)


def test_an_interval_of_events_one_to_a_crisis_is_the_usual_one() -> None:
    part = np.repeat([1.0, 0.0], [30, 70])
    measured = simulated.ratio(part, np.ones(100))
    assert measured.upper - measured.value == pytest.approx(
        normal_quantile() * np.sqrt(0.3 * 0.7 / 100)
    )


def test_events_that_come_in_clusters_count_as_clusters() -> None:
    part = np.repeat([1.0, 0.0], [30, 70])
    one = simulated.ratio(part, np.ones(100))
    ten_alike = simulated.ratio(10 * part, np.full(100, 10.0))
    assert ten_alike.lower == pytest.approx(one.lower)
    never = simulated.ratio(0 * part, np.full(100, 10.0))
    assert never.upper == pytest.approx(float(wilson_interval(0, 100).upper))


def test_an_interval_of_clustered_events_holds_the_true_share_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        own = rng.beta(2, 3, 150)  # each crisis has a share of its own; their mean is 0.4
        events = rng.integers(1, 8, 150)
        measured = simulated.ratio(rng.binomial(events, own).astype(float), events.astype(float))
        held += measured.lower <= 0.4 <= measured.upper
    assert 0.92 <= held / 400 <= 0.98
