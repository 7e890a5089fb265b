"""What a study found, in sentences, and warnings where the budget is too small for what it would claim."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from crisis_sim.experiments import words
from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.sensitivity.drawn import Drawn
from crisis_sim.experiments.sensitivity.estimators import MAIN
from crisis_sim.experiments.sensitivity.indices import Known, Study
from crisis_sim.experiments.sensitivity.layouts import Layout
from crisis_sim.experiments.sensitivity.naming import names_of
from crisis_sim.experiments.sensitivity.schema import SAMPLE_WORDS, SensitivitySpec
from crisis_sim.experiments.sensitivity.sobol_terms import pairs_of
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures import Measure

#: How far a limit of the main index may lie from it before the budget is called too small: a share of
#: the variance (sobol), a distance between distributions (pawn), or of the largest index (morris).
REACH = {"sobol": 0.1, "pawn": 0.1, "morris": 0.25}
#: Noise is called large from this share of the variance between points on.
LARGE_NOISE = 0.1
#: What noise should be below.
SMALL_NOISE = 0.05
#: More samples alone do not halve an interval of which luck is a larger share than this.
MUCH_LUCK = 0.25
#: Factors that are named as those that matter most, and those that are listed at most.
NAMED, LISTED = 3, 6

#: What large noise does to indices.
_NOISE_DOES = {
    "sobol": "which is taken out of the indices, but widens their intervals",
    "morris": "which makes factors that matter little look as if they did",
    "pawn": "which blurs the distributions that are compared",
}
INDEX_WORDS = {
    "total": "total index",
    "first": "first-order index",
    "mu_star": "mean effect",
    "median": "PAWN index",
}


def answer(
    experiment: Experiment,
    drawn: Sequence[Drawn],
    studies: Mapping[str, Study],
    warned: Mapping[str, Sequence[str]],
    layout: Layout,
) -> Iterator[str]:
    """Sentences that answer which parameters matter, outcome by outcome, then how sure that is."""
    spec: Any = experiment.spec
    names = list(names_of([one.factor.path for one in drawn]).values())
    for measure in experiment.measures:
        one = studies[measure.name]
        if one.deviation == 0:
            said = words.figure(one.mean, measure.unit)
            yield f"{words.sentence_start(measure.subject)}: {said} at every point."
            continue
        if not one.known:
            yield _unknown(measure, one, spec)
            continue
        yield _who_matters(measure, one.final, names, layout.method)
        yield from _rest(measure, one, names, layout)
        yield from (f"Warning, {measure.words}: {text}" for text in warned[measure.name])
    yield _budget(spec, studies, layout)


def warnings(spec: SensitivitySpec, one: Study, layout: Layout) -> Iterator[str]:
    """What the budget is too small for, and what would be enough."""
    if not one.known or one.deviation == 0:
        return
    if one.noise > LARGE_NOISE:
        yield (
            f"{_percent(one.noise)} of the variance between points is Monte Carlo noise, "
            f"{_NOISE_DOES[layout.method]}; about {words.count(_enough(spec.replicates, one.noise))} "
            f"replicates at each point would bring it below {_percent(SMALL_NOISE)}."
        )
    elif math.isnan(one.noise) and spec.replicates < 2:
        yield "with one replicate at each point it is not known how much of the indices is noise."
    yield from _too_wide(spec, one.final, layout)
    if one.lost:
        yield (
            f"it is unknown or infinite at a point of {one.lost} of {one.samples} "
            f"{SAMPLE_WORDS[layout.method]}, which were left out: the indices are those of the rest."
        )


def _who_matters(measure: Measure, known: Known, names: Sequence[str], method: str) -> str:
    order, main = known.order, MAIN[method]
    sure = 0  # so many of the first are surely ahead of the next
    while sure + 1 < len(order) and all(
        known.surely_more(order[sure], other) for other in order[sure + 1 :]
    ):
        sure += 1
    first = [k for k in order[:NAMED] if known.estimate[main][k] > 0]
    said = [f"{names[k]} ({_index(known, main, k, measure)})" for k in first]
    name = words.sentence_start(measure.words)
    if not first:
        return f"{name}: no parameter has a {INDEX_WORDS[main]} above zero, so nothing can be told of what it turns on."
    text = f"{name} turns most on {words.listed(said)}; by {INDEX_WORDS[main]}, 95% intervals"
    if sure == 0 and len(first) > 1:
        text += f", and whether {names[order[0]]} or {names[order[1]]} comes first cannot be told"
    elif 0 < sure < len(first) - 1:
        text += f", and only the first {'place is' if sure == 1 else f'{sure} places are'} sure"
    return f"{text}."


def _rest(measure: Measure, one: Study, names: Sequence[str], layout: Layout) -> Iterator[str]:
    known, method = one.final, layout.method
    yield _spread(measure, one)
    if method == "sobol":
        yield _alone(known)
        yield from _pairs(known, names)
    elif method == "pawn":
        yield from _below_floor(
            one, names, "no more than a factor that nothing depends on would show"
        )
    else:
        yield from _below_floor(one, names, "no more than noise alone would show")
    same = known.with_noise[MAIN[method]] == 0
    if same.any() and method != "pawn":
        listed = words.listed([name for name, none in zip(names, same, strict=True) if none])
        yield f"No difference at any point: {listed}."


def _spread(measure: Measure, one: Study) -> str:
    mean, spread = (words.figure(of, measure.unit) for of in (one.mean, one.deviation))
    if measure.unit == "share":
        mean, spread = f"{mean} of {measure.among}", f"{100 * one.deviation:.1f} points"
    text = f"Over all points it is {mean} on average, with a standard deviation of {spread}"
    if math.isnan(one.noise):
        return f"{text}."
    return f"{text}; {_percent(one.noise)} of that variance is Monte Carlo noise."


def _below_floor(one: Study, names: Sequence[str], what: str) -> Iterator[str]:
    """Factors whose index is no higher than one that matters nothing may show."""
    main = one.final.main
    if main not in one.floor:
        return
    estimate = one.final.estimate[main]
    few = [names[k] for k in one.final.order if 0 < estimate[k] <= one.floor[main][k]]
    if few:
        listed = words.listed(few) if len(few) <= LISTED else f"{len(few)} of {len(names)} factors"
        yield f"{words.sentence_start(what)} in 19 of 20 studies: {listed}."


def _alone(known: Known) -> str:
    whole, error = known.sum("first", np.ones(len(known.estimate["first"])))
    reach = normal_quantile() * error
    low, high = (min(max(end, 0.0), 1.0) for end in (whole - reach, whole + reach))
    shown = _percent(min(max(whole, 0.0), 1.0))
    text = f"Acting alone the factors explain {shown} of the variance ({100 * low:.0f} to {_percent(high)})"
    if high >= 1.0:
        return f"{text}; whether they do anything together cannot be told."
    return f"{text}; the rest is what they do together."


def _pairs(known: Known, names: Sequence[str]) -> Iterator[str]:
    if "second" not in known.estimate or not len(known.estimate["second"]):
        return
    first, second = pairs_of(len(names))
    lower, _ = known.limits("second")
    sure = np.flatnonzero(lower > 0)
    estimate = known.estimate["second"]
    largest = int(sure[np.argmax(estimate[sure])] if len(sure) else np.argmax(estimate))
    pair = f"{names[first[largest]]} and {names[second[largest]]}"
    if lower[largest] > 0:
        share = _percent(float(known.estimate["second"][largest]))
        yield (
            f"Together, beyond what each does alone, {pair} explain {share} of the variance: of the pairs that surely "
            "explain any, none explains more."
        )
    else:
        yield f"No pair surely does more together than both alone; {pair} come nearest to it."


def _unknown(measure: Measure, one: Study, spec: SensitivitySpec) -> str:
    text = f"{words.sentence_start(measure.words)}: nothing can be told of what it turns on; it is"
    if math.isnan(one.mean):
        return (
            f"{text} {one.why_not}. More replicates, a share within a time or an earlier quantile may "
            "be known everywhere."
        )
    of = f" of {measure.among}" if measure.unit == "share" else ""
    return (
        f"{text} {one.why_not}, {_percent(one.noise)} of the variance between points. "
        f"{words.sentence_start(words.figure(one.mean, measure.unit))}{of} on average, it would take about "
        f"{words.count(_enough(spec.replicates, one.noise))} replicates at each point to bring that "
        f"below {_percent(SMALL_NOISE)}."
    )


def _enough(replicates: int, noise: float) -> int:
    """Replicates that make noise small: its variance falls with their number."""
    between = (1 - min(noise, 0.99)) / noise
    return _rounded(replicates / between * (1 - SMALL_NOISE) / SMALL_NOISE)


def _budget(spec: SensitivitySpec, studies: Mapping[str, Study], layout: Layout) -> str:
    crossed = "" if layout.method == "pawn" else f" ({words.count(len(layout.shares))} points)"
    lucky = any(
        one.known and _luck(one.final, int(one.final.error[one.final.main].argmax())) > MUCH_LUCK
        for one in studies.values()
    )
    more = f" of {words.count(4 * spec.replicates)} replicates" if lucky else ""
    return (
        f"{words.count(layout.samples)} {SAMPLE_WORDS[layout.method]}{crossed} of "
        f"{words.count(spec.replicates)} replicates, all with the same luck. "
        f"{words.count(4 * layout.samples)} {SAMPLE_WORDS[layout.method]}{more} would about halve the "
        "intervals."
    )


def _too_wide(spec: SensitivitySpec, known: Known, layout: Layout) -> Iterator[str]:
    """That the widest interval of the main index reaches too far, and what would narrow it."""
    main, limit = MAIN[layout.method], REACH[layout.method]
    scale = float(known.estimate[main].max()) if layout.method == "morris" else 1.0
    widest = int(known.error[main].argmax())
    reach = normal_quantile() * float(known.error[main][widest]) / scale
    if reach <= limit:
        return
    # What is luck falls with the replicates, what is choice of points with the samples: half for each.
    more, luck = (reach / limit) ** 2, _luck(known, widest)
    in_two = luck > MUCH_LUCK
    samples = layout.samples * max((2 * (1 - luck) if in_two else 1) * more, 1.0)
    count = 1 << math.ceil(math.log2(samples)) if layout.method == "sobol" else _rounded(samples)
    needed = f"{words.count(count)} {SAMPLE_WORDS[layout.method]}"
    if in_two:
        replicates = _rounded(spec.replicates * max(2 * luck * more, 1.0))
        needed += f" of {words.count(replicates)} replicates"
    of = " of the largest" if layout.method == "morris" else ""
    yield (
        f"the intervals reach up to {_reach(reach, layout.method)}{of}, too far to tell indices apart "
        f"that are closer; about {needed} would bring that to {_reach(limit, layout.method)}."
    )


def _luck(known: Known, factor: int) -> float:
    """The share of an interval's variance that is luck, not the choice of points."""
    luck, error = known.luck[known.main][factor], known.error[known.main][factor]
    return 0.0 if math.isnan(luck) or error == 0 else float((luck / error) ** 2)


def _reach(reach: float, method: str) -> str:
    return f"±{_percent(reach)}" if method == "morris" else f"±{reach:.2g}"


def _index(known: Known, main: str, k: int, measure: Measure) -> str:
    lower, upper = known.limits(main)
    value, low, high = (float(of[k]) for of in (known.estimate[main], lower, upper))
    low, high = max(low, 0.0), max(high, 0.0)
    if main == "mu_star":
        if measure.unit == "share":
            return f"{100 * value:.1f} points, {100 * low:.1f} to {100 * high:.1f}"
        return words.estimate(value, low, high, measure.unit).replace(" (", ", ").rstrip(")")
    return f"{value:.2f}, {low:.2f} to {high:.2f}"


def _percent(share: float) -> str:
    shown = f"{100 * share:.{0 if abs(share) >= 0.095 or abs(share) < 0.0005 else 1}f}"
    return f"{shown.removesuffix('.0')}%"


def _rounded(number: float) -> int:
    """A number to two figures, upwards."""
    scale = 10.0 ** (math.floor(math.log10(max(number, 1.0))) - 1)
    return math.ceil(math.ceil(number / scale) * scale)
