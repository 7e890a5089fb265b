"""Scores of forecasts: log score, Brier score, ranked probability score and CRPS, compared with two references.

Lower scores are better. Skill is 1 - mean score / mean score of the reference. Intervals are the 2.5th and 97.5th percentile
over bootstrap samples of crises, which are the same for all comparisons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crisis_sim.hindcast.forecast import KINDS, LEVELS, QUANTILES, jeffreys
from crisis_sim.outcomes.intervals import crps, wilson_interval

Array = NDArray[np.float64]

#: Smaller shares are raised to this before scoring, so that no single crisis outweighs all others.
LEAST = 0.005
#: Number of bootstrap samples, and their seed.
SAMPLES, SEED = 2000, 1
#: Smallest class of crises that is scored.
FEWEST = 10
#: Prefixes of the columns of each forecaster: for categories, for durations.
PREFIXES = {
    "model": ("", "dur_"),
    "climatology": ("clim_", "marg_dur_"),
    "baseline": ("ens_", "reg_dur_"),
    "in_sample": ("in_", "in_dur_"),
}
#: Last year of the cold war.
LAST_COLD_WAR_YEAR = 1989


@dataclass(frozen=True)
class Against:
    """Comparison of a mean score with a reference, over the crises that both predict.

    Attributes:
        crises: number of these crises; if it is 0, all other values are NaN.
        score: the reference's mean score.
        difference: the model's mean score minus the reference's.
    """

    crises: int
    score: float
    skill: float
    skill_limits: tuple[float, float]
    difference: float
    difference_limits: tuple[float, float]


@dataclass(frozen=True)
class Score:
    """The mean of a score over the crises of a class.

    Attributes:
        what: the target: ending, violence, mediated or duration.
        kind: `log`, `brier`, `rps` or `crps_log10`.
        crises: number of crises scored.
        in_sample: in cross-validation, the comparison with the model fitted to all crises.
    """

    group: str
    what: str
    kind: str
    crises: int
    model: float
    climatology: Against
    baseline: Against
    in_sample: Against


def groups(crises: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Return masks of the classes of crises to score: all, and those with at least `FEWEST` crises but not all.

    Each value of a column `fold` is a class, too.
    """
    year = pd.to_numeric(crises["start"].astype(str).str[:4], errors="coerce")
    violent = crises["trigger_type"] == "violent"
    masks = {
        "violent trigger": violent.to_numpy(),
        "other trigger": (~violent & crises["trigger_type"].notna()).to_numpy(),
        f"before {LAST_COLD_WAR_YEAR + 1}": (year <= LAST_COLD_WAR_YEAR).to_numpy(),
        f"{LAST_COLD_WAR_YEAR + 1} and after": (year > LAST_COLD_WAR_YEAR).to_numpy(),
        "single pair": (crises["n_dyads"] == 1).to_numpy(),
    }
    if "fold" in crises:
        masks |= {name: (crises["fold"] == name).to_numpy() for name in crises["fold"].unique()}
    classes = {name: mask for name, mask in masks.items() if FEWEST <= mask.sum() < len(crises)}
    return {"all crises": np.ones(len(crises), bool)} | classes


def climatology(crises: pd.DataFrame) -> dict[str, float]:
    """Return the shares of categories (Jeffreys) and the quantiles of duration in some crises, by column of a forecast."""
    columns: dict[str, float] = {}
    for target, kinds in KINDS.items():
        counts = np.array([[(crises[target] == kind).sum() for kind in kinds]])
        names = (f"{target}_{kind}" for kind in kinds)
        columns |= zip(names, jeffreys(counts)[0].tolist(), strict=True)
    days = crises["dur"].dropna().to_numpy(np.float64)
    quantiles = np.quantile(days, LEVELS) if days.size else np.full(len(LEVELS), np.nan)
    names = (f"dur_{name}" for name in QUANTILES)
    return columns | dict(zip(names, quantiles.tolist(), strict=True))


