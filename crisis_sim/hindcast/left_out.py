"""Crises foretold by a model whose fit did not see how they went: eras left out one by one, or fifths of the crises.

For every fold the parameters of the hindcast's fit (`FIT`: of behaviour and of the reading) are fitted anew to figures of
the other folds' crises. One run gives all slopes: each crisis of the folder many times, every time with parameters of its
own (`crisis_sim.experiments.gauss_newton`). The shipped parameters x are taken as the best for all; those of a fold are

    x - (J'WJ + R)^-1 (g - g0),    g = J'W z

with g of the figures of the other folds' crises, in the record and in the run, and g0 of those of all: the step takes out
what the crises left out added (an infinitesimal jackknife: Jaeckel 1972). The weights by which forecasts are drawn towards
the record's shares are those that do best in the other folds; the shares are those of the other folds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crisis_sim.experiments.calibrate import Aim, Target
from crisis_sim.experiments.gauss_newton import Regression, Slopes, robust_weight
from crisis_sim.experiments.load import load_experiment
from crisis_sim.experiments.search import Problem
from crisis_sim.hindcast.forecast import (
    KINDS,
    POPULATION,
    fitted,
    fitted_scenario,
    forecast,
    pooled,
    run_crises,
)  # fmt: skip
from crisis_sim.hindcast.reading import labels
from crisis_sim.hindcast.scores import FEWEST, each_score, with_climatology
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.schema import VIOLENCE
from crisis_sim.validation.facts import OTHER_SHARE

Folds = Literal["eras", "fifths"]
#: The fit that is repeated, and the last years of its eras but the last.
FIT, ERAS = "fit_for_the_hindcast", (1962, 1989)
#: Runs of crises from which slopes are taken.
SLOPES = 64_000
#: Weights of the model that are tried.
WEIGHTS = np.arange(0.05, 1.01, 0.05).round(2)
#: Of each outcome that is drawn towards the record's, the score by which its weight is chosen.
POOLED = {"ending": ("ending", "log"), "duration": ("duration", "crps_log10")}


@dataclass(frozen=True)
class Fold:
    """Crises that were left out together.

    Attributes:
        figures: those of the other crises that the parameters were fitted to.
        moved: how far the refit moved a parameter, as a share of its range (root mean square).
        weights: what the model counts beside the record's shares, by what is foretold.
    """

    name: str
    crises: int
    figures: int
    moved: float
    weights: dict[str, float]


@dataclass(frozen=True)
class Rows:
    """Crises, real or simulated, as measures take them: a column of values for each outcome."""

    columns: dict[str, NDArray[Any]]
    horizon_hours = 0.0  # none is followed for longer than its columns say

    def column(self, name: str) -> NDArray[Any]:
        """One value for each crisis."""
        return self.columns[name]

    def of(self, which: NDArray[Any]) -> Rows:
        """Some of them."""
        return Rows({name: one[which] for name, one in self.columns.items()})


def left_out(
    crises: pd.DataFrame,
    by: Folds,
    replicates: int = 2000,
    seed: int = 1,
    workers: int = 1,
    overrides: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[pd.DataFrame, list[Fold]]:
    """Foretell crises whose outcomes are known, each without its fold.

    Returns:
        The crises with their `fold`, the forecasts (see `forecast`), those of climatology by the other folds, and those of
        the fit that saw all (columns that begin with `in_`); and the folds.

    Raises:
        ScenarioError: when there are fewer than two folds of `FEWEST` crises.
    """
    crises = crises.assign(fold=folds(crises, by))
    crises = crises[crises["fold"].notna()].reset_index(drop=True)
    sizes = crises["fold"].value_counts(sort=False)
    if (sizes >= FEWEST).sum() < 2:
        message = f"too few crises with outcomes to leave out {by}"
        raise ScenarioError([Mistake("hindcast", 0, 0, message, f"two of {FEWEST} crises each")])
    each = max(SLOPES // len(crises), 1)
    runs = [len(crises) * each, *[len(crises) * replicates] * 2]

    def part(k: int, before: int = 0) -> Callable[[int, int], None]:
        return lambda done, total: progress(sum(runs[:k]) + before + done, sum(runs))

    said = {one.partition("=")[0] for one in overrides}
    problem = Problem(load_experiment(FIT))
    tuned = {k: one for k, one in enumerate(problem.tuned) if one.factor.path not in said}
    ours = fitted()["behaviour"]
    at = np.array([float(one.share_of(ours[one.factor.path])) for one in tuned.values()])
    random = np.random.default_rng([seed, len(crises)])
    jitter = problem.spec.jitter * random.standard_normal((len(crises) * each, len(at)))
    points = np.clip(at + jitter, 0.0, 1.0)
    own = {one.factor.path: one.at_shares(points[:, k]) for k, one in enumerate(tuned.values())}
    record = as_rows(crises)
    groups = {name: np.repeat(values, each) for name, values in labels(crises).items()}
    columns = [*(record.columns.keys() - groups.keys())]
    outcomes = run_crises(
        crises, each, seed, workers, fitted_scenario(overrides), part(0),
        lambda some, found: pd.DataFrame({name: found[name] for name in columns}), own,
    )  # fmt: skip
    ran = Rows({name: outcomes[name].to_numpy() for name in columns} | groups)
    aims = [one for one in problem.aims if one.scenario == POPULATION]
    aims = [one for one in aims if {*one.measure.columns} <= {*record.columns}]

    def slopes(chosen: NDArray[np.bool_]) -> Slopes:
        which = np.repeat(chosen, each)
        return slopes_of(aims, record.of(chosen), ran.of(which), jitter[which], at, problem)

    whole, found, about, done = slopes(np.ones(len(crises), bool)), [], [], 0
    for name in sizes.index:
        out = (crises["fold"] == name).to_numpy()
        here = slopes(~out)
        step = np.clip(at - np.linalg.solve(here.precision, here.pull - whole.pull), 0, 1) - at
        behaviour = ours | {
            one.factor.path: one.at(at[k] + step[k]) for k, one in enumerate(tuned.values())
        }
        scenario = fitted_scenario(overrides, behaviour)
        options = (replicates, seed, workers, scenario, part(1, done))
        found.append(forecast(crises[out], *options))
        done += int(out.sum()) * replicates
        moved = float(np.sqrt((step**2).mean()))
        about.append(Fold(str(name), int(out.sum()), int((here.weight > 0).sum()), moved, {}))
    crises = with_climatology(crises, pd.factorize(crises["fold"])[0])
    table = crises.merge(pd.concat(found), on="crisno")
    saw = forecast(crises, replicates, seed, workers, fitted_scenario(overrides), part(2))
    saw = pooled(saw).drop(columns="crisno").add_prefix("in_")
    return pd.concat([_pooled(table, about), saw], axis=1), about


def folds(crises: pd.DataFrame, by: Folds) -> pd.Series:
    """The fold of each crisis; none where its era is not known, or has fewer than `FEWEST`."""
    if by == "fifths":
        place = crises["crisno"].rank(method="first").astype(int) - 1
        return place.mod(5).add(1).map("fifth {}".format)
    year = pd.to_numeric(crises["start"].astype(str).str[:4], errors="coerce")
    names = [f"until {ERAS[0]}", f"{ERAS[0] + 1} to {ERAS[1]}", f"since {ERAS[1] + 1}"]
    fold = pd.cut(year, [-math.inf, *ERAS, math.inf], labels=names).astype(object)
    return fold.where(fold.map(fold.value_counts()) >= FEWEST)


def as_rows(crises: pd.DataFrame) -> Rows:
    """Real crises as the model's outcomes: a day less, as ICB counts the first; what is not known is None or NaN."""
    hours = 24.0 * np.maximum(crises["dur"].to_numpy(np.float64) - 1.0, 0.5)
    violence = dict(zip(KINDS["violence"], VIOLENCE, strict=True))
    known = crises["mediated"].map({"yes": True, "no": False})
    times = dict.fromkeys(("over_at_hours", "ended_at_hours", "followed_until_hours"), hours)
    return Rows({
        **times,
        **labels(crises),
        "trigger_at_hours": np.zeros(len(crises)),
        "ending": crises["ending"].replace("other", "unresolved").to_numpy(object),
        "worst_violence": crises["violence"].map(violence).to_numpy(object),
        "mediated": known.to_numpy(object),
    })  # fmt: skip


