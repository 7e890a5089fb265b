"""Attribute: what ended it? Every combination of some parts, there or taken away, on the same luck.

With `n` parts there are `2**n` combinations, each a scenario of its own in one batch. Shapley values
share out what all parts together change in an outcome; interaction indices say which parts help each
other and which can stand in for each other. Intervals come from the
influence of each replicate on every combination, so that luck which all combinations share does not
count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BeforeValidator, Field

from crisis_sim import text as wording
from crisis_sim.experiments import spec
from crisis_sim.experiments.design import Design, run_design
from crisis_sim.experiments.factors import ScenarioEditor, mistakes_in, overlaps
from crisis_sim.experiments.spec import (
    Experiment,
    Findings,
    Reading,
    RunOptions,
    Spec,
    WrittenMeasure,
)
from crisis_sim.outcomes.differences import Measured
from crisis_sim.outcomes.intervals import CONFIDENCE, normal_quantile
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.numbers import Number
from crisis_sim.scenario.schema import Scenario
from crisis_sim.text import clean, decimals, is_known, limits, replicates_to_tell

# --- Attribute: what ended it? Every combination of some parts, there or taken away, on the same luck

ANSWERS = "what ended it: how much each part of a scenario brought, alone and with the others"

#: The most parts: a thousand combinations.
MOST_PARTS = 10
#: Columns of the table of combinations beside those of the parts.
POINT_COLUMNS = ("point", "scenario")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


#: Paths of what is taken out, or changes as `--set` has them; one may stand alone.
Changes = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]


class AttributeSpec(Spec):
    """What ended it, by parts."""

    kind: Literal["attribute"] = Field(description="what kind of experiment it is")
    parts: dict[str, Changes] = Field(
        min_length=1,
        max_length=MOST_PARTS,
        description="each part by a name of your own: what is taken out of the scenario, or how it "
        "is changed, where the part is not there",
    )
    outcomes: tuple[WrittenMeasure, ...] = Field(min_length=1, description="what is measured")


SPEC = AttributeSpec


def check(spec: AttributeSpec, reading: Reading) -> Iterator[Mistake]:
    whole = ScenarioEditor(reading.scenario)
    wrong = list(_wrong_parts(spec, reading, whole)) + list(_overlapping(spec, reading))
    yield from wrong
    if wrong:
        return
    everything = [change for changes in spec.parts.values() for change in changes]
    try:
        left = whole.without(everything, whole.name)
    except ScenarioError as error:
        # Each can be taken away, but not all of them.
        for mistake in error.mistakes:
            message = f"not all parts can be taken away at once: {mistake.message}"
            yield reading.at("parts").label.mistake(message, mistake.expected)
        return
    yield from _lost_outcomes(spec, reading, Columns.of(reading.scenario, left))


def _wrong_parts(spec: AttributeSpec, reading: Reading, whole: ScenarioEditor) -> Iterator[Mistake]:
    for name, changes in spec.parts.items():
        if not clean(name).strip() or name in POINT_COLUMNS:
            yield reading.at("parts", name).label.mistake(
                f"a part cannot be called '{name}'", "a name of your own"
            )
        for k, change in enumerate(changes):
            # Where one stands alone the path leads to it, for there is no list to go into.
            yield from mistakes_in(whole, change, reading.at("parts", name, k))


def _overlapping(spec: AttributeSpec, reading: Reading) -> Iterator[Mistake]:
    placed = [
        (name, k, change)
        for name, changes in spec.parts.items()
        for k, change in enumerate(changes)
    ]
    for (first, _, one), (second, k, other) in combinations(placed, 2):
        if overlaps(one, other):
            whose = "this part" if first == second else f"part '{first}'"
            yield reading.at("parts", second, k).place.mistake(
                f"'{other}' is in {whose} already, as '{one}'", "parts that do not overlap"
            )


def _lost_outcomes(spec: AttributeSpec, reading: Reading, columns: Columns) -> Iterator[Mistake]:
    """Measures of what is gone when the parts are."""
    for k in range(len(spec.outcomes)):
        try:
            measure = reading.measure("outcomes", k)
        except ScenarioError:  # which has been told of
            continue
        lost = [column for column in measure.columns if column not in columns.kinds]
        if lost:
            yield reading.mistake(
                "outcomes",
                k,
                message=f"no outcome '{lost[0]}' where parts are taken away",
                expected="an outcome that every combination has",
            )


def crises(experiment: Experiment) -> int:
    spec: Any = experiment.spec
    return int(spec.replicates) << len(spec.parts)


def run(experiment: Experiment, options: RunOptions) -> Findings:
    spec: Any = experiment.spec
    design: Design = run_design(
        scenarios_of(experiment),
        {},
        experiment.measures,
        spec.replicates,
        spec.seed,
        options.workers,
        options.design,
        resume=options.resume,
        progress=options.progress,
        on_message=options.on_message,
    )
    parts = list(spec.parts)
    names = [measure.name for measure in experiment.measures]
    shared = {name: attribute(design.measured[name]) for name in names}
    return Findings(
        experiment,
        tuple(answer(experiment.measures, parts, list(shared.values()), spec.replicates)),
        {
            "points": _point_table(design, parts),
            "measures": design.measure_table(),
            "attributions": _table(
                row for name in names for row in rows(name, parts, shared[name])
            ),
            "interactions": _table(
                row for name in names for row in pair_rows(name, parts, shared[name])
            ),
        },
        _summary(experiment, design, shared),
        design.crises,
    )


def _point_table(design: Design, parts: list[str]) -> Any:
    """One row a combination: its number, its scenario, and whether each part is there."""
    import pyarrow as pa

    there = {
        part: pa.array([bool(number >> k & 1) for number in range(design.points)])
        for k, part in enumerate(parts)
    }
    return pa.table({"point": range(design.points), "scenario": design.scenarios, **there})


def _table(found: Iterable[dict[str, Any]]) -> Any:
    import pyarrow as pa

    listed = list(found)
    figures = ("estimate", "lower", "upper", "standard_error")
    texts = (
        ("measure", "part", "figure")
        if listed and "figure" in listed[0]
        else ("measure", "part", "with")
    )
    fields = [(key, pa.string()) for key in texts] + [(key, pa.float64()) for key in figures]
    return pa.Table.from_pylist(listed, pa.schema(fields))


def _summary(
    experiment: Experiment, design: Design, shared: dict[str, Attribution]
) -> dict[str, Any]:
    spec: Any = experiment.spec
    parts = list(spec.parts)
    return {
        "parts": [
            {"name": name, "taken_out": list(changes)} for name, changes in spec.parts.items()
        ],
        "combinations": design.points,
        "replicates": design.replicates,
        "measures": [one.about() for one in experiment.measures],
        "attributions": {
            name: {
                "nothing": one.nothing.plain(),
                "everything": one.everything.plain(),
                "total": one.total.plain(),
                "combinations_unknown": one.unknown,
                "parts": {
                    part: {key: figure.plain() for key, figure in figures.items()}
                    for part, figures in zip(parts, one.parts, strict=True)
                },
                "interactions": [
                    {"parts": [parts[k] for k in pair], **figure.plain()}
                    for pair, figure in one.interactions.items()
                ],
                "order": [parts[k] for k in one.order],
            }
            for name, one in shared.items()
        },
    }


def scenarios_of(experiment: Experiment) -> list[Scenario]:
    """The scenario of each combination of parts, in the order of their numbers (see `games`)."""
    spec: Any = experiment.spec
    whole = ScenarioEditor(experiment.scenario)
    found = []
    # The first part is the lowest bit, so that it changes fastest.
    for there in product((False, True), repeat=len(spec.parts)):
        present = there[::-1]
        changes = [
            change
            for here, of_part in zip(present, spec.parts.values(), strict=True)
            if not here
            for change in of_part
        ]
        found.append(whole.without(changes, combination_name(present)))
    return found


def combination_name(present: tuple[bool, ...]) -> str:
    """What the scenario of a combination is called: `parts_10110`, a digit for each part in order."""
    return "parts_" + "".join("1" if here else "0" for here in present)


# --- Games of parts: how what all of them bring together is shared out among them
#
# A game says what every combination of `n` parts is worth. Combination `c` is the number whose bit `k`
# (the bit worth `2**k`) says whether part `k` is in it: 0 is none of them, `2**n - 1` all. Worths are
# arrays whose first axis counts the combinations; further axes, such as replicates, are carried along,
# so that what holds for worths holds for the influence of each replicate on them.
#
# Everything is built from differences that one part, or two, make: a part that makes none in any
# combination gets exactly nothing.
#
# Sources:
#     L. S. Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II,
#     307-317. M. Grabisch and M. Roubens (1999), "An axiomatic approach to the concept of
#     interaction among players in cooperative games", International Journal of Game Theory 28,
#     547-565.

Values = NDArray[np.float64]


def marginals(worth: ArrayLike, part: int) -> Values:
    """What a part adds to each combination of the others.

    Args:
        worth: what each combination is worth, `(2**n, ...)`.
        part: number of the part.

    Returns:
        The worth with it less that without it, `(2**(n-1), ...)`, in the order of the combinations
        without it.
    """
    worth = np.asarray(worth, dtype=np.float64)
    without = _combinations_without(worth, part)
    return np.asarray(worth[without | 1 << part] - worth[without])


def shapley(worth: ArrayLike) -> Values:
    """Each part's Shapley value: what it adds on average over all orders in which parts may come in.

    The values add up to the worth of all parts less that of none.

    Args:
        worth: what each combination is worth, `(2**n, ...)`.

    Returns:
        One value for each part, `(n, ...)`.
    """
    worth = np.asarray(worth, dtype=np.float64)
    parts = count_parts(worth)
    return np.stack(
        [
            _weighted(marginals(worth, k), _weights(_sizes(_combinations_without(worth, k)), parts))
            for k in range(parts)
        ]
    )


def interactions(worth: ArrayLike) -> dict[tuple[int, int], Values]:
    """The Shapley interaction index of every pair of parts.

    It says how much more one part of the pair adds where the other is there, on average over orders
    of the others with the pair as one: above 0 where they help each other, below 0 where one can
    stand in for the other.

    Args:
        worth: what each combination is worth, `(2**n, ...)`.

    Returns:
        By the numbers of the two parts, the lower first, values of shape `(...)`.
    """
    worth = np.asarray(worth, dtype=np.float64)
    parts = count_parts(worth)
    found = {}
    for first in range(parts):
        for second in range(first + 1, parts):
            without = _combinations_without(worth, first, second)
            one, other = without | 1 << first, without | 1 << second
            both = without | 1 << first | 1 << second
            extra = (worth[both] - worth[other]) - (worth[one] - worth[without])
            # A pair taken as one leaves a game of one part less.
            found[first, second] = _weighted(extra, _weights(_sizes(without), parts - 1))
    return found


def alone(worth: ArrayLike) -> Values:
    """What each part brings where there is no other, `(n, ...)`."""
    worth = np.asarray(worth, dtype=np.float64)
    return np.stack([worth[1 << part] - worth[0] for part in range(count_parts(worth))])


def but_for(worth: ArrayLike) -> Values:
    """What would be lost of each part if it alone were taken away from all, `(n, ...)`."""
    worth = np.asarray(worth, dtype=np.float64)
    every = len(worth) - 1
    return np.stack(
        [worth[every] - worth[every & ~(1 << part)] for part in range(count_parts(worth))]
    )


def count_parts(worth: Values) -> int:
    """How many parts a game has.

    Raises:
        ValueError: when the number of its combinations is no power of two.
    """
    parts = len(worth).bit_length() - 1
    if len(worth) != 1 << parts:
        raise ValueError(f"{len(worth)} combinations: expected a power of two")
    return parts


def _combinations_without(worth: Values, *parts: int) -> NDArray[np.int64]:
    numbers = np.arange(1 << count_parts(worth))
    taken = sum(1 << part for part in parts)
    return np.asarray(numbers[numbers & taken == 0])


def _sizes(combinations: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.array([int(one).bit_count() for one in combinations])


def _weights(sizes: NDArray[np.int64], parts: int) -> Values:
    """The share of all orders of some parts in which just those of a combination come before one.

    `s! (n - s - 1)! / n!`, which is one over `n` times the number of combinations of that size.
    """
    return np.array([1.0 / (parts * comb(parts - 1, int(size))) for size in sizes])


def _weighted(differences: Values, weights: Values) -> Values:
    return np.asarray(np.tensordot(weights, differences, axes=1))


# --- What each part of a scenario brought to an outcome, with intervals from luck that all share
#
# All figures are sums over combinations of parts. Their errors follow from the influence of each
# replicate on every combination, summed in the same way, so that luck which is alike in all
# combinations cancels out. Limits are normal; of shares they are adjusted as Agresti and Min do for
# matched proportions: as if two more replicates had come, in which the sum was +1 and -1, so that a
# part which changed nothing in any replicate gets a value of exactly 0 and still an interval.
#
# Source:
#     A. Agresti and Y. Min (2005), "Simple improved confidence intervals for comparing matched
#     proportions", Statistics in Medicine 24, 729-740.

#: What is told of each part, and what it means.
FIGURES = {
    "shapley": "what it adds on average over all orders in which parts could come in",
    "alone": "what it brings where there is no other",
    "but_for": "what is lost where it alone is taken away",
}


@dataclass(frozen=True)
class Figure:
    """A figure with its confidence limits; NaN where it is not known."""

    estimate: float
    lower: float
    upper: float
    standard_error: float

    @property
    def is_known(self) -> bool:
        """Whether there is such a figure."""
        return bool(np.isfinite(self.estimate))

    @property
    def holds_zero(self) -> bool:
        """Whether it may be nothing, as far as the replicates tell; also where it is not known."""
        return not (self.lower > 0.0 or self.upper < 0.0)

    def plain(self) -> dict[str, Number | None]:
        """The figure fit for JSON."""
        return {key: value if np.isfinite(value) else None for key, value in vars(self).items()}


@dataclass(frozen=True)
class Attribution:
    """An outcome shared out among parts.

    Attributes:
        nothing: the outcome where none of the parts is there.
        everything: where all are.
        total: the difference, which the Shapley values add up to.
        parts: for each part, in order, its figures by the keys of `FIGURES`.
        interactions: by the numbers of two parts, the lower first, their interaction index.
        leads: by the numbers of two parts, how far the first's Shapley value is above the second's.
        overlap: the total less what is lost of each part where it alone is taken away; of the sign
            of the total where parts do each other's work.
        idle: for each part whether the outcome is the same with it and without it, replicate by
            replicate, in every combination of the others.
        unknown: combinations in which the outcome is unknown or infinite; where there are any, so
            are the Shapley values.
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
        if any(np.isnan(sizes)):
            return [*range(len(sizes))]
        return sorted(range(len(sizes)), key=lambda k: sizes[k])


