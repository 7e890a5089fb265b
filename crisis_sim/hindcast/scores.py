"""Scores of forecasts: log score, Brier, ranked probability and CRPS, beside climatology and a statistical baseline.

The lower a score, the better. Skill is 1 - the mean score / the mean score of the reference. Intervals are the 2.5th and
97.5th percentile over bootstrap samples of crises, the same ones for all that is compared.
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

#: A share below this is raised to it before it is scored, so that one crisis cannot outweigh all others.
LEAST = 0.005
#: Bootstrap samples, and the seed that draws them.
SAMPLES, SEED = 2000, 1
#: Fewest crises that are scored as a class of their own.
FEWEST = 10
#: Those who predict, and how their columns begin: for kinds, for durations.
PREFIXES = {
    "model": ("", "dur_"),
    "climatology": ("clim_", "marg_dur_"),
    "baseline": ("ens_", "reg_dur_"),
    "in_sample": ("in_", "in_dur_"),
}
#: The last year of the cold war's era.
ERA_ENDS = 1989


@dataclass(frozen=True)
class Against:
    """A mean score compared with that of a reference, over the crises for which both predict.

    Attributes:
        crises: how many these are; the rest is not a number where there are none.
        score: the reference's.
        difference: the model's minus the reference's.
    """

    crises: int
    score: float
    skill: float
    skill_limits: tuple[float, float]
    difference: float
    difference_limits: tuple[float, float]


@dataclass(frozen=True)
class Score:
    """The mean of one score over the crises of a class.

    Attributes:
        what: ending, violence, mediated or duration.
        kind: `log`, `brier`, `rps` or `crps_log10`.
        crises: how many are scored.
        climatology, baseline: the references; `in_sample` is the model fitted to all crises, where these were left out.
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
    """The classes of crises that are scored, and which belong to each: those with at least `FEWEST`, and not with all.

    A column `fold` makes classes of its own.
    """
    year = pd.to_numeric(crises["start"].astype(str).str[:4], errors="coerce")
    violent = crises["trigger_type"] == "violent"
    found = {
        "violent trigger": violent.to_numpy(),
        "other trigger": (~violent & crises["trigger_type"].notna()).to_numpy(),
        f"before {ERA_ENDS + 1}": (year <= ERA_ENDS).to_numpy(),
        f"{ERA_ENDS + 1} and after": (year > ERA_ENDS).to_numpy(),
        "single pair": (crises["n_dyads"] == 1).to_numpy(),
    }
    if "fold" in crises:
        found |= {one: (crises["fold"] == one).to_numpy() for one in crises["fold"].unique()}
    of = {name: chosen for name, chosen in found.items() if FEWEST <= chosen.sum() < len(crises)}
    return {"all crises": np.ones(len(crises), bool)} | of


def climatology(crises: pd.DataFrame) -> dict[str, float]:
    """The shares of kinds (Jeffreys) and the quantiles of duration in some crises, by the columns of a forecast."""
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
    """Crises with what climatology predicts: shares and quantiles of the other crises, where no file has said.

    With a `fold` for each crisis, (crises,), those of the other folds, whatever a file says.
    """
    each = np.arange(len(crises)) if fold is None else fold
    of = {k: climatology(crises[each != k]) for k in np.unique(each)}
    found = pd.DataFrame([of[k] for k in each], crises.index)
    found = found.rename(columns=lambda name: ("marg_" if name[:4] == "dur_" else "clim_") + name)
    kept = [] if fold is not None else [name for name in found if name in crises]
    found[kept] = crises[kept].fillna(found[kept])
    return pd.concat([crises.drop(columns=[*found], errors="ignore"), found], axis=1)


def score(crises: pd.DataFrame) -> list[Score]:
    """All scores of all classes.

    Args:
        crises: facts, outcomes, forecasts, those of climatology and perhaps those of a baseline, joined: a row a crisis.
    """
    each = each_score(crises)
    return [
        _mean(group, what, kind, {name: column[chosen] for name, column in of.items()})
        for group, chosen in groups(crises).items()
        for (what, kind), of in each.items()
        if (~np.isnan(of["model"][chosen])).sum() >= FEWEST
    ]


def each_score(crises: pd.DataFrame) -> dict[tuple[str, str], dict[str, Array]]:
    """Scores crisis by crisis, by what and kind and who predicted: shape (crises,), not a number where nothing is known."""
    found: dict[tuple[str, str], dict[str, Array]] = {}
    crises = crises.copy()  # of one piece, to which columns can be added
    for who, (prefix, prefix_of_days) in PREFIXES.items():
        for target, kinds in KINDS.items():
            names = [f"{prefix}{target}_{kind}" for kind in kinds]
            if names[-1] in crises and names[0] not in crises:  # of two, the second says all
                crises = crises.assign(**{names[0]: 1.0 - crises[names[-1]]})
            for kind, one in _of_kinds(_columns(crises, names), crises[target], kinds).items():
                if kind != "rps" or target == "violence":
                    found.setdefault((target, kind), {})[who] = one
        days = _columns(crises, [f"{prefix_of_days}{name}" for name in QUANTILES])
        found.setdefault(("duration", "crps_log10"), {})[who] = crps(
            np.log10(np.maximum(days, 0.5)), np.log10(crises["dur"].to_numpy(np.float64)), LEVELS
        )
    return found


