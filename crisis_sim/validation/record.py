"""The record that the model is held against: figures on crises since 1945, and eight cases.

The files are those of docs/facts in a checkout; in a wheel they travel as `crisis_sim/_facts`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from crisis_sim.outcomes.intervals import Estimate, wilson_interval
from crisis_sim.scenario.load import on_disk

# --- The record that the model is held against: figures on crises since 1945, and eight cases

#: The scenario file of each case, by the case's name in cases.csv.
CASE_SCENARIOS = {
    "India-Pakistan Kargil 1999": "kargil_1999",
    "India-Pakistan Uri 2016": "uri_2016",
    "India-Pakistan Pulwama-Balakot 2019": "pulwama_2019",
    "India-Pakistan May 2025": "may_2025",
    "Thailand-Cambodia July 2025": "thailand_cambodia_2025",
    "Armenia-Azerbaijan April 2016": "armenia_azerbaijan_2016",
    "Russia-Georgia 2008": "russia_georgia_2008",
    "Ecuador-Peru 1995": "ecuador_peru_1995",
}
#: The last close before the ceasefire of May 2025 and the first one after it.
BEFORE_THE_CEASEFIRE, AFTER_THE_CEASEFIRE = "2025-05-09", "2025-05-12"


@dataclass(frozen=True)
class Fact:
    """One figure of the record.

    Attributes:
        id: its name in stylised_facts.csv.
        population: the crises it speaks of.
        statistic: what it is, in words.
        value: the figure: a share from 0 to 1, or days.
        lower, upper: its 95% interval; None where the record gives none.
        n: crises or actors that it rests on; None where the record does not say.
        source: the data set.
    """

    id: str
    population: str
    statistic: str
    value: float
    lower: float | None
    upper: float | None
    n: int | None
    source: str

    @property
    def is_share(self) -> bool:
        """Whether it is a share; otherwise it is a number of days."""
        return not self.statistic.startswith("days")


@dataclass(frozen=True)
class Case:
    """One real crisis.

    Attributes:
        name: its name in cases.csv.
        scenario: the scenario file of the case.
        strike_days: days from the trigger to the first strike.
        halt_days: days from the first strike to the halt.
        outcome: how it ended, in words.
    """

    name: str
    scenario: str
    strike_days: float
    halt_days: float
    outcome: str

    @property
    def strike_is_given(self) -> bool:
        """Whether the attack was the trigger, so that the case's scenario begins with it."""
        return self.strike_days == 0


def facts_folder() -> Path:
    """Where the record is: inside the package, or in the docs of a checkout."""
    package = on_disk(Path(__file__).resolve().parents[1])
    inside = package / "_facts"
    return inside if inside.is_dir() else package.parent / "docs" / "facts"


def read_facts() -> dict[str, Fact]:
    """The figures of stylised_facts.csv by id, in the order of the file."""
    return {
        row["id"]: Fact(
            id=row["id"],
            population=row["population"],
            statistic=row["statistic"],
            value=float(row["value"]),
            lower=_number(row["ci_low"]),
            upper=_number(row["ci_high"]),
            n=int(row["n"]) if row["n"] else None,
            source=row["source"],
        )
        for row in _rows("stylised_facts.csv")
    }


def read_cases() -> list[Case]:
    """The crises of cases.csv, in the order of the file.

    Raises:
        KeyError: when a case has no scenario here.
    """
    return [
        Case(
            name=row["case"],
            scenario=CASE_SCENARIOS[row["case"]],
            strike_days=float(row["trigger_to_strike_days"]),
            halt_days=float(row["strike_to_halt_days"]),
            outcome=row["outcome"],
        )
        for row in _rows("cases.csv")
    ]


def real_rebound() -> float:
    """By what share the Karachi index rose from the last close before the ceasefire of May 2025 to the first after it."""
    closes = {row["date"]: row["kse100_close"] for row in _rows("markets_may_2025.csv")}
    return float(closes[AFTER_THE_CEASEFIRE]) / float(closes[BEFORE_THE_CEASEFIRE]) - 1


def _rows(name: str) -> Iterator[Mapping[str, str]]:
    with (facts_folder() / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _number(text: str) -> float | None:
    return float(text) if text else None


# --- What is expected of the model, fact by fact: `expectations.csv`, one row for each thing that is compared
#
# | column | meaning |
# |---|---|
# | `id` | a fact of stylised_facts.csv, or `<scenario>/strike`, `<scenario>/halt`, `may_2025/rebound` for a case |
# | `in_fit` | `yes` where the fit of the behavioural parameters used it |
# | `met` | `yes` where the project says that the model meets it: then `validate --strict` fails when it does not |
# | `tolerance` | where the record gives no interval: how far off is near; a difference of shares, for days a factor |
# | `counterpart` | `no` where nothing in the model corresponds to it |
# | `note` | what a reader should know: why it cannot be met, or compared |

FILE = on_disk(Path(__file__).parent) / "expectations.csv"


@dataclass(frozen=True)
class Expectation:
    """What is expected of the model for one fact; the columns of `expectations.csv`."""

    id: str
    in_fit: bool = False
    met: bool = False
    tolerance: float | None = None
    counterpart: bool = True
    note: str = ""


def read_expectations(path: Path = FILE) -> dict[str, Expectation]:
    """All rows by id.

    Raises:
        ValueError: when an id comes twice, or an answer is neither yes nor no.
    """
    expectations: dict[str, Expectation] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["id"] in expectations:
                raise ValueError(f"{path.name}: {row['id']} comes twice")
            expectations[row["id"]] = Expectation(
                id=row["id"],
                in_fit=_is_yes(row["in_fit"]),
                met=_is_yes(row["met"]),
                tolerance=float(row["tolerance"]) if row["tolerance"] else None,
                counterpart=_is_yes(row["counterpart"]),
                note=row["note"],
            )
    return expectations


def _is_yes(word: str) -> bool:
    if word not in ("yes", "no"):
        raise ValueError(f"{FILE.name}: expected yes or no, got {word!r}")
    return word == "yes"


# --- A fact of the record beside what the model gives for it, and what that comes to in a word
#
# *Inside*: the simulated value lies in the record's interval. *Near*: it does not, but its own interval reaches into
# the
# record's; or, where the record gives no interval, the value is no further from the record's than the tolerance that
# `expectations.csv` states. *Outside*: neither. *Not comparable*: nothing in the model corresponds to the fact.
#
# Two facts are made comparable first. The model has no ending of "another" kind, so the shares of the other endings
# are taken
# of the crises that ended in one of them, with Wilson's interval for the smaller number. And a share that comes with a
# number
# of crises, but without an interval, gets Wilson's.

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
