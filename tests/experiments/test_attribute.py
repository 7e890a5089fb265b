"""Games of parts by all orders, the combinations that are run, and the answer."""

from __future__ import annotations

import re
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis_sim.experiments import make_experiment, phrases, run_experiment
from crisis_sim.experiments.attribute import (
    answer,
    attribute,
    interactions,
    scenarios_of,
    shapley,
)
from crisis_sim.experiments.load import resolved_experiment
from crisis_sim.outcomes.intervals import Measured
from crisis_sim.outcomes.named_measures import measure
from tests.batch.crises import crisis
from tests.experiments.examples import deaf, found, made


def test_every_combination_of_parts_is_a_scenario() -> None:
    scenarios = scenarios_of(made("attribute"))
    present = [
        ("elder" in each.mediators, "bank" in each.lenders, "line" in each.channels)
        for each in scenarios
    ]
    # The first part changes fastest.
    assert present == [tuple(bool(number >> k & 1) for k in range(3)) for number in range(8)]
    assert [each.name for each in scenarios][:3] == ["parts_000", "parts_100", "parts_010"]
    assert scenarios[-1].digest == crisis().digest
    # A removed mediator opens no channel.
    assert scenarios[0b110].channels["line"].opened_by == ("north",)
    # A part may be changed instead of removed.
    off, on = scenarios_of(made("attribute", parts={"tie": "lenders.bank.conditionality=0"}))
    assert off.lenders["bank"].conditionality == 0.0
    assert on.digest == crisis().digest


def test_a_part_that_is_named_by_its_paths_is_shown_by_titles() -> None:
    parts = {
        "mediators.us": "mediators.us",
        "mediators.china,mediators.uk": ["mediators.china", "mediators.uk"],
        "lenders": "lenders",
        "advisers.nawaz_sharif.trust=0": "advisers.nawaz_sharif.trust=0",
        "the gulf": ["mediators.saudi_arabia", "mediators.uae"],
    }
    experiment = make_experiment(
        kind="attribute", scenario="may_2025", parts=parts, outcomes=["war"], replicates=1
    )
    assert [*phrases.part_titles(experiment).values()] == [
        "the United States",
        "China + the United Kingdom",
        "all lenders",
        "trust=0 of Nawaz Sharif",
        "the gulf",
    ]


def test_parts_without_effect_get_exactly_zero() -> None:
    parts = {"purse": "lenders", "news": "mediators.elder.information=0"}
    findings = run_experiment(made("attribute", deaf(), parts=parts))
    for one in findings.summary["attributions"].values():
        news = one["parts"]["news"]["shapley"]
        assert news["estimate"] == news["standard_error"] == 0.0
    assert "No difference in any combination: purse and news" in findings.answer[0]


def test_shares_add_up_to_the_difference_between_all_and_none() -> None:
    findings = found("attribute")
    for one in findings.summary["attributions"].values():
        values = [part["shapley"]["estimate"] for part in one["parts"].values()]
        total = one["everything"]["estimate"] - one["nothing"]["estimate"]
        assert sum(values) == pytest.approx(one["total"]["estimate"]) == pytest.approx(total)
    rows = {name: table.num_rows for name, table in findings.tables.items()}
    assert rows == {"points": 8, "measures": 16, "attributions": 2 * 3 * 3, "interactions": 2 * 3}
    points = findings.tables["points"]
    assert points.column_names == ["point", "scenario", "elder", "purse", "line"]
    assert np.sum(points.column("purse").to_numpy()) == 4


def test_over_fits_shares_have_ranges() -> None:
    experiment = made("attribute", over_fits=True, replicates=2_000, outcomes=["mediated"])
    findings = run_experiment(experiment)
    (one,) = findings.summary["attributions"].values()
    share = one["parts"]["elder"]["shapley"]
    assert share["over_fits"]["sets"] > 20
    assert share["over_fits"]["lower"] < share["estimate"] < share["over_fits"]["upper"]
    # A part that changes next to nothing rests on too few crises for a range.
    assert "over_fits" not in one["parts"]["purse"]["shapley"]
    assert "; over fits +" in findings.answer[0]
    assert "Over fits: each replicate drew one of" in findings.answer[-1]
    assert "fits_same_sign" in findings.tables["attributions"].column_names
    assert resolved_experiment(experiment.plain()).digest == experiment.digest


def test_shapley_values_and_interactions_are_means_over_all_orders() -> None:
    values = np.random.default_rng(5).normal(size=16)
    added = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        present = 0
        for part in order:
            added[part] += values[present | 1 << part] - values[present]
            present |= 1 << part
    np.testing.assert_allclose(shapley(values), added / len(orders))

    for pair in combinations(range(4), 2):
        others = [part for part in range(4) if part not in pair]
        extra = []
        for order in permutations([*others, "pair"]):
            before = sum(1 << part for part in order[: order.index("pair")])
            a, b = (before | 1 << part for part in pair)
            extra.append(values[a | b] - values[a] - values[b] + values[before])
        np.testing.assert_allclose(interactions(values)[pair], np.mean(extra))


def shares(came: np.ndarray) -> Measured:
    """The share in every combination, as `Share` measures it."""
    share = came.mean(axis=1)
    error = np.sqrt(share * (1 - share) / came.shape[1])
    of = np.full(len(came), came.shape[1])
    influence = came - share[:, None]
    return Measured(share, error, share - 2 * error, share + 2 * error, of, influence, True)


def crises(replicates: int, seed: int) -> np.ndarray:
    """A part that adds 0.3, one that adds 0.1 with the same random numbers, and one without effect."""
    luck = np.random.default_rng(seed).random(replicates)
    there = np.arange(8)[:, None] >> np.arange(3) & 1
    chance = 0.2 + there @ np.array([0.3, 0.1, 0.0])
    return (luck < chance[:, None]).astype(float)


