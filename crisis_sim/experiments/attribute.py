"""Attribute: what ended it? Every combination of some parts, there or taken away, on the same luck.

With `n` parts there are `2**n` combinations, each a scenario of its own in one batch. Shapley values
share out what all parts together change in an outcome; interaction indices say which parts help each
other and which can stand in for each other. Intervals come from the influence of each replicate on
every combination, so that luck which all combinations share does not count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, combinations, compress, permutations, product
from math import comb
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from crisis_sim import text
from crisis_sim.experiments import phrases, plots
from crisis_sim.experiments.design import (
    FIGURES,
    FITS,
    finite_or_none,
    fits_row,
    run_points,
    table_of,
)
from crisis_sim.experiments.factors import ScenarioEditor, Values, check_change, overlaps
from crisis_sim.experiments.plots import style
from crisis_sim.experiments.spec import (
    Experiment,
    Findings,
    MeasuringSpec,
    Reading,
    RunOptions,
    entry,
)
from crisis_sim.outcomes.intervals import CONFIDENCE, Measured, normal_quantile
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.outcomes.over_fits import Fits, OverFits, over_sets
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.schema import Scenario
from crisis_sim.text import decimals, excludes_zero, is_known, limits, replicates_to_tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Chart

#: Paths of what is taken out, or changes as `--set` has them; one may stand alone.
Changes = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    Field(min_length=1),
]


class AttributeSpec(MeasuringSpec):
    """What ended it, by parts."""

    kind: Literal["attribute"] = entry("what kind of experiment it is")
    parts: dict[str, Changes] = Field(
        min_length=1,
        max_length=10,  # a thousand combinations
        description="each part by a name of your own: what is taken out of the scenario, or how it "
        "is changed, where the part is not there",
    )


SPEC = AttributeSpec


def check(spec: AttributeSpec, reading: Reading) -> Iterator[Mistake]:
    whole = ScenarioEditor(reading.scenario)
    if wrong := [*_wrong_parts(spec, reading, whole)]:
        yield from wrong
        return
    try:
        left = whole.with_changes([*chain(*spec.parts.values())], whole.name)
    except ScenarioError as error:
        # Each can be taken away, but not all of them.
        for mistake in error.mistakes:
            message = f"not all parts can be taken away at once: {mistake.message}"
            yield reading.node_at("parts").label.mistake(message, mistake.expected)
        return
    kinds = Columns.of(reading.scenario, left, agents=reading.agents, roles=reading.roles).kinds
    for k in range(len(spec.outcomes)):
        with suppress(ScenarioError):  # which has been told of
            columns = reading.measure("outcomes", k).columns
            for lost in [column for column in columns if column not in kinds][:1]:
                message = f"no outcome '{lost}' where parts are taken away"
                expected = "an outcome that every combination has"
                yield reading.node_at("outcomes", k).place.mistake(message, expected)


def _wrong_parts(spec: AttributeSpec, reading: Reading, whole: ScenarioEditor) -> Iterator[Mistake]:
    for name, changes in spec.parts.items():
        if not text.clean(name).strip() or name in ("point", "scenario"):  # columns of the table
            message = f"a part cannot be called '{name}'"
            yield reading.node_at("parts", name).label.mistake(message, "a name of your own")
        for k, change in enumerate(changes):
            # Where one stands alone the path leads to it, for there is no list to go into.
            yield from check_change(whole, change, reading.node_at("parts", name, k))
    placed = [(name, *one) for name, changes in spec.parts.items() for one in enumerate(changes)]
    for (first, _, one), (second, k, other) in combinations(placed, 2):
        if overlaps(one, other):
            whose = "this part" if first == second else f"part '{first}'"
            message = f"'{other}' is in {whose} already, as '{one}'"
            yield reading.node_at("parts", second, k).place.mistake(
                message, "parts that do not overlap"
            )


def crises(experiment: Experiment) -> int:
    spec: Any = experiment.spec
    return int(spec.replicates) << len(spec.parts)


def run(experiment: Experiment, options: RunOptions) -> Findings:
    import pyarrow as pa

    spec: Any = experiment.spec
    design = run_points(experiment, options, {}, scenarios_of(experiment))
    parts, numbers, measures = list(spec.parts), range(design.points), experiment.measures
    shared = {one.name: attribute(design.measured[one.name], design.fits) for one in measures}
    found = {name: one.plain(parts) for name, one in shared.items()}
    summary: dict[str, Any] = {
        "parts": [{"name": name, "taken_out": [*changes]} for name, changes in spec.parts.items()],
        "combinations": design.points,
        "replicates": design.replicates,
        "measures": [one.about() for one in measures],
        "attributions": found,
        **({"fits": len(design.fits.weights)} if design.fits else {}),
    }
    *told, sure = answer(measures, parts, list(shared.values()), spec.replicates)
    there = {part: [bool(n >> k & 1) for n in numbers] for k, part in enumerate(parts)}
    figures, pairs = [], []
    for name, one in found.items():
        for part, of in one["parts"].items():
            figures += [{"measure": name, "part": part, "figure": key, **of[key]} for key in of]
        for pair in one["interactions"]:
            first, other = pair["parts"]
            pairs.append({"measure": name, "part": first, "with": other, **pair})
    for row in (*figures, *pairs):
        row.update(fits_row(row.get("over_fits")))
    columns = (*FIGURES, *(FITS if design.fits else ()))
    tables = {
        "points": pa.table({"point": numbers, "scenario": design.scenarios, **there}),
        "measures": design.measure_table(),
        "attributions": table_of(figures, ("measure", "part", "figure"), floats=columns),
        "interactions": table_of(pairs, ("measure", "part", "with"), floats=columns),
    }
    said = (*told, sure + phrases.explain_fits(design.fits))
    return Findings(experiment, said, tables, summary, design.crises)


def scenarios_of(experiment: Experiment) -> list[Scenario]:
    """The scenario of each combination of parts, in the order of their numbers."""
    spec: Any = experiment.spec
    whole = ScenarioEditor(experiment.scenario)
    found = []
    for backwards in product((True, False), repeat=len(spec.parts)):
        gone = backwards[::-1]  # the first part is the lowest bit, so that it changes fastest
        name = combination_name([not one for one in gone])
        found.append(whole.with_changes([*chain(*compress(spec.parts.values(), gone))], name))
    return found


def combination_name(present: Sequence[bool]) -> str:
    """The name of a combination's scenario: `parts_10110`, a digit for each part in order."""
    return "parts_" + "".join("1" if here else "0" for here in present)


