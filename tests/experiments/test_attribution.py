from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis_sim.experiments import spec
from crisis_sim.experiments.attribute import answer, attribute
from crisis_sim.outcomes.differences import Measured
from crisis_sim.outcomes.names import measure


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


def test_two_that_cannot_be_told_apart_are_said_to_be() -> None:
    luck = np.random.default_rng(8).random((2, 300))
    there = np.arange(4)[:, None] >> np.arange(2) & 1
    came = (there[:, :, None] * (luck < [[0.3], [0.29]])).max(axis=1).astype(float)
    told = list(answer([measure("war")], ["a", "b"], [attribute(shares(came))], 300))
    assert "brings more cannot be told" in told[1]


def told_of(came: np.ndarray, name: str = "agreement") -> str:
    parts = ["one", "two", "three"][: len(came).bit_length() - 1]
    return " ".join(answer([measure(name)], parts, [attribute(shares(came))], came.shape[1]))


def test_parts_that_do_nothing_do_no_work_and_none_leads() -> None:
    same = np.random.default_rng(1).random(300) < 0.4
    said = told_of(np.tile(same.astype(float), (4, 1)))
    assert "No difference in any combination: one and two" in said
    assert "its work" not in said
    assert "largest" not in said
    assert "cannot be told" not in said


def test_that_others_do_the_work_is_said_where_it_is_so() -> None:
    luck = np.random.default_rng(2).random(600)
    # Either of the two is enough.
    came = np.stack([luck < (0.5 if number else 0.2) for number in range(4)]).astype(float)
    assert "where one is missing, others do its work" in told_of(came)


def test_a_part_that_works_against_another_does_not_stand_in_for_it() -> None:
    luck = np.random.default_rng(3).random(4_000)
    came = np.stack([luck < chance for chance in (0.2, 0.6, 0.1, 0.3)]).astype(float)
    said = told_of(came)
    assert "stand in" not in said
    assert "where the other is there" in said


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
def test_a_limit_that_is_not_known_is_said_to_be_none(lower: float, upper: float) -> None:
    for said in (
        spec.change(4.0, lower, upper, "hours"),
        spec.difference(4.0, lower, upper, "hours"),
        spec.estimate(4.0, lower, upper, "hours"),
    ):
        assert "nan" not in said
        assert "inf" not in said
