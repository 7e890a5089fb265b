"""What now, given what has been seen: simulated histories filtered by dated evidence, and their futures.

All histories are run once, to the end; those that meet the evidence are kept, and their own futures are the answer
(rejection). Where fewer than `ENOUGH` are left, a particle filter goes on (Gordon, Salmond and Smith 1993): from the last
moment at which many still met all that was seen, these are run again; at each further check those that meet it are drawn
anew, with the same past and fresh luck. Particles that descend from one history share its parameters, so that errors are
those of clusters by ancestor (Lee and Whiteley 2018), and the effective number of histories is that of ancestors, weighted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as ChartFigure
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from crisis_sim import style, text
from crisis_sim.batch.block import free_model
from crisis_sim.batch.files import BatchError, finite_or_none, write_durably
from crisis_sim.batch.manifest import versions
from crisis_sim.history.evidence import Evidence, load_evidence, times_of
from crisis_sim.model import CrisisModel
from crisis_sim.outcomes.durations import HALT, RELAPSED, TRIGGER, Clock, Rows
from crisis_sim.outcomes.intervals import normal_quantile, wilson_interval
from crisis_sim.outcomes.measures import Columns, Measure, Reading
from crisis_sim.outcomes.names import NAMES
from crisis_sim.report.answers import WIDTH, fitted
from crisis_sim.report.charts import date_axis
from crisis_sim.report.real_path import real_record
from crisis_sim.scenario.load import load_scenario
from crisis_sim.scenario.schema import Scenario
from crisis_sim.version import __version__

#: Histories run together, and those that are enough for an answer without a particle filter.
BLOCK, ENOUGH = 4_096, 1_000
#: Particles of the filter, and futures of a moment that it answers for.
PARTICLES, FUTURES = 50_000, 10_000
#: Below so many effective histories, a warning.
FEW = 200
#: Hours from now on within which a ceasefire is asked for.
MOMENTS = (24, 72, 168, 336, 720)
#: Standard errors from which a parameter counts as moved: with a hundred of them, one in twenty by chance.
MOVED = 3.5
#: Crises of which a parameter's values before the evidence are taken.
_PRIOR = 4_000
#: Parameters that are printed, and days of the curve that are drawn; the folder holds all.
SHOWN, SHOWN_DAYS = 6, 21

#: Called with the histories done, and those in all.
Progress = Callable[[int, int], None]


class NoHistoryError(BatchError):
    """No history meets the evidence."""


@dataclass(frozen=True)
class Figure:
    """A share or another measure with its 95% interval."""

    name: str
    words: str
    estimate: float
    lower: float
    upper: float
    unit: str = "share"


@dataclass(frozen=True, eq=False)
class Answer:
    """What the histories that met all that was seen by a moment say of what comes then.

    Attributes:
        at: the moment, hours from the start.
        met: how many of all histories met the evidence by themselves.
        method: `rejection` or `particle filter`.
        futures, effective: futures that the answer is made of, and the effective number of histories behind them.
        awaited: what the curve is of: `ceasefire`, or `relapse` once a ceasefire was seen to be in effect.
        figures: shares and measures.
        hours, curve: the share in which it has come, by hours from the moment; columns estimate, lower and upper.
        real: hours until it really came, and the share in which it had come by then; None where that is not known.
        ancestors: the number of the history behind each future.
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
        """The place of war among the figures: before it is the share by each moment, after it are further measures."""
        return next(k for k, one in enumerate(self.figures) if one.name == "war")


@dataclass(frozen=True)
class Moved:
    """A parameter whose values the evidence has moved: 10%, 50% and 90% before and after, and standard errors."""

    path: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    errors: float