# Cooperative games: shares of parts in their joint effect
#
# A game says what every combination of `n` parts is worth: the combination is a number whose bit `k` says
# whether part `k` is in it. Worths are arrays `(2**n, ...)`; what holds for them holds for the influence of
# each replicate on them, along further axes. Everything is built from differences that one part, or two,
# make: a part that makes none in any combination gets exactly nothing.
#
# L. S. Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II, 307-317.
# M. Grabisch and M. Roubens (1999), "An axiomatic approach to the concept of interaction among players in
# cooperative games", International Journal of Game Theory 28, 547-565.


def _without(worth: Values, *parts: int) -> NDArray[np.int64]:
    """The combinations that have none of some parts."""
    numbers = np.arange(len(worth))
    return np.asarray(numbers[numbers & sum(1 << part for part in parts) == 0])


def _average(differences: Values, without: NDArray[np.int64], parts: int) -> Values:
    """The mean of differences that a part makes to combinations without it, over all orders of parts.

    In one order of `parts * comb(parts - 1, size)` just those of a combination come before it.
    """
    weights = [1.0 / (parts * comb(parts - 1, int(one).bit_count())) for one in without]
    return np.asarray(np.tensordot(np.array(weights), differences, axes=1))


def marginals(worth: Values, part: int) -> Values:
    """Marginal contributions of a part to each combination of the others, `(2**(n-1), ...)`, in their order."""
    without = _without(worth, part)
    return np.asarray(worth[without | 1 << part] - worth[without])


