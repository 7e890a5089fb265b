"""The crises that a page tells: which, and how."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from markdown_it import MarkdownIt
from numpy.typing import NDArray

from crisis_sim import text
from crisis_sim.outcomes.durations import AGREEMENT, UNRESOLVED
from crisis_sim.report.page.blocks import Block, Cell, Chart, Story, Table
from crisis_sim.report.page.svg import inline
from crisis_sim.report.story import TurningPoints, third_parties, turning_points
from crisis_sim.text import of_these

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch, Ensemble
    from crisis_sim.model.journal import Journal
    from crisis_sim.scenario.schema import Scenario


# --- Which replicates a page tells: a few typical and a few extreme ones, each by a rule that it states
#
# Typical is what most crises are: of those with the commonest ending, and among these the commonest
# worst violence, the ones nearest the median and the quartiles of the time from trigger to end.
# Extreme are the quickest and the slowest ceasefire after a first strike, and the crisis with the
# most deaths. Of replicates that fit a rule equally well it is the one with the lowest number.

#: What is typical: a name, a heading, the share of typical crises that end sooner, and its name.
_TYPICAL = (
    ("typical", "A typical crisis", 0.5, "median"),
    ("shorter", "A typical one, on the short side", 0.25, "lower quartile"),
    ("longer", "A typical one, on the long side", 0.75, "upper quartile"),
)

#: Which crises are chosen from.
_ALIKE = "crises that ended in the commonest way"
_HALTED = "crises with a first strike and then a ceasefire that held"

Rows = NDArray[np.intp]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """A replicate that is worth telling.

    Attributes:
        name: a word for what it stands for.
        heading: the same as a heading.
        why: the rule by which it was chosen, with the figures that it was chosen by.
        replicate: its number.
        row: its place in the ensemble's table.
    """

    name: str
    heading: str
    why: str
    replicate: int
    row: int


def choose(ensemble: Ensemble) -> list[Choice]:
    """The replicates to tell, the typical ones first; none twice.

    Args:
        ensemble: the replicates of one scenario.
    """
    number = ensemble.column("replicate").astype(np.int64)
    found: dict[int, Choice] = {}
    for name, heading, why, row in (*_typical(ensemble, number), *_extreme(ensemble, number)):
        replicate = int(number[row])
        found.setdefault(replicate, Choice(name, heading, why, replicate, row))
    return list(found.values())


def _typical(ensemble: Ensemble, number: NDArray[np.int64]) -> Iterator[tuple[str, str, str, int]]:
    ending, violence = ensemble.column("ending"), ensemble.column("worst_violence")
    lasted = ensemble.column("ended_at_hours") - ensemble.column("trigger_at_hours")
    over = np.flatnonzero((ending != UNRESOLVED) & ~np.isnan(lasted))
    if not len(over):
        return
    commonest = _commonest(ending[over])
    alike = over[ending[over] == commonest]
    worst = _commonest(violence[alike])
    alike = alike[violence[alike] == worst]
    for name, heading, share, called in _TYPICAL:
        at = float(np.quantile(lasted[alike], share))
        row = _least(alike, np.abs(lasted[alike] - at), number)
        yield (
            name,
            heading,
            f"Of {of_these(len(alike), _ALIKE)} ({text.ENDINGS.get(commonest, commonest)}) and, among those, with the "
            f"commonest worst violence ({worst}), none lasted nearer to the {called} from trigger to end: this one took "
            f"{text.duration(float(lasted[row]))}.{_tied(ending[over], violence[over][ending[over] == commonest])}",
            row,
        )


def _extreme(ensemble: Ensemble, number: NDArray[np.int64]) -> Iterator[tuple[str, str, str, int]]:
    to_ceasefire = ensemble.column("ended_at_hours") - ensemble.column("first_strike_at_hours")
    agreed = np.flatnonzero(
        (ensemble.column("ending") == AGREEMENT) & ~np.isnan(to_ceasefire) & (to_ceasefire >= 0.0)
    )
    among = f"Of {of_these(len(agreed), _HALTED)}, none "
    if len(agreed):
        quickest = _least(agreed, to_ceasefire[agreed], number)
        told = f"{among}came to it sooner: after {text.duration(float(to_ceasefire[quickest]))}."
        yield "quickest", "The quickest ceasefire", told, quickest
        slowest = _least(agreed, -to_ceasefire[agreed], number)
        told = f"{among}came to it later: after {text.duration(float(to_ceasefire[slowest]))}."
        yield "slowest", "The slowest ceasefire", told, slowest
    deaths = ensemble.column("deaths").astype(np.float64)
    if len(deaths) and deaths.max() > 0.0:
        row = _least(np.arange(len(deaths)), -deaths, number)
        told = f"Of {of_these(len(deaths), 'all crises')}, none cost more lives: about {text.count(float(deaths[row]))}."
        yield "worst", "The worst", told, row


def _commonest(values: NDArray[np.str_]) -> str:
    """The value that comes most often; of equals the first in the alphabet."""
    kinds, counts = np.unique(values, return_counts=True)
    return str(kinds[np.argmax(counts)])


def _tied(*kinds: NDArray[np.str_]) -> str:
    """That others come as often as the commonest, where they do."""
    for values in kinds:
        counts = np.unique(values, return_counts=True)[1]
        if np.count_nonzero(counts == counts.max()) > 1:
            return " Others are as common; of equals the first in the alphabet is taken."
    return ""


def _least(rows: Rows, by: Numbers, number: NDArray[np.int64]) -> int:
    """The row with the least value; of equals the one with the lowest number."""
    return int(rows[np.lexsort((number[rows], by))[0]])


# --- One crisis in two sentences of plain text: its first strike, its end, and what it cost

#: How each ending is told; an agreement has a sentence of its own.
_ENDINGS = {
    "tacit": "both sides stepped down and nothing was signed",
    "unilateral": "one side gave way",
    "imposed": "one side was beaten",
    "faded": "it went quiet without a settlement",
    "unresolved": "it was still going on when its time ran out",
}


def gist_of(journal: Journal, scenario: Scenario, outcome: Mapping[str, Any]) -> str:
    """A crisis in short.

    Args:
        journal: of the replicate.
        scenario: the crisis that was run.
        outcome: the replicate's row of outcomes by column.
    """
    points = turning_points(journal, scenario)
    titles = {name: spec.title for name, spec in scenario.states.items()}
    titles |= {name: title for _, name, title in third_parties(scenario)}
    end = _end(points, titles)
    if points.first_strike is None:
        told = f"No strike fell, and {end}" if end else "No strike fell"
    else:
        hours, _ = points.first_strike
        states = text.listed([_name(state, titles) for state in points.strikers])
        struck = "struck first" if len(points.strikers) == 1 else "both struck first, at once"
        told = f"{states} {struck}, {text.after(hours - points.trigger_at_hours, 'the trigger')}"
        told = f"{told}; {end}" if end else told
    peak = text.clean(scenario.ladder[max(points.peak_rungs.values())].name)
    deaths = text.count(float(outcome["deaths"]))
    return f"{text.sentence(told)} Highest rung: {peak}. About {deaths} deaths."


def _end(points: TurningPoints, titles: Mapping[str, str]) -> str:
    if points.ending != "agreement" or not points.halts or points.ended_at_hours is None:
        return _ENDINGS.get(points.ending, "")
    halt = points.halts[-1]
    said = [
        f"brokered by {_name(halt.brokered_by, titles)}" if halt.brokered_by else "agreed directly"
    ]
    if len(points.halts) > 1:
        said.append(f"after {text.in_letters(len(points.halts) - 1)} that did not hold")
    came = text.after(points.ended_at_hours - points.trigger_at_hours, "the trigger")
    if points.first_strike is not None and points.ended_at_hours >= points.first_strike[0]:
        came = f"{text.duration(points.ended_at_hours - points.first_strike[0])} later"
    return f"a ceasefire, {', '.join(said)}, came {came} and held"


def _name(agent: str, titles: Mapping[str, str]) -> str:
    return text.with_article(text.clean(titles.get(agent, "")) or text.label(agent))


# --- A story's Markdown as HTML, fit to stand within a page

#: Levels by which a story's headings move down: its title is left out, and its chapters come below the page's own.
_DEEPER = 2
#: All that stories are made of. Neither links nor pictures nor HTML are among it, whatever a scenario's texts hold.
_RULES = ("heading", "list", "emphasis", "escape", "entity")


def story_html(story: str) -> str:
    """A story as HTML, without its title.

    Args:
        story: Markdown, as `crisis_sim.report.tell` gives it.
    """
    markdown = MarkdownIt("zero", {"html": False}).enable(list(_RULES))
    _, _, body = story.partition("\n")
    tokens = markdown.parse(body)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + _DEEPER, 6)}"
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return html


# --- Replicates told anew for a page: each as a story and a chart, and what became of it elsewhere
#
# A results folder keeps outcomes, not what happened in between. The same seed and number make the
# same crisis again, and its outcome is held against the one in the folder: a story that another
# version of the model would tell is not passed off as that of the results.

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
        text = ["crisis-sim", "replay", self.file, "--seed", str(self.seed)]
        text += ["--replicate", str(replicate)]
        for one in self.overrides:
            text += ["--set", one]
        return shlex.join(text)


def tell_chosen(batch: Batch, reference: str, scenario: Scenario | None) -> Told:
    """Tell the typical and the extreme crises of a batch's reference.

    Args:
        batch: the replicates.
        reference: the scenario to tell of.
        scenario: the same, read; None where this version cannot read it.
    """
    manifest = batch.manifest
    if manifest.get("agents_added"):
        added = text.listed([text.clean(str(one)) for one in manifest["agents_added"]])
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
    elsewhere = {text.label(name): one for name, one in batch.ensembles.items()}
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
            changed.append(text.count(choice.replicate))
        else:
            stories.append(story)
    if not changed:
        return Told(stories)
    return Told(
        stories,
        f"Left out: {text.listed(changed)}. Run again by this version of Crisis Sim they come out otherwise than in these "
        "results, which another version made.",
    )


def _told(choice: Choice, arm: Arm) -> Story | None:
    """One story; None where the crisis does not come out as it stands in the folder."""
    from crisis_sim.model import CrisisModel, Journal
    from crisis_sim.report.replay import draw_replay
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
        f"{choice.heading}: crisis {text.count(choice.replicate)} turn by turn",
        gist,
    )
    blocks: list[Block] = [Chart(f"story-{choice.name}-chart", picture, "", _READING)]
    if len(arm.elsewhere) > 1:
        blocks.append(_elsewhere(choice, arm))
    return Story(
        name=f"story-{choice.name}",
        heading=f"{choice.heading} (number {text.count(choice.replicate)})",
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
            yield name, [Cell("not run"), *[Cell(text.UNKNOWN)] * 4]
            continue
        row = rows[0]
        ended = float(ensemble.column("ended_at_hours")[row])
        ending = str(ensemble.column("ending")[row])
        since_trigger = ended - float(ensemble.column("trigger_at_hours")[row])
        since_strike = ended - float(ensemble.column("first_strike_at_hours")[row])
        yield (
            name,
            [
                Cell(text.ENDINGS.get(ending, ending)),
                Cell(text.duration(since_trigger)),
                Cell(text.duration(since_strike)),
                Cell(str(ensemble.column("worst_violence")[row])),
                Cell(text.count(float(ensemble.column("deaths")[row]))),
            ],
        )