def attribute(measured: Measured) -> Attribution:
    """Share out an outcome.

    Args:
        measured: the outcome in every combination of the parts, in the order of `games`.
    """
    worth = np.where(np.isfinite(measured.estimate), measured.estimate, np.nan)
    pull = np.where(np.isfinite(measured.influence), measured.influence, 0.0)
    of = int(measured.of.min())
    # A quantile between too few values has no error, and no influence either: nothing says how sure it is.
    told = np.isfinite(worth)
    sure = measured.is_share or not np.isnan(measured.standard_error[told]).any()

    def figure(estimate: Any, influence: Any) -> Figure:
        return _figure(float(estimate), influence if sure else influence[:1], of, measured.is_share)

    values = {
        "shapley": (shapley(worth), shapley(pull)),
        "alone": (alone(worth), alone(pull)),
        "but_for": (but_for(worth), but_for(pull)),
    }
    number = count_parts(worth)
    pairs, pulls = interactions(worth), interactions(pull)
    value, influence = values["shapley"]
    return Attribution(
        nothing=_at(measured, 0),
        everything=_at(measured, -1),
        total=figure(worth[-1] - worth[0], pull[-1] - pull[0]),
        parts=tuple(
            {key: figure(one[k], other[k]) for key, (one, other) in values.items()}
            for k in range(number)
        ),
        interactions={pair: figure(pairs[pair], pulls[pair]) for pair in pairs},
        leads={
            (one, other): figure(value[one] - value[other], influence[one] - influence[other])
            for one in range(number)
            for other in range(number)
            if one != other
        },
        overlap=figure(
            worth[-1] - worth[0] - values["but_for"][0].sum(axis=0),
            pull[-1] - pull[0] - values["but_for"][1].sum(axis=0),
        ),
        idle=tuple(
            not np.any(marginals(worth, k)) and not np.any(marginals(pull, k))
            for k in range(number)
        ),
        unknown=int(np.isnan(worth).sum()),
    )


