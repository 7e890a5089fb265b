"""What `run` prints: the answer in words, outcomes, differences and advice."""

from __future__ import annotations

import copy
from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from crisis_sim.batch.ensemble import Batch
from crisis_sim.outcomes.summary import summarise
from crisis_sim.report.answers import answer, difference_table, print_summary, told_worst
from tests.report.made_up import CASES, make_batch, make_ensemble, make_scenario


def printed(summary: dict[str, Any], width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, no_color=True)
    print_summary(summary, console)
    return console.file.getvalue()


def test_a_summary_is_printed_within_a_hundred_columns(
    summary: dict[str, Any], snapshot: SnapshotAssertion
) -> None:
    assert printed(summary, width=200) == snapshot


@pytest.mark.parametrize("width", [60, 80, 100])
def test_narrow_terminals_are_filled_and_not_overrun(width: int, summary: dict[str, Any]) -> None:
    assert max(map(len, printed(summary, width).splitlines())) <= width


def test_the_answer_leaves_out_what_is_not_clear(summary: dict[str, Any]) -> None:
    changed = copy.deepcopy(summary)
    for difference in changed["differences"].values():
        by = difference["ceasefire"]["from_first_strike"]["by"]["96_hours"]
        by |= {"lower": -0.5, "upper": 0.5}
    assert answer(changed).endswith("more or less likely in none of the other scenarios.")
    changed["differences"] = {"no_mediators": changed["differences"]["no_mediators"]}
    assert answer(changed).endswith("was not clearly more or less likely in “No mediators”.")


def test_one_scenario_has_no_table_of_differences(batch: Batch) -> None:
    alone = summarise(make_batch(batch.ensembles["may_2025"]))
    assert difference_table(alone) is None
    assert "Differences" not in printed(alone)
    assert "A ceasefire within 96 hours" not in answer(alone)


def test_a_crisis_without_strikes() -> None:
    def no_strike(columns: dict[str, Any]) -> None:
        columns["first_strike_at_hours"][:] = np.nan

    summary = summarise(make_batch(make_ensemble("may_2025", replicates=50, change=no_strike)))
    assert "none saw a first strike" in answer(summary)
    row = next(line for line in printed(summary).splitlines() if line.startswith("may_2025 "))
    assert "none" in row


@pytest.mark.parametrize(
    ("war", "nuclear_use", "told"),
    [
        (0, 0, "no crisis saw full-scale war or nuclear use"),
        (10, 0, "full-scale war came in 10.0% of all crises, and no crisis saw nuclear use"),
        (10, 5, "full-scale war came in 10.0% of all crises, and nuclear use in 5.0%"),
        (0, 5, "no crisis saw full-scale war, and nuclear use came in 5.0% of all crises"),
    ],
)
def test_the_worst_is_told_in_words(war: int, nuclear_use: int, told: str) -> None:
    figures = [{"estimate": count / 100, "count": count} for count in (war, nuclear_use)]
    assert told_worst(*figures) == told


def test_names_are_printed_as_they_stand_and_steer_nothing() -> None:
    names = ["[bold]x[/bold]", "a[link=http://x]b", "esc\x1b[31m"]
    ensembles = (
        make_ensemble(name, CASES["may_2025"], replicates=50, scenario=make_scenario(name))
        for name in names
    )
    batch = make_batch(*ensembles)
    text = printed(summarise(batch))
    assert "[bold]x[/bold]" in text
    assert "[link=http://x]" in text
    assert "\x1b" not in text
