"""Why an outcome occurred in a crisis, or did not: each step that led to it is undone, and the crisis is run again.

With the same random numbers, this shows whether the outcome depended on the step. With new random numbers after the step, it
gives the frequency of the outcome without the step (its necessity) and with it (its sufficiency; both after Pearl 2009,
Causality, chapter 9), given the crisis up to the step.

All steps are screened on a few futures. The strongest are then run on many new ones, so that none is overrated by chance.
Futures with and without a step are paired: they use the same random numbers.
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
from crisis_sim.history import one_crisis
from crisis_sim.history.one_crisis import History, HistoryError, Step
from crisis_sim.model.choice import HALT
from crisis_sim.model.crisis import CrisisModel
from crisis_sim.model.luck import future_salts
from crisis_sim.outcomes.durations import Rows
from crisis_sim.outcomes.incidence import TOLERANCE
from crisis_sim.outcomes.intervals import Contrast, Measured, difference
from crisis_sim.outcomes.measures import CAME, Columns, Measure, share_of
from crisis_sim.outcomes.named_measures import by_name, known_names, read_measure
from crisis_sim.report.charts import date_axis
from crisis_sim.report.replay import draw_rungs, legend_keys
from crisis_sim.report.story import Narrator
from crisis_sim.scenario.errors import did_you_mean, one_of
from crisis_sim.scenario.load import load_scenario
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.yaml_text import Source, parse_value
from crisis_sim.version import __version__

#: Number of futures for screening, number of futures for the strongest steps, and number of the latter.
SCREENED, FUTURES, STRONGEST = 100, 1000, 12
#: Number of steps in the answer, which are also undone in pairs.
MOST_REPORTED = 5
#: Examples of outcomes in error messages.
_EXAMPLES = (
    *("ceasefire within 96 hours", "agreement", "first strike", "war", "nuclear use"),
    "relapse within 7 days",
)
#: Salts of the random numbers for screening, and for the strongest steps.
_SALTS = (1, 2)


@dataclass(frozen=True)
class Outcome:
    """An event or condition that occurs in a crisis or does not."""

    measure: Measure
    negated: bool = False

    @property
    def words(self) -> str:
        """Its description."""
        return f"{'no ' if self.negated else ''}{self.measure.words}"

    def occurred(self, model: CrisisModel) -> NDArray[np.bool_]:
        """Return, for each finished crisis, whether the outcome occurred; not if the measure's clock never started."""
        measure, rows = self.measure, _rows(model)
        if measure.clock is None:
            occurred = measure.event.holds(rows)
            occurred &= measure.given.holds(rows) if measure.given else True
        else:
            read = measure.clock.read(rows)
            occurred = (read.cause == 1) & (read.hours <= (measure.hours or math.inf) + TOLERANCE)
        return np.asarray(occurred != self.negated)

    def decided_at(self, model: CrisisModel) -> float:
        """Return the time at which the outcome of a single crisis was certain, days."""
        measure, rows, end = self.measure, _rows(model), float(model.crises["now"][0])
        times = [name for name, value in measure.event.terms if value == CAME]
        limit = measure.hours or math.inf
        if measure.clock is not None:
            origin, read = rows.column(measure.clock.since)[0], measure.clock.read(rows)
            hours = read.hours[0] if read.cause[0] == 1 else limit
            days = (origin + min(hours, limit)) / 24
        elif len(times) == len(measure.event.terms) == 1:
            days = rows.column(times[0])[0] / 24
        else:
            days = end
        return min(days, end) if days == days else end


def _rows(model: CrisisModel) -> Rows:
    return Rows(model.outcomes(), model.scenario.horizon_hours)


def read_outcome(outcome: str, columns: Columns) -> Outcome:
    """Read an outcome: the name of a share, such as `ceasefire within 96 hours` or `no war`, or a mapping.

    Raises:
        HistoryError: if the name is unknown, or is that of a number.
        ScenarioError: if a mapping has mistakes.
    """
    outcome, negated = outcome.strip(), False
    measure: Measure | None
    if outcome.startswith("{"):
        measure = read_measure(parse_value(Source.of("--outcome", outcome), outcome), columns)
    else:
        words = outcome.replace("-", " ").replace("_", " ").split()
        negated = bool(words) and words[0] in ("no", "not")
        name = "_".join(word for word in words[negated:] if word not in ("a", "the"))
        measure = by_name(name, columns)
        if measure is None:
            shares = [x for x in known_names(columns) if _is_share(by_name(x, columns))]
            near = did_you_mean(name, shares).replace("_", " ")
            expected = f"expected {one_of(_EXAMPLES)}, or another name in docs/experiments.md"
            raise HistoryError(f"no outcome '{outcome}': {expected}{near}")
    if not _is_share(measure):
        raise HistoryError(f"'{outcome}' is a number: expected an event or ending, such as agreement")  # fmt: skip
    return Outcome(measure, negated)


