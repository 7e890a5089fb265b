"""Crises made up for the tests: small ones row by row, large ones from known hazards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from crisis_sim.batch.ensemble import Batch, Ensemble

NEVER = float("nan")

#: A crisis that nothing came of: struck by nobody, still going on when the horizon came.
NOTHING: dict[str, Any] = {
    "ending": "unresolved",
    "ended_at_hours": NEVER,
    "trigger_at_hours": 0.0,
    "first_strike_at_hours": NEVER,
    "mediated": False,
    "ceasefire_in_effect_at_hours": NEVER,
    "relapsed_at_hours": NEVER,
    "war_at_hours": NEVER,
    "nuclear_use_at_hours": NEVER,
    "worst_violence": "none",
    "deaths": 0.0,
    "followed_until_hours": NEVER,
}

HORIZON_HOURS = 1440.0


def ensemble_of(
    columns: dict[str, Any], name: str = "crisis", horizon_hours: float = HORIZON_HOURS
) -> Ensemble:
    table = {
        key: pa.array(values, from_pandas=True) if isinstance(values, np.ndarray) else values
        for key, values in columns.items()
    }
    return Ensemble(
        name=name,
        title=name.replace("_", " ").capitalize(),
        horizon_hours=horizon_hours,
        states=("india", "pakistan"),
        table=pa.table(table),
    )


@pytest.fixture(scope="session")
def crises() -> Callable[..., Ensemble]:
    """Build an ensemble from rows that name only what differs from `NOTHING`."""

    def build(
        *rows: dict[str, Any], name: str = "crisis", horizon_hours: float = HORIZON_HOURS
    ) -> Ensemble:
        whole = [{**NOTHING, **row} for row in rows]
        columns: dict[str, Any] = {
            key: np.array([row[key] for row in whole], dtype=None if whole else np.float64)
            for key in NOTHING
        }
        if not whole:
            columns["ending"] = columns["worst_violence"] = np.array([], dtype=str)
            columns["mediated"] = np.array([], dtype=bool)
        columns["replicate"] = np.arange(len(whole))
        return ensemble_of(columns, name, horizon_hours)

    return build


@pytest.fixture(scope="session")
def simulated() -> Callable[..., Ensemble]:
    """Build an ensemble from constant hazards, its luck keyed by seed and replicate.

    A crisis fades with a mean of 120 days unless a first strike comes first, with a mean of 15.
    From then on a ceasefire has the mean `ceasefire_hours` and competes with one side yielding,
    mean 200 hours. A ceasefire is watched for 14 days and relapses with a mean of 60 days.
    """

    def build(
        replicates: int,
        ceasefire_hours: float = 90.0,
        seed: int = 1,
        name: str = "crisis",
        first_replicate: int = 0,
        war: float = 0.05,
        nuclear_use: float = 0.0,
    ) -> Ensemble:
        luck = np.random.default_rng(seed).random((first_replicate + replicates, 7))
        luck = luck[first_replicate:]
        budget = -np.log1p(-luck)
        strike, fade = budget[:, 0] * 15 * 24.0, budget[:, 1] * 120 * 24.0
        struck = (strike < fade) & (strike < HORIZON_HOURS)
        halt = np.where(struck, strike + budget[:, 2] * ceasefire_hours, np.inf)
        yielding = np.where(struck, strike + budget[:, 3] * 200.0, np.inf)
        faded = np.where(struck, np.inf, fade)
        ended = np.minimum(np.minimum(halt, yielding), faded)
        over = ended < HORIZON_HOURS
        agreed = over & (ended == halt)
        ending = np.select(
            [agreed, over & (ended == yielding), over],
            ["agreement", "unilateral", "faded"],
            "unresolved",
        )
        watched = np.where(over, ended, HORIZON_HOURS)
        watched = np.where(agreed, np.minimum(ended + 14 * 24.0, HORIZON_HOURS), watched)
        again = ended + budget[:, 4] * 60 * 24.0
        return ensemble_of(
            {
                "replicate": np.arange(first_replicate, first_replicate + replicates),
                "ending": ending,
                "ended_at_hours": np.where(over, ended, NEVER),
                "trigger_at_hours": np.zeros(replicates),
                "first_strike_at_hours": np.where(struck, strike, NEVER),
                "mediated": luck[:, 5] < 0.4,
                "ceasefire_in_effect_at_hours": np.where(agreed, ended, NEVER),
                "relapsed_at_hours": np.where(agreed & (again < watched), again, NEVER),
                "war_at_hours": np.where(struck & (luck[:, 6] < war), strike, NEVER),
                "nuclear_use_at_hours": np.where(luck[:, 6] < nuclear_use, strike, NEVER),
                "worst_violence": np.where(struck, "serious clashes", "none"),
                "deaths": np.where(struck, np.exp(5.0 + luck[:, 6]), 0.0),
                "followed_until_hours": watched,
            },
            name,
        )

    return build


@pytest.fixture(scope="session")
def batch_of() -> Callable[..., Batch]:
    def build(*ensembles: Ensemble, seed: int = 1) -> Batch:
        return Batch({each.name: each for each in ensembles}, {"seed": seed})

    return build
