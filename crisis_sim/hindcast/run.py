"""Foretell the crises of a folder, and score what is known of how they went."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from crisis_sim.hindcast.forecast import forecast
from crisis_sim.hindcast.scores import (
    Bin,
    Score,
    percentiles,
    reliability,
    score,
    with_climatology,
)
from crisis_sim.hindcast.sources import OUTCOMES, Crises, read_crises
from crisis_sim.version import __version__


@dataclass(frozen=True, eq=False)
class Hindcast:
    """Forecasts of real crises, and how they fared.

    Attributes:
        crises: those of the folder.
        predictions: a row for each of them (see `forecast`).
        overrides: changes to the scenario.
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

    def plain(self) -> dict[str, Any]:
        """All but the forecasts, as plain data fit for JSON."""
        table = self.crises.table
        return {
            "version": __version__,
            "seed": self.seed,
            "replicates": self.replicates,
            "overrides": list(self.overrides),
            "files": self.crises.files,
            "crises": len(table),
            "outcomes": {name: int(table[name].notna().sum()) for name in OUTCOMES},
            "remarks": [
                {"file": file, "message": message, "rows": len(lines), "lines": lines}
                for (file, message), lines in self.crises.remarks.found.items()
            ],
            "scores": [_known(asdict(one)) for one in self.scores],
            "reliability": {
                name: [asdict(one) for one in bins] for name, bins in self.bins.items()
            },
            "duration_tenths": self.tenths,
        }


def _known(data: Any) -> Any:
    """Data with null for what is not a number."""
    if isinstance(data, dict):
        return {name: _known(one) for name, one in data.items()}
    if isinstance(data, tuple):
        return [_known(one) for one in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def hindcast(
    folder: Path,
    replicates: int = 2000,
    seed: int = 1,
    workers: int = 1,
    overrides: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Hindcast:
    """Read the crises of a folder, foretell each, and score the forecasts where outcomes are known.

    For the arguments see `forecast`.

    Raises:
        ScenarioError: when there is nothing to read, or a file has mistakes.
    """
    crises = read_crises(folder)
    predictions = forecast(crises.table, replicates, seed, workers, overrides, progress)
    joined = crises.table.merge(predictions, on="crisno")
    joined = joined[joined[list(OUTCOMES)].notna().any(axis=1)].reset_index(drop=True)
    scores = score(with_climatology(joined)) if len(joined) > 1 else []
    bins = reliability(joined) if scores else {}
    tenths = percentiles(joined).tolist() if scores else []
    return Hindcast(crises, predictions, replicates, seed, tuple(overrides), scores, bins, tenths)
