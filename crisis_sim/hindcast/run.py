"""Forecast the crises of a folder and score the forecasts, optionally with cross-validation.

Cross-validation leaves out one era or one fifth of the crises at a time. For each fold, the parameters of the hindcast's fit
(`FIT`) are refitted to figures of the other crises, in the record and in a run of them. One run provides the slopes of all
figures: each crisis of the folder occurs in it many times, with perturbed parameters. The refit is one Gauss-Newton step
from the shipped parameters, which were fitted to all crises; if figures were linear in the parameters, the step would remove
this dependence (`crisis_sim.experiments.gauss_newton`). The forecasts are compared with those of the same step without
anything left out. They are pooled with the shares of the other folds, with the weights that are best in those folds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crisis_sim.batch.safe_files import finite_or_none
from crisis_sim.experiments.gauss_newton import Regression, Slopes, robust_weight
from crisis_sim.experiments.load import load_experiment
from crisis_sim.experiments.search import Problem
from crisis_sim.experiments.targets import Aim, Target
from crisis_sim.hindcast.forecast import (
    KINDS,
    POPULATION,
    fitted,
    fitted_scenario,
    forecast,
    labels,
    pooled,
)
from crisis_sim.hindcast.scores import (
    FEWEST,
    Bin,
    Score,
    climatology,
    each_score,
    percentiles,
    reliability,
    score,
    with_climatology,
)
from crisis_sim.hindcast.sources import OUTCOMES, Crises, read_crises
from crisis_sim.outcomes.durations import Rows
from crisis_sim.outcomes.measures import Reading
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.fits import over_fits as drawn_over_fits
from crisis_sim.scenario.load import load_scenario
from crisis_sim.scenario.schema import VIOLENCE
from crisis_sim.validation.facts import OTHER_SHARE
from crisis_sim.version import __version__

Folds = Literal["eras", "fifths"]
#: The experiment that is refitted.
FIT = "fit_for_the_hindcast"
#: Last years of the eras, except for the last era.
ERAS = (1962, 1989)
#: Replicates from which slopes are estimated.
SLOPES = 48_000
#: Common horizon of real crises: none, since each is followed to its end.
NO_HORIZON = 0.0
#: Candidates for the model's weight in linear pools.
WEIGHTS = np.arange(0.05, 1.01, 0.05).round(2)
#: Pooled targets, each with the score that selects its weight.
POOLED = {"ending": ("ending", "log"), "duration": ("duration", "crps_log10")}


@dataclass(frozen=True)
class Fold:
    """A group of crises that was left out of the fit.

    Attributes:
        crises: number of crises in the group.
        figures: number of figures of the other crises to which parameters were fitted.
        moved: root mean square change of the parameters, as a share of their ranges.
        weights: the model's weight in linear pools, by target.
    """

    name: str
    crises: int
    figures: int
    moved: float
    weights: dict[str, float]


@dataclass(frozen=True, eq=False)
class Hindcast:
    """Forecasts of real crises, and their scores.

    Attributes:
        predictions: a row for each crisis (see `forecast`).
        overrides: changes to the scenario.
        scores, bins, tenths: mean scores, reliability diagrams and the histogram of durations (see the module
            `scores`); empty if no outcomes are known.
        over_fits: True if behaviour was drawn from all sets of parameters that fit the historical record.
        leave_out, folds: the kind of folds in cross-validation, and the folds.
    """

    crises: Crises
    predictions: pd.DataFrame
    replicates: int
    seed: int
    overrides: tuple[str, ...]
    scores: list[Score]
    bins: dict[str, list[Bin]]
    tenths: list[int]
    over_fits: bool = False
    leave_out: Folds | None = None
    folds: list[Fold] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return everything but the forecasts as JSON-compatible data."""
        table = self.crises.table
        return {
            "version": __version__,
            "seed": self.seed,
            "replicates": self.replicates,
            "overrides": list(self.overrides),
            "over_fits": self.over_fits,
            "leave_out": self.leave_out,
            "folds": [asdict(fold) for fold in self.folds],
            "files": self.crises.files,
            "crises": len(table),
            "outcomes": {name: int(table[name].notna().sum()) for name in OUTCOMES},
            "remarks": [
                {"file": file, "message": message, "rows": len(lines), "lines": lines}
                for (file, message), lines in self.crises.remarks.found.items()
            ],
            "scores": [finite_or_none(asdict(score)) for score in self.scores],
            "reliability": {
                event: [asdict(group) for group in bins] for event, bins in self.bins.items()
            },
            "duration_tenths": self.tenths,
        }


