"""Generations on disk: a Parquet file for each, so that an experiment goes on where it was cut short."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crisis_sim.batch.durable import write_durably
from crisis_sim.experiments.posterior.priors import Values
from crisis_sim.experiments.posterior.problem import Problem, Seen
from crisis_sim.experiments.posterior.sampler import Likelihood

NAME = "generation_{:03d}.parquet"


@dataclass(frozen=True)
class Checkpointed:
    """A problem whose generations are kept in a folder.

    Attributes:
        problem: the problem.
        folder: the folder; None to keep nothing.
        resume: take what it holds for done.
    """

    problem: Problem
    folder: Path | None
    resume: bool

    def run(self, scores: Values, generation: int) -> Seen:
        """What crises show at particles: from the folder if it is there, else from new crises."""
        if self.folder is None:
            return self.problem.run(scores, generation)
        path = self.folder / NAME.format(generation)
        seen = _read(path, scores) if self.resume else None
        if seen is None:
            seen = self.problem.run(scores, generation)
            self.folder.mkdir(parents=True, exist_ok=True)
            write_durably(path, _parquet(scores, seen))
        return seen

    def join(self, seen: list[Seen]) -> Seen:
        """What several generations have shown, as one."""
        return self.problem.join(seen)

    def likelihood(self, seen: Seen) -> Likelihood:
        """From a tolerance, the logarithm of each particle's likelihood."""
        likelihood: Likelihood = self.problem.likelihood(seen)
        return likelihood


def _parquet(scores: Values, seen: Seen) -> bytes:
    """A generation: one row a particle, each array's further axes laid out one after the other."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays: dict[str, Any] = {"scores": scores, **vars(seen)}
    columns = {name: _rows(array) for name, array in arrays.items()}
    shapes = {name: ",".join(map(str, array.shape)) for name, array in arrays.items()}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns).replace_schema_metadata(shapes), sink, compression="zstd")
    return bytes(sink.getvalue())


def _rows(array: Any) -> Any:
    import pyarrow as pa

    width = int(np.prod(array.shape[1:]))
    offsets = np.arange(len(array) + 1, dtype=np.int64) * width
    return pa.LargeListArray.from_arrays(offsets, pa.array(array.ravel()))


def _read(path: Path, scores: Values) -> Seen | None:
    """A generation from its file; None where it is missing, damaged, or of other particles."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        arrays = {}
        for name in table.column_names:
            shape = [int(size) for size in table.schema.metadata[name.encode()].decode().split(",")]
            flat = pa.concat_arrays([chunk.flatten() for chunk in table.column(name).chunks])
            arrays[name] = flat.to_numpy(zero_copy_only=False).reshape(shape)
        if not np.array_equal(arrays.pop("scores"), scores):
            return None
        return Seen(**arrays)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None
