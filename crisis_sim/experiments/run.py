"""An experiment on disk: one folder.

    experiment.yaml     as it was given
    resolved.json       all that fixes its results: the experiment, its measures, the whole scenario,
                        and the code and libraries with which it was begun
    design/             the batch, if the kind runs one: a results folder of its own
    *.parquet           its tables
    summary.json        its figures and its answer
    *.svg, *.png        its charts
    report.html         the page that `crisis-sim report` makes of it
    manifest.json       when and how it was made, with the checksums of the others; written last

As long as there is no manifest the experiment is not finished, and can be gone on with. One process
at a time writes to the folder. It may be a stranger's when it is read (`crisis_sim.batch.files`).
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

from crisis_sim.batch import Batch, files, read_batch
from crisis_sim.batch import manifest as manifests
from crisis_sim.batch.files import CHECKSUM, LOCK, ResultsError, inside, writing
from crisis_sim.batch.folder import RUNNING
from crisis_sim.batch.manifest import DECISIVE, code_digest, git_revision, versions
from crisis_sim.batch.rules import class_records, name_of, reload_classes
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
#: The layout of these folders, counted up when older readers could no longer read a new one.
FORMAT = 1
#: The key of resolved.json that does not fix the results.
BEGUN = "begun"
#: How the names of tables end, and the names of all files that a manifest may name.
TABLE = ".parquet"
NAMED = re.compile(r"resolved\.json|summary\.json|.*\.(parquet|yaml|csv)")
#: The packages whose code decides an experiment's findings, in addition to those of a batch.
ROOMS = ("outcomes", "experiments")
#: The version that stands for their code.
CODE = "code_of_experiments"


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True)

    versions: dict[str, str]
    rules: list[dict[str, str]] = []


class _Begun(_Shape):
    """The conditions an experiment was begun under; versions and names of agents as in a batch's manifest."""

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
    """Make a folder that is held ready for an experiment; whether it holds its findings already.

    To be gone on with, or kept as it is, it must hold the same experiment, begun with the same code and libraries;
    ExperimentError or ResultsError otherwise, and where it holds other things or cannot be written.
    """
    held = _held(folder)
    is_finished = held is not None and inside(folder, MANIFEST).exists()
    now = {
        "versions": _versions(experiment.kind),
        **_rules(options),
        "given_sha256": files.digest_of(experiment.text.encode()) if experiment.text else None,
    }
    kept = is_finished and not (overwrite or restart or options.resume)
    if held is not None and (options.resume or kept):
        if held.get("digest") != experiment.digest:
            other = (
                "another experiment, or this one before it was changed: it cannot be gone on with;"
            )
            if kept:
                other = "the findings of another experiment: replace them with --overwrite, or"
            raise ExperimentError(f"{folder} holds {other} give another folder")
        _check_same(folder, _read_manifest(folder) if is_finished else _begun(folder, held), now)
        inside(folder, DESIGN, is_folder=True)
        return is_finished
    if held is not None and not restart and not is_finished:
        go_on = shlex.join(["crisis-sim", "experiment", "--resume", str(folder)])
        raise ExperimentError(
            f"{folder} holds an experiment that is not finished; go on with: {go_on}\n"
            "or throw it away with --restart, or give another folder"
        )
    with writing(folder):
        _clear(folder)
        if experiment.text:
            files.write_durably(folder / GIVEN, experiment.text.encode())
        resolved = {"digest": experiment.digest, **experiment.plain(), BEGUN: now}
        files.write_durably(folder / RESOLVED, files.as_json(files.with_checksum(resolved)))
    return False


def check_folder(folder: Path) -> bool:
    """Whether a folder holds findings that a new run would replace; ResultsError where it holds other things."""
    return _held(folder) is not None


