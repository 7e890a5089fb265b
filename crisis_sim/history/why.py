"""Why one crisis went as it went: every step on its way to an outcome is undone, and the crisis is run again without it.

On the same luck, that says whether the outcome hung on the step. On fresh luck after the step, it says how often the outcome
comes without it (how necessary the step was) and with it (how far it was sufficient; both after Pearl 2009, Causality,
chapter 9), the crisis up to the step being as it was.

All steps are screened on a few futures; the strongest are run on many others, so that none is overrated for having led by
chance. Figures with a step and without it are paired: they share their luck.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from crisis_sim import style, text
from crisis_sim.history import past
from crisis_sim.history.past import History, HistoryError, Step
from crisis_sim.model.choice import HALT
from crisis_sim.model.crisis import CrisisModel
from crisis_sim.outcomes.durations import Rows
from crisis_sim.outcomes.incidence import TOLERANCE
from crisis_sim.outcomes.intervals import Contrast, Measured, difference
from crisis_sim.outcomes.measures import CAME, Columns, Measure, share_of
from crisis_sim.outcomes.names import by_name, known_names, read_measure
from crisis_sim.report.charts import date_axis
from crisis_sim.report.replay import draw_rungs, legend_keys
from crisis_sim.report.story import Narrator
from crisis_sim.scenario.errors import did_you_mean, one_of
from crisis_sim.scenario.load import load_scenario
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Source, parse_value
from crisis_sim.version import __version__

#: Futures of each history: of all steps, and of the strongest, of which there are so many.
SCREENED, FUTURES, STRONGEST = 100, 1000, 12
#: So many are told, and undone in pairs.
TOLD = 5
#: Outcomes that an error names.
_SOME = (
    *("ceasefire within 96 hours", "agreement", "first strike", "war", "nuclear use"),
    "relapse within 7 days",
)
#: Salts of the luck of the futures of all steps, and of the strongest.
_SALTS = (1, 2)


@dataclass(frozen=True)
class Outcome:
    """Something that comes in a crisis or does not."""

    measure: Measure
    negated: bool = False

    @property
    def words(self) -> str:
        """What it is, in words."""
        return f"{'no ' if self.negated else ''}{self.measure.words}"

    def came(self, model: CrisisModel) -> NDArray[np.bool_]:
        """Whether it came, in each crisis of a model that has been run; a crisis not on the measure's clock had none."""
        one, rows = self.measure, _rows(model)
        if one.clock is None:
            found = one.event.holds(rows)
            found &= one.given.holds(rows) if one.given else True
        else:
            read = one.clock.read(rows)
            found = (read.cause == 1) & (read.hours <= (one.hours or math.inf) + TOLERANCE)
        return np.asarray(found != self.negated)

    def settled(self, model: CrisisModel) -> float:
        """When it was settled in a single crisis whether it comes, days."""
        one, end = self.measure, float(model.crises["now"][0])
        rows, times = _rows(model), [name for name, wanted in one.event.terms if wanted == CAME]
        if one.clock is not None:
            origin, read = rows.column(one.clock.since)[0], one.clock.read(rows)
            hours = read.hours[0] if read.cause[0] == 1 else one.hours or math.inf
            at = (origin + min(hours, one.hours or math.inf)) / 24
        else:
            at = rows.column(times[0])[0] / 24 if len(times) == len(one.event.terms) == 1 else end
        return min(at, end) if at == at else end


def _rows(model: CrisisModel) -> Rows:
    return Rows(model.outcomes(), model.scenario.horizon_hours)


def read_outcome(said: str, columns: Columns) -> Outcome:
    """An outcome as a person writes it: the name of a share, such as `ceasefire within 96 hours`, or `no war`; or a mapping.

    Raises:
        HistoryError: when there is none of that name, or it is nothing that comes or does not.
        ScenarioError: when a mapping has mistakes.
    """
    written, negated = said.strip(), False
    if written.startswith("{"):
        found = read_measure(parse_value(Source.of("--outcome", written), written), columns)
    else:
        words = written.replace("-", " ").replace("_", " ").split()
        negated = bool(words) and words[0] in ("no", "not")
        name = "_".join(one for one in words[negated:] if one not in ("a", "the"))
        known = [one for one in known_names(columns) if _comes(by_name(one, columns))]
        measure = by_name(name, columns)
        if measure is None:
            near = did_you_mean(name, known).replace("_", " ")
            expected = f"expected {one_of(_SOME)}, or one of docs/experiments.md"
            raise HistoryError(f"no outcome '{said}': {expected}{near}")
        found = measure
    if not _comes(found):
        raise HistoryError(f"'{said}' is a number: expected what may come or not, such as agreement")  # fmt: skip
    return Outcome(found, negated)


