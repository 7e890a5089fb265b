"""Run the points of a design as one batch, and measure each point.

Replicate k has the same random numbers at every point and in every scenario, so differences between
points are paired. A batch of more crises than `IN_MEMORY` is written to a folder, by default a temporary
one, and only the columns that the measures need are read from it.
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
from crisis_sim.batch.safe_files import inside
from crisis_sim.experiments.spec import BlocksFailedError, Experiment, ExperimentError, RunOptions
from crisis_sim.outcomes.intervals import Contrast, Measured, joined
from crisis_sim.outcomes.measures import Measure
from crisis_sim.outcomes.over_fits import Fits, OverFits, over_sets
from crisis_sim.scenario.fits import FIT
from crisis_sim.scenario.schema import Scenario

if TYPE_CHECKING:
    import pyarrow as pa


#: The largest number of crises whose outcomes are kept in memory, about 100 MB.
IN_MEMORY = 250_000

#: The columns of an estimate.
FIGURES = ("estimate", "lower", "upper", "standard_error")
#: Further columns of a design over fits: the range over the sets, and the share of them with the same sign.
FITS = ("fits_lower", "fits_upper", "fits_same_sign")


@dataclass(frozen=True, eq=False)
class Design:
    """The results of a design.

    Attributes:
        values: the values of each varied parameter that is the same in all replicates of a point, `(points,)`.
        measured: each measure at all points, scenario after scenario, by the measure's name.
        fits: the set of behavioural parameters that each replicate drew, the same at all points; None if not over fits.
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
        """The number of points in all scenarios together."""
        return int(self.manifest["points"] or 1) * len(self.scenarios)

    @property
    def crises(self) -> int:
        """The number of crises."""
        return self.points * self.replicates

    def point_table(self) -> pa.Table:
        """Return a table with a row per point: its number, scenario and values of the varied parameters."""
        import pyarrow as pa

        scenarios = np.repeat(self.scenarios, self.points // len(self.scenarios))
        repeats = len(self.scenarios)
        varied = {path: np.tile(column, repeats) for path, column in self.values.items()}
        return pa.table({"point": np.arange(self.points), "scenario": scenarios, **varied})

    def over_fits(self, measure: str, less: int | None = None) -> list[OverFits | None]:
        """Return the range over fits of a measure, or of its difference from the point `less`, at each point."""
        measured = self.measured[measure]
        if self.fits is None or not (measured.is_share or measured.is_mean):
            return [None] * measured.points
        within, estimates = self.fits.within(measured), measured.estimate
        if less is not None:
            within, estimates = within - within[less], estimates - estimates[less]
        bounds = (-math.inf, math.inf)
        if measured.is_share:
            bounds = (0.0 if less is None else -1.0, 1.0)
        return [
            over_sets(estimate, [(self.fits, influence)], bounds)
            for estimate, influence in zip(estimates.tolist(), within, strict=True)
        ]

    def measure_table(self) -> pa.Table:
        """Return a table of estimates, with a row per measure and point."""
        over = (each for name in self.measured for each in self.over_fits(name))
        return self.figures_table(self.measured, (*FIGURES, "of"), over)

    def figures_table(
        self,
        results: Mapping[str, Measured] | Mapping[str, Contrast],
        columns: Sequence[str],
        over: Iterable[OverFits | None],
    ) -> pa.Table:
        """Return a table of attributes of results, with a row per measure and point, and `FITS` over fits."""
        import pyarrow as pa

        table = {
            "point": np.tile(np.arange(self.points), len(results)),
            "measure": np.repeat(list(results), self.points),
        }
        for name in columns:
            column = np.concatenate([getattr(result, name) for result in results.values()])
            table[name] = pa.array(column, from_pandas=True)
        rows = [fits_row(each.plain() if each else None) for each in over] if self.fits else []
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
    """Run every replicate at every point, with the same random numbers at all points, and measure each point.

    Args:
        scenarios: one or several scenarios with different names.
        values: values that replace the scenarios', by path, each of shape `(points,)`, or
            `(points, replicates)` if they differ between replicates; empty for unchanged scenarios.
        measures: the measures.
        replicates: crises at each point.
        seed: with a replicate's number, it fixes all its random numbers.
        options: options for running it; its folder is not used.
        folder: the folder for the batch, from which it can be resumed; None not to keep it.

    Raises:
        ExperimentError: if the values have the wrong shape.
        BlocksFailedError: if blocks of the batch failed.
        BatchError: if the batch cannot be run as requested.
        KeyboardInterrupt: on Ctrl-C; finished blocks stay in the folder.
    """
    scenarios = (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios)
    points, by_row, by_point = _values(values, replicates)
    options = options or RunOptions()
    arguments: dict[str, Any] = {
        "parameters": by_row,
        "points": points,
        "agents": options.agents,
        "roles": options.roles,
        "progress": options.progress,
    }
    if folder is None and len(scenarios) * (points or 1) * replicates <= IN_MEMORY:
        batch = simulate(scenarios, replicates, seed, options.workers, **arguments)
        return _measured(batch, by_point, measures, replicates)
    with contextlib.ExitStack() as stack:
        if folder is None:
            temporary = tempfile.TemporaryDirectory(prefix="crisis-sim-")
            folder = Path(stack.enter_context(temporary)) / "design"
        arguments |= {"resume": options.resume, "on_message": options.on_message}
        manifest = run_to_folder(scenarios, folder, replicates, seed, options.workers, **arguments)
        if failures := manifest["failures"]:
            raise BlocksFailedError(
                f"{len(failures)} blocks of the batch failed, the first with: {failures[0]['error']}"
            )
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
    """Run a design of an experiment, by default with its scenario and replicates.

    `name` is the subfolder of the batch, for experiments with several batches.
    """
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
    """Return the number of points, the values of each row, and the values of each point."""
    arrays = {path: np.asarray(array, dtype=np.float64) for path, array in values.items()}
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
    size = max(IN_MEMORY // replicates, 1)  # points that are measured at a time
    parts: dict[str, list[Measured]] = {measure.name: [] for measure in measures}
    for ensemble in batch.ensembles.values():
        for start in range(0, points, size):
            count = min(size, points - start)
            rows = ensemble.table.slice(start * replicates, count * replicates)
            for measure in measures:
                part = measure.over(replace(ensemble, table=rows), count)
                parts[measure.name].append(part)
    measured = {name: joined(each) for name, each in parts.items()}
    first = next(iter(batch.ensembles.values()))
    fits = Fits.of(replace(first, table=first.table.slice(0, replicates)), first.scenario)
    if fits:  # varied parameters are not drawn
        drawn = {path: column for path, column in fits.parameters.items() if path not in values}
        fits = replace(fits, parameters=drawn)
    names = tuple(batch.ensembles)
    return Design(names, values, replicates, batch.seed, measured, fits, batch.manifest)


def sobol_points(seed: int, dimensions: int, count: int, first: int = 0) -> NDArray[np.float64]:
    """Return points of a scrambled Sobol sequence in the unit cube, `(count, dimensions)`, from number `first` on."""
    from scipy.stats import qmc

    sequence = qmc.Sobol(dimensions, rng=seed)
    if first:
        sequence.fast_forward(first)
    with warnings.catch_warnings():
        # A number of points that is not a power of two only loses balance.
        warnings.filterwarnings("ignore", message="The balance properties")
        return np.asarray(sequence.random(count))


def finite_or_none(value: Any) -> float | None:
    """Return a number for JSON and tables: None if it is unknown or infinite."""
    return float(value) if math.isfinite(value) else None


def fits_row(over: Mapping[str, Any] | None) -> dict[str, float | None]:
    """Return the columns `FITS` of an estimate, from `OverFits.plain`."""
    keys = zip(FITS, ("lower", "upper", "same_sign"), strict=True)
    return {name: None if over is None else over.get(key) for name, key in keys}


def table_of(
    rows: Sequence[Mapping[str, Any]],
    texts: Sequence[str],
    integers: Sequence[str] = (),
    floats: Sequence[str] = FIGURES,
) -> pa.Table:
    """Return a table of rows, with the columns of each type; NaN becomes null."""
    import pyarrow as pa

    columns = {}
    for names, kind in ((texts, pa.string()), (integers, pa.int64()), (floats, pa.float64())):
        for name in names:
            columns[name] = pa.array([row[name] for row in rows], kind, from_pandas=True)
    return pa.table(columns)
