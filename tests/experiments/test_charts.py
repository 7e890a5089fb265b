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
COMMON = "0 replicates, all with the same random numbers"
#: The charts of each experiment, the texts in all of them, and the texts in at least one.
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
            ["unknown, or never reached, in", "the same at every point", COMMON],
        )
        for method, own in (("sobol", "pairs"), ("morris", "effects"), ("pawn", ""))
    },
}


@cache
def found(name: str) -> Findings:
    return run_experiment(make_experiment("what", scenario=crisis(), **EXPERIMENTS[name]))


@cache
def drawn(name: str) -> dict[str, Figure]:
    return dict(draw_experiment(found(name)))


def rows(findings: Findings, table: str, measure: str) -> pd.DataFrame:
    data = findings.tables[table].to_pandas()
    return data[data.measure == measure]


def indices(findings: Findings, index: str) -> list[float]:
    study = findings.summary["studies"]["mean_deaths"]
    found = [study["indices"][index][path]["estimate"] for path in study["order"]]
    assert found == sorted(found, reverse=True)
    return found


#: Of which others draw nearly the same.
LIKE_OTHERS = ("one part", "sample", "pawn", "one parameter")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(one, marks=[pytest.mark.slow] if one in LIKE_OTHERS else [])
        for one in EXPERIMENTS
    ],
)
def test_every_chart_is_legible_and_labelled(name: str) -> None:
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
    one, other = (dict(draw_experiment(found("one part")))["attribution"] for _ in range(2))
    assert svg(one, tmp_path) == svg(other, tmp_path)


def numbers_in(axes: Any) -> set[float]:
    """All numbers at which lines, bars and steps of axes stand, or by which they reach, to five figures."""
    found = [np.ravel([*line.get_xdata(), *line.get_ydata()]) for line in axes.lines]
    for patch in axes.patches:
        steps = hasattr(patch, "get_data")
        found.append(patch.get_data().values if steps else [patch.get_width(), patch.get_x()])
    return {float(f"{one:.5g}") for one in np.concatenate(found)}


def shapley(one: Any, *keys: str) -> list[float]:
    return [part["shapley"][key] for part in one["parts"].values() for key in keys]


Numbers = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("name", "chart", "place", "numbers"),
    [
        ("attribute", "attribution", 0, lambda f: [
            100 * one for of in [f.summary["attributions"]["first_strike"]]
            for one in [of["nothing"]["estimate"], of["everything"]["estimate"], *shapley(of, "estimate")]
        ]),
        ("attribute", "attribution", 3, lambda f: shapley(
            f.summary["attributions"]["mean_deaths"], "estimate", "lower", "upper"
        )),
        ("curve", "curves", 0, lambda f: 100 * rows(f, "measures", "agreement").estimate),
        ("curve", "differences", 0, lambda f: 100 * rows(f, "differences", "agreement").estimate),
        ("sobol", "ranking", 0, lambda f: indices(f, "total")),
        ("sobol", "tornado", 0, lambda f: rows(f, "tornado", "mean_deaths").estimate),
        ("morris", "ranking", 0, lambda f: indices(f, "mu_star")),
        ("morris", "effects", 1, lambda f: rows(f, "effects", "mean_deaths").effect),
        ("posterior", "predictive", 0, lambda f: [100 * f.summary["predictive"][0]["median"]]),
    ],
)  # fmt: skip
def test_figures_are_at_their_values(name: str, chart: str, place: int, numbers: Numbers) -> None:
    expected = {float(f"{one:.5g}") for one in numbers(found(name))}
    assert expected
    assert expected <= numbers_in(drawn(name)[chart].axes[place])


def test_a_pair_is_coloured_by_the_sign_of_its_interaction() -> None:
    findings = found("attribute")
    summary = copy.deepcopy(dict(findings.summary))
    one = summary["attributions"]["first_strike"]
    one["total"]["estimate"] = -0.5
    values = [(-0.2, -0.3, -0.1), (0.1, 0.05, 0.15), (0.01, -0.1, 0.12)]
    for pair, (estimate, lower, upper) in zip(one["interactions"], values, strict=True):
        pair.update(estimate=estimate, lower=lower, upper=upper)
    findings = replace(findings, summary=summary)
    axes = style.styled(draw_interactions)(findings).axes[0]
    colours = [to_hex(square.get_facecolor()) for square in axes.patches]
    # Whatever the sign of the total. Larger interactions have a stronger colour.
    assert colours == [style.tint(style.LESS, 0.85), style.tint(style.MORE, 0.55), "#ffffff"]
    assert [text.get_text() for text in axes.texts] == ["−20.0", "+10.0", "+1.0"]
    # Unknown outcomes are explained.
    one.update(combinations_unknown=3)
    for _, figure in draw_experiment(findings):
        assert "in 3 of 8 combinations" in words_in(figure)


