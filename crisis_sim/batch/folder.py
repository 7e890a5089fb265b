"""A batch on disk: manifest.json, outcomes.parquet and paths.parquet in one folder.

A folder with a manifest is a result: of the files that it names, whose checksums it holds. A run
that is not finished has a folder of its own inside (`crisis_sim.batch.unfinished`); as long as it is
not, nothing is taken for its results.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.durable import PARTIAL, inside, sha256_of
from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.batch.errors import ResultsError
from crisis_sim.batch.lock import LOCK
from crisis_sim.batch.manifest import check_manifest, is_sealed, load_manifest
from crisis_sim.batch.store import blocks_in, check_block, mark_in, names_digest, read_parquet
from crisis_sim.batch.unfinished import MANIFEST, PARAMETERS, UNFINISHED, UnfinishedRun

if TYPE_CHECKING:
    import pyarrow as pa

OUTCOMES, PATHS = "outcomes.parquet", "paths.parquet"
#: Where the outcomes are in a batch of more crises than one file should hold.
OUTCOMES_FOLDER = "outcomes"

__all__ = [
    "MANIFEST",
    "OUTCOMES",
    "OUTCOMES_FOLDER",
    "PARAMETERS",
    "PARTIAL",
    "PATHS",
    "UNFINISHED",
    "cannot_write",
    "check_files",
    "check_folder",
    "read_batch",
    "read_manifest",
]


def read_batch(folder: str | Path, columns: Sequence[str] | None = None) -> Batch:
    """Bring back a batch from its folder.

    Args:
        folder: the folder.
        columns: the columns of outcomes to bring back; all where left out.

    Raises:
        ResultsError: when the folder is none, holds no results, results of another layout, a run
            that is not finished, or files that are not those that the run wrote.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    files = check_files(folder, manifest)
    outcomes, paths = files.get(OUTCOMES) or files[OUTCOMES_FOLDER], files.get(PATHS)
    ensembles = {}
    for name, about in manifest["scenarios"].items():
        ensembles[name] = one = Ensemble(
            name=name,
            title=about["title"],
            horizon_hours=about["horizon_hours"],
            states=tuple(about["states"]),
            table=_rows_of(name, outcomes, columns),
            paths=_rows_of(name, paths) if paths else None,
            scenario=about["scenario"],
        )
        if one.replicates != about["replicates_done"]:
            raise ResultsError(
                f"{folder} holds {one.replicates:,} crises of {name}; "
                f"its {MANIFEST} speaks of {about['replicates_done']:,}"
            )
    return Batch(ensembles, manifest)


def check_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, list[Path]]:
    """Make sure that the files of results are those for which their manifest was written.

    Folders of earlier versions hold no checksums but those in the names of blocks.

    Returns:
        By name what there is, each with the files that it consists of, in the order of their rows.

    Raises:
        ResultsError: when one is missing, has been damaged or changed, or is of another run.
    """
    if is_sealed(manifest):
        return {name: _checked(folder, name, of) for name, of in manifest["files"].items()}
    there = [name for name in (OUTCOMES, OUTCOMES_FOLDER, PATHS) if (folder / name).exists()]
    if not {OUTCOMES, OUTCOMES_FOLDER} & set(there):
        raise _missing(folder / OUTCOMES)
    files = {name: _checked(folder, name) for name in there}
    for path in (of[0] for of in files.values()):
        if mark_in(path):
            raise ResultsError(
                f"{folder / MANIFEST} has no checksum, though {path.name} is of a run that had"
            )
    return files


def _checked(folder: Path, name: str, checksum: str | None = None) -> list[Path]:
    """The files that a part of the results consists of, once they are found to be the right ones."""
    if name == OUTCOMES_FOLDER:
        files = blocks_in(folder / name)
        for path in files:
            check_block(path)
    else:
        files = [path for path in [inside(folder, name)] if path.exists()]
    if not files:
        raise _missing(folder / name)
    try:
        found = names_digest(files) if name == OUTCOMES_FOLDER else sha256_of(files[0])
    except OSError as error:
        raise ResultsError(f"{files[0]} cannot be read: {error.strerror or error}") from error
    if checksum is not None and found != checksum:
        raise ResultsError(
            f"{folder / name} cannot be read: it is not what the checksum in {MANIFEST} says; "
            "it has been damaged or changed, or is of another run"
        )
    return files


def _missing(path: Path) -> ResultsError:
    return ResultsError(f"{path} is missing, though there is a {MANIFEST}")


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """What a results folder says of how it came about.

    Raises:
        ResultsError: when the folder is none, holds no results, results of another layout, or a run
            that is not finished.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ResultsError(f"{folder} is no folder; expected one that `crisis-sim run --out` wrote")
    unfinished = UnfinishedRun.of(folder)
    manifest = _manifest_in(folder)
    if unfinished and (manifest is None or manifest.get("run") != unfinished.manifest["run"]):
        earlier = "" if manifest is None else _EARLIER.format(folder / UNFINISHED)
        raise ResultsError(unfinished.say() + earlier)
    if manifest is None:
        raise ResultsError(_no_results(folder))
    return manifest


_EARLIER = " (the results of an earlier run are there still: remove {} to have them back)"


def check_folder(folder: str | Path) -> bool:
    """Whether a folder holds results that a new batch would replace.

    Raises:
        ResultsError: when it may not be used for results: it holds other things.
    """
    folder = Path(folder)
    try:
        inside = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot_write(folder, error) from error
    ours = MANIFEST in inside or (folder / UNFINISHED / MANIFEST).exists()
    foreign = [
        name for name in inside if not name.endswith(PARTIAL) and name not in (LOCK, UNFINISHED)
    ]
    if foreign and not ours:
        raise ResultsError(
            f"{folder} holds other things than results ({sorted(foreign)[0]}); "
            "give a new folder, or one that holds results"
        )
    return MANIFEST in inside


def cannot_write(folder: Path, error: OSError) -> ResultsError:
    """The error to raise where results cannot be written."""
    return ResultsError(f"cannot write results to {folder}: {error.strerror or error}")


def _manifest_in(folder: Path) -> dict[str, Any] | None:
    """The manifest of the results in a folder, None where there is none."""
    path = folder / MANIFEST
    try:
        manifest = load_manifest(path)
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise ResultsError(
            f"{path}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}"
        ) from error
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error
    if isinstance(manifest, dict) and "experiment_format" in manifest:
        raise ResultsError(f"{folder} holds an experiment; its crises are in {folder / 'design'}")
    return check_manifest(manifest, path, is_finished=True)


def _rows_of(scenario: str, files: list[Path], columns: Sequence[str] | None = None) -> pa.Table:
    path = files[0] if len(files) == 1 else list(map(str, files))
    only = None if columns is None else list(dict.fromkeys(columns))
    table = read_parquet(path, filters=[("scenario", "==", scenario)], columns=only)
    return table.replace_schema_metadata()  # rows that go on elsewhere are no longer that file


def _no_results(folder: Path) -> str:
    if list(folder.glob("*" + PARTIAL)):
        return f"{folder} holds results that were not written to their end: it has no {MANIFEST}"
    return f"{folder} holds no results: it has no {MANIFEST}"
