"""Points of a design run as one batch, all on the same luck, and measured.

Replicate k has the same luck at every point and in every scenario, so differences between points
are paired. Only the columns that the measures read are ever whole in memory: a batch of more crises
than `IN_MEMORY` goes through a folder, which is a temporary one where none is given.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crisis_sim.batch import Batch, read_batch, run_to_folder, simulate
from crisis_sim.batch.files import inside
from crisis_sim.experiments.spec import BlocksFailedError, Experiment, ExperimentError, RunOptions
from crisis_sim.outcomes.intervals import Contrast, Measured, joined
from crisis_sim.outcomes.measures import Measure
from crisis_sim.outcomes.over_fits import Fits, OverFits, over_sets
from crisis_sim.scenario.load import FIT
from crisis_sim.scenario.schema import Scenario

if TYPE_CHECKING:
    import pyarrow as pa


#: Crises whose outcomes are kept in memory, all columns of them: some 100 MB.
IN_MEMORY = 250_000

#: The columns of a figure.
FIGURES = ("estimate", "lower", "upper", "standard_error")
#: Further columns of a design over fits: the range over the sets, and in how many of them the sign agrees.
FITS = ("fits_lower", "fits_upper", "fits_same_sign")


@dataclass(frozen=True, eq=False)
class Design:
    """The results of a design: every measure at every point, by the measures' names in their order.

    Points are counted scenario after scenario. Values are those of each parameter that was varied, `(points,)`, but for
    those that differ between the replicates of a point. `fits` says which set of behaviours each replicate drew, the same
    at all points; None where it is not over fits.
    """

    scenarios: tuple[str, ...]
    values: Mapping[str, NDArray[np.float64]]
    replicates: int
    seed: int
    measured: Mapping[str, Measured]
    fits: Fits | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def points(self) -> int:
        """How many points there are, over all scenarios."""
        return int(self.manifest["points"] or 1) * len(self.scenarios)

    @property
    def crises(self) -> int:
        """How many crises there were."""
        return self.points * self.replicates

    def point_table(self) -> pa.Table:
        """One row a point: its number, its scenario and the values of what was varied."""
        import pyarrow as pa

        scenarios = np.repeat(self.scenarios, self.points // len(self.scenarios))
        varied = {path: np.tile(of, len(self.scenarios)) for path, of in self.values.items()}
        return pa.table({"point": np.arange(self.points), "scenario": scenarios, **varied})

    def over_fits(self, measure: str, less: int | None = None) -> list[OverFits | None]:
        """How a measure, or its difference from one of the points, moves over fits, at each point."""
        one = self.measured[measure]
        if self.fits is None or not (one.is_share or one.is_mean):
            return [None] * one.points
        within, estimate = self.fits.within(one), one.estimate
        if less is not None:
            within, estimate = within - within[less], estimate - estimate[less]
        bounds = (0.0 if less is None else -1.0, 1.0) if one.is_share else (-math.inf, math.inf)
        each = zip(estimate.tolist(), within, strict=True)
        return [over_sets(at, [(self.fits, pull)], bounds) for at, pull in each]

    def measure_table(self) -> pa.Table:
        """One row a point and measure: estimate, limits, standard error, number of replicates; over fits their range."""
        over = (one for name in self.measured for one in self.over_fits(name))
        return self.figures_table(self.measured, (*FIGURES, "of"), over)

    def figures_table(
        self,
        found: Mapping[str, Measured] | Mapping[str, Contrast],
        kept: Sequence[str],
        over: Iterable[OverFits | None],
    ) -> pa.Table:
        """One row a point and measure: the figures `kept`, and over fits the columns `FITS`; unknown is null."""
        import pyarrow as pa

        table = {
            "point": np.tile(np.arange(self.points), len(found)),
            "measure": np.repeat(list(found), self.points),
        }
        for name in kept:
            each = np.concatenate([getattr(one, name) for one in found.values()])
            table[name] = pa.array(each, from_pandas=True)
        rows = [fits_row(one.plain() if one else None) for one in over] if self.fits else []
        return pa.table({**table, **{name: [row[name] for row in rows] for name in FITS if rows}})


def run_design(
    scenarios: Scenario | Sequence[Scenario],
    values: Mapping[str, ArrayLike],
    measures: Sequence[Measure],
    replicates: int,
    seed: int = 1,
    options: RunOptions | None = None,
    folder: Path | None = None,
) -> Design:
    """Run every replicate at every point, with the same luck at all of them, and measure each point.

    Args:
        scenarios: one scenario or several, each with a name of its own.
        values: values in place of the scenarios', by path, each of shape `(points,)`, or
            `(points, replicates)` where every replicate has its own; empty for the scenarios as they are.
        measures: what to measure.
        replicates: crises at each point.
        seed: with a replicate's number, it fixes all of its luck.
        options: in which way to run it.
        folder: where to keep the batch, so that it can be resumed; None to keep it nowhere.

    Raises:
        ExperimentError: when values have not one entry for each point.
        BlocksFailedError: when blocks of the batch failed.
        BatchError: when the batch cannot be run as asked.
        KeyboardInterrupt: on Ctrl-C; with a folder, what was finished is safe.
    """
    given = (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios)
    points, by_row, by_point = _values(values, replicates)
    options = options or RunOptions()
    names = ("agents", "roles", "progress")
    asked: dict[str, Any] = {"parameters": by_row, "points": points}
    asked |= {name: getattr(options, name) for name in names}
    if folder is None and len(given) * (points or 1) * replicates <= IN_MEMORY:
        batch = simulate(given, replicates, seed, options.workers, **asked)
        return _measured(batch, by_point, measures, replicates)
    with contextlib.ExitStack() as stack:
        if folder is None:
            temporary = tempfile.TemporaryDirectory(prefix="crisis-sim-")
            folder = Path(stack.enter_context(temporary)) / "design"
        asked |= {"resume": options.resume, "on_message": options.on_message}
        manifest = run_to_folder(given, folder, replicates, seed, options.workers, **asked)
        if failures := manifest["failures"]:
            first, many = failures[0]["error"], len(failures)
            raise BlocksFailedError(f"{many} blocks of the batch failed, the first with: {first}")
        columns = [name for measure in measures for name in measure.columns]
        batch = read_batch(folder, list(dict.fromkeys([*columns, FIT])))
        return _measured(batch, by_point, measures, replicates)


def run_points(
    experiment: Experiment,
    options: RunOptions,
    values: Mapping[str, ArrayLike],
    scenarios: Sequence[Scenario] = (),
    replicates: int | None = None,
    name: str = "",
) -> Design:
    """`run_design` of an experiment, with its scenario and replicates where left out; of several batches each has a name."""
    spec, folder = experiment.spec, options.design_folder
    return run_design(
        scenarios or experiment.scenario,
        values,
        experiment.measures,
        replicates or spec.replicates,
        spec.seed,
        options,
        inside(folder, name, is_folder=True) if folder and name else folder,
    )


def _values(
    values: Mapping[str, ArrayLike], replicates: int
) -> tuple[int | None, dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """How many points there are, the values of every row, and those of every point."""
    arrays = {path: np.asarray(of, dtype=np.float64) for path, of in values.items()}
    if not arrays:
        return None, {}, {}
    points = len(next(iter(arrays.values())))
    if points == 0:
        raise ExperimentError("a design needs at least one point")
    by_row: dict[str, NDArray[np.float64]] = {}
    for path, array in arrays.items():
        if array.shape not in ((points,), (points, replicates)):
            raise ExperimentError(
                f"parameter {path!r} has values of shape {array.shape}; "
                f"expected ({points},) or ({points}, {replicates})"
            )
        by_row[path] = np.repeat(array, replicates) if array.ndim == 1 else array.ravel()
    return points, by_row, {path: array for path, array in arrays.items() if array.ndim == 1}


def _measured(
    batch: Batch,
    values: Mapping[str, NDArray[np.float64]],
    measures: Sequence[Measure],
    replicates: int,
) -> Design:
    points = batch.manifest["points"] or 1
    size = max(IN_MEMORY // replicates, 1)  # as many points at a time as memory is to hold
    parts: dict[str, list[Measured]] = {measure.name: [] for measure in measures}
    for ensemble in batch.ensembles.values():
        for start in range(0, points, size):
            count = min(size, points - start)
            rows = ensemble.table.slice(start * replicates, count * replicates)
            for measure in measures:
                found = measure.over(replace(ensemble, table=rows), count)
                parts[measure.name].append(found)
    measured = {name: joined(each) for name, each in parts.items()}
    first = next(iter(batch.ensembles.values()))
    fits = Fits.of(replace(first, table=first.table.slice(0, replicates)), first.scenario)
    if fits:  # what is varied is no longer drawn
        drawn = {path: of for path, of in fits.parameters.items() if path not in values}
        fits = replace(fits, parameters=drawn)
    names = tuple(batch.ensembles)
    return Design(names, values, replicates, batch.seed, measured, fits, batch.manifest)


def sobol_points(seed: int, dimensions: int, count: int, first: int = 0) -> NDArray[np.float64]:
    """Points of a scrambled Sobol sequence from number `first` on, `(count, dimensions)`, in the unit cube."""
    from scipy.stats import qmc

    sequence = qmc.Sobol(dimensions, rng=seed)
    if first:
        sequence.fast_forward(first)
    with warnings.catch_warnings():
        # Any number may be asked for; only balance is lost where it is no power of two.
        warnings.filterwarnings("ignore", message="The balance properties")
        return np.asarray(sequence.random(count))


def finite_or_none(value: Any) -> float | None:
    """A figure for JSON and tables: None where it is unknown, or a time that never comes."""
    return float(value) if math.isfinite(value) else None


def fits_row(over: Mapping[str, Any] | None) -> dict[str, float | None]:
    """The columns `FITS` of one figure; unknown is null."""
    keys = zip(FITS, ("lower", "upper", "same_sign"), strict=True)
    return {name: None if over is None else over.get(key) for name, key in keys}


def table_of(
    rows: Iterable[Mapping[str, Any]],
    texts: Sequence[str],
    whole: Sequence[str] = (),
    figures: Sequence[str] = FIGURES,
) -> pa.Table:
    """A table of texts, whole numbers and figures, whether there are rows or none; unknown is null."""
    import pyarrow as pa

    listed, columns = [*rows], {}
    for names, kind in ((texts, pa.string()), (whole, pa.int64()), (figures, pa.float64())):
        for name in names:
            columns[name] = pa.array([row[name] for row in listed], kind, from_pandas=True)
    return pa.table(columns)
