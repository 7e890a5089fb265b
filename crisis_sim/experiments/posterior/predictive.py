"""Posterior predictive check: what the posterior says that crises show, beside what was seen.

Points are drawn from the posterior, and their crises have luck that no particle had. Beside them
stands what the prior predicted.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from crisis_sim.experiments.posterior.find import Found
from crisis_sim.experiments.posterior.priors import Values
from crisis_sim.experiments.posterior.problem import Seen
from crisis_sim.experiments.posterior.record import misses
from crisis_sim.outcomes.intervals import normal_quantile
from crisis_sim.outcomes.measures.kinds import EVERYONE

#: Quantiles that are told, by the names of their columns.
QUANTILES = {"lower": 0.025, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "upper": 0.975}
#: Probabilities beyond which what was seen is in the tail of what is predicted.
TAIL = 0.025


def predicted(found: Found) -> list[dict[str, Any]]:
    """One row for each figure and each number on record."""
    return [*_figures(found), *_numbers(found)]


def _figures(found: Found) -> list[dict[str, Any]]:
    """Of each figure: how it is spread over points, with what it should be where it is a target."""
    from scipy.special import ndtr

    problem = found.problem
    before, after = _prior(found), found.fresh
    aims = problem.aims(found.sample.seen)
    rows = []
    for k, watched in enumerate(problem.watched):
        row = {
            "what": "figure",
            "name": watched.measure.name,
            "words": watched.measure.words,
            "unit": watched.measure.unit,
            "among": watched.measure.among,
            "scenario": watched.scenario,
            "case": None,
            "seen": None,
            "seen_lower": None,
            "seen_upper": None,
            "tail": None,
            **_spread(after.figures[:, k], ""),
            **_spread(before.figures[:, k], "prior_"),
        }
        if k < len(aims):
            aim = aims[k]
            reach = normal_quantile() * aim.error
            limits = (
                (aim.value * math.exp(-reach), aim.value * math.exp(reach))
                if aim.log
                else (aim.value - reach, aim.value + reach)
            )
            lower, upper = limits if aim.assumed else (aim.lower, aim.upper)
            row |= {
                "seen": aim.value,
                "seen_lower": lower,
                "seen_upper": upper,
                "tail": float(ndtr(aim.apart(after.figures[:, k])).mean()),
            }
        rows.append(row)
    return rows


def _numbers(found: Found) -> list[dict[str, Any]]:
    """Of each number on record: how it is spread over single crises."""
    before, after = _prior(found), found.fresh
    rows = []
    for k, number in enumerate(found.problem.numbers):
        observed = number.observed
        values = after.values[:, k].astype(np.float64).ravel()
        came = values[~np.isnan(values)]
        below = np.mean(came < observed.value) + 0.5 * np.mean(came == observed.value)
        rows.append(
            {
                "what": "record",
                "name": f"{number.case}: {number.words}",
                "words": number.words,
                "unit": number.unit,
                "among": EVERYONE,
                "scenario": number.scenario,
                "case": number.case,
                "seen": observed.value,
                "seen_lower": observed.value - observed.within,
                "seen_upper": observed.value + observed.within,
                "tail": float(1.0 - below) if len(came) else None,
                **_spread(values, ""),
                **_spread(before.values[:, k].astype(np.float64).ravel(), "prior_"),
            }
        )
    return rows


def shares_like(found: Found) -> list[dict[str, Any]]:
    """Of each crisis on record: how often one like it comes, at the goal of the tolerance."""
    problem = found.problem
    goal = problem.spec.tolerance
    each = {
        name: (misses(problem.spec.cases, seen.values, seen.so) <= goal).mean(axis=2)
        for name, seen in (("prior", _prior(found)), ("posterior", found.fresh))
    }
    rows = []
    for k, case in enumerate(problem.spec.cases):
        row: dict[str, Any] = {"name": case.name, "scenario": case.scenario}
        for name, shares in each.items():
            own = shares[:, k]
            error = float(own.std(ddof=1) / math.sqrt(len(own)))
            row[name] = float(own.mean())
            row[f"{name}_lower"] = max(row[name] - normal_quantile() * error, 0.0)
            row[f"{name}_upper"] = min(row[name] + normal_quantile() * error, 1.0)
        rows.append(row)
    return rows


def in_tail(row: dict[str, Any]) -> bool:
    """Whether what was seen is where the posterior hardly ever leads."""
    return row["tail"] is not None and not TAIL <= row["tail"] <= 1.0 - TAIL


def _prior(found: Found) -> Seen:
    """What the generation that was drawn from the prior has shown."""
    seen: Seen = found.sample.seen
    first = found.problem.spec.particles
    return Seen(*(getattr(seen, name)[:first] for name in ("figures", "errors", "values", "so")))


def _spread(values: Values, prefix: str) -> dict[str, float | None]:
    """Quantiles of what is known, and the share of all that is; None for a time that never comes."""
    known = values[~np.isnan(values)]
    found: dict[str, float | None] = {f"{prefix}known": len(known) / len(values)}
    for name, level in QUANTILES.items():
        at = float(np.quantile(known, level, method="inverted_cdf")) if len(known) else math.nan
        found[prefix + name] = at if math.isfinite(at) else None
    return found
