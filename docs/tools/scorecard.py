"""Write docs/scorecard.md from the results of commands, which are kept in docs/scorecard/.

python docs/tools/scorecard.py [FOLDER...]    # folders of validate --out, validate --held-out --out, hindcast --out

docs/scorecard/before.json has the figures of the previous version of the model. `--as-before` replaces them by the present
ones, before a change of the model.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import fit_page
from console import DOCS
from fit_page import read_json, write_json

PAGE, KEPT = DOCS / "scorecard.md", DOCS / "scorecard"
BEFORE = KEPT / "before.json"
#: Ways to leave crises out of the fit: what is left out at a time, by the name of the way.
FOLDS = {"eras": "an era", "fifths": "a fifth"}
FILES = ("validation", "held_out", "hindcast", *(f"hindcast_{by}" for by in FOLDS))
PICTURES = ("hindcast_skill.png", "hindcast_reliability.png", "hindcast_duration.png")
#: Below this in-sample skill the share that the model keeps is not given.
LEAST_SKILL = 0.03
#: The score of each outcome that is predicted.
SCORES = {"violence": "log", "mediated": "log", "ending": "log", "duration": "crps_log10"}
SCORE_NAMES = {"log": "log", "crps_log10": "CRPS"}
OUTCOMES = {
    "violence": "worst violence",
    "mediated": "mediation",
    "ending": "kind of ending",
    "duration": "duration",
}
#: The times of a case.
TIMES = {"strike": "trigger to first strike", "halt": "first strike to end of strikes"}
TEXT, LEFT_OUT = (
    Template(Path(__file__).with_name(f"scorecard_{name}.txt").read_text(encoding="utf-8"))
    for name in ("page", "left_out")
)


class Entry(NamedTuple):
    """A row of the first table; `better` is `lower`, `higher` or empty."""

    test: str
    measure: str
    better: str
    value: str

    @property
    def key(self) -> str:
        return f"{self.test}: {self.measure}"

    def row(self, before: str) -> str:
        """Return the row, with the value of the previous version."""
        now, then = (float(value.split()[0]) for value in (self.value, before or self.value))
        change = "better" if (now > then) == (self.better == "higher") else "worse"
        if now == then or not self.better or not before:
            change = ""
        return (
            f"| {self.test} | {self.measure} | {self.better} | {self.value} | {before} | {change} |"
        )


def read_results() -> dict[str, Any]:
    """Return the kept results by file."""
    paths = {name: KEPT / f"{name}.json" for name in FILES} | {"fit": fit_page.KEPT}
    return {name: read_json(path) for name, path in paths.items() if path.is_file()}


def at_a_glance(results: dict[str, Any]) -> Iterator[Entry]:
    """Yield the rows of the first table."""
    fit = results["fit"]
    for name, figures in fit_page.grouped(fit["figures"]).items():
        measure = f"loss over {len(figures)} figures: {fit_page.GROUPS[name]}"
        yield Entry("fitted", measure, "lower", f"{fit_page.loss_of(figures):.1f}")
    determined = f"{fit['sets']['directions']:.0f} of {len(fit['parameters'])}"
    yield Entry("fitted", "effective number of parameters that the data determine", "", determined)
    for name, counts in results["validation"]["counts"].items():
        total = sum(counts.values()) - counts["not comparable"]
        for verdict, better in (("inside", "higher"), ("outside", "lower")):
            measure = f"{name} {verdict}, of {total}"
            yield Entry("mostly fitted", measure, better, str(counts[verdict]))
    summary = results["held_out"]["summary"]
    for time, scores in summary.items():
        test = "case left out"
        inside = f"{scores['inside']} of {scores['cases']}"
        yield Entry(test, f"{TIMES[time]}: in the central 80% of the forecast", "", inside)
        log = f"{scores['log_score']:.1f} ({scores['log_score_others']:.1f})"
        yield Entry(test, f"{TIMES[time]}: log score (simple forecast)", "lower", log)
    measure = f"{TIMES['halt']}: rank correlation of forecast and real times"
    yield Entry("case left out", measure, "higher", f"{summary['halt']['rank']:.2f}")
    files = {"development crises": "hindcast"}
    files |= {f"{FOLDS[by]} left out": f"hindcast_{by}" for by in _folds(results)}
    for test, file in files.items():
        for outcome, score in scores_of(results, "all crises", file):
            skill = skill_text(score["climatology"])
            yield Entry(test, f"skill on {OUTCOMES[outcome]}", "higher", skill)


def scores_of(
    results: dict[str, Any], group: str, file: str = "hindcast"
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the score of each outcome in a class of crises."""
    for outcome, kind in SCORES.items():
        for score in results[file]["scores"]:
            if (score["what"], score["kind"], score["group"]) == (outcome, kind, group):
                yield outcome, score


def skill_text(comparison: dict[str, Any]) -> str:
    """Return a skill with its interval."""
    low, high = comparison["skill_limits"]
    return f"{comparison['skill']:+.3f} ({low:+.3f} to {high:+.3f})"