def _at(measured: Measured, combination: int) -> Figure:
    return Figure(
        float(measured.estimate[combination]),
        float(measured.lower[combination]),
        float(measured.upper[combination]),
        float(measured.standard_error[combination]),
    )


def _figure(estimate: float, influence: Any, of: int, is_share: bool) -> Figure:
    if not np.isfinite(estimate) or of == 0:
        return Figure(np.nan, np.nan, np.nan, np.nan)
    error = float(np.sqrt(np.mean(influence**2) / len(influence)))
    centre, spread = estimate, error
    if is_share:
        centre, spread = estimate * of / (of + 2), float(np.hypot(of * error, 1.0)) / (of + 2)
    if len(influence) < 2:  # one replicate says nothing of how replicates differ
        error = spread = np.nan
    reach = normal_quantile() * spread
    lower, upper = centre - reach, centre + reach
    return Figure(estimate, lower, upper, error)


def rows(name: str, parts: list[str], attribution: Attribution) -> Iterator[dict[str, Any]]:
    """One row for each part and figure, for a table."""
    for part, figures in zip(parts, attribution.parts, strict=True):
        for key, figure in figures.items():
            yield {"measure": name, "part": part, "figure": key, **figure.plain()}


def pair_rows(name: str, parts: list[str], attribution: Attribution) -> Iterator[dict[str, Any]]:
    """One row for each pair of parts, for a table."""
    for (one, other), figure in attribution.interactions.items():
        yield {"measure": name, "part": parts[one], "with": parts[other], **figure.plain()}


