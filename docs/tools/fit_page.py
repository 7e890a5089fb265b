"""Makes docs/fit.md from a run of the experiment `fit_to_the_record`.

python docs/tools/fit_page.py [results/fit_to_the_record]    # the folder's figures are kept in docs/fit/ first
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from console import DOCS

from crisis_sim.experiments.gauss_newton import PRIOR
from crisis_sim.scenario.introspect import parameters

PAGE, STARTS = DOCS / "fit.md", DOCS / "fit" / "starts.csv"
KEPT = DOCS / "fit" / "fit.json"
#: What is kept of a figure, and of a parameter.
OF_FIGURE = (
    *("words", "among", "scenario", "unit", "scale", "weight", "target", "target_lower"),
    *("target_upper", "estimate", "apart", "apart_before"),
)
OF_PARAMETER = ("path", "unit", "low", "high", "best")
#: What the slopes say of a parameter: variance taken away, and its precision where all others stay as they are.
OF_SLOPES = ("informed", "precision")
#: How far it is moved for its profile, as a share of its range.
TENTH = 0.1
#: A parameter is pinned down if the record takes away this share of its prior's variance.
PINNED = 0.5
TEXT = Template(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8"))


def keep(folder: Path) -> None:
    """Keep the figures of a run, and how far its parameters range over its sets."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    sets = list(csv.DictReader((folder / "sets.csv").read_text(encoding="utf-8").splitlines()))
    weight = np.array([float(one["weight"]) for one in sets])
    rows = []
    for one in summary["parameters"]:
        path = one["path"]
        low, high = _quantiles(np.array([float(row[path]) for row in sets]), weight)
        rows.append(
            {name: one[name] for name in OF_PARAMETER}
            | {"set_low": low, "set_high": high}
            | {name: summary["sets"][name][path] for name in OF_SLOPES}
        )
    kept = {
        "seed": summary["fresh"]["seed"] - 1,
        "loss": summary["fresh"]["loss"],
        "loss_before": summary["fresh"]["loss_before"],
        "sets": {name: of for name, of in summary["sets"].items() if name not in OF_SLOPES},
        "figures": [
            {name: one[name] for name in OF_FIGURE}
            for one in summary["outcomes"]
            if one["target"] is not None
        ],
        "parameters": rows,
    }
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _quantiles(values: Any, weight: Any) -> tuple[float, float]:
    order = np.argsort(values)
    reached = np.cumsum(weight[order]) / weight.sum()
    at = [min(int(np.searchsorted(reached, level)), len(values) - 1) for level in (0.05, 0.95)]
    return float(values[order][at[0]]), float(values[order][at[1]])


def part_of(figure: dict[str, Any]) -> str:
    """Which part of the record a figure is of."""
    if figure["scenario"].endswith("_precision_3"):
        return "requirements"
    if figure["scenario"] != "since_1945":
        return "cases"
    return "conditional" if figure["weight"] < 1 else "marginal"


def loss_of(figures: list[dict[str, Any]]) -> float:
    """The loss of some figures, each counted whole."""
    far = [abs(one["apart"]) for one in figures]
    return sum(x * x if x <= 3 else 6 * x - 9 for x in far)


#: Words of figures that are long in a table.
SHORTER = {
    "ending agreement or tacit or unilateral or imposed or faded": "an ending of these five kinds",
    "minor clashes or serious clashes or full-scale war": "minor clashes or worse",
    "serious clashes or full-scale war": "serious clashes or worse",
    ", since_1945_precision_3": ", choices three times as precise",
}


