"""Charts of experiments of every kind: they can be read, and stand where their figures do."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from crisis_sim import style
from crisis_sim.experiments import Findings, make_experiment, run_experiment
from crisis_sim.experiments.attribute import draw_interactions
from crisis_sim.experiments.plots import draw_experiment, write_experiment_charts
from crisis_sim.experiments.sensitivity import draw_pairs
from tests.batch.crises import crisis
from tests.experiments.examples import ATTENTION, CONTENT, DAYS, NORTH, RESOLVE
from tests.report.looking import legends_over_data, overlaps, svg, words_in

PARTS = {"elder": "mediators.elder", "the bank's purse": "lenders", "a line": "channels.line"}
SWEEP = {
    "kind": "sweep",
    "outcomes": ["agreement", "median_hours_to_ceasefire", "nuclear_use"],
    "replicates": 30,
    "threshold": 0.5,
}
STUDY = {
    **CONTENT["sensitivity"],
    "kind": "sensitivity",
    "outcomes": ["mean_deaths", "median_hours_to_ceasefire", "nuclear_use"],
    "replicates": 20,
    "tornado": 30,
}
RECORD = [{"of": "deaths", "value": 400, "within": 150}]
POSTERIOR = {
    **CONTENT["posterior"],
    "kind": "posterior",
    "targets": [{"measure": "agreement", "value": 0.3, "interval": [0.2, 0.4]}],
    "replicates": 10,
}
MORE = {"cases": [{"name": "of old", "record": RECORD}], "outcomes": ["median_hours_to_ceasefire"]}
ENOUGH = {"maximise": "agreement", "enough": 0.05}
EXPERIMENTS: dict[str, dict[str, Any]] = {
    "attribute": {"kind": "attribute", "parts": PARTS, "outcomes": ["first_strike", "mean_deaths"], "replicates": 60},
    "one part": {"kind": "attribute", "parts": {"elder": "lenders"}, "outcomes": ["agreement"], "replicates": 20},
    "curve": {**SWEEP, "vary": {DAYS: {"low": 0.05, "high": 5, "points": 5, "scale": "log"}}},
    "map": {**SWEEP, "vary": {DAYS: {"points": 3, "high": 4}, NORTH: {"points": 4}}},
    "sample": {**SWEEP, "vary": {DAYS: {"high": 4}, NORTH: {}}, "sample": {"points": 12}},
    "sobol": {**STUDY, "method": "sobol", "samples": 32, "second_order": True},
    "morris": {**STUDY, "method": "morris", "samples": 8, "replicates": 100},
    "pawn": {**STUDY, "method": "pawn", "samples": 64},
    "posterior": {**POSTERIOR, **MORE},
    "one parameter": {**POSTERIOR, "vary": {RESOLVE: {}}},
    "tuned": {**CONTENT["tune"], "kind": "tune", "trials": 8},
    "goal": {**CONTENT["tune"], "kind": "tune", "trials": 8, "targets": [], "objective": ENOUGH},
}  # fmt: skip
LUCK = "0 replicates, all with the same luck"
#: The charts of each, what every one of them says, and what is said somewhere.
SAID: dict[str, tuple[str, list[str], list[str]]] = {
    "attribute": ("attribution interactions", [*PARTS, "percentage points"], []),
    "one part": ("attribution", ["elder"], []),
    "curve": ("curves differences", [DAYS, "days", "30 replicates at each of"], []),
    "map": ("map_1 map_2 map_3", [DAYS, "30 replicates at each of"], ["the same at every point"]),
    "sample": ("map_1 map_2 map_3", [DAYS, "30 replicates at each of"], []),
    "posterior": (
        "marginals pairs predictive",
        [],
        ["of old: deaths", "per cent of all crises", "hours", "correlation"],
    ),
    "one parameter": ("marginals predictive", [], []),
    "tuned": ("history parameters targets", [], []),
    "goal": ("history parameters trade_off", [], ["cost of the changes"]),
    **{
        method: (
            f"ranking convergence tornado {own}".strip(),
            ["Mean deaths", "elder.attention_days"],
            ["unknown, or never reached, in", "the same at every point", LUCK],
        )
        for method, own in (("sobol", "pairs"), ("morris", "effects"), ("pawn", ""))
    },
}


@cache
def found(name: str) -> Findings:
    return run_experiment(make_experiment("what", scenario=crisis(), **EXPERIMENTS[name]))


def drawn(name: str) -> dict[str, Figure]:
    return dict(draw_experiment(found(name)))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_chart_can_be_read_and_says_what_it_shows(name: str) -> None:
    charts, everywhere, somewhere = SAID[name]
    figures = drawn(name)
    assert list(figures) == charts.split()
    for figure in figures.values():
        assert overlaps(figure) == legends_over_data(figure) == []
    words = [words_in(figure).replace("\n", " ") for figure in figures.values()]
    assert all(one in said for said in words for one in everywhere)
    assert all(one in " ".join(words) for one in somewhere)
    assert "mathdefault" not in " ".join(words) or name == "tuned"


def test_every_chart_is_written_twice_and_the_same_each_time(tmp_path: Path) -> None:
    written = write_experiment_charts(found("curve"), tmp_path)
    assert [path.name for path in written] == [
        f"{name}.{kind}" for name in ("curves", "differences") for kind in ("svg", "png", "csv")
    ]
    assert all(path.stat().st_size > (300 if path.suffix == ".csv" else 2000) for path in written)
    data = pd.read_csv(tmp_path / "curves.csv")
    assert {DAYS, "estimate", "lower", "upper"} <= set(data.columns)
    token = style.PRINT.set(style.Print(suffixes=(".pdf",)))
    paper, _ = write_experiment_charts(found("curve"), tmp_path)
    style.PRINT.reset(token)
    assert paper.read_bytes().startswith(b"%PDF")
    first = svg(drawn("attribute")["attribution"], tmp_path)
    assert svg(drawn("attribute")["attribution"], tmp_path) == first


# Who ended it.


def test_bars_lead_from_none_of_the_parts_to_all_of_them() -> None:
    one = found("attribute").summary["attributions"]["first_strike"]
    none, *parts, every = drawn("attribute")["attribution"].axes[0].patches
    assert none.get_width() == pytest.approx(100.0 * one["nothing"]["estimate"])
    assert every.get_width() == pytest.approx(100.0 * one["everything"]["estimate"])
    end = none.get_width()
    for bar, name in zip(parts, one["order"], strict=True):
        assert bar.get_x() == pytest.approx(end)
        assert bar.get_width() == pytest.approx(100.0 * one["parts"][name]["shapley"]["estimate"])
        end = bar.get_x() + bar.get_width()
    assert end == pytest.approx(every.get_width())


def test_every_figure_of_a_part_has_its_mark_and_whisker() -> None:
    parts = found("attribute").summary["attributions"]["mean_deaths"]["parts"].values()
    lines = drawn("attribute")["attribution"].axes[3].lines
    marks = {
        (line.get_marker(), round(float(line.get_xdata()[0]), 6))
        for line in lines
        if line.get_marker() in "ov^"
    }
    keys = {"shapley": "o", "alone": "^", "but_for": "v"}
    assert marks == {
        (mark, round(part[key]["estimate"], 6)) for part in parts for key, mark in keys.items()
    }
    whiskers = [tuple(map(float, line.get_xdata())) for line in lines if len(line.get_xdata()) == 2]
    assert all((one["shapley"]["lower"], one["shapley"]["upper"]) in whiskers for one in parts)


def changed(change: Callable[[dict[str, Any]], None]) -> dict[str, Figure]:
    """The charts of attributions of which the first has been changed."""
    findings = found("attribute")
    summary = copy.deepcopy(dict(findings.summary))
    change(summary["attributions"]["first_strike"])
    return dict(draw_experiment(replace(findings, summary=summary)))


def test_a_pair_is_coloured_by_whether_each_adds_more_where_the_other_is_there() -> None:
    def settle(one: dict[str, Any]) -> None:
        one["total"]["estimate"] = -0.5
        values = [(-0.2, -0.3, -0.1), (0.1, 0.05, 0.15), (0.01, -0.1, 0.12)]
        for pair, (estimate, lower, upper) in zip(one["interactions"], values, strict=True):
            pair.update(estimate=estimate, lower=lower, upper=upper)

    axes = changed(settle)["interactions"].axes[0]
    colours = [to_hex(square.get_facecolor()) for square in axes.patches]
    # Whichever way the whole goes: that may be too little to tell. What is larger is stronger.
    assert colours == [style.tint(style.LESS, 0.85), style.tint(style.MORE, 0.55), "#ffffff"]
    assert [text.get_text() for text in axes.texts] == ["−20.0", "+10.0", "+1.0"]


def test_what_cannot_be_shared_out_is_said() -> None:
    figures = changed(lambda one: one.update(combinations_unknown=3))
    assert all("in 3 of 8 combinations" in words_in(figure) for figure in figures.values())


# Sweeps.


def test_a_curve_stands_where_its_estimates_do() -> None:
    table = found("curve").tables["measures"].to_pandas()
    agreed = table[table.measure == "agreement"].estimate.to_numpy()
    lines = drawn("curve")["curves"].axes[0].lines
    (line,) = [one for one in lines if len(one.get_ydata()) == 5]
    np.testing.assert_allclose(line.get_ydata(), 100 * agreed)


def test_a_map_has_full_dots_only_where_the_difference_is_sure() -> None:
    table = found("map").tables["differences"].to_pandas()
    table = table[table.measure == "agreement"]
    sure = int(((table.lower > 0) | (table.upper < 0)).sum())
    dots = [one for one in drawn("map")["map_1"].axes[0].lines if one.get_marker() == "o"]
    faces = [dot.get_markerfacecolor() for dot in dots for _ in dot.get_xdata()]
    assert (faces.count("#000000"), faces.count("#FFFFFF")) == (sure, 12 - sure)


# Sensitivity.


@pytest.mark.parametrize(("method", "index"), [("sobol", "total"), ("morris", "mu_star")])
def test_the_ranking_has_each_index_where_it_is_the_largest_first(method: str, index: str) -> None:
    study = found(method).summary["studies"]["mean_deaths"]
    full = [
        (float(line.get_ydata()[0]), float(line.get_xdata()[0]))
        for line in drawn(method)["ranking"].axes[0].lines
        if line.get_marker() == "o" and line.get_markerfacecolor() != "#FFFFFF"
    ]
    expected = [study["indices"][index][path]["estimate"] for path in study["order"]]
    assert [x for _, x in sorted(full)] == pytest.approx(expected)
    assert expected == sorted(expected, reverse=True)


def test_a_tornado_has_a_bar_for_each_end_the_widest_factor_first() -> None:
    table = found("sobol").tables["tornado"].to_pandas()
    own = table[table.measure == "mean_deaths"]
    bars = [bar.get_width() for bar in drawn("sobol")["tornado"].axes[0].patches]
    assert sorted(bars) == pytest.approx(sorted(own.estimate))
    widest = [max(abs(bars[k]), abs(bars[k + 1])) for k in (0, 2, 4)]
    assert widest == sorted(widest, reverse=True)


def test_the_plane_shows_every_elementary_effect() -> None:
    strip = drawn("morris")["effects"].axes[1]
    shown = np.concatenate([line.get_xdata() for line in strip.lines if line.get_marker() == "|"])
    table = found("morris").tables["effects"].to_pandas()
    own = table[table.measure == "mean_deaths"].effect
    assert np.sort(shown) == pytest.approx(np.sort(own))


# Posteriors.


def test_marginals_tell_what_is_pinned_down_and_pairs_show_the_draws() -> None:
    charts = drawn("posterior")
    by_name = {axes.get_title("left"): axes for axes in charts["marginals"].axes}
    assert by_name[ATTENTION].get_xscale() == "log"
    for row in found("posterior").summary["parameters"]:
        axes = by_name[row["path"]]
        assert ("not pinned down" in axes.get_xlabel() + axes.get_ylabel()) is not row["pinned"]
        # Bars of the posterior hold all of it: 100 per cent, as the prior's.
        assert [sum(patch.get_data().values) for patch in axes.patches] == pytest.approx([100, 100])
    (line,) = charts["pairs"].axes[2].lines
    assert len(line.get_xdata()) == 400  # as many draws as it says
    assert len(charts["predictive"].axes) == len(found("posterior").summary["predictive"]) == 3


# Pairs of any number of parts, factors and outcomes.

WORDS = "among crises with a first strike, the share with a ceasefire within ninety-six hours of it"


def many(number: int) -> list[dict[str, Any]]:
    return [
        {"name": f"m{k}", "unit": ("share", "hours")[k % 2], "words": WORDS} for k in range(number)
    ]


def size_of(one: str, other: str) -> dict[str, float]:
    value = 0.001 * (len(one + other) % 7 - 3) - 0.05
    return {"estimate": value, "lower": value - 0.02, "upper": value + 0.02}


@pytest.mark.parametrize(("parts", "outcomes"), [(2, 1), (2, 3), (3, 2), (6, 3), (7, 2), (16, 1)])
def test_interactions_of_any_number_of_parts_can_be_read(parts: int, outcomes: int) -> None:
    names = [f"the part of the crisis with a long name {k}" for k in range(parts)]
    pairs = [{"parts": list(pair), **size_of(*pair)} for pair in combinations(names, 2)]
    one = {"combinations_unknown": 0, "order": names[::-1], "interactions": pairs}
    summary = {
        "measures": many(outcomes),
        "parts": [{"name": name} for name in names],
        "attributions": {f"m{k}": one for k in range(outcomes)},
        "combinations": 2**parts,
    }
    findings: Any = SimpleNamespace(summary=summary)
    figure = style.styled(draw_interactions)(findings)
    assert overlaps(figure) == []
    assert ("all in the tables" in words_in(figure)) is (parts > 12)


@pytest.mark.parametrize(("factors", "outcomes"), [(2, 1), (2, 2), (6, 2), (7, 2), (20, 1)])
def test_pairs_of_any_number_of_factors_can_be_read(factors: int, outcomes: int) -> None:
    paths = [f"mediators.elder_{k}.attention_threshold" for k in range(factors)]
    rows = [
        {"measure": f"m{k}", "factor": one, "with": other, **size_of(one, other)}
        for k in range(outcomes)
        for one, other in combinations(paths, 2)
    ]
    study = {"order": paths[::-1], "deviation": 1.0, "why_not": None}
    summary = {
        "measures": many(outcomes),
        "factors": [{"path": path} for path in paths],
        "studies": {f"m{k}": study for k in range(outcomes)},
    }
    findings: Any = SimpleNamespace(summary=summary, tables={"pairs": pa.Table.from_pylist(rows)})
    figure = style.styled(draw_pairs)(findings)
    assert overlaps(figure) == []
    said = words_in(figure).replace("\n", " ")
    assert ("all stand in the tables" in said) is (factors > 12)
