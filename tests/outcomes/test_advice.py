from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.outcomes import summarise

Crises = Callable[..., Ensemble]
Batches = Callable[..., Batch]


def advice_on(batch: Batch) -> str:
    advice: list[str] = summarise(batch)["advice"]
    return "\n".join(advice)


def test_a_clear_difference_says_how_large_and_what_would_halve_its_interval(
    simulated: Crises, batch_of: Batches
) -> None:
    batch = batch_of(simulated(2000, 90.0, name="base"), simulated(2000, 60.0, name="quick"))
    figure = summarise(batch)["differences"]["quick"]["ceasefire"]["from_first_strike"]["by"]
    low, high = (100.0 * figure["96_hours"][end] for end in ("lower", "upper"))
    assert (
        "quick: among crises with a first strike, a ceasefire within 96 hours of the first strike is "
        f"{low:.1f} to {high:.1f} "
        "percentage points more likely than in base; 8,000 replicates would about halve that interval."
    ) in advice_on(batch)


def test_a_clear_loss_is_called_less_likely(simulated: Crises, batch_of: Batches) -> None:
    batch = batch_of(simulated(2000, 60.0, name="base"), simulated(2000, 90.0, name="slow"))
    assert "percentage points less likely than in base" in advice_on(batch)


def test_the_promise_to_halve_the_interval_is_kept(simulated: Crises, batch_of: Batches) -> None:
    def width(replicates: int) -> float:
        batch = batch_of(*(simulated(replicates, mean, name=str(mean)) for mean in (90.0, 70.0)))
        difference = summarise(batch)["differences"]["70.0"]
        figure: dict[str, Any] = difference["ceasefire"]["from_first_strike"]["by"]["96_hours"]
        return float(figure["upper"] - figure["lower"])

    assert width(4 * 1000) == pytest.approx(width(1000) / 2, rel=0.15)


def test_a_difference_not_told_apart_says_what_would_tell_it(
    simulated: Crises, batch_of: Batches
) -> None:
    text = advice_on(batch_of(simulated(60, 90.0, name="base"), simulated(60, 88.0, name="near")))
    assert "so these 60 replicates do not tell the two apart" in text
    assert "would about halve that interval, but" in text or "points), about" in text


def test_without_any_difference_no_number_of_replicates_is_promised(
    simulated: Crises, batch_of: Batches
) -> None:
    text = advice_on(batch_of(simulated(300, name="base"), simulated(300, name="same")))
    assert "would take over 30,000 to show" in text


def test_the_reference_says_how_sure_its_own_figure_is(
    simulated: Crises, batch_of: Batches
) -> None:
    first = advice_on(batch_of(simulated(2000, name="base"))).splitlines()[0]
    assert first.startswith("base: a ceasefire within 96 hours of the first strike came in 5")
    assert first.endswith("2,000 replicates).")


def test_an_event_never_seen_is_bounded_and_one_seen_is_not_mentioned(
    simulated: Crises, batch_of: Batches
) -> None:
    never = advice_on(batch_of(simulated(1000, name="base")))
    assert (
        "base: no replicate of 1,000 saw nuclear use; its share of all crises is below 0.38% (95% interval)"
        in never
    )
    assert "full-scale war" not in never
    seen = advice_on(batch_of(simulated(1000, name="base", nuclear_use=0.01)))
    assert "nuclear use" not in seen


def test_scenarios_that_never_saw_an_event_share_a_sentence(
    simulated: Crises, batch_of: Batches
) -> None:
    text = advice_on(batch_of(*(simulated(300, name=name) for name in ("a", "b", "c"))))
    assert "a, b and c: no replicate of 300 saw nuclear use" in text
    assert text.count("nuclear use") == 1


def test_without_a_first_strike_the_horizon_is_spoken_of(crises: Crises, batch_of: Batches) -> None:
    text = advice_on(batch_of(crises(*[{}] * 20)))
    assert "crisis: a ceasefire by the horizon came in 0% of the 20 crises with a trigger" in text
    assert "no replicate saw a first strike" in text


def test_a_missing_median_is_explained(simulated: Crises, batch_of: Batches) -> None:
    assert "there is no median time" in advice_on(batch_of(simulated(500, 900.0)))
    assert "there is no median time" not in advice_on(batch_of(simulated(500, 60.0)))


def test_chance_among_many_intervals_is_owned_up_to(simulated: Crises, batch_of: Batches) -> None:
    one = advice_on(batch_of(simulated(200, name="base")))
    assert "by chance alone" not in one
    two = advice_on(batch_of(simulated(200, name="base"), simulated(200, 70.0, name="quick")))
    assert "by chance alone" in two
    assert two.endswith("not whether the scenario or the model is right.")
