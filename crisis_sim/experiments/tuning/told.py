"""The answer of a search in sentences: what was found, how sure that is, and what would make it surer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from crisis_sim.experiments import words
from crisis_sim.experiments.tuning.found import Found
from crisis_sim.outcomes.intervals import normal_quantile

#: Parameters that an answer tells of; the table has all of them.
MOST_TOLD = 8
#: A parameter that may move alone in no more than this share of its range is pinned down; in so much of it, it is not.
PINNED, LOOSE = 0.1, 0.5
#: Trials of which a tenth is one.
FEWEST = 10


def answer(found: Found) -> Iterator[str]:
    """Sentences: what was found, how sure that is, and what would make it surer."""
    yield from _on_targets(found) if found.problem.goal is None else _on_objective(found)
    yield from _on_parameters(found)
    yield from _on_slices(found)
    yield from _on_edges(found)
    yield _on_budget(found)


def _on_targets(found: Found) -> Iterator[str]:
    spec = found.problem.spec
    fresh, before = float(found.fresh.loss[0]), float(found.before.loss[0])
    count = len(found.problem.aims)
    yield (
        f"The best of {words.count(len(found.trials.loss))} trials has a loss of {fresh:.3g} over "
        f"{words.count(count)} target{'s' if count > 1 else ''} with fresh luck "
        f"({found.loss:.3g} with the luck it was tuned on{_finalists(found)}; {before:.3g} with the scenario as it is). "
        "The loss is the weighted sum of squared distances in the targets' standard errors."
    )
    rows = [row for row in found.outcomes() if row["is_target"]]
    inside = sum(abs(row["apart"]) <= normal_quantile() for row in rows)
    yield (
        f"With fresh luck {words.count(inside)} of {words.count(count)} figures lie in the 95% "
        f"interval of their target; farthest off: {_row_in_words(found, _farthest(rows))}."
    )
    rough = sum((row["apart_error"] or 0.0) > 1.0 for row in rows)
    if rough:
        yield (
            f"{words.count(rough)} of the targets are known better than {words.count(found.replicates)} "
            "replicates can tell: more replicates, or monte_carlo_error: true."
        )
    if fresh > found.loss + normal_quantile() ** 2:
        yield (
            "Part of the fit is luck: with fresh luck it is worse by "
            f"{fresh - found.loss:.3g}. {words.halving(spec.replicates)}"
        )
    if any(aim.assumed for aim in found.problem.aims):
        yield (
            "Targets without an interval are taken as known to a standard error of five points "
            "of a share, or a tenth of anything else."
        )


def _finalists(found: Found) -> str:
    count = min(found.problem.spec.finalists, len(found.trials.loss))
    return f", and the best of the {words.count(count)} best with fresh luck" if count > 1 else ""


def _farthest(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return max(rows, key=lambda row: float(abs(row["apart"])))


def _row_in_words(found: Found, row: dict[str, Any]) -> str:
    said = _subject(row)
    if len(found.problem.scenarios) > 1:
        said += f" in {row['scenario']}"
    aimed = words.estimate(row["target"], row["target_lower"], row["target_upper"], row["unit"])
    return f"{said}: {_figure(row)}, aimed for {aimed}"


def _subject(row: dict[str, Any]) -> str:
    """What a figure is; a share with its denominator."""
    return f"{row['words']}, of {row['among']}" if row["unit"] == "share" else str(row["words"])


def _figure(row: dict[str, Any], end: str = "") -> str:
    value, lower, upper = (
        math.nan if row[f"{key}{end}"] is None else float(row[f"{key}{end}"])
        for key in ("estimate", "lower", "upper")
    )
    if math.isnan(value):
        return "never, or unknown"
    return words.estimate(value, lower, upper, str(row["unit"]))


def _on_objective(found: Found) -> Iterator[str]:
    row, objective = found.outcomes()[0], found.objective()
    assert objective is not None  # noqa: S101 - there is one
    cost = f", at a cost of {objective['cost']:.3g}" if objective["has_cost"] else ""
    yield (
        f"{words.sentence_start(_subject(row))}: {_figure(row)} at the best of "
        f"{words.count(len(found.trials.loss))} trials{cost}, with fresh luck; "
        f"{_figure(row, '_before')} with the scenario as it is."
    )
    if objective["enough"] is None:
        return
    enough = words.figure(objective["enough"], row["unit"])
    sure = "the whole interval" if objective["surely"] else "the estimate"
    if not objective["reached"]:
        yield f"No trial reached {enough} with {sure}: this is the nearest."
    elif objective["reached_with_fresh_luck"]:
        yield f"It reaches {enough} with {sure}, with fresh luck, too."
    elif row["lower"] is not None and row["lower"] <= objective["enough"] <= row["upper"]:
        yield (
            f"{enough} is enough, and was reached with {sure} on the luck it was tuned on; with fresh "
            "luck it lies inside the interval, so it is reached as far as these replicates can tell. "
            "surely: true asks for a margin."
        )
    else:
        yield (
            f"{enough} was reached with {sure} on the luck it was tuned on, but is not with fresh "
            f"luck: part of it was luck. {words.halving(found.problem.spec.replicates)}"
        )


def _on_parameters(found: Found) -> Iterator[str]:
    rows = sorted(found.parameters(), key=lambda row: -float(row["importance"]))
    told = []
    for row in rows[:MOST_TOLD]:
        unit = row["unit"]
        noun = "" if unit in ("share", "ratio", "intensity", "") else f" {unit}"
        span = f"; {row['lower']:.3g} to {row['upper']:.3g}" if found.pinned.count > 1 else ""
        told.append(f"{row['path']} {row['best']:.3g}{noun} (from {row['own']:.3g}{span})")
    more = f"; {len(rows) - MOST_TOLD} more in parameters.parquet" if len(rows) > MOST_TOLD else ""
    trials = found.pinned.count
    if trials == 1:
        yield (
            f"Best where {words.listed(told)}{more}. In brackets the scenario's own value. No other "
            f"trial comes within {found.pinned.tolerance:.3g} of the best loss, so nothing tells yet "
            "how well these are pinned down."
        )
        return
    yield (
        f"Best where {words.listed(told)}{more}. In brackets the scenario's own value, and the range "
        f"among the {words.count(trials)} trials within {found.pinned.tolerance:.3g} of the best loss: "
        "at least so much is left open."
    )


def _on_slices(found: Found) -> Iterator[str]:
    if found.slices is None:
        return
    left = [
        (one.factor.path, float(ends[1] - ends[0]))
        for k, one in enumerate(found.problem.tuned)
        for ends in [one.share_of(np.asarray([found.slices.lower[k], found.slices.upper[k]]))]
    ]
    left.sort(key=lambda pair: pair[1])
    pinned = [path for path, open_share in left if open_share <= PINNED]
    loose = [path for path, open_share in reversed(left) if open_share >= LOOSE]
    tolerance = f"{found.pinned.tolerance:.3g}"
    yield (
        f"Moved alone, with fresh luck, {words.count(len(pinned))} of {words.count(len(left))} parameters raise "
        f"the loss by more than {tolerance} before they leave a tenth of their range"
        + (f" (the most: {words.listed(pinned[:MOST_TOLD])})" if pinned else "")
        + f"; {words.count(len(loose))} hardly do in more than half of it"
        + (f" (the least: {words.listed(loose[:MOST_TOLD])})" if loose else "")
        + (": the targets do not pin those down." if loose else ".")
    )


def _on_edges(found: Found) -> Iterator[str]:
    edges = [row["path"] for row in found.parameters() if row["at_edge"]]
    if edges:
        shown = words.listed(edges[:MOST_TOLD])
        yield (
            f"At the edge of {'its range' if len(edges) == 1 else 'their ranges'}: {shown}. "
            "A wider range might do better."
        )


def _on_budget(found: Found) -> str:
    trials = found.trials
    late = trials.best >= 0.9 * len(trials.loss)
    said = (
        "The best came among the last tenth of the trials: more of them may find a better one."
        if late
        else "The last tenth of the trials found nothing better."
    )
    if len(trials.loss) < FEWEST:
        said = "So few say nothing of what more would find."
    return (
        f"{words.count(len(trials.loss))} trials by {found.problem.spec.sampler}, each of "
        f"{words.count(found.problem.spec.replicates)} replicates with the same luck. {said}"
    )
