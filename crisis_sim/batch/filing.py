"""The task that a worker is given when blocks go to disk: run one, and file it where it belongs.

A worker that sees the results folder writes its block itself, and only a receipt travels back. One
on another machine that does not see the folder sends the block as bytes, for the sender to file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crisis_sim.batch import block as blocks
from crisis_sim.batch.block import BlockFailure, BlockOrder, Watch, failure
from crisis_sim.batch.errors import BatchError
from crisis_sim.batch.folder import UNFINISHED, cannot_write
from crisis_sim.batch.lock import token_in
from crisis_sim.batch.store import BlockStore, Parcel, Receipt, pack
from crisis_sim.batch.versions import decisive, versions

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Filing:
    """Runs a block and files what comes of it.

    Attributes:
        folder: the folder of the batch's results, from the root on.
        token: what the lock in that folder says while the batch runs; a worker that reads it there
            sees the same folder.
        outcomes, paths: all columns of the batch's tables.
        versions: what must compute the block.
    """

    folder: Path
    token: str
    outcomes: pa.Schema
    paths: pa.Schema | None
    versions: Mapping[str, str | None]

    def __call__(
        self, order: BlockOrder, watch: Watch | None = None
    ) -> Receipt | Parcel | BlockFailure:
        """Carry out an order; `watch` is that of `crisis_sim.batch.block.attempt`.

        Raises:
            BatchError: when this process has other code or libraries than the sender.
            ResultsError: when the block cannot be written.
        """
        check_versions(self.versions)
        result = blocks.attempt(order, watch)
        if isinstance(result, BlockFailure):
            return result
        try:
            parcel = pack(result, self.outcomes, self.paths)
        except ValueError as error:  # columns that only this block has
            return failure(order, f"{type(error).__name__}: {error}", seconds=result.seconds)
        return self.file(parcel) if token_in(self.folder) == self.token else parcel

    def file(self, parcel: Parcel) -> Receipt:
        """Write a block to the folder.

        Raises:
            ResultsError: when it cannot be written.
        """
        try:
            return BlockStore(self.folder / UNFINISHED).keep(parcel)
        except OSError as error:
            raise cannot_write(self.folder, error) from error


def check_versions(wanted: Mapping[str, str | None], where: str = "a worker") -> None:
    """Make sure that this process computes with certain versions.

    Args:
        wanted: what `decisive` says elsewhere.
        where: what this process is to the person who reads the error.

    Raises:
        BatchError: when it does not; shows every difference.
    """
    found = decisive(versions())
    say_versions(wanted, found, where)


def say_versions(
    wanted: Mapping[str, str | None], found: Mapping[str, str | None], where: str
) -> None:
    """Make sure that two sets of versions are the same.

    Raises:
        BatchError: when they are not; shows every difference.
    """
    others = [
        f"\n  {name}: {wanted[name]} here, {found.get(name)} there"
        for name in wanted
        if wanted[name] != found.get(name)
    ]
    if others:
        raise BatchError(
            f"{where} computes with other versions, and might give other results:{''.join(others)}"
        )
