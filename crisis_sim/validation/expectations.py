"""What is expected of the model, fact by fact: `expectations.csv`, one row for each thing that is compared.

| column | meaning |
|---|---|
| `id` | a fact of stylised_facts.csv, or `<scenario>/strike`, `<scenario>/halt`, `may_2025/rebound` for a case |
| `in_fit` | `yes` where the fit of the behavioural parameters used it |
| `met` | `yes` where the project says that the model meets it: then `validate --strict` fails when it does not |
| `tolerance` | where the record gives no interval: how far off is near; a difference of shares, for days a factor |
| `counterpart` | `no` where nothing in the model corresponds to it |
| `note` | what a reader should know: why it cannot be met, or compared |
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from crisis_sim.scenario.shipped import on_disk

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