def with_climatology(crises: pd.DataFrame, fold: NDArray[Any] | None = None) -> pd.DataFrame:
    """Add the forecasts of climatology: the shares and quantiles of all other crises, unless a file provides them.

    Args:
        fold: the fold of each crisis, shape (crises,). If given, climatology is that of the other folds, and forecasts
            from files are ignored.
    """
    left_out = np.arange(len(crises)) if fold is None else fold
    by_fold = {k: climatology(crises[left_out != k]) for k in np.unique(left_out)}
    table = pd.DataFrame([by_fold[k] for k in left_out], crises.index)
    table = table.rename(columns=lambda name: ("marg_" if name[:4] == "dur_" else "clim_") + name)
    provided = [name for name in table if name in crises] if fold is None else []
    table[provided] = crises[provided].fillna(table[provided])
    return pd.concat([crises.drop(columns=[*table], errors="ignore"), table], axis=1)


def score(crises: pd.DataFrame) -> list[Score]:
    """Return the mean scores of all classes.

    Args:
        crises: a row for each crisis, with facts, outcomes, and the forecasts of the model, of climatology and perhaps of
            a baseline.
    """
    scores = each_score(crises)
    return [
        _mean(group, what, kind, {who: values[mask] for who, values in by_forecaster.items()})
        for group, mask in groups(crises).items()
        for (what, kind), by_forecaster in scores.items()
        if (~np.isnan(by_forecaster["model"][mask])).sum() >= FEWEST
    ]


def each_score(crises: pd.DataFrame) -> dict[tuple[str, str], dict[str, Array]]:
    """Return the scores of single crises by (target, score) and forecaster: shape (crises,), NaN where unknown."""
    scores: dict[tuple[str, str], dict[str, Array]] = {}
    crises = crises.copy()  # a fragmented table is slow to add columns to
    for who, (prefix, prefix_of_days) in PREFIXES.items():
        for target, kinds in KINDS.items():
            names = [f"{prefix}{target}_{kind}" for kind in kinds]
            if names[-1] in crises and names[0] not in crises:  # files give only the second of two
                crises = crises.assign(**{names[0]: 1.0 - crises[names[-1]]})
            by_kind = _categorical(_columns(crises, names), crises[target], kinds)
            for kind, values in by_kind.items():
                if kind != "rps" or target == "violence":
                    scores.setdefault((target, kind), {})[who] = values
        days = _columns(crises, [f"{prefix_of_days}{name}" for name in QUANTILES])
        scores.setdefault(("duration", "crps_log10"), {})[who] = crps(
            np.log10(np.maximum(days, 0.5)), np.log10(crises["dur"].to_numpy(np.float64)), LEVELS
        )
    return scores


def _columns(crises: pd.DataFrame, names: list[str]) -> Array:
    return np.asarray(crises.reindex(columns=names).to_numpy(np.float64))


def _categorical(shares: Array, outcome: pd.Series, kinds: tuple[str, ...]) -> dict[str, Array]:
    """Return log, Brier and ranked probability scores of shares, shape (crises, categories)."""
    shares = np.maximum(shares, LEAST)
    shares = shares / shares.sum(axis=1, keepdims=True)
    index = outcome.map({kind: k for k, kind in enumerate(kinds)}).fillna(-1).to_numpy(np.int64)
    is_known = index >= 0
    observed = np.where(is_known[:, None], np.arange(len(kinds)) == index[:, None], np.nan)
    steps = (shares.cumsum(axis=1) - observed.cumsum(axis=1))[:, :-1]
    predicted = np.take_along_axis(shares, index[:, None], axis=1)[:, 0]
    return {
        "log": -np.log(np.where(is_known, predicted, np.nan)),
        "brier": ((shares - observed) ** 2).sum(axis=1),
        "rps": (steps**2).sum(axis=1),
    }


