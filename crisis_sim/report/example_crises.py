"""Example crises for a page: a few typical and a few extreme crises, each run again and described event by event.

A results folder contains outcomes but no journals. Running the same seed and replicate again reproduces the crisis; if its
outcome differs from the folder's, because another version of the model made that, it is left out.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim import text
from crisis_sim.batch import read_batch
from crisis_sim.batch.folder import read_manifest
from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.experiments.phrases import describe_point, without_sections
from crisis_sim.experiments.run import batch_folder
from crisis_sim.outcomes.durations import AGREEMENT, UNRESOLVED
from crisis_sim.outcomes.summary import labels_of
from crisis_sim.report.inline_svg import for_both
from crisis_sim.report.replay import Replay
from crisis_sim.report.story import story_html
from crisis_sim.text import of_these

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble
    from crisis_sim.experiments.spec import Findings
    from crisis_sim.scenario.schema import Scenario

#: Outcomes that a reproduced crisis must share with the folder's.
_COMPARED = ("ending", "ended_at_hours", "first_strike_at_hours", "worst_violence", "deaths")
#: Tolerance for stored numbers, some of which are in single precision.
_TOLERANCE = 1e-5
#: The columns of results used here.
COLUMNS = ("replicate", "trigger_at_hours", *_COMPARED)
#: The maximum size of a design to choose from; more crises would not fit into a small machine's memory.
MOST_CRISES = 4_000_000
#: The maximum number of a design's points that a crisis is compared across.
SHOWN = 5


# The choice. Typical crises: among those with the most common ending and, of these, the most common worst violence, the ones
# nearest to the median and the quartiles of the time from trigger to end. Extreme crises: the quickest and the slowest
# ceasefire after a first strike, and the crisis with the most deaths. Ties go to the lowest replicate number.


@dataclass(frozen=True)
class Choice:
    """A chosen replicate: a short name, a heading, the rule that chose it, its number and its row."""

    name: str
    heading: str
    why: str
    replicate: int
    row: int


def choose(ensemble: Ensemble) -> list[Choice]:
    """Choose example replicates of a scenario, typical crises first, none twice."""
    number = ensemble.column("replicate").astype(np.int64)
    choices: dict[int, Choice] = {}
    for name, heading, why, row in (*_typical(ensemble, number), *_extreme(ensemble, number)):
        choices.setdefault(row, Choice(name, heading, why, int(number[row]), row))
    return list(choices.values())


def _typical(ensemble: Ensemble, number: NDArray[np.int64]) -> Iterator[tuple[str, str, str, int]]:
    ending, violence = ensemble.column("ending"), ensemble.column("worst_violence")
    lasted = ensemble.column("ended_at_hours") - ensemble.column("trigger_at_hours")
    over = np.flatnonzero((ending != UNRESOLVED) & ~np.isnan(lasted))
    if not len(over):
        return
    commonest, tied = _commonest(ending[over])
    rows = over[ending[over] == commonest]
    worst, also_tied = _commonest(violence[rows])
    rows = rows[violence[rows] == worst]
    among = of_these(len(rows), "crises with the most common ending")
    ties = " Others are equally common; the first in the alphabet is taken."
    for name, heading, level, quantile in (
        ("typical", "A typical crisis", 0.5, "median"),
        ("shorter", "A shorter typical crisis", 0.25, "lower quartile"),
        ("longer", "A longer typical crisis", 0.75, "upper quartile"),
    ):
        distance = np.abs(lasted[rows] - float(np.quantile(lasted[rows], level)))
        row = _least(rows, distance, number)
        why = (
            f"Among {among} ({text.ENDINGS.get(commonest, commonest)}) and, of these, the most common worst violence "
            f"({worst}), its duration from trigger to end, {text.duration(float(lasted[row]))}, is nearest to the "
            f"{quantile}.{ties if tied or also_tied else ''}"
        )
        yield name, heading, why, row


def _extreme(ensemble: Ensemble, number: NDArray[np.int64]) -> Iterator[tuple[str, str, str, int]]:
    to_halt = ensemble.column("ended_at_hours") - ensemble.column("first_strike_at_hours")
    agreed = np.flatnonzero(
        (ensemble.column("ending") == AGREEMENT) & ~np.isnan(to_halt) & (to_halt >= 0.0)
    )
    if len(agreed):
        among = of_these(len(agreed), "crises with a first strike and then a ceasefire that held")
        for name, sign in (("quickest", 1), ("slowest", -1)):
            row = _least(agreed, sign * to_halt[agreed], number)
            why = f"Of {among}, this had the {name}: {text.duration(float(to_halt[row]))} after the first strike."
            yield name, f"The {name} ceasefire", why, row
    deaths = ensemble.column("deaths").astype(np.float64)
    if len(deaths) and deaths.max() > 0.0:
        row = _least(np.arange(len(deaths)), -deaths, number)
        among, toll = of_these(len(deaths), "all crises"), text.count(float(deaths[row]))
        yield (
            "worst",
            "The most deaths",
            f"Of {among}, this had the most deaths: about {toll}.",
            row,
        )


def _commonest(values: NDArray[np.str_]) -> tuple[str, bool]:
    """Return the most common value, the first in the alphabet of a tie, and whether there is a tie."""
    kinds, counts = np.unique(values, return_counts=True)
    return str(kinds[np.argmax(counts)]), list(counts).count(counts.max()) > 1


def _least(rows: NDArray[np.intp], by: NDArray[np.float64], number: NDArray[np.int64]) -> int:
    """Return the row with the smallest value; ties go to the lowest replicate number."""
    return int(rows[np.lexsort((number[rows], by))[0]])


# The crises to choose from: the reference of a run, or the baseline of an experiment whose folder contains the outcome of
# each crisis. Tuning, posteriors and the main design of a sensitivity analysis have no example crises: the first two keep
# only figures, and no point of the design is more relevant than another.


@dataclass(frozen=True)
class Arm:
    """Replicates to choose from, and the information to run them again.

    Attributes:
        ensemble: the replicates.
        scenario: the scenario that was run.
        seed: the seed of their random numbers.
        about: a description, to follow "the crises".
        overrides: changes to the scenario's file, in the form of `--set`; `scenario` includes them.
        elsewhere: the same replicates, with the same random numbers, in other scenarios and this one, by label.
        caption, of: the caption of the table of these, and the heading of its first column.
    """

    ensemble: Ensemble
    scenario: Scenario
    seed: int
    about: str
    overrides: Sequence[str] = ()
    elsewhere: Mapping[str, Ensemble] = field(default_factory=dict)
    caption: str = "in each scenario"
    of: str = "Scenario"

    def command(self, replicate: int, name: str = "replay") -> str:
        """The command that replays a crisis, or (`name="why"`) finds why it ended by agreement or did not."""
        words = ["crisis-sim", name, f"{self.scenario.name}.yaml", "--seed", str(self.seed)]
        words += [
            "--replicate",
            str(replicate),
            *(["--outcome", "agreement"] if name == "why" else []),
        ]
        for override in self.overrides:
            words += ["--set", override]
        return shlex.join(words)


def reference_of(batch: Batch, reference: str, scenario: Scenario | None) -> Arm | str:
    """Return the crises of a run's reference, or the reason why they cannot be run again.

    `scenario` is None if this version cannot read it.
    """
    why = own_classes_in(batch.manifest)
    if why and reference not in batch.manifest.get("without_rules", ()):
        return why
    if batch.manifest.get("parameters_varied"):
        return "the parameters of each were set from outside the scenario"
    if scenario is None:
        return "another version of Crisis Sim made these results"
    labels = labels_of(batch.ensembles)
    elsewhere = {labels[name]: ensemble for name, ensemble in batch.ensembles.items()}
    about = f"of “{labels[reference]}”"
    return Arm(batch.ensembles[reference], scenario, batch.seed, about, elsewhere=elsewhere)


def own_classes_in(manifest: Mapping[str, Any]) -> str:
    """The reason why crises with user-defined agents cannot be run again; "" if there were none."""
    classes = [rules["class"] for rules in manifest.get("rules", ())]
    names = [text.clean(str(name)) for name in classes or manifest.get("agents_added") or ()]
    return f"they include user-defined agents ({text.listed(names)})" if names else ""


def baseline_of(findings: Findings, folder: Path) -> Arm | None:
    """Return the baseline crises of an experiment; None if its folder does not contain them.

    Raises:
        ResultsError: the crises cannot be read.
    """
    find = _KINDS.get(findings.experiment.spec.kind)
    return None if find is None else find(findings, folder)


def _of_sweep(findings: Findings, folder: Path) -> Arm | None:
    from crisis_sim.experiments.sweep import factors_of

    factors = factors_of(findings.experiment)
    points = [
        {factor.path: float(row[factor.path]) for factor in factors}
        for row in findings.tables["points"].to_pylist()
    ]
    reference = int(findings.summary["reference"])
    order = sorted(range(len(points)), key=lambda point: tuple(points[point].values()))
    even = np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int)
    shown = {order[k] for k in even} | {reference}
    names = {point: describe_point(factors, points[point]) for point in order if point in shown}
    about = f"at {names[reference]}, the point of reference"
    return _of_points(findings, folder, "", names, reference, points[reference], about)


def _of_tornado(findings: Findings, folder: Path) -> Arm | None:
    """The middle of all factors, with both ends of the first few, in the order of `tornado.points_of`."""
    factors = findings.summary["factors"]
    names = {0: "all in the middle"}
    shorter = without_sections([factor["path"] for factor in factors])
    for k, factor in enumerate(factors[:SHOWN]):
        for step, end in enumerate(("low", "high"), start=1):
            names[2 * k + step] = f"{shorter[factor['path']]} = {factor[end]:.3g}"
    middle = {factor["path"]: float(factor["middle"]) for factor in factors}
    about = "with every parameter in the middle of its range"
    return _of_points(findings, folder, "tornado", names, 0, middle, about)


def _of_points(
    findings: Findings,
    folder: Path,
    design: str,
    names: Mapping[int, str],
    reference: int,
    values: Mapping[str, float],
    about: str,
) -> Arm | None:
    """A point of a design, with other points by name."""
    home = _batch_folder(findings, folder, design)
    if home is None:
        return None
    batch = read_batch(home, (*COLUMNS, "point"))
    (ensemble,) = batch.ensembles.values()
    point = ensemble.column("point")
    arms = {
        name: replace(ensemble, table=ensemble.table.filter(point == number), paths=None)
        for number, name in names.items()
    }
    changes = [f"{path}={value!r}" for path, value in values.items()]
    scenario = findings.experiment.scenario
    return Arm(
        arms[names[reference]],
        ScenarioEditor(scenario).with_changes(changes, scenario.name),
        batch.seed,
        about,
        overrides=changes,
        elsewhere=arms,
        caption="at other values",
        of="Where",
    )


def _of_attribution(findings: Findings, folder: Path) -> Arm | None:
    from crisis_sim.experiments.attribute import combination_name
    from crisis_sim.experiments.phrases import part_titles

    home = _batch_folder(findings, folder)
    if home is None:
        return None
    parts = [*part_titles(findings.experiment).values()]
    every = (True,) * len(parts)
    shown = {every: "with all of them"}
    for k, part in enumerate(parts):
        shown[(*every[:k], False, *every[k + 1 :])] = f"without {part}"
    shown[(False,) * len(parts)] = "with none of them"
    batch = read_batch(home, COLUMNS)
    arms = {name: batch.ensembles[combination_name(there)] for there, name in shown.items()}
    return Arm(
        arms[shown[every]],
        findings.experiment.scenario,
        batch.seed,
        "with all parts",
        elsewhere=arms,
        caption="without some parts",
        of="Parts",
    )


def _batch_folder(findings: Findings, folder: Path, design: str = "") -> Path | None:
    """The folder of an experiment's crises; None without one, or if they are too many (`MOST_CRISES`)."""
    home = batch_folder(findings, folder, design)
    if home is None:
        return None
    scenarios = read_manifest(home)["scenarios"].values()
    return home if sum(int(one["replicates_done"]) for one in scenarios) <= MOST_CRISES else None


