from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import reduce
from operator import getitem
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.outcomes import UnknownReferenceError, summarise
from crisis_sim.outcomes.intervals import wilson_interval

Crises = Callable[..., Ensemble]
Batches = Callable[..., Batch]

MOMENTS = ["24_hours", "72_hours", "96_hours", "7_days", "14_days", "30_days", "horizon"]


@pytest.fixture(scope="module")
def summary(simulated: Crises, batch_of: Batches) -> dict[str, Any]:
    return summarise(
        batch_of(
            simulated(2000, 90.0, name="may_2025"),
            simulated(2000, 130.0, name="no_lenders"),
            simulated(2000, 90.0, name="no_adviser"),
        )
    )


def figures(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, dict):
        if "lower" in part:
            yield path, part
        else:
            for key, inner in part.items():
                yield from figures(inner, f"{path}/{key}")


def test_it_is_plain_data_without_nan(summary: dict[str, Any]) -> None:
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_figures_carry_no_dust_of_rounding(summary: dict[str, Any]) -> None:
    incidence = summary["scenarios"]["may_2025"]["ceasefire"]["from_trigger"]["by"]["horizon"]
    assert (
        incidence["estimate"]
        == summary["scenarios"]["may_2025"]["endings"]["agreement"]["estimate"]
    )
    assert len(str(incidence["lower"])) <= 12


