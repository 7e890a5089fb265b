"""Attribute: divide an outcome among parts of a scenario, from every combination of parts present or removed.

Each of the `2**n` combinations of `n` parts is a scenario in one batch, with the same random numbers.
Shapley values divide the total change of an outcome among the parts; interaction indices show which parts
reinforce each other and which can replace each other. Intervals come from the influence of each replicate
on every combination, so that chance common to all combinations cancels out.
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
from crisis_sim.experiments.factors import ScenarioEditor, Values, check_change, overlaps
from crisis_sim.experiments.plots import style
from crisis_sim.experiments.points import (
    FIGURES,
    FITS,
    finite_or_none,
    fits_row,
    run_points,
    table_of,
)
from crisis_sim.experiments.spec import Experiment, Findings, MeasuringSpec, Reading, RunOptions
from crisis_sim.outcomes.intervals import CONFIDENCE, Measured, normal_quantile
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.outcomes.over_fits import Fits, OverFits, over_sets
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.schema import Scenario
from crisis_sim.text import decimals, excludes_zero, is_known, limits, replicates_to_tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Chart

#: Paths to remove, or changes in the syntax of `--set`; a single one needs no list.
Changes = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    Field(min_length=1),
]


class AttributeSpec(MeasuringSpec):
    """The keys of an attribution."""

    kind: Literal["attribute"] = Field(description="the kind of experiment")
    parts: dict[str, Changes] = Field(
        min_length=1,
        max_length=10,  # about a thousand combinations
        description="each part by a name of your choice: what is removed from the scenario, or "
        "changed in it, when the part is absent",
    )


SPEC = AttributeSpec


def check(spec: AttributeSpec, reading: Reading) -> Iterator[Mistake]:
    if mistakes := [*_check_parts(spec, reading)]:
        yield from mistakes
        return
    editor = ScenarioEditor(reading.scenario)
    try:
        remainder = editor.with_changes([*chain(*spec.parts.values())], editor.name)
    except ScenarioError as error:
        for mistake in error.mistakes:
            message = f"the parts cannot all be removed at once: {mistake.message}"
            yield reading.node_at("parts").label.mistake(message, mistake.expected)
        return
    columns = Columns.of(reading.scenario, remainder, agents=reading.agents, roles=reading.roles)
    for k in range(len(spec.outcomes)):
        with suppress(ScenarioError):  # already reported
            needed = reading.measure("outcomes", k).columns
            for lost in [name for name in needed if name not in columns.kinds][:1]:
                message = f"no outcome '{lost}' without the parts"
                expected = "an outcome that every combination has"
                yield reading.node_at("outcomes", k).place.mistake(message, expected)


def _check_parts(spec: AttributeSpec, reading: Reading) -> Iterator[Mistake]:
    editor = ScenarioEditor(reading.scenario)
    previous: list[tuple[str, str]] = []
    for name, changes in spec.parts.items():
        if not text.clean(name).strip() or name in ("point", "scenario"):  # columns of the table
            message = f"a part cannot be called '{name}'"
            yield reading.node_at("parts", name).label.mistake(message, "another name")
        for k, change in enumerate(changes):
            node = reading.node_at("parts", name, k)
            yield from check_change(editor, change, node)
            for part, other in previous:
                if overlaps(other, change):
                    owner = "this part" if part == name else f"part '{part}'"
                    message = f"'{change}' is already in {owner}, as '{other}'"
                    yield node.place.mistake(message, "parts that do not overlap")
            previous.append((name, change))


def crises(experiment: Experiment) -> int:
    spec: Any = experiment.spec
    return int(spec.replicates) << len(spec.parts)


def run(experiment: Experiment, options: RunOptions) -> Findings:
    import pyarrow as pa

    spec: Any = experiment.spec
    design = run_points(experiment, options, {}, scenarios_of(experiment))
    parts, numbers, measures = list(spec.parts), range(design.points), experiment.measures
    attributions = {
        each.name: attribute(design.measured[each.name], design.fits) for each in measures
    }
    by_name = {name: attribution.plain(parts) for name, attribution in attributions.items()}
    summary: dict[str, Any] = {
        "parts": [{"name": name, "taken_out": [*changes]} for name, changes in spec.parts.items()],
        "combinations": design.points,
        "replicates": design.replicates,
        "measures": [measure.about() for measure in measures],
        "attributions": by_name,
        **({"fits": len(design.fits.weights)} if design.fits else {}),
    }
    titles = [*phrases.part_titles(experiment).values()]
    *sentences, last = answer(measures, titles, [*attributions.values()], spec.replicates)
    sentences.append(last + phrases.explain_fits(design.fits))
    present = {part: [bool(n >> k & 1) for n in numbers] for k, part in enumerate(parts)}
    figures, pairs = [], []
    for name, attribution in by_name.items():
        for part, by_key in attribution["parts"].items():
            for key, figure in by_key.items():
                figures.append({"measure": name, "part": part, "figure": key, **figure})
        for pair in attribution["interactions"]:
            first, second = pair["parts"]
            pairs.append({"measure": name, "part": first, "with": second, **pair})
    for row in (*figures, *pairs):
        row.update(fits_row(row.get("over_fits")))
    columns = (*FIGURES, *(FITS if design.fits else ()))
    tables = {
        "points": pa.table({"point": numbers, "scenario": design.scenarios, **present}),
        "measures": design.measure_table(),
        "attributions": table_of(figures, ("measure", "part", "figure"), floats=columns),
        "interactions": table_of(pairs, ("measure", "part", "with"), floats=columns),
    }
    return Findings(experiment, tuple(sentences), tables, summary, design.crises)


def scenarios_of(experiment: Experiment) -> list[Scenario]:
    """Return the scenario of each combination of parts, in the order of their numbers."""
    spec: Any = experiment.spec
    editor = ScenarioEditor(experiment.scenario)
    scenarios = []
    for bits in product((False, True), repeat=len(spec.parts)):
        present = bits[::-1]  # the first part is the lowest bit
        absent = compress(spec.parts.values(), (not part for part in present))
        scenarios.append(editor.with_changes([*chain(*absent)], combination_name(present)))
    return scenarios


def combination_name(present: Sequence[bool]) -> str:
    """Return the name of a combination's scenario, with a digit for each part, such as `parts_10110`."""
    return "parts_" + "".join(str(int(part)) for part in present)


