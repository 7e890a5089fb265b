"""Nowcasts: simulated histories that agree with dated evidence, and their futures.

All histories are run to their ends; the futures of those that agree with the evidence are the answer (rejection). If
fewer than `ENOUGH` agree, a particle filter continues (Gordon, Salmond and Smith 1993): histories are run again from the
last moment at which many still agreed with all evidence; at each later observation those that agree are resampled, with
the same past and new random numbers. Particles that descend from the same history share its parameters. Errors are
therefore clustered by ancestor (Lee and Whiteley 2018), and the effective number of histories is the weighted number of
ancestors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as ChartFigure
from numpy.typing import NDArray
from rich.console import Console, Group
from rich.text import Text

from crisis_sim import style, text
from crisis_sim.batch.block import free_model
from crisis_sim.batch.manifest import versions
from crisis_sim.batch.safe_files import BatchError, finite_or_none, write_durably
from crisis_sim.history.evidence import Evidence, load_evidence, times_of
from crisis_sim.model import CrisisModel
from crisis_sim.outcomes.durations import HALT, RELAPSED, TRIGGER, Clock, Rows
from crisis_sim.outcomes.intervals import normal_quantile, wilson_interval
from crisis_sim.outcomes.measures import Columns, Measure, Reading
from crisis_sim.outcomes.named_measures import NAMES
from crisis_sim.report.answers import WIDTH, fitted
from crisis_sim.report.charts import date_axis
from crisis_sim.report.real_path import real_record
from crisis_sim.scenario.load import load_scenario
from crisis_sim.scenario.schema import Scenario
from crisis_sim.version import __version__

#: Histories in a block, and histories that make a particle filter unnecessary.
BLOCK, ENOUGH = 4_096, 1_000
#: Particles of the filter, and futures at each moment.
PARTICLES, FUTURES = 50_000, 10_000
#: Fewer effective histories cause a warning.
FEW = 200
#: Times from now within which a ceasefire or relapse may come, hours.
MOMENTS = (24, 72, 168, 336, 720)
#: Standard errors from which a parameter counts as moved: among a hundred, one in twenty by chance.
MOVED = 3.5
#: Number of crises in the prior distribution of a parameter.
_PRIOR = 4_000
#: Parameters that are printed, and days of the curve that are drawn; the folder contains all.
SHOWN, SHOWN_DAYS = 6, 21

#: Callback that receives the numbers of finished and of all histories.
Progress = Callable[[int, int], None]


class NoHistoryError(BatchError):
    """No history agrees with the evidence."""


@dataclass(frozen=True)
class Figure:
    """A share or another measure, with its 95% interval."""

    name: str
    words: str
    estimate: float
    lower: float
    upper: float
    unit: str = "share"


@dataclass(frozen=True, eq=False)
class Answer:
    """The futures of the histories that agree with all evidence up to a moment.

    Attributes:
        at: the moment, hours from the start.
        met: number of all histories that agree with the evidence without a filter.
        method: `rejection` or `particle filter`.
        futures, effective: number of futures, and the effective number of histories behind them.
        awaited: the event of the curve: `ceasefire`, or `relapse` once a ceasefire is in effect.
        figures: shares and measures.
        hours, curve: share in which the event has occurred, by hours from the moment; columns estimate, lower and upper.
        real: hours until the real event, and the share in which it had occurred by then; None if unknown.
        ancestors: number of the history behind each future.
    """

    at: float
    met: int
    method: str
    futures: int
    effective: float
    awaited: str
    figures: tuple[Figure, ...]
    hours: NDArray[np.float64]
    curve: NDArray[np.float64]
    real: tuple[float, float] | None
    ancestors: NDArray[np.uint64]

    @property
    def war(self) -> int:
        """Position of war in `figures`, after the shares by moment and before further measures."""
        return next(k for k, figure in enumerate(self.figures) if figure.name == "war")


@dataclass(frozen=True)
class Moved:
    """A parameter whose distribution the evidence has moved: 10%, 50% and 90% quantiles, and shift in standard errors."""

    path: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    errors: float


@dataclass(frozen=True, eq=False)
class Nowcast:
    """Answers at several moments.

    Attributes:
        scenario, evidence: the scenario and the evidence.
        histories, seed: number of histories, and their seed.
        answers: answers by moment.
        alone: number of histories that agree with each observation alone.
        moved: parameters whose distribution the evidence has moved by the last moment, by strength.
    """

    scenario: Scenario
    evidence: Evidence
    histories: int
    seed: int
    answers: tuple[Answer, ...]
    alone: tuple[int, ...]
    moved: tuple[Moved, ...]

    @property
    def warnings(self) -> list[str]:
        """Warnings about answers with few effective histories."""
        return [
            f"{self.when(x)}: only {text.plural(round(x.effective), 'effective history', 'effective histories')}; "
            "widen a tolerance, or run more (--replicates)"
            for x in self.answers
            if x.effective < FEW
        ]

    def when(self, answer: Answer) -> str:
        """Return the moment of an answer in words."""
        return text.moment(self.scenario.moment(answer.at))

    def sentence(self, answer: Answer) -> str:
        """Return an answer in a sentence or two."""
        main, histories = answer.figures[min(2, answer.war - 1)], text.count(self.histories)
        basis = f"{text.count(answer.met)} of {histories} histories agree with the evidence"
        if answer.method != "rejection":
            worth = f"{answer.effective:,.0f} independent ones"
            basis += f", and a particle filter, which runs such histories again, is worth {worth}"
        sentence = (
            f"On {self.when(answer)}: {main.words} in {text.percent(main.estimate)}% of futures "
            f"(95% interval {text.limits(100 * main.lower, 100 * main.upper, 1, '%')}); {basis}."
        )
        if answer.real:
            hours, share = text.duration(answer.real[0]), text.percent(answer.real[1])
            sentence += f" The real {answer.awaited} came {hours} later; by then it had come in {share}% of futures."
        return sentence

    def plain(self) -> dict[str, Any]:
        """Return all results for JSON."""
        given = zip(self.evidence.observations, self.alone, strict=True)
        return {
            "scenario": self.scenario.name,
            "digest": self.scenario.digest,
            "evidence": self.evidence.title,
            "histories": self.histories,
            "seed": self.seed,
            "versions": versions(),
            "given": [{"words": x.words, "line": x.line, "alone": count} for x, count in given],
            "answers": finite_or_none([self._plain(answer) for answer in self.answers]),
            "moved": [vars(parameter) for parameter in self.moved],
            "warnings": self.warnings,
        }

    def _plain(self, answer: Answer) -> dict[str, Any]:
        estimate, lower, upper = answer.curve.T.tolist()
        limits = {"estimate": estimate, "lower": lower, "upper": upper}
        return {
            "at": self.scenario.moment(answer.at).isoformat(),
            **{name: getattr(answer, name) for name in ("met", "method", "futures")},
            "effective": round(answer.effective, 1),
            "sentence": self.sentence(answer),
            "figures": [vars(figure) for figure in answer.figures],
            "curve": {"of": answer.awaited, "hours": answer.hours.tolist(), **limits},
        }


def nowcast(
    scenario: Scenario | str,
    given: Evidence | str,
    at: Sequence[str] = (),
    replicates: int = 100_000,
    seed: int = 1,
    workers: int = 1,
    roles: Mapping[str, Any] | None = None,
    agents: Sequence[Any] = (),
    progress: Progress | None = None,
    enough: int = ENOUGH,
    particles: int = PARTICLES,
) -> Nowcast:
    """Estimate what comes next, given evidence on a crisis so far.

    Args:
        scenario: a scenario, a file, or the name of a shipped one.
        given: evidence, a file of it, or the name of a shipped one.
        at: moments at which to ask, such as `2025-05-09T08:00`, in place of the evidence's.
        replicates: number of histories.
        seed, roles, agents: as for `simulate`.
        workers: number of threads.
        progress: callback that receives the numbers of finished and of all histories.
        enough: number of histories that makes a particle filter unnecessary.
        particles: number of particles of the filter.

    Raises:
        ScenarioError: if the scenario or the evidence has mistakes.
        NoHistoryError: if no history agrees with the evidence.
    """
    scenario = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    classes: dict[str, Any] = {"roles": roles, "agents": tuple(agents)}
    if not isinstance(given, Evidence):
        given = load_evidence(given, scenario, Columns.of(scenario, agents=agents, roles=roles), at)
    histories = run_histories(scenario, given, replicates, seed, workers, classes, progress)
    answers = histories.answers(enough, particles)
    moved = _moved(histories, answers[-1])
    alone = tuple(int(agrees.sum()) for agrees in histories.met)
    return Nowcast(scenario, given, replicates, seed, answers, alone, moved)


@dataclass
class Histories:
    """Histories run to their ends, and the evidence with which each of them agrees.

    Attributes:
        met: agreement of each history with each observation, shape (observations, histories).
        times: times of the events in the evidence, by name.
        columns: the outcomes that measures need.
    """

    scenario: Scenario
    evidence: Evidence
    seed: int
    classes: Mapping[str, Any]
    met: NDArray[np.bool_]
    times: dict[str, NDArray[Any]]
    columns: dict[str, NDArray[Any]]

    @property
    def size(self) -> int:
        """Number of histories."""
        return int(self.met.shape[1])

    def observed_by(self, now: float) -> list[int]:
        """Return the positions of the observations up to a moment."""
        return [k for k, x in enumerate(self.evidence.observations) if x.at <= now]

    def agreeing(self, now: float) -> NDArray[np.bool_]:
        """Return the histories that agree with all observations up to a moment."""
        agree = np.ones(self.size, bool)
        for k in self.observed_by(now):
            x = self.evidence.observations[k]
            agree &= self.met[k] if x.is_of_state or x.high <= now else x.agrees(self.times, now)
        return agree

    def answers(self, enough: int, particles: int) -> tuple[Answer, ...]:
        """Return the answer at each moment of the evidence."""
        answers: dict[float, Answer] = {}
        counts = {}
        for day in self.evidence.days:
            rows = np.flatnonzero(self.agreeing(day))
            counts[day] = rows.size
            if rows.size >= enough:
                columns = {name: column[rows] for name, column in self.columns.items()}
                ancestors = rows.astype(np.uint64)
                answers[day] = self.answer(day, columns, ancestors, rows.size, "rejection")
        thin = [day for day in self.evidence.days if day not in answers]
        for day, columns, ancestors in self._filtered(thin, particles):
            answers[day] = self.answer(day, columns, ancestors, counts[day], "particle filter")
        return tuple(answers[day] for day in self.evidence.days)

    def _filtered(self, days: Sequence[float], particles: int) -> Any:
        """Yield moments with outcomes and ancestors of the futures, by a particle filter."""
        if not days:
            return
        observations, last = self.evidence.observations, days[-1]
        checks = sorted({*days, *(x.known_at for x in observations if x.known_at <= last)})
        start, numbers = self._start(checks, days[0], particles)
        model = CrisisModel(self.scenario, numbers, self.seed, **self.classes)
        live = np.ones(model.rows, bool)
        for step, now in enumerate(checks[start:], start):
            model.go_on(now / 24)
            times = times_of(model)
            for x in (x for x in observations if x.known_at == now):
                live &= x.agrees_now(model) if x.is_of_state else x.agrees(times)
            if now in days:
                observed = (observations[k] for k in self.observed_by(now))
                agree = [x.agrees(times, now) for x in observed if not x.is_of_state]
                rows = np.flatnonzero(np.logical_and.reduce([live, *agree]))
                futures = model.branch(self._resampled(rows, FUTURES, now), salt=2 * step + 1)
                futures.go_on(self.scenario.horizon_days)
                yield now, futures.outcomes(), futures.replicate
            if live.sum() * 2 < particles and now != last:
                rows = self._resampled(np.flatnonzero(live), particles, now)
                model = model.branch(rows, salt=2 * step + 2)
                live = np.ones(model.rows, bool)

    def _start(
        self, checks: Sequence[float], before: float, particles: int
    ) -> tuple[int, NDArray[np.uint64]]:
        """Return the last check from which a particle filter has enough histories, and these histories."""
        start, numbers = 0, np.arange(self.size)
        for step, now in enumerate(checks):
            known = [k for k, x in enumerate(self.evidence.observations) if x.known_at <= now]
            agreeing = np.flatnonzero(self.met[known].all(axis=0))
            if now > before or agreeing.size * 20 < particles:
                break
            start, numbers = step, agreeing
        return start, numbers[:particles].astype(np.uint64)

    def _resampled(self, rows: NDArray[np.intp], number: int, now: float) -> NDArray[np.intp]:
        """Return a number of rows, each equally often up to one."""
        if not rows.size:
            raise self._no_history(now)
        return np.asarray(rows[np.arange(number) * rows.size // number])

    def _no_history(self, now: float) -> NoHistoryError:
        """Return an error with the share of histories that agree with each observation, alone and in turn."""
        remaining, lines = np.ones(self.size, bool), []
        for k in self.observed_by(now):
            x, before = self.evidence.observations[k], int(remaining.sum())
            remaining &= self.met[k]
            lines.append(
                f"  line {x.line}: {x.words}: alone {text.percent(self.met[k].mean())}%, "
                f"after those above {text.count(int(remaining.sum()))} of {text.count(before)}"
            )
        when = text.moment(self.scenario.moment(now))
        return NoHistoryError(
            "\n".join(
                [
                    f"none of {text.count(self.size)} histories agrees with all evidence by {when}, nor does any "
                    "from a particle filter:",
                    *lines,
                    "widen a tolerance, or run more histories (--replicates)",
                ]
            )
        )

    def answer(
        self,
        now: float,
        columns: Mapping[str, NDArray[Any]],
        ancestors: NDArray[np.uint64],
        met: int,
        method: str,
    ) -> Answer:
        """Return the answer of a set of futures."""
        halts = [x for x in self.evidence.observations if x.name == "ceasefire_in_effect"]
        halted = any(x.kind == "came" and x.at <= now for x in halts)
        rows, horizon = ancestors.size, self.scenario.horizon_hours
        clock, awaited = Clock(HALT, TRIGGER), "ceasefire"
        from_now = {**columns, TRIGGER: np.full(rows, now)}
        if halted:  # relapses, usually timed from the halt, are timed from now
            clock, awaited = Clock(RELAPSED, HALT), "relapse"
            from_now[HALT] = np.full(rows, now)
        shares = [
            Measure(f"{awaited}_within_{hours:g}_hours_from_now", f"a {awaited} within {text.duration(hours)}",
                    "within_hours", "share", clock=clock, hours=hours)
            for hours in [float(x) for x in MOMENTS if now + x <= horizon] or [horizon - now]
        ]  # fmt: skip
        reading, full_reading = Reading(Rows(from_now, horizon)), Reading(Rows(columns, horizon))
        _, cluster, counts = np.unique(ancestors, return_inverse=True, return_counts=True)
        effective = float(counts.sum() ** 2 / (counts.astype(float) ** 2).sum())
        measures = [(measure, reading) for measure in shares]
        measures += [(measure, full_reading) for measure in (NAMES["war"], *self.evidence.measures)]
        figures = tuple(_figure(*measure, cluster, effective) for measure in measures)
        hours = np.linspace(0.0, max(horizon - now, 1.0), 481)
        share, factor = reading.curve(clock).at(hours), math.sqrt(rows / effective)
        estimate = share.estimate
        lower = np.maximum(estimate - factor * (estimate - share.lower), 0.0)
        upper = np.minimum(estimate + factor * (share.upper - estimate), 1.0)
        record, real = real_record(self.scenario.plain()), None
        came = record.ceasefire_in_effect_at_hours if record and not halted else None
        if came is not None and came > now:
            real = came - now, float(reading.curve(clock).at(came - now).estimate)
        curve = np.stack([estimate, lower, upper], axis=1)
        return Answer(
            now, met, method, rows, effective, awaited, figures, hours, curve, real, ancestors,
        )  # fmt: skip


def _figure(
    measure: Measure, reading: Reading, cluster: NDArray[np.intp], effective: float
) -> Figure:
    """Return a measure of futures, with an interval that accounts for their common ancestors (`cluster`)."""
    measured = measure.read(reading)
    influence = np.where(np.isfinite(measured.influence), measured.influence, 0.0)
    estimate = float(measured.estimate)
    error = math.sqrt((np.bincount(cluster, influence) ** 2).sum()) / influence.size
    if measured.is_share:
        variance = estimate * (1.0 - estimate)
        number = variance / error**2 if error > 0 and variance > 0 else effective
        lower, upper = map(float, wilson_interval(estimate * number, number))
    else:
        margin = normal_quantile() * error
        lower, upper = estimate - margin, estimate + margin
    return Figure(measure.name, measure.words, estimate, lower, upper, measure.unit)


def run_histories(
    scenario: Scenario,
    evidence: Evidence,
    replicates: int,
    seed: int = 1,
    workers: int = 1,
    classes: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Histories:
    """Run histories to their ends, and compare them with the evidence."""
    classes = classes or {}
    needed = {HALT, RELAPSED, TRIGGER, "war_at_hours", *Clock(HALT, TRIGGER).columns}
    needed |= {name for measure in evidence.measures for name in measure.columns}
    observations = evidence.observations
    events = {x.name for x in observations if not x.is_of_state} | {"first_strike_by"}
    of_states = [(k, x) for k, x in enumerate(observations) if x.is_of_state]

    def run(first: int) -> tuple[Any, ...]:
        count = min(BLOCK, replicates - first)
        model = CrisisModel(scenario, count, seed, first, **classes)
        met = np.ones((len(observations), count), bool)
        for at in sorted({x.at for _, x in of_states}):
            model.go_on(at / 24)
            for k, x in of_states:
                if x.at == at:
                    met[k] = x.agrees_now(model)
        model.go_on(scenario.horizon_days)
        times = times_of(model)
        for k, x in enumerate(observations):
            if not x.is_of_state:
                met[k] = x.agrees(times)
        outcomes = model.outcomes()
        free_model(model)
        return met, {x: times[x] for x in events}, {x: outcomes[x] for x in needed}

    blocks = []
    with ThreadPoolExecutor(workers) as pool:
        for block in pool.map(run, range(0, replicates, BLOCK)):
            blocks.append(block)
            if progress is not None:
                progress(min(len(blocks) * BLOCK, replicates), replicates)
    met, *others = zip(*blocks, strict=True)
    joined = (
        {x: np.concatenate([part[x] for part in parts]) for x in parts[0]} for parts in others
    )
    return Histories(scenario, evidence, seed, classes, np.concatenate(met, axis=1), *joined)


def _moved(histories: Histories, answer: Answer) -> tuple[Moved, ...]:
    """Return the parameters that the evidence has moved, by their mean rank among prior values."""
    numbers, weights = np.unique(answer.ancestors, return_counts=True)
    if numbers.size > _PRIOR:
        numbers, weights = numbers[:_PRIOR], weights[:_PRIOR]
    effective = weights.sum() ** 2 / (weights.astype(float) ** 2).sum()
    first = np.arange(min(histories.size, _PRIOR), dtype=np.uint64)
    before, after = (
        drawn_values(CrisisModel(histories.scenario, x, histories.seed, **histories.classes))
        for x in (first, numbers)
    )
    moved = []
    for path, values in before.items():
        prior, posterior = np.sort(values), after[path]
        ranks = sum(np.searchsorted(prior, posterior, side) for side in ("left", "right"))
        shift = np.average(ranks / (2 * prior.size), weights=weights) - 0.5
        error = math.sqrt((1.0 / effective + 1.0 / prior.size) / 12.0)
        if abs(shift) > MOVED * error:
            old, new = (
                tuple(map(float, np.quantile(x, (0.1, 0.5, 0.9))))
                for x in (values, np.repeat(posterior, weights))
            )
            moved.append(Moved(path, old, new, float(shift / error)))
    return tuple(sorted(moved, key=lambda parameter: -abs(parameter.errors)))


def drawn_values(model: CrisisModel) -> dict[str, NDArray[np.float64]]:
    """Return the parameters that differ between crises, by path."""
    parts = {f"ladder.{k}": rung for k, rung in enumerate(model.rungs)}
    parts |= {"behaviour": model.behaviour, **model.numbers}
    drawn = {}
    for path, numbers in parts.items():
        for name, value in vars(numbers).items():
            values = value.items() if isinstance(value, dict) else [("", value)]
            for key, number in values:
                if np.ndim(number):
                    drawn[f"{path}.{name}{key and f'.{key}'}"] = np.asarray(number, np.float64)
    return drawn


# --- Output on a terminal, as a chart and to a folder


def print_nowcast(result: Nowcast, console: Console) -> None:
    """Print a nowcast: the last answer in words, all answers as a table, and the parameters that have moved."""
    width = min(console.width, WIDTH)

    def write(line: str, **options: Any) -> None:
        console.print(Text(line, **options), width=width)

    write(result.evidence.title, style="bold")
    write(result.sentence(result.answers[-1]))
    for answers in _by_columns(result.answers):
        console.print()
        console.print(_table(result, answers, width), width=width)
    if result.moved:
        write("\nParameters whose distribution the evidence has moved (median before and after):")
        for moved in result.moved[:SHOWN]:
            write(f"  {moved.path}: {moved.before[1]:.3g} to {moved.after[1]:.3g}")
        if len(result.moved) > SHOWN:
            write(f"  and {len(result.moved) - SHOWN} more, in nowcast.json")
    write(
        f"\n{text.count(result.histories)} histories of {result.scenario.name} (digest {result.scenario.digest[:12]}), "
        f"seed {result.seed}, Crisis Sim {__version__}. These are futures of the model, not a forecast.",
        style="dim",
    )


def _shown(answer: Answer) -> list[Figure]:
    """Return the figures of an answer that are printed: of two moments and of war, and further measures."""
    moments = sorted({min(k, answer.war - 1) for k in (0, 2)})
    return [*(answer.figures[k] for k in moments), *answer.figures[answer.war :]]


def _by_columns(answers: Sequence[Answer]) -> list[list[Answer]]:
    """Group consecutive answers about the same events; those after a ceasefire are about its relapse."""

    def columns(answer: Answer) -> list[str]:
        return [figure.words for figure in _shown(answer)]

    return [list(group) for _, group in groupby(answers, key=columns)]


def _table(result: Nowcast, answers: Sequence[Answer], width: int) -> Group:
    """Return a table with a row for each answer, and columns of the same events."""
    has_real, few = any(x.real for x in answers), any(x.effective < FEW for x in answers)
    rows = []
    for answer in answers:
        at = result.scenario.moment(answer.at)
        effective = f"{answer.effective:,.0f}{'*' if answer.effective < FEW else ''}"
        row: list[Any] = [
            Text(f"{text.day_and_month(at)}\n{at:%H:%M}"),
            text.count(answer.met),
            effective,
        ]
        row += map(_cell, _shown(answer))
        if has_real:
            row.append(f"{text.percent(answer.real[1])}" if answer.real else text.UNKNOWN)
        rows.append(row)
    awaited = answers[0].awaited
    headings = ["asked on", "agreeing\nhistories", "effective\nhistories"]
    headings += [_heading(figure) for figure in _shown(answers[0])]
    caption = "Below each figure: its 95% interval."
    if has_real:
        headings.append(f"{awaited}\nby the\nreal one")
        caption += f" By the real one: by the time of the real {awaited}."
    if few:
        caption += f"\n* Fewer than {FEW} effective histories: widen a tolerance, or run more (--replicates)."
    return fitted("Futures after each moment, in %", headings, rows, width, caption)


def _heading(figure: Figure) -> str:
    """Return the heading of a figure's column, with its unit if it is not a share."""
    words = figure.words.removeprefix("a ")
    if figure.unit != "share":
        words += f", {figure.unit or 'value'}"
    return fill(words, 10, break_long_words=False)


