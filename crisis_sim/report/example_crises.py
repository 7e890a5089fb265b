"""Example crises for a page: a few typical and a few extreme ones, each run again and told event by event.

A results folder keeps outcomes, not what happened in between. The same seed and number make the same crisis again, and its
outcome is held against the one in the folder: a story that another version of the model would tell is left out.
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
from crisis_sim.report.replay import Replay
from crisis_sim.report.story import story_html
from crisis_sim.report.svg import for_both
from crisis_sim.text import of_these

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble
    from crisis_sim.experiments.spec import Findings
    from crisis_sim.scenario.schema import Scenario

#: Outcomes that a crisis run again must share with the one in the folder.
_HELD_AGAINST = ("ending", "ended_at_hours", "first_strike_at_hours", "worst_violence", "deaths")
#: Tolerance for stored numbers, some of which are in single precision.
_TOLERANCE = 1e-5
#: The columns of results that are read here.
COLUMNS = ("replicate", "trigger_at_hours", *_HELD_AGAINST)
#: Crises of a design that are looked through; more would not fit into a small machine's memory.
MOST_CRISES = 4_000_000
#: Arms of a design that a crisis is held against.
SHOWN = 5


# Which crises. Typical is what most crises are: of those with the commonest ending, and among these the commonest worst
# violence, the ones nearest the median and the quartiles of the time from trigger to end. Extreme are the quickest and the
# slowest ceasefire after a first strike, and the crisis with the most deaths. Of equals it is the one with the lowest
# number.


@dataclass(frozen=True)
class Choice:
    """A replicate to tell: what it stands for as a word and as a heading, the rule that chose it, its number and its row."""

    name: str
    heading: str
    why: str
    replicate: int
    row: int


def choose(ensemble: Ensemble) -> list[Choice]:
    """The replicates of a scenario to tell, the typical ones first; none twice."""
    number = ensemble.column("replicate").astype(np.int64)
    found: dict[int, Choice] = {}
    for name, heading, why, row in (*_typical(ensemble, number), *_extreme(ensemble, number)):
        found.setdefault(row, Choice(name, heading, why, int(number[row]), row))
    return list(found.values())


def _typical(ensemble: Ensemble, number: NDArray[np.int64]) -> Iterator[tuple[str, str, str, int]]:
    ending, violence = ensemble.column("ending"), ensemble.column("worst_violence")
    lasted = ensemble.column("ended_at_hours") - ensemble.column("trigger_at_hours")
    over = np.flatnonzero((ending != UNRESOLVED) & ~np.isnan(lasted))
    if not len(over):
        return
    commonest, tied = _commonest(ending[over])
    alike = over[ending[over] == commonest]
    worst, also_tied = _commonest(violence[alike])
    alike = alike[violence[alike] == worst]
    among = of_these(len(alike), "crises that ended in the commonest way")
    ties = " Others are as common; of equals the first in the alphabet is taken."
    for name, heading, share, called in (
        ("typical", "A typical crisis", 0.5, "median"),
        ("shorter", "A typical one, on the short side", 0.25, "lower quartile"),
        ("longer", "A typical one, on the long side", 0.75, "upper quartile"),
    ):
        at = float(np.quantile(lasted[alike], share))
        row = _least(alike, np.abs(lasted[alike] - at), number)
        why = (
            f"Of {among} ({text.ENDINGS.get(commonest, commonest)}) and, among those, with the commonest worst violence "
            f"({worst}), none lasted nearer to the {called} from trigger to end: this one took "
            f"{text.duration(float(lasted[row]))}.{ties if tied or also_tied else ''}"
        )
        yield name, heading, why, row


def _extreme(ensemble: Ensemble, number: NDArray[np.int64]) -> Iterator[tuple[str, str, str, int]]:
    to_halt = ensemble.column("ended_at_hours") - ensemble.column("first_strike_at_hours")
    agreed = np.flatnonzero(
        (ensemble.column("ending") == AGREEMENT) & ~np.isnan(to_halt) & (to_halt >= 0.0)
    )
    if len(agreed):
        among = of_these(len(agreed), "crises with a first strike and then a ceasefire that held")
        for name, sign, came in (("quickest", 1, "sooner"), ("slowest", -1, "later")):
            row = _least(agreed, sign * to_halt[agreed], number)
            after = text.duration(float(to_halt[row]))
            yield (
                name,
                f"The {name} ceasefire",
                f"Of {among}, none came to it {came}: after {after}.",
                row,
            )
    deaths = ensemble.column("deaths").astype(np.float64)
    if len(deaths) and deaths.max() > 0.0:
        row = _least(np.arange(len(deaths)), -deaths, number)
        among, cost = of_these(len(deaths), "all crises"), text.count(float(deaths[row]))
        yield "worst", "The worst", f"Of {among}, none cost more lives: about {cost}.", row


def _commonest(values: NDArray[np.str_]) -> tuple[str, bool]:
    """The value that comes most often, of equals the first in the alphabet, and whether there are equals."""
    kinds, counts = np.unique(values, return_counts=True)
    return str(kinds[np.argmax(counts)]), list(counts).count(counts.max()) > 1


def _least(rows: NDArray[np.intp], by: NDArray[np.float64], number: NDArray[np.int64]) -> int:
    """The row with the least value; of equals the one with the lowest number."""
    return int(rows[np.lexsort((number[rows], by))[0]])


# Where they come from: the reference of a run, or the baseline of an experiment whose folder keeps the outcome of each
# crisis. A tuning and a posterior keep figures alone, as do the points of a sensitivity analysis's own design, of which
# each is as good as any other; these have no example crises.


@dataclass(frozen=True)
class Arm:
    """Replicates to choose from, and what is needed to run one of them again.

    Attributes:
        ensemble: the replicates.
        scenario: what was run.
        seed: of their luck.
        about: which crises these are, to go on after "the crises".
        overrides: what was changed in the scenario's file, as `--set` has it; made in `scenario` already.
        elsewhere: replicates with the same luck to hold one against, by what they are called, its own among them.
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
        """The command that replays a crisis, or the one that says why it ended by agreement or did not."""
        words = ["crisis-sim", name, f"{self.scenario.name}.yaml", "--seed", str(self.seed)]
        words += [
            "--replicate",
            str(replicate),
            *(["--outcome", "agreement"] if name == "why" else []),
        ]
        for one in self.overrides:
            words += ["--set", one]
        return shlex.join(words)


