"""Write docs/scorecard.md from the results of commands, which are kept in docs/scorecard/.

python docs/tools/scorecard.py [FOLDER...]    # folders of validate --out, validate --held-out --out, hindcast --out

docs/scorecard/before.json has the figures of the previous version of the model. `--as-before` replaces them by the present
ones, before a change of the model.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import fit_page
from console import DOCS
from fit_page import read_json, render, write_json

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


class Entry(NamedTuple):
    """A row of the first table; `better` is `lower`, `higher` or empty."""

    test: str
    measure: str
    better: str
    value: str

    @property
    def key(self) -> str:
        return f"{self.test}: {self.measure}"

    def change(self, before: str) -> str:
        """Return whether the value is better or worse than that of the previous version; empty if neither."""
        now, then = (float(value.split()[0]) for value in (self.value, before or self.value))
        if now == then or not self.better:
            return ""
        return "better" if (now > then) == (self.better == "higher") else "worse"


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
    """Yield each outcome with its score in a class of crises."""
    for outcome, kind in SCORES.items():
        for score in results[file]["scores"]:
            if (score["what"], score["kind"], score["group"]) == (outcome, kind, group):
                yield outcome, score


def skill_text(comparison: dict[str, Any]) -> str:
    """Return a skill with its interval."""
    low, high = comparison["skill_limits"]
    return f"{comparison['skill']:+.3f} ({low:+.3f} to {high:+.3f})"


def in_sample_skill(score: dict[str, Any]) -> float:
    """Return the skill over base rates of the fit to all crises."""
    return 1.0 - float(score["in_sample"]["score"]) / float(score["climatology"]["score"])


def difference_text(comparison: dict[str, Any]) -> str:
    """Return a difference of scores with its interval; empty if no crises could be compared."""
    if not comparison["crises"]:
        return ""
    low, high = comparison["difference_limits"]
    return f"{comparison['difference']:+.3f} ({low:+.3f} to {high:+.3f})"


def skill_kept(results: dict[str, Any], by: str) -> str:
    """Return the shares of in-sample skill that the model keeps, by outcome, if crises are left out."""
    return ", ".join(
        f"{score['climatology']['skill'] / in_sample_skill(score):.0%} ({OUTCOMES[outcome]})"
        for outcome, score in scores_of(results, "all crises", f"hindcast_{by}")
        if in_sample_skill(score) > LEAST_SKILL
    )


def page() -> str:
    """Return the page."""
    results = read_results()
    fit = DOCS.parent / "experiments" / "fit_for_the_hindcast.yaml"
    return render(
        "scorecard_page.txt",
        results=results,
        glance=at_a_glance(results),
        before=read_json(BEFORE),
        scored=max((score["crises"] for score in results["hindcast"]["scores"]), default=0),
        groups=list(dict.fromkeys(score["group"] for score in results["hindcast"]["scores"])),
        fit_figures=fit.read_text(encoding="utf-8").count("- {measure:"),
        folds={by: FOLDS[by] for by in _folds(results)},
        scores_of=partial(scores_of, results),
        skill=skill_text,
        in_sample_skill=in_sample_skill,
        difference=difference_text,
        skill_kept=partial(skill_kept, results),
        OUTCOMES=OUTCOMES,
        SCORE_NAMES=SCORE_NAMES,
        TIMES=TIMES,
    )


def _folds(results: dict[str, Any]) -> list[str]:
    return [by for by in FOLDS if f"hindcast_{by}" in results]


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
