"""Foretell the crises of a folder, and score what is known of how they went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from crisis_sim.batch.files import known
from crisis_sim.hindcast.forecast import POPULATION, fitted_scenario, forecast, pooled
from crisis_sim.hindcast.left_out import Fold, Folds, left_out
from crisis_sim.hindcast.scores import (
    Bin,
    Score,
    percentiles,
    reliability,
    score,
    with_climatology,
)
from crisis_sim.hindcast.sources import OUTCOMES, Crises, read_crises
from crisis_sim.scenario.fits import over_fits as drawn_over_fits
from crisis_sim.scenario.load import load_scenario
from crisis_sim.version import __version__


@dataclass(frozen=True, eq=False)
class Hindcast:
    """Forecasts of real crises, and how they fared.

    Attributes:
        crises: those of the folder.
        predictions: a row for each of them (see `forecast`).
        overrides: changes to the scenario.
        over_fits: whether they are drawn over all behaviours that fit.
        leave_out, folds: whether each was foretold without the crises of its fold, and these.
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
            "scores": [known(asdict(one)) for one in self.scores],
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
    """Read the crises of a folder, foretell each, and score the forecasts where outcomes are known.

    Args:
        over_fits: draw behaviour from the sets of parameters that fit the record, which saw all of these crises' figures.
        leave_out: foretell only crises whose outcomes are known, each by a fit that did not see its fold (`left_out`).
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