# --- Cooperative games: the shares of parts in their joint effect
#
# A game gives every combination of `n` parts a value, as an array `(2**n, ...)`. The index of a combination is a
# number whose bit `k` is 1 if part `k` is present. Further axes may hold the influence of each replicate on the
# values. All results are built from differences made by one or two parts, so that a part that makes no difference
# in any combination gets exactly 0.
#
# L. S. Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II, 307-317.
# M. Grabisch and M. Roubens (1999), "An axiomatic approach to the concept of interaction among players in
# cooperative games", International Journal of Game Theory 28, 547-565.


def _without(values: Values, *parts: int) -> NDArray[np.int64]:
    """Return the combinations that contain none of some parts."""
    numbers = np.arange(len(values))
    return np.asarray(numbers[numbers & sum(1 << part for part in parts) == 0])


def _average(differences: Values, without: NDArray[np.int64], parts: int) -> Values:
    """Return the mean, over all orders of parts, of the differences that a part makes to combinations without it.

    A combination consists of the parts before it in one of `parts * comb(parts - 1, size)` orders.
    """
    weights = [1.0 / (parts * comb(parts - 1, int(number).bit_count())) for number in without]
    return np.asarray(np.tensordot(np.array(weights), differences, axes=1))


def marginals(values: Values, part: int) -> Values:
    """Return the marginal contributions of a part to each combination of the others, `(2**(n-1), ...)`."""
    without = _without(values, part)
    return np.asarray(values[without | 1 << part] - values[without])