def outline(part: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every path, and the keys of the figure that stands there."""
    for key, inner in part.items():
        if isinstance(inner, dict) and "lower" not in inner:
            yield from outline(inner, f"{path}{key}.")
        else:
            yield f"{path}{key}: {' '.join(inner) if isinstance(inner, dict) else type(inner).__name__}"


def test_the_keys_are_those_documented(
    summary: dict[str, Any], snapshot: SnapshotAssertion
) -> None:
    assert list(summary["scenarios"]) == ["may_2025", "no_lenders", "no_adviser"]
    assert list(summary["differences"]) == ["no_lenders", "no_adviser"]
    one = {key: {"no_lenders": summary[key]["no_lenders"]} for key in ("scenarios", "differences")}
    assert "\n".join(outline({**summary, **one})) == snapshot


def test_every_figure_lies_within_its_limits(summary: dict[str, Any]) -> None:
    checked = 0
    for path, figure in figures(summary):
        if None not in (figure["lower"], figure["estimate"], figure["upper"]):
            assert figure["lower"] <= figure["estimate"] <= figure["upper"], path
            checked += 1
    assert checked > 150


@pytest.mark.parametrize(
    "path",
    [
        "endings.agreement",
        "shares.mediated",
        "ceasefire.from_first_strike.by.96_hours",
        "ceasefire.from_trigger.by.horizon",
        "relapse.by.14_days",
    ],
)
def test_a_difference_is_scenario_less_reference(summary: dict[str, Any], path: str) -> None:
    ours, theirs, difference = (
        reduce(getitem, path.split("."), part)["estimate"]
        for part in (
            summary["scenarios"]["no_lenders"],
            summary["scenarios"]["may_2025"],
            summary["differences"]["no_lenders"],
        )
    )
    assert difference == pytest.approx(ours - theirs)


def test_slower_ceasefires_are_found_slower_and_equal_ones_equal(summary: dict[str, Any]) -> None:
    slower = summary["differences"]["no_lenders"]["ceasefire"]["from_first_strike"]
    assert slower["by"]["96_hours"]["upper"] < 0.0
    equal = summary["differences"]["no_adviser"]["ceasefire"]["from_first_strike"]
    for figure in (*equal["by"].values(), equal["median_hours"]):
        assert figure["estimate"] == 0.0
        assert figure["lower"] <= 0.0 <= figure["upper"]


def test_the_true_incidence_lies_in_its_interval(summary: dict[str, Any]) -> None:
    """Constant hazards 1/90 and 1/200 an hour from the first strike on."""
    hazard = 1 / 90 + 1 / 200
    for moment, hours in (("24_hours", 24.0), ("96_hours", 96.0), ("14_days", 336.0)):
        figure = summary["scenarios"]["may_2025"]["ceasefire"]["from_first_strike"]["by"][moment]
        truth = (1 / 90) / hazard * (1.0 - np.exp(-hazard * hours))
        assert figure["hours"] == hours
        assert figure["lower"] < truth < figure["upper"]


def test_shares_are_counts_with_wilsons_interval(summary: dict[str, Any]) -> None:
    agreement = summary["scenarios"]["may_2025"]["endings"]["agreement"]
    assert agreement["of"] == 2000
    assert agreement["estimate"] == agreement["count"] / 2000
    lower, upper = map(float, wilson_interval(agreement["count"], 2000))
    assert (agreement["lower"], agreement["upper"]) == pytest.approx((lower, upper), rel=1e-9)
    for group in ("endings", "worst_violence"):
        shares = summary["scenarios"]["may_2025"][group].values()
        assert sum(share["count"] for share in shares) == 2000


def test_from_the_trigger_to_the_horizon_the_incidence_is_the_share(
    summary: dict[str, Any],
) -> None:
    scenario = summary["scenarios"]["may_2025"]
    by_the_horizon = scenario["ceasefire"]["from_trigger"]["by"]["horizon"]
    assert by_the_horizon["estimate"] == pytest.approx(scenario["endings"]["agreement"]["estimate"])
    assert by_the_horizon["hours"] == 1440.0
    assert by_the_horizon["at_risk"] == scenario["endings"]["unresolved"]["count"]


def test_time_out_alone_is_no_ceasefire(crises: Crises, batch_of: Batches) -> None:
    stuck = crises(*[{"first_strike_at_hours": 100.0}] * 50)
    scenario = summarise(batch_of(stuck))["scenarios"]["crisis"]
    assert scenario["endings"]["unresolved"]["count"] == 50
    for clock in scenario["ceasefire"].values():
        assert clock["of"] == 50
        assert all(figure["estimate"] == 0.0 for figure in clock["by"].values())
        assert all(figure["upper"] > 0.0 for figure in clock["by"].values())
        assert clock["median_hours"] is None
    assert scenario["quantiles"]["first_strike_to_ceasefire_hours"]["of"] == 0
    assert scenario["quantiles"]["first_strike_to_ceasefire_hours"]["50"] is None
    assert scenario["relapse"]["by"]["7_days"]["estimate"] is None


def test_moments_beyond_the_watch_are_null(crises: Crises, batch_of: Batches) -> None:
    ensemble = crises({"first_strike_at_hours": 20.0}, horizon_hours=100.0)
    clocks = summarise(batch_of(ensemble))["scenarios"]["crisis"]["ceasefire"]
    assert clocks["from_first_strike"]["by"]["72_hours"]["estimate"] == 0.0
    assert clocks["from_first_strike"]["by"]["96_hours"]["estimate"] is None
    assert clocks["from_first_strike"]["by"]["horizon"]["hours"] == 80.0
    assert clocks["from_trigger"]["by"]["96_hours"]["estimate"] == 0.0
    assert clocks["from_trigger"]["by"]["7_days"]["upper"] is None


def test_quantiles_by_hand(crises: Crises, batch_of: Batches) -> None:
    rows = [
        {
            "ending": "agreement",
            "trigger_at_hours": 12.0,
            "first_strike_at_hours": 12.0 + 24.0 * k,
            "ceasefire_in_effect_at_hours": 12.0 + 24.0 * k + 10.0 * k,
            "ended_at_hours": 12.0 + 24.0 * k + 10.0 * k,
            "deaths": float(k),
        }
        for k in range(1, 11)
    ]
    quantiles = summarise(batch_of(crises(*rows)))["scenarios"]["crisis"]["quantiles"]
    days, hours, deaths = quantiles.values()
    assert [days[q]["estimate"] for q in ("10", "50", "90")] == [1.0, 5.0, 9.0]
    assert [hours[q]["estimate"] for q in ("10", "50", "90")] == [10.0, 50.0, 90.0]
    assert deaths["50"] == {"estimate": 5.0, "lower": 2.0, "upper": 9.0}
    assert deaths["90"]["upper"] is None


def test_an_unknown_reference_gets_the_names_and_the_nearest(
    simulated: Crises, batch_of: Batches
) -> None:
    batch = batch_of(simulated(5, name="may_2025"), simulated(5, name="no_lenders"))
    with pytest.raises(UnknownReferenceError, match="did you mean 'no_lenders'") as caught:
        summarise(batch, reference="no_lender")
    error = caught.value
    assert (error.name, error.valid) == ("no_lender", ("may_2025", "no_lenders"))
    with pytest.raises(UnknownReferenceError) as caught:
        summarise(batch, reference="zzz")
    assert (error.nearest, caught.value.nearest) == ("no_lenders", None)


def test_replicates_that_a_scenario_lacks_are_left_out_of_its_pairs(
    simulated: Crises, batch_of: Batches
) -> None:
    whole, late = simulated(300, name="whole"), simulated(200, 60.0, 1, "late", first_replicate=100)
    difference = summarise(batch_of(whole, late))["differences"]["late"]
    assert (difference["paired"], difference["pairs"]) == (True, 200)
    same = simulated(200, 90.0, 1, "whole", first_replicate=100)
    alone = summarise(batch_of(same, late))["differences"]["late"]
    assert difference["endings"] == alone["endings"]
    assert difference["ceasefire"]["from_first_strike"] == alone["ceasefire"]["from_first_strike"]


def test_no_replicates_is_all_null(crises: Crises, batch_of: Batches) -> None:
    summary = summarise(batch_of(crises(name="a"), crises(name="b")))
    json.dumps(summary, allow_nan=False)
    assert summary["scenarios"]["a"]["endings"]["agreement"]["estimate"] is None
    assert summary["differences"]["b"]["endings"]["agreement"] is None


def test_a_batch_without_scenarios_is_refused(batch_of: Batches) -> None:
    with pytest.raises(ValueError, match="no scenario"):
        summarise(batch_of())