def _cell(figure: Figure) -> Text:
    """Return a figure with its interval below it: a share in per cent, or another measure in its unit."""

    def write(value: float) -> str:
        return text.percent(value) if figure.unit == "share" else text.number(value, 2)

    return Text(f"{write(figure.estimate)}\n{write(figure.lower)}–{write(figure.upper)}")


@style.styled
def draw_nowcast(result: Nowcast) -> ChartFigure:
    """Draw the curve from the last moment on, and left of it the answers at several moments, with 95% intervals."""
    figure = style.new_figure(height=72.0)
    last = result.answers[-1]
    if len(result.answers) > 1:
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
        _draw_days(figure, left, result)
    else:
        right = figure.subplots()
    drawn = last.hours <= 24 * SHOWN_DAYS
    days, (estimate, lower, upper) = (last.at + last.hours[drawn]) / 24, 100 * last.curve[drawn].T
    pale = style.tint(style.BLACK, 0.15)
    right.fill_between(days, lower, upper, color=pale, step="post")
    right.step(days, estimate, where="post", **style.scenario_line(0))
    limits = {"share": estimate / 100, "lower": lower / 100, "upper": upper / 100}
    style.keep(right, what=f"{last.awaited}, from the last moment on", days=days, **limits)
    right.set_ylim(0.0, 100.0)
    date_axis(right, result.scenario.start, days[0], days[-1], dates=6)
    day = text.day_and_month(result.scenario.moment(last.at))
    right.set_title(f"A {last.awaited} from {day} on", pad=style.TITLE_PAD_OVER_MARKS)
    right.set_ylabel("% of futures")
    if last.real:
        real = (last.at + last.real[0]) / 24
        style.mark_moment(right, real, f"the real {last.awaited}", "left")
    return figure


