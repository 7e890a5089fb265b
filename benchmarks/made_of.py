"""What kept figures were made of, by which a test sees whether they are of today.

A scenario's digest tells a change of the scenario or of the defaults. The outcomes of its first crises tell a change of
the rules, and stay as they are while rules are only written otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crisis_sim import load_scenario, simulate

#: How many of a scenario's first crises are looked at, with seed 1: they take a fraction of a second.
CRISES = 200
#: Outcomes in words, of which each is counted.
WORDS = ("ending", "worst_violence", "brokered_by")


def made_of(names: Iterable[str]) -> dict[str, Any]:
    """By shipped scenario its `digest` and its `first_crises`: counts of words, sums of hours and of deaths."""
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
