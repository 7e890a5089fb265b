"""Makes docs/fit.md from a run of the experiment `fit_to_the_record`, and a fit the model's own.

python docs/tools/fit_page.py [FOLDER]    # a run's folder, whose figures are kept in docs/fit/ before the page is made

`--adopt` also writes the run's best values into the defaults of crisis_sim/scenario/behaviour.py, to three digits, and the
hundred of its sets that weigh most into crisis_sim/scenario/fits.csv. With `--hindcast` FOLDER is that of
`fit_for_the_hindcast`: its best values go to crisis_sim/hindcast/fitted.json, and nothing else is done.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from console import DOCS

from crisis_sim.experiments.gauss_newton import PRIOR
from crisis_sim.scenario.introspect import parameters
from crisis_sim.scenario.schema import Behaviour

PAGE, STARTS = DOCS / "fit.md", DOCS / "fit" / "starts.csv"
KEPT, PACKAGE = DOCS / "fit" / "fit.json", DOCS.parent / "crisis_sim"
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
#: How many sets are shipped.
SETS = 100
TEXT = Template(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8"))


def read_json(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file that is kept."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def keep(folder: Path) -> None:
    """Keep the figures of a run, and how far its parameters range over its sets."""
    summary, sets = read_json(folder / "summary.json"), read_table(folder / "sets.csv")
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
    fresh, targets = summary["fresh"], (x for x in summary["outcomes"] if x["target"] is not None)
    kept = {
        "seed": fresh["seed"] - 1,
        **{name: fresh[name] for name in ("loss", "loss_before")},
        "sets": {name: of for name, of in summary["sets"].items() if name not in OF_SLOPES},
        "figures": [{name: one[name] for name in OF_FIGURE} for one in targets],
        "parameters": rows,
    }
    write_json(KEPT, kept)


def _quantiles(values: Any, weight: Any) -> tuple[float, float]:
    order = np.argsort(values)
    reached = np.cumsum(weight[order]) / weight.sum()
    at = [min(int(np.searchsorted(reached, level)), len(values) - 1) for level in (0.05, 0.95)]
    return float(values[order][at[0]]), float(values[order][at[1]])


def adopt(folder: Path) -> None:
    """Write a run's best values into the lines of parameters, and its heaviest sets."""
    file = PACKAGE / "scenario" / "behaviour.py"
    text = file.read_text(encoding="utf-8")
    for path, value in read_json(folder / "summary.json")["best"]["parameters"].items():
        _, part, name = path.split(".")
        group = Behaviour.model_fields[part].annotation.__name__  # type: ignore[union-attr]
        before, head, after = text.partition(f"class {group}(")
        own, more, others = after.partition("\nclass ")
        line = re.compile(rf"(    {name}: Number = parameter\()[-+.e\d]+")
        own, count = line.subn(rf"\g<1>{float(f'{value:.3g}'):g}", own)
        if count != 1:
            raise SystemExit(f"{file.name}: {group} has no line of a parameter '{name}'")
        text = before + head + own + more + others
    file.write_text(text, encoding="utf-8")
    sets = sorted(read_table(folder / "sets.csv"), key=lambda row: -float(row["weight"]))
    with (PACKAGE / "scenario" / "fits.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(sets[0])
        writer.writerows([f"{float(x):.3g}" for x in row.values()] for row in sets[:SETS])


def adopt_for_the_hindcast(folder: Path) -> None:
    """Write a run's best values into the behaviour of the hindcast."""
    file = PACKAGE / "hindcast" / "fitted.json"
    best = read_json(folder / "summary.json")["best"]["parameters"]
    found = {path: float(f"{value:.4g}") for path, value in best.items()}
    write_json(file, read_json(file) | {"behaviour": found})


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
    kept = read_json(KEPT)
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
    rows = read_table(STARTS)
    start, fit, apart = (
        np.array([float(row[name]) for row in rows]) for name in ("start", "fit", "apart")
    )
    if fit.min() < loss:
        raise SystemExit(f"{STARTS.name}: a fit from another start has a loss of {fit.min():.0f}")
    between = [f"{one.min():.0f} and {one.max():.0f}" for one in (start, fit)]
    return {"started": between[0], "ended": between[1], "apart": f"{100 * apart.mean():.0f}%"}


def _figure_rows(figures: list[dict[str, Any]], named: bool = False) -> Iterator[str]:
    for one in figures:
        scale, unit = (100, "%") if one["unit"] == "share" else (1, f" {one['unit']}")
        target, lower, upper, estimate = (
            "never" if one[key] is None else f"{scale * one[key]:.1f}"
            for key in ("target", "target_lower", "target_upper", "estimate")
        )
        where = f", {one['scenario']}" if named and one["scenario"] != "since_1945" else ""
        among = f", of {one['among']}" if one["among"] and ", given " not in one["words"] else ""
        words = f"{one['words']}{among}{where}"
        for long, short in SHORTER.items():
            words = words.replace(long, short)
        yield (
            f"| {words} | {target}{unit} | {lower} to {upper} | {estimate}{unit} "
            f"| {one['apart']:+.1f} |"
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
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--adopt", action="store_true")
    parser.add_argument("--hindcast", action="store_true")
    asked = parser.parse_args()
    if asked.hindcast:
        adopt_for_the_hindcast(asked.folder)
    else:
        if asked.folder:
            keep(asked.folder)
        if asked.adopt:
            adopt(asked.folder)
        PAGE.write_text(page(), encoding="utf-8")