def hindcast(
    folder: Path,
    replicates: int = 2000,
    seed: int = 1,
    workers: int = 1,
    overrides: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
    over_fits: bool = False,
    leave_out: Folds | None = None,
) -> Hindcast:
    """Forecast the crises of a folder, and score the forecasts of those whose outcomes are known.

    Args:
        replicates, seed, workers, progress: see `forecast`.
        overrides: changes to the scenario, in the form of `--set`.
        over_fits: draw behaviour from the sets of parameters that fit the historical record. They were fitted to all crises.
        leave_out: forecast only crises whose outcomes are known, each by a fit without its fold (see `left_out`).

    Raises:
        ScenarioError: if there are no crises, or a file has mistakes.
    """
    crises = read_crises(folder)
    folds: list[Fold] = []
    scored = crises.table[list(OUTCOMES)].notna().any(axis=1)
    options = (replicates, seed, workers)
    if leave_out:
        joined, folds = left_out(crises.table[scored], leave_out, *options, progress)
        predictions = joined.filter(regex=r"^(crisno$|ending_|violence_|mediated_yes$|dur_q)")
    else:
        scenario = fitted_scenario(overrides)
        if over_fits:
            scenario = drawn_over_fits(load_scenario(POPULATION, overrides))
        predictions = pooled(forecast(crises.table, *options, scenario, progress))
        joined = crises.table[scored].merge(predictions, on="crisno").reset_index(drop=True)
        joined = with_climatology(joined) if len(joined) > 1 else joined
    scores = score(joined) if len(joined) > 1 else []
    bins = reliability(joined) if scores else {}
    tenths = percentiles(joined).tolist() if scores else []
    return Hindcast(
        crises, predictions, replicates, seed, tuple(overrides), scores, bins, tenths,
        over_fits, leave_out, folds,
    )  # fmt: skip


# --- Crises left out


