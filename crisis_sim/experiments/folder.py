"""An experiment on disk: one folder.

    experiment.yaml     as it was given
    resolved.json       all that fixes its results: the experiment, its measures, the whole scenario
    design/             the batch, if the kind runs one: a results folder of its own
    *.parquet           its tables
    summary.json        its figures and its answer
    *.svg, *.png        its charts
    report.html         the page that `crisis-sim report` makes of it
    manifest.json       when and how it was made; written last

As long as there is no manifest the experiment is not finished, and can be gone on with.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crisis_sim.batch.durable import write_durably
from crisis_sim.batch.errors import ResultsError
from crisis_sim.batch.manifest import git_revision
from crisis_sim.batch.store import read_parquet
from crisis_sim.batch.versions import versions
from crisis_sim.experiments.errors import ExperimentError
from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.findings import Findings
from crisis_sim.scenario.errors import ScenarioError

GIVEN, RESOLVED, SUMMARY, MANIFEST = (
    "experiment.yaml",
    "resolved.json",
    "summary.json",
    "manifest.json",
)
#: Where in the folder a kind keeps its batch.
DESIGN = "design"
#: The layout of these folders, counted up when older readers could no longer read a new one.
FORMAT = 1


def begin(
    experiment: Experiment, folder: Path, *, resume: bool = False, restart: bool = False
) -> bool:
    """Make a folder ready for an experiment, or find it finished.

    Args:
        experiment: the experiment.
        folder: the folder; made where it is missing.
        resume: go on with what it holds, which must be the same experiment.
        restart: throw away an experiment in it that is not finished.

    Returns:
        Whether the folder holds this experiment's findings already (only where `resume` is asked).

    Raises:
        ExperimentError: when it holds another experiment to go on with, or one that is not finished.
        ResultsError: when it holds other things, or cannot be written.
    """
    held = _held(folder)
    if held is not None and resume:
        if held.get("digest") != experiment.digest:
            raise ExperimentError(
                f"{folder} holds another experiment, or this one before it was changed: "
                "it cannot be gone on with; give another folder"
            )
        return (folder / MANIFEST).exists()
    if held is not None and not restart and not (folder / MANIFEST).exists():
        go_on = shlex.join(["crisis-sim", "experiment", "--resume", str(folder)])
        raise ExperimentError(
            f"{folder} holds an experiment that is not finished; go on with: {go_on}\n"
            "or throw it away with --restart, or give another folder"
        )
    try:
        _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if experiment.text:
            write_durably(folder / GIVEN, experiment.text.encode())
        resolved = {"digest": experiment.digest, **experiment.plain()}
        write_durably(folder / RESOLVED, _as_json(resolved))
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return False


def check_folder(folder: Path) -> bool:
    """Whether a folder holds findings that a new run would replace.

    Raises:
        ResultsError: when it may not be used: it holds other things.
    """
    return _held(folder) is not None


def write(findings: Findings, folder: Path, started: datetime, seconds: float) -> Findings:
    """Write what an experiment found; the manifest comes last.

    Args:
        findings: what it found.
        folder: a folder that `begin` made ready.
        started: when it was begun.
        seconds: how long it took.

    Returns:
        The findings with their manifest.

    Raises:
        ResultsError: when they cannot be written.
    """
    import pyarrow.parquet as pq

    files = [GIVEN, RESOLVED, SUMMARY]
    try:
        for name, table in findings.tables.items():
            pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
            files.append(f"{name}.parquet")
        for name, text in findings.files.items():
            write_durably(folder / name, text.encode())
            files.append(name)
        summary = {**findings.summary, "answer": list(findings.answer)}
        write_durably(folder / SUMMARY, _as_json(summary))
        manifest = _manifest(findings, files, started, seconds)
        write_durably(folder / MANIFEST, _as_json(manifest))
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return Findings(**{**vars(findings), "manifest": manifest})


def read_experiment(folder: str | Path) -> Findings:
    """Bring back what an experiment found from its folder.

    Raises:
        ResultsError: when the folder holds none, one of another layout, or one that is not finished.
    """
    folder = Path(folder)
    if _held(folder) is None:
        raise ResultsError(f"{folder} holds no experiment: it has no {RESOLVED}")
    if not (folder / MANIFEST).exists():
        raise ResultsError(f"{folder} holds an experiment that is not finished")
    manifest = _read_json(folder / MANIFEST)
    if manifest.get("experiment_format") != FORMAT:
        raise ResultsError(f"{folder} holds an experiment in another layout; expected {FORMAT}")
    summary = _read_json(folder / SUMMARY)
    tables = {
        name.removesuffix(".parquet"): read_parquet(folder / name)
        for name in manifest["files"]
        if name.endswith(".parquet")
    }
    others = set(manifest["files"]) - {GIVEN, RESOLVED, SUMMARY}
    return Findings(
        experiment=read_resolved(folder),
        answer=tuple(summary.pop("answer")),
        tables=tables,
        summary=summary,
        crises=manifest["crises"],
        files={
            name: (folder / name).read_text(encoding="utf-8")
            for name in manifest["files"]
            if name in others and not name.endswith(".parquet")
        },
        manifest=manifest,
    )


def read_resolved(folder: Path) -> Experiment:
    """The experiment that a folder holds, finished or not.

    Raises:
        ResultsError: when it holds none that this version can read.
    """
    from crisis_sim.experiments.load import resolved_experiment

    resolved = _held(folder)
    if resolved is None:
        raise ResultsError(f"{folder} holds no experiment: it has no {RESOLVED}")
    given = folder / GIVEN
    text = given.read_text(encoding="utf-8") if given.exists() else ""
    try:
        return resolved_experiment(resolved, text)
    except (KeyError, ValidationError, ScenarioError) as error:
        raise ResultsError(f"{folder / RESOLVED} is not of this version: {error}") from error


def _held(folder: Path) -> dict[str, Any] | None:
    """The resolved experiment in a folder; None where the folder is empty or missing.

    Raises:
        ResultsError: when it holds other things.
    """
    path = folder / RESOLVED
    if path.is_file():
        return _read_json(path)
    try:
        inside = sorted(one.name for one in folder.iterdir() if not one.name.endswith(".partial"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResultsError(f"{folder} cannot be used: {error.strerror or error}") from error
    if [name for name in inside if name != GIVEN]:
        raise ResultsError(
            f"{folder} holds other things than an experiment's results ({inside[0]}); "
            "give a new folder, or one that holds an experiment"
        )
    return None


def _clear(folder: Path) -> None:
    """Take the findings of an earlier experiment away, the manifest first; what is not its stays."""
    if not (folder / RESOLVED).exists():
        return
    manifest = _read_json(folder / MANIFEST) if (folder / MANIFEST).exists() else {}
    files = manifest.get("files", [GIVEN, RESOLVED])
    shown = [path.name for path in folder.iterdir() if path.suffix in (".svg", ".png", ".html")]
    for name in (MANIFEST, *files, *shown):
        (folder / Path(name).name).unlink(missing_ok=True)
    if (folder / DESIGN).is_dir():
        shutil.rmtree(folder / DESIGN)


def _manifest(
    findings: Findings, files: list[str], started: datetime, seconds: float
) -> dict[str, Any]:
    experiment = findings.experiment
    revision, modified = git_revision()
    return {
        "experiment_format": FORMAT,
        "experiment": experiment.kind,
        "name": experiment.name,
        "title": experiment.spec.title,
        "digest": experiment.digest,
        "scenario": experiment.scenario.name,
        "scenario_digest": experiment.scenario.digest,
        "seed": experiment.spec.seed,
        "replicates": experiment.spec.replicates,
        "crises": findings.crises,
        "command": shlex.join(sys.orig_argv),
        "versions": versions(),
        "git_revision": revision,
        "git_modified": modified,
        "started": started.astimezone(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "files": files,
    }


def _as_json(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ResultsError(f"{path} is not what it should be: a mapping")
    return content


def _cannot_write(folder: Path, error: OSError) -> ResultsError:
    return ResultsError(f"cannot write results to {folder}: {error.strerror or error}")