def shapley(worth: Values) -> Values:
    """Each part's Shapley value, `(n, ...)`: what it adds on average over all orders; they add up to the whole."""
    parts = len(worth).bit_length() - 1
    each = [_average(marginals(worth, k), _without(worth, k), parts) for k in range(parts)]
    return np.stack(each)


def interactions(worth: Values) -> dict[tuple[int, int], Values]:
    """The Shapley interaction index of every pair of parts, by their numbers, the lower first.

    How much more one adds where the other is there, on average over orders of the others with the pair as
    one: above 0 where they help each other, below 0 where one can stand in for the other.
    """
    parts, found = len(worth).bit_length() - 1, {}
    for first, second in combinations(range(parts), 2):
        without = _without(worth, first, second)
        one, other = without | 1 << first, without | 1 << second
        extra = (worth[one | other] - worth[other]) - (worth[one] - worth[without])
        # A pair taken as one leaves a game of one part less.
        found[first, second] = _average(extra, without, parts - 1)
    return found


# Contributions of parts to an outcome, with intervals from paired luck
#
# All figures are sums over combinations of parts; their errors follow from the influence of each replicate on
# every combination, summed alike, so that luck which is in all combinations cancels out. Limits are normal; of
# shares they are adjusted as if two more replicates had come, in which the sum was +1 and -1, so that a part
# which changed nothing in any replicate gets a value of exactly 0 and still an interval (A. Agresti and Y. Min
# 2005, "Simple improved confidence intervals for comparing matched proportions", Statistics in Medicine 24,
# 729-740).


@dataclass(frozen=True)
class Figure:
    """A figure with its confidence limits, NaN where it is not known, and how it moves over fits."""

    estimate: float
    lower: float
    upper: float
    standard_error: float
    over: OverFits | None = None

    @property
    def holds_zero(self) -> bool:
        """Whether it may be nothing, as far as the replicates tell; also where it is not known."""
        return not excludes_zero(self.lower, self.upper)

    @property
    def way(self) -> int:
        """1 where it is surely above zero, -1 where below, 0 where neither."""
        return int(self.lower > 0.0) - int(self.upper < 0.0)

    def __neg__(self) -> Figure:
        over = self.over and replace(self.over, lower=-self.over.upper, upper=-self.over.lower)
        return Figure(-self.estimate, -self.upper, -self.lower, self.standard_error, over)

    def plain(self) -> dict[str, Any]:
        """The figure fit for JSON."""
        found: dict[str, Any] = {key: finite_or_none(getattr(self, key)) for key in FIGURES}
        return found | ({"over_fits": self.over.plain()} if self.over else {})


@dataclass(frozen=True)
class Attribution:
    """An outcome shared out among parts.

    Attributes:
        nothing, everything: the outcome where none of the parts is there, and where all are.
        total: the difference, which the Shapley values add up to.
        parts: for each part, in order: `shapley`, what it adds on average over all orders in which
            parts could come in; `alone`, what it brings where there is no other; `but_for`, what is
            lost where it alone is taken away.
        interactions: by the numbers of two parts, the lower first, their interaction index.
        leads: by the numbers of two parts, how far the first's Shapley value is above the second's.
        overlap: the total less the sum of `but_for`; of the sign of the total where parts do each other's work.
        idle: for each part whether, in every combination of the others, it changes no replicate.
        unknown: combinations in which the outcome is unknown or infinite; then so are the Shapley values.
    """

    nothing: Figure
    everything: Figure
    total: Figure
    parts: tuple[dict[str, Figure], ...]
    interactions: dict[tuple[int, int], Figure]
    leads: dict[tuple[int, int], Figure]
    overlap: Figure
    idle: tuple[bool, ...]
    unknown: int

    @property
    def order(self) -> list[int]:
        """Numbers of the parts, the one with the largest Shapley value first."""
        sizes = [-abs(part["shapley"].estimate) for part in self.parts]
        unknown = any(map(math.isnan, sizes))
        return sorted(range(len(sizes)), key=lambda k: 0.0 if unknown else sizes[k])

    def plain(self, names: Sequence[str]) -> dict[str, Any]:
        """The attribution fit for JSON, with names for its parts."""
        parts = ({key: one.plain() for key, one in figures.items()} for figures in self.parts)
        return {
            **{key: getattr(self, key).plain() for key in ("nothing", "everything", "total")},
            "combinations_unknown": self.unknown,
            "parts": dict(zip(names, parts, strict=True)),
            "interactions": [
                {"parts": [names[k] for k in pair], **figure.plain()}
                for pair, figure in self.interactions.items()
            ],
            "order": [names[k] for k in self.order],
        }


