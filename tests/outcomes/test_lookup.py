"""Figures of a summary are looked up by the words that a person would try."""

from __future__ import annotations

import numpy as np
import pytest

from crisis_sim import compare, simulate
from crisis_sim.outcomes.summary import Summary


@pytest.fixture(scope="module")
def summary() -> Summary:
    return compare(simulate(["may_2025", "no_mediators"], replicates=200))


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
def test_a_figure_has_the_name_that_a_person_would_give_it(
    summary: Summary, asked: tuple[str, float], path: str
) -> None:
    frame = summary.to_frame()
    for less, look in (("", summary.figure), ("may_2025", summary.difference)):
        found = look("no_mediators", *asked)
        row = frame.loc[("no_mediators", less, path)]
        assert [found.estimate, found.lower, found.upper] == pytest.approx(
            row[["estimate", "lower", "upper"]].tolist(), nan_ok=True
        )
        assert path.endswith("median_hours") or np.isfinite(found.estimate)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("no_mediator", "war"), "did you mean 'no_mediators'"),
        (("may_2025", "war"), "no scenario 'may_2025'"),  # the reference has no difference
        (("no_mediators", "agrement"), "did you mean 'agreement'"),
        (("no_mediators", "ceasefire", 48), "no figure 'ceasefire.from_first_strike.by.48_hours'"),
        (("no_mediators", "war", 96), "'war' has no figure by hours"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(
    summary: Summary, asked: tuple[str, ...], said: str
) -> None:
    with pytest.raises(KeyError, match=said):
        summary.difference(*asked)


def test_the_frame_has_every_figure_of_the_summary_once(summary: Summary) -> None:
    frame = summary.to_frame()
    assert frame.index.is_unique
    assert set(frame.index.get_level_values("less")) == {"", "may_2025"}
    war = summary["scenarios"]["may_2025"]["shares"]["war"]
    assert frame.loc[("may_2025", "", "shares.war"), ["estimate", "of"]].tolist() == [
        war["estimate"],
        200.0,
    ]
