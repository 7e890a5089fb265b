from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from crisis_sim import style
from crisis_sim.experiments import make_experiment, run_experiment
from crisis_sim.experiments.plots import draw_experiment, write_experiment_charts
from crisis_sim.experiments.spec import Findings
from tests.batch.crises import crisis
from tests.report.looking import legends_over_data, overlaps, svg, words_in

PARTS = {"elder": "mediators.elder", "the bank's purse": "lenders", "a line": "channels.line"}


@pytest.fixture(scope="module")
def findings() -> Findings:
    return run_experiment(
        make_experiment(
            "who",
            kind="attribute",
            scenario=crisis(),
            parts=PARTS,
            outcomes=["first_strike", "mean_deaths"],
            replicates=60,
        )
    )


def changed(findings: Findings, change: Callable[[dict[str, Any]], None]) -> Findings:
    summary = copy.deepcopy(dict(findings.summary))
    change(summary["attributions"]["first_strike"])
    return replace(findings, summary=summary)


def drawn(findings: Findings, name: str) -> Figure:
    return dict(draw_experiment(findings))[name]


def test_bars_lead_from_none_of_the_parts_to_all_of_them(findings: Findings) -> None:
    one = findings.summary["attributions"]["first_strike"]
    bars = drawn(findings, "attribution").axes[0].patches
    none, *parts, every = bars
    assert none.get_width() == pytest.approx(100.0 * one["nothing"]["estimate"])
    assert every.get_width() == pytest.approx(100.0 * one["everything"]["estimate"])
    end = none.get_width()
    for bar, name in zip(parts, one["order"], strict=True):
        assert bar.get_x() == pytest.approx(end)
        assert bar.get_width() == pytest.approx(100.0 * one["parts"][name]["shapley"]["estimate"])
        end = bar.get_x() + bar.get_width()
    assert end == pytest.approx(every.get_width())


def test_every_figure_of_a_part_has_its_mark_and_whisker(findings: Findings) -> None:
    one = findings.summary["attributions"]["mean_deaths"]
    lines = drawn(findings, "attribution").axes[3].lines
    marks = {
        (line.get_marker(), round(float(line.get_xdata()[0]), 6))
        for line in lines
        if line.get_marker() in "ov^"
    }
    keys = {"shapley": "o", "alone": "^", "but_for": "v"}
    assert marks == {
        (mark, round(part[key]["estimate"], 6))
        for part in one["parts"].values()
        for key, mark in keys.items()
    }
    whiskers = [tuple(map(float, line.get_xdata())) for line in lines if len(line.get_xdata()) == 2]
    for part in one["parts"].values():
        assert (part["shapley"]["lower"], part["shapley"]["upper"]) in whiskers


def test_a_pair_is_coloured_by_whether_each_adds_more_where_the_other_is_there(
    findings: Findings,
) -> None:
    def settle(one: dict[str, Any]) -> None:
        one["total"]["estimate"] = -0.5
        values = [(-0.2, -0.3, -0.1), (0.1, 0.05, 0.15), (0.01, -0.1, 0.12)]
        for pair, (estimate, lower, upper) in zip(one["interactions"], values, strict=True):
            pair.update(estimate=estimate, lower=lower, upper=upper)

    axes = drawn(changed(findings, settle), "interactions").axes[0]
    colours = [to_hex(square.get_facecolor()) for square in axes.patches]
    # Whichever way the whole goes: that may be too little to tell. What is larger is stronger.
    assert colours == [style.tint(style.ORANGE, 0.85), style.tint(style.SKY_BLUE, 0.55), "#ffffff"]
    assert [text.get_text() for text in axes.texts] == ["−20.0", "+10.0", "+1.0"]


def test_what_cannot_be_shared_out_is_said(findings: Findings) -> None:
    def hide(one: dict[str, Any]) -> None:
        one["combinations_unknown"] = 3

    hidden = changed(findings, hide)
    for figure in (drawn(hidden, "attribution"), drawn(hidden, "interactions")):
        assert "in 3 of 8 combinations" in words_in(figure)


def test_no_text_lies_over_another_and_all_is_named(findings: Findings) -> None:
    for _, figure in draw_experiment(findings):
        assert overlaps(figure) == []
        assert legends_over_data(figure) == []
        said = words_in(figure)
        assert "percentage points" in said
        assert all(name in said for name in PARTS)


def test_the_same_findings_give_the_same_file(findings: Findings, tmp_path: Path) -> None:
    first = svg(drawn(findings, "attribution"), tmp_path)
    assert svg(drawn(findings, "attribution"), tmp_path) == first


def test_one_part_has_no_pairs(tmp_path: Path) -> None:
    one = make_experiment(
        "one",
        kind="attribute",
        scenario=crisis(),
        parts={"elder": "mediators.elder"},
        outcomes=["agreement"],
        replicates=20,
    )
    written = write_experiment_charts(run_experiment(one), tmp_path)
    assert [path.name for path in written] == ["attribution.svg", "attribution.png"]