# --- What ended it, in sentences: who brought how much, who leads, who helps whom, and how sure that is


def answer(
    measures: Sequence[Measure],
    parts: Sequence[str],
    attributions: Sequence[Attribution],
    replicates: int,
) -> Iterator[str]:
    """Sentences that answer what ended it, the first outcome at most length.

    Args:
        measures: the outcomes.
        parts: names of the parts.
        attributions: how each outcome is shared out among them.
        replicates: crises in each combination.
    """
    for place, (measure, one) in enumerate(zip(measures, attributions, strict=True)):
        yield _shared_out(measure, parts, one)
        if place == 0 and not one.unknown:
            yield from _who_leads(measure, parts, one, replicates)
            yield from _but_for(measure, parts, one)
        if not one.unknown:
            yield from _who_helps(measure, parts, one)
    combinations = 1 << len(parts)
    yield (
        f"{wording.count(combinations)} combinations of {wording.count(replicates)} replicates, all with "
        "the same luck, 95% intervals; a part's share is its Shapley value: what it adds on average "
        "over all orders in which the parts could come in. It says what the model puts down to it, "
        f"not what the record proves. {wording.count(4 * replicates)} replicates in each combination "
        "would about halve the intervals."
    )


def _shared_out(measure: Measure, parts: Sequence[str], one: Attribution) -> str:
    name = spec.sentence_start(measure.subject)
    ends = (
        f"{_level(one.everything, measure)} with {_all_of(parts)}, {_level(one.nothing, measure)}"
    )
    text = f"{name}: {ends} {'without it' if len(parts) == 1 else 'with none of them'}"
    if one.unknown:
        return (
            f"{text}. It is never reached, or unknown, in {one.unknown} of {1 << len(parts)} "
            "combinations, so that it cannot be shared out; an earlier quantile of the time, or a "
            "share within a time, could be."
        )
    digits = _digits([part["shapley"] for part in one.parts], measure.unit)
    if all(one.idle):
        return f"{text}. {_idle(parts)}."
    digits = _digits([part["shapley"] for part in one.parts], measure.unit)
    text += f": {_said(one.total, measure, _digits([one.total], measure.unit))}"
    told = [k for k in one.order if not one.parts[k]["shapley"].holds_zero]
    hidden = [k for k in one.order if k not in told and not one.idle[k]]
    if told and len(parts) > 1:
        each = [f"{parts[k]} {_said(one.parts[k]['shapley'], measure, digits)}" for k in told]
        text += f". By part, {wording.listed(each)}"
    if hidden:
        each = [f"{parts[k]} ({_limits(one.parts[k]['shapley'], measure, digits)})" for k in hidden]
        text += f". No detectable effect: {wording.listed(each)}"
    if any(one.idle):
        text += f". {_idle([part for part, idle in zip(parts, one.idle, strict=True) if idle])}"
    return f"{text}."


