"""Run experiments, and write and read their folders.

    experiment.yaml     the experiment's file
    resolved.json       everything that determines the results: the experiment, its measures, the whole
                        scenario, and the code and libraries it was begun with
    design/             the results folder of the batch, if the kind runs one
    *.parquet           tables
    summary.json        the main results and the answer
    *.svg, *.png        charts
    report.html         the page written by `crisis-sim report`
    manifest.json       when and how the results were made, with checksums of the other files; written last

Without a manifest the experiment is unfinished and can be resumed. One process at a time writes to the
folder. A folder that is read may come from elsewhere and is not trusted (`crisis_sim.batch.safe_files`).
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from crisis_sim.batch import Batch, read_batch, safe_files
from crisis_sim.batch import manifest as manifests
from crisis_sim.batch.folder import RUNNING
from crisis_sim.batch.manifest import DECISIVE, code_digest, git_revision, versions
from crisis_sim.batch.own_classes import class_records, name_of, reload_classes
from crisis_sim.batch.safe_files import CHECKSUM, LOCK, ResultsError, inside, writing
from crisis_sim.experiments.load import load_experiment, resolved_experiment
from crisis_sim.experiments.phrases import short_names
from crisis_sim.experiments.spec import (
    DESIGN,
    Experiment,
    ExperimentError,
    Findings,
    OnMessage,
    Progress,
    RunOptions,
    ignore,
    kind_of,
)
from crisis_sim.scenario.errors import ScenarioError

GIVEN, RESOLVED = "experiment.yaml", "resolved.json"
SUMMARY, MANIFEST = "summary.json", "manifest.json"
#: The version of the folder's layout, increased when older versions cannot read a new one.
FORMAT = 1
#: The key of resolved.json that does not determine the results.
BEGUN = "begun"
#: The suffix of tables, and the pattern of all files that a manifest may list.
TABLE = ".parquet"
NAMED = re.compile(r"resolved\.json|summary\.json|.*\.(parquet|yaml|csv)")
#: The packages whose code determines an experiment's findings, in addition to those of a batch.
ROOMS = ("outcomes", "experiments")
#: The key of their code's digest among the versions.
CODE = "code_of_experiments"


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True)

    versions: dict[str, str]
    rules: list[dict[str, str]] = []


class _Begun(_Shape):
    """The code, libraries and classes an experiment was begun with, as in a batch's manifest."""

    agents_added: list[str]
    given_sha256: str | None


class _Manifest(_Shape):
    """The fields of a manifest that are read."""

    experiment_format: Literal[1]
    digest: str
    crises: int
    files: list[str]
    sha256: dict[str, str]
    batches: dict[str, str]
    agents_added: list[str]
    command: str
    seed: int
    replicates: int
    git_revision: str | None
    git_modified: bool | None
    started: str
    seconds: float


def begin(
    experiment: Experiment, folder: Path, options: RunOptions, restart: bool, overwrite: bool
) -> bool:
    """Prepare a locked folder for an experiment, and return whether it already contains the findings.

    An experiment in the folder that is resumed or kept must be the same, begun with the same code and libraries;
    otherwise, and if the folder has other contents or cannot be written, ExperimentError or ResultsError is raised.
    """
    resolved = _resolved(folder)
    is_finished = resolved is not None and inside(folder, MANIFEST).exists()
    now = {
        "versions": _versions(experiment.kind),
        **_classes(options),
        "given_sha256": safe_files.digest_of(experiment.text.encode()) if experiment.text else None,
    }
    kept = is_finished and not (overwrite or restart or options.resume)
    if resolved is not None and (options.resume or kept):
        if resolved.get("digest") != experiment.digest:
            content = "another experiment, or an older version of this one, and cannot be resumed;"
            if kept:
                content = "the findings of another experiment: replace them with --overwrite, or"
            raise ExperimentError(f"{folder} contains {content} give another folder")
        begun = _read_manifest(folder) if is_finished else _begun(folder, resolved)
        _check_same(folder, begun, now)
        inside(folder, DESIGN, is_folder=True)
        return is_finished
    if resolved is not None and not restart and not is_finished:
        command = shlex.join(["crisis-sim", "experiment", "--resume", str(folder)])
        raise ExperimentError(
            f"{folder} contains an unfinished experiment; resume it with: {command}\n"
            "or discard it with --restart, or give another folder"
        )
    with writing(folder):
        _clear(folder)
        if experiment.text:
            safe_files.write_durably(folder / GIVEN, experiment.text.encode())
        resolved = {"digest": experiment.digest, **experiment.plain(), BEGUN: now}
        safe_files.write_durably(
            folder / RESOLVED, safe_files.as_json(safe_files.with_checksum(resolved))
        )
    return False


