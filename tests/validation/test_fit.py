"""The defaults are what the first fit found, and the experiment that fits aims at the record as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from crisis_sim.scenario.introspect import parameters
from crisis_sim.validation.facts import OTHER_SHARE, read_expectations, read_facts

ROOT = Path(__file__).parents[2]
FILE = ROOT / "experiments" / "fit_to_the_record.yaml"
#: A target's value, its interval and the fact that it is, as the file writes them.
TARGET = re.compile(r"value: ([\d.]+), interval: \[([\d.]+), ([\d.]+)\].*# (\w+)$")
#: Where the record gives no interval.
FACTOR = 1.5
AGREEMENTS = ("agreement_if_mediated", "agreement_if_unmediated")


def targets() -> dict[str, tuple[float, ...]]:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    found = [match for line in lines if (match := TARGET.search(line))]
    return {match[4]: tuple(float(number) for number in match.groups()[:3]) for match in found}


def test_defaults_are_what_the_fit_found() -> None:
    kept = json.loads((ROOT / "docs" / "fit" / "fit.json").read_text(encoding="utf-8"))
    found = {row["path"]: float(f"{row['best']:.3g}") for row in kept["parameters"]}
    assert {one.path: one.default for one in parameters() if one.fitted} == found


@pytest.mark.parametrize("fact", read_facts().values(), ids=lambda fact: fact.id)
def test_a_target_is_the_fact_of_the_record(fact: Any) -> None:
    aim = targets().get(fact.id)
    assert (aim is not None) == read_expectations()[fact.id].in_fit
    if aim is None:
        return
    lower = fact.value / FACTOR if fact.lower is None else fact.lower
    upper = fact.value * FACTOR if fact.upper is None else fact.upper
    expected = tuple(as_simulated(fact.id, number) for number in (fact.value, lower, upper))
    assert aim == pytest.approx(expected, rel=2e-2, abs=1e-9)


def as_simulated(name: str, number: float) -> float:
    """A figure of the record as the model shows it, in which no crisis ends in another way, and the first day is day 0."""
    if name.startswith("duration"):
        return number - 1.0
    if name.startswith("response_days"):
        return 24.0 * number
    if name.startswith("ending") and name != "ending_agreement":
        return number / (1.0 - OTHER_SHARE)
    if name in AGREEMENTS:  # the record's are of crises that did not end in another way
        return number / (number + (1.0 - number) / (1.0 - OTHER_SHARE))
    return number


def test_the_cases_that_the_fit_used_are_marked() -> None:
    written = YAML(typ="safe").load(FILE)["targets"]
    aimed = {one.get("scenario") for one in written if "precision" not in one}
    aimed -= {None, "since_1945"}
    expected = read_expectations()
    marked = {name.split("/")[0] for name, one in expected.items() if "/" in name and one.in_fit}
    assert aimed == marked