def _idle(parts: Sequence[str]) -> str:
    return f"No difference in any combination: {wording.listed(parts)}"


def _who_leads(
    measure: Measure, parts: Sequence[str], one: Attribution, replicates: int
) -> Iterator[str]:
    if len(parts) < 2:
        return
    told = [k for k in one.order if not one.parts[k]["shapley"].holds_zero]
    if not told:
        return
    first, raises = one.order[0], one.parts[one.order[0]]["shapley"].estimate > 0.0
    rivals = {
        k: one.leads[first, k] if raises else one.leads[k, first]
        for k in one.order[1:]
        if not one.idle[k] and (one.parts[k]["shapley"].estimate > 0.0) == raises
    }
    close = next((k for k, lead in rivals.items() if lead.holds_zero), None)
    if not rivals:
        return
    rival = next(iter(rivals)) if close is None else close
    lead = rivals[rival]
    digits = _digits([lead], measure.unit)
    ahead = limits(
        _scale(measure) * lead.lower, _scale(measure) * lead.upper, digits, _noun(measure)
    )
    if close is None:
        mixed = any(
            (part["shapley"].estimate > 0.0) != raises for part in map(one.parts.__getitem__, told)
        )
        among = f" of those that {'raise' if raises else 'lower'} it" if mixed else ""
        yield f"The largest share{among} is that of {parts[first]}, ahead of {parts[rival]} by {ahead}."
        return
    text = f"Whether {parts[first]} or {parts[rival]} brings more cannot be told ({ahead})"
    if not is_known(lead.lower) or not is_known(lead.upper):
        yield f"{text}."
        return
    needed = replicates_to_tell(lead.estimate, lead.lower, lead.upper, replicates)
    if needed is None:
        yield f"{text}: if the two differ by as little as it looks, no practical number of replicates would."
    else:
        yield f"{text}; if it is as it looks, about {wording.count(needed)} replicates would tell."