def shapley(values: Values) -> Values:
    """Return the Shapley values, `(n, ...)`: each part's mean contribution over all orders; their sum is the total."""
    n = len(values).bit_length() - 1
    return np.stack([_average(marginals(values, k), _without(values, k), n) for k in range(n)])


def interactions(values: Values) -> dict[tuple[int, int], Values]:
    """Return the Shapley interaction index of every pair of parts, the lower number first.

    The index is how much more each part adds when the other is present, averaged over all orders of the others and
    the pair. It is positive if the parts reinforce each other, negative if one can replace the other.
    """
    parts, indices = len(values).bit_length() - 1, {}
    for first, second in combinations(range(parts), 2):
        neither = _without(values, first, second)
        a, b = neither | 1 << first, neither | 1 << second
        extra = (values[a | b] - values[b]) - (values[a] - values[neither])
        # The pair counts as one part.
        indices[first, second] = _average(extra, neither, parts - 1)
    return indices


# --- Contributions of parts to an outcome, with paired intervals
#
# All figures are sums over combinations of parts. Their errors are the same sums of the influence of each
# replicate, in which chance common to all combinations cancels out. Limits are normal. Limits of shares of
# crises are adjusted as if there were two more replicates, with sums of +1 and -1, so that a part that changes
# no replicate has a value of exactly 0 with an interval (A. Agresti and Y. Min 2005, "Simple improved confidence
# intervals for comparing matched proportions", Statistics in Medicine 24, 729-740).


@dataclass(frozen=True)
class Figure:
    """An estimate with its confidence limits, NaN if unknown, and its range over fits."""

    estimate: float
    lower: float
    upper: float
    standard_error: float
    over: OverFits | None = None

    @property
    def significant(self) -> bool:
        """Whether the interval excludes zero; False if it is unknown."""
        return excludes_zero(self.lower, self.upper)

    @property
    def direction(self) -> int:
        """1 if it is significantly above zero, -1 if below, otherwise 0."""
        return int(self.lower > 0.0) - int(self.upper < 0.0)

    def __neg__(self) -> Figure:
        over = self.over and replace(self.over, lower=-self.over.upper, upper=-self.over.lower)
        return Figure(-self.estimate, -self.upper, -self.lower, self.standard_error, over)

    def plain(self) -> dict[str, Any]:
        """Return the estimate as plain data for JSON."""
        plain: dict[str, Any] = {key: finite_or_none(getattr(self, key)) for key in FIGURES}
        return plain | ({"over_fits": self.over.plain()} if self.over else {})


