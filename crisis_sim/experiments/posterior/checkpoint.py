"""Generations on disk, so that an experiment goes on where it was cut short.

design/generation_000.parquet   particles, and what their crises showed
design/generation_000.json      of which experiment it is, and the checksum of the other; written last
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crisis_sim.batch.durable import inside, write_durably
from crisis_sim.batch.errors import ResultsError
from crisis_sim.experiments.posterior.priors import Values
from crisis_sim.experiments.posterior.problem import Problem, Seen
from crisis_sim.experiments.posterior.sampler import Likelihood
from crisis_sim.experiments.sealed import (
    as_json,
    believed,
    check,
    digest_of,
    parquet_of,
    read_bytes,
    read_json,
    sealed,
    table_of,
)

NAME = "generation_{:03d}"


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
        name = NAME.format(generation)
        about = {"experiment": self.problem.experiment.digest, "generation": generation}
        if self.resume:
            try:
                seen = _read(self.folder, name, about, scores)
            except ResultsError as error:
                self.problem.how.tell(f"generation {generation + 1} is done again: {error}")
            else:
                if seen is not None:
                    return seen
        seen = self.problem.run(scores, generation)
        self.folder.mkdir(parents=True, exist_ok=True)
        content = _parquet(scores, seen)
        write_durably(self.folder / f"{name}.parquet", content)
        of = sealed({**about, "sha256": digest_of(content)})
        write_durably(self.folder / f"{name}.json", as_json(of))
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

    arrays: dict[str, Any] = {"scores": scores, **vars(seen)}
    columns = {name: _rows(array) for name, array in arrays.items()}
    shapes = {name: ",".join(map(str, array.shape)) for name, array in arrays.items()}
    return parquet_of(pa.table(columns).replace_schema_metadata(shapes))


def _rows(array: Any) -> Any:
    import pyarrow as pa

    width = int(np.prod(array.shape[1:]))
    offsets = np.arange(len(array) + 1, dtype=np.int64) * width
    return pa.LargeListArray.from_arrays(offsets, pa.array(array.ravel()))


def _read(folder: Path, name: str, about: dict[str, Any], scores: Values) -> Seen | None:
    """A generation from its files; None where it was never written to its end.

    Raises:
        ResultsError: when it has been damaged, or is not the one of these particles.
    """
    import pyarrow as pa

    path, seal = f"{name}.parquet", f"{name}.json"
    if not inside(folder, seal).exists():
        return None
    said, content = read_json(folder, seal), read_bytes(folder, path)
    own = sealed({**about, "sha256": digest_of(content)})
    check(folder / path, said == own)
    arrays = {}
    with believed(folder):
        table = table_of(folder / path, content)
        for column in table.column_names:
            shape = [int(size) for size in table.schema.metadata[column.encode()].split(b",")]
            flat = pa.concat_arrays([chunk.flatten() for chunk in table.column(column).chunks])
            arrays[column] = flat.to_numpy(zero_copy_only=False).reshape(shape)
        is_same = np.array_equal(arrays.pop("scores"), scores)
        seen = Seen(**arrays)
    if not is_same:
        raise ResultsError(f"{folder / path} is of other particles")
    return seen