def write(
    findings: Findings, folder: Path, options: RunOptions, started: datetime, seconds: float
) -> Findings:
    """Write an experiment's findings into a folder that `begin` made ready, the manifest last; the findings with that."""
    experiment = findings.experiment
    summary = {**findings.summary, "answer": list(findings.answer)}
    contents = {
        **{f"{name}{TABLE}": files.parquet_of(table) for name, table in findings.tables.items()},
        **{name: text.encode() for name, text in findings.files.items()},
        SUMMARY: files.as_json(summary),
    }
    before = [name for name in (GIVEN, RESOLVED) if inside(folder, name).exists()]
    whole = {name: files.read_bytes(folder, name) for name in before} | contents
    digests = {name: files.digest_of(content) for name, content in whole.items()}
    revision, modified = git_revision()
    with writing(folder):
        for name, content in contents.items():
            files.write_durably(folder / name, content)
        manifest = files.with_checksum(
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
                **_rules(options),
                "command": shlex.join(sys.orig_argv),
                "versions": _versions(experiment.kind),
                "git_revision": revision,
                "git_modified": modified,
                "started": started.astimezone(UTC).isoformat(timespec="seconds"),
                "seconds": round(seconds, 3),
                "files": list(digests),
                "sha256": digests,
                "batches": {
                    path.parent.relative_to(folder).as_posix(): files.sha256_of(path)
                    for path in sorted((folder / DESIGN).rglob(MANIFEST))
                },
            }
        )
        files.write_durably(folder / MANIFEST, files.as_json(manifest))
    return replace(findings, manifest=manifest)


def read_experiment(folder: str | Path) -> Findings:
    """Read an experiment's findings from its folder.

    Raises:
        ResultsError: when the folder holds none, one of another layout, one that is not finished, or
            something that has been damaged or is no file of its own.
    """
    folder = Path(folder)
    resolved = _resolved_in(folder)
    if not inside(folder, MANIFEST).exists():
        raise ResultsError(f"{folder} holds an experiment that is not finished")
    manifest = _read_manifest(folder)
    contents = _contents(folder, manifest)
    summary = files.read_json(folder, SUMMARY, contents.pop(SUMMARY))
    answer = summary.pop("answer", None)
    if not isinstance(answer, list) or not all(isinstance(line, str) for line in answer):
        raise ResultsError(f"{folder / SUMMARY} is not what it should be: it has no answer")
    experiment = _experiment_of(folder, resolved, contents.pop(GIVEN, b""))
    tables, texts = {}, {}
    with files.reading(folder):
        for name, content in contents.items():
            if name.endswith(TABLE):
                tables[name.removesuffix(TABLE)] = files.table_of(folder / name, content)
            else:
                texts[name] = content.decode()
    return Findings(experiment, tuple(answer), tables, summary, manifest["crises"], texts, manifest)


def read_resolved(folder: Path) -> Experiment:
    """The experiment that a folder holds, finished or not; ResultsError where it is none that this version can read."""
    resolved, given = _resolved_in(folder), inside(folder, GIVEN)
    content = files.read_bytes(folder, GIVEN) if given.exists() else b""
    if content:
        files.check(given, _begun(folder, resolved)["given_sha256"] == files.digest_of(content))
    return _experiment_of(folder, resolved, content)


def batch_folder(findings: Findings, folder: Path, name: str = "") -> Path | None:
    """Where an experiment's folder keeps the batch, of several the one of a name, that its findings come from.

    None where it does not; ResultsError where there is another batch.
    """
    home = inside(folder, DESIGN, is_folder=True)
    home = inside(home, name, is_folder=True) if name else home
    if not home.is_dir():
        return None
    manifest = files.digest_of(files.read_bytes(home, MANIFEST))
    if findings.manifest["batches"].get(home.relative_to(folder).as_posix()) != manifest:
        raise ResultsError(f"{home} is not the batch that {folder} was made from")
    return home


