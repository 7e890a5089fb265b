"""The manifest of a results folder: the request, the versions that computed it, and how two manifests differ."""

from __future__ import annotations

import hashlib
import platform
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError

from crisis_sim.batch.block import Block
from crisis_sim.batch.files import (
    CHECKSUM,
    BatchError,
    ResultsError,
    canonical_digest,
    parse_json,
    read_bytes,
    sealed,
)
from crisis_sim.batch.rules import SHOWN as DIGITS
from crisis_sim.batch.rules import name_of, recorded
from crisis_sim.scenario.load import on_disk
from crisis_sim.version import __version__

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crisis_sim.batch.plan import Plan


# The code and the libraries on which every digit of a batch depends.

LIBRARIES = ("mesa", "numba", "numpy", "scipy", "pyarrow")
#: Those of `versions` that may change a result; a batch is computed by the same ones throughout.
DECISIVE = ("crisis_sim", "code", "mesa", "numba", "numpy", "scipy")
#: The packages whose code decides the results.
ROOMS = ("scenario", "model", "batch")


@cache
def versions() -> dict[str, str]:
    """By name, the versions of Python, Crisis Sim, its code and the libraries that it computes with."""
    return {
        "python": platform.python_version(),
        "crisis_sim": __version__,
        "code": code_digest(),
        **{library: metadata.version(library) for library in LIBRARIES},
    }


def decisive(found: Mapping[str, str]) -> dict[str, str | None]:
    """Those versions that may change a result."""
    return {name: found.get(name) for name in DECISIVE}


def check_versions(
    wanted: Mapping[str, str | None], found: Mapping[str, str | None], where: str
) -> None:
    """Raise BatchError unless a worker elsewhere has the versions of this process."""
    others = [
        f"\n  {name}: {wanted[name]} here, {found.get(name)} there"
        for name in wanted
        if wanted[name] != found.get(name)
    ]
    if others:
        raise BatchError(
            f"{where} computes with other versions, and might give other results:{''.join(others)}"
        )


@cache
def code_digest(rooms: tuple[str, ...] = ROOMS) -> str:
    """The beginning of the SHA-256 of the code of some rooms, which may differ in one version."""
    root = on_disk(Path(__file__).parents[1])
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# A manifest bears a checksum of its own content, and an identity: the digest of what was asked and of
# what computes it, which every block and every table bears as well. A finished one holds the checksums
# of the files beside it. Folders of versions before these have none of the three; they are read as far
# as what they hold has the right shape.

#: The layout of results folders, counted up when older readers could no longer read a new folder.
FORMAT = 1
#: Keys that identify a batch, besides its scenarios and the versions that compute it.
_OPTIONS = ("seed", "replicates", "points", "block_size", "engine")
_OF_CONTENT = ("parameters_varied", "parameters_sha256", "agents_added")
#: Keys of a manifest once its batch has ended, and its marks.
_OF_FINISHED = {"finished", "failures", "files"}
_MARKS = {"identity", CHECKSUM}


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Scenario(_Strict):
    title: str
    digest: str
    horizon_hours: float
    states: list[str]
    scenario: dict[str, Any]


class _ScenarioDone(_Scenario):
    replicates_done: NonNegativeInt


class _Failure(_Strict):
    block: NonNegativeInt
    scenario: str
    first_replicate: NonNegativeInt
    replicates: PositiveInt
    first_point: NonNegativeInt
    points: PositiveInt
    seed: NonNegativeInt
    error: str
    trace: str


class _Rules(_Strict):
    """A class of a person's own, as `crisis_sim.batch.rules.recorded` has it."""

    agent: str
    of_class: str = Field(alias="class")
    file: str
    sha256: str


class _Begun(_Strict):
    """The fields of a manifest; earlier versions did not write those that have a default."""

    run: str
    command: str
    seed: NonNegativeInt
    replicates: PositiveInt
    points: PositiveInt | None
    block_size: PositiveInt
    engine: str = ""
    parameters_varied: list[str]
    parameters_sha256: str = ""
    agents_added: list[str]
    rules: list[_Rules] = []
    without_rules: list[str] = []
    versions: dict[str, str]
    started: str
    scenarios: dict[str, _Scenario] = Field(min_length=1)
    identity: str = ""
    checksum: str = ""


class _Finished(_Begun):
    """The shape of the manifest of a batch that has ended."""

    scenarios: dict[str, _ScenarioDone] = Field(min_length=1)  # type: ignore[assignment]
    finished: str
    failures: list[_Failure]
    files: dict[str, str] = {}


