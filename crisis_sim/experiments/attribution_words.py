"""What ended it, in sentences: who brought how much, who leads, who helps whom, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from crisis_sim.experiments import words
from crisis_sim.experiments.attribution import Attribution, Figure
from crisis_sim.outcomes.intervals import CONFIDENCE, normal_quantile
from crisis_sim.outcomes.measures import Measure

#: A difference that would take this many times the replicates to show is called too small for it.
FAR_OUT_OF_REACH = 100.0


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
        f"{words.count(combinations)} combinations of {words.count(replicates)} replicates, all with "
        "the same luck, 95% intervals; a part's share is its Shapley value: what it adds on average "
        "over all orders in which the parts could come in. It says what the model puts down to it, "
        f"not what the record proves. {words.count(4 * replicates)} replicates in each combination "
        "would halve the intervals."
    )


def _shared_out(measure: Measure, parts: Sequence[str], one: Attribution) -> str:
    name = words.sentence_start(measure.words)
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
    text += f": {_said(one.total, measure, _digits([one.total], measure.unit))}"
    told = [k for k in one.order if not one.parts[k]["shapley"].holds_zero]
    others = [k for k in one.order if k not in told]
    if told:
        each = [f"{parts[k]} {_said(one.parts[k]['shapley'], measure, digits)}" for k in told]
        text += f". Of that, {words.listed(each)}" if len(parts) > 1 else ""
    idle = [k for k in others if _is_idle(one.parts[k])]
    hidden = [k for k in others if k not in idle]
    if hidden:
        each = [
            f"{parts[k]} ({_limits(one.parts[k]['shapley'], measure, digits)}{_noun(measure)})"
            for k in hidden
        ]
        text += f". Nothing that can be told: {words.listed(each)}"
    if idle:
        each = [parts[k] for k in idle]
        text += f". No difference in any crisis: {words.listed(each)}"
    return f"{text}."


def _is_idle(part: dict[str, Figure]) -> bool:
    """Whether a part changed nothing in any replicate, as far as these figures see."""
    return all(figure.estimate == figure.standard_error == 0.0 for figure in part.values())


def _who_leads(
    measure: Measure, parts: Sequence[str], one: Attribution, replicates: int
) -> Iterator[str]:
    if len(parts) < 2:
        return
    first, second = one.order[:2]
    values = [one.parts[k]["shapley"].estimate for k in (first, second)]
    if math.copysign(1.0, values[0]) != math.copysign(1.0, values[1]) or values[0] == 0.0:
        return
    lead = one.leads[first, second] if values[0] > 0 else one.leads[second, first]
    digits = _digits([lead], measure.unit)
    limits = f"{_plain(lead.lower, measure, digits)} to {_plain(lead.upper, measure, digits)}"
    if not lead.holds_zero:
        yield (
            f"The largest share is that of {parts[first]}, ahead of {parts[second]} by {limits}"
            f"{_noun(measure)}."
        )
        return
    text = f"Whether {parts[first]} or {parts[second]} brings more cannot be told ({limits}{_noun(measure)})"
    reach = (lead.upper - lead.lower) / 2.0
    times = (reach / lead.estimate) ** 2 if lead.estimate else math.inf
    if times > FAR_OUT_OF_REACH:
        yield f"{text}: if the two differ by as little as it looks, no practical number of replicates would."
    else:
        needed = _round_up(1.1 * times * replicates)
        yield f"{text}; if it is as it looks, about {words.count(needed)} replicates would tell."


def _but_for(measure: Measure, parts: Sequence[str], one: Attribution) -> Iterator[str]:
    told = [k for k in one.order if not one.parts[k]["but_for"].holds_zero]
    if len(parts) < 2:
        return
    if not told:
        yield (
            "Taken away alone, with all the others there, none of them makes a difference that can "
            "be told: where one is missing, others do its work."
        )
        return
    digits = _digits([one.parts[k]["but_for"] for k in told], measure.unit)
    each = [f"{parts[k]} {_said(_less(one.parts[k]['but_for']), measure, digits)}" for k in told]
    yield f"Taken away alone, with all the others there: {words.listed(each)}."


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
        f"({_plain(size.lower, measure, digits)} to {_plain(size.upper, measure, digits)})"
    )
    helps = (figure.estimate > 0) == (one.total.estimate > 0)
    how = "help each other" if helps else "can stand in for each other"
    yield (
        f"{words.sentence_start(first)} and {second} {how}: each brings {amount} "
        f"{'more' if helps else 'less'} where the other is there."
    )


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
        return words.figure(figure.estimate, measure.unit)
    return words.estimate(figure.estimate, figure.lower, figure.upper, measure.unit)


def _said(figure: Figure, measure: Measure, digits: int) -> str:
    return (
        f"{_signed(figure.estimate, measure, digits)}{_noun(measure)} "
        f"({_limits(figure, measure, digits)})"
    )


def _limits(figure: Figure, measure: Measure, digits: int) -> str:
    return f"{_signed(figure.lower, measure, digits)} to {_signed(figure.upper, measure, digits)}"


def _less(figure: Figure) -> Figure:
    """The figure the other way round."""
    return Figure(-figure.estimate, -figure.upper, -figure.lower, figure.standard_error)


def _signed(value: float, measure: Measure, digits: int) -> str:
    return words.signed(_scale(measure) * value, digits)


def _plain(value: float, measure: Measure, digits: int) -> str:
    shown = words.signed(_scale(measure) * value, digits)
    return shown.removeprefix("+")


def _scale(measure: Measure) -> float:
    return 100.0 if measure.unit == "share" else 1.0


def _noun(measure: Measure) -> str:
    return " points" if measure.unit == "share" else f" {measure.unit}".rstrip()


def _digits(figures: Sequence[Figure], unit: str) -> int:
    """Decimals that show the width of the widest of some intervals with two figures."""
    widths = [figure.upper - figure.lower for figure in figures]
    width = (100.0 if unit == "share" else 1.0) * max(widths)
    return min(max(1 - math.floor(math.log10(width)), 0), 4) if width > 0.0 else 1


def _round_up(number: float) -> int:
    """Up to two figures: 38,412 becomes 39,000."""
    unit = int(10 ** max(math.floor(math.log10(number)) - 1, 0))
    return math.ceil(number / unit) * unit