def _held(folder: Path) -> dict[str, Any] | None:
    """The resolved experiment in a folder; None where that is empty or missing.

    ResultsError where it holds other things, or has been damaged.
    """
    path = inside(folder, RESOLVED)
    if path.exists():
        resolved = files.read_json(folder, RESOLVED)
        plain = {
            key: value for key, value in resolved.items() if key not in ("digest", BEGUN, CHECKSUM)
        }
        files.check(path, resolved.get("digest") == files.canonical_digest(plain))
        return resolved
    try:
        names = sorted(one.name for one in folder.iterdir() if not one.name.endswith(".partial"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResultsError(f"{folder} cannot be used: {error.strerror or error}") from error
    others = [name for name in names if name not in (GIVEN, LOCK, files.WRITER)]
    if others:
        raise ResultsError(
            f"{folder} holds other things than an experiment's results ({others[0]}); "
            "give a new folder, or one that holds an experiment"
        )
    return None


def _resolved_in(folder: Path) -> dict[str, Any]:
    resolved = _held(folder)
    if resolved is None:
        raise ResultsError(f"{folder} holds no experiment: it has no {RESOLVED}")
    return resolved


def _experiment_of(folder: Path, resolved: Mapping[str, Any], given: bytes) -> Experiment:
    try:
        with files.reading(folder):
            return resolved_experiment(resolved, given.decode())
    except (ResultsError, ScenarioError) as error:
        raise ResultsError(f"{folder / RESOLVED} is not of this version: {error}") from error


def _begun(folder: Path, resolved: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions that an unfinished experiment was begun under."""
    return _sound(_Begun, folder / RESOLVED, resolved.get(BEGUN))


def _sound(shape: type[_Shape], path: Path, content: Any) -> dict[str, Any]:
    """What a file says, once it has the right shape."""
    try:
        return shape.model_validate(content).model_dump()
    except ValidationError as error:
        raise ResultsError(f"{path} is not what it should be: {error}") from error


def _check_same(folder: Path, begun: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with other code, libraries or agents, as a run does."""
    decisive = (*DECISIVE, *sorted(now["versions"].keys() - versions().keys()))
    found = manifests.version_differences(begun, now["versions"], decisive)
    there, here = (one["agents_added"] for one in (begun, now))
    if there != here:
        shown = (", ".join(names) or None for names in (there, here))
        found.append(manifests.Difference("experiment", "agents_added", *shown))
    found += manifests.rule_differences(begun, now)
    holds = "holds an experiment that was begun otherwise, and cannot go on as this one"
    manifests.raise_if_different(folder, found, holds)


@cache
def _versions(kind: str) -> dict[str, str]:
    """The versions that a kind of experiment computes with: a batch's, and those of its own libraries."""
    own = {name: metadata.version(name) for name in getattr(kind_of(kind), "LIBRARIES", ())}
    return {**versions(), CODE: code_digest(ROOMS), **own}


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an experiment that is finished, sound as far as it is read."""
    path, manifest = folder / MANIFEST, files.read_json(folder, MANIFEST)
    if manifest.get("experiment_format") != FORMAT:
        raise ResultsError(f"{folder} holds an experiment in another layout; expected {FORMAT}")
    _sound(_Manifest, path, manifest)
    files.check(path, CHECKSUM in manifest)
    return manifest


def _contents(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """The content of each file that a manifest names, but for `RESOLVED`, which holds its own checksum."""
    digests, names = manifest["sha256"], manifest["files"]
    wrong = next((name for name in names if not NAMED.fullmatch(name)), None)
    if wrong is not None or len(set(names)) < len(names) or SUMMARY not in names:
        shown = "its files" if wrong is None else f"a file {wrong!r}"
        raise ResultsError(f"{folder / MANIFEST} names {shown}, as no experiment does")
    contents = {}
    for name in names:
        contents[name] = files.read_bytes(folder, name)
        files.check(folder / name, digests.get(name) == files.digest_of(contents[name]))
    contents.pop(RESOLVED, None)
    return contents


def _clear(folder: Path) -> None:
    """Remove the findings of an earlier experiment, the manifest first; other files stay."""
    if not (folder / RESOLVED).exists():
        return
    names = [MANIFEST, GIVEN, RESOLVED, SUMMARY]
    with contextlib.suppress(ResultsError):  # there is none, or one that cannot be believed
        named = _read_manifest(folder)["files"]
        names += [name for name in named if NAMED.fullmatch(name) and name == Path(name).name]
    shown = [path.name for path in folder.iterdir() if path.suffix in (".svg", ".png", ".html")]
    for name in (*names, *shown):
        (folder / name).unlink(missing_ok=True)
    files.remove(folder / DESIGN, *folder.glob(f"{DESIGN}{RUNNING}*"))


def _rules(options: RunOptions) -> dict[str, Any]:
    """The classes that an experiment is run with, as a batch's manifest has them."""
    rules = class_records(options.roles, options.agents)
    names = [name_of(agent) for agent in options.agents]
    return {"agents_added": names, **({"rules": rules} if rules else {})}


def rules_in(folder: Path) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """The roles and agents that an experiment was begun with, as far as they can be loaded from their files again.

    ScenarioError where such a file is gone, or has mistakes by now.
    """
    return reload_classes(_resolved_in(folder).get(BEGUN, {}).get("rules", ()))


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
    """Run an experiment.

    Args:
        experiment: an experiment, its file, or the name of a shipped one.
        folder: where to write what it finds; nowhere where left out.
        workers: the most threads, or processes, to use; the result is the same for any number.
        resume: go on with what the folder holds, which must be the same experiment.
        restart: throw away an experiment in the folder that is not finished.
        overwrite: whether findings in the folder are replaced; where they are not, those of the same experiment are
            given back, and others are refused.
        progress: called with the crises done and those in all.
        on_message: called with messages on what goes on.
        agents: makers of agents to add to the scenarios' own, as `CrisisModel` takes them; what
            they add to the outcomes can be measured.
        roles: classes to use in place of the scenarios' own, by agent or role, likewise.

    Raises:
        ScenarioError: when the experiment, or its scenario, has mistakes.
        BatchError: when it cannot be run as asked; nothing is written then.
        KeyboardInterrupt: on Ctrl-C; with a folder, what was finished is safe.
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
    with contextlib.ExitStack() as held:
        with writing(folder):
            held.enter_context(files.lock_folder(folder, folder / LOCK))
        if begin(experiment, folder, options, restart, overwrite):
            on_message(f"{folder} holds this experiment already, and it is finished")
            return read_experiment(folder)
        findings = kind.run(experiment, options)
        return write(findings, folder, options, started, time.perf_counter() - began)


#: Points that can be told apart side by side, in a table or a chart.
MOST_POINTS = 60


def is_experiment(folder: Path) -> bool:
    """Whether a folder holds an experiment, finished or not."""
    return (folder / RESOLVED).is_file()


def read_points(folder: str | Path) -> Batch:
    """An experiment's batch, with an ensemble for each point, named after its values; differences are paired.

    Raises:
        ResultsError: when the folder holds no finished experiment, or one without a batch, or with more than `MOST_POINTS`.
    """
    folder = Path(folder)
    findings = read_experiment(folder)
    home = batch_folder(findings, folder)
    if home is None:
        kind = findings.experiment.kind
        raise ResultsError(f"{folder} holds an experiment of kind {kind}, which has no points")
    batch = read_batch(home)
    points = batch.manifest["points"]
    if (points or 1) * len(batch.ensembles) > MOST_POINTS:
        raise ResultsError(
            f"{folder} holds {points} points, too many to put side by side; at most {MOST_POINTS}"
        )
    if points is None:
        return batch
    table = findings.tables["points"]
    varied = short_names([name for name in table.column_names if name not in ("point", "scenario")])
    values = {path: table.column(path).to_pylist() for path in varied}
    ensembles = {}
    for place, one in enumerate(batch.ensembles.values()):
        replicates = one.replicates // points
        for point in range(points):
            at = {short: values[path][place * points + point] for path, short in varied.items()}
            said = ", ".join(f"{short} {value:.4g}" for short, value in at.items())
            name = said if len(batch.ensembles) == 1 else f"{one.name}, {said}"
            rows = one.table.slice(point * replicates, replicates)
            ensembles[name] = replace(one, name=name, table=rows, paths=None)
    return Batch(ensembles, batch.manifest)
