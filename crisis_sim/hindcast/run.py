"""Predict the crises of a folder, and score what is known of how they went; on demand each without its fold.

Left out are eras one by one, or fifths of the crises. For every fold the parameters of the hindcast's fit (`FIT`: of
behaviour and of the reading) are fitted anew to figures of the other folds' crises, in the record and in a run of them. One
run gives all slopes: each crisis of the folder many times, every time with parameters of its own. The fit is one
Gauss-Newton step from the shipped parameters, which saw all crises: were figures linear in parameters, it would forget where
it began (`crisis_sim.experiments.gauss_newton`). The same step with nothing left out is what the forecasts are held against.
The weights by which forecasts are drawn towards the record's shares are those that do best in the other folds; the shares
are those of the other folds.
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

from crisis_sim.batch.files import finite_or_none
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
from crisis_sim.outcomes.measures import Reading as Measuring
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.load import load_scenario
from crisis_sim.scenario.load import over_fits as drawn_over_fits
from crisis_sim.scenario.schema import VIOLENCE
from crisis_sim.validation.facts import OTHER_SHARE
from crisis_sim.version import __version__

Folds = Literal["eras", "fifths"]
#: The fit that is repeated, and the last years of its eras but the last.
FIT, ERAS = "fit_for_the_hindcast", (1962, 1989)
#: Runs of crises from which slopes are taken.
SLOPES = 48_000
#: Hours for which all crises are followed: none, but each for as long as its columns say.
UNFOLLOWED = 0.0
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
        weights: what the model counts beside the record's shares, by what is predicted.
    """

    name: str
    crises: int
    figures: int
    moved: float
    weights: dict[str, float]


@dataclass(frozen=True, eq=False)
class Hindcast:
    """Forecasts of real crises, and how they fared.

    Attributes:
        crises: those of the folder.
        predictions: a row for each of them (see `forecast`).
        overrides: changes to the scenario.
        over_fits: whether they are drawn over all behaviours that fit.
        leave_out, folds: whether each was predicted without the crises of its fold, and these.
        scores: none where no outcome is known; nor are there `bins` or `tenths` (see `scores`).
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
        """All but the forecasts, as plain data fit for JSON."""
        table = self.crises.table
        return {
            "version": __version__,
            "seed": self.seed,
            "replicates": self.replicates,
            "overrides": list(self.overrides),
            "over_fits": self.over_fits,
            "leave_out": self.leave_out,
            "folds": [asdict(one) for one in self.folds],
            "files": self.crises.files,
            "crises": len(table),
            "outcomes": {name: int(table[name].notna().sum()) for name in OUTCOMES},
            "remarks": [
                {"file": file, "message": message, "rows": len(lines), "lines": lines}
                for (file, message), lines in self.crises.remarks.found.items()
            ],
            "scores": [finite_or_none(asdict(one)) for one in self.scores],
            "reliability": {
                name: [asdict(one) for one in bins] for name, bins in self.bins.items()
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
    """Read the crises of a folder, predict each, and score the forecasts where outcomes are known.

    Args:
        over_fits: draw behaviour from the sets of parameters that fit the record, which saw all of these crises' figures.
        leave_out: predict only crises whose outcomes are known, each by a fit that did not see its fold (`left_out`).
        replicates, seed, workers, progress: as `forecast` takes them. overrides: changes to the scenario, as `--set` takes
            them: a behaviour of its own, for one.

    Raises:
        ScenarioError: when there is nothing to read, or a file has mistakes.
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
    """Predict crises whose outcomes are known, each without its fold.

    Returns:
        The crises with their `fold`, the forecasts (see `forecast`), those of climatology by the other folds, and those of
        the same fit to all crises (columns that begin with `in_`); and the folds.

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
    done, total = 0, len(crises) * (each + 2 * replicates)

    def step(more: int, _: int) -> None:
        progress(done + more, total)

    problem = Problem(load_experiment(FIT))
    paths, ours = [one.path for one in problem.tuned], fitted()["behaviour"]
    at = np.array([float(one.share_of(ours[one.path])) for one in problem.tuned])
    random = np.random.default_rng([seed, len(crises)])
    jitter = problem.spec.jitter * random.standard_normal((len(crises) * each, len(at)))
    own = dict(zip(paths, problem.points_of(np.clip(at + jitter, 0.0, 1.0)).T, strict=True))
    record, given = as_rows(crises), labels(crises)
    columns = [name for name in record if name not in given]

    def kept(_: pd.DataFrame, outcomes: Any) -> pd.DataFrame:
        return pd.DataFrame({name: outcomes[name] for name in columns})

    outcomes = forecast(crises, each, seed, workers, None, step, kept, own)
    ran = {name: outcomes[name].to_numpy() for name in columns}
    ran |= {name: np.repeat(values, each) for name, values in given.items()}
    aims = [one for one in problem.aims if one.scenario == POPULATION]
    aims = [one for one in aims if {*one.measure.columns} <= {*record}]
    done = len(crises) * each

    def slopes(chosen: NDArray[np.bool_]) -> Slopes:
        """Slopes of the misses of the chosen crises' figures; weight 0 where these are too few to tell."""
        which = np.flatnonzero(np.repeat(chosen, each))
        reading, regression = Measuring(Rows(ran, UNFOLLOWED), 1, which), Regression(jitter[which])
        miss, weight, slope = (np.zeros((len(aims), *n)) for n in ((), (), (len(at),)))
        for k, aim in enumerate(aims):
            if (target := _target(aim, record, chosen)) is None:
                continue
            measured, here = aim.measure.read(reading), Aim.of(target, POPULATION)
            miss[k], slope[k] = here.apart(measured.estimate)[0], regression.slopes(measured, here)
            weight[k] = target.weight * np.isfinite(slope[k]).all()
        weight *= robust_weight(miss, problem.spec.robust)
        return Slopes(at, miss, np.nan_to_num(slope), weight)

    def predicted(out: NDArray[np.bool_], of: pd.DataFrame) -> tuple[pd.DataFrame, Slopes, Any]:
        """Forecasts of some crises by parameters that are fitted without those left `out`."""
        nonlocal done
        here = slopes(~out)
        point = here.steps(np.zeros(1))
        values = dict(zip(paths, problem.points_of(point)[0].tolist(), strict=True))
        found = forecast(of, replicates, seed, workers, fitted_scenario(behaviour=values), step)
        done += len(of) * replicates
        return found, here, np.sqrt(((point[0] - at) ** 2).mean())

    found, about = [], []
    for name in sizes.index:
        out = (crises["fold"] == name).to_numpy()
        table, here, moved = predicted(out, crises[out])
        found.append(table)
        figures = int((here.weight > 0).sum())
        about.append(Fold(str(name), int(out.sum()), figures, float(moved), {}))
    saw = predicted(np.zeros(len(crises), bool), crises)[0]
    saw = pooled(saw, climatology(crises), fitted()["weights"])
    table = with_climatology(crises, pd.factorize(crises["fold"])[0])
    table = table.merge(pd.concat(found), on="crisno")
    saw = saw.drop(columns="crisno").add_prefix("in_")
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


