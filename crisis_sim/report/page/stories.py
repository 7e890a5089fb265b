"""Replicates told anew for a page: each as a story and a chart, and what became of it elsewhere.

A results folder keeps outcomes, not what happened in between. The same seed and number make the
same crisis again, and its outcome is held against the one in the folder: a story that another
version of the model would tell is not passed off as that of the results.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.report import words
from crisis_sim.report.page.blocks import Block, Cell, Chart, Story, Table
from crisis_sim.report.page.choose import Choice, choose
from crisis_sim.report.page.gist import gist_of
from crisis_sim.report.page.markup import story_html
from crisis_sim.report.page.svg import inline

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble
    from crisis_sim.scenario.schema import Scenario

#: What a crisis told anew must have in common with the one in the folder.
_HELD_AGAINST = ("ending", "ended_at_hours", "first_strike_at_hours", "worst_violence", "deaths")
#: How the chart of a story is read.
_READING = (
    "From the top: each state’s rung, with the real path as a broad pale line where there is one; economic pressure; what "
    "third parties did."
)
#: What stored numbers may differ by: some are kept in single precision.
_TOLERANCE = 1e-5
#: The columns of results that are read here, and those by which crises are chosen.
COLUMNS = ("replicate", "trigger_at_hours", *_HELD_AGAINST)


@dataclass(frozen=True)
class Told:
    """The stories of a page, or why there are none.

    Attributes:
        stories: the stories.
        lacking: what is missing and why; "" where nothing is.
    """

    stories: list[Story]
    lacking: str = ""


@dataclass(frozen=True)
class Arm:
    """Replicates to choose from, and what is needed to run one of them again.

    Attributes:
        ensemble: the replicates.
        scenario: what was run.
        seed: of their luck.
        file: the scenario's file at the end of the page.
        overrides: what was changed in it, as `--set` has it; made in `scenario` already.
        elsewhere: replicates with the same luck to hold a told one against, by what they are called, its own among them.
        caption, of: what the table of these says, and what its first column names.
    """

    ensemble: Ensemble
    scenario: Scenario
    seed: int
    file: str
    overrides: Sequence[str] = ()
    elsewhere: Mapping[str, Ensemble] = field(default_factory=dict)
    caption: str = "The same crisis, with the same luck, in each scenario"
    of: str = "Scenario"

    def command(self, replicate: int) -> str:
        """What tells a crisis anew."""
        words = ["crisis-sim", "replay", self.file, "--seed", str(self.seed)]
        words += ["--replicate", str(replicate)]
        for one in self.overrides:
            words += ["--set", one]
        return shlex.join(words)


def tell_chosen(batch: Batch, reference: str, scenario: Scenario | None) -> Told:
    """Tell the typical and the extreme crises of a batch's reference.

    Args:
        batch: the replicates.
        reference: the scenario to tell of.
        scenario: the same, read; None where this version cannot read it.
    """
    manifest = batch.manifest
    if manifest.get("agents_added"):
        added = words.listed([words.clean(str(one)) for one in manifest["agents_added"]])
        return Told(
            [], f"The crises cannot be told here: agents of other code took part in them ({added})."
        )
    if manifest.get("parameters_varied"):
        return Told(
            [],
            "The crises cannot be told here: each had values of its own from outside the scenario.",
        )
    if scenario is None:
        return Told([], "The crises cannot be told here: another version of Crisis Sim made them.")
    elsewhere = {words.label(name): one for name, one in batch.ensembles.items()}
    if len(elsewhere) < len(batch.ensembles):  # two names read alike
        elsewhere = dict(batch.ensembles)
    file = f"{reference}.yaml"
    arm = Arm(batch.ensembles[reference], scenario, batch.seed, file, elsewhere=elsewhere)
    return tell_arm(arm)


def tell_arm(arm: Arm) -> Told:
    """Tell the typical and the extreme crises of an arm."""
    stories, changed = [], []
    for choice in choose(arm.ensemble):
        story = _told(choice, arm)
        if story is None:
            changed.append(words.count(choice.replicate))
        else:
            stories.append(story)
    if not changed:
        return Told(stories)
    return Told(
        stories,
        f"Left out: {words.listed(changed)}. Run again by this version of Crisis Sim they come out otherwise than in these "
        "results, which another version made.",
    )


def _told(choice: Choice, arm: Arm) -> Story | None:
    """One story; None where the crisis does not come out as it stands in the folder."""
    from crisis_sim.model import CrisisModel, Journal
    from crisis_sim.report.charts.replay import draw_replay
    from crisis_sim.report.story import tell

    scenario, journal = arm.scenario, Journal()
    model = CrisisModel(scenario, 1, arm.seed, first_replicate=choice.replicate, journal=journal)
    model.run()
    outcome = {name: values[0] for name, values in model.outcomes().items()}
    if not _as_in(arm.ensemble, choice.row, outcome):
        return None
    gist = gist_of(journal, scenario, outcome)
    picture = inline(
        draw_replay(journal, scenario),
        f"story-{choice.name}-chart",
        f"{choice.heading}: crisis {words.count(choice.replicate)} turn by turn",
        gist,
    )
    blocks: list[Block] = [Chart(f"story-{choice.name}-chart", picture, "", _READING)]
    if len(arm.elsewhere) > 1:
        blocks.append(_elsewhere(choice, arm))
    return Story(
        name=f"story-{choice.name}",
        heading=f"{choice.heading} (number {words.count(choice.replicate)})",
        why=choice.why,
        gist=gist,
        blocks=blocks,
        replicate=choice.replicate,
        command=arm.command(choice.replicate),
        html=story_html(tell(journal, scenario, outcome)),
        unfolded=choice.name == "typical",
    )


def _as_in(ensemble: Ensemble, row: int, outcome: Mapping[str, Any]) -> bool:
    """Whether a crisis came out as it stands in a row of the results."""
    for name in _HELD_AGAINST:
        stored, here = ensemble.column(name)[row], outcome[name]
        if isinstance(here, (str, np.str_)):
            if str(stored) != str(here):
                return False
        elif not _alike(float(stored), float(here)):
            return False
    return True


def _alike(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _elsewhere(choice: Choice, arm: Arm) -> Table:
    """What became of the same crisis, with the same luck, elsewhere."""
    return Table(
        name=f"story-{choice.name}-elsewhere",
        caption=arm.caption,
        head=[
            arm.of,
            "Ending",
            "Lasted",
            "From first strike to end",
            "Worst violence",
            "Deaths",
        ],
        rows=list(_fates(choice.replicate, arm.elsewhere)),
        figures=False,
    )


def _fates(replicate: int, elsewhere: Mapping[str, Ensemble]) -> Iterator[tuple[str, list[Cell]]]:
    for name, ensemble in elsewhere.items():
        rows = np.flatnonzero(ensemble.column("replicate") == replicate)
        if not len(rows):
            yield name, [Cell("not run"), *[Cell(words.UNKNOWN)] * 4]
            continue
        row = rows[0]
        ended = float(ensemble.column("ended_at_hours")[row])
        ending = str(ensemble.column("ending")[row])
        since_trigger = ended - float(ensemble.column("trigger_at_hours")[row])
        since_strike = ended - float(ensemble.column("first_strike_at_hours")[row])
        yield (
            name,
            [
                Cell(words.ENDINGS.get(ending, ending)),
                Cell(words.duration(since_trigger)),
                Cell(words.duration(since_strike)),
                Cell(str(ensemble.column("worst_violence")[row])),
                Cell(words.count(float(ensemble.column("deaths")[row]))),
            ],
        )