def check_folder(folder: Path) -> bool:
    """Return whether a folder contains an experiment; ResultsError if it contains other things."""
    return _resolved(folder) is not None


def write(
    findings: Findings, folder: Path, options: RunOptions, started: datetime, seconds: float
) -> Findings:
    """Write findings into a folder prepared by `begin`, and return them with their manifest."""
    experiment = findings.experiment
    summary = {**findings.summary, "answer": list(findings.answer)}
    contents = {
        **{
            f"{name}{TABLE}": safe_files.parquet_of(table)
            for name, table in findings.tables.items()
        },
        **{name: text.encode() for name, text in findings.files.items()},
        SUMMARY: safe_files.as_json(summary),
    }
    before = [name for name in (GIVEN, RESOLVED) if inside(folder, name).exists()]
    everything = {name: safe_files.read_bytes(folder, name) for name in before} | contents
    digests = {name: safe_files.digest_of(content) for name, content in everything.items()}
    revision, modified = git_revision()
    with writing(folder):
        for name, content in contents.items():
            safe_files.write_durably(folder / name, content)
        manifest = safe_files.with_checksum(
            {
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
                **_classes(options),
                "command": shlex.join(sys.orig_argv),
                "versions": _versions(experiment.kind),
                "git_revision": revision,
                "git_modified": modified,
                "started": started.astimezone(UTC).isoformat(timespec="seconds"),
                "seconds": round(seconds, 3),
                "files": list(digests),
                "sha256": digests,
                "batches": {
                    path.parent.relative_to(folder).as_posix(): safe_files.sha256_of(path)
                    for path in sorted((folder / DESIGN).rglob(MANIFEST))
                },
            }
        )
        safe_files.write_durably(folder / MANIFEST, safe_files.as_json(manifest))
    return replace(findings, manifest=manifest)


def read_experiment(folder: str | Path) -> Findings:
    """Read an experiment's findings from its folder.

    Raises:
        ResultsError: if the folder contains no finished experiment of this layout, or has been damaged.
    """
    folder = Path(folder)
    resolved = _read_resolved(folder)
    if not inside(folder, MANIFEST).exists():
        raise ResultsError(f"{folder} contains an unfinished experiment")
    manifest = _read_manifest(folder)
    contents = _contents(folder, manifest)
    summary = safe_files.read_json(folder, SUMMARY, contents.pop(SUMMARY))
    answer = summary.pop("answer", None)
    if not isinstance(answer, list) or not all(isinstance(line, str) for line in answer):
        raise ResultsError(f"{folder / SUMMARY} is invalid: it has no answer")
    experiment = _experiment_of(folder, resolved, contents.pop(GIVEN, b""))
    tables, texts = {}, {}
    with safe_files.reading(folder):
        for name, content in contents.items():
            if name.endswith(TABLE):
                tables[name.removesuffix(TABLE)] = safe_files.table_of(folder / name, content)
            else:
                texts[name] = content.decode()
    return Findings(experiment, tuple(answer), tables, summary, manifest["crises"], texts, manifest)


def read_resolved(folder: Path) -> Experiment:
    """Return a folder's experiment, finished or not; ResultsError if there is none that this version can read."""
    resolved, given = _read_resolved(folder), inside(folder, GIVEN)
    content = safe_files.read_bytes(folder, GIVEN) if given.exists() else b""
    if content:
        safe_files.check(
            given, _begun(folder, resolved)["given_sha256"] == safe_files.digest_of(content)
        )
    return _experiment_of(folder, resolved, content)


def batch_folder(findings: Findings, folder: Path, name: str = "") -> Path | None:
    """Return the folder of the batch, or the batch of this name, behind the findings in an experiment's folder.

    None if there is no batch; ResultsError if it is not the one that the findings come from.
    """
    path = inside(folder, DESIGN, is_folder=True)
    path = inside(path, name, is_folder=True) if name else path
    if not path.is_dir():
        return None
    manifest = safe_files.digest_of(safe_files.read_bytes(path, MANIFEST))
    if findings.manifest["batches"].get(path.relative_to(folder).as_posix()) != manifest:
        raise ResultsError(f"{path} is not the batch that {folder} was made from")
    return path