def slopes_of(
    aims: Sequence[Aim],
    record: Rows,
    ran: Rows,
    jitter: NDArray[np.float64],
    at: NDArray[np.float64],
    problem: Any,
) -> Slopes:
    """Slopes of the misses of figures, with the record's rows as targets; weight 0 where these tell too little."""
    miss, weight, slope = np.zeros(len(aims)), np.zeros(len(aims)), np.zeros((len(aims), len(at)))
    regression = Regression(jitter)
    for k, aim in enumerate(aims):
        target = _target(aim, record)
        if target is None:
            continue
        measured, here = aim.measure.over(ran), Aim.of(target, POPULATION)
        miss[k], weight[k] = here.apart(measured.estimate, None)[0], target.weight
        slope[k] = regression.slopes(measured, here)
    known = np.isfinite(slope).all(axis=1)
    weight = np.where(known, weight, 0.0) * robust_weight(miss, problem.spec.robust)
    return Slopes(at, miss, np.where(known[:, None], slope, 0.0), weight)


def _target(aim: Aim, record: Rows) -> Target | None:
    """A target's figure in real crises with its interval, as the model would show it; None where they are too few."""
    columns = aim.measure.columns
    known = np.all([pd.notna(record.column(name)) for name in columns], axis=0)
    figure = aim.measure.over(record.of(known))
    said = [float(one[0]) for one in (figure.estimate, figure.lower, figure.upper)]
    if not np.isfinite(said).all() or said[1] >= said[2]:
        return None
    event = dict(aim.measure.event.terms)
    if event.get("ending", "agreement") != "agreement":
        said = [min(one / (1.0 - OTHER_SHARE), 1.0) for one in said]
    return aim.target.model_copy(update={"value": said[0], "interval": (said[1], said[2])})


def _pooled(table: pd.DataFrame, about: list[Fold]) -> pd.DataFrame:
    """Forecasts drawn towards the other folds' shares, by the weights that do best there; these are noted in the folds."""
    towards = table.filter(regex="^clim_|^marg_").rename(columns=lambda one: one[5:])
    tried = [pooled(table, towards, dict.fromkeys(POOLED, weight)) for weight in WEIGHTS]
    scores = [each_score(one) for one in tried]
    found = table.copy()
    for target, score in POOLED.items():
        own = np.array([one[score]["model"] for one in scores])
        begins = "ending_" if target == "ending" else "dur_"
        columns = [name for name in table if name.startswith(begins)]
        for fold in about:
            out = (table["fold"] == fold.name).to_numpy()
            best = int(np.argmin(np.nan_to_num(np.nanmean(own[:, ~out], axis=1), nan=math.inf)))
            fold.weights[target] = float(WEIGHTS[best])
            found.loc[out, columns] = tried[best].loc[out, columns]
    return found