def _is_share(measure: Measure | None) -> bool:
    return measure is not None and measure.kind in ("share", "within_hours")


@dataclass(frozen=True, eq=False)
class Reason:
    """The effect of a step on the outcome, or of two steps that are both undone.

    Attributes:
        steps: the step, or two.
        description, otherwise: clauses on the step, and on what replaces it when undone.
        same_luck: whether the outcome occurs without it with the same random numbers.
        without, given: frequency of the outcome without and with it, with new random numbers after it.
        difference: paired difference, with minus without.
        weight: the difference, positive if the step worked towards what happened.
    """

    steps: tuple[Step, ...]
    description: str
    otherwise: str
    same_luck: bool
    without: Measured
    given: Measured
    difference: Contrast
    weight: float

    @property
    def days(self) -> float:
        """Time of its last step, days."""
        return self.steps[-1].days

    @property
    def clear(self) -> bool:
        """True if the interval of the difference excludes zero."""
        return text.excludes_zero(float(self.difference.lower), float(self.difference.upper))

    def plain(self) -> dict[str, Any]:
        """Return all numbers for JSON."""
        return {
            "hours": [step.days * 24 for step in self.steps],
            "who": [step.agent for step in self.steps],
            "event": [step.event for step in self.steps],
            "told": self.description,
            "otherwise": self.otherwise,
            "comes_without_on_the_same_luck": self.same_luck,
            **{
                name: {key: float(getattr(value, key)) for key in ("estimate", "lower", "upper")}
                for name, value in (("without", self.without), ("with", self.given), ("difference", self.difference))
            },
            "of": int(self.without.of),
        }  # fmt: skip