def page() -> str:
    """Return the page."""
    results = read_results()
    before = read_json(BEFORE)
    hindcast = results["hindcast"]
    scored = max((score["crises"] for score in hindcast["scores"]), default=0)
    groups = list(dict.fromkeys(score["group"] for score in hindcast["scores"]))
    fit = DOCS.parent / "experiments" / "fit_for_the_hindcast.yaml"
    return TEXT.substitute(
        glance="\n".join(entry.row(before.get(entry.key, "")) for entry in at_a_glance(results)),
        cases="\n".join(_case_rows(results["held_out"]["cases"])),
        cases_summary=" ".join(
            f"{TIMES[time].capitalize()}: {scores['inside']} of {scores['cases']} real times are in the central 80% "
            f"of the forecast; mean CRPS {scores['crps'] / scores['cases']:.2f} "
            f"(simple forecast {scores['crps_others'] / scores['cases']:.2f})."
            for time, scores in results["held_out"]["summary"].items()
        ),
        crises=hindcast["crises"],
        scored=scored,
        hidden=hindcast["crises"] - scored,
        fit_figures=fit.read_text(encoding="utf-8").count("- {measure:"),
        hindcast="\n".join(_hindcast_rows(results)),
        classes=" | ".join(groups),
        rule="--:|" * len(groups),
        by_class="\n".join(_class_rows(results, groups)),
        left_out=_left_out(results) if _folds(results) else "",
    )


def _case_rows(cases: list[dict[str, Any]]) -> Iterator[str]:
    for case in cases:
        low, middle, high = (f"{value:.3g}" for value in case["quantiles"])
        yield (
            f"| {case['case']} | {TIMES[case['what']]} | {case['real']:g} | {low}, {middle}, {high} "
            f"| {100 * case['percentile']:.0f}% | {case['log_score']:.2f} ({case['log_score_others']:.2f}) "
            f"| {case['crps']:.2f} ({case['crps_others']:.2f}) |"
        )


def _hindcast_rows(results: dict[str, Any]) -> Iterator[str]:
    for outcome, score in scores_of(results, "all crises"):
        base_rates, statistical = score["climatology"], score["baseline"]
        cells = (
            f"{statistical['score']:.3f} | {_difference(statistical)}"
            if statistical["crises"]
            else " | "
        )
        yield (
            f"| {OUTCOMES[outcome]} | {score['crises']} | {SCORE_NAMES[score['kind']]} | {score['model']:.3f} "
            f"| {base_rates['score']:.3f} | {skill_text(base_rates)} | {cells} |"
        )


def _in_sample(score: dict[str, Any]) -> float:
    """Return the skill over base rates of the fit to all crises."""
    return 1.0 - float(score["in_sample"]["score"]) / float(score["climatology"]["score"])


def _folds(results: dict[str, Any]) -> list[str]:
    return [by for by in FOLDS if f"hindcast_{by}" in results]


def _left_out(results: dict[str, Any]) -> str:
    """Return the section on crises that were left out of the fit."""
    first = f"hindcast_{_folds(results)[0]}"
    names = [fold["name"] for fold in results[first]["folds"]]
    return LEFT_OUT.substitute(
        left_out="\n".join(_left_out_rows(results)),
        eras=" | ".join(names),
        eras_rule="--:|" * len(names),
        by_era="\n".join(_class_rows(results, names, first)),
        summary=" ".join(_left_out_summary(results)),
    )


def _left_out_rows(results: dict[str, Any]) -> Iterator[str]:
    for by in _folds(results):
        for outcome, score in scores_of(results, "all crises", f"hindcast_{by}"):
            differences = " | ".join(
                _difference(score[reference]) if score[reference]["crises"] else ""
                for reference in ("in_sample", "baseline")
            )
            yield (
                f"| {FOLDS[by]} | {OUTCOMES[outcome]} | {score['crises']} | {_in_sample(score):+.3f} "
                f"| {skill_text(score['climatology'])} | {differences} |"
            )


def _difference(comparison: dict[str, Any]) -> str:
    low, high = comparison["difference_limits"]
    return f"{comparison['difference']:+.3f} ({low:+.3f} to {high:+.3f})"


def _left_out_summary(results: dict[str, Any]) -> Iterator[str]:
    for by in _folds(results):
        result = results[f"hindcast_{by}"]
        kept = ", ".join(
            f"{score['climatology']['skill'] / _in_sample(score):.0%} ({OUTCOMES[outcome]})"
            for outcome, score in scores_of(results, "all crises", f"hindcast_{by}")
            if _in_sample(score) > LEAST_SKILL
        )
        moved = ", ".join(f"{100 * fold['moved']:.1f}" for fold in result["folds"])
        yield (
            f"With {FOLDS[by]} left out, the model keeps {kept} of its in-sample skill. The refits moved parameters by "
            f"{moved}% of their ranges (root mean square; {result['replicates']} runs a crisis, seed {result['seed']})."
        )


def _class_rows(
    results: dict[str, Any], groups: list[str], file: str = "hindcast"
) -> Iterator[str]:
    cells: dict[str, dict[str, str]] = {outcome: {} for outcome in SCORES}
    for group in groups:
        for outcome, score in scores_of(results, group, file):
            cells[outcome][group] = f"{skill_text(score['climatology'])}, {score['crises']} crises"
    for outcome, row in cells.items():
        yield f"| {OUTCOMES[outcome]} | {' | '.join(row.get(group, '') for group in groups)} |"


def keep(folder: Path) -> None:
    """Copy a command's results to docs/scorecard/ and its charts to docs/images/."""
    for name in FILES:
        if (folder / f"{name}.json").is_file():
            result = read_json(folder / f"{name}.json")
            if name.startswith("hindcast"):
                # Without the remarks: they quote rows of tables that are not kept.
                keys = ("seed", "replicates", "crises", "outcomes", "over_fits", "folds", "scores")
                result = {key: result[key] for key in keys}
            write_json(KEPT / f"{name}.json", result)
    for name in PICTURES:
        if (folder / name).is_file():
            shutil.copy(folder / name, DOCS / "images" / name)


if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    for argument in sys.argv[1:]:
        if argument == "--as-before":
            write_json(BEFORE, {entry.key: entry.value for entry in at_a_glance(read_results())})
        else:
            keep(Path(argument))
    PAGE.write_text(page(), encoding="utf-8")