def attribute(measured: Measured, fits: Fits | None = None) -> Attribution:
    """Share out an outcome, which was measured in every combination of the parts, in their order."""
    fits = fits if measured.is_share or measured.is_mean else None
    worth = np.where(np.isfinite(measured.estimate), measured.estimate, np.nan)
    pull = np.where(np.isfinite(measured.influence), measured.influence, 0.0)
    size, of = pull.shape[-1], int(measured.of.min())
    if fits:  # whatever is summed over combinations is summed of both
        pull = np.concatenate([pull, fits.within(measured)], axis=-1)
    # A quantile between too few values has no error, and no influence either: nothing says how sure it is.
    errors = measured.standard_error[np.isfinite(worth)]
    sure = measured.is_share or not np.isnan(errors).any()

    def figure(estimate: Any, influence: Any) -> Figure:
        if not np.isfinite(estimate) or of == 0:
            return Figure(np.nan, np.nan, np.nan, np.nan)
        over = over_sets(float(estimate), [(fits, influence[size:])]) if fits else None
        found = influence[:size]
        centre = float(estimate)
        error = spread = float(np.sqrt(np.mean(found**2) / size))
        if measured.is_share:
            centre = centre * of / (of + 2)
            spread = float(np.hypot(of * error, 1.0)) / (of + 2)
        if not sure or size < 2:  # one replicate says nothing of how replicates differ
            error = spread = np.nan
        reach = normal_quantile() * spread
        return Figure(float(estimate), centre - reach, centre + reach, error, over)

    def level(combination: int) -> Figure:
        at, lower, upper, error = (float(getattr(measured, name)[combination]) for name in FIGURES)
        bounds = (0.0, 1.0) if measured.is_share else (-math.inf, math.inf)
        parts = [(fits, pull[combination, size:])] if fits else []
        return Figure(at, lower, upper, error, over_sets(at, parts, bounds) if parts else None)

    parts = range(len(worth).bit_length() - 1)
    added, pulled = ([marginals(one, k) for k in parts] for one in (worth, pull))
    value, influence = shapley(worth), shapley(pull)
    pairs, pulls = interactions(worth), interactions(pull)
    total = worth[-1] - worth[0], pull[-1] - pull[0]
    lost = [np.stack([one[-1] for one in each]).sum(axis=0) for each in (added, pulled)]
    return Attribution(
        nothing=level(0),
        everything=level(-1),
        total=figure(*total),
        parts=tuple(
            {
                "shapley": figure(value[k], influence[k]),
                "alone": figure(added[k][0], pulled[k][0]),
                "but_for": figure(added[k][-1], pulled[k][-1]),
            }
            for k in parts
        ),
        interactions={pair: figure(pairs[pair], pulls[pair]) for pair in pairs},
        leads={
            (j, k): figure(value[j] - value[k], influence[j] - influence[k])
            for j, k in permutations(parts, 2)
        },
        overlap=figure(total[0] - lost[0], total[1] - lost[1]),
        idle=tuple(not np.any(added[k]) and not np.any(pulled[k][..., :size]) for k in parts),
        unknown=int(np.isnan(worth).sum()),
    )


# The answer in sentences