def _draw_days(figure: style.Chart, axes: Axes, result: Nowcast) -> None:
    days, ends = [answer.at / 24 for answer in result.answers], []
    for position, number in enumerate((3, 2, 1, None)):
        line = style.scenario_line(position)
        figures = [
            x.figures[x.war if number is None else min(number, x.war - 1)] for x in result.answers
        ]
        limits = 100 * np.array([(x.lower, x.estimate, x.upper) for x in figures]).T
        errors = np.maximum(np.diff(limits, axis=0), 0.0)
        axes.errorbar(days, limits[1], errors, marker="o", markersize=2.5, elinewidth=0.7, **line)
        shares = dict(zip(("lower", "share", "upper"), limits / 100, strict=True))
        style.keep(axes, what=figures[-1].words, days=days, **shares)
        name = "war" if number is None else figures[-1].words.split("within ")[-1]
        ends.append((float(limits[1, -1]), name, line))
    margin = 0.04 * (days[-1] - days[0])
    axes.set_ylim(0.0, 100.0)
    date_axis(axes, result.scenario.start, days[0] - margin, days[-1] + margin, dates=6)
    style.label_ends(figure, axes, ends)
    axes.set_title(f"A {result.answers[-1].awaited} within some days, or war, by moment of asking")
    axes.set_ylabel("% of futures")


def write_nowcast(result: Nowcast, folder: Path) -> list[Path]:
    """Write the numbers, evidence and chart of a nowcast to a folder.

    Raises:
        OSError: if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("nowcast.json", "evidence.yaml")]
    content = json.dumps(result.plain(), indent=1, ensure_ascii=False)
    write_durably(files[0], f"{content}\n".encode())
    write_durably(files[1], result.evidence.text.encode())
    return [*files, *style.write(draw_nowcast(result), folder / "nowcast")]
