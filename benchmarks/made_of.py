"""The version of the scenarios and rules behind stored figures, by which a test detects outdated ones.

A scenario's digest changes with the scenario or the defaults. The outcomes of its first crises change with the rules,
but not if a rule is only rewritten.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crisis_sim import load_scenario, simulate

#: Number of first crises of a scenario, with seed 1: they take a fraction of a second.
CRISES = 200
#: Text columns, whose values are counted.
WORDS = ("ending", "worst_violence", "brokered_by")


def made_of(names: Iterable[str]) -> dict[str, Any]:
    """For each shipped scenario its `digest` and its `first_crises`: counts of values, sums of hours and of deaths."""
    made = {}
    for name, crises in simulate(sorted(set(names)), replicates=CRISES, seed=1).ensembles.items():
        table = crises.table.to_pandas()
        first: dict[str, Any] = {
            word: table[word].dropna().astype(str).value_counts().sort_index().to_dict()
            for word in WORDS
        }
        first["hours"] = round(float(table.filter(regex="_at_hours$").sum().sum()))
        first["deaths"] = round(float(table["deaths"].sum()))
        made[name] = {"digest": load_scenario(name).digest, "first_crises": first}
    return made