def answer(
    measures: Sequence[Measure],
    parts: Sequence[str],
    attributions: Sequence[Attribution],
    replicates: int,
) -> Iterator[str]:
    """Sentences that answer what ended it, the first outcome at most length."""
    for place, (measure, one) in enumerate(zip(measures, attributions, strict=True)):
        yield _shared_out(measure, parts, one)
        if place == 0 and not one.unknown:
            yield from _who_leads(measure, parts, one, replicates)
            yield from _but_for(measure, parts, one)
            yield from _moved(parts, one)
        if not one.unknown:
            yield from _who_helps(measure, parts, one)
    yield (
        f"{text.count(1 << len(parts))} combinations of {text.count(replicates)} replicates, "
        "all with the same luck, 95% intervals; a part's share is its Shapley value: what it adds on "
        "average over all orders in which the parts could come in. It says what the model puts down "
        f"to it, not what the record proves. {text.count(4 * replicates)} replicates in each "
        "combination would about halve the intervals."
    )


def _shared_out(measure: Measure, parts: Sequence[str], one: Attribution) -> str:
    everyone = {1: parts[0], 2: "both parts"}.get(len(parts), f"all {len(parts)} parts")
    nobody = "without it" if len(parts) == 1 else "with none of them"
    sentence = (
        f"{text.capitalize(measure.subject)}: {_level(one.everything, measure)} with {everyone}, "
        f"{_level(one.nothing, measure)} {nobody}"
    )
    if one.unknown:
        return (
            f"{sentence}. It is never reached, or unknown, in {one.unknown} of {1 << len(parts)} "
            "combinations, so that it cannot be shared out; an earlier quantile of the time, or a "
            "share within a time, could be."
        )
    idle = [*compress(parts, one.idle)]
    none = f". No difference in any combination: {text.listed(idle)}" if idle else ""
    if idle == [*parts]:
        return f"{sentence}{none}."
    shares = [part["shapley"] for part in one.parts]
    digits = _digits(shares, measure)
    sentence += f": {_said(one.total, measure, _digits([one.total], measure))}"
    told = [k for k in one.order if not shares[k].holds_zero]
    hidden = [k for k in one.order if k not in told and not one.idle[k]]
    if told and len(parts) > 1:
        each = [f"{parts[k]} {_said(shares[k], measure, digits)}" for k in told]
        sentence += f". By part, {text.listed(each)}"
    if hidden:
        each = [f"{parts[k]} ({_limits(shares[k], measure, digits, sign=True)})" for k in hidden]
        sentence += f". No detectable effect: {text.listed(each)}"
    return f"{sentence}{none}."


def _who_leads(
    measure: Measure, parts: Sequence[str], one: Attribution, replicates: int
) -> Iterator[str]:
    shares = [part["shapley"] for part in one.parts]
    told = [k for k in one.order if not shares[k].holds_zero]
    first = one.order[0]
    raises = shares[first].estimate > 0.0
    rivals = {
        k: one.leads[(first, k) if raises else (k, first)]
        for k in one.order[1:]
        if not one.idle[k] and (shares[k].estimate > 0.0) == raises
    }
    if not told or not rivals:
        return
    close = next((k for k, lead in rivals.items() if lead.holds_zero), None)
    rival = next(iter(rivals)) if close is None else close
    lead = rivals[rival]
    ahead = _limits(lead, measure, _digits([lead], measure))
    if close is None:
        mixed = any((shares[k].estimate > 0.0) != raises for k in told)
        among = f" of those that {'raise' if raises else 'lower'} it" if mixed else ""
        ahead = phrases.with_fits(ahead, lead.over, measure.unit)
        yield f"The largest share{among} is that of {parts[first]}, ahead of {parts[rival]} by {ahead}."
        return
    sentence = f"Whether {parts[first]} or {parts[rival]} brings more cannot be told ({ahead})"
    sentence = phrases.with_fits(sentence, lead.over, measure.unit)
    if is_known(lead.lower) and is_known(lead.upper):
        needed = replicates_to_tell(lead.estimate, lead.lower, lead.upper, replicates)
        sentence += (
            f"; if it is as it looks, about {text.count(needed)} replicates would tell"
            if needed
            else ": if the two differ by as little as it looks, no practical number of replicates would"
        )
    yield f"{sentence}."


