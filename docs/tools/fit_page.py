"""Makes docs/fit.md, and what stands beside it, from the folder of the fit.

crisis-sim experiment fit_to_the_record --out results/fit_to_the_record
python docs/tools/fit_page.py results/fit_to_the_record
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from string import Template
from typing import Any

from console import DOCS, IMAGES
from pictures import keep

from crisis_sim.experiments.tune import LOOSE, PINNED

PAGE, FOLDER = DOCS / "fit.md", DOCS / "fit"
HEAD = Template("""# The fit, and how well it pins the parameters down

<!-- Made by docs/tools/fit_page.py; the figures are those of $folder. -->

**This page is about the first model.** The second generation's defaults ([the generations compared](model_versions.md))
come from a first fit of the parameters that [the list](parameters.md#fitted-and-fixed) names, to the same record; its page
follows.

The defaults come from one experiment, [`experiments/fit_to_the_record.yaml`](../experiments/fit_to_the_record.yaml).
It moves $parameters parameters of behaviour, of the ladder and of the population scenario at once, in all nine scenarios
alike, towards $targets figures of [the record](facts/README.md). Anyone can repeat it, to the bit:

    crisis-sim experiment fit_to_the_record --out results/fit_to_the_record

- **Loss.** The weighted sum over the figures of the squared distance in standard errors, which come from each figure's
  95% interval and from the Monte Carlo error of the replicates; beyond $robust standard errors a miss counts in proportion
  (Huber). Times are compared by ratio. [How `tune` counts](experiments.md#which-parameters-tune).
- **Search.** CMA-ES (Hansen 2016), seed $seed, $trials trials of $replicates crises in each scenario; the $finalists best
  were run again with fresh luck, and what did best then is the answer. It starts where an earlier search, with other luck,
  had come to: CMA-ES and damped Gauss-Newton steps, with differences over paired luck, over the same parameters and, in
  the end, the same figures. That search is not kept; its end is the file's `start`.
- **What it came to.** $answer

Kept with this page: [`summary.json`](fit/summary.json) with all that follows, [`parameters.csv`](fit/parameters.csv),
[`outcomes.csv`](fit/outcomes.csv), and the [manifest](fit/manifest.json) with versions. All figures here are those of the
model as it was when the fit ran, which the manifest names; [validation](validation.md) has those of the model as it is.

![The loss of each trial, and the best so far](images/fit_history.png)

![How far each figure lies from its target before and after, in standard errors](images/fit_targets.png)

## How well each parameter is pinned down

Each parameter of the best point was moved alone through its range, all others held, on fresh luck. *Open* is the range
in which the loss rises by no more than $tolerance, and its share of what was searched. That is a slice, not a profile: were
the others moved along, it would be wider. So *no* says for sure that the record does not pin a parameter down, and *yes*
only that it does as long as all others stay where they are. With $targets figures and $parameters parameters, of which
many make up for each other, no single value is an estimate of anything in the world.

$counted

| parameter | default | open, moved alone | share | pinned down? | searched |
|---|--:|:--|--:|:--|:--|
""")


def main(folder: Path) -> None:
    """Write the page, its tables and its charts."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    resolved = json.loads((folder / "resolved.json").read_text(encoding="utf-8"))
    FOLDER.mkdir(exist_ok=True)
    for name in ("history", "targets"):
        keep(folder / f"{name}.png", IMAGES / f"fit_{name}.png")
    shutil.copyfile(folder / "summary.json", FOLDER / "summary.json")
    manifest["command"] = "crisis-sim experiment fit_to_the_record"  # as anyone would type it
    (FOLDER / "manifest.json").write_text(f"{json.dumps(manifest, indent=2)}\n", encoding="utf-8")
    for name in ("parameters", "outcomes"):
        with (FOLDER / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(summary[name][0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(summary[name])
    PAGE.write_text(page(summary, manifest, resolved["experiment"]), encoding="utf-8")


def page(summary: dict[str, Any], manifest: dict[str, Any], spec: dict[str, Any]) -> str:
    """The page as Markdown."""
    rows = sorted(
        ((one, open_share(one)) for one in summary["parameters"]), key=lambda pair: pair[1]
    )
    words = [pinned(share) for _, share in rows]
    head = HEAD.substitute(
        folder="the experiment's folder",
        parameters=len(rows),
        targets=sum(one["is_target"] for one in summary["outcomes"]),
        robust=f"{spec['robust']:g}",
        seed=spec["seed"],
        finalists=spec["finalists"],
        trials=f"{summary['trials']:,}",
        replicates=f"{summary['replicates']:,}",
        answer=" ".join(summary["answer"][:2]),
        tolerance=f"{summary['good']['tolerance']:.3g}",
        counted=f"Of {len(rows)} parameters {words.count('yes')} are pinned down so, {words.count('somewhat')} somewhat, "
        f"and {words.count('no')} are not.",
    )
    lines = [
        f"| `{one['path']}` | {one['best']:.3g} | {one['alone_lower']:.3g} to {one['alone_upper']:.3g} "
        f"| {100 * share:.0f}% | {pinned(share)} | {one['low']:.3g} to {one['high']:.3g} |"
        for one, share in rows
    ]
    return head + "\n".join(lines) + "\n"


def open_share(row: dict[str, Any]) -> float:
    """Share of what was searched that is left open, on the scale on which it was searched."""
    import math

    low, high, lower, upper = (
        math.log(row[key]) if row["scale"] == "log" else row[key]
        for key in ("low", "high", "alone_lower", "alone_upper")
    )
    return float((upper - lower) / (high - low))


def pinned(share: float) -> str:
    """Whether that is little enough."""
    return "yes" if share <= PINNED else "no" if share >= LOOSE else "somewhat"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
