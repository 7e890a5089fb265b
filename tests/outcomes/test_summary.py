"""Summaries of batches: figures, their lookup, pairing of scenarios, and advice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from crisis_sim.outcomes import (
    NotPairedError,
    UnknownReferenceError,
    compare,
    join,
    summarise,
    wilson_interval,
)
from crisis_sim.outcomes.summary import Summary, figure_at, figures_of
from tests.outcomes.made_up import batch_of, crises, simulated


@pytest.fixture(scope="module")
def summary() -> Summary:
    means = {"may_2025": 90.0, "no_lenders": 130.0, "no_adviser": 90.0}
    return summarise(batch_of(*(simulated(2000, mean, name=one) for one, mean in means.items())))


def outline(part: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every path, with the keys of its figure."""
    for key, inner in part.items():
        if isinstance(inner, dict) and "lower" not in inner:
            yield from outline(inner, f"{path}{key}.")
        else:
            yield f"{path}{key}: {' '.join(inner) if isinstance(inner, dict) else type(inner).__name__}"


def test_a_summary_is_plain_data_with_the_documented_keys(
    summary: Summary, snapshot: SnapshotAssertion
) -> None:
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert list(summary["scenarios"]) == ["may_2025", "no_lenders", "no_adviser"]
    assert list(summary["differences"]) == ["no_lenders", "no_adviser"]
    one = {key: {"no_lenders": summary[key]["no_lenders"]} for key in ("scenarios", "differences")}
    assert "\n".join(outline({**summary, **one})) == snapshot


def test_figures_are_within_their_limits_and_differences_are_scenario_minus_reference(
    summary: Summary,
) -> None:
    frame = summary.to_frame()
    assert frame.index.is_unique
    known = frame[["lower", "estimate", "upper"]].dropna()
    assert len(known) > 150
    assert (known["lower"] <= known["estimate"]).all()
    assert (known["estimate"] <= known["upper"]).all()
    for path, figure in figures_of(summary["differences"]["no_lenders"]):
        if not path.startswith("struck_in_both"):
            ours, theirs = (
                figure_at(summary["scenarios"][name], path) for name in ("no_lenders", "may_2025")
            )
            expected = ours["estimate"] - theirs["estimate"] if ours and theirs else None
            assert figure.get("estimate") == pytest.approx(expected)


def test_slower_and_equal_ceasefires_are_recognised_and_intervals_contain_the_truth(
    summary: Summary,
) -> None:
    """Constant hazards 1/90 and 1/200 an hour from the first strike on."""
    slower = summary["differences"]["no_lenders"]["ceasefire"]["from_first_strike"]
    assert slower["by"]["96_hours"]["upper"] < 0.0
    equal = summary["differences"]["no_adviser"]["ceasefire"]["from_first_strike"]
    for figure in (*equal["by"].values(), equal["median_hours"]):
        assert figure["estimate"] == 0.0
        assert figure["lower"] <= 0.0 <= figure["upper"]
    hazard = 1 / 90 + 1 / 200
    for moment, hours in (("24_hours", 24.0), ("96_hours", 96.0), ("14_days", 336.0)):
        figure = summary["scenarios"]["may_2025"]["ceasefire"]["from_first_strike"]["by"][moment]
        truth = (1 / 90) / hazard * (1.0 - np.exp(-hazard * hours))
        assert figure["hours"] == hours
        assert figure["lower"] < truth < figure["upper"]


def test_shares_have_wilsons_interval_and_equal_the_incidence_at_the_horizon(
    summary: Summary,
) -> None:
    scenario = summary["scenarios"]["may_2025"]
    agreement = scenario["endings"]["agreement"]
    assert agreement["estimate"] == agreement["count"] / agreement["of"]
    limits = list(map(float, wilson_interval(agreement["count"], 2000)))
    assert [agreement["lower"], agreement["upper"]] == pytest.approx(limits, rel=1e-9)
    for group in ("endings", "worst_violence"):
        assert sum(share["count"] for share in scenario[group].values()) == 2000
    by_the_horizon = scenario["ceasefire"]["from_trigger"]["by"]["horizon"]
    assert by_the_horizon["estimate"] == agreement["estimate"], "dust of rounding"
    assert len(str(by_the_horizon["lower"])) <= 12
    assert by_the_horizon["hours"] == 1440.0
    assert by_the_horizon["at_risk"] == scenario["endings"]["unresolved"]["count"]