def open_manifest(plan: Plan, command: Sequence[str] | None = None) -> dict[str, Any]:
    """The manifest of a batch before it runs; its `command` is this process's unless given."""
    revision, modified = git_revision()
    return {
        "format": FORMAT,
        "run": secrets.token_hex(8),
        "command": shlex.join(command if command is not None else sys.orig_argv),
        "seed": plan.seed,
        "replicates": plan.replicates,
        "points": plan.points,
        "block_size": plan.block_size,
        "engine": plan.engine,
        "parameters_varied": sorted(plan.parameters),
        "agents_added": [name_of(agent) for agent in plan.agents],
        **_rules_of(plan),
        "versions": dict(versions()),
        "git_revision": revision,
        "git_modified": modified,
        "started": _now(),
        "scenarios": {
            one.name: {
                "title": one.title,
                "digest": one.digest,
                "horizon_hours": one.horizon_hours,
                "states": list(one.state_names),
                "scenario": one.plain(),
            }
            for one in plan.scenarios
        },
    }


def _rules_of(plan: Plan) -> dict[str, Any]:
    """The classes of a person's own in a plan, and the scenarios that run without them; nothing where there are none."""
    rules = recorded(plan.roles, plan.agents)
    return {"rules": rules, "without_rules": list(plan.without)} if rules else {}


def close_manifest(
    manifest: Mapping[str, Any], rows: Mapping[str, int], failures: Sequence[Block] = ()
) -> dict[str, Any]:
    """The manifest of a batch that has ended.

    Args:
        manifest: that with which it was begun, or with which an earlier attempt at it ended.
        rows: scenario name to the replicates that it has.
        failures: blocks that failed.
    """
    begun = {name: value for name, value in manifest.items() if name not in _OF_FINISHED | _MARKS}
    return {
        **{name: value for name, value in begun.items() if name != "scenarios"},
        "finished": _now(),
        "failures": [
            {
                "block": one.number,
                "scenario": one.scenario,
                "first_replicate": one.first,
                "replicates": one.count,
                "first_point": one.first_point,
                "points": one.points,
                "seed": begun["seed"],
                "error": one.error,
                "trace": one.trace,
            }
            for one in failures
        ],
        "scenarios": {
            name: {"replicates_done": 0} | about | {"replicates_done": rows[name]}
            for name, about in begun["scenarios"].items()
        },
    }


def identity_of(manifest: Mapping[str, Any]) -> str:
    """The digest of a batch's request and of the code and versions: batches that share it are the same."""
    asked = {
        **{name: manifest.get(name) for name in (*_OPTIONS, *_OF_CONTENT)},
        "versions": decisive(manifest.get("versions", {})),
        "scenarios": [[name, one["digest"]] for name, one in manifest["scenarios"].items()],
    }
    if manifest.get("rules"):
        keys = ("agent", "class", "sha256")
        asked["rules"] = [[one[key] for key in keys] for one in manifest["rules"]]
        asked["without_rules"] = manifest["without_rules"]
    return canonical_digest(asked, in_order=True)


