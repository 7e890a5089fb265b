"""Makes docs/scorecard.md from what the commands wrote, kept in docs/scorecard/.

python docs/tools/scorecard.py [FOLDER...]    # folders of validate --out, validate --held-out --out, hindcast --out

Figures of the version before stand in docs/scorecard/before.json; `--as-before` puts the present ones there, before a change
of the model.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import fit_page
from console import DOCS
from fit_page import read_json, write_json

PAGE, KEPT = DOCS / "scorecard.md", DOCS / "scorecard"
BEFORE = KEPT / "before.json"
FOLDS = ("eras", "fifths")
FILES = ("validation", "held_out", "hindcast", *(f"hindcast_{by}" for by in FOLDS))
PICTURES = ("hindcast_skill.png", "hindcast_reliability.png", "hindcast_duration.png")
#: Of a skill in sample that is less, no share is said to be left.
LEAST_SKILL = 0.03
#: What is predicted, and the score that stands for it.
TARGETS = {"violence": "log", "mediated": "log", "ending": "log", "duration": "crps_log10"}
WORDS = {
    "violence": "worst violence",
    "mediated": "whether mediated",
    "ending": "kind of ending",
    "duration": "duration",
}
TEXT, LEFT_OUT = (
    Template(Path(__file__).with_name(f"scorecard_{name}.txt").read_text(encoding="utf-8"))
    for name in ("page", "left_out")
)


def figures() -> dict[str, Any]:
    """All that the page is made of, by file."""
    kept = {name: KEPT / f"{name}.json" for name in FILES} | {"fit": fit_page.KEPT}
    return {name: read_json(path) for name, path in kept.items() if path.is_file()}


def glance(of: dict[str, Any]) -> dict[str, str]:
    """The figures at a glance, by what they are of."""
    fit, validation = of["fit"]["figures"], of["validation"]["counts"]
    found = {}
    for part in ("marginal", "conditional", "cases", "requirements"):
        own = [one for one in fit if fit_page.part_of(one) == part]
        found[f"fitted|loss over {part} figures"] = f"{fit_page.loss_of(own):.1f} ({len(own)})"
    for name in ("facts", "cases"):
        counts = validation[name]
        total = sum(counts.values()) - counts["not comparable"]
        found[f"mostly fitted|{name} inside, near, outside"] = (
            f"{counts['inside']}, {counts['near']}, {counts['outside']} of {total}"
        )
    sets = of["fit"]["sets"]
    found["fitted|directions of the parameters that the record informs"] = (
        f"{sets['directions']:.0f} of {len(of['fit']['parameters'])}"
    )
    for what, one in of["held_out"]["summary"].items():
        found[f"not used|{what}s of left-out cases in the central 80%"] = (
            f"{one['inside']} of {one['cases']}"
        )
        found[f"not used|log score of the {what}s (of the other cases' times)"] = (
            f"{one['log_score']:.1f} ({one['log_score_others']:.1f})"
        )
    rank = of["held_out"]["summary"]["halt"]["rank"]
    found["not used|rank correlation of left-out and real fights"] = f"{rank:.2f}"
    for target, score in scores_of(of, of["hindcast"]["scores"][0]["group"]):
        found[f"development crises|skill on {WORDS[target]}"] = skilled(score["climatology"])
    for by in _folds(of):
        for target, score in scores_of(of, "all crises", f"hindcast_{by}"):
            found[f"{by} left out|skill on {WORDS[target]}"] = skilled(score["climatology"])
    return found


def scores_of(
    of: dict[str, Any], group: str, file: str = "hindcast"
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The score that stands for each target, in a class of crises."""
    for target, name in TARGETS.items():
        for one in of[file]["scores"]:
            if (one["what"], one["kind"], one["group"]) == (target, name, group):
                yield target, one


def skilled(against: dict[str, Any]) -> str:
    """A skill with its interval."""
    low, high = against["skill_limits"]
    return f"{against['skill']:+.3f} ({low:+.3f} to {high:+.3f})"


def page() -> str:
    """The page."""
    of = figures()
    now, before = glance(of), read_json(BEFORE)
    hindcast = of["hindcast"]
    scored = max((one["crises"] for one in hindcast["scores"]), default=0)
    groups = list(dict.fromkeys(one["group"] for one in hindcast["scores"]))
    dev = DOCS.parent / "experiments" / "fit_for_the_hindcast.yaml"
    parts = [fit_page.part_of(one) for one in of["fit"]["figures"]]
    return TEXT.substitute(
        glance="\n".join(
            f"| {name.split('|')[0]} | {name.split('|')[1]} | {value} | {before.get(name, '')} |"
            for name, value in now.items()
        ),
        **{name: parts.count(name) for name in ("marginal", "conditional")},
        cases="\n".join(_case_rows(of["held_out"]["cases"])),
        cases_told=" ".join(
            f"Of the {what}s {one['inside']} of {one['cases']} lie in the central 80%; mean CRPS "
            f"{one['crps'] / one['cases']:.2f}, of the others {one['crps_others'] / one['cases']:.2f}."
            for what, one in of["held_out"]["summary"].items()
        ),
        crises=hindcast["crises"],
        scored=scored,
        hidden=hindcast["crises"] - scored,
        dev_targets=dev.read_text(encoding="utf-8").count("- {measure:"),
        hindcast="\n".join(_hindcast_rows(of)),
        classes=" | ".join(groups),
        rule="--:|" * len(groups),
        by_class="\n".join(_class_rows(of, groups)),
        left_out=_left_out(of) if _folds(of) else "",
    )


