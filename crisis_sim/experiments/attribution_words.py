"""What ended it, in sentences: who brought how much, who leads, who helps whom, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from crisis_sim.experiments import words
from crisis_sim.experiments.attribution import Attribution, Figure
from crisis_sim.outcomes.intervals import CONFIDENCE, normal_quantile
from crisis_sim.outcomes.measures import Measure
from crisis_sim.outcomes.text import decimals, is_known, limits, replicates_to_tell


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
        "would about halve the intervals."
    )


def _shared_out(measure: Measure, parts: Sequence[str], one: Attribution) -> str:
    name = words.sentence_start(measure.subject)
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
        text += f". By part, {words.listed(each)}"
    if hidden:
        each = [f"{parts[k]} ({_limits(one.parts[k]['shapley'], measure, digits)})" for k in hidden]
        text += f". No detectable effect: {words.listed(each)}"
    if any(one.idle):
        text += f". {_idle([part for part, idle in zip(parts, one.idle, strict=True) if idle])}"
    return f"{text}."


def _idle(parts: Sequence[str]) -> str:
    return f"No difference in any combination: {words.listed(parts)}"


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
        yield f"{text}; if it is as it looks, about {words.count(needed)} replicates would tell."


def _but_for(measure: Measure, parts: Sequence[str], one: Attribution) -> Iterator[str]:
    told = [k for k in one.order if not one.parts[k]["but_for"].holds_zero]
    if len(parts) < 2 or all(one.idle):
        return
    if told:
        digits = _digits([one.parts[k]["but_for"] for k in told], measure.unit)
        each = [
            f"{parts[k]} {_said(_less(one.parts[k]['but_for']), measure, digits)}" for k in told
        ]
        yield f"Taken away alone, with all the others there: {words.listed(each)}."
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
    names = f"{words.sentence_start(first)} and {second}"
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
        return words.figure(figure.estimate, measure.unit)
    return words.estimate(figure.estimate, figure.lower, figure.upper, measure.unit)


def _said(figure: Figure, measure: Measure, digits: int) -> str:
    return (
        f"{words.signed(_scale(measure) * figure.estimate, digits)}{_noun(measure)} "
        f"({_limits(figure, measure, digits).removesuffix(_noun(measure))})"
    )


def _limits(figure: Figure, measure: Measure, digits: int) -> str:
    low, high = (_scale(measure) * end for end in (figure.lower, figure.upper))
    return limits(low, high, digits, _noun(measure), sign=True)


def _less(figure: Figure) -> Figure:
    """The figure the other way round."""
    return Figure(-figure.estimate, -figure.upper, -figure.lower, figure.standard_error)


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
    known = [width for width in widths if is_known(width)]
    return decimals((100.0 if unit == "share" else 1.0) * max(known, default=0.0))