def test_a_crisis_cut_off_at_the_horizon_has_no_ceasefire() -> None:
    stuck = crises(*[{"first_strike_at_hours": 100.0}] * 50)
    scenario = summarise(batch_of(stuck))["scenarios"]["crisis"]
    assert scenario["endings"]["unresolved"]["count"] == 50
    for clock in scenario["ceasefire"].values():
        assert (clock["of"], clock["median_hours"]) == (50, None)
        assert all(figure["estimate"] == 0.0 < figure["upper"] for figure in clock["by"].values())
    assert scenario["quantiles"]["first_strike_to_ceasefire_hours"]["of"] == 0
    assert scenario["quantiles"]["first_strike_to_ceasefire_hours"]["50"] is None
    assert scenario["relapse"]["by"]["7_days"]["estimate"] is None


def test_moments_after_the_observation_are_null() -> None:
    ensemble = crises({"first_strike_at_hours": 20.0}, horizon_hours=100.0)
    clocks = summarise(batch_of(ensemble))["scenarios"]["crisis"]["ceasefire"]
    struck, triggered = clocks["from_first_strike"]["by"], clocks["from_trigger"]["by"]
    assert [struck[key]["estimate"] for key in ("72_hours", "96_hours")] == [0.0, None]
    assert struck["horizon"]["hours"] == 80.0
    assert (triggered["96_hours"]["estimate"], triggered["7_days"]["upper"]) == (0.0, None)


def test_quantiles_by_hand() -> None:
    rows = [
        {
            "ending": "agreement",
            "trigger_at_hours": 12.0,
            "first_strike_at_hours": 12.0 + 24.0 * k,
            "ceasefire_in_effect_at_hours": 12.0 + 34.0 * k,
            "ended_at_hours": 12.0 + 34.0 * k,
            "deaths": float(k),
        }
        for k in range(1, 11)
    ]
    quantiles = summarise(batch_of(crises(*rows)))["scenarios"]["crisis"]["quantiles"]
    names = ("trigger_to_first_strike_days", "first_strike_to_ceasefire_hours", "deaths")
    days, hours, deaths = (quantiles[name] for name in names)
    assert [days[q]["estimate"] for q in ("10", "50", "90")] == [1.0, 5.0, 9.0]
    assert [hours[q]["estimate"] for q in ("10", "50", "90")] == [10.0, 50.0, 90.0]
    assert deaths["50"] == {"estimate": 5.0, "lower": 2.0, "upper": 9.0}
    assert deaths["90"]["upper"] is None


def test_without_replicates_figures_are_null_and_without_scenarios_an_error_is_raised() -> None:
    summary = summarise(batch_of(crises(name="a"), crises(name="b")))
    json.dumps(summary, allow_nan=False)
    assert summary["scenarios"]["a"]["endings"]["agreement"]["estimate"] is None
    assert summary["differences"]["b"]["endings"]["agreement"] is None
    for refused in (lambda: summarise(batch_of()), compare):
        with pytest.raises(ValueError, match="no scenario"):
            refused()