@dataclass(frozen=True)
class Reasons:
    """Why an outcome occurred in a crisis, or did not.

    Attributes:
        model: the crisis, run to its end, with its journal.
        outcome, came: the outcome, and whether it occurred.
        steps: every step that can be undone, on few futures, in order of time.
        strongest: the strongest steps on many new futures, by weight.
        pairs: pairs of the strongest steps, by weight.
        runs: number of crises that were run.
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
        """The steps with the largest clear and positive weights."""
        return [x for x in self.strongest if x.clear and x.weight > 0][:MOST_REPORTED]

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario of the crisis."""
        return self.model.scenario

    def answer(self) -> list[str]:
        """Return the answer, with a paragraph for each step that mattered."""
        gist = History.at(self.model).gist if self.model.journal else ""
        title = f"{text.clean(self.scenario.title)}: crisis {int(self.model.replicate[0])} of seed {self.model.seed_}."
        paragraphs = [
            f"{title} {gist}",
            f"The outcome: {self.outcome.words}. It {'occurred' if self.came else 'did not occur'}. "
            f"{text.count(len(self.steps))} steps were undone one by one, in {text.count(self.runs)} crises.",
        ]
        if not self.mattered:
            return [*paragraphs, "No single step had a clear effect."]
        led = "led to it" if self.came else "prevented it"
        paragraphs.append(f"The steps that {led}, by weight:")
        paragraphs += [f"{k}. {self._paragraph(x)}" for k, x in enumerate(self.mattered, 1)]
        if pair := next((x for x in self.pairs if x.clear and x.weight > 0), None):
            date = one_crisis.date_text(self.scenario, pair.days)
            description = f"{pair.description}. {self._figures(pair)}"
            paragraphs.append(f"The strongest pair, both undone (until {date}): {description}")
        return paragraphs

    def _paragraph(self, reason: Reason) -> str:
        date = one_crisis.date_text(self.scenario, reason.days)
        occurs = "occurs" if reason.same_luck else "does not occur"
        return (
            f"{date}: {text.sentence(reason.description)} {self._figures(reason)} Without it, with the same random numbers, "
            f"the outcome {occurs}."
        )

    def _figures(self, reason: Reason) -> str:
        def with_limits(value: Any, estimate: str, sign: bool = False) -> str:
            lower, upper = 100 * float(value.lower), 100 * float(value.upper)
            return f"{estimate} ({text.limits(lower, upper, 1, sign=sign)})"

        given, without = (
            with_limits(share, f"{text.percent(float(share.estimate))}%")
            for share in (reason.given, reason.without)
        )
        points = f"{text.points(float(reason.difference.estimate))} points"
        return (
            f"After it, the outcome occurs in {given} of {text.count(int(reason.without.of))} futures; "
            f"{reason.otherwise}, in {without}: {with_limits(reason.difference, points, sign=True)}."
        )

    def plain(self) -> dict[str, Any]:
        """Return all results for JSON."""
        return {
            "scenario": self.scenario.name,
            "digest": self.scenario.digest,
            "seed": self.model.seed_,
            "replicate": int(self.model.replicate[0]),
            "outcome": self.outcome.measure.plain() | {"negated": self.outcome.negated},
            "came": self.came,
            "answer": self.answer(),
            **{name: [x.plain() for x in getattr(self, name)] for name in ("steps", "strongest", "pairs")},
            "crises": self.runs,
            "version": __version__,
        }  # fmt: skip

    def write(self, folder: str | Path) -> list[Path]:
        """Write the answer and the chart to a folder.

        Raises:
            OSError: if a file cannot be written.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "why.md"
        file.write_text("\n\n".join(map(text.markdown, self.answer())) + "\n", encoding="utf-8")
        return [file, *style.write(self.draw(), folder / "why")]

    @style.styled
    def draw(self) -> Figure:
        """Draw the rungs of both states, and below them each step by its weight; those that mattered are numbered."""
        figure = style.new_figure(height=120.0)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.0, 0.8))
        last = float(self.model.crises["now"][0])
        if self.model.journal:
            top = min(int(self.model.crises["peak_rung"][0]) + 1, len(self.scenario.ladder) - 1)
            draw_rungs(above, self.model.journal, self.scenario, None, top)
        strongest = [reason.steps[0] for reason in self.strongest]
        others = [reason for reason in self.steps if reason.steps[0] not in strongest]
        groups = {
            style.PALE_GREY: others,
            style.GREY: self.strongest,
            style.ESTIMATE: self.mattered,
        }
        for reason in (*others, *self.strongest):
            values = {"days": reason.days, "value": reason.weight, "step": reason.description}
            style.keep(below, what="weight", **values)
        for colour, reasons in groups.items():
            days, weights = [x.days for x in reasons], [100 * x.weight for x in reasons]
            below.vlines(days, 0, weights, color=colour, linewidth=1.0)
            below.plot(days, weights, color=colour, marker="o", markersize=3, linestyle="none")
        for k, reason in enumerate(self.mattered, 1):
            sign = 100 if self.came else -100
            ends = (reason.difference.lower, reason.difference.upper)
            low, high = sorted(sign * float(limit) for limit in ends)
            below.plot([reason.days] * 2, [low, high], color=style.BLACK, linewidth=0.8)
            options: Any = {"textcoords": "offset points", "ha": "center", "va": "bottom"}
            below.annotate(str(k), (reason.days, high), xytext=(0, 2), **options)
            style.mark_moment(above, reason.days, str(k))
        below.axhline(0, color=style.GREY, linewidth=0.6)
        below.margins(y=0.2)
        below.set_ylabel("weight of the step,\npercentage points")
        occurred = "it occurred" if self.came else "it did not occur"
        title = f"{text.sentence(self.outcome.words)[:-1]}: {occurred}"
        above.set_title(title, pad=style.TITLE_PAD_OVER_MARKS)
        keys = legend_keys(self.scenario, None, [])
        figure.legend(handles=keys, loc="outside upper right", ncols=2)
        date_axis(below, self.scenario.start, 0.0, last)
        numbered = [f"{k}: {reason.description}" for k, reason in enumerate(self.mattered, 1)]
        caption = "Each dot is a step, above zero if it worked towards what happened; pale: tried on few futures only"
        style.say_below(figure, ". ".join([caption, *numbered]))
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
    """Find the steps that led to an outcome in a crisis, or prevented it.

    Args:
        scenario: a scenario or its file.
        replicate, seed: number and seed of the crisis.
        outcome: a share by its name, such as `ceasefire within 96 hours` or `no war`, or a mapping as in an experiment.
        futures: number of futures with and without each of the strongest steps.
        roles, agents: your own classes, as `CrisisModel` takes them.

    Raises:
        HistoryError: if there is no such outcome.
        ScenarioError: if the scenario has mistakes.
    """
    read = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    parsed = read_outcome(outcome, Columns.of(read, agents=agents, roles=roles))
    start = one_crisis.begin(read, seed, replicate, roles=roles, agents=agents)
    return reasons(start, parsed, futures)


def reasons(start: CrisisModel, outcome: Outcome, futures: int = FUTURES) -> Reasons:
    """Find the steps for a crisis at its beginning; in its futures, states decide by themselves."""
    finished = start.copied().run()
    came, until = bool(outcome.occurred(finished)[0]), outcome.decided_at(finished) + 1e-9
    runner = _Runner(start, outcome, came)
    steps = [step for step in one_crisis.follow(start) if step.days <= until]
    all_reasons = [
        runner.reason((step,), *clauses, without, SCREENED, _SALTS[0])
        for step, clauses in zip(steps, _clauses(finished.scenario, steps), strict=True)
        if (without := runner.undone(step)) is not None
    ]
    screened = sorted(all_reasons, key=lambda reason: -abs(reason.weight))[:STRONGEST]
    strongest = [
        runner.reason(x.steps, x.description, x.otherwise, runner.undone(*x.steps), futures, _SALTS[1])
        for x in screened
    ]  # fmt: skip
    strongest.sort(key=lambda reason: -reason.weight)
    pairs = []
    for pair in combinations(strongest[:MOST_REPORTED], 2):
        first, second = sorted(pair, key=lambda reason: reason.days)
        both = (*first.steps, *second.steps)
        without = runner.undone(*both)
        if without is not None and first.days < second.days:
            clauses = f"{first.description}; {second.description}", "without both"
            pairs.append(runner.reason(both, *clauses, without, futures, _SALTS[1]))
    pairs.sort(key=lambda reason: -reason.weight)
    return Reasons(finished, outcome, came, all_reasons, strongest, pairs, runner.runs)


class _Runner:
    """Runs crises again, in blocks that begin with records of a single crisis."""

    def __init__(self, start: CrisisModel, outcome: Outcome, came: bool) -> None:
        self.crisis, self.outcome, self.came, self.runs = start.copied(), outcome, came, 0
        self.crisis.journal, self.crisis.policies = None, {}
        self.crisis.luck = self.crisis.luck._replace(notes=self.crisis.luck.notes[:0])
        self.crisis.crises["path"] = -1

    def _block(self, rows: NDArray[Any]) -> CrisisModel:
        block = self.crisis.copied(len(rows)) if len(rows) > 1 else self.crisis.copied()
        block.crises[:] = rows
        block.crises["path"] = -1
        block.crises["states"]["asked"] = False
        block.running, block.view = True, block.crises
        return block

    def undone(self, *steps: Step) -> NDArray[Any] | None:
        """Return the crisis after its last step without these steps, shape (1,); None if a step cannot be undone."""
        block = self._block(steps[0].before)
        for k, step in enumerate(steps):
            if k:
                block._go_on(float(np.nextafter(step.days, -math.inf)), None, stop=False)
            if not block.crises["ongoing"][0] or not one_crisis.undo(block, step):
                return None
            if k + 1 == len(steps):
                block._go_on(step.days, None, stop=True)
        return block.crises

    def reason(
        self, steps: tuple[Step, ...], description: str, otherwise: str, without: Any, futures: int, salt: int
    ) -> Reason:  # fmt: skip
        """Compute the effect of steps, given the record of the crisis without them."""
        same_luck = self._block(without)
        same_luck.run()
        block = self._block(
            np.concatenate([np.repeat(without, futures), np.repeat(steps[-1].after, futures)])
        )
        block.redraw(future_salts(salt, futures) * 2)
        block.run()
        self.runs += block.rows + 1
        occurred = self.outcome.occurred(block).reshape(2, -1)
        shares = [share_of(x, np.ones_like(x)) for x in occurred]
        effect = difference(shares[1], shares[0])
        weight = float(effect.estimate) * (1 if self.came else -1)
        same = bool(self.outcome.occurred(same_luck)[0])
        return Reason(steps, description, otherwise, same, shares[0], shares[1], effect, weight)


#: Clauses on a crisis without a step, by event.
_WITHOUT = {
    "act": "had {name} dropped the plan",
    "fire": "had {name} dropped the plan",
    "review": "had {name} continued",
    "engage": "had {name} not stepped in then",
    "speak": "had {name} kept silent then",
    "open": "had {name} stayed closed then",
    "break": "had {name} stayed open then",
    "decision": "had the board not met",
}


def _clauses(scenario: Scenario, steps: Sequence[Step]) -> Iterator[tuple[str, str]]:
    """Describe each step, and what replaces it when undone."""
    narrator = Narrator(scenario, scenario.trigger_hours)
    names = ["wait", *(rung.name for rung in scenario.ladder[1:])]
    for step in steps:
        description = " ".join(narrator.tell(step.entries)).rstrip(".")
        name = narrator.name(step.agent)
        if step.event == "decide" and step.choice >= 0:
            chosen, other = (
                "halt" if k == HALT else names[k] for k in (step.choice, max(step.otherwise, 0))
            )
            verb = {"wait": "waits", "halt": "keeps its offer of a halt open"}
            action = {"wait": "wait", "halt": "offer a halt"}.get(other, f"carry out {other}")
            yield (
                description or f"{name} {verb.get(chosen, f'chooses {chosen}')}",
                f"had {name} {'waited' if step.choice else f'chosen to {action}'}",
            )
            continue
        usual = (
            "The terms on the table change" if step.event == "terms" else f"{name}: {step.event}"
        )
        yield description or usual, _WITHOUT.get(step.event, "without it").format(name=name)