def _resolved(folder: Path) -> dict[str, Any] | None:
    """Return the resolved experiment in a folder; None if the folder is empty or missing.

    ResultsError if it has other contents or has been damaged.
    """
    path = inside(folder, RESOLVED)
    if path.exists():
        resolved = safe_files.read_json(folder, RESOLVED)
        plain = {
            key: value for key, value in resolved.items() if key not in ("digest", BEGUN, CHECKSUM)
        }
        safe_files.check(path, resolved.get("digest") == safe_files.canonical_digest(plain))
        return resolved
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix != safe_files.PARTIAL)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResultsError(f"{folder} cannot be used: {error.strerror or error}") from error
    others = [name for name in names if name not in (GIVEN, LOCK, safe_files.WRITER)]
    if others:
        raise ResultsError(
            f"{folder} contains other files than an experiment's results ({others[0]}); "
            "give a new folder, or one that contains an experiment"
        )
    return None


def _read_resolved(folder: Path) -> dict[str, Any]:
    resolved = _resolved(folder)
    if resolved is None:
        raise ResultsError(f"{folder} contains no experiment: it has no {RESOLVED}")
    return resolved


def _experiment_of(folder: Path, resolved: Mapping[str, Any], given: bytes) -> Experiment:
    try:
        with safe_files.reading(folder):
            return resolved_experiment(resolved, given.decode())
    except (ResultsError, ScenarioError) as error:
        raise ResultsError(f"{folder / RESOLVED} is not of this version: {error}") from error


def _begun(folder: Path, resolved: Mapping[str, Any]) -> dict[str, Any]:
    return _validated(_Begun, folder / RESOLVED, resolved.get(BEGUN))


def _validated(shape: type[_Shape], path: Path, content: Any) -> dict[str, Any]:
    try:
        return shape.model_validate(content).model_dump()
    except ValidationError as error:
        raise ResultsError(f"{path} is invalid: {error}") from error