def _comes(measure: Measure | None) -> bool:
    return measure is not None and measure.kind in ("share", "within_hours")


@dataclass(frozen=True, eq=False)
class Reason:
    """A step on the way, and how the outcome hung on it; or two steps, both undone.

    Attributes:
        steps: the step, or two.
        told, otherwise: what happened, and what undoing it puts in its place, as clauses.
        same_luck: whether the outcome comes without it on the crisis's own luck.
        without, given: how often it comes without it and with it, on fresh luck after it.
        difference: with it less without it, paired.
        weight: the difference in favour of what did happen.
    """

    steps: tuple[Step, ...]
    told: str
    otherwise: str
    same_luck: bool
    without: Measured
    given: Measured
    difference: Contrast
    weight: float

    @property
    def days(self) -> float:
        """When its last step was taken, days."""
        return self.steps[-1].days

    @property
    def clear(self) -> bool:
        """Whether the interval of the difference excludes zero."""
        return text.excludes_zero(float(self.difference.lower), float(self.difference.upper))

    def plain(self) -> dict[str, Any]:
        """All of it, fit for JSON."""
        return {
            "hours": [one.days * 24 for one in self.steps],
            "who": [one.agent for one in self.steps],
            "event": [one.event for one in self.steps],
            "told": self.told,
            "otherwise": self.otherwise,
            "comes_without_on_the_same_luck": self.same_luck,
            **{
                name: {key: float(getattr(one, key)) for key in ("estimate", "lower", "upper")}
                for name, one in (("without", self.without), ("with", self.given), ("difference", self.difference))
            },
            "of": int(self.without.of),
        }  # fmt: skip


