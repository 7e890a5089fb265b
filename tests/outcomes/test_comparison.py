from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.outcomes import NotPairedError, UnknownReferenceError, compare, join, summarise

Crises = Callable[..., Ensemble]
Batches = Callable[..., Batch]


def width(difference: dict[str, Any], figure: str) -> float:
    found = difference["ceasefire"]["from_first_strike"][figure]
    found = found.get("96_hours", found)
    return float(found["upper"] - found["lower"])


def test_batches_of_one_seed_are_paired_as_in_one_batch(
    simulated: Crises, batch_of: Batches
) -> None:
    base, quick = simulated(400, name="base"), simulated(400, 70.0, name="quick")
    assert compare(batch_of(base), batch_of(quick)) == summarise(batch_of(base, quick))


def test_batches_of_different_seeds_are_independent_samples(
    simulated: Crises, batch_of: Batches
) -> None:
    base = batch_of(simulated(1000, name="base"), seed=1)
    quick = simulated(1000, 70.0, name="quick")
    paired = compare(base, batch_of(quick, seed=1))
    apart = compare(base, batch_of(quick, seed=2))
    assert (paired["seed"], apart["seed"]) == (1, None)
    assert apart["scenarios"]["quick"]["seed"] == 2
    difference = apart["differences"]["quick"]
    assert (difference["paired"], difference["pairs"]) == (False, None)
    for figure, wider in (("by", 1.5), ("median_hours", 1.3)):
        widths = [width(each["differences"]["quick"], figure) for each in (apart, paired)]
        assert widths[0] > wider * widths[1]
    assert any("do not share their luck" in sentence for sentence in apart["advice"])
    assert not any("do not share their luck" in sentence for sentence in paired["advice"])


def test_insisting_on_pairs_with_different_seeds_is_refused(
    simulated: Crises, batch_of: Batches
) -> None:
    base = batch_of(simulated(50, name="base"))
    quick = batch_of(simulated(50, name="quick"), seed=7)
    with pytest.raises(NotPairedError, match=r"'quick' with those of 'base'.*7 and 1") as caught:
        compare(base, quick, paired=True)
    assert (caught.value.scenario, caught.value.reference) == ("quick", "base")
    assert caught.value.seeds == (7, 1)


def test_replicates_of_one_seed_with_no_number_in_common_are_independent(
    simulated: Crises, batch_of: Batches
) -> None:
    early = batch_of(simulated(50, name="early"))
    late = batch_of(simulated(50, name="late", first_replicate=50))
    assert compare(early, late)["differences"]["late"]["paired"] is False
    with pytest.raises(NotPairedError, match="no replicate number in common"):
        compare(early, late, paired=True)


def test_pairs_can_be_declined(simulated: Crises, batch_of: Batches) -> None:
    batch = batch_of(simulated(50, name="base"), simulated(50, name="quick"))
    assert summarise(batch, paired=False)["differences"]["quick"]["paired"] is False


def test_single_ensembles_have_no_known_luck(simulated: Crises) -> None:
    summary = compare(simulated(50, name="base"), simulated(50, name="quick"))
    assert summary["differences"]["quick"]["paired"] is False
    assert summary["scenarios"]["base"]["seed"] is None


def test_a_name_that_comes_twice_gets_a_number(simulated: Crises, batch_of: Batches) -> None:
    again = batch_of(simulated(20, name="may_2025"))
    joined = join(again, again, again)
    assert list(joined.ensembles) == ["may_2025", "may_2025 (2)", "may_2025 (3)"]
    assert joined.manifest == {"seed": 1, "joined": [{"seed": 1}] * 3}
    assert list(compare(again, again)["differences"]) == ["may_2025 (2)"]


def test_the_reference_is_found_by_name(simulated: Crises, batch_of: Batches) -> None:
    batches = (batch_of(simulated(20, name=name)) for name in ("base", "quick"))
    assert compare(*batches, reference="quick")["reference"] == "quick"
    with pytest.raises(UnknownReferenceError, match="did you mean 'base'"):
        compare(batch_of(simulated(20, name="base")), reference="bas")


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="no scenario to compare"):
        compare()
