"""Made-up crises for the tests: given row by row, simulated from known hazards, and random times on a clock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from numpy.typing import NDArray

from crisis_sim.batch.ensemble import Batch, Ensemble

NEVER = float("nan")
HORIZON_HOURS = 1440.0

#: A crisis without any event, still going on at the horizon.
NOTHING: dict[str, Any] = {
    "ending": "unresolved",
    "ended_at_hours": NEVER,
    "trigger_at_hours": 0.0,
    "first_strike_at_hours": NEVER,
    "strikes_paused_at_hours": NEVER,
    "mediated": False,
    "ceasefire_in_effect_at_hours": NEVER,
    "relapsed_at_hours": NEVER,
    "war_at_hours": NEVER,
    "nuclear_use_at_hours": NEVER,
    "worst_violence": "none",
    "deaths": 0.0,
    "followed_until_hours": NEVER,
}


def ensemble_of(
    columns: dict[str, Any], name: str = "crisis", horizon_hours: float = HORIZON_HOURS
) -> Ensemble:
    table = pa.table({key: pa.array(each, from_pandas=True) for key, each in columns.items()})
    title = name.replace("_", " ").capitalize()
    return Ensemble(name, title, horizon_hours, ("india", "pakistan"), table)


def crises(
    *rows: dict[str, Any], name: str = "crisis", horizon_hours: float = HORIZON_HOURS
) -> Ensemble:
    """An ensemble from rows that give only the differences from `NOTHING`."""
    columns: dict[str, Any] = {
        key: np.array([row.get(key, usual) for row in rows], dtype=np.array(usual).dtype.kind)
        for key, usual in NOTHING.items()
    }
    return ensemble_of(columns | {"replicate": np.arange(len(rows))}, name, horizon_hours)


def simulated(
    replicates: int,
    ceasefire_hours: float = 90.0,
    seed: int = 1,
    name: str = "crisis",
    first_replicate: int = 0,
    war: float = 0.05,
    nuclear_use: float = 0.0,
) -> Ensemble:
    """An ensemble with constant hazards and random numbers by seed and replicate.

    A crisis fades with a mean of 120 days unless a first strike comes first, with a mean of 15.
    From then on a ceasefire has the mean `ceasefire_hours` and competes with one side yielding,
    mean 200 hours. A ceasefire is watched for 14 days and relapses with a mean of 60 days.
    """
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
    kinds = [agreed, over & (ended == yielding), over]
    watched = np.where(over, ended, HORIZON_HOURS)
    watched = np.where(agreed, np.minimum(ended + 14 * 24.0, HORIZON_HOURS), watched)
    again = ended + budget[:, 4] * 60 * 24.0
    columns = {
        "replicate": np.arange(first_replicate, first_replicate + replicates),
        "ending": np.select(kinds, ["agreement", "unilateral", "faded"], "unresolved"),
        "ended_at_hours": np.where(over, ended, NEVER),
        "trigger_at_hours": np.zeros(replicates),
        "first_strike_at_hours": np.where(struck, strike, NEVER),
        "strikes_paused_at_hours": np.where(struck & over, ended, NEVER),
        "mediated": luck[:, 5] < 0.4,
        "ceasefire_in_effect_at_hours": np.where(agreed, ended, NEVER),
        "relapsed_at_hours": np.where(agreed & (again < watched), again, NEVER),
        "war_at_hours": np.where(struck & (luck[:, 6] < war), strike, NEVER),
        "nuclear_use_at_hours": np.where(luck[:, 6] < nuclear_use, strike, NEVER),
        "worst_violence": np.where(struck, "serious clashes", "none"),
        "deaths": np.where(struck, np.exp(5.0 + luck[:, 6]), 0.0),
        "followed_until_hours": watched,
    }
    return ensemble_of(columns, name)


def batch_of(*ensembles: Ensemble, seed: int = 1) -> Batch:
    return Batch({each.name: each for each in ensembles}, {"seed": seed})


# Random times on a clock, with all kinds of ties and censoring.

Floats = NDArray[np.float64]
#: Hours and kinds: 0 for censored, else the kind of event.
Readings = tuple[Floats, NDArray[np.int64]]
CAUSES = ("ceasefire", "otherwise")

#: Hours with many ties, few, hardly any, and only one time.
HOURS = (
    st.integers(0, 6).map(float),
    st.integers(0, 60).map(float),
    st.integers(0, 10**6).map(lambda number: number / 1000.0),
    st.just(0.0),
)
#: Often, mostly, never or always censored; with both kinds of event, one or none.
KINDS = ((0, 1, 2), (0,) * 8 + (1, 2), (1, 2), (0, 1), (0, 2), (1,), (2,), (0,))


@st.composite
def readings(draw: st.DrawFn, *kinds: tuple[int, ...]) -> Readings:
    """One to sixty crises; their kinds from one of the tuples given, or from any of `KINDS`."""
    hours, kind = draw(st.sampled_from(HOURS)), draw(st.sampled_from(kinds or KINDS))
    rows = draw(st.lists(st.tuples(hours, st.sampled_from(kind)), min_size=1, max_size=60))
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def competing(number: int, seed: int, grid: float | None = None) -> tuple[Readings, Readings]:
    """The same crises twice, with quicker and slower ceasefires, observed for 20 to 300 hours.

    With a grid, times are rounded up to it, so that there are ties of events and of censoring.
    """
    luck = np.random.default_rng(seed)
    budgets, watched = luck.exponential(size=(number, 2)), luck.uniform(20.0, 300.0, number)

    def watch(ceasefire_hours: float) -> Readings:
        every = np.column_stack((budgets * [ceasefire_hours, 150.0], watched))
        every = every if grid is None else np.ceil(every / grid) * grid
        # Events come before censoring in a tie.
        return every.min(axis=1), np.array([1, 2, 0])[every.argmin(axis=1)]

    return watch(80.0), watch(100.0)