def _case_rows(cases: list[dict[str, Any]]) -> Iterator[str]:
    for one in cases:
        low, middle, high = (f"{value:.3g}" for value in one["quantiles"])
        yield (
            f"| {one['case']} | {one['what']} | {one['real']:g} | {low}, {middle}, {high} | {100 * one['percentile']:.0f}% "
            f"| {one['log_score']:.2f} ({one['log_score_others']:.2f}) | {one['crps']:.2f} ({one['crps_others']:.2f}) |"
        )


def _hindcast_rows(of: dict[str, Any]) -> Iterator[str]:
    for target, one in scores_of(of, of["hindcast"]["scores"][0]["group"]):
        clim, base = one["climatology"], one["baseline"]
        beside = f"| {base['score']:.3f} | {_apart(base)} |" if base["crises"] else "| | |"
        kind = {"log": "log", "crps_log10": "CRPS"}[one["kind"]]
        yield (
            f"| {WORDS[target]} | {one['crises']} | {kind} | {one['model']:.3f} "
            f"| {clim['score']:.3f} | {skilled(clim)} {beside}"
        )


def _in_sample(one: dict[str, Any]) -> float:
    """The skill over climatology of the fit that saw all."""
    return 1.0 - float(one["in_sample"]["score"]) / float(one["climatology"]["score"])


def _folds(of: dict[str, Any]) -> list[str]:
    """By what crises were left out."""
    return [by for by in FOLDS if f"hindcast_{by}" in of]


def _left_out(of: dict[str, Any]) -> str:
    """The section on crises that were left out."""
    first = f"hindcast_{_folds(of)[0]}"
    names = [one["name"] for one in of[first]["folds"]]
    return LEFT_OUT.substitute(
        left_out="\n".join(_left_out_rows(of)),
        eras=" | ".join(names),
        eras_rule="--:|" * len(names),
        by_era="\n".join(_class_rows(of, names, first)),
        left_told=_left_told(of),
    )


def _left_out_rows(of: dict[str, Any]) -> Iterator[str]:
    for by in _folds(of):
        for target, one in scores_of(of, "all crises", f"hindcast_{by}"):
            beside = [
                _apart(one[who]) if one[who]["crises"] else "" for who in ("in_sample", "baseline")
            ]
            yield (
                f"| {by} | {WORDS[target]} | {one['crises']} | {_in_sample(one):+.3f} | {skilled(one['climatology'])} "
                f"| {' | '.join(beside)} |"
            )


def _apart(against: dict[str, Any]) -> str:
    low, high = against["difference_limits"]
    return f"{against['difference']:+.3f} ({low:+.3f} to {high:+.3f})"


def _left_told(of: dict[str, Any]) -> str:
    """How much of the skill in sample is left, and how far the refits went."""
    told = []
    for by in _folds(of):
        found = of[f"hindcast_{by}"]
        left = [
            f"{one['climatology']['skill'] / _in_sample(one):.0%} on {WORDS[target]}"
            for target, one in scores_of(of, "all crises", f"hindcast_{by}")
            if _in_sample(one) > LEAST_SKILL
        ]
        moved = ", ".join(f"{100 * one['moved']:.1f}" for one in found["folds"])
        told.append(
            f"By {by}, of the skill in sample there is left: {', '.join(left)}. The refits moved parameters by {moved}% of "
            f"their ranges (root mean square); {found['replicates']} runs of each crisis, seed {found['seed']}."
        )
    return " ".join(told)


def _class_rows(of: dict[str, Any], groups: list[str], file: str = "hindcast") -> Iterator[str]:
    found: dict[str, dict[str, str]] = {target: {} for target in TARGETS}
    for group in groups:
        for target, one in scores_of(of, group, file):
            found[target][group] = f"{skilled(one['climatology'])}, {one['crises']} crises"
    for target, by_group in found.items():
        yield (
            f"| {WORDS[target]} | " + " | ".join(by_group.get(group, "") for group in groups) + " |"
        )


def keep(folder: Path) -> None:
    """Keep what a command wrote into a folder."""
    for name in FILES:
        if (folder / f"{name}.json").is_file():
            found = read_json(folder / f"{name}.json")
            if name.startswith("hindcast"):  # its remarks name rows of tables that are not kept
                names = ("seed", "replicates", "crises", "outcomes", "over_fits", "folds", "scores")
                found = {key: found[key] for key in names}
            write_json(KEPT / f"{name}.json", found)
    for name in PICTURES:
        if (folder / name).is_file():
            shutil.copy(folder / name, DOCS / "images" / name)


if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    for argument in sys.argv[1:]:
        if argument == "--as-before":
            write_json(BEFORE, glance(figures()))
        else:
            keep(Path(argument))
    PAGE.write_text(page(), encoding="utf-8")