@dataclass(frozen=True)
class Reasons:
    """Why an outcome came in one crisis, or did not.

    Attributes:
        model: the crisis, run to its end, with its journal.
        outcome, came: what is asked about, and whether it came.
        steps: every step on its way that can be undone, on few futures, in order of time.
        strongest: the strongest of them on many others, by weight.
        pairs: the strongest in pairs, by weight.
        runs: crises that were run.
    """

    model: CrisisModel = field(repr=False)
    outcome: Outcome
    came: bool
    steps: Sequence[Reason] = field(repr=False)
    strongest: Sequence[Reason] = field(repr=False)
    pairs: Sequence[Reason] = field(repr=False)
    runs: int

    @property
    def mattered(self) -> list[Reason]:
        """The few that mattered most and clearly, by weight."""
        return [one for one in self.strongest if one.clear and one.weight > 0][:TOLD]

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario of the crisis."""
        return self.model.scenario

    def answer(self) -> list[str]:
        """The answer, a paragraph for each step that mattered."""
        gist = History.at(self.model).gist if self.model.journal else ""
        title = f"{text.clean(self.scenario.title)}: crisis {int(self.model.replicate[0])} of seed {self.model.seed_}."
        told = [
            f"{title} {gist}",
            f"The outcome: {self.outcome.words}. It {'came' if self.came else 'did not come'}. "
            f"{text.count(len(self.steps))} steps on the way were undone one by one, in {text.count(self.runs)} crises.",
        ]
        if not self.mattered:
            return [*told, "No single step mattered clearly on its own."]
        told.append(f"What {'brought it about' if self.came else 'prevented it'}, by weight:")
        told += [f"{k}. {self._told(one)}" for k, one in enumerate(self.mattered, 1)]
        if pair := next((one for one in self.pairs if one.clear and one.weight > 0), None):
            at = past.said_at(self.scenario, pair.days)
            told.append(
                f"The strongest pair, both undone (until {at}): {pair.told}. {self._figures(pair)}"
            )
        return told

    def _told(self, one: Reason) -> str:
        at = past.said_at(self.scenario, one.days)
        comes = "comes" if one.same_luck else "does not come"
        return f"{at}: {text.sentence(one.told)} {self._figures(one)} Without it on the same luck, the outcome {comes}."

    def _figures(self, one: Reason) -> str:
        def told(of: Any, middle: str, sign: bool = False) -> str:
            return f"{middle} ({text.limits(100 * float(of.lower), 100 * float(of.upper), 1, sign=sign)})"

        given, without = (
            told(each, f"{text.percent(float(each.estimate))}%")
            for each in (one.given, one.without)
        )
        apart = f"{text.points(float(one.difference.estimate))} points"
        return (
            f"After it, the outcome comes in {given} of {text.count(int(one.without.of))} futures; "
            f"{one.otherwise}, in {without}: {told(one.difference, apart, sign=True)}."
        )

    def plain(self) -> dict[str, Any]:
        """All of it, fit for JSON."""
        return {
            "scenario": self.scenario.name,
            "digest": self.scenario.digest,
            "seed": self.model.seed_,
            "replicate": int(self.model.replicate[0]),
            "outcome": self.outcome.measure.plain() | {"negated": self.outcome.negated},
            "came": self.came,
            "answer": self.answer(),
            **{name: [one.plain() for one in getattr(self, name)] for name in ("steps", "strongest", "pairs")},
            "crises": self.runs,
            "version": __version__,
        }  # fmt: skip

    def write(self, folder: str | Path) -> list[Path]:
        """Write the answer and the chart into a folder.

        Raises:
            OSError: when a file cannot be written.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        told = folder / "why.md"
        told.write_text("\n\n".join(map(text.markdown, self.answer())) + "\n", encoding="utf-8")
        return [told, *style.write(self.draw(), folder / "why")]

    @style.styled
    def draw(self) -> Figure:
        """The rungs of both states, and below them every step by its weight; those that mattered are numbered."""
        figure = style.new_figure(height=120.0)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.0, 0.8))
        last = float(self.model.crises["now"][0])
        if self.model.journal:
            top = min(int(self.model.crises["peak_rung"][0]) + 1, len(self.scenario.ladder) - 1)
            draw_rungs(above, self.model.journal, self.scenario, None, top)
        again = [each.steps[0] for each in self.strongest]
        others = [one for one in self.steps if one.steps[0] not in again]
        groups = {
            style.PALE_GREY: others,
            style.GREY: self.strongest,
            style.ESTIMATE: self.mattered,
        }
        for one in (*others, *self.strongest):
            style.keep(below, what="weight", days=one.days, value=one.weight, step=one.told)
        for colour, several in groups.items():
            days, weights = [one.days for one in several], [100 * one.weight for one in several]
            below.vlines(days, 0, weights, color=colour, linewidth=1.0)
            below.plot(days, weights, color=colour, marker="o", markersize=3, linestyle="none")
        for k, one in enumerate(self.mattered, 1):
            sign = 100 if self.came else -100
            ends = (one.difference.lower, one.difference.upper)
            low, high = sorted(sign * float(limit) for limit in ends)
            below.plot([one.days] * 2, [low, high], color=style.BLACK, linewidth=0.8)
            look: Any = {"textcoords": "offset points", "ha": "center", "va": "bottom"}
            below.annotate(str(k), (one.days, high), xytext=(0, 2), **look)
            style.mark_moment(above, one.days, str(k))
        below.axhline(0, color=style.GREY, linewidth=0.6)
        below.margins(y=0.2)
        below.set_ylabel("weight of the step,\npercentage points")
        came = "came" if self.came else "did not come"
        title = f"{text.sentence(self.outcome.words)[:-1]}: it {came}"
        above.set_title(title, pad=style.TITLE_PAD_OVER_MARKS)
        keys = legend_keys(self.scenario, None, [])
        figure.legend(handles=keys, loc="outside upper right", ncols=2)
        date_axis(below, self.scenario.start, 0.0, last)
        numbered = [f"{k}: {one.told}" for k, one in enumerate(self.mattered, 1)]
        told = "Each dot is a step undone alone, above zero where it worked towards what happened; pale: seen on few futures"
        style.say_below(figure, ". ".join([told, *numbered]))
        return figure


def why(
    scenario: str | os.PathLike[str] | Scenario,
    replicate: int,
    outcome: str,
    *,
    futures: int = FUTURES,
    seed: int = 1,
    roles: Mapping[str, Any] | None = None,
    agents: Sequence[Any] = (),
) -> Reasons:
    """What made an outcome come in one crisis, or kept it from coming.

    Args:
        scenario: a scenario or its file.
        replicate, seed: which crisis it is.
        outcome: a share by its name, such as `ceasefire within 96 hours` or `no war`, or a mapping as in an experiment.
        futures: of the strongest steps, with each and without it.
        roles, agents: classes of a person's own, as `CrisisModel` takes them.

    Raises:
        HistoryError: when there is no such outcome.
        ScenarioError: when the scenario has mistakes.
    """
    read = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    asked = read_outcome(outcome, Columns.of(read, agents=agents, roles=roles))
    start = past.begin(read, seed, replicate, roles=roles, agents=agents)
    return reasons(start, asked, futures)