def _moved(parts: Sequence[str], one: Attribution) -> Iterator[str]:
    """With which parameters the shares move over fits."""
    shares = {parts[k]: one.parts[k]["shapley"] for k in one.order}
    told = [
        f"of {name}, {text.goes_with(figure.plain())}"
        for name, figure in shares.items()
        if figure.over and not figure.holds_zero and figure.over.goes_with
    ]
    if told:
        yield f"Over fits, {'; '.join(told)}."


def _but_for(measure: Measure, parts: Sequence[str], one: Attribution) -> Iterator[str]:
    if len(parts) < 2 or all(one.idle):
        return
    lost = {k: one.parts[k]["but_for"] for k in one.order}
    if told := {k: figure for k, figure in lost.items() if not figure.holds_zero}:
        digits = _digits([*told.values()], measure)
        each = [f"{parts[k]} {_said(-figure, measure, digits)}" for k, figure in told.items()]
        yield f"Taken away alone, with all the others there: {text.listed(each)}."
        return
    sentence = "Taken away alone, with all the others there, none of them makes a difference that can be told"
    # That others do its work takes more than that: together they bring surely more than their removals lose.
    if one.total.way and one.total.way == one.overlap.way:
        sentence += ", though all together do: where one is missing, others do its work"
    yield f"{sentence}."


def _who_helps(measure: Measure, parts: Sequence[str], one: Attribution) -> Iterator[str]:
    """The pair that matters most, of those that are significant although many pairs are tested."""
    stricter = 1.0 - (1.0 - CONFIDENCE) / max(len(one.interactions), 1)  # Bonferroni's
    wider = normal_quantile(stricter) / normal_quantile()
    told = {
        pair: figure
        for pair, figure in one.interactions.items()
        # The interval would not hold zero though it were so many times as wide.
        if abs((figure.lower + figure.upper) / 2.0) > wider * (figure.upper - figure.lower) / 2.0
    }
    if not told:
        return
    pair, figure = max(told.items(), key=lambda item: abs(item[1].estimate))
    size = figure if figure.estimate > 0 else -figure
    digits = _digits([size], measure)
    names = f"{text.capitalize(parts[pair[0]])} and {parts[pair[1]]}"
    # To help, and to stand in, takes parts that surely pull the same way; else it is told with its sign.
    pulls = {one.parts[k]["shapley"].way for k in pair} | {one.total.way}
    if pulls not in ({1}, {-1}):
        yield f"{names}: each brings {_said(figure, measure, digits)} where the other is there."
        return
    scale, noun = phrases.unit_of_change(measure.unit)
    amount = f"{text.number(scale * size.estimate, digits)}{noun}"
    amount += f" ({_limits(size, measure, digits).removesuffix(noun)})"
    how, more = "can stand in for each other", "less"
    if figure.way in pulls:
        how, more = "help each other", "more"
    yield f"{names} {how}: each brings {amount} {more} where the other is there."


def _level(figure: Figure, measure: Measure) -> str:
    if not math.isfinite(figure.estimate):
        return phrases.with_unit(figure.estimate, measure.unit)
    told = phrases.estimate(figure.estimate, figure.lower, figure.upper, measure.unit)
    return phrases.with_fits(told, figure.over, measure.unit, is_difference=False)


def _said(figure: Figure, measure: Measure, digits: int) -> str:
    """A change with its sign and its interval: "+13.8 points (+13.0 to +14.7)"."""
    scale, noun = phrases.unit_of_change(measure.unit)
    span = _limits(figure, measure, digits, sign=True).removesuffix(noun)
    told = f"{text.number(scale * figure.estimate, digits, sign=True)}{noun} ({span})"
    return phrases.with_fits(told, figure.over, measure.unit)


def _limits(figure: Figure, measure: Measure, digits: int, sign: bool = False) -> str:
    scale, noun = phrases.unit_of_change(measure.unit)
    return limits(scale * figure.lower, scale * figure.upper, digits, noun, sign)


