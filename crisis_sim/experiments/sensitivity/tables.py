"""The tables and the summary of a study."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crisis_sim.experiments.sensitivity.drawn import Drawn
from crisis_sim.experiments.sensitivity.estimators import MAIN
from crisis_sim.experiments.sensitivity.indices import Known, Study
from crisis_sim.experiments.sensitivity.sobol_terms import pairs_of

_FIGURES = ("estimate", "standard_error", "lower", "upper", "luck_error", "with_noise")


def index_table(studies: Mapping[str, Study], paths: Sequence[str]) -> Any:
    """One row an outcome, index, factor and number of samples: estimate, limits, errors."""
    rows = [
        {"measure": name, "index": index, "factor": path, "samples": known.samples, **figures}
        for name, one in studies.items()
        for known in one.known
        for index in known.estimate
        if index != "second"
        for path, figures in zip(paths, _figures(known, index), strict=True)
    ]
    return _table(rows, ("measure", "index", "factor"), ("samples",), _FIGURES)


def pair_table(studies: Mapping[str, Study], paths: Sequence[str]) -> Any:
    """One row an outcome and pair of factors: the second-order index."""
    first, second = pairs_of(len(paths))
    rows = [
        {"measure": name, "factor": paths[j], "with": paths[k], **figures}
        for name, one in studies.items()
        if one.known
        for j, k, figures in zip(first, second, _figures(one.final, "second"), strict=True)
    ]
    return _table(rows, ("measure", "factor", "with"), (), _FIGURES)


def effect_table(studies: Mapping[str, Study], paths: Sequence[str]) -> Any:
    """One row an outcome, trajectory and factor: the elementary effect."""
    rows = [
        {"measure": name, "factor": path, "trajectory": number, "effect": float(effect)}
        for name, one in studies.items()
        if one.effects is not None
        for number, effects in enumerate(one.effects)
        for path, effect in zip(paths, effects, strict=True)
    ]
    return _table(rows, ("measure", "factor"), ("trajectory",), ("effect",))


def bar_table(bars: Sequence[Mapping[str, Any]]) -> Any:
    """One row an outcome, factor and end of its range: the outcome there less that in the middle."""
    figures = ("value", "outcome", "estimate", "standard_error", "lower", "upper")
    return _table(bars, ("measure", "factor", "end"), (), figures)


def factor_rows(drawn: Sequence[Drawn]) -> list[dict[str, Any]]:
    """The factors as plain data."""
    return [
        {
            "path": one.factor.path,
            "meaning": one.factor.meaning,
            "unit": one.factor.unit,
            "drawn": one.words(),
            "low": one.ends[0],
            "middle": one.factor.middle,
            "high": one.ends[1],
        }
        for one in drawn
    ]


def study_summary(one: Study, paths: Sequence[str], method: str) -> dict[str, Any]:
    """What is known of an outcome, as plain data."""
    main = MAIN[method]
    indices: dict[str, Any] = {}
    order: list[str] = []
    if one.known:
        indices = {
            index: dict(
                zip(paths, (_plain(row) for row in _figures(one.final, index)), strict=True)
            )
            for index in one.final.estimate
            if index != "second"
        }
        order = [paths[k] for k in one.final.order]
    return {
        "mean": _number(one.mean),
        "deviation": _number(one.deviation),
        "noise": _number(one.noise),
        "samples": one.samples,
        "samples_lost": one.lost,
        "why_not": one.why_not,
        "main_index": main,
        "order": order,
        "indices": indices,
        "floor": {
            index: dict(zip(paths, map(float, of), strict=True)) for index, of in one.floor.items()
        },
    }


def _figures(known: Known, index: str) -> Iterator[dict[str, float]]:
    lower, upper = known.limits(index)
    columns = (
        known.estimate[index],
        known.error[index],
        lower,
        upper,
        known.luck[index],
        known.with_noise[index],
    )
    for row in zip(*columns, strict=True):
        yield dict(zip(_FIGURES, map(float, row), strict=True))


def _plain(row: Mapping[str, float]) -> dict[str, float | None]:
    return {key: _number(value) for key, value in row.items()}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _table(
    rows: Sequence[Mapping[str, Any]],
    texts: Sequence[str],
    whole: Sequence[str],
    figures: Sequence[str],
) -> Any:
    """A table with its types, whether there are rows or none; what is unknown is null."""
    import pyarrow as pa

    types = {
        **dict.fromkeys(texts, pa.string()),
        **dict.fromkeys(whole, pa.int64()),
        **dict.fromkeys(figures, pa.float64()),
    }
    return pa.table(
        {
            name: pa.array([row[name] for row in rows], kind, from_pandas=True)
            for name, kind in types.items()
        }
    )