def reasons(start: CrisisModel, outcome: Outcome, futures: int = FUTURES) -> Reasons:
    """The same for a crisis that stands at its beginning; in its futures, states decide by themselves."""
    whole = start.copied().run()
    came, until = bool(outcome.came(whole)[0]), outcome.settled(whole) + 1e-9
    work = _Work(start, outcome, came)
    steps = [one for one in past.follow(start) if one.days <= until]
    found = [
        work.reason((step,), *told, without, SCREENED, _SALTS[0])
        for step, told in zip(steps, _told(whole.scenario, steps), strict=True)
        if (without := work.undone(step)) is not None
    ]
    screened = sorted(found, key=lambda one: -abs(one.weight))[:STRONGEST]
    strongest = [
        work.reason(one.steps, one.told, one.otherwise, work.undone(*one.steps), futures, _SALTS[1])
        for one in screened
    ]
    strongest.sort(key=lambda one: -one.weight)
    pairs = []
    for a, b in combinations(strongest[:TOLD], 2):
        one, other = sorted((a, b), key=lambda each: each.days)
        without = work.undone(*one.steps, *other.steps)
        if without is not None and one.days < other.days:
            both = (*one.steps, *other.steps)
            said, instead = f"{one.told}; {other.told}", "without both"
            pairs.append(work.reason(both, said, instead, without, futures, _SALTS[1]))
    pairs.sort(key=lambda one: -one.weight)
    return Reasons(whole, outcome, came, found, strongest, pairs, work.runs)


class _Work:
    """Runs crises again, in blocks whose rows are one crisis's record."""

    def __init__(self, start: CrisisModel, outcome: Outcome, came: bool) -> None:
        self.one, self.outcome, self.came, self.runs = start.copied(), outcome, came, 0
        self.one.journal, self.one.policies = None, {}
        self.one.luck = self.one.luck._replace(notes=self.one.luck.notes[:0])
        self.one.crises["path"] = -1

    def _block(self, rows: NDArray[Any]) -> CrisisModel:
        block = self.one.copied(len(rows)) if len(rows) > 1 else self.one.copied()
        block.crises[:] = rows
        block.crises["path"] = -1
        block.crises["states"]["asked"] = False
        block.running, block.view = True, block.crises
        return block

    def undone(self, *steps: Step) -> NDArray[Any] | None:
        """The crisis as of its last step, without the steps: a record, shape (1,); None where one cannot be undone."""
        block = self._block(steps[0].before)
        for k, step in enumerate(steps):
            if k:
                block._go_on(float(np.nextafter(step.days, -math.inf)), None, stop=False)
            if not block.crises["ongoing"][0] or not past.undo(block, step):
                return None
            if k + 1 == len(steps):
                block._go_on(step.days, None, stop=True)
        return block.crises

    def reason(
        self, steps: tuple[Step, ...], told: str, otherwise: str, without: Any, futures: int, salt: int
    ) -> Reason:  # fmt: skip
        """How the outcome hangs on steps that are undone in a record."""
        same = self._block(without)
        same.run()
        block = self._block(
            np.concatenate([np.repeat(without, futures), np.repeat(steps[-1].after, futures)])
        )
        block.redraw(past.salts_of(salt, futures) * 2)
        block.run()
        self.runs += block.rows + 1
        came = self.outcome.came(block).reshape(2, -1)
        shares = [share_of(one, np.ones_like(one)) for one in came]
        apart = difference(shares[1], shares[0])
        weight = float(apart.estimate) * (1 if self.came else -1)
        luck = bool(self.outcome.came(same)[0])
        return Reason(steps, told, otherwise, luck, shares[0], shares[1], apart, weight)


#: What there is without a step, as a clause.
_WITHOUT = {
    "act": "had {name} dropped the plan",
    "fire": "had {name} dropped the plan",
    "review": "had {name} gone on",
    "engage": "had {name} not stepped in then",
    "speak": "had {name} kept silent then",
    "open": "had {name} stayed shut then",
    "break": "had {name} stayed open then",
    "decision": "had the board not met",
}


def _told(scenario: Scenario, steps: Sequence[Step]) -> Iterator[tuple[str, str]]:
    """Of each step, as clauses: what happened, and what undoing it puts in its place."""
    narrator = Narrator(scenario, scenario.trigger_hours)
    names = ["wait", *(rung.name for rung in scenario.ladder[1:])]
    for step in steps:
        told = " ".join(narrator.tell(step.entries)).rstrip(".")
        name = narrator.name(step.agent)
        if step.event == "decide" and step.choice >= 0:
            chosen, other = (
                "halt" if k == HALT else names[k] for k in (step.choice, max(step.otherwise, 0))
            )
            doing = {"wait": "waits", "halt": "keeps its offer of a halt open"}
            goes = {"wait": "wait", "halt": "offer a halt"}.get(other, f"go for {other}")
            yield (
                told or f"{name} {doing.get(chosen, f'chooses {chosen}')}",
                f"had {name} {'waited' if step.choice else f'chosen to {goes}'}",
            )
            continue
        plain = (
            "Other terms come on the table" if step.event == "terms" else f"{name}: {step.event}"
        )
        yield told or plain, _WITHOUT.get(step.event, "without it").format(name=name)