@dataclass(frozen=True)
class Attribution:
    """An outcome divided among parts.

    Attributes:
        nothing, everything: the outcome with none of the parts, and with all.
        total: their difference, the sum of the Shapley values.
        parts: for each part `shapley`, its mean contribution over all orders in which parts could be added; `alone`,
            its effect when no other part is present; `but_for`, the loss when it alone is removed.
        interactions: the interaction index by the numbers of two parts, the lower first.
        leads: the first part's Shapley value minus the second's, by their numbers.
        overlap: the total minus the sum of `but_for`; it has the sign of the total if parts replace each other.
        idle: for each part, whether it changes no replicate in any combination of the others.
        unknown: the number of combinations with an unknown or infinite outcome; if any, Shapley values are unknown.
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
        """The numbers of the parts, by decreasing absolute Shapley value."""
        sizes = [-abs(part["shapley"].estimate) for part in self.parts]
        unknown = any(map(math.isnan, sizes))
        return sorted(range(len(sizes)), key=lambda k: 0.0 if unknown else sizes[k])

    def plain(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the attribution as plain data for JSON, with the names of its parts."""
        parts = ({key: figure.plain() for key, figure in figures.items()} for figures in self.parts)
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
    """Divide an outcome, measured in every combination in the order of their numbers, among the parts."""
    fits = fits if measured.is_share or measured.is_mean else None
    values = np.where(np.isfinite(measured.estimate), measured.estimate, np.nan)
    influence = np.where(np.isfinite(measured.influence), measured.influence, 0.0)
    replicates, crises = influence.shape[-1], int(measured.of.min())
    if fits:  # sums over combinations are taken of both, in one array
        influence = np.concatenate([influence, fits.within(measured)], axis=-1)
    # A quantile of too few values has neither a standard error nor an influence.
    errors = measured.standard_error[np.isfinite(values)]
    has_error = replicates > 1 and (measured.is_share or not np.isnan(errors).any())

    def figure(estimate: Any, pull: Any) -> Figure:
        if not np.isfinite(estimate) or crises == 0:
            return Figure(np.nan, np.nan, np.nan, np.nan)
        over = over_sets(float(estimate), [(fits, pull[replicates:])]) if fits else None
        centre = float(estimate)
        error = spread = float(np.sqrt(np.mean(pull[:replicates] ** 2) / replicates))
        if measured.is_share:
            centre = centre * crises / (crises + 2)
            spread = float(np.hypot(crises * error, 1.0)) / (crises + 2)
        if not has_error:
            error = spread = np.nan
        reach = normal_quantile() * spread
        return Figure(float(estimate), centre - reach, centre + reach, error, over)

    def level(combination: int) -> Figure:
        at, lower, upper, error = (float(getattr(measured, name)[combination]) for name in FIGURES)
        bounds = (0.0, 1.0) if measured.is_share else (-math.inf, math.inf)
        pull = influence[combination, replicates:]
        over = over_sets(at, [(fits, pull)], bounds) if fits else None
        return Figure(at, lower, upper, error, over)

    parts = range(len(values).bit_length() - 1)
    added, added_pull = ([marginals(game, k) for k in parts] for game in (values, influence))
    shares, share_pull = shapley(values), shapley(influence)
    pairs, pair_pull = interactions(values), interactions(influence)
    total, total_pull = values[-1] - values[0], influence[-1] - influence[0]
    lost, lost_pull = (np.sum([each[-1] for each in game], axis=0) for game in (added, added_pull))
    return Attribution(
        nothing=level(0),
        everything=level(-1),
        total=figure(total, total_pull),
        parts=tuple(
            {
                "shapley": figure(shares[k], share_pull[k]),
                "alone": figure(added[k][0], added_pull[k][0]),
                "but_for": figure(added[k][-1], added_pull[k][-1]),
            }
            for k in parts
        ),
        interactions={pair: figure(pairs[pair], pair_pull[pair]) for pair in pairs},
        leads={
            (j, k): figure(shares[j] - shares[k], share_pull[j] - share_pull[k])
            for j, k in permutations(parts, 2)
        },
        overlap=figure(total - lost, total_pull - lost_pull),
        idle=tuple(
            not np.any(added[k]) and not np.any(added_pull[k][..., :replicates]) for k in parts
        ),
        unknown=int(np.isnan(values).sum()),
    )


# --- The answer


def answer(
    measures: Sequence[Measure],
    parts: Sequence[str],
    attributions: Sequence[Attribution],
    replicates: int,
) -> Iterator[str]:
    """Yield the sentences of the answer, most of them about the first outcome."""
    for number, (measure, attribution) in enumerate(zip(measures, attributions, strict=True)):
        yield _shares(measure, parts, attribution)
        if number == 0 and not attribution.unknown:
            yield from _largest_share(measure, parts, attribution, replicates)
            yield from _but_for(measure, parts, attribution)
            yield from _spread_over_fits(parts, attribution)
        if not attribution.unknown:
            yield from _strongest_interaction(measure, parts, attribution)
    yield (
        f"{text.count(1 << len(parts))} combinations of {text.count(replicates)} replicates, all with the same "
        "random numbers; 95% intervals. A part's share is its Shapley value: its mean effect over all orders in which "
        "the parts could be added. It is what the model attributes to the part, not what the "
        "historical record proves. "
        f"{text.count(4 * replicates)} replicates in each combination would about halve the intervals."
    )