def reference_of(batch: Batch, reference: str, scenario: Scenario | None) -> Arm | str:
    """The crises of a run's reference, or why they cannot be told; `scenario` is None where it cannot be read."""
    why = own_classes_in(batch.manifest)
    if why and reference not in batch.manifest.get("without_rules", ()):
        return why
    if batch.manifest.get("parameters_varied"):
        return "each had values of its own from outside the scenario"
    if scenario is None:
        return "another version of Crisis Sim made them"
    called = labels_of(batch.ensembles)
    elsewhere = {called[name]: one for name, one in batch.ensembles.items()}
    about = f"of “{called[reference]}”"
    return Arm(batch.ensembles[reference], scenario, batch.seed, about, elsewhere=elsewhere)


def own_classes_in(manifest: Mapping[str, Any]) -> str:
    """Why crises that classes of a person's own took part in cannot be told; "" where there were none."""
    given = [one["class"] for one in manifest.get("rules", ())]
    names = [text.clean(str(one)) for one in given or manifest.get("agents_added") or ()]
    return f"agents of other code took part in them ({text.listed(names)})" if names else ""


def baseline_of(findings: Findings, folder: Path) -> Arm | None:
    """The crises that an experiment compares others with; None where its folder does not keep them.

    Raises:
        ResultsError: when the crises cannot be read.
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
    about = f"at {names[reference]}, with which the others are compared"
    return _of_points(findings, folder, "", names, reference, points[reference], about)


def _of_tornado(findings: Findings, folder: Path) -> Arm | None:
    """The middle of all factors, beside either end of the first of them, as `tornado.points_of` has them."""
    factors = findings.summary["factors"]
    names = {0: "all in their middle"}
    shorter = without_sections([factor["path"] for factor in factors])
    for k, factor in enumerate(factors[:SHOWN]):
        for step, end in enumerate(("low", "high"), start=1):
            names[2 * k + step] = f"{shorter[factor['path']]} {factor[end]:.3g}"
    middle = {factor["path"]: float(factor["middle"]) for factor in factors}
    about = "with every parameter in its middle, from which each is moved in turn"
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
    """A point of a design, beside other points by name."""
    home = _kept(findings, folder, design)
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

    home = _kept(findings, folder)
    if home is None:
        return None
    parts = [text.clean(one["name"]) for one in findings.summary["parts"]]
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
        "in which all parts are there",
        elsewhere=arms,
        caption="with parts taken away",
        of="What is there",
    )


def _kept(findings: Findings, folder: Path, design: str = "") -> Path | None:
    """Where a folder keeps an experiment's crises, if these are no more than can be looked through."""
    home = batch_folder(findings, folder, design)
    if home is None:
        return None
    about = read_manifest(home)["scenarios"].values()
    return home if sum(int(one["replicates_done"]) for one in about) <= MOST_CRISES else None


_KINDS: dict[str, Callable[[Findings, Path], Arm | None]] = {
    "sweep": _of_sweep,
    "attribute": _of_attribution,
    "sensitivity": _of_tornado,
}


def tell_arm(arm: Arm) -> tuple[list[dict[str, Any]], list[str]]:
    """The stories of an arm's typical and extreme crises, and the numbers of those that come out otherwise today."""
    stories, changed = [], []
    for choice in choose(arm.ensemble):
        story = _story(choice, arm)
        if story is None:
            changed.append(text.count(choice.replicate))
        else:
            stories.append(story)
    return stories, changed


def _story(choice: Choice, arm: Arm) -> dict[str, Any] | None:
    """One story; None where the crisis does not come out as it stands in the folder."""
    crisis = Replay.of(arm.scenario, choice.replicate, arm.seed)
    stored = ((name, arm.ensemble.column(name)[choice.row]) for name in _HELD_AGAINST)
    if not all(_alike(one, crisis.outcome[name]) for name, one in stored):
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


def _alike(stored: Any, found: Any) -> bool:
    if isinstance(found, (str, np.str_)):
        return str(stored) == str(found)
    a, b = float(stored), float(found)
    return (math.isnan(a) and math.isnan(b)) or math.isclose(
        a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE
    )


def _fates(replicate: int, elsewhere: Mapping[str, Ensemble]) -> Iterator[tuple[str, ...]]:
    """The outcome of the same crisis, with the same luck, in other scenarios; empty where there are none."""
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
