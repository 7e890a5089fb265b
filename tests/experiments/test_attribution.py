"""Games of parts: their shares and pairs by hand and by all orders, and what is said of them."""

from __future__ import annotations

import re
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis_sim.experiments import spec
from crisis_sim.experiments.attribute import answer, attribute
from crisis_sim.experiments.indices import interactions, shapley
from crisis_sim.outcomes.intervals import Measured
from crisis_sim.outcomes.names import measure


def test_gloves_go_mostly_to_who_has_the_only_left_one() -> None:
    """Part 0 has a left glove, 1 and 2 a right one each; a pair is worth 1 (Shapley: 2/3, 1/6, 1/6)."""
    worth = np.zeros(8)
    worth[[0b011, 0b101, 0b111]] = 1.0
    np.testing.assert_allclose(shapley(worth), [2 / 3, 1 / 6, 1 / 6])


def test_shapley_values_are_means_over_all_orders_and_interactions_with_pairs_as_one() -> None:
    worth = np.random.default_rng(5).normal(size=16)
    added = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        there = 0
        for part in order:
            added[part] += worth[there | 1 << part] - worth[there]
            there |= 1 << part
    np.testing.assert_allclose(shapley(worth), added / len(orders))

    for pair in combinations(range(4), 2):
        others = [part for part in range(4) if part not in pair]
        extra = []
        for order in permutations([*others, "pair"]):
            there = sum(1 << part for part in order[: order.index("pair")])
            one, other = (there | 1 << part for part in pair)
            extra.append(worth[one | other] - worth[one] - worth[other] + worth[there])
        np.testing.assert_allclose(interactions(worth)[pair], np.mean(extra))


def test_a_part_that_changes_nothing_gets_exactly_nothing() -> None:
    rest = np.random.default_rng(2).normal(size=(8, 100))
    worth = np.empty((16, 100))
    worth[[number for number in range(16) if not number & 0b0100]] = rest
    worth[[number for number in range(16) if number & 0b0100]] = rest
    assert np.all(shapley(worth)[2] == 0.0)
    assert all(np.all(of == 0.0) for pair, of in interactions(worth).items() if 2 in pair)


def test_what_is_no_game_is_refused() -> None:
    with pytest.raises(ValueError, match="3 combinations: expected a power of two"):
        shapley(np.zeros(3))


def shares(came: np.ndarray) -> Measured:
    """A share in every combination, as `Share` tells it."""
    share = came.mean(axis=1)
    error = np.sqrt(share * (1 - share) / came.shape[1])
    of = np.full(len(came), came.shape[1])
    influence = came - share[:, None]
    return Measured(share, error, share - 2 * error, share + 2 * error, of, influence, True)


def crises(replicates: int, seed: int) -> np.ndarray:
    """A part that helps by 0.3, one that helps by 0.1 on the same luck, and one that does nothing."""
    luck = np.random.default_rng(seed).random(replicates)
    there = np.arange(8)[:, None] >> np.arange(3) & 1
    chance = 0.2 + there @ np.array([0.3, 0.1, 0.0])
    return (luck < chance[:, None]).astype(float)


def test_shares_add_up_and_say_what_the_parts_did() -> None:
    one = attribute(shares(crises(4_000, 1)))
    values = [part["shapley"].estimate for part in one.parts]
    assert sum(values) == pytest.approx(one.total.estimate)
    assert values == pytest.approx([0.3, 0.1, 0.0], abs=0.02)
    assert one.order == [0, 1, 2]
    assert one.leads[0, 1].estimate == pytest.approx(values[0] - values[1])


def test_a_part_that_changes_nothing_has_exactly_nothing_and_still_an_interval() -> None:
    one = attribute(shares(crises(1_000, 1)))
    for figure in one.parts[2].values():
        assert figure.estimate == figure.standard_error == 0.0
        # Half of what 3 in 1,000 never seen would allow, on either side (Agresti and Min).
        assert figure.upper == -figure.lower == pytest.approx(1.96 / 1_002, rel=1e-3)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = np.zeros(3)
    runs = 400
    for seed in range(runs):
        parts = attribute(shares(crises(150, seed))).parts
        held += [
            part["shapley"].lower <= truth <= part["shapley"].upper
            for part, truth in zip(parts, [0.3, 0.1, 0.0], strict=True)
        ]
    assert np.all(held[:2] / runs > 0.925)
    assert np.all(held[:2] / runs < 0.98)
    assert held[2] == runs


def test_shared_luck_makes_intervals_narrower() -> None:
    alike = attribute(shares(crises(1_000, 3))).parts[1]["shapley"]
    apart = crises(1_000, 3)
    rng = np.random.default_rng(4)
    apart = np.stack([rng.permutation(row) for row in apart])
    independent = attribute(shares(apart)).parts[1]["shapley"]
    assert alike.estimate == pytest.approx(independent.estimate)
    assert alike.standard_error < 0.8 * independent.standard_error


