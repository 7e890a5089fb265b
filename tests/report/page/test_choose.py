"""Which crises are told: by rules that can be checked by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.report.page.stories import Choice, choose
from tests.report.made_up import make_ensemble

COUNT = 9
NONE = float("nan")


def crises(**columns: Any) -> Ensemble:
    """Nine crises with a strike after 100 hours; the k-th, from 0, ends by agreement k + 1 days later."""
    ends = 100.0 + 24.0 * np.arange(1, COUNT + 1)
    usual = {
        "ending": np.full(COUNT, "agreement"),
        "worst_violence": np.full(COUNT, "serious clashes"),
        "first_strike_at_hours": np.full(COUNT, 100.0),
        "ended_at_hours": ends,
        "deaths": np.full(COUNT, 10.0),
    }

    def change(found: dict[str, Any]) -> None:
        found.update(usual | columns)

    return make_ensemble("may_2025", replicates=COUNT, change=change, paths=False)


def by_name(chosen: list[Choice]) -> dict[str, int]:
    return {one.name: one.replicate for one in chosen}


def test_typical_are_median_and_quartiles_and_extreme_the_ends() -> None:
    deaths = np.full(COUNT, 10.0)
    deaths[5] = 900.0
    chosen = choose(crises(deaths=deaths))
    assert by_name(chosen) == {
        "typical": 4,
        "shorter": 2,
        "longer": 6,
        "quickest": 0,
        "slowest": 8,
        "worst": 5,
    }
    assert "nearer to the median from trigger to end: this one took 9.2 days" in chosen[0].why
    assert "none came to it sooner: after 24 hours" in chosen[3].why
    assert "Of all 9 crises, none cost more lives: about 900." in chosen[5].why


def test_what_is_typical_has_the_commonest_ending_and_violence() -> None:
    ending = np.full(COUNT, "agreement")
    ending[:2] = "tacit"
    violence = np.full(COUNT, "serious clashes")
    violence[-3:] = "full-scale war"
    chosen = choose(crises(ending=ending, worst_violence=violence))
    # Those left are 2 to 5; their median lies between 3 and 4, and the lower number is taken.
    assert chosen[0].replicate == 3
    assert "Of the 4 crises that ended in the commonest way (agreement)" in chosen[0].why
    assert by_name(chosen)["quickest"] == 2


def test_no_crisis_is_told_twice() -> None:
    for one in range(1, COUNT):
        deaths = np.full(COUNT, 10.0)
        deaths[one] = 11.0
        chosen = choose(crises(deaths=deaths))
        numbers = [choice.replicate for choice in chosen]
        assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (
            {"ending": np.full(COUNT, "unresolved"), "ended_at_hours": np.full(COUNT, NONE)},
            ["worst"],
        ),
        (
            {
                "ending": np.full(COUNT, "unresolved"),
                "ended_at_hours": np.full(COUNT, NONE),
                "deaths": np.zeros(COUNT),
            },
            [],
        ),
        (
            {"first_strike_at_hours": np.full(COUNT, NONE), "deaths": np.zeros(COUNT)},
            ["typical", "shorter", "longer"],
        ),
        (
            {"ending": np.full(COUNT, "faded"), "deaths": np.zeros(COUNT)},
            ["typical", "shorter", "longer"],
        ),
    ],
)
def test_what_there_is_none_of_is_not_chosen(columns: dict[str, Any], told: list[str]) -> None:
    assert [one.name for one in choose(crises(**columns))] == told


@pytest.mark.parametrize("shuffle", [np.sort, lambda order: order[::-1]])
def test_the_order_of_rows_does_not_matter(shuffle: Callable[[Any], Any]) -> None:
    ensemble = crises()
    order = shuffle(np.arange(COUNT))
    turned = Ensemble(**{**vars(ensemble), "table": ensemble.table.take(order)})
    assert by_name(choose(turned)) == by_name(choose(ensemble))
    assert all(turned.column("replicate")[one.row] == one.replicate for one in choose(turned))
