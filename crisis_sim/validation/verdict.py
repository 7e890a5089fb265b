"""A fact of the record beside what the model gives for it, and what that comes to in a word.

*Inside*: the simulated value lies in the record's interval. *Near*: it does not, but its own interval reaches into the
record's; or, where the record gives no interval, the value is no further from the record's than the tolerance that
`expectations.csv` states. *Outside*: neither. *Not comparable*: nothing in the model corresponds to the fact.

Two facts are made comparable first. The model has no ending of "another" kind, so the shares of the other endings are taken
of the crises that ended in one of them, with Wilson's interval for the smaller number. And a share that comes with a number
of crises, but without an interval, gets Wilson's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from crisis_sim.outcomes.intervals import Estimate, wilson_interval
from crisis_sim.validation.expectations import Expectation
from crisis_sim.validation.facts import Fact

Verdict = Literal["inside", "near", "outside", "not comparable"]
VERDICTS: tuple[Verdict, ...] = ("inside", "near", "outside", "not comparable")

#: The ending of the record that the model has not.
OTHER = "ending_other"


@dataclass(frozen=True)
class Measured:
    """What the model gives for one fact.

    Attributes:
        estimate: the figure with its 95% interval, in the fact's unit; NaN where there is nothing to take it from.
        n: crises, states or acts that it rests on.
    """

    estimate: Estimate
    n: int


@dataclass(frozen=True)
class Comparison:
    """A fact, what the model gives, and the verdict.

    Attributes:
        fact: the figure as it is compared, which for endings is not quite as the record gives it.
        measured: what the model gives.
        verdict: what it comes to.
        expectation: what was expected.
    """

    fact: Fact
    measured: Measured
    verdict: Verdict
    expectation: Expectation

    @property
    def fails(self) -> bool:
        """Whether the project says that the fact is met, and it is not."""
        return self.expectation.met and self.verdict != "inside"


def compare(fact: Fact, measured: Measured, expectation: Expectation) -> Comparison:
    """Hold what the model gives against a fact."""
    return Comparison(fact, measured, judge(fact, measured.estimate, expectation), expectation)


def judge(fact: Fact, simulated: Estimate, expectation: Expectation) -> Verdict:
    """The verdict on one fact."""
    if not expectation.counterpart:
        return "not comparable"
    if math.isnan(simulated.estimate):
        return "outside"
    if fact.lower is None or fact.upper is None:
        return "near" if _within_tolerance(fact, simulated.estimate, expectation) else "outside"
    if fact.lower <= simulated.estimate <= fact.upper:
        return "inside"
    # A limit that the sample was too small to set is no limit.
    lower = -math.inf if math.isnan(simulated.lower) else simulated.lower
    upper = math.inf if math.isnan(simulated.upper) else simulated.upper
    return "near" if lower <= fact.upper and upper >= fact.lower else "outside"


def _within_tolerance(fact: Fact, value: float, expectation: Expectation) -> bool:
    tolerance = expectation.tolerance
    if tolerance is None:
        raise ValueError(f"{fact.id} has neither an interval nor a tolerance")
    if fact.is_share:
        return abs(value - fact.value) <= tolerance
    return fact.value / tolerance <= value <= fact.value * tolerance


def comparable(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """The facts as they can be compared with the model: see the module."""
    other = facts[OTHER]
    made = {}
    for name, fact in facts.items():
        if name.startswith("ending_") and name != OTHER:
            made[name] = _without_other(fact, other)
        elif fact.is_share and fact.lower is None and fact.n is not None:
            made[name] = _with_interval(fact, round(fact.value * fact.n), fact.n)
        else:
            made[name] = fact
    return made


def _without_other(fact: Fact, other: Fact) -> Fact:
    if fact.n is None or other.n is None:
        raise ValueError(f"{fact.id} does not say of how many crises it is a share")
    number = other.n - round(other.value * other.n)
    count = round(fact.value * fact.n)
    return _with_interval(replace(fact, value=count / number, n=number), count, number)


def _with_interval(fact: Fact, count: int, number: int) -> Fact:
    lower, upper = wilson_interval(count, number)
    return replace(fact, lower=float(lower), upper=float(upper))