def _shares(measure: Measure, parts: Sequence[str], attribution: Attribution) -> str:
    everything = {1: parts[0], 2: "both parts"}.get(len(parts), f"all {len(parts)} parts")
    nothing = "without it" if len(parts) == 1 else "with none of them"
    sentence = (
        f"{text.capitalize(measure.subject)}: {_level(attribution.everything, measure)} with "
        f"{everything}, {_level(attribution.nothing, measure)} {nothing}"
    )
    if attribution.unknown:
        return (
            f"{sentence}. It is unknown or never reached in {attribution.unknown} of {1 << len(parts)} combinations, "
            "so it cannot be divided among the parts; try an earlier quantile of the time, or a share within a time."
        )
    idle = [*compress(parts, attribution.idle)]
    ending = f". No difference in any combination: {text.listed(idle)}." if idle else "."
    if all(attribution.idle):
        return sentence + ending
    shares = [part["shapley"] for part in attribution.parts]
    digits, total = _digits(shares, measure), attribution.total
    sentence += f": {_change(total, measure, _digits([total], measure))}"
    significant = [k for k in attribution.order if shares[k].significant]
    others = [k for k in attribution.order if k not in significant and not attribution.idle[k]]
    if significant and len(parts) > 1:
        each = [f"{parts[k]} {_change(shares[k], measure, digits)}" for k in significant]
        sentence += f". By part, {text.listed(each)}"
    if others:
        each = [f"{parts[k]} ({_limits(shares[k], measure, digits, sign=True)})" for k in others]
        sentence += f". No detectable effect: {text.listed(each)}"
    return sentence + ending


def _largest_share(
    measure: Measure, parts: Sequence[str], attribution: Attribution, replicates: int
) -> Iterator[str]:
    shares = [part["shapley"] for part in attribution.parts]
    significant = [share for share in shares if share.significant]
    first = attribution.order[0]
    raises = shares[first].estimate > 0.0
    leads = {
        k: attribution.leads[(first, k) if raises else (k, first)]
        for k in attribution.order[1:]
        if not attribution.idle[k] and (shares[k].estimate > 0.0) == raises
    }
    if not significant or not leads:
        return
    uncertain = [k for k, lead in leads.items() if not lead.significant]
    second = [*uncertain, *leads][0]
    lead = leads[second]
    limits = _limits(lead, measure, _digits([lead], measure))
    if not uncertain:
        mixed = any((share.estimate > 0.0) != raises for share in significant)
        among = f" of those that {'raise' if raises else 'lower'} it" if mixed else ""
        limits = phrases.with_fits(limits, lead.over, measure.unit)
        yield f"The largest share{among} is that of {parts[first]}, {limits} more than that of {parts[second]}."
        return
    pair = f"{parts[first]} and {parts[second]}"
    sentence = f"The shares of {pair} do not differ detectably ({limits})"
    sentence = phrases.with_fits(sentence, lead.over, measure.unit)
    if is_known(lead.lower) and is_known(lead.upper):
        needed = replicates_to_tell(lead.estimate, lead.lower, lead.upper, replicates)
        number = f"about {text.count(needed)}" if needed else "no practical number of"
        sentence += f"; if the estimate is right, {number} replicates would show the difference"
    yield f"{sentence}."


def _spread_over_fits(parts: Sequence[str], attribution: Attribution) -> Iterator[str]:
    """Name the parameters that the spread of shares over fits is correlated with."""
    shares = {parts[k]: attribution.parts[k]["shapley"] for k in attribution.order}
    clauses = [
        f"for {name}, {text.goes_with(share.plain())}"
        for name, share in shares.items()
        if share.over and share.significant and share.over.goes_with
    ]
    if clauses:
        yield f"Over fits: {'; '.join(clauses)}."