_KINDS: dict[str, Callable[[Findings, Path], Arm | None]] = {
    "sweep": _of_sweep,
    "attribute": _of_attribution,
    "sensitivity": _of_tornado,
}


def tell_arm(arm: Arm) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the stories of an arm's example crises, and the numbers of those that could not be reproduced."""
    stories, changed = [], []
    for choice in choose(arm.ensemble):
        story = _story(choice, arm)
        if story is None:
            changed.append(text.count(choice.replicate))
        else:
            stories.append(story)
    return stories, changed


def _story(choice: Choice, arm: Arm) -> dict[str, Any] | None:
    """The story of a crisis; None if its outcome differs from the folder's."""
    crisis = Replay.of(arm.scenario, choice.replicate, arm.seed)
    stored = ((name, arm.ensemble.column(name)[choice.row]) for name in _COMPARED)
    if not all(_equal(value, crisis.outcome[name]) for name, value in stored):
        return None
    gist, number = crisis.gist, text.count(choice.replicate)
    name = f"story-{choice.name}"
    title = f"{choice.heading}: crisis {number} event by event"
    return {
        "name": name,
        "heading": f"{choice.heading} (number {number})",
        "why": choice.why,
        "gist": gist,
        "replicate": choice.replicate,
        "svg": for_both(crisis.plot, f"{name}-chart", title, gist),
        "elsewhere": list(_fates(choice.replicate, arm.elsewhere)),
        "html": story_html(crisis.story),
        "command": arm.command(choice.replicate),
        "why_command": arm.command(choice.replicate, "why"),
        "open": choice.name == "typical",
    }


def _equal(stored: Any, reproduced: Any) -> bool:
    if isinstance(reproduced, (str, np.str_)):
        return str(stored) == str(reproduced)
    a, b = float(stored), float(reproduced)
    return (math.isnan(a) and math.isnan(b)) or math.isclose(
        a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE
    )


def _fates(replicate: int, elsewhere: Mapping[str, Ensemble]) -> Iterator[tuple[str, ...]]:
    """Yield the outcome of the same replicate in each of several scenarios; nothing if there is only one."""
    if len(elsewhere) < 2:
        return
    for name, ensemble in elsewhere.items():
        rows = np.flatnonzero(ensemble.column("replicate") == replicate)
        if not len(rows):
            yield name, "not run", *[text.UNKNOWN] * 4
            continue
        row = {column: ensemble.column(column)[rows[0]] for column in COLUMNS}
        ended, ending = float(row["ended_at_hours"]), str(row["ending"])
        yield (
            name,
            text.ENDINGS.get(ending, ending),
            text.duration(ended - float(row["trigger_at_hours"])),
            text.duration(ended - float(row["first_strike_at_hours"])),
            str(row["worst_violence"]),
            text.count(float(row["deaths"])),
        )
