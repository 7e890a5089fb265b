"""Intervals over crises from the engine itself: do they hold what a far larger run says?

Sixty thousand crises with a mediator and with a slower one who is trusted less, from six seeds, are taken two hundred at a
time, as one would run them. What all of them say together stands for the truth: it is seventeen
times as sure as what one batch says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crisis_sim import simulate
from crisis_sim.outcomes.intervals import difference
from crisis_sim.outcomes.measures import Reading
from crisis_sim.outcomes.named_measures import measure
from tests.batch.crises import crisis

#: It takes a minute of crises; what intervals are worth on made-up crises, whose truth is known, is a quick test.
pytestmark = pytest.mark.slow

SEEDS, REPLICATES, IN_A_BATCH = range(101, 107), 10_000, 200
BATCHES = len(SEEDS) * REPLICATES // IN_A_BATCH

#: A batch with the one mediator and with the other, or all of them.
Pair = tuple[Reading, Reading]


def mediator(trust: float, days: float) -> dict[str, Any]:
    """One who can press both, trusted so far, and engaged within about so many days."""
    trusted, held = ({"north": one, "south": one} for one in (trust, 0.5))
    return {"style": "manipulation", "attention_days": days, "trust": trusted, "leverage": held}


@pytest.fixture(scope="module")
def whole_and_batches() -> tuple[list[Pair], list[Pair]]:
    """Each seed's crises in one piece, and in batches."""
    first, second = (
        crisis(horizon_days=30, mediators={"elder": mediator(trust, days)})
        for trust, days in ((0.9, 1), (0.6, 4))
    )
    whole, batches = [], []
    for seed in SEEDS:
        run = simulate([first, second.model_copy(update={"name": "second"})], REPLICATES, seed=seed)
        ours, theirs = (Reading.of(each) for each in run.ensembles.values())
        whole.append((ours, theirs))
        for start in range(0, REPLICATES, IN_A_BATCH):
            rows = np.arange(start, start + IN_A_BATCH)
            batches.append((ours.subset(rows), theirs.subset(rows)))
    return whole, batches


FIGURES = (
    "ceasefire_within_14_days",
    "ceasefire_within_20_days",
    "ceasefire_within_25_days",
    "agreement",
)


def of_batches(name: str, pairs: list[Pair], paired: bool) -> NDArray[np.float64]:
    """Estimates and limits of a measure's difference in each batch, `(3, batches)`."""
    read = measure(name).read
    found = (difference(read(ours), read(theirs), paired) for ours, theirs in pairs)
    return np.array([(one.estimate, one.lower, one.upper) for one in found]).T


def strangers(batches: list[Pair]) -> list[Pair]:
    """The reference is another seed's: the first batch of one against the first of the next."""
    others = np.roll(np.arange(BATCHES), -REPLICATES // IN_A_BATCH)
    return [(ours, batches[other][1]) for (ours, _), other in zip(batches, others, strict=True)]


def test_taken_together_paired_intervals_are_neither_too_narrow_nor_too_wide(
    whole_and_batches: tuple[list[Pair], list[Pair]],
) -> None:
    """Four figures of 300 batches; they go together in part, so the luck is less than 1.3 points.

    Intervals a fifth too narrow, and those of independent samples, would not pass.
    """
    whole, batches = whole_and_batches
    held, narrow, apart = [], [], []
    for name in FIGURES:
        truth = of_batches(name, whole, paired=True)[0].mean()
        estimate, lower, upper = of_batches(name, batches, paired=True)
        held.append(np.mean((lower <= truth) & (truth <= upper)))
        reach = np.where(estimate > truth, estimate - lower, upper - estimate)
        narrow.append(np.mean(np.abs(estimate - truth) <= 0.8 * reach))
        _, lower, upper = of_batches(name, batches, paired=False)
        apart.append(np.mean((lower <= truth) & (truth <= upper)))
    assert 0.93 <= np.mean(held) <= 0.975
    assert np.mean(narrow) < 0.925
    assert np.mean(apart) > 0.975, "there is no common luck here to be taken out"


@pytest.mark.parametrize("name", ["ceasefire_within_14_days", "agreement"])
def test_of_batches_that_share_no_luck_the_independent_interval_holds_it(
    whole_and_batches: tuple[list[Pair], list[Pair]], name: str
) -> None:
    whole, batches = whole_and_batches
    truth = of_batches(name, whole, paired=True)[0].mean()
    _, lower, upper = of_batches(name, strangers(batches), paired=False)
    assert 0.91 <= np.mean((lower <= truth) & (truth <= upper)) <= 0.985


@pytest.mark.parametrize("name", FIGURES)
def test_common_luck_makes_differences_surer_and_intervals_say_by_how_much(
    whole_and_batches: tuple[list[Pair], list[Pair]], name: str
) -> None:
    """Over batches, not by formula: how far estimates with and without common luck scatter."""
    _, batches = whole_and_batches
    paired, lower, upper = of_batches(name, batches, paired=True)
    apart, low, high = of_batches(name, strangers(batches), paired=False)
    worth = np.var(apart) / np.var(paired)  # as many replicates apart say as much
    ratio = (np.mean(high - low) / np.mean(upper - lower)) ** 2
    assert worth > 1.2
    assert ratio == pytest.approx(worth, rel=0.35)  # the scatter's own error is 12 per cent
