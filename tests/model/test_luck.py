from __future__ import annotations

import numpy as np
import pytest

from crisis_sim.model.luck import Clock, Luck, NormalStream, Stream


@pytest.mark.parametrize(("first", "count"), [(0, 1), (3, 1), (7, 9), (8, 16), (100, 50)])
@pytest.mark.parametrize("kind", [Stream, Clock, NormalStream])
def test_a_replicate_has_the_same_numbers_in_any_block(
    kind: type[Stream], first: int, count: int
) -> None:
    whole, part = kind(Luck(5, 0, 200), "us/call"), kind(Luck(5, first, count), "us/call")
    for _ in range(5):
        everyone, some = whole.take(np.arange(200)), part.take(np.arange(count))
        np.testing.assert_array_equal(everyone[first : first + count], some)


@pytest.mark.parametrize("first", [0, 5, 2**33])
def test_numbers_are_those_of_numpys_philox_at_the_replicates_place(first: int) -> None:
    luck, count = Luck(9, first, 21), 21
    stream = Stream(luck, "us/call")
    for occurrence in range(3):
        step, skipped = divmod(first, 8)
        philox = np.random.Philox(key=luck.key_of("us/call"), counter=[step, occurrence, 0, 0])
        numbers = np.random.Generator(philox).random(skipped + count, np.float32)[skipped:]
        np.testing.assert_array_equal(stream.take(np.arange(count)), numbers)


def test_normal_numbers_come_in_pairs_whoever_is_at_which_of_them() -> None:
    together, apart = NormalStream(Luck(1, 0, 4), "a/b"), NormalStream(Luck(1, 0, 4), "a/b")
    everyone = np.arange(4)
    in_turn = np.stack([together.take(everyone) for _ in range(4)])
    apart.take(np.array([1, 3]))
    for occurrence in range(3):
        ahead = np.array([occurrence, occurrence + 1, occurrence, occurrence + 1])
        np.testing.assert_array_equal(apart.take(everyone), in_turn[ahead, everyone])


def test_each_replicate_takes_its_numbers_in_turn_whatever_others_take() -> None:
    together, alone = Stream(Luck(1, 0, 4), "a/b"), Stream(Luck(1, 0, 4), "a/b")
    in_turn = [together.take(np.arange(4)) for _ in range(3)]
    for occurrence in range(3):
        assert alone.take(np.array([2]))[0] == in_turn[occurrence][2]


def test_numbers_go_on_alike_when_others_leave_the_block() -> None:
    luck = Luck(1, 0, 10)
    stays, leaves = Stream(Luck(1, 0, 10), "a/b"), Stream(luck, "a/b")
    chosen = np.array([1, 4, 9])
    stays.take(np.arange(10))
    leaves.take(np.arange(10))
    for part in (luck, leaves):
        part.keep(chosen, 10)
    for _ in range(4):
        np.testing.assert_array_equal(stays.take(chosen), leaves.take(np.arange(3)))


def test_streams_differ_by_seed_name_and_occurrence() -> None:
    everyone = np.arange(1000)
    one = Stream(Luck(1, 0, 1000), "us/call")
    first, second = one.take(everyone), one.take(everyone)
    other_seed = Stream(Luck(0, 0, 1000), "us/call").take(everyone)
    other_name = Stream(Luck(1, 0, 1000), "uk/call").take(everyone)
    for other in (second, other_seed, other_name):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.1


def test_uniform_and_normal_numbers_have_their_distribution() -> None:
    everyone = np.arange(20_000)
    stream, normal = Stream(Luck(3, 0, 20_000), "u"), NormalStream(Luck(3, 0, 20_000), "n")
    numbers = stream.take(everyone)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 4 / np.sqrt(12 * 20_000)
    pair = np.concatenate([normal.take(everyone), normal.take(everyone)])
    assert abs(pair.mean()) < 4 / np.sqrt(40_000)
    assert abs(pair.std() - 1) < 4 / np.sqrt(80_000)


def rings(hazard_a_turn: float, turns: int, replicates: int = 4000) -> np.ndarray:
    clock = Clock(Luck(7, 0, replicates), "us/call")
    first = np.full(replicates, np.nan)
    for turn in range(1, turns + 1):
        rang = clock.ring(hazard_a_turn)
        first[rang[np.isnan(first[rang])]] = turn
    return first


def test_a_clock_rings_at_its_rate() -> None:
    clock, count, turns = Clock(Luck(2, 0, 2000), "x"), 0, 50
    for _ in range(turns):
        count += clock.ring(0.3).size
    expected = 2000 * turns * 0.3
    assert abs(count - expected) < 4 * np.sqrt(expected)


def test_a_clock_loses_no_ring_to_long_turns() -> None:
    short, long = Clock(Luck(2, 0, 2000), "x"), Clock(Luck(2, 0, 2000), "x")
    often = sum(short.ring(0.05).size for _ in range(400))
    seldom = sum(long.ring(0.4).size for _ in range(50))
    assert seldom == pytest.approx(often, rel=0.05)


def test_halving_the_turn_moves_a_first_ring_by_at_most_one_old_turn() -> None:
    coarse, fine = rings(0.1, 200), rings(0.05, 400) / 2
    assert np.nanmax(np.abs(coarse - fine)) < 1
    assert np.nanmean(coarse == fine) < 1  # they do differ: the finer turn says more


def test_a_clock_runs_only_where_it_is_told_to() -> None:
    clock = Clock(Luck(2, 0, 100), "x")
    before = clock.left.copy()
    who = np.arange(0, 100, 2)
    clock.ring(0.0, who)
    np.testing.assert_array_equal(clock.left, before)
    rang = clock.ring(1e6, who)
    np.testing.assert_array_equal(rang, who)
    np.testing.assert_array_equal(clock.left[1::2], before[1::2])


def test_a_replicate_that_is_not_in_the_block_is_refused() -> None:
    luck, beyond = Luck(1, 0, 4), np.array([4])
    with pytest.raises(IndexError, match="not in the block"):
        Stream(luck, "a/b").take(beyond)
    with pytest.raises(IndexError, match="not in the block"):
        Clock(luck, "a/b").ring(0.1, beyond)


def test_parameters_are_drawn_alike_after_replicates_have_left() -> None:
    luck = Luck(1, 8, 20)
    before = luck.uniforms("parameter/x")
    luck.keep(np.array([3, 5]), 20)
    np.testing.assert_array_equal(luck.uniforms("parameter/x"), before)
