"""What kept figures were made of, by which a test sees whether they are of today.

A scenario's digest tells a change of the scenario or of the defaults. What becomes of its first crises tells a change of
the rules, and stays as it is while rules are only written otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crisis_sim import load_scenario, simulate
from crisis_sim.batch import Ensemble

#: How many of a scenario's first crises are looked at, with seed 1: they take a fraction of a second.
CRISES = 200
#: Outcomes in words, of which each is counted; outcomes in numbers are added up, those in hours all together.
WORDS, HOURS, DEATHS = ("ending", "worst_violence", "brokered_by"), "_at_hours", "deaths"


def made_of(names: Iterable[str]) -> dict[str, Any]:
    """What scenarios, and the model that runs them, are at the moment.

    Args:
        names: shipped scenarios.

    Returns:
        For each by name its `digest`, and its `first_crises`: counts of the outcomes that are words, the sum of all times in
        hours and that of deaths.
    """
    batch = simulate(sorted(set(names)), replicates=CRISES, seed=1)
    return {
        name: {"digest": load_scenario(name).digest, "first_crises": _told(ensemble)}
        for name, ensemble in batch.ensembles.items()
    }


def _told(crises: Ensemble) -> dict[str, Any]:
    table = crises.table.to_pandas()
    times = table[[name for name in table if name.endswith(HOURS)]]
    return {
        **{
            name: table[name].dropna().astype(str).value_counts().sort_index().to_dict()
            for name in WORDS
        },
        "hours": round(float(times.sum().sum())),
        "deaths": round(float(table[DEATHS].sum())),
    }