def _but_for(measure: Measure, parts: Sequence[str], attribution: Attribution) -> Iterator[str]:
    if len(parts) < 2 or all(attribution.idle):
        return
    losses = {k: attribution.parts[k]["but_for"] for k in attribution.order}
    if significant := {k: loss for k, loss in losses.items() if loss.significant}:
        digits = _digits([*significant.values()], measure)
        each = [f"{parts[k]} {_change(-loss, measure, digits)}" for k, loss in significant.items()]
        yield f"Removed alone, with all others present: {text.listed(each)}."
        return
    sentence = "Removed alone, with all others present, no part makes a detectable difference"
    # Parts replace each other if together they add significantly more than the sum of their single losses.
    if attribution.total.direction and attribution.total.direction == attribution.overlap.direction:
        sentence += ", but all together do: the others replace a part that is absent"
    yield f"{sentence}."


def _strongest_interaction(
    measure: Measure, parts: Sequence[str], attribution: Attribution
) -> Iterator[str]:
    """Describe the largest interaction that is significant after correction for the number of pairs."""
    stricter = 1.0 - (1.0 - CONFIDENCE) / max(len(attribution.interactions), 1)  # Bonferroni's
    wider = normal_quantile(stricter) / normal_quantile()
    significant = {
        pair: figure
        for pair, figure in attribution.interactions.items()
        if abs((figure.lower + figure.upper) / 2.0) > wider * (figure.upper - figure.lower) / 2.0
    }
    if not significant:
        return
    pair, figure = max(significant.items(), key=lambda item: abs(item[1].estimate))
    size = figure if figure.estimate > 0 else -figure
    digits = _digits([size], measure)
    names = f"{text.capitalize(parts[pair[0]])} and {parts[pair[1]]}"
    # "Reinforce" and "replace" need parts whose effects, and the total, have one significant direction.
    directions = {attribution.parts[k]["shapley"].direction for k in pair}
    directions.add(attribution.total.direction)
    if directions not in ({1}, {-1}):
        yield f"{names}: each adds {_change(figure, measure, digits)} when the other is present."
        return
    scale, noun = phrases.unit_of_change(measure.unit)
    amount = f"{text.number(scale * size.estimate, digits)}{noun}"
    amount += f" ({_limits(size, measure, digits).removesuffix(noun)})"
    agree = figure.direction in directions
    relation, more = ("reinforce", "more") if agree else ("can replace", "less")
    yield f"{names} {relation} each other: each adds {amount} {more} when the other is present."


def _level(figure: Figure, measure: Measure) -> str:
    if not math.isfinite(figure.estimate):
        return phrases.with_unit(figure.estimate, measure.unit)
    phrase = phrases.estimate(figure.estimate, figure.lower, figure.upper, measure.unit)
    return phrases.with_fits(phrase, figure.over, measure.unit, is_difference=False)


def _change(figure: Figure, measure: Measure, digits: int) -> str:
    """Return a change with its sign and interval, such as "+13.8 points (+13.0 to +14.7)"."""
    scale, noun = phrases.unit_of_change(measure.unit)
    limits = _limits(figure, measure, digits, sign=True).removesuffix(noun)
    phrase = f"{text.number(scale * figure.estimate, digits, sign=True)}{noun} ({limits})"
    return phrases.with_fits(phrase, figure.over, measure.unit)


def _limits(figure: Figure, measure: Measure, digits: int, sign: bool = False) -> str:
    scale, noun = phrases.unit_of_change(measure.unit)
    return limits(scale * figure.lower, scale * figure.upper, digits, noun, sign)


def _digits(figures: Sequence[Figure], measure: Measure) -> int:
    """Return the decimals that give the widest interval's width two significant digits."""
    widths = filter(is_known, (figure.upper - figure.lower for figure in figures))
    return decimals(phrases.unit_of_change(measure.unit)[0] * max(widths, default=0.0))


