"""Facts on crises since 1945, eight cases, what is expected of the model for each, and verdicts.

The files are those of docs/facts in a checkout; in a wheel they travel as `crisis_sim/_facts`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from crisis_sim.outcomes.intervals import wilson_interval
from crisis_sim.scenario.load import data_folder, on_disk

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
FILE = on_disk(Path(__file__).parent) / "expectations.csv"


@dataclass(frozen=True)
class Fact:
    """One figure of the record, by its id in stylised_facts.csv: a share from 0 to 1, or days.

    Attributes:
        population: the crises it speaks of.
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

    @property
    def compared(self) -> Fact:
        """The fact as it is compared with the model: a share with a number but no interval gets Wilson's."""
        if not self.is_share or self.lower is not None or self.n is None:
            return self
        lower, upper = map(float, wilson_interval(round(self.value * self.n), self.n))
        return replace(self, lower=lower, upper=upper)


@dataclass(frozen=True)
class Case:
    """One real crisis: its name in cases.csv, its scenario file, days from trigger to strike and from strike to halt."""

    name: str
    scenario: str
    strike_days: float
    halt_days: float


@dataclass(frozen=True)
class Expectation:
    """What is expected of the model for one fact, or one figure of a case; a row of `expectations.csv`.

    Attributes:
        id: a fact of stylised_facts.csv; for a case `<scenario>/strike`, `<scenario>/halt` or `may_2025/rebound`.
        name: the fact's name under that of its family, shorter than in the record.
        in_fit: whether the fit of the behavioural parameters used it.
        met: whether the project says that the model meets it: then `validate --strict` fails when it does not.
        tolerance: where the record gives no interval: how far off is near; a difference of shares, for days a factor.
        counterpart: whether anything in the model corresponds to it.
        note: what a reader should know: why it cannot be met, or compared.
    """

    id: str
    name: str = ""
    in_fit: bool = False
    met: bool = False
    tolerance: float | None = None
    counterpart: bool = True
    note: str = ""


def facts_folder() -> Path:
    """The folder of the record's tables."""
    return data_folder(__file__, "_facts", "docs/facts")


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _number(written: str) -> float | None:
    return float(written) if written else None


def read_facts() -> dict[str, Fact]:
    """The figures of stylised_facts.csv by id, in the order of the file."""
    return {
        row["id"]: Fact(
            row["id"], row["population"], row["statistic"], float(row["value"]), _number(row["ci_low"]),
            _number(row["ci_high"]), int(row["n"]) if row["n"] else None, row["source"],
        )
        for row in _rows(facts_folder() / "stylised_facts.csv")
    }  # fmt: skip


def read_cases() -> list[Case]:
    """The crises of cases.csv, in the order of the file.

    Raises:
        KeyError: when a case has no scenario here.
    """
    days = ("trigger_to_strike_days", "strike_to_halt_days")
    return [
        Case(row["case"], CASE_SCENARIOS[row["case"]], *(float(row[one]) for one in days))
        for row in _rows(facts_folder() / "cases.csv")
    ]


def real_rebound() -> float:
    """By what share the Karachi index rose from the last close before the ceasefire of May 2025 to the first after it."""
    rows = _rows(facts_folder() / "markets_may_2025.csv")
    closes = {row["date"]: float(row["kse100_close"]) for row in rows}
    return closes[AFTER_THE_CEASEFIRE] / closes[BEFORE_THE_CEASEFIRE] - 1


def read_expectations(path: Path = FILE) -> dict[str, Expectation]:
    """All rows by id."""
    yes = {"yes": True, "no": False}
    return {
        row["id"]: Expectation(
            row["id"], row["name"], yes[row["in_fit"]], yes[row["met"]], _number(row["tolerance"]),
            yes[row["counterpart"]], row["note"],
        )
        for row in _rows(path)
    }  # fmt: skip


Verdict = Literal["inside", "near", "outside", "not comparable"]
VERDICTS: tuple[Verdict, ...] = ("inside", "near", "outside", "not comparable")

#: Share of the crises ended without an agreement that count as ended in ICB's other ways, which the model has not, where
#: they are compared with the record: about what it is there (8.2 of 63.8%).
OTHER_SHARE = 0.12


@dataclass(frozen=True)
class Simulated:
    """The model's figure for one fact, in its unit, with its 95% interval, from `n` crises, states or acts.

    NaN where there is nothing to take it from.
    """

    value: float
    lower: float
    upper: float
    n: int


@dataclass(frozen=True)
class Comparison:
    """A fact of the record, what the model gives, and the verdict."""

    recorded: Fact
    simulated: Simulated
    expectation: Expectation

    @property
    def fact(self) -> Fact:
        """The fact as it is compared."""
        return self.recorded.compared

    @property
    def verdict(self) -> Verdict:
        """Where the simulated value lies.

        Inside: in the record's interval. Near: not there, but its own interval reaches into the record's; or, where the
        record gives no interval, it is within the expectation's tolerance. Outside: neither.

        Raises:
            ValueError: when the fact has neither an interval nor a tolerance.
        """
        fact, value, tolerance = self.fact, self.simulated.value, self.expectation.tolerance
        if not self.expectation.counterpart:
            return "not comparable"
        if math.isnan(value):
            return "outside"
        if fact.lower is None or fact.upper is None:
            if tolerance is None:
                raise ValueError(f"{fact.id} has neither an interval nor a tolerance")
            if fact.is_share:
                return "near" if abs(value - fact.value) <= tolerance else "outside"
            is_near = fact.value / tolerance <= value <= fact.value * tolerance
            return "near" if is_near else "outside"
        if fact.lower <= value <= fact.upper:
            return "inside"
        # A limit that the sample was too small to set is no limit.
        is_apart = self.simulated.lower > fact.upper or self.simulated.upper < fact.lower
        return "outside" if is_apart else "near"
