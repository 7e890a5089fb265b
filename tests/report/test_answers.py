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
from crisis_sim.report.answers import after_a_strike, answer, print_summary, told_worst
from tests.report.made_up import CASES, make_batch, make_ensemble, make_scenario


def printed(summary: dict[str, Any], width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, no_color=True)
    print_summary(summary, console)
    return console.file.getvalue()


def test_a_summary_as_it_is_printed(summary: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    assert printed(summary, width=80) == snapshot


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_tables_fit_a_terminal_and_cut_nothing_off(width: int, summary: dict[str, Any]) -> None:
    text = printed(summary, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text.replace(", …", "").replace("–…", "")  # a limit that is not set
    assert text.count("\n") < 2.5 * printed(summary, 100).count("\n")


def test_the_answer_leaves_out_what_is_not_clear(summary: dict[str, Any]) -> None:
    changed = copy.deepcopy(summary)
    for difference in changed["differences"].values():
        shares = [part["share"] for part in difference["courses"].values()]
        for figure in (*shares, after_a_strike(difference)[0]):
            figure |= {"lower": -0.5, "upper": 0.5}
    assert answer(changed).endswith("not clearly different in any of the other scenarios.")
    changed["differences"] = {"no_mediators": changed["differences"]["no_mediators"]}
    assert answer(changed).endswith("not clearly different in “No mediators”.")


def test_the_answer_tells_all_crises_from_those_struck_in_both(summary: dict[str, Any]) -> None:
    difference = {"no_mediators": summary["differences"]["no_mediators"]}
    told = answer({**summary, "differences": difference})
    both = difference["no_mediators"]["struck_in_both"]["of"]
    assert "of all crises, " in told
    assert f"of the {both} crises with a strike in both, a ceasefire within 96 hours" in told


def test_the_four_courses_take_in_every_crisis(summary: dict[str, Any]) -> None:
    for scenario in summary["scenarios"].values():
        parts = scenario["courses"].values()
        assert sum(part["share"]["count"] for part in parts) == scenario["replicates"]
        for part in parts:
            counts = [one["count"] for one in part["endings"].values()]
            assert sum(counts) == part["share"]["count"]


def test_one_scenario_has_no_table_of_differences(batch: Batch) -> None:
    alone = summarise(make_batch(batch.ensembles["may_2025"]))
    assert "Difference from “" not in printed(alone)
    assert "strike in both" not in answer(alone)


def test_a_crisis_without_strikes() -> None:
    def no_strike(columns: dict[str, Any]) -> None:
        columns["first_strike_at_hours"][:] = np.nan
        columns["war_at_hours"][:] = np.nan

    summary = summarise(make_batch(make_ensemble("may_2025", replicates=50, change=no_strike)))
    assert "100% (95% interval 93 to 100) saw no strike" in answer(summary)
    assert "none" in printed(summary)


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
