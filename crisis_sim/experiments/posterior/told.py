"""What a posterior experiment found, as tables, plain data and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.experiments.findings import Findings
from crisis_sim.experiments.posterior.find import Found
from crisis_sim.experiments.posterior.fitted import Fit, fitted
from crisis_sim.experiments.posterior.marginals import (
    Marginal,
    adjusted_of,
    marginals_of,
    pairs_of,
)
from crisis_sim.experiments.posterior.predictive import predicted, shares_like
from crisis_sim.experiments.posterior.record import misses
from crisis_sim.experiments.posterior.scenario_file import posterior_name, scenario_files
from crisis_sim.experiments.posterior.sentences import answer

if TYPE_CHECKING:
    import pyarrow as pa

#: Cumulative probabilities at which priors are told, for charts.
LEVELS = (np.arange(400) + 0.5) / 400


def told(found: Found) -> Findings:
    """All that is told of a posterior."""
    marginals = marginals_of(found)
    weight = found.sample.weight
    fits = {
        one.prior.path: fitted(one, found.values[:, k], weight) for k, one in enumerate(marginals)
    }
    summary = _summary(found, marginals, fits)
    return Findings(
        found.problem.experiment,
        tuple(answer(summary)),
        _tables(found, summary),
        summary,
        found.problem.crises,
        scenario_files(found.problem, fits),
    )


def _tables(found: Found, summary: dict[str, Any]) -> dict[str, pa.Table]:
    """Tidy tables: particles, marginals, correlations, the check, the generations, the priors."""
    import pyarrow as pa

    sample, priors = found.sample, found.problem.priors
    parameters = {prior.path: found.values[:, k] for k, prior in enumerate(priors)}
    pairs = summary["correlations"]
    return {
        "particles": pa.table(
            {
                "particle": np.arange(len(sample.weight)),
                "generation": sample.generation,
                "weight": sample.weight,
                **parameters,
            }
        ),
        "marginals": pa.Table.from_pylist(summary["parameters"]),
        "correlations": pa.table(
            {
                key: pa.array([pair[key] for pair in pairs], kind)
                for key, kind in (
                    ("first", pa.string()),
                    ("second", pa.string()),
                    ("correlation", pa.float64()),
                )
            }
        ),
        "predictive": pa.Table.from_pylist(summary["predictive"]),
        "generations": pa.Table.from_pylist(summary["generations"]),
        "priors": pa.table(
            {
                "parameter": np.repeat([prior.path for prior in priors], len(LEVELS)),
                "probability": np.tile(LEVELS, len(priors)),
                "value": np.concatenate([prior.at(LEVELS) for prior in priors]),
            }
        ),
    }


def _summary(found: Found, marginals: Sequence[Marginal], fits: dict[str, Fit]) -> dict[str, Any]:
    """The figures that matter, fit for JSON."""
    problem, spec = found.problem, found.problem.spec
    adjusted = adjusted_of(found)
    return {
        "particles": spec.particles,
        "replicates": spec.replicates,
        "draws": problem.draws,
        "scenarios": [one.name for one in problem.scenarios],
        "effective": found.sample.effective,
        "tolerance": found.sample.tolerance,
        "goal": spec.tolerance,
        "parameters": [
            _parameter(one, fits[one.prior.path], adjusted[k] if adjusted else None)
            for k, one in enumerate(marginals)
        ],
        "correlations": [asdict(pair) for pair in pairs_of(found)],
        "predictive": predicted(found),
        "cases": shares_like(found),
        "noise": _noise(found),
        "generations": [
            {"generation": k + 1, **asdict(one)} for k, one in enumerate(found.history)
        ],
        "files": [posterior_name(one) for one in problem.scenarios],
    }


def _parameter(
    one: Marginal, fit: Fit, adjusted: tuple[float, float, float] | None
) -> dict[str, Any]:
    factor = one.prior.factor
    figures = {key: value for key, value in vars(one).items() if key != "prior"}
    names = ("adjusted_median", "adjusted_lower", "adjusted_upper")
    return {
        "path": factor.path,
        "meaning": factor.meaning,
        "unit": factor.unit,
        "scale": factor.scale,
        "low": factor.low,
        "high": factor.high,
        "prior": one.prior.words(),
        **figures,
        **dict(zip(names, adjusted or (None, None, None), strict=True)),
        "distribution": fit.distribution.kind,
        "distribution_values": list(fit.distribution.values),
        "distribution_error": fit.error,
        "distribution_is_prior": fit.prior,
    }


def _noise(found: Found) -> dict[str, Any]:
    """How much the luck of few replicates blurs what particles show, where they fit.

    `targets`: of each target the Monte Carlo error over its own error. `assumed`: whether that was
    not given. `like`: of each crisis on record, how many of a particle's crises are like it.
    """
    problem, sample = found.problem, found.sample
    targets = []
    for k, aim in enumerate(problem.aims(sample.seen)):
        error, figure = sample.seen.errors[:, k], sample.seen.figures[:, k]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = error / aim.error / (figure if aim.log else 1.0)
        known = np.isfinite(ratio)
        share = float(sample.weight @ known)
        targets.append(float(sample.weight[known] @ ratio[known]) / share if share > 0 else None)
    off = misses(problem.spec.cases, sample.seen.values, sample.seen.so)
    like = (off <= sample.tolerance).sum(axis=2)
    assumed = [aim.assumed for aim in problem.given_aims]
    return {"targets": targets, "assumed": assumed, "like": (sample.weight @ like).tolist()}