def test_a_maps_dots_are_full_where_significant_and_marginals_show_shrinkage() -> None:
    table = rows(found("map"), "differences", "agreement")
    sure = int(((table.lower > 0) | (table.upper < 0)).sum())
    dots = [one for one in drawn("map")["map_1"].axes[0].lines if one.get_marker() == "o"]
    faces = [dot.get_markerfacecolor() for dot in dots for _ in dot.get_xdata()]
    assert (faces.count("#000000"), faces.count("#FFFFFF")) == (sure, 12 - sure)

    by_name = {axes.get_title("left"): axes for axes in drawn("posterior")["marginals"].axes}
    assert by_name[ATTENTION].get_xscale() == "log"
    for row in found("posterior").summary["parameters"]:
        axes = by_name[row["path"]]
        assert ("not pinned down" in axes.get_xlabel() + axes.get_ylabel()) is not row["pinned"]
        # The bars of the posterior add up to 100 per cent, as do the prior's.
        assert [sum(patch.get_data().values) for patch in axes.patches] == pytest.approx([100, 100])


# --- Pairs of any number of parts, factors and outcomes

WORDS = "among crises with a first strike, the share with a ceasefire within ninety-six hours of it"


def size_of(one: str, other: str) -> dict[str, float]:
    value = 0.001 * (len(one + other) % 7 - 3) - 0.05
    return {"estimate": value, "lower": value - 0.02, "upper": value + 0.02}


#: As many parts as an experiment may have, and more factors than a chart shows.
SIZES = ((2, 1), (7, 2), (2, 3), (3, 2), (10, 1))


@pytest.mark.parametrize(
    ("draw", "number", "outcomes"),
    [
        *((draw, *SIZES[k]) for draw in (draw_interactions, draw_pairs) for k in (0, 1)),
        *(
            pytest.param(draw, *size, marks=pytest.mark.slow)
            for draw in (draw_interactions, draw_pairs)
            for size in SIZES[2:]
        ),
        pytest.param(draw_pairs, 18, 1, marks=pytest.mark.slow),
    ],
)
def test_pairs_of_any_number_of_parts_and_factors_are_legible(
    draw: Any, number: int, outcomes: int
) -> None:
    units = ("share", "hours", "share")[:outcomes]
    measures = [
        {"name": f"m{k}", "unit": unit, "words": WORDS, "among": "all crises"}
        for k, unit in enumerate(units)
    ]
    names = [f"mediators.elder_{k}.attention_threshold" for k in range(number)]
    pairs = {pair: size_of(*pair) for pair in combinations(names, 2)}
    shares = {
        "combinations_unknown": 0,
        "order": names[::-1],
        "interactions": [{"parts": list(pair), **size} for pair, size in pairs.items()],
    }
    study = {"order": names[::-1], "deviation": 1.0, "why_not": None}
    summary = {
        "measures": measures,
        "parts": [{"name": name} for name in names],
        "attributions": {of["name"]: shares for of in measures},
        "factors": [{"path": name} for name in names],
        "studies": {of["name"]: study for of in measures},
    }
    table = [
        {"measure": of["name"], "factor": one, "with": other, **size}
        for of in measures
        for (one, other), size in pairs.items()
    ]
    tables = {"pairs": pa.Table.from_pylist(table)}
    spec = SimpleNamespace(parts=dict.fromkeys(names, ("lenders",)))
    experiment = SimpleNamespace(spec=spec)
    findings: Any = SimpleNamespace(summary=summary, tables=tables, experiment=experiment)
    figure = style.styled(draw)(findings)
    assert overlaps(figure) == []
    assert ("in the tables" in words_in(figure).replace("\n", " ")) is (number > 12)
