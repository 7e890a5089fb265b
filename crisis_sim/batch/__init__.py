"""Many replicates: blocks of them, workers that run the blocks, and the folder that keeps them.

A batch asks the model for replicates block by block, so that memory stays bounded however many
there are, and so that any number of workers gives the same rows. `block` cuts what is asked into
blocks and runs one, `workers` shares them out, `folder` keeps them on disk and makes results of
them with a `manifest`, and `ensemble` is what comes back. `simulate` keeps a batch in memory;
`run_to_folder` puts it on disk block by block, `resume` goes on with one that was cut short, and
`read_batch` brings it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from crisis_sim.batch.block import Block as Block
    from crisis_sim.batch.block import run_block as run_block
    from crisis_sim.batch.ensemble import Batch as Batch
    from crisis_sim.batch.ensemble import Ensemble as Ensemble
    from crisis_sim.batch.files import BatchError as BatchError
    from crisis_sim.batch.files import ResultsError as ResultsError
    from crisis_sim.batch.folder import read_batch as read_batch
    from crisis_sim.batch.folder import read_manifest as read_manifest
    from crisis_sim.batch.run import resume as resume
    from crisis_sim.batch.run import run_to_folder as run_to_folder
    from crisis_sim.batch.run import simulate as simulate

#: Fetched when first used: Mesa and SciPy are slow to import.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "block": ["Block", "run_block"],
        "ensemble": ["Batch", "Ensemble"],
        "files": ["BatchError", "ResultsError"],
        "folder": ["read_batch", "read_manifest"],
        "run": ["resume", "run_to_folder", "simulate"],
    },
)
