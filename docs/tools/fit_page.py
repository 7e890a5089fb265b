"""Write docs/fit.md from a run of the experiment `fit_to_the_record`, and adopt fitted parameters.

python docs/tools/fit_page.py [FOLDER]    # the folder of a run; its figures are first copied to docs/fit/

With `--adopt` the best parameters also become the defaults in crisis_sim/scenario/behaviour.py, to three digits, and the
hundred parameter sets with the largest weights are written to crisis_sim/scenario/fits.csv. With `--hindcast` FOLDER is a
run of `fit_for_the_hindcast`: its best parameters are written to crisis_sim/hindcast/fitted.json, and the page is not made.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from console import DOCS
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crisis_sim.experiments.gauss_newton import PRIOR
from crisis_sim.experiments.load import load_experiment
from crisis_sim.scenario.introspect import parameters
from crisis_sim.scenario.schema import Behaviour
from crisis_sim.validation.facts import read_cases

PAGE, STARTS = DOCS / "fit.md", DOCS / "fit" / "starts.csv"
KEPT, PACKAGE = DOCS / "fit" / "fit.json", DOCS.parent / "crisis_sim"
#: Fields of a figure and of a parameter in the run's summary that are kept.
FIGURE_FIELDS = (
    *("scenario", "unit", "scale", "weight", "target", "target_lower", "target_upper"),
    *("estimate", "apart", "apart_before"),
)
PARAMETER_FIELDS = ("path", "unit", "low", "high", "best")
#: Fields from the slopes: share of the prior variance removed, and the inverse variance with all other parameters fixed.
SLOPE_FIELDS = ("informed", "precision")
#: Step of the profile, as a share of the parameter's range.
STEP = 0.1
#: A parameter is open if the data remove less than this share of its prior variance.
OPEN_BELOW = 0.5
#: A figure is far off if its distance from the target exceeds half a 95% interval, in standard errors.
REACH = 1.96
#: Number of parameter sets shipped.
SETS = 100
#: Groups of targets, as the page names them.
GROUPS = {
    "marginal": "all crises",
    "conditional": "conditional",
    "requirements": "precise choices",
    "cases": "cases",
}
#: The suffix of a scenario whose choices are three times as precise.
PRECISE = "_precision_3"
_TEMPLATES = Environment(  # noqa: S701 - they make Markdown
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file that is kept in docs."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def render(template: str, **values: Any) -> str:
    """Return a page made from a template in this folder."""
    return _TEMPLATES.get_template(template).render(values)


def keep(folder: Path) -> None:
    """Copy a run's figures, and the range of each parameter over its sets, to docs/fit/fit.json."""
    summary, sets = read_json(folder / "summary.json"), pd.read_csv(folder / "sets.csv")
    rows = []
    for parameter in summary["parameters"]:
        path = parameter["path"]
        low, high = np.quantile(
            sets[path], (0.05, 0.95), weights=sets["weight"], method="inverted_cdf"
        )
        rows.append(
            {name: parameter[name] for name in PARAMETER_FIELDS}
            | {"set_low": float(low), "set_high": float(high)}
            | {name: summary["sets"][name][path] for name in SLOPE_FIELDS}
        )
    fresh, targets = summary["fresh"], load_experiment("fit_to_the_record").spec.targets
    figures = (figure for figure in summary["outcomes"] if figure["target"] is not None)
    kept = {
        "seed": fresh["seed"] - 1,
        **{name: fresh[name] for name in ("loss", "loss_before")},
        "sets": {name: of for name, of in summary["sets"].items() if name not in SLOPE_FIELDS},
        "figures": [
            {"title": title(target.measure)} | {name: figure[name] for name in FIGURE_FIELDS}
            for figure, target in zip(figures, targets, strict=True)
        ],
        "parameters": rows,
    }
    write_json(KEPT, kept)


#: Titles of measures that the experiment gives by name.
NAMED = {
    "mediated": "mediated",
    "first_strike": "first strike",
    "median_pakistan_market_rebound": "Pakistan's market: rise after the ceasefire, median",
}
MOMENTS = {
    "trigger_at_hours": "trigger",
    "mediation_started_at_hours": "start of mediation",
    "first_fire_at_hours": "first fire",
    "last_fire_at_hours": "last fire",
    "first_strike_at_hours": "first strike",
    "halted_at_hours": "end of strikes",
    "over_at_hours": "end",
}
CONDITIONS = {
    ("mediated", True): "mediated",
    ("mediated", False): "not mediated",
    ("violent_start", False): "no violence at the start",
    ("nuclear_pair", True): "two nuclear states",
    ("nuclear_use_at_hours", "came"): "nuclear use",
}


def title(measure: str | Mapping[str, Any]) -> str:
    """Return the title of a figure in the page's tables, such as `trigger to end, median (trigger: violent)`."""
    if isinstance(measure, str):
        return NAMED[measure]
    if "share" in measure:
        (text,) = map(_condition, measure["share"], measure["share"].values())
    else:
        level = measure.get("time_quantile") or measure["quantile"]
        since, of = MOMENTS.get(measure.get("since", "")), MOMENTS.get(measure["of"])
        text = f"{since} to {of}" if since else "hours from the trigger to the response"
        text += ", median" if level == 0.5 else f", {100 * level:g}% quantile"
    given = measure.get("given", {})
    return f"{text} ({'; '.join(map(_condition, given, given.values()))})" if given else text


def _condition(column: str, value: Any) -> str:
    if column == "ending" and not isinstance(value, str):
        return "ended"
    if column == "defender_response" and not isinstance(value, str):
        return "any response"
    if isinstance(value, str) or column in ("mediated", "violent_start", "nuclear_pair"):
        text = f"{column.replace('_', ' ')}: {str(value).replace('_', ' ')}"
        return CONDITIONS.get((column, value), text)
    return f"{column.replace('_', ' ')}: {value[0]} or worse"