def _columns(crises: pd.DataFrame, names: list[str]) -> Array:
    return np.asarray(crises.reindex(columns=names).to_numpy(np.float64))


def _of_kinds(shares: Array, came: pd.Series, kinds: tuple[str, ...]) -> dict[str, Array]:
    """Log score, Brier and ranked probability score of shares of shape (crises, kinds)."""
    shares = np.maximum(shares, LEAST)
    shares = shares / shares.sum(axis=1, keepdims=True)
    index = {kind: k for k, kind in enumerate(kinds)}
    at = came.map(index).fillna(-1).to_numpy(np.int64)
    one = np.where(at[:, None] >= 0, np.arange(len(kinds)) == at[:, None], np.nan)
    steps = (shares.cumsum(axis=1) - one.cumsum(axis=1))[:, :-1]
    log = -np.log(np.where(at >= 0, np.take_along_axis(shares, at[:, None], axis=1)[:, 0], np.nan))
    return {
        "log": log,
        "brier": ((shares - one) ** 2).sum(axis=1),
        "rps": (steps**2).sum(axis=1),
    }


def _mean(group: str, what: str, kind: str, of: Mapping[str, Array]) -> Score:
    known = of["model"][~np.isnan(of["model"])]
    against = (_against(of["model"], of[who]) for who in PREFIXES if who != "model")
    return Score(group, what, kind, known.size, float(known.mean()), *against)


def _against(model: Array, reference: Array) -> Against:
    both = ~np.isnan(model) & ~np.isnan(reference)
    model, reference = model[both], reference[both]
    if not reference.any():  # none, or a perfect one, over which nobody has skill
        nothing = (np.nan, np.nan)
        return Against(model.size, np.nan, np.nan, nothing, np.nan, nothing)
    drawn = np.random.default_rng(SEED).integers(0, model.size, (SAMPLES, model.size))
    ours, theirs = model[drawn].mean(axis=1), reference[drawn].mean(axis=1)

    def limits(values: Array) -> tuple[float, float]:
        low, high = np.nanpercentile(values, (2.5, 97.5))
        return float(low), float(high)

    return Against(
        model.size,
        float(reference.mean()),
        float(1 - model.mean() / reference.mean()),
        limits(1 - ours / np.where(theirs > 0, theirs, np.nan)),
        float(model.mean() - reference.mean()),
        limits(ours - theirs),
    )


# Calibration.

#: Crises of a forecast's events are put into so many groups, by how likely it held them, for a reliability diagram.
BINS = 5
#: Bins of the histogram of the percentiles at which real durations fall.
DECILES = 10


@dataclass(frozen=True)
class Bin:
    """Crises for which an event was held about as likely.

    Attributes:
        forecast: the mean share predicted.
        came: in how many of the `crises` it came; `lower` and `upper` are Wilson's limits of that share.
    """

    forecast: float
    came: int
    crises: int
    lower: float
    upper: float


def reliability(crises: pd.DataFrame) -> dict[str, list[Bin]]:
    """For some events, groups of crises, about a fifth each, by how likely the model held the event."""
    violence = [f"violence_{kind}" for kind in KINDS["violence"]]
    events = {
        "any violence": ("violence", KINDS["violence"][1:], violence[1:]),
        "serious or war": ("violence", KINDS["violence"][2:], violence[2:]),
        "full-scale war": ("violence", KINDS["violence"][3:], violence[3:]),
        "mediated": ("mediated", ("yes",), ["mediated_yes"]),
        "ends by agreement": ("ending", ("agreement",), ["ending_agreement"]),
        "ends unilaterally": ("ending", ("unilateral",), ["ending_unilateral"]),
    }
    found = {}
    for name, (target, kinds, columns) in events.items():
        known = crises[crises[target].notna()]
        held = known[columns].sum(axis=1).to_numpy(np.float64)
        came = known[target].isin(kinds).to_numpy()
        edges = np.unique(np.quantile(held, np.arange(1, BINS) / BINS)) if held.size else held
        group = np.searchsorted(edges, held)  # those held equally likely stay together
        found[name] = [_bin(held[group == k], came[group == k]) for k in np.unique(group)]
    return found


def _bin(held: Array, came: NDArray[np.bool_]) -> Bin:
    lower, upper = map(float, wilson_interval(came.sum(), came.size))
    return Bin(float(held.mean()), int(came.sum()), came.size, lower, upper)


def percentiles(crises: pd.DataFrame) -> NDArray[np.int64]:
    """How many crises lasted as long as falls into each tenth of what the model predicted, shape (`DECILES`,)."""
    known = crises[crises["dur"].notna()]
    quantiles = _columns(known, [f"dur_{name}" for name in QUANTILES])
    below = (quantiles < known["dur"].to_numpy(np.float64)[:, None]).sum(axis=1)
    cells = below * DECILES // (len(QUANTILES) + 1)
    return np.bincount(cells, minlength=DECILES).astype(np.int64)