def _mean(group: str, what: str, kind: str, scores: Mapping[str, Array]) -> Score:
    model = scores["model"]
    known = model[~np.isnan(model)]
    comparisons = (_against(model, scores[who]) for who in PREFIXES if who != "model")
    return Score(group, what, kind, known.size, float(known.mean()), *comparisons)


def _against(model: Array, reference: Array) -> Against:
    both = ~np.isnan(model) & ~np.isnan(reference)
    model, reference = model[both], reference[both]
    if not reference.any():  # no crises, or a perfect reference, for which skill is undefined
        undefined = (np.nan, np.nan)
        return Against(model.size, np.nan, np.nan, undefined, np.nan, undefined)
    sample = np.random.default_rng(SEED).integers(0, model.size, (SAMPLES, model.size))
    models, references = model[sample].mean(axis=1), reference[sample].mean(axis=1)

    def limits(values: Array) -> tuple[float, float]:
        low, high = np.nanpercentile(values, (2.5, 97.5))
        return float(low), float(high)

    return Against(
        model.size,
        float(reference.mean()),
        float(1 - model.mean() / reference.mean()),
        limits(1 - models / np.where(references > 0, references, np.nan)),
        float(model.mean() - reference.mean()),
        limits(models - references),
    )


# --- Calibration

#: Groups of crises in a reliability diagram, by predicted probability.
BINS = 5
#: Bins of the histogram of the percentiles of real durations.
DECILES = 10


@dataclass(frozen=True)
class Bin:
    """Crises with a similar predicted probability of an event.

    Attributes:
        forecast: the mean predicted probability.
        came: number of the `crises` in which the event occurred.
        lower, upper: Wilson's limits of its share.
    """

    forecast: float
    came: int
    crises: int
    lower: float
    upper: float


def reliability(crises: pd.DataFrame) -> dict[str, list[Bin]]:
    """Return, for some events, about equal groups of crises by their predicted probability."""
    violence = [f"violence_{kind}" for kind in KINDS["violence"]]
    events = {
        "any violence": ("violence", KINDS["violence"][1:], violence[1:]),
        "serious or war": ("violence", KINDS["violence"][2:], violence[2:]),
        "full-scale war": ("violence", KINDS["violence"][3:], violence[3:]),
        "mediated": ("mediated", ("yes",), ["mediated_yes"]),
        "ends by agreement": ("ending", ("agreement",), ["ending_agreement"]),
        "ends unilaterally": ("ending", ("unilateral",), ["ending_unilateral"]),
    }
    diagrams = {}
    for name, (target, kinds, columns) in events.items():
        known = crises[crises[target].notna()]
        predicted = known[columns].sum(axis=1).to_numpy(np.float64)
        occurred = known[target].isin(kinds).to_numpy()
        levels = np.arange(1, BINS) / BINS
        edges = np.unique(np.quantile(predicted, levels)) if predicted.size else predicted
        group = np.searchsorted(edges, predicted)  # equal predictions stay together
        masks = [group == k for k in np.unique(group)]
        diagrams[name] = [_bin(predicted[mask], occurred[mask]) for mask in masks]
    return diagrams


def _bin(predicted: Array, occurred: NDArray[np.bool_]) -> Bin:
    lower, upper = map(float, wilson_interval(occurred.sum(), occurred.size))
    return Bin(float(predicted.mean()), int(occurred.sum()), occurred.size, lower, upper)


def percentiles(crises: pd.DataFrame) -> NDArray[np.int64]:
    """Count the crises whose duration falls into each tenth of the predicted distribution, shape (`DECILES`,)."""
    known = crises[crises["dur"].notna()]
    quantiles = _columns(known, [f"dur_{name}" for name in QUANTILES])
    below = (quantiles < known["dur"].to_numpy(np.float64)[:, None]).sum(axis=1)
    cells = below * DECILES // (len(QUANTILES) + 1)
    return np.bincount(cells, minlength=DECILES).astype(np.int64)