@dataclass(frozen=True, eq=False)
class Nowcast:
    """Answers at each moment.

    Attributes:
        scenario, evidence: of what, given what.
        histories, seed: how many were run, with which luck.
        answers: by moment.
        alone: of how many histories each line of evidence alone is true.
        moved: parameters that the evidence has moved by the last moment, the most moved first.
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
        """What keeps an answer from being sure."""
        few = {one: round(one.effective) for one in self.answers if one.effective < FEW}
        return [
            f"{self.when(one)}: only {text.plural(number, 'effective history', 'effective histories')}; "
            "widen a tolerance, or run more (--replicates)"
            for one, number in few.items()
        ]

    def when(self, answer: Answer) -> str:
        """An answer's moment."""
        return text.moment(self.scenario.moment(answer.at))

    def sentence(self, answer: Answer) -> str:
        """An answer in a sentence or two."""
        main, of = answer.figures[2], text.count(self.histories)
        behind = f"{text.count(answer.met)} of {of} histories met the evidence"
        if answer.method != "rejection":
            behind += f", and a particle filter continued from them, with {answer.effective:,.0f} effective histories"
        told = (
            f"On {self.when(answer)}: {main.words} in {text.percent(main.estimate)}% of futures "
            f"(95% interval {text.limits(100 * main.lower, 100 * main.upper, 1, '%')}); {behind}."
        )
        if answer.real:
            hours, share = text.duration(answer.real[0]), text.percent(answer.real[1])
            told += f" The real one came {hours} later; by then it had come in {share}% of futures."
        return told

    def plain(self) -> dict[str, Any]:
        """All of it, fit for JSON."""
        seen = zip(self.evidence.seen, self.alone, strict=True)
        return {
            "scenario": self.scenario.name,
            "digest": self.scenario.digest,
            "evidence": self.evidence.title,
            "histories": self.histories,
            "seed": self.seed,
            "versions": versions(),
            "given": [{"words": x.words, "line": x.line, "alone": count} for x, count in seen],
            "answers": finite_or_none([self._plain(one) for one in self.answers]),
            "moved": [vars(one) for one in self.moved],
            "warnings": self.warnings,
        }

    def _plain(self, one: Answer) -> dict[str, Any]:
        estimate, lower, upper = one.curve.T.tolist()
        limits = {"estimate": estimate, "lower": lower, "upper": upper}
        return {
            "at": self.scenario.moment(one.at).isoformat(),
            **{name: getattr(one, name) for name in ("met", "method", "futures")},
            "effective": round(one.effective, 1),
            "sentence": self.sentence(one),
            "figures": [vars(figure) for figure in one.figures],
            "curve": {"of": one.awaited, "hours": one.hours.tolist(), **limits},
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
    """What comes, given what has been seen so far.

    Args:
        scenario: a scenario, a file, or the name of a shipped one.
        given: evidence, a file of it, or the name of what comes with Crisis Sim.
        at: moments to ask at, such as `2025-05-09T08:00`, in place of the evidence's.
        replicates: histories to run.
        seed, roles, agents: as for `simulate`.
        workers: threads to use.
        progress: called as histories are done.
        enough: histories that are enough without a particle filter.
        particles: of the filter.

    Raises:
        ScenarioError: when the scenario or the evidence has mistakes.
        NoHistoryError: when no history meets the evidence.
    """
    scenario = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    classes: dict[str, Any] = {"roles": roles, "agents": tuple(agents)}
    if not isinstance(given, Evidence):
        given = load_evidence(given, scenario, Columns.of(scenario, agents=agents, roles=roles), at)
    histories = run_histories(scenario, given, replicates, seed, workers, classes, progress)
    answers = histories.answers(enough, particles)
    moved = _moved(histories, answers[-1])
    alone = tuple(int(one.sum()) for one in histories.met)
    return Nowcast(scenario, given, replicates, seed, answers, alone, moved)


@dataclass
class Histories:
    """Histories run to their ends, and which evidence each of them meets.

    Attributes:
        met: whether each line of evidence is true of each history, shape (lines, histories).
        times: when the events of the evidence came, by name.
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
        """How many there are."""
        return int(self.met.shape[1])

    def seen_by(self, now: float) -> list[int]:
        """The evidence that there is by a moment."""
        return [k for k, one in enumerate(self.evidence.seen) if one.at <= now]

    def meeting(self, now: float) -> NDArray[np.bool_]:
        """The histories that meet all that was seen by a moment."""
        found = np.ones(self.size, bool)
        for k in self.seen_by(now):
            one = self.evidence.seen[k]
            found &= self.met[k] if one.is_look or one.high <= now else one.holds(self.times, now)
        return found

    def still_meeting(self, now: float) -> NDArray[np.bool_]:
        """The histories that may still meet all evidence, as of a moment."""
        known = [k for k, one in enumerate(self.evidence.seen) if one.known_at <= now]
        return np.asarray(self.met[known].all(axis=0))

    def answers(self, enough: int, particles: int) -> tuple[Answer, ...]:
        """The answer at each moment of the evidence."""
        found: dict[float, Answer] = {}
        counts = {}
        for day in self.evidence.days:
            rows = np.flatnonzero(self.meeting(day))
            counts[day] = rows.size
            if rows.size >= enough:
                columns = {name: one[rows] for name, one in self.columns.items()}
                ancestors = rows.astype(np.uint64)
                found[day] = self.answer(day, columns, ancestors, rows.size, "rejection")
        thin = [day for day in self.evidence.days if day not in found]
        for day, columns, ancestors in self._filtered(thin, particles):
            found[day] = self.answer(day, columns, ancestors, counts[day], "particle filter")
        return tuple(found[day] for day in self.evidence.days)

    def _filtered(self, days: Sequence[float], particles: int) -> Any:
        """The futures of a particle filter at some moments: each moment, outcomes and ancestors."""
        if not days:
            return
        seen, last = self.evidence.seen, days[-1]
        checks = sorted({*days, *(one.known_at for one in seen if one.known_at <= last)})
        start, numbers = self._start(checks, days[0], particles)
        model = CrisisModel(self.scenario, numbers, self.seed, **self.classes)
        live = np.ones(model.rows, bool)
        for step, now in enumerate(checks[start:], start):
            model.go_on(now / 24)
            came = times_of(model)
            for one in (one for one in seen if one.known_at == now):
                live &= one.is_seen(model) if one.is_look else one.holds(came)
            if now in days:
                told = [seen[k].holds(came, now) for k in self.seen_by(now) if not seen[k].is_look]
                met = np.flatnonzero(np.logical_and.reduce([live, *told]))
                futures = model.branch(self._spread(met, FUTURES, now), salt=2 * step + 1)
                futures.go_on(self.scenario.horizon_days)
                yield now, futures.outcomes(), futures.replicate
            if live.sum() * 2 < particles and now != last:
                rows = self._spread(np.flatnonzero(live), particles, now)
                model = model.branch(rows, salt=2 * step + 2)
                live = np.ones(model.rows, bool)

    def _start(
        self, checks: Sequence[float], before: float, particles: int
    ) -> tuple[int, NDArray[np.uint64]]:
        """The last check, up to a moment, that enough histories meet for a particle filter to go on from; and those."""
        start, numbers = 0, np.arange(self.size)
        for step, now in enumerate(checks):
            met = np.flatnonzero(self.still_meeting(now))
            if now > before or met.size * 20 < particles:
                break
            start, numbers = step, met
        return start, numbers[:particles].astype(np.uint64)

    def _spread(self, rows: NDArray[np.intp], number: int, now: float) -> NDArray[np.intp]:
        """So many of some rows, each as often as the others but for one."""
        if not rows.size:
            raise self.nobody(now)
        return np.asarray(rows[np.arange(number) * rows.size // number])

    def nobody(self, now: float) -> NoHistoryError:
        """The error that no history meets the evidence: which line left none, and how rare each is alone."""
        left, shares = np.ones(self.size, bool), []
        for k in self.seen_by(now):
            one, before = self.evidence.seen[k], int(left.sum())
            left &= self.met[k]
            shares.append(
                f"  line {one.line}: {one.words}: alone {text.percent(self.met[k].mean())}%, "
                f"after those above {text.count(int(left.sum()))} of {text.count(before)}"
            )
        when = text.moment(self.scenario.moment(now))
        listed = "\n".join(shares)
        return NoHistoryError(
            f"none of {text.count(self.size)} histories met all evidence by {when}, nor did any from a particle "
            f"filter:\n{listed}\nwiden a tolerance, or run more histories (--replicates)"
        )

    def answer(
        self,
        now: float,
        columns: Mapping[str, NDArray[Any]],
        ancestors: NDArray[np.uint64],
        met: int,
        method: str,
    ) -> Answer:
        """What some futures say."""
        halts = [one for one in self.evidence.seen if one.name == "ceasefire_in_effect"]
        halted = any(one.kind == "came" and one.at <= now for one in halts)
        rows, horizon = ancestors.size, self.scenario.horizon_hours
        clock, awaited = Clock(HALT, TRIGGER), "ceasefire"
        from_now = {**columns, TRIGGER: np.full(rows, now)}
        if halted:  # a relapse is counted from the halt on; here from now on
            clock, awaited = Clock(RELAPSED, HALT), "relapse"
            from_now[HALT] = np.full(rows, now)
        wanted = [
            Measure(f"{awaited}_within_{hours:g}_hours_from_now", f"a {awaited} within {text.duration(hours)}",
                    "within_hours", "share", clock=clock, hours=hours)
            for hours in [float(one) for one in MOMENTS if now + one <= horizon] or [horizon - now]
        ]  # fmt: skip
        reading, whole = Reading(Rows(from_now, horizon)), Reading(Rows(columns, horizon))
        _, cluster, counts = np.unique(ancestors, return_inverse=True, return_counts=True)
        effective = float(counts.sum() ** 2 / (counts.astype(float) ** 2).sum())
        asked = [(one, reading) for one in wanted]
        asked += [(one, whole) for one in (NAMES["war"], *self.evidence.measures)]
        figures = tuple(_figure(*one, cluster, effective) for one in asked)
        hours = np.linspace(0.0, max(horizon - now, 1.0), 481)
        share, widened = reading.curve(clock).at(hours), math.sqrt(rows / effective)
        middle = share.estimate
        lower = np.maximum(middle - widened * (middle - share.lower), 0.0)
        upper = np.minimum(middle + widened * (share.upper - middle), 1.0)
        record, real = real_record(self.scenario.plain()), None
        came = record.ceasefire_in_effect_at_hours if record and not halted else None
        if came is not None and came > now:
            real = came - now, float(reading.curve(clock).at(came - now).estimate)
        curve = np.stack([middle, lower, upper], axis=1)
        return Answer(
            now, met, method, rows, effective, awaited, figures, hours, curve, real, ancestors,
        )  # fmt: skip


def _figure(
    measure: Measure, reading: Reading, cluster: NDArray[np.intp], effective: float
) -> Figure:
    """A measure of futures with an interval that knows of common ancestors: the `cluster` of each."""
    found = measure.read(reading)
    pull = np.where(np.isfinite(found.influence), found.influence, 0.0)
    estimate = float(found.estimate)
    error = math.sqrt((np.bincount(cluster, pull) ** 2).sum()) / pull.size
    if found.is_share:
        bound = estimate * (1.0 - estimate)
        number = bound / error**2 if error > 0 and bound > 0 else effective
        lower, upper = map(float, wilson_interval(estimate * number, number))
    else:
        reach = normal_quantile() * error
        lower, upper = estimate - reach, estimate + reach
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
    """Run histories to their ends, and hold the evidence against each of them."""
    classes = classes or {}
    needed = {HALT, RELAPSED, TRIGGER, "war_at_hours", *Clock(HALT, TRIGGER).columns}
    needed |= {name for one in evidence.measures for name in one.columns}
    events = {one.name for one in evidence.seen if not one.is_look} | {"first_strike_by"}
    looks = [(k, one) for k, one in enumerate(evidence.seen) if one.is_look]

    def run(first: int) -> tuple[Any, ...]:
        count = min(BLOCK, replicates - first)
        model = CrisisModel(scenario, count, seed, first, **classes)
        met = np.ones((len(evidence.seen), count), bool)
        for at in sorted({one.at for _, one in looks}):
            model.go_on(at / 24)
            for k, one in looks:
                if one.at == at:
                    met[k] = one.is_seen(model)
        model.go_on(scenario.horizon_days)
        times = times_of(model)
        for k, one in enumerate(evidence.seen):
            if not one.is_look:
                met[k] = one.holds(times)
        outcomes = model.outcomes()
        free_model(model)
        return met, {one: times[one] for one in events}, {one: outcomes[one] for one in needed}

    blocks = []
    with ThreadPoolExecutor(workers) as pool:
        for block in pool.map(run, range(0, replicates, BLOCK)):
            blocks.append(block)
            if progress is not None:
                progress(min(len(blocks) * BLOCK, replicates), replicates)
    met, *others = zip(*blocks, strict=True)
    joined = ({x: np.concatenate([one[x] for one in of]) for x in of[0]} for of in others)
    return Histories(scenario, evidence, seed, classes, np.concatenate(met, axis=1), *joined)


def _moved(histories: Histories, answer: Answer) -> tuple[Moved, ...]:
    """The parameters that the evidence has moved: by their mean rank among values before it."""
    numbers, weights = np.unique(answer.ancestors, return_counts=True)
    if numbers.size > _PRIOR:
        numbers, weights = numbers[:_PRIOR], weights[:_PRIOR]
    effective = weights.sum() ** 2 / (weights.astype(float) ** 2).sum()
    first = np.arange(min(histories.size, _PRIOR), dtype=np.uint64)
    before, after = (
        drawn_values(CrisisModel(histories.scenario, one, histories.seed, **histories.classes))
        for one in (first, numbers)
    )
    found = []
    for path, values in before.items():
        held, later = np.sort(values), after[path]
        ranks = sum(np.searchsorted(held, later, side) for side in ("left", "right"))
        shift = np.average(ranks / (2 * held.size), weights=weights) - 0.5
        spread = math.sqrt((1.0 / effective + 1.0 / held.size) / 12.0)
        if abs(shift) > MOVED * spread:
            both = (values, np.repeat(later, weights))
            was, now = (tuple(map(float, np.quantile(one, (0.1, 0.5, 0.9)))) for one in both)
            found.append(Moved(path, was, now, float(shift / spread)))
    return tuple(sorted(found, key=lambda one: -abs(one.errors)))


def drawn_values(model: CrisisModel) -> dict[str, NDArray[np.float64]]:
    """The parameters that differ from crisis to crisis, by path."""
    held = {f"ladder.{k}": one for k, one in enumerate(model.rungs)}
    held |= {"behaviour": model.behaviour, **model.numbers}
    found = {}
    for path, numbers in held.items():
        for name, value in vars(numbers).items():
            several = value.items() if isinstance(value, dict) else [("", value)]
            for key, one in several:
                if np.ndim(one):
                    found[f"{path}.{name}{key and f'.{key}'}"] = np.asarray(one, np.float64)
    return found


# --- On a terminal, as a chart and in a folder


def print_nowcast(cast: Nowcast, console: Console) -> None:
    """Print a nowcast for a person: answers by moment, the last one in words, what the evidence has moved."""
    width = min(console.width, WIDTH)

    def say(words: str, **how: Any) -> None:
        console.print(Text(words, **how), width=width)

    last = cast.answers[-1]
    say(cast.evidence.title, style="bold")
    say(cast.sentence(last))
    console.print()
    shown = sorted({min(k, last.war) for k in (0, 2)} | {last.war})
    rows = []
    for one in cast.answers:
        at = cast.scenario.moment(one.at)
        counts = Text(f"{text.count(one.met)}\n{text.count(one.effective)}")
        shares = [_share(one.figures[k]) for k in (*shown[:-1], one.war)]
        rows.append((f"{text.day_and_month(at)}, {at:%H:%M}", counts, *shares))
    heads = [fill(last.figures[k].words.removeprefix("a "), 10) for k in shown[:-1]]
    headings = ("asked on", "histories,\neffective", *heads, "war")
    title = "What comes after each moment, in % of futures"
    table = fitted(title, headings, rows, width, "Below each, its 95% interval.")
    console.print(table, width=width)
    for figure in last.figures[last.war + 1 :]:
        is_share = figure.unit == "share"
        scale, digits, unit = (100, 1, "%") if is_share else (1, 2, f" {figure.unit}".rstrip())
        limits = text.limits(scale * figure.lower, scale * figure.upper, digits)
        say(f"{figure.words}: {text.number(scale * figure.estimate, digits)}{unit} ({limits})")
    if len(cast.answers) > 1 and (came := [one.real for one in cast.answers if one.real]):
        falls = text.listed([f"{text.percent(share)}%" for _, share in came])
        told = "By the time of the real one, it had come in these shares of futures, row by row"
        say(f"\n{told}: {falls}.")
    if cast.moved:
        say("\nParameters whose distribution the evidence has moved (median before and after):")
        for moved in cast.moved[:SHOWN]:
            say(f"  {moved.path}: {moved.before[1]:.3g} to {moved.after[1]:.3g}")
        if len(cast.moved) > SHOWN:
            say(f"  and {len(cast.moved) - SHOWN} more, in nowcast.json")
    for warning in cast.warnings:
        say(f"\n{text.sentence(warning)}", style="bold")
    say(
        f"\n{text.count(cast.histories)} histories of {cast.scenario.name} (digest {cast.scenario.digest[:12]}), seed "
        f"{cast.seed}, Crisis Sim {__version__}. These are futures of the model, not a forecast.",
        style="dim",
    )


def _share(one: Figure) -> Text:
    limits = f"{text.percent(one.lower)}–{text.percent(one.upper)}"
    return Text(f"{text.percent(one.estimate)}\n{limits}")


@style.styled
def draw_nowcast(cast: Nowcast) -> ChartFigure:
    """The curve from the last moment on; beside it, of several, the answers as the days went by, with 95% intervals."""
    figure = style.new_figure(height=72.0)
    last = cast.answers[-1]
    if len(cast.answers) > 1:
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
        _draw_days(figure, left, cast)
    else:
        right = figure.subplots()
    shown = last.hours <= 24 * SHOWN_DAYS
    days, (middle, lower, upper) = (last.at + last.hours[shown]) / 24, 100 * last.curve[shown].T
    pale = style.tint(style.BLACK, 0.15)
    right.fill_between(days, lower, upper, color=pale, step="post")
    right.step(days, middle, where="post", **style.scenario_line(0))
    limits = {"share": middle / 100, "lower": lower / 100, "upper": upper / 100}
    style.keep(right, what=f"{last.awaited}, from the last moment on", days=days, **limits)
    right.set_ylim(0.0, 100.0)
    date_axis(right, cast.scenario.start, days[0], days[-1], dates=6)
    day = text.day_and_month(cast.scenario.moment(last.at))
    right.set_title(f"A {last.awaited} from {day} on", pad=style.TITLE_PAD_OVER_MARKS)
    right.set_ylabel("% of futures")
    if last.real:
        style.mark_moment(right, (last.at + last.real[0]) / 24, "it really came", "left")
    return figure


def _draw_days(figure: style.Chart, axes: Axes, cast: Nowcast) -> None:
    days, ends = [one.at / 24 for one in cast.answers], []
    for place, number in enumerate((3, 2, 1, None)):
        line = style.scenario_line(place)
        shown = [
            one.figures[one.war if number is None else min(number, one.war - 1)]
            for one in cast.answers
        ]
        limits = 100 * np.array([(one.lower, one.estimate, one.upper) for one in shown]).T
        reach = np.maximum(np.diff(limits, axis=0), 0.0)
        axes.errorbar(days, limits[1], reach, marker="o", markersize=2.5, elinewidth=0.7, **line)
        found = dict(zip(("lower", "share", "upper"), limits / 100, strict=True))
        style.keep(axes, what=shown[-1].words, days=days, **found)
        name = "war" if number is None else shown[-1].words.split("within ")[-1]
        ends.append((float(limits[1, -1]), name, line))
    room = 0.04 * (days[-1] - days[0])
    axes.set_ylim(0.0, 100.0)
    date_axis(axes, cast.scenario.start, days[0] - room, days[-1] + room, dates=6)
    style.label_ends(figure, axes, ends)
    axes.set_title(f"A {cast.answers[-1].awaited} within so many days, or war, by when asked")
    axes.set_ylabel("% of futures")


def write_nowcast(cast: Nowcast, folder: Path) -> list[Path]:
    """Write a nowcast to a folder: its numbers, its evidence and its chart.

    Raises:
        OSError: when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("nowcast.json", "evidence.yaml")]
    write_durably(files[0], f"{json.dumps(cast.plain(), indent=1, ensure_ascii=False)}\n".encode())
    write_durably(files[1], cast.evidence.text.encode())
    return [*files, *style.write(draw_nowcast(cast), folder / "nowcast")]