def seal(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with its identity, and the checksum by which any change to it is found."""
    content = {name: value for name, value in manifest.items() if name not in _MARKS}
    return sealed({**content, "identity": identity_of(manifest)}, in_order=True)


def is_sealed(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest has a checksum: those of earlier versions have none."""
    return CHECKSUM in manifest


def is_finished(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest is that of a batch that has ended, be it with failures."""
    return "finished" in manifest


def read_sound(path: Path, finished: bool | None = None) -> dict[str, Any]:
    """The manifest in a file, once it is found to be one, and the one that was written there.

    Args:
        finished: whether it must be that of a batch that has ended; whatever it is where left out.
    """
    manifest = parse_json(path, read_bytes(path.parent, path.name))
    if isinstance(manifest, dict) and "experiment_format" in manifest:
        folder = path.parent
        raise ResultsError(f"{folder} holds an experiment; its crises are in {folder / 'design'}")
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise ResultsError(f"{path} is not the manifest of a results folder")
    if manifest["format"] != FORMAT:
        raise ResultsError(
            f"{path.parent} holds results in layout {manifest['format']!r}; "
            f"Crisis Sim {__version__} reads layout {FORMAT}"
        )
    has_ended = is_finished(manifest) if finished is None else finished
    shape: type[_Begun] = _Finished if has_ended else _Begun
    try:
        shape.model_validate(manifest)
    except ValidationError as error:
        raise ResultsError(f"{path}: {_first_of(error)}") from error
    marks = (_MARKS | {"files"}) if has_ended else _MARKS
    lacking = sorted(marks - manifest.keys())
    if 0 < len(lacking) < len(marks):
        raise ResultsError(f"{path}: {lacking[0]} is missing")
    if is_sealed(manifest) and seal(manifest) != manifest:
        raise ResultsError(
            f"{path} has been changed since it was written: it is not what its checksum says"
        )
    return manifest


def _first_of(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"{where} is missing"
    return f"{where}: {first['msg']}, got {first['input']!r:.60}"


def git_revision() -> tuple[str | None, bool | None]:
    """The code's commit and whether its files differ from it; None where it is no checkout."""
    root = Path(__file__).resolve().parents[2]
    try:
        if not (root / ".git").exists():
            return None, None
        revision = _git(root, "rev-parse", "HEAD")
        changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None, None  # no git here, it will not read this checkout, or we may not look
    return revision, bool(changes)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


# Whether a batch that is to go on is the one that was begun, and if not, where they differ.

#: Differences that are shown; the others are counted.
SHOWN = 12
#: In place of a value that only one of the two has.
NONE = "nothing"


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was: in a scenario by its name, or in the batch.

    Attributes:
        old, new: the value with which the run was begun, and the one now.
    """

    of: str
    path: str
    old: Any
    new: Any

    def __str__(self) -> str:
        old, new = (NONE if one is None else one for one in (self.old, self.new))
        return f"{self.of}: {self.path}: {old} there, {new} now"


#: What a folder holds that cannot be gone on with, and what to do then.
HOLDS = "holds a run that was begun otherwise, and cannot go on as this one"
GO_ON = "go on with what it was begun with, or give another folder"


def refuse(
    folder: Path, found: Sequence[Difference], holds: str = HOLDS, instead: str = GO_ON
) -> None:
    """Raise ResultsError where a folder's run differs from the one to go on with."""
    if found:
        lines = [f"\n  {one}" for one in found[:SHOWN]]
        if len(found) > SHOWN:
            lines.append(f"\n  and {len(found) - SHOWN:,} more")
        raise ResultsError(f"{folder} {holds}:{''.join(lines)}\n{instead}")


def of_versions(
    begun: Mapping[str, Any], now: Mapping[str, str], decisive: Iterable[str] = DECISIVE
) -> list[Difference]:
    """Where the code and libraries differ that a result depends on: the `decisive` ones."""
    old = begun["versions"]
    return [
        Difference("versions", name, old.get(name), now.get(name))
        for name in decisive
        if old.get(name) != now.get(name)
    ]


def of_plans(
    begun: Mapping[str, Any],
    parameters: Mapping[str, NDArray[Any]],
    plan: Plan,
    now: Mapping[str, Any],
) -> list[Difference]:
    """Differences of a plan, which would begin with a manifest `now`, from the run that was `begun`."""
    found = [
        Difference("batch", name, begun.get(name), now[name])
        for name in (*_OPTIONS, "agents_added")
        if begun.get(name) != now[name]
    ]
    found += of_rules(begun, now)
    names = [list(about["scenarios"]) for about in (begun, now)]
    if names[0] != names[1]:
        found.append(Difference("batch", "scenarios", *map(", ".join, names)))
    for name in names[0]:
        if name in now["scenarios"]:
            old, new = (dict(_leaves(of["scenarios"][name]["scenario"])) for of in (begun, now))
            found += [
                Difference(name, path, old.get(path, NONE), new.get(path, NONE))
                for path in {**old, **new}
                if old.get(path, NONE) != new.get(path, NONE)
            ]
    return found + list(_of_parameters(parameters, plan.parameters))


def of_rules(begun: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Where classes of a person's own differ: in whose place, which, or in the text of their file."""

    def said(manifest: Mapping[str, Any]) -> dict[str, str]:
        return {
            f"{one['agent']} by {one['class']}"
            if one["agent"]
            else f"with {one['class']}": f"text {one['sha256'][:DIGITS]}"
            for one in manifest.get("rules", ())
        }

    old, new = said(begun), said(now)
    found = [
        Difference("rules", one, old.get(one), new.get(one))
        for one in {**old, **new}
        if old.get(one) != new.get(one)
    ]
    plain = [", ".join(about.get("without_rules", ())) or None for about in (begun, now)]
    return found + ([Difference("rules", "run without", *plain)] if plain[0] != plain[1] else [])


def _of_parameters(
    old: Mapping[str, NDArray[Any]], new: Mapping[str, NDArray[Any]]
) -> Iterator[Difference]:
    import numpy as np

    for path in sorted({*old, *new}):
        if path not in old or path not in new:
            kinds = ("values given" if path in given else None for given in (old, new))
            yield Difference("parameters", path, *kinds)
        elif old[path].shape != new[path].shape:
            sizes = (f"{len(one)} values" for one in (old[path], new[path]))
            yield Difference("parameters", path, *sizes)
        elif (old[path] != new[path]).any():
            row = int(np.argmax(old[path] != new[path]))
            yield Difference("parameters", f"{path}, value {row}", old[path][row], new[path][row])


def _leaves(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each plain value of nested data, with the path that leads to it."""
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, list) and data:
        for place, value in enumerate(data):
            yield from _leaves(value, f"{path}[{place}]")
    else:
        yield path, data
