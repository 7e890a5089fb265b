from __future__ import annotations

import copy
from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from crisis_sim.batch.ensemble import Batch
from crisis_sim.outcomes.summary import summarise
from crisis_sim.report.answers import answer, difference_table, outcome_table, print_summary
from tests.report.made_up import CASES, make_batch, make_ensemble, make_scenario


def printed(summary: dict[str, Any], width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, no_color=True)
    print_summary(summary, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_everything_fits_a_hundred_columns(summary: dict[str, Any]) -> None:
    assert max(map(len, printed(summary, width=200).splitlines())) <= 100


def test_no_number_is_cut_off(summary: dict[str, Any]) -> None:
    text = printed(summary)
    assert "…" not in text.replace(", …)", "")
    for name in CASES:
        assert name in text.replace("\n", "")


def test_outcomes_are_those_of_the_summary(summary: dict[str, Any]) -> None:
    row = next(line for line in printed(summary).splitlines() if line.startswith("no_mediators"))
    scenario = summary["scenarios"]["no_mediators"]
    assert f"{100 * scenario['endings']['agreement']['estimate']:.1f} (" in row
    by = scenario["ceasefire"]["from_first_strike"]["by"]
    assert f"{100 * by['96_hours']['estimate']:.1f}" in row
    assert f"{100 * scenario['shares']['war']['estimate']:.1f}" in row


def test_differences_carry_sign_and_interval(summary: dict[str, Any]) -> None:
    table = printed(summary).split("Differences from may_2025")[1]
    row = next(line for line in table.splitlines() if line.startswith("early_mediation"))
    war = summary["differences"]["early_mediation"]["shares"]["war"]
    low, middle, high = (f"−{abs(100 * war[key]):.1f}" for key in ("lower", "estimate", "upper"))
    assert f"{middle} ({low}, {high})" in row
    assert "+" in row


def test_the_answer_in_words(summary: dict[str, Any]) -> None:
    told = answer(summary)
    agreement = summary["scenarios"]["may_2025"]["endings"]["agreement"]["estimate"]
    assert told.startswith(f"May 2025: {100 * agreement:.0f}% (95% interval ")
    median = summary["scenarios"]["may_2025"]["ceasefire"]["from_first_strike"]["median_hours"]
    days = f"{median['estimate'] / 24:.1f} days"
    assert f"half had a ceasefire within {days} of it" in told
    assert "percentage points less likely" in told
    assert "in “No mediators”" in told


def test_the_answer_leaves_out_what_is_not_clear(summary: dict[str, Any]) -> None:
    changed = copy.deepcopy(summary)
    for difference in changed["differences"].values():
        difference["ceasefire"]["from_first_strike"]["by"]["96_hours"]["lower"] = -0.5
        difference["ceasefire"]["from_first_strike"]["by"]["96_hours"]["upper"] = 0.5
    assert (
        "within 96 hours of it was clearly more or less likely in none of the other scenarios."
        in answer(changed)
    )
    changed["differences"] = {"no_mediators": changed["differences"]["no_mediators"]}
    assert answer(changed).endswith("was not clearly more or less likely in “No mediators”.")


def test_advice_is_printed(summary: dict[str, Any]) -> None:
    text = " ".join(printed(summary).split())
    for advice in summary["advice"]:
        assert " ".join(advice.split()) in text.replace(" - ", " ")


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
        (0, 0, "; no crisis saw full-scale war or nuclear use."),
        (10, 0, "; full-scale war came in 10.0% of all crises, and no crisis saw nuclear use."),
        (
            10,
            5,
            "; full-scale war came in 10.0% of all crises, and nuclear use in 5.0%.",
        ),
        (0, 5, "; no crisis saw full-scale war, and nuclear use came in 5.0% of all crises."),
    ],
)
def test_the_worst_is_told_in_words(
    summary: dict[str, Any], war: int, nuclear_use: int, told: str
) -> None:
    changed = copy.deepcopy(summary)
    for name, count in (("war", war), ("nuclear_use", nuclear_use)):
        figure = {"estimate": count / 100, "count": count}
        changed["scenarios"]["may_2025"]["shares"][name] |= figure
    assert told in answer(changed)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_narrow_terminals_are_filled_and_not_overrun(width: int, summary: dict[str, Any]) -> None:
    assert max(map(len, printed(summary, width).splitlines())) <= width


def test_names_are_printed_as_they_stand_and_steer_nothing() -> None:
    names = ["[bold]x[/bold]", "a[link=http://x]b", "esc\x1b[31m"]
    batch = make_batch(
        *(
            make_ensemble(name, CASES["may_2025"], replicates=50, scenario=make_scenario(name))
            for name in names
        )
    )
    text = printed(summarise(batch))
    assert "[bold]x[/bold]" in text
    assert "[link=http://x]" in text
    assert "\x1b" not in text


def test_tables_are_titled(summary: dict[str, Any]) -> None:
    assert str(outcome_table(summary).title) == "Outcomes"