def page() -> str:
    """The page."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    figures, rows = kept["figures"], kept["parameters"]
    parts = {
        name: [one for one in figures if part_of(one) == name]
        for name in ("marginal", "conditional", "requirements", "cases")
    }
    reading = sum(one["path"].startswith("behaviour.reading") for one in rows)
    far = sorted(figures, key=lambda one: -abs(one["apart"]))[:10]
    return TEXT.substitute(
        seed=kept["seed"],
        count=len(rows),
        behavioural=len(rows) - reading,
        reading=reading,
        targets=len(figures),
        **{name: len(of) for name, of in parts.items()},
        loss=f"{kept['loss']:.0f}",
        before=f"{kept['loss_before']:.0f}",
        parts="; ".join(
            f"{loss_of(of):.1f} over the {len(of)} {name}" for name, of in parts.items()
        )
        + ", each figure counted whole",
        inside=sum(abs(one["apart"]) <= 1.96 for one in figures),
        farthest="\n".join(_figure_rows(far, named=True)),
        rows="\n".join(_figure_rows(parts["marginal"])),
        **_starts(kept["loss"]),
        sets=kept["sets"]["count"],
        effective=f"{kept['sets']['effective']:.0f}",
        temperature=f"{kept['sets']['temperature']:.1f}",
        directions=f"{kept['sets']['directions']:.0f}",
        pinned=f"{100 * PINNED:.0f}",
        alone=_alone(rows),
        parameters="\n".join(_parameter_rows(rows)),
    )


def _starts(loss: float) -> dict[str, str]:
    """What fits from other starts came to.

    Raises:
        SystemExit: when one of them is better than the fit, which the page denies.
    """
    rows = list(csv.DictReader(STARTS.read_text(encoding="utf-8").splitlines()))
    start, fit, apart = (
        np.array([float(row[name]) for row in rows]) for name in ("start", "fit", "apart")
    )
    if fit.min() < loss:
        raise SystemExit(f"{STARTS.name}: a fit from another start has a loss of {fit.min():.0f}")
    between = [f"{one.min():.0f} and {one.max():.0f}" for one in (start, fit)]
    return {"started": between[0], "ended": between[1], "apart": f"{100 * apart.mean():.0f}%"}


def _figure_rows(figures: list[dict[str, Any]], named: bool = False) -> Iterator[str]:
    for one in figures:
        scale, unit, digits = (100, "%", 1) if one["unit"] == "share" else (1, f" {one['unit']}", 1)

        def told(key: str, one: Any = one, scale: float = scale, digits: int = digits) -> str:
            value = one[key]
            return "never" if value is None else f"{scale * value:.{digits}f}"

        where = f", {one['scenario']}" if named and one["scenario"] != "since_1945" else ""
        among = f", of {one['among']}" if one["among"] and ", given " not in one["words"] else ""
        words = f"{one['words']}{among}{where}"
        for long, short in SHORTER.items():
            words = words.replace(long, short)
        yield (
            f"| {words} | {told('target')}{unit} | {told('target_lower')} to {told('target_upper')} "
            f"| {told('estimate')}{unit} | {one['apart']:+.1f} |"
        )


def _profile(one: dict[str, Any]) -> float:
    """How much the loss rises when a parameter is moved by `TENTH`, all others adjusted, if it is a square."""
    return float(TENTH**2 * PRIOR / (1.0 - one["informed"]))


def _alone(rows: list[dict[str, Any]]) -> str:
    """How much more the loss rises where the others stay as they are."""
    if "precision" not in rows[0]:
        return ""
    times = np.median([TENTH**2 * one["precision"] / _profile(one) for one in rows])
    return f"; with the others left as they are it rises {times:.1f} times as much (median)"


def _parameter_rows(rows: list[dict[str, Any]]) -> Iterator[str]:
    defaults = {one.path: one for one in parameters()}
    for one in sorted(rows, key=lambda one: -one["informed"]):
        assert one["path"] in defaults  # noqa: S101 - the page speaks of parameters that there are
        taken, name = one["informed"], one["path"].removeprefix("behaviour.")
        yield (
            f"| `{name}` | {one['best']:.3g} | {one['set_low']:.3g} to {one['set_high']:.3g} "
            f"| {one['low']:g} to {one['high']:g} | {100 * taken:.0f}% | {_profile(one):.1f} "
            f"| {'' if taken >= PINNED else 'open'} |"
        )


if __name__ == "__main__":
    if sys.argv[1:]:
        keep(Path(sys.argv[1]))
    PAGE.write_text(page(), encoding="utf-8")