# --- Charts: shares and interactions

#: The marker of each figure of a part, its legend, and its distance from the middle of the row.
_MARKS = {
    "shapley": ("o", "share", 0.0),
    "alone": ("^", "effect without the others", -0.27),
    "but_for": ("v", "loss if it alone is removed", 0.27),
}


def charts(findings: Findings) -> Iterator[tuple[str, Callable[[Findings], Chart]]]:
    yield "attribution", draw_attribution
    if len(findings.summary["parts"]) > 1:
        yield "interactions", draw_interactions


def draw_attribution(findings: Findings) -> Chart:
    """Draw the shares as bars from none of the parts to all (left) and the figures of each part (right)."""
    summary, measures = findings.summary, findings.summary["measures"]
    title = phrases.part_titles(findings.experiment)
    rows = len(summary["parts"]) + 2
    figure = style.new_figure(height=8.0 + len(measures) * (18.0 + 6.0 * rows))
    widths = {"width_ratios": (3, 2)}
    grid = figure.subplots(len(measures), 2, squeeze=False, sharey="row", gridspec_kw=widths)
    for (bars, dots), measure in zip(grid, measures, strict=True):
        attribution = summary["attributions"][measure["name"]]
        bars.set_title(plots.title(measure))
        if attribution["combinations_unknown"]:
            dots.set_axis_off()
            _explain_unknown(bars, attribution, summary["combinations"])
            continue
        scale, unit, change = plots.units(measure)
        _waterfall(bars, attribution, scale)
        _figures(dots, attribution, scale)
        names = [text.shorten(title[name], 26) for name in attribution["order"]]
        plots.name_rows(bars, ["with none of them", *names, "with all of them"])
        bars.grid(visible=False)
        bars.set_xlabel(unit)
        dots.set_xlabel(change)
    look: Any = {"markersize": 3.6, "linewidth": 0.9}
    handles: list[Any] = [plots.patch("raises", style.MORE), plots.patch("lowers", style.LESS)]
    for mark, label, offset in _MARKS.values():
        hollow = {"colour": style.GREY, "markerfacecolor": style.WHITE} if offset else {}
        handles.append(plots.key(label, mark, **hollow, **look))
    handles.append(plots.key("all together", "D", **look))
    caption = (
        f"{summary['combinations']} combinations of {text.count(summary['replicates'])} replicates, all with the "
        "same random numbers; lines are 95% intervals;\nshares are Shapley values, whose sum is the whole difference"
    )
    if "fits" in summary:
        caption += f"; broad: 95% of {summary['fits']} sets of behavioural parameters that fit"
    return plots.finish(figure, caption, handles)


def draw_interactions(findings: Findings) -> Chart:
    """Draw the interaction index of each pair of parts as a square."""
    summary = findings.summary
    measures, parts = summary["measures"], [part["name"] for part in summary["parts"]]
    title = phrases.part_titles(findings.experiment)
    figure, panels = plots.panels_of_pairs(len(measures), len(parts), 14.0, 8.0)
    for axes, measure in zip(panels, measures, strict=True):
        scale, _, change = plots.units(measure)
        axes.set_title(f"{fill(plots.title(measure), 32)}\n({change})")
        attribution = summary["attributions"][measure["name"]]
        if attribution["combinations_unknown"]:
            _explain_unknown(axes, attribution, summary["combinations"])
            continue
        largest = max(abs(pair["estimate"]) for pair in attribution["interactions"]) or 1.0
        digits = 0 if scale * largest >= 30 else 1 if scale * largest >= 1 else 2
        cells = []
        for pair in attribution["interactions"]:
            value, numbers = pair["estimate"], map(parts.index, pair["parts"])
            label = text.number(scale * value, digits, sign=True)
            colour = style.MORE if value > 0.0 else style.LESS
            colour = colour if excludes_zero(pair["lower"], pair["upper"]) else ""
            cells.append((*numbers, label, colour, abs(value) / largest))
        names = [text.shorten(title[part], 20) for part in parts]
        plots.squares(axes, names, cells, 6.5)
    caption = (
        "Interaction: how much more each part adds when the other is present. Green: more; purple: less;\n"
        "no colour: not significant, the 95% interval includes zero"
    )
    return plots.finish(figure, caption)