def adopt(folder: Path) -> None:
    """Make a run's best parameters the defaults, and ship its parameter sets with the largest weights."""
    file = PACKAGE / "scenario" / "behaviour.py"
    text = file.read_text(encoding="utf-8")
    for path, value in read_json(folder / "summary.json")["best"]["parameters"].items():
        _, part, name = path.split(".")
        group = Behaviour.model_fields[part].annotation.__name__  # type: ignore[union-attr]
        before, head, after = text.partition(f"class {group}(")
        body, end, rest = after.partition("\nclass ")
        line = re.compile(rf"(    {name}: Number = parameter\()[-+.e\d]+")
        body, count = line.subn(rf"\g<1>{float(f'{value:.3g}'):g}", body)
        if count != 1:
            raise SystemExit(f"{file.name}: {group} has no line for the parameter '{name}'")
        text = before + head + body + end + rest
    file.write_text(text, encoding="utf-8")
    sets = pd.read_csv(folder / "sets.csv", dtype=float)
    best = sets.sort_values("weight", ascending=False, kind="stable").head(SETS)
    best.to_csv(
        PACKAGE / "scenario" / "fits.csv", index=False, float_format="%.3g", lineterminator="\n"
    )


def adopt_for_the_hindcast(folder: Path) -> None:
    """Make a run's best parameters those of the hindcast."""
    file = PACKAGE / "hindcast" / "fitted.json"
    best = read_json(folder / "summary.json")["best"]["parameters"]
    rounded = {path: float(f"{value:.4g}") for path, value in best.items()}
    write_json(file, read_json(file) | {"behaviour": rounded})


def group_of(figure: dict[str, Any]) -> str:
    """Return the group of targets to which a figure belongs."""
    if figure["scenario"].endswith(PRECISE):
        return "requirements"
    if figure["scenario"] != "since_1945":
        return "cases"
    return "conditional" if figure["weight"] < 1 else "marginal"


def grouped(figures: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the figures of each group."""
    return {group: [figure for figure in figures if group_of(figure) == group] for group in GROUPS}


def loss_of(figures: list[dict[str, Any]]) -> float:
    """Return the unweighted loss of some figures."""
    distances = [abs(figure["apart"]) for figure in figures]
    return sum(x * x if x <= 3 else 6 * x - 9 for x in distances)


def far_off(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the figures that are far from their targets, the farthest first."""
    found = [figure for figure in figures if abs(figure["apart"]) > REACH]
    return sorted(found, key=lambda figure: -abs(figure["apart"]))


def page() -> str:
    """Return the page."""
    kept = read_json(KEPT)
    figures, rows = kept["figures"], kept["parameters"]
    groups = grouped(figures)
    fitted = {row["path"]: row for row in rows}
    return render(
        "fit_page.txt",
        **{name: kept[name] for name in ("seed", "loss", "loss_before", "sets")},
        figures=figures,
        groups=groups,
        GROUPS=GROUPS,
        weighted=sum(figure["weight"] * loss_of([figure]) for figure in figures),
        loss_of=loss_of,
        far_off=far_off,
        cells=cells,
        names=scenario_names(),
        REACH=REACH,
        starts=starts(kept["loss"]),
        SETS=SETS,
        OPEN_BELOW=OPEN_BELOW,
        alone=np.median([STEP**2 * row["precision"] / profile(row) for row in rows]),
        parameters=[(one, fitted[one.path]) for one in parameters() if one.path in fitted],
        reading=sum(row["path"].startswith("behaviour.reading") for row in rows),
        profile=profile,
    )


def starts(loss: float) -> pd.DataFrame:
    """Return the results of the fits from other starts.

    Raises:
        SystemExit: if one of them is better than the fit, which the page denies.
    """
    table = pd.read_csv(STARTS)
    if table["fit"].min() < loss:
        raise SystemExit(
            f"{STARTS.name}: a fit from another start has a loss of {table['fit'].min():.0f}"
        )
    return table


def scenario_names() -> dict[str, str]:
    """Return the name of each scenario of a figure in the page's tables."""
    cases = {case.scenario: case.name for case in read_cases()} | {
        "since_1945": "crises since 1945"
    }
    return cases | {
        f"{scenario}{PRECISE}": f"{name}, precise choices" for scenario, name in cases.items()
    }


def cells(figure: dict[str, Any]) -> str:
    """Return the cells of a figure in the page's tables: title, target, its interval, the model's figure, distance."""
    scale, unit = (100, "%") if figure["unit"] == "share" else (1, f" {figure['unit']}")
    target, lower, upper, estimate = (
        "never" if figure[key] is None else f"{scale * figure[key]:.1f}"
        for key in ("target", "target_lower", "target_upper", "estimate")
    )
    unit = unit.rstrip()
    return f"{figure['title']} | {target}{unit} | {lower} to {upper} | {estimate}{unit} | {figure['apart']:+.1f}"


def profile(parameter: dict[str, Any]) -> float:
    """Return the rise of a quadratic loss if a parameter is moved by `STEP` and all others are adjusted."""
    return float(STEP**2 * PRIOR / (1.0 - parameter["informed"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--adopt", action="store_true")
    parser.add_argument("--hindcast", action="store_true")
    arguments = parser.parse_args()
    if arguments.hindcast:
        adopt_for_the_hindcast(arguments.folder)
    else:
        if arguments.folder:
            keep(arguments.folder)
        if arguments.adopt:
            adopt(arguments.folder)
        PAGE.write_text(page(), encoding="utf-8")