def _digits(figures: Sequence[Figure], measure: Measure) -> int:
    """Decimals that show the width of the widest of some intervals with two figures."""
    widths = filter(is_known, (figure.upper - figure.lower for figure in figures))
    return decimals(phrases.unit_of_change(measure.unit)[0] * max(widths, default=0.0))


# Charts: contributions and interactions

#: Marks of a part's figures: its letter, its words, and how far from the middle of its row it stands.
_MARKS = {
    "shapley": ("o", "its share", 0.0),
    "alone": ("^", "where there is no other", -0.27),
    "but_for": ("v", "what is lost where it alone is taken away", 0.27),
}


def charts(findings: Findings) -> Iterator[tuple[str, Callable[[Findings], Chart]]]:
    yield "attribution", draw_attribution
    if len(findings.summary["parts"]) > 1:
        yield "interactions", draw_interactions


def draw_attribution(findings: Findings) -> Chart:
    """Left: from none of the parts to all, their shares end to end. Right: each part's figures."""
    summary, measures = findings.summary, findings.summary["measures"]
    rows = len(summary["parts"]) + 2
    figure = style.new_figure(height=8.0 + len(measures) * (18.0 + 6.0 * rows))
    wide = {"width_ratios": (3, 2)}
    grid = figure.subplots(len(measures), 2, squeeze=False, sharey="row", gridspec_kw=wide)
    for (bars, dots), measure in zip(grid, measures, strict=True):
        one = summary["attributions"][measure["name"]]
        bars.set_title(plots.title(measure))
        if one["combinations_unknown"]:
            dots.set_axis_off()
            _say_unknown(bars, one, summary["combinations"])
            continue
        scale, unit, change = plots.units(measure)
        _waterfall(bars, one, scale)
        _figures(dots, one, scale)
        names = [text.shorten(text.clean(name), 26) for name in one["order"]]
        plots.name_rows(bars, ["with none of them", *names, "with all of them"])
        bars.grid(visible=False)
        bars.set_xlabel(unit)
        dots.set_xlabel(change)
    look: Any = {"markersize": 3.6, "linewidth": 0.9}
    ways = {"raises": style.MORE, "lowers": style.LESS}
    handles: list[Any] = [plots.patch(*way) for way in ways.items()]
    for mark, label, apart in _MARKS.values():
        own = {"colour": style.GREY, "markerfacecolor": style.WHITE} if apart else {}
        handles.append(plots.key(label, mark, **own, **look))
    handles.append(plots.key("all together", "D", **look))
    more = f"\nbroad: 95% of {summary.get('fits')} sets of behaviour that fit"
    fits = more if "fits" in summary else ""
    return plots.finish(
        figure,
        f"{summary['combinations']} combinations of {text.count(summary['replicates'])} "
        "replicates, all with the same luck; lines are 95% intervals; shares are Shapley values, "
        f"which add up to the whole difference{fits}",
        handles,
    )


def draw_interactions(findings: Findings) -> Chart:
    """How much more, or less, each of two parts brings where the other is there: a square a pair."""
    summary = findings.summary
    measures, parts = summary["measures"], [one["name"] for one in summary["parts"]]
    figure, panels = plots.panels_of_pairs(len(measures), len(parts), 14.0, 8.0)
    for axes, measure in zip(panels, measures, strict=True):
        scale, _, change = plots.units(measure)
        axes.set_title(f"{fill(plots.title(measure), 32)}\n({change})")
        one = summary["attributions"][measure["name"]]
        if one["combinations_unknown"]:
            _say_unknown(axes, one, summary["combinations"])
            continue
        most = [part for part in parts if part in one["order"][: plots.MOST_PAIRED]]
        largest = max(abs(pair["estimate"]) for pair in one["interactions"]) or 1.0
        digits = 0 if scale * largest >= 30 else 1 if scale * largest >= 1 else 2
        cells = []
        for pair in one["interactions"]:
            if set(pair["parts"]) <= set(most):
                value, places = pair["estimate"], map(most.index, pair["parts"])
                said = text.number(scale * value, digits, sign=True)
                colour = style.MORE if value > 0.0 else style.LESS
                colour = colour if excludes_zero(pair["lower"], pair["upper"]) else ""
                cells.append((*places, said, colour, abs(value) / largest))
        names = [text.shorten(text.clean(part), 20) for part in most]
        plots.squares(axes, names, cells, 6.5)
    below = (
        "How much more each adds to it where the other is there. Green: each adds more; purple: each "
        "adds less;\nno colour: not to be told, the 95% interval holds zero"
    )
    if len(parts) > plots.MOST_PAIRED:
        below += f"; pairs of the first {plots.MOST_PAIRED} parts, all in the tables"
    return plots.finish(figure, below)


