from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from crisis_sim.experiments.indices import interactions, marginals, shapley


def test_gloves_go_mostly_to_who_has_the_only_left_one() -> None:
    """Part 0 has a left glove, 1 and 2 a right one each; a pair is worth 1 (Shapley: 2/3, 1/6, 1/6)."""
    worth = np.zeros(8)
    worth[[0b011, 0b101, 0b111]] = 1.0
    np.testing.assert_allclose(shapley(worth), [2 / 3, 1 / 6, 1 / 6])


def test_a_majority_of_weighted_votes_by_hand() -> None:
    """Weights 3, 2, 1 and 1 with a quota of 5: 7/12, 3/12, 1/12 and 1/12 of the orders."""
    weights = np.array([3, 2, 1, 1])
    there = np.arange(16)[:, None] >> np.arange(4) & 1
    worth = (there @ weights >= 5).astype(float)
    np.testing.assert_allclose(shapley(worth), np.array([7, 3, 1, 1]) / 12)


def test_shapley_values_are_means_over_all_orders_and_interactions_over_those_of_pairs_as_one() -> (
    None
):
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


def test_values_add_up_to_the_whole_difference() -> None:
    worth = np.random.default_rng(1).normal(size=(32, 3))
    np.testing.assert_allclose(shapley(worth).sum(axis=0), worth[-1] - worth[0])


def test_parts_that_do_the_same_get_the_same() -> None:
    size = np.array([number.bit_count() for number in range(16)])
    values = shapley(size.astype(float) ** 2)
    np.testing.assert_allclose(values, 4.0)
    np.testing.assert_allclose(list(interactions(size.astype(float) ** 2).values()), 2.0)


def test_a_part_that_changes_nothing_gets_exactly_nothing() -> None:
    rest = np.random.default_rng(2).normal(size=(8, 100))
    worth = np.empty((16, 100))
    worth[[number for number in range(16) if not number & 0b0100]] = rest
    worth[[number for number in range(16) if number & 0b0100]] = rest
    assert np.all(shapley(worth)[2] == 0.0)
    assert all(np.all(of == 0.0) for pair, of in interactions(worth).items() if 2 in pair)


def test_parts_that_only_add_up_do_not_interact() -> None:
    there = np.arange(8)[:, None] >> np.arange(3) & 1
    worth = there @ np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(shapley(worth), [1, 2, 4])
    np.testing.assert_allclose(list(interactions(worth).values()), 0.0, atol=1e-12)


def test_what_a_part_adds_is_read_from_the_right_combinations() -> None:
    worth = np.array([10.0, 11.0, 12.0, 20.0])
    np.testing.assert_array_equal(marginals(worth, 0), [1, 8])
    np.testing.assert_array_equal(marginals(worth, 1), [2, 9])


def test_what_is_no_game_is_refused() -> None:
    with pytest.raises(ValueError, match="3 combinations: expected a power of two"):
        shapley(np.zeros(3))
