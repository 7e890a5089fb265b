"""The record that the model is held against: figures on crises since 1945, and eight cases.

The files are those of docs/facts in a checkout; in a wheel they travel as `crisis_sim/_facts`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from crisis_sim.scenario.shipped import on_disk

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
