"""A batch on disk: manifest.json, outcomes.parquet and paths.parquet in one folder.

A folder with a manifest is a result. A run that is not finished has a folder of its own inside
(`crisis_sim.batch.unfinished`); as long as it is not, nothing is taken for its results.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.durable import PARTIAL
from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.batch.errors import ResultsError
from crisis_sim.batch.lock import LOCK
from crisis_sim.batch.manifest import FORMAT
from crisis_sim.batch.store import read_parquet
from crisis_sim.batch.unfinished import MANIFEST, PARAMETERS, UNFINISHED, UnfinishedRun
from crisis_sim.version import __version__

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
        ResultsError: when the folder is none, holds no results, results of another layout, or a run
            that is not finished.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    outcomes = _outcome_files(folder)
    has_paths = (folder / PATHS).is_file()
    ensembles = {
        name: Ensemble(
            name=name,
            title=about["title"],
            horizon_hours=about["horizon_hours"],
            states=tuple(about["states"]),
            table=_rows_of(name, outcomes, columns),
            paths=_rows_of(name, folder / PATHS) if has_paths else None,
            scenario=about["scenario"],
        )
        for name, about in manifest["scenarios"].items()
    }
    return Batch(ensembles, manifest)


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
    if manifest["format"] != FORMAT:
        raise ResultsError(
            f"{folder} holds results in layout {manifest['format']}; "
            f"Crisis Sim {__version__} reads layout {FORMAT}"
        )
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
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        raise ResultsError(
            f"{path}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}"
        ) from error
    if isinstance(manifest, dict) and "experiment_format" in manifest:
        raise ResultsError(f"{folder} holds an experiment; its crises are in {folder / 'design'}")
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise ResultsError(f"{path} is not the manifest of a results folder")
    return manifest


def _outcome_files(folder: Path) -> Path | list[str]:
    """The file that the outcomes are in, or their many files in the order of their rows."""
    if (folder / OUTCOMES).is_file():
        return folder / OUTCOMES
    files = sorted(str(path) for path in (folder / OUTCOMES_FOLDER).glob("*.parquet"))
    if not files:
        raise ResultsError(f"{folder / OUTCOMES} is missing, though there is a {MANIFEST}")
    return files


def _rows_of(
    scenario: str, path: Path | list[str], columns: Sequence[str] | None = None
) -> pa.Table:
    only = None if columns is None else list(dict.fromkeys(columns))
    return read_parquet(path, filters=[("scenario", "==", scenario)], columns=only)


def _no_results(folder: Path) -> str:
    if list(folder.glob("*" + PARTIAL)):
        return f"{folder} holds results that were not written to their end: it has no {MANIFEST}"
    return f"{folder} holds no results: it has no {MANIFEST}"