# Lookup of figures


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        (("ceasefire", 96), "ceasefire.from_first_strike.by.96_hours"),
        (("ceasefire", 168), "ceasefire.from_first_strike.by.7_days"),
        (("ceasefire",), "ceasefire.from_first_strike.by.horizon"),
        (("agreement",), "endings.agreement"),
        (("war",), "shares.war"),
        (("median_hours",), "ceasefire.from_first_strike.median_hours"),
        (("ceasefire.from_trigger.by.30_days",), "ceasefire.from_trigger.by.30_days"),
    ],
)
def test_figures_have_short_names(summary: Summary, asked: tuple[str, float], path: str) -> None:
    frame = summary.to_frame()
    for less, look in (("", summary.figure), ("may_2025", summary.difference)):
        found = look("no_lenders", *asked)
        row = frame.loc[("no_lenders", less, path), ["estimate", "lower", "upper"]]
        assert [found.estimate, found.lower, found.upper] == pytest.approx(row.tolist())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no_lender", "war"), "did you mean 'no_lenders'"),
        (("may_2025", "war"), "no scenario 'may_2025'"),  # the reference has no difference
        (("no_lenders", "agrement"), "did you mean 'agreement'"),
        (("no_lenders", "ceasefire", 48), "no figure 'ceasefire.from_first_strike.by.48_hours'"),
        (("no_lenders", "war", 96), "'war' has no figure by hours"),
    ],
)
def test_errors_about_unknown_names_suggest_known_ones(
    summary: Summary, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(KeyError, match=message):
        summary.difference(*arguments)


# Several batches


def width(summary: Summary, figure: str) -> float:
    clock = summary["differences"]["quick"]["ceasefire"]["from_first_strike"]
    found = clock["by"]["96_hours"] if figure == "by" else clock[figure]
    return float(found["upper"] - found["lower"])


def test_batches_are_paired_if_and_only_if_their_seeds_are_equal() -> None:
    base, quick = simulated(1000, name="base"), simulated(1000, 70.0, name="quick")
    paired = compare(batch_of(base), batch_of(quick))
    assert paired == summarise(batch_of(base, quick))
    apart = compare(batch_of(base), batch_of(quick, seed=2))
    assert (paired["seed"], apart["seed"]) == (1, None)
    assert apart["scenarios"]["quick"]["seed"] == 2
    difference = apart["differences"]["quick"]
    assert (difference["paired"], difference["pairs"]) == (False, None)
    for figure, wider in (("by", 1.5), ("median_hours", 1.3)):
        assert width(apart, figure) > wider * width(paired, figure)
    explained = ["because their seeds differ" in " ".join(one["advice"]) for one in (apart, paired)]
    assert explained == [True, False]


def test_pairing_can_be_declined_or_required() -> None:
    one, other, late = (
        simulated(50, name=name, first_replicate=first)
        for name, first in (("one", 0), ("other", 0), ("late", 50))
    )
    assert compare(batch_of(one, other), paired=False)["differences"]["other"]["paired"] is False
    alone = compare(one, other)  # ensembles whose luck is not known
    assert (alone["differences"]["other"]["paired"], alone["seed"]) == (False, None)
    assert compare(batch_of(one), batch_of(late))["differences"]["late"]["paired"] is False
    with pytest.raises(NotPairedError, match="no replicate number in common"):
        compare(batch_of(one), batch_of(late), paired=True)
    with pytest.raises(NotPairedError, match=r"'other' with those of 'one'.*7 and 1") as caught:
        compare(batch_of(one), batch_of(other, seed=7), paired=True)
    error = caught.value
    assert (error.scenario, error.reference, error.seeds) == ("other", "one", (7, 1))


def test_only_common_replicates_are_paired() -> None:
    whole, late = simulated(300, name="whole"), simulated(200, 60.0, 1, "late", first_replicate=100)
    difference = summarise(batch_of(whole, late))["differences"]["late"]
    assert (difference["paired"], difference["pairs"]) == (True, 200)
    same = simulated(200, 90.0, 1, "whole", first_replicate=100)
    alone = summarise(batch_of(same, late))["differences"]["late"]
    assert difference["endings"] == alone["endings"]
    assert difference["ceasefire"]["from_first_strike"] == alone["ceasefire"]["from_first_strike"]


def test_repeated_names_are_numbered_and_the_reference_is_found_by_name() -> None:
    again = batch_of(simulated(20, name="may_2025"))
    joined = join(again, again, again)
    assert list(joined.ensembles) == ["may_2025", "may_2025 (2)", "may_2025 (3)"]
    assert joined.manifest == {"seed": 1, "joined": [{"seed": 1}] * 3}
    twice = compare(again, again, reference="may_2025 (2)")
    assert (twice["reference"], list(twice["differences"])) == ("may_2025 (2)", ["may_2025"])
    for wrong, near in (("may_202", "may_2025"), ("zzz", None)):
        with pytest.raises(UnknownReferenceError, match=f"no scenario '{wrong}'") as caught:
            compare(again, reference=wrong)
        error = caught.value
        assert (error.name, error.valid, error.nearest) == (wrong, ("may_2025",), near)
        assert ("did you mean" in str(error)) is (near is not None)


# Advice

#: Replicates, mean hours to a ceasefire of each scenario, and how often nuclear weapons are used.
CASES = {
    "a clear gain": (2000, {"base": 90.0, "quick": 60.0}, 0.0),
    "a clear loss": (2000, {"base": 60.0, "slow": 90.0}, 0.0),
    "not distinguished": (60, {"base": 90.0, "near": 88.0}, 0.0),
    "no difference at all": (300, {"base": 90.0, "same": 90.0}, 0.0),
    "one scenario without nuclear use": (1000, {"base": 90.0}, 0.0),
    "one scenario with nuclear use and no median": (500, {"base": 900.0}, 0.01),
    "three without nuclear use share a sentence": (300, {"a": 90.0, "b": 80.0, "c": 70.0}, 0.0),
}


@pytest.mark.parametrize("case", [*CASES, "no first strike"])
def test_advice(case: str, snapshot: SnapshotAssertion) -> None:
    replicates, means, use = CASES.get(case, (0, {}, 0.0))
    each = [simulated(replicates, mean, name=name, nuclear_use=use) for name, mean in means.items()]
    assert summarise(batch_of(*each or [crises(*[{}] * 20)]))["advice"] == snapshot


def test_importing_the_package_imports_no_heavy_library() -> None:
    heavy = ("scipy", "pandas", "pyarrow", "mesa", "matplotlib")
    code = f"import sys, crisis_sim.outcomes; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