def _check_same(folder: Path, begun: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to resume with other code, libraries or agents."""
    decisive = (*DECISIVE, *sorted(now["versions"].keys() - versions().keys()))
    differences = manifests.version_differences(begun, now["versions"], decisive)
    if begun["agents_added"] != now["agents_added"]:
        names = (", ".join(record["agents_added"]) or None for record in (begun, now))
        differences.append(manifests.Difference("experiment", "agents_added", *names))
    differences += manifests.rule_differences(begun, now)
    message = "contains an experiment that was begun differently and cannot be resumed as this one"
    manifests.raise_if_different(folder, differences, message)


@cache
def _versions(kind: str) -> dict[str, str]:
    """Return the versions recorded for a kind: those of a batch, and of the kind's libraries."""
    libraries = {name: metadata.version(name) for name in getattr(kind_of(kind), "LIBRARIES", ())}
    return {**versions(), CODE: code_digest(ROOMS), **libraries}


def _read_manifest(folder: Path) -> dict[str, Any]:
    """Return the validated manifest of a finished experiment."""
    path, manifest = folder / MANIFEST, safe_files.read_json(folder, MANIFEST)
    if manifest.get("experiment_format") != FORMAT:
        raise ResultsError(f"{folder} contains an experiment in another layout; expected {FORMAT}")
    _validated(_Manifest, path, manifest)
    safe_files.check(path, CHECKSUM in manifest)
    return manifest


def _contents(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the verified content of each file in a manifest except `RESOLVED`, which has its own checksum."""
    digests, names = manifest["sha256"], manifest["files"]
    wrong = next((name for name in names if not NAMED.fullmatch(name)), None)
    if wrong is not None or len(set(names)) < len(names) or SUMMARY not in names:
        listing = "files" if wrong is None else f"a file {wrong!r}"
        raise ResultsError(f"{folder / MANIFEST} lists {listing} that no experiment has")
    contents = {}
    for name in names:
        contents[name] = safe_files.read_bytes(folder, name)
        safe_files.check(folder / name, digests.get(name) == safe_files.digest_of(contents[name]))
    contents.pop(RESOLVED, None)
    return contents


def _clear(folder: Path) -> None:
    """Remove the findings of an earlier experiment, the manifest first; other files stay."""
    if not (folder / RESOLVED).exists():
        return
    names = [MANIFEST, GIVEN, RESOLVED, SUMMARY]
    with contextlib.suppress(ResultsError):  # no manifest, or an invalid one
        listed = _read_manifest(folder)["files"]
        names += [name for name in listed if NAMED.fullmatch(name) and name == Path(name).name]
    charts = [path.name for path in folder.iterdir() if path.suffix in (".svg", ".png", ".html")]
    for name in (*names, *charts):
        (folder / name).unlink(missing_ok=True)
    safe_files.remove(folder / DESIGN, *folder.glob(f"{DESIGN}{RUNNING}*"))


def _classes(options: RunOptions) -> dict[str, Any]:
    """Return the user's classes that an experiment is run with, as in a batch's manifest."""
    rules = class_records(options.roles, options.agents)
    names = [name_of(agent) for agent in options.agents]
    return {"agents_added": names, **({"rules": rules} if rules else {})}


def read_classes(folder: Path) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Load the roles and agents that an experiment was begun with, if they come from files.

    ScenarioError if such a file is missing or has mistakes.
    """
    return reload_classes(_read_resolved(folder).get(BEGUN, {}).get("rules", ()))


def run_experiment(
    experiment: Experiment | str | os.PathLike[str],
    folder: str | Path | None = None,
    workers: int = 1,
    *,
    resume: bool = False,
    restart: bool = False,
    overwrite: bool = True,
    progress: Progress = ignore,
    on_message: OnMessage = ignore,
    agents: Sequence[Any] = (),
    roles: Mapping[str, Any] | None = None,
) -> Findings:
    """Run an experiment and return its findings.

    Args:
        experiment: an experiment, its file, or the name of a shipped one.
        folder: the folder for the findings; by default they are not written.
        workers: the maximum number of threads or processes; it does not affect results.
        resume: continue the experiment in the folder, which must be the same.
        restart: discard an unfinished experiment in the folder.
        overwrite: whether to replace findings in the folder; if not, those of the same experiment are
            returned, and others raise an error.
        progress: callback that receives the number of finished crises and their total.
        on_message: callback that receives messages about the run.
        agents: agents to add to the scenarios', as in `CrisisModel`; their outcomes can be measured.
        roles: classes to use instead of the scenarios', by agent or role, as in `CrisisModel`.

    Raises:
        ScenarioError: if the experiment or its scenario has mistakes.
        BatchError: if it cannot be run as requested; nothing is written.
        KeyboardInterrupt: on Ctrl-C; finished parts stay in the folder.
    """
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment, agents=agents, roles=roles)
    kind = kind_of(experiment.kind)
    started, began = datetime.now(UTC), time.perf_counter()
    options = RunOptions(workers, None, False, progress, on_message, agents, dict(roles or {}))
    if folder is None:
        return kind.run(experiment, options)
    folder = Path(folder)
    options = replace(options, folder=folder, resume=resume)
    check_folder(folder)
    with contextlib.ExitStack() as stack:
        with writing(folder):
            stack.enter_context(safe_files.lock_folder(folder, folder / LOCK))
        if begin(experiment, folder, options, restart, overwrite):
            on_message(f"{folder} already contains the findings of this experiment")
            return read_experiment(folder)
        findings = kind.run(experiment, options)
        return write(findings, folder, options, started, time.perf_counter() - began)


#: The largest number of points that a comparison shows.
MOST_POINTS = 60


def is_experiment(folder: Path) -> bool:
    """Return whether a folder contains an experiment, finished or not."""
    return (folder / RESOLVED).is_file()


def read_points(folder: str | Path) -> Batch:
    """Return an experiment's batch with an ensemble for each point, named after its values; differences are paired.

    Raises:
        ResultsError: if the folder contains no finished experiment with a batch of at most `MOST_POINTS` points.
    """
    folder = Path(folder)
    findings = read_experiment(folder)
    path = batch_folder(findings, folder)
    if path is None:
        kind = findings.experiment.kind
        raise ResultsError(f"{folder} contains an experiment of kind {kind}, which has no points")
    batch = read_batch(path)
    points = batch.manifest["points"]
    if (points or 1) * len(batch.ensembles) > MOST_POINTS:
        raise ResultsError(
            f"{folder} contains {points} points, too many to compare; at most {MOST_POINTS}"
        )
    if points is None:
        return batch
    table = findings.tables["points"]
    varied = short_names([name for name in table.column_names if name not in ("point", "scenario")])
    values = {path: table.column(path).to_pylist() for path in varied}
    ensembles = {}
    for number, ensemble in enumerate(batch.ensembles.values()):
        replicates = ensemble.replicates // points
        for point in range(points):
            row = number * points + point
            name = ", ".join(f"{short} {values[path][row]:.4g}" for path, short in varied.items())
            name = name if len(batch.ensembles) == 1 else f"{ensemble.name}, {name}"
            rows = ensemble.table.slice(point * replicates, replicates)
            ensembles[name] = replace(ensemble, name=name, table=rows, paths=None)
    return Batch(ensembles, batch.manifest)