def _waterfall(axes: Axes, one: Mapping[str, Any], scale: float) -> None:
    """Bars from the level with none of the parts to that with all of them."""

    def bar(place: int, begin: float, end: float, colour: str) -> None:
        axes.barh(place, end - begin, left=begin, height=0.62, color=colour, linewidth=0, zorder=2)
        if place > 0:  # it begins where the last one ended
            ends = [place - 1, place]
            axes.plot([level, level], ends, color=style.GREY, linewidth=0.5, zorder=1)

    level, last = scale * one["nothing"]["estimate"], len(one["order"]) + 1
    bar(0, 0.0, level, style.PALE_GREY)
    _whisker(axes, 0, one["nothing"], scale)
    for place, name in enumerate(one["order"], start=1):
        end = level + scale * one["parts"][name]["shapley"]["estimate"]
        bar(place, level, end, style.MORE if end >= level else style.LESS)
        level = end
    bar(last, 0.0, scale * one["everything"]["estimate"], style.PALE_GREY)
    _whisker(axes, last, one["everything"], scale)
    axes.margins(x=0.04)


def _figures(axes: Axes, one: Mapping[str, Any], scale: float) -> None:
    """The contribution of each part, as dots with whiskers about a line at zero."""
    axes.axvline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
    for place, name in enumerate(one["order"], start=1):
        _range(axes, place, one["parts"][name]["shapley"], scale)
        for key, (mark, _, apart) in _MARKS.items():
            figure, y = one["parts"][name][key], place + apart
            colour, width = (style.GREY, 0.6) if apart else (style.BLACK, 1.0)
            look: Any = {"face": style.WHITE, "markersize": 3.2} if apart else {"markersize": 3.8}
            _whisker(axes, y, figure, scale, colour, width)
            look |= {"mark": mark, "markeredgewidth": 0.8, "zorder": 4}
            plots.dot(axes, scale * figure["estimate"], y, colour, **look)
    total = len(one["order"]) + 1
    _range(axes, total, one["total"], scale)
    _whisker(axes, total, one["total"], scale)
    axes.plot([scale * one["total"]["estimate"]], [total], "D", color=style.BLACK, markersize=3.2)
    axes.margins(x=0.06)


def _range(axes: Axes, place: float, figure: Mapping[str, Any], scale: float) -> None:
    """A broad pale line: the range over fits, if there is one."""
    if over := figure.get("over_fits"):
        ends, look = [scale * over["lower"], scale * over["upper"]], {"solid_capstyle": "butt"}
        plots.span(axes, ends, place, style.tint(style.ESTIMATE, 0.3), 4.5, zorder=1.5, **look)


def _whisker(axes: Axes, place: float, figure: Mapping[str, Any], scale: float, *look: Any) -> None:
    ends = [
        figure["estimate"] if figure[key] is None else figure[key] for key in ("lower", "upper")
    ]
    plots.span(axes, [scale * end for end in ends], place, *(look or ("black", 0.9)), zorder=3)


def _say_unknown(axes: Axes, one: Mapping[str, Any], combinations: int) -> None:
    axes.set(xticks=[], yticks=[])
    where = (
        f"{one['combinations_unknown']} of {combinations} combinations:\nit cannot be shared out"
    )
    style.say_nothing_to_draw(axes, f"never reached, or unknown, in {where}")