def test_what_is_never_reached_somewhere_cannot_be_shared_out() -> None:
    never = np.array([np.inf, 50.0, 40.0, 20.0])
    unknown = np.full(4, np.nan)
    measured = Measured(never, unknown, unknown, unknown, np.full(4, 9), np.zeros((4, 9)))
    one = attribute(measured)
    assert one.unknown == 1
    assert all(np.isnan(part["shapley"].estimate) for part in one.parts)
    assert one.parts[0]["but_for"].estimate == -20.0
    assert one.total.plain()["estimate"] is None
    told = list(answer([measure("median_hours_to_ceasefire")], ["a", "b"], [one], 9))
    assert "never with none of them" in told[0]
    assert "in 1 of 4 combinations" in told[0]


def test_the_answer_says_who_leads_who_did_nothing_and_what_would_be_surer() -> None:
    one = attribute(shares(crises(4_000, 1)))
    agreement = measure("agreement")
    told = list(answer([agreement], ["Washington", "the purse", "the adviser"], [one], 4_000))
    first, second, *_, last = told
    assert first.index("Washington +") < first.index("the purse +")
    assert "No difference in any combination: the adviser" in first
    assert second.startswith("The largest share is that of Washington, ahead of the purse by")
    assert "16,000 replicates in each combination would about halve the intervals" in last


def told_of(came: np.ndarray, name: str = "agreement") -> str:
    parts = ["one", "two", "three"][: len(came).bit_length() - 1]
    return " ".join(answer([measure(name)], parts, [attribute(shares(came))], came.shape[1]))


SAME = np.tile(np.random.default_rng(1).random(300) < 0.4, (4, 1))
TWO = np.random.default_rng(8).random((2, 300)) < [[0.3], [0.29]]
LUCK = np.random.default_rng(3).random(4_000)


@pytest.mark.parametrize(
    ("came", "said", "unsaid"),
    [
        (SAME, "No difference in any combination: one and two", "its work|largest|cannot be told"),
        # Each does about as much as the other.
        ([SAME[0] & False, *TWO, TWO.any(axis=0)], "brings more cannot be told", "largest"),
        # Either of the two is enough.
        ([chance > LUCK for chance in (0.2, 0.5, 0.5, 0.5)], "where one is missing, others do its work", "nan"),
        # One works against the other.
        ([chance > LUCK for chance in (0.2, 0.6, 0.1, 0.3)], "where the other is there", "stand in"),
    ],
    ids=["nothing", "alike", "either", "against"],
)  # fmt: skip
def test_what_two_parts_do_together_is_said_as_it_is(came: Any, said: str, unsaid: str) -> None:
    told = told_of(np.asarray(came, dtype=float))
    assert said in told, told
    assert not re.search(unsaid, told), told


@settings(max_examples=40, deadline=None)
@given(
    chances=st.lists(st.sampled_from((0.0, 0.3, 0.31, 0.7, 1.0)), min_size=8, max_size=8),
    number=st.integers(1, 3),
    replicates=st.sampled_from((1, 2, 30, 300)),
)
def test_what_is_said_depends_on_the_intervals(
    chances: list[float], number: int, replicates: int
) -> None:
    luck = np.random.default_rng(5).random(replicates)
    came = np.stack([luck < chance for chance in chances[: 1 << number]]).astype(float)
    one, said = attribute(shares(came)), told_of(came)
    assert not re.search(r"nan|inf\b|None|\+-|\+−|[+−]0\.0+ points \(", said), said
    assert "of all crises" in said
    if all(part["shapley"].holds_zero for part in one.parts):
        assert "largest share" not in said
        assert "brings more" not in said
    if one.total.holds_zero:
        assert not re.search("its work|help each other|stand in", said), said


def test_one_replicate_or_a_time_without_limits_is_sure_of_nothing() -> None:
    hours, unknown = np.array([50.0, 40.0, 40.0, 30.0]), np.full(4, np.nan)
    measured = Measured(hours, unknown, unknown, unknown, np.full(4, 3), np.zeros((4, 3)))
    one = attribute(measured)
    assert all(figure.holds_zero for part in one.parts for figure in part.values())
    said = " ".join(answer([measure("median_hours_to_ceasefire")], ["a", "b"], [one], 3))
    assert "nan" not in said
    assert "limits not known" in said


@pytest.mark.parametrize("lower", [float("nan"), -3.0, 2.0])
@pytest.mark.parametrize("upper", [float("nan"), float("inf"), 10.0])
@pytest.mark.parametrize("say", [spec.change, spec.estimate])
def test_a_limit_that_is_not_known_is_said_to_be_none(say: Any, lower: float, upper: float) -> None:
    assert not re.search("nan|inf", say(4.0, lower, upper, "hours"))
