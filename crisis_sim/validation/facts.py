"""The historical record, the expectations of the model, and verdicts on how well it agrees with the record.

The record's tables are in docs/facts; a wheel contains them as `crisis_sim/_facts`.
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
#: Trading days around the ceasefire of May 2025.
LAST_CLOSE_BEFORE, FIRST_CLOSE_AFTER = "2025-05-09", "2025-05-12"
EXPECTATIONS = on_disk(Path(__file__).parent) / "expectations.csv"


@dataclass(frozen=True)
class Fact:
    """A statistic of the record: a row of stylised_facts.csv.

    Attributes:
        population: the crises that it describes.
        value: a share from 0 to 1, or a number of days.
        lower, upper: its 95% interval; None if the record gives none.
        n: number of crises or actors in the sample; None if the record does not give it.
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
        """True for a share, False for a number of days."""
        return not self.statistic.startswith("days")

    @property
    def compared(self) -> Fact:
        """The fact with Wilson's interval if it is a share with a sample size but no interval."""
        if not self.is_share or self.lower is not None or self.n is None:
            return self
        lower, upper = map(float, wilson_interval(round(self.value * self.n), self.n))
        return replace(self, lower=lower, upper=upper)


@dataclass(frozen=True)
class Case:
    """A real crisis: a row of cases.csv.

    Attributes:
        name: its name in the table.
        scenario: its scenario file.
        strike_days: days from the trigger to the first strike.
        halt_days: days from the first strike to the halt of the strikes.
    """

    name: str
    scenario: str
    strike_days: float
    halt_days: float


@dataclass(frozen=True)
class Expectation:
    """The expected agreement with a fact, or with a figure of a case: a row of expectations.csv.

    Attributes:
        id: a fact of stylised_facts.csv; for a case `<scenario>/strike`, `<scenario>/halt` or `may_2025/rebound`.
        name: a short name, shown below the name of the fact's family.
        in_fit: True if the fit of the behavioural parameters used it.
        met: True if the project claims that the model meets it; `validate --strict` checks these claims.
        tolerance: the largest deviation that counts as near, for facts without an interval: a difference of shares,
            or a factor for days.
        counterpart: False if nothing in the model corresponds to it.
        note: a remark for readers, such as why it cannot be compared.
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


def _optional_float(cell: str) -> float | None:
    return float(cell) if cell else None


def read_facts() -> dict[str, Fact]:
    """Return the facts of stylised_facts.csv by id, in the order of the file."""
    return {
        row["id"]: Fact(
            row["id"], row["population"], row["statistic"], float(row["value"]),
            _optional_float(row["ci_low"]), _optional_float(row["ci_high"]),
            int(row["n"]) if row["n"] else None, row["source"],
        )
        for row in _rows(facts_folder() / "stylised_facts.csv")
    }  # fmt: skip


def read_cases() -> list[Case]:
    """Return the crises of cases.csv, in the order of the file.

    Raises:
        KeyError: if a case is missing from `CASE_SCENARIOS`.
    """
    return [
        Case(
            row["case"], CASE_SCENARIOS[row["case"]],
            float(row["trigger_to_strike_days"]), float(row["strike_to_halt_days"]),
        )
        for row in _rows(facts_folder() / "cases.csv")
    ]  # fmt: skip


def real_rebound() -> float:
    """Return the relative rise of the Karachi index over the ceasefire of May 2025, from close to close."""
    rows = _rows(facts_folder() / "markets_may_2025.csv")
    closes = {row["date"]: float(row["kse100_close"]) for row in rows}
    return closes[FIRST_CLOSE_AFTER] / closes[LAST_CLOSE_BEFORE] - 1


def read_expectations(path: Path = EXPECTATIONS) -> dict[str, Expectation]:
    """Return the rows of expectations.csv by id."""
    yes = {"yes": True, "no": False}
    return {
        row["id"]: Expectation(
            row["id"], row["name"], yes[row["in_fit"]], yes[row["met"]], _optional_float(row["tolerance"]),
            yes[row["counterpart"]], row["note"],
        )
        for row in _rows(path)
    }  # fmt: skip


Verdict = Literal["inside", "near", "outside", "not comparable"]
VERDICTS: tuple[Verdict, ...] = ("inside", "near", "outside", "not comparable")

#: Share of the simulated crises without an agreement that are counted as ICB's "other" endings, which the model lacks. It is
#: about that of the record (8.2 of 63.8%).
OTHER_SHARE = 0.12


@dataclass(frozen=True)
class Simulated:
    """The simulated value of a fact, in its unit, with its 95% interval; NaN if `n` is 0.

    Attributes:
        n: number of crises, states or acts that it was computed from.
    """

    value: float
    lower: float
    upper: float
    n: int


@dataclass(frozen=True)
class Comparison:
    """A recorded fact next to its simulated value."""

    recorded: Fact
    simulated: Simulated
    expectation: Expectation

    @property
    def fact(self) -> Fact:
        """The recorded fact, with an interval if one can be computed."""
        return self.recorded.compared

    @property
    def verdict(self) -> Verdict:
        """Agreement of the simulated value with the record.

        Inside: it lies in the record's interval. Near: it does not, but its own interval overlaps the record's; if the
        record has no interval, it lies within the expectation's tolerance. Outside: neither.

        Raises:
            ValueError: if the fact has neither an interval nor a tolerance.
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
                is_near = abs(value - fact.value) <= tolerance
            else:
                is_near = fact.value / tolerance <= value <= fact.value * tolerance
            return "near" if is_near else "outside"
        if fact.lower <= value <= fact.upper:
            return "inside"
        # A limit that is NaN, because the sample was too small, excludes nothing.
        is_disjoint = self.simulated.lower > fact.upper or self.simulated.upper < fact.lower
        return "outside" if is_disjoint else "near"