def as_rows(crises: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Real crises as the model's outcomes: a day less, as ICB counts the first; what is not known is None or NaN."""
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
    """A target's figure in real crises with its interval, as the model would show it; None where they are too few."""
    known = [pd.notna(record[name]) for name in aim.measure.columns]
    rows = np.flatnonzero(np.all([chosen, *known], axis=0))
    figure = aim.measure.read(Measuring(Rows(record, UNFOLLOWED), 1, rows))
    said = [float(one[0]) for one in (figure.estimate, figure.lower, figure.upper)]
    if not np.isfinite(said).all() or said[1] >= said[2]:
        return None
    if dict(aim.measure.event.terms).get("ending", "agreement") != "agreement":
        said = [min(one / (1.0 - OTHER_SHARE), 1.0) for one in said]
    return aim.target.model_copy(update={"value": said[0], "interval": (said[1], said[2])})


def _pooled(table: pd.DataFrame, about: list[Fold]) -> pd.DataFrame:
    """Forecasts drawn towards the other folds' shares, by the weights that do best there; these are noted in the folds."""
    towards = table.filter(regex="^clim_|^marg_").rename(columns=lambda one: one[5:])
    tried = [pooled(table, towards, dict.fromkeys(POOLED, weight)) for weight in WEIGHTS]
    scores = [each_score(one) for one in tried]
    found = table.copy()
    for target, kind in POOLED.items():
        own = np.array([one[kind]["model"] for one in scores])
        begins = "ending_" if target == "ending" else "dur_"
        columns = [name for name in table if name.startswith(begins)]
        for fold in about:
            out = (table["fold"] == fold.name).to_numpy()
            best = int(np.argmin(np.nan_to_num(np.nanmean(own[:, ~out], axis=1), nan=math.inf)))
            fold.weights[target] = float(WEIGHTS[best])
            found.loc[out, columns] = tried[best].loc[out, columns]
    return found