def answer_of(came: np.ndarray, *parts: str) -> str:
    parts = parts or ("one", "two", "three")[: len(came).bit_length() - 1]
    return "\n".join(
        answer([measure("agreement")], parts, [attribute(shares(came))], came.shape[1])
    )


def test_shares_and_answer_name_the_largest_part_and_those_without_effect() -> None:
    came = crises(4_000, 1)
    one = attribute(shares(came))
    values = [part["shapley"].estimate for part in one.parts]
    assert values == pytest.approx([0.3, 0.1, 0.0], abs=0.02)
    assert one.order == [0, 1, 2]
    assert one.leads[0, 1].estimate == pytest.approx(values[0] - values[1])
    for figure in one.parts[2].values():
        assert figure.estimate == figure.standard_error == 0.0
        # Agresti and Min: an effect that is never seen has an interval.
        assert figure.upper == -figure.lower == pytest.approx(1.96 / 4_002, rel=1e-3)
    first, second, *_, last = answer_of(came, "Washington", "the purse", "the adviser").split("\n")
    assert first.index("Washington +") < first.index("the purse +")
    assert "No difference in any combination: the adviser" in first
    assert second.startswith("The largest share is that of Washington, 1")
    assert second.endswith("more than that of the purse.")
    assert "16,000 replicates in each combination would about halve the intervals" in last


def test_intervals_cover_the_truth_and_are_narrower_with_shared_random_numbers() -> None:
    covered, runs = np.zeros(3), 200
    for seed in range(runs):
        parts = attribute(shares(crises(150, seed))).parts
        covered += [
            part["shapley"].lower <= truth <= part["shapley"].upper
            for part, truth in zip(parts, [0.3, 0.1, 0.0], strict=True)
        ]
    assert np.all(covered[:2] / runs > 0.925)
    assert np.all(covered[:2] / runs < 0.98)
    assert covered[2] == runs
    came, random = crises(1_000, 3), np.random.default_rng(4)
    apart = np.stack([random.permutation(row) for row in came])
    alike, independent = (attribute(shares(one)).parts[1]["shapley"] for one in (came, apart))
    assert alike.estimate == pytest.approx(independent.estimate)
    assert alike.standard_error < 0.8 * independent.standard_error


@pytest.mark.parametrize("first", [np.inf, 50.0])
def test_infinite_times_are_not_divided_and_unknown_limits_not_significant(first: float) -> None:
    hours, unknown = np.array([first, 40.0, 40.0, 20.0]), np.full(4, np.nan)
    measured = Measured(hours, unknown, unknown, unknown, np.full(4, 9), np.zeros((4, 9)))
    one = attribute(measured)
    said = " ".join(answer([measure("median_hours_to_ceasefire")], ["a", "b"], [one], 9))
    assert not any(figure.significant for part in one.parts for figure in part.values())
    assert one.parts[0]["but_for"].estimate == -20.0
    assert "nan" not in said
    if np.isinf(first):
        assert one.unknown == 1
        assert all(np.isnan(part["shapley"].estimate) for part in one.parts)
        assert one.total.plain()["estimate"] is None
        assert "never with none of them" in said
        assert "in 1 of 4 combinations" in said
    else:
        assert "limits not known" in said


SAME = np.tile(np.random.default_rng(1).random(300) < 0.4, (4, 1))
TWO = np.random.default_rng(8).random((2, 300)) < [[0.3], [0.29]]
LUCK = np.random.default_rng(3).random(4_000)


@pytest.mark.parametrize(
    ("came", "said", "unsaid"),
    [
        (SAME, "No difference in any combination: one and two", "replace|largest|do not differ"),
        # Both have about the same effect.
        ([SAME[0] & False, *TWO, TWO.any(axis=0)], "do not differ detectably", "largest"),
        # Either of the two is enough.
        ([chance > LUCK for chance in (0.2, 0.5, 0.5, 0.5)], "the others replace a part that is absent", "nan"),
        # They work against each other.
        ([chance > LUCK for chance in (0.2, 0.6, 0.1, 0.3)], "when the other is present", "can replace"),
    ],
    ids=["nothing", "alike", "either", "against"],
)  # fmt: skip
def test_the_answer_describes_what_two_parts_do_together(came: Any, said: str, unsaid: str) -> None:
    told = answer_of(np.asarray(came, dtype=float))
    assert said in told, told
    assert not re.search(unsaid, told), told


@settings(max_examples=25)
@given(
    chances=st.lists(st.sampled_from((0.0, 0.3, 0.31, 0.7, 1.0)), min_size=8, max_size=8),
    number=st.integers(1, 3),
    replicates=st.sampled_from((1, 2, 30, 300)),
)
def test_an_answer_depends_on_intervals(chances: list[float], number: int, replicates: int) -> None:
    luck = np.random.default_rng(5).random(replicates)
    came = np.stack([luck < chance for chance in chances[: 1 << number]]).astype(float)
    one, said = attribute(shares(came)), answer_of(came)
    assert not re.search(r"nan|inf\b|None|\+-|\+−|[+−]0\.0+ points \(", said), said
    assert "of all crises" in said
    if not any(part["shapley"].significant for part in one.parts):
        assert "largest share" not in said
        assert "do not differ" not in said
    if not one.total.significant:
        assert not re.search("replace|reinforce", said), said


@pytest.mark.parametrize("describe", [phrases.change, phrases.estimate])
def test_unknown_limits_are_not_printed_as_numbers(describe: Any) -> None:
    for lower in (float("nan"), -3.0, 2.0):
        for upper in (float("nan"), float("inf"), 10.0):
            assert not re.search("nan|inf", describe(4.0, lower, upper, "hours"))