def _but_for(measure: Measure, parts: Sequence[str], one: Attribution) -> Iterator[str]:
    told = [k for k in one.order if not one.parts[k]["but_for"].holds_zero]
    if len(parts) < 2 or all(one.idle):
        return
    if told:
        digits = _digits([one.parts[k]["but_for"] for k in told], measure.unit)
        each = [
            f"{parts[k]} {_said(_less(one.parts[k]['but_for']), measure, digits)}" for k in told
        ]
        yield f"Taken away alone, with all the others there: {wording.listed(each)}."
        return
    text = "Taken away alone, with all the others there, none of them makes a difference that can be told"
    # That others do its work takes more than that: together they bring surely more than their removals lose.
    both = (one.total, one.overlap)
    if all(figure.lower > 0.0 for figure in both) or all(figure.upper < 0.0 for figure in both):
        text += ", though all together do: where one is missing, others do its work"
    yield f"{text}."


def _who_helps(measure: Measure, parts: Sequence[str], one: Attribution) -> Iterator[str]:
    """The pair that matters most, of those that can be told even though many pairs are looked at."""
    stricter = 1.0 - (1.0 - CONFIDENCE) / max(len(one.interactions), 1)  # Bonferroni's
    wider = normal_quantile(stricter) / normal_quantile()
    told = [pair for pair, figure in one.interactions.items() if _excludes_zero(figure, wider)]
    if not told:
        return
    pair = max(told, key=lambda pair: abs(one.interactions[pair].estimate))
    figure = one.interactions[pair]
    first, second = (parts[k] for k in pair)
    size = figure if figure.estimate > 0 else _less(figure)
    digits = _digits([size], measure.unit)
    amount = (
        f"{_plain(size.estimate, measure, digits)}{_noun(measure)} "
        f"({limits(_scale(measure) * size.lower, _scale(measure) * size.upper, digits)})"
    )
    names = f"{spec.sentence_start(first)} and {second}"
    # To help, and to stand in, takes parts that surely pull the same way; else it is told with its sign.
    pulls = {_way(part["shapley"]) for part in (one.parts[k] for k in pair)} | {_way(one.total)}
    if pulls not in ({1}, {-1}):
        yield f"{names}: each brings {_said(figure, measure, digits)} where the other is there."
        return
    helps = _way(figure) in pulls
    how = "help each other" if helps else "can stand in for each other"
    yield f"{names} {how}: each brings {amount} {'more' if helps else 'less'} where the other is there."