def _waterfall(axes: Axes, attribution: Mapping[str, Any], scale: float) -> None:
    """Draw bars from the level with none of the parts to the level with all of them."""

    def bar(row: int, begin: float, end: float, colour: str) -> None:
        axes.barh(row, end - begin, left=begin, height=0.62, color=colour, linewidth=0, zorder=2)
        if row > 0:  # a line from the end of the last bar
            axes.plot([level, level], [row - 1, row], color=style.GREY, linewidth=0.5, zorder=1)

    nothing, everything = attribution["nothing"], attribution["everything"]
    level, last = scale * nothing["estimate"], len(attribution["order"]) + 1
    bar(0, 0.0, level, style.PALE_GREY)
    _whisker(axes, 0, nothing, scale)
    for row, name in enumerate(attribution["order"], start=1):
        end = level + scale * attribution["parts"][name]["shapley"]["estimate"]
        bar(row, level, end, style.MORE if end >= level else style.LESS)
        level = end
    bar(last, 0.0, scale * everything["estimate"], style.PALE_GREY)
    _whisker(axes, last, everything, scale)
    axes.margins(x=0.04)


def _figures(axes: Axes, attribution: Mapping[str, Any], scale: float) -> None:
    """Draw the figures of each part as dots with intervals."""
    axes.axvline(0.0, color=style.GREY, linewidth=0.8, zorder=1)
    for row, name in enumerate(attribution["order"], start=1):
        part = attribution["parts"][name]
        _range_over_fits(axes, row, part["shapley"], scale)
        for key, (mark, _, offset) in _MARKS.items():
            y = row + offset
            colour, width = (style.GREY, 0.6) if offset else (style.BLACK, 1.0)
            look: Any = {"face": style.WHITE, "markersize": 3.2} if offset else {"markersize": 3.8}
            _whisker(axes, y, part[key], scale, colour, width)
            look |= {"mark": mark, "markeredgewidth": 0.8, "zorder": 4}
            plots.dot(axes, scale * part[key]["estimate"], y, colour, **look)
    total, last = attribution["total"], len(attribution["order"]) + 1
    _range_over_fits(axes, last, total, scale)
    _whisker(axes, last, total, scale)
    axes.plot([scale * total["estimate"]], [last], "D", color=style.BLACK, markersize=3.2)
    axes.margins(x=0.06)


def _range_over_fits(axes: Axes, y: float, figure: Mapping[str, Any], scale: float) -> None:
    if over := figure.get("over_fits"):
        ends, look = [scale * over["lower"], scale * over["upper"]], {"solid_capstyle": "butt"}
        plots.span(axes, ends, y, style.tint(style.ESTIMATE, 0.3), 4.5, zorder=1.5, **look)


def _whisker(axes: Axes, y: float, figure: Mapping[str, Any], scale: float, *look: Any) -> None:
    limits = (figure["lower"], figure["upper"])
    ends = [scale * (figure["estimate"] if limit is None else limit) for limit in limits]
    plots.span(axes, ends, y, *(look or ("black", 0.9)), zorder=3)


def _explain_unknown(axes: Axes, attribution: Mapping[str, Any], combinations: int) -> None:
    axes.set(xticks=[], yticks=[])
    unknown = f"{attribution['combinations_unknown']} of {combinations} combinations"
    style.say_nothing_to_draw(
        axes, f"unknown or never reached in {unknown}:\nit cannot be divided among the parts"
    )
