"""Which scenarios a chart shows, where there are more than can be told apart in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crisis_sim.report import words

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch

#: Scenarios that a chart has room for, the reference among them: as curves with their names, and as rows.
MOST_CURVES, MOST_ROWS = 12, 24


def shown(batch: Batch, summary: Mapping[str, Any], most: int) -> list[str]:
    """The scenarios to draw, in the batch's order: all, or the reference and those that differ most from it.

    How much one differs is how far apart the shares that ended by agreement are; of equals the first are shown.

    Args:
        batch: the replicates; gives the order of the scenarios.
        summary: their summary (`crisis_sim.outcomes.summarise`).
        most: as many as there is room for.
    """
    share = {
        name: one["endings"]["agreement"]["estimate"] for name, one in summary["scenarios"].items()
    }
    names = [name for name in batch.ensembles if name in share]
    reference = summary["reference"]

    def apart(name: str) -> float:
        known = share[name] is not None and share[reference] is not None
        return abs(share[name] - share[reference]) if known else -1.0

    others = sorted((name for name in names if name != reference), key=apart, reverse=True)
    kept = {reference, *others[: most - 1]}
    return [name for name in names if name in kept]


def left_out(summary: Mapping[str, Any], most: int) -> str:
    """What is said under a chart of the scenarios that it does not show; "" where it shows all."""
    more = len(summary["scenarios"]) - most
    if more <= 0:
        return ""
    return (
        f"The reference and the {most - 1} scenarios whose share ended by agreement differs most from its own; "
        f"{words.count(more)} {'stands' if more == 1 else 'others stand'} in the tables alone"
    )