def _way(figure: Figure) -> int:
    """1 where a figure is surely above zero, -1 where below, 0 where neither."""
    return int(figure.lower > 0.0) - int(figure.upper < 0.0)


def _excludes_zero(figure: Figure, wider: float) -> bool:
    """Whether an interval would not hold zero though it were so many times as wide."""
    middle, reach = (figure.lower + figure.upper) / 2.0, (figure.upper - figure.lower) / 2.0
    return abs(middle) > wider * reach


def _all_of(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return "both parts" if len(parts) == 2 else f"all {len(parts)} parts"


def _level(figure: Figure, measure: Measure) -> str:
    if math.isinf(figure.estimate) or math.isnan(figure.estimate):
        return spec.figure(figure.estimate, measure.unit)
    return spec.estimate(figure.estimate, figure.lower, figure.upper, measure.unit)


def _said(figure: Figure, measure: Measure, digits: int) -> str:
    return (
        f"{spec.signed(_scale(measure) * figure.estimate, digits)}{_noun(measure)} "
        f"({_limits(figure, measure, digits).removesuffix(_noun(measure))})"
    )


def _limits(figure: Figure, measure: Measure, digits: int) -> str:
    low, high = (_scale(measure) * end for end in (figure.lower, figure.upper))
    return limits(low, high, digits, _noun(measure), sign=True)


def _less(figure: Figure) -> Figure:
    """The figure the other way round."""
    return Figure(-figure.estimate, -figure.upper, -figure.lower, figure.standard_error)


def _plain(value: float, measure: Measure, digits: int) -> str:
    shown = spec.signed(_scale(measure) * value, digits)
    return shown.removeprefix("+")


def _scale(measure: Measure) -> float:
    return 100.0 if measure.unit == "share" else 1.0


def _noun(measure: Measure) -> str:
    return " points" if measure.unit == "share" else f" {measure.unit}".rstrip()


def _digits(figures: Sequence[Figure], unit: str) -> int:
    """Decimals that show the width of the widest of some intervals with two figures."""
    widths = [figure.upper - figure.lower for figure in figures]
    known = [width for width in widths if is_known(width)]
    return decimals((100.0 if unit == "share" else 1.0) * max(known, default=0.0))
