"""Where the real times of each case fall among the simulated ones.

Two clocks, never mixed: from the trigger to the first strike, and from the first strike to the halt of the strikes. A
crisis that ends without a strike never has one, and one that the horizon cuts off may have one later. So the times are read
from the cumulative incidence (Aalen and Johansen), as a percentile among the crises in which the thing comes by the
horizon, and the share in which it comes is told beside it. Ties count half: turns make many times alike.

*Inside*: within the central 80% of the simulated times, and the thing comes in a tenth of the crises or more. *Near*: within
the central 95%, and it comes in 2.5% or more. *Outside*: neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.outcomes.incidence import CumulativeIncidence, cumulative_incidence
from crisis_sim.validation.expectations import Expectation
from crisis_sim.validation.facts import Case, real_rebound
from crisis_sim.validation.verdict import Verdict

HOURS = 24.0
#: Percentiles between which a real time is inside, and near.
INSIDE, NEAR = (0.10, 0.90), (0.025, 0.975)
#: What is compared; times are days, and a market's rise is a share.
STRIKE, HALT, REBOUND = "strike", "halt", "rebound"
IN_WORDS = {
    STRIKE: "days from the trigger to the first strike",
    HALT: "days from the first strike to the halt of the strikes",
    REBOUND: "rise of the Karachi index on the first day after the ceasefire",
}
#: The crises that the share in which there is such a figure is a share of.
AMONG = {STRIKE: "all crises", HALT: "crises with a first strike", REBOUND: "all crises"}
#: The state whose market rose after the ceasefire of May 2025.
REBOUND_CASE, REBOUND_COLUMN = "may_2025", "pakistan_market_rebound"


@dataclass(frozen=True, eq=False)
class CaseResult:
    """One real figure of a case beside the simulated ones.

    Attributes:
        case: the case.
        what: what the figure is: `STRIKE`, `HALT` or `REBOUND` (see `IN_WORDS`).
        real: the real figure, in days, or as a share.
        came: share of the crises in which there is such a figure: of those that `AMONG` names.
        percentile: share of these whose figure is below the real one; NaN where there is none.
        quantiles: the simulated figures' 2.5th, 10th, 50th, 90th and 97.5th percentile.
        verdict: what it comes to.
        expectation: what was expected.
        values, cumulative: the simulated figures and the share of those at or below each, for drawing.
    """

    case: Case
    what: str
    real: float
    came: float
    percentile: float
    quantiles: tuple[float, float, float, float, float]
    verdict: Verdict
    expectation: Expectation
    values: NDArray[np.float64]
    cumulative: NDArray[np.float64]

    @property
    def fails(self) -> bool:
        """Whether the project says that the case is met, and it is not."""
        return self.expectation.met and self.verdict != "inside"


def results(
    case: Case, ensemble: Ensemble, expectations: dict[str, Expectation]
) -> Iterator[CaseResult]:
    """All that is compared of a case.

    Args:
        case: the real crisis.
        ensemble: the replicates of its scenario, run with an `Observer`.
        expectations: what is expected, by id.
    """
    for what, real, curve in (
        (STRIKE, case.strike_days, first_strike(ensemble)),
        (HALT, case.halt_days, halt(ensemble)),
    ):
        expected = expectations[f"{case.scenario}/{what}"]
        reached = curve.estimate[0]
        came = float(reached[-1]) if reached.size else 0.0
        shares = reached / came if came else reached
        yield _result(case, what, real, came, curve.times / HOURS, shares, expected)
    if case.scenario == REBOUND_CASE:
        rises = np.sort(ensemble.column(REBOUND_COLUMN))
        rises = rises[~np.isnan(rises)]
        shares = np.arange(1, rises.size + 1) / max(rises.size, 1)
        came = rises.size / ensemble.replicates
        expected = expectations[f"{case.scenario}/{REBOUND}"]
        yield _result(case, REBOUND, real_rebound(), came, rises, shares, expected)


def first_strike(ensemble: Ensemble) -> CumulativeIncidence:
    """Trigger to first strike; ending without one competes with it."""
    struck, ended = ensemble.column("first_strike_at_hours"), ensemble.column("ended_at_hours")
    cause = np.where(~np.isnan(struck), 1, np.where(~np.isnan(ended), 2, 0))
    until = np.choose(cause, (ensemble.column("followed_until_hours"), struck, ended))
    hours = np.maximum(until - ensemble.column("trigger_at_hours"), 0.0)
    return cumulative_incidence(hours, cause, ("first strike", "ended without one"))


def halt(ensemble: Ensemble) -> CumulativeIncidence:
    """First strike to the halt of the strikes, in the crises that had one; every end of a crisis is a halt."""
    struck, halted = ensemble.column("first_strike_at_hours"), ensemble.column("halted_at_hours")
    until = np.where(np.isnan(halted), ensemble.column("followed_until_hours"), halted)
    return cumulative_incidence(until - struck, (~np.isnan(halted)).astype(np.int8), ("halt",))


def _result(
    case: Case,
    what: str,
    real: float,
    came: float,
    values: NDArray[np.float64],
    shares: NDArray[np.float64],
    expected: Expectation,
) -> CaseResult:
    at = percentile(values, shares, real)
    levels = (0.025, 0.10, 0.50, 0.90, 0.975)
    low, tenth, middle, ninetieth, high = (_quantile(values, shares, level) for level in levels)
    quantiles = low, tenth, middle, ninetieth, high
    return CaseResult(
        case, what, real, came, at, quantiles, judge(at, came, expected), expected, values, shares
    )


def percentile(values: NDArray[np.float64], shares: NDArray[np.float64], real: float) -> float:
    """Share of the simulated figures below the real one, those equal to it counting half; NaN where there are none.

    Args:
        values: the figures that occur, rising; one may come several times.
        shares: share of the figures at or below each, rising to 1.
        real: the real figure.
    """
    if not values.size:
        return math.nan
    steps = np.concatenate([[0.0], shares])
    below = steps[np.searchsorted(values, real, side="left")]
    up_to = steps[np.searchsorted(values, real, side="right")]
    return float(below + up_to) / 2


def judge(at: float, came: float, expected: Expectation) -> Verdict:
    """The verdict on a percentile, and on the share of crises in which there is anything to compare."""
    if not expected.counterpart:
        return "not comparable"
    if INSIDE[0] <= at <= INSIDE[1] and came >= INSIDE[0]:
        return "inside"
    return "near" if NEAR[0] <= at <= NEAR[1] and came >= NEAR[0] else "outside"


def _quantile(values: NDArray[np.float64], shares: NDArray[np.float64], level: float) -> float:
    """The first figure at or below which a share lies; NaN where there are no figures."""
    if not values.size:
        return math.nan
    return float(values[min(int(np.searchsorted(shares, level - 1e-9)), values.size - 1)])