def left_out(
    crises: pd.DataFrame,
    by: Folds,
    replicates: int = 2000,
    seed: int = 1,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[pd.DataFrame, list[Fold]]:
    """Forecast crises whose outcomes are known, each by a fit without its fold.

    Returns:
        The crises with their `fold` and three forecasts: of the model (see `forecast`), of climatology from the other
        folds, and of the same fit to all crises (columns that begin with `in_`); and the folds.

    Raises:
        ScenarioError: if there are fewer than two folds with `FEWEST` crises.
    """
    crises = crises.assign(fold=folds(crises, by))
    crises = crises[crises["fold"].notna()].reset_index(drop=True)
    sizes = crises["fold"].value_counts(sort=False)
    if (sizes >= FEWEST).sum() < 2:
        message = f"too few crises with outcomes to leave out {by}"
        raise ScenarioError([Mistake("hindcast", 0, 0, message, f"two of {FEWEST} crises each")])
    runs = max(SLOPES // len(crises), 1)  # of each crisis, for the slopes
    done, total = 0, len(crises) * (runs + 2 * replicates)

    def on_chunk(finished: int, _: int) -> None:
        progress(done + finished, total)

    problem = Problem(load_experiment(FIT))
    paths, shipped = [tuned.path for tuned in problem.tuned], fitted()["behaviour"]
    start = np.array([float(tuned.share_of(shipped[tuned.path])) for tuned in problem.tuned])
    random = np.random.default_rng([seed, len(crises)])
    jitter = problem.spec.jitter * random.standard_normal((len(crises) * runs, len(start)))
    points = problem.points_of(np.clip(start + jitter, 0.0, 1.0))
    parameters = dict(zip(paths, points.T, strict=True))
    record, known_labels = as_rows(crises), labels(crises)
    columns = [name for name in record if name not in known_labels]

    def outcomes_of(_: pd.DataFrame, outcomes: Any) -> pd.DataFrame:
        return pd.DataFrame({name: outcomes[name] for name in columns})

    table = forecast(crises, runs, seed, workers, None, on_chunk, outcomes_of, parameters)
    simulated = {name: table[name].to_numpy() for name in columns}
    simulated |= {name: np.repeat(values, runs) for name, values in known_labels.items()}
    aims = [
        aim
        for aim in problem.aims
        if aim.scenario == POPULATION and {*aim.measure.columns} <= {*record}
    ]
    done = len(crises) * runs

    def slopes(chosen: NDArray[np.bool_]) -> Slopes:
        """Return misses and slopes of the figures of some crises; the weight is 0 if these are too few."""
        rows = np.flatnonzero(np.repeat(chosen, runs))
        reading = Reading(Rows(simulated, NO_HORIZON), 1, rows)
        regression = Regression(jitter[rows])
        miss, weight = np.zeros(len(aims)), np.zeros(len(aims))
        slope = np.zeros((len(aims), len(start)))
        for k, aim in enumerate(aims):
            if (target := _target(aim, record, chosen)) is None:
                continue
            measured, own_aim = aim.measure.read(reading), Aim.of(target, POPULATION)
            miss[k] = own_aim.deviation(measured.estimate)[0]
            slope[k] = regression.slopes(measured, own_aim)
            weight[k] = target.weight * np.isfinite(slope[k]).all()
        weight *= robust_weight(miss, problem.spec.robust)
        return Slopes(start, miss, np.nan_to_num(slope), weight)

    def refit(
        fitted_to: NDArray[np.bool_], predicted: pd.DataFrame
    ) -> tuple[pd.DataFrame, int, float]:
        """Forecast some crises by a fit to others; return forecasts, number of figures, and change of parameters."""
        nonlocal done
        regression = slopes(fitted_to)
        point = regression.steps(np.zeros(1))
        values = dict(zip(paths, problem.points_of(point)[0].tolist(), strict=True))
        scenario = fitted_scenario(behaviour=values)
        forecasts = forecast(predicted, replicates, seed, workers, scenario, on_chunk)
        done += len(predicted) * replicates
        moved = float(np.sqrt(((point[0] - start) ** 2).mean()))
        return forecasts, int((regression.weight > 0).sum()), moved

    tables, about = [], []
    for name in sizes.index:
        is_out = (crises["fold"] == name).to_numpy()
        forecasts, figures, moved = refit(~is_out, crises[is_out])
        tables.append(forecasts)
        about.append(Fold(str(name), int(is_out.sum()), figures, moved, {}))
    in_sample = refit(np.ones(len(crises), bool), crises)[0]
    in_sample = pooled(in_sample, climatology(crises), fitted()["weights"])
    table = with_climatology(crises, pd.factorize(crises["fold"])[0])
    table = table.merge(pd.concat(tables), on="crisno")
    in_sample = in_sample.drop(columns="crisno").add_prefix("in_")
    return pd.concat([_pooled(table, about), in_sample], axis=1), about


def folds(crises: pd.DataFrame, by: Folds) -> pd.Series:
    """Return the fold of each crisis; missing if its era is unknown or has fewer than `FEWEST` crises."""
    if by == "fifths":
        position = crises["crisno"].rank(method="first").astype(int) - 1
        return position.mod(5).add(1).map("fifth {}".format)
    year = pd.to_numeric(crises["start"].astype(str).str[:4], errors="coerce")
    names = [f"until {ERAS[0]}", f"{ERAS[0] + 1} to {ERAS[1]}", f"since {ERAS[1] + 1}"]
    fold = pd.cut(year, [-math.inf, *ERAS, math.inf], labels=names).astype(object)
    return fold.where(fold.map(fold.value_counts()) >= FEWEST)


def as_rows(crises: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return real crises as outcomes of the model, one day shorter than in ICB; unknown values are None or NaN."""
    hours = 24.0 * np.maximum(crises["dur"].to_numpy(np.float64) - 1.0, 0.5)
    violence = dict(zip(KINDS["violence"], VIOLENCE, strict=True))
    return labels(crises) | {
        **dict.fromkeys(("over_at_hours", "ended_at_hours", "followed_until_hours"), hours),
        "trigger_at_hours": np.zeros(len(crises)),
        "ending": crises["ending"].replace("other", "unresolved").to_numpy(object),
        "worst_violence": crises["violence"].map(violence).to_numpy(object),
        "mediated": crises["mediated"].map({"yes": True, "no": False}).to_numpy(object),
    }


def _target(aim: Aim, record: dict[str, NDArray[Any]], chosen: NDArray[np.bool_]) -> Target | None:
    """Return the target with its value and interval in some real crises, on the model's scale; None if they are too few."""
    is_known = [pd.notna(record[name]) for name in aim.measure.columns]
    rows = np.flatnonzero(np.all([chosen, *is_known], axis=0))
    figure = aim.measure.read(Reading(Rows(record, NO_HORIZON), 1, rows))
    numbers = [float(column[0]) for column in (figure.estimate, figure.lower, figure.upper)]
    if not np.isfinite(numbers).all() or numbers[1] >= numbers[2]:
        return None
    if dict(aim.measure.event.terms).get("ending", "agreement") != "agreement":
        numbers = [min(number / (1.0 - OTHER_SHARE), 1.0) for number in numbers]
    value, *interval = numbers
    return aim.target.model_copy(update={"value": value, "interval": tuple(interval)})


def _pooled(table: pd.DataFrame, about: list[Fold]) -> pd.DataFrame:
    """Pool forecasts with the other folds' shares, by the weights that are best there; store these in the folds."""
    towards = table.filter(regex="^clim_|^marg_").rename(columns=lambda name: name[5:])
    candidates = [pooled(table, towards, dict.fromkeys(POOLED, weight)) for weight in WEIGHTS]
    scores = [each_score(candidate) for candidate in candidates]
    chosen = table.copy()
    for target, key in POOLED.items():
        by_weight = np.array([candidate[key]["model"] for candidate in scores])
        prefix = "ending_" if target == "ending" else "dur_"
        columns = [name for name in table if name.startswith(prefix)]
        for fold in about:
            is_out = (table["fold"] == fold.name).to_numpy()
            means = np.nanmean(by_weight[:, ~is_out], axis=1)
            best = int(np.argmin(np.nan_to_num(means, nan=math.inf)))
            fold.weights[target] = float(WEIGHTS[best])
            chosen.loc[is_out, columns] = candidates[best].loc[is_out, columns]
    return chosen
