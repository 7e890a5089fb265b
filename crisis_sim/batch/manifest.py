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

from crisis_sim.batch import files, rules
from crisis_sim.batch.files import CHECKSUM, BatchError, ResultsError
from crisis_sim.scenario.load import on_disk
from crisis_sim.version import __version__

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crisis_sim.batch.block import Block, Plan


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
    if others := differences("versions", wanted, found):
        said = "".join(f"\n  {one.path}: {one.old} here, {one.new} there" for one in others)
        raise BatchError(
            f"{where} computes with other versions, and might give other results:{said}"
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


def git_revision() -> tuple[str | None, bool | None]:
    """The code's commit and whether its files differ from it; None where it is no checkout."""
    root = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if not (root / ".git").exists():
            return None, None
        changes = "status", "--porcelain", "--untracked-files=no"
        return git("rev-parse", "HEAD"), bool(git(*changes))
    except (OSError, subprocess.CalledProcessError):
        return None, None  # no git here, it will not read this checkout, or we may not look


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
    replicates_done: NonNegativeInt = 0


class _Manifest(_Strict):
    """The fields of a manifest; earlier versions did not write those of the first that have a default."""

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
    rules: list[dict[str, str]] = []
    without_rules: list[str] = []
    versions: dict[str, str]
    started: str
    scenarios: dict[str, _Scenario] = Field(min_length=1)
    identity: str = ""
    checksum: str = ""
    # Once it has ended.
    finished: str = ""
    failures: list[dict[str, Any]] = []
    files: dict[str, str] = {}


def open_manifest(plan: Plan, command: Sequence[str] | None = None) -> dict[str, Any]:
    """The manifest of a batch before it runs; its `command` is this process's unless given."""
    revision, modified = git_revision()
    own = rules.class_records(plan.roles, plan.agents)
    return {
        "format": FORMAT,
        "run": secrets.token_hex(8),
        "command": shlex.join(command if command is not None else sys.orig_argv),
        **{name: getattr(plan, name) for name in _OPTIONS},
        "parameters_varied": sorted(plan.parameters),
        "agents_added": [rules.name_of(agent) for agent in plan.agents],
        **({"rules": own, "without_rules": list(plan.without)} if own else {}),
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


def close_manifest(
    manifest: Mapping[str, Any], rows: Mapping[str, int], failures: Iterable[Block] = ()
) -> dict[str, Any]:
    """The manifest of a batch that has ended.

    Args:
        manifest: that with which it was begun, or with which an earlier attempt at it ended.
        rows: scenario name to the replicates that it has.
        failures: blocks that failed.
    """
    left_out = {"scenarios"} | _OF_FINISHED | _MARKS
    return {
        **{name: value for name, value in manifest.items() if name not in left_out},
        "finished": _now(),
        "failures": [
            {**one.order.place, "seed": one.order.seed, "error": one.error, "trace": one.trace}
            for one in failures
        ],
        "scenarios": {
            name: {"replicates_done": 0} | about | {"replicates_done": rows[name]}
            for name, about in manifest["scenarios"].items()
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
    return files.canonical_digest(asked, in_order=True)


def seal(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with its identity, and the checksum by which any change to it is found."""
    content = {name: value for name, value in manifest.items() if name not in _MARKS}
    return files.with_checksum({**content, "identity": identity_of(manifest)}, in_order=True)


def has_checksum(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest has a checksum: those of earlier versions have none."""
    return CHECKSUM in manifest


def is_finished(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest is that of a batch that has ended, be it with failures."""
    return "finished" in manifest


def read_manifest_file(path: Path, finished: bool = False) -> dict[str, Any]:
    """The manifest in a file, once it is found to be one, and the one that was written there.

    Args:
        finished: whether it must be that of a batch that has ended.
    """
    manifest = files.parse_json(path, files.read_bytes(path.parent, path.name))
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
    has_ended = finished or is_finished(manifest)
    needed = {"finished", "failures"} if has_ended else set()
    marks = _MARKS | ({"files"} if has_ended else set())
    if marks & manifest.keys():
        needed |= marks
    try:
        if lacking := sorted(needed - manifest.keys()):
            raise ResultsError(f"{path}: {lacking[0]} is missing")
        _Manifest.model_validate(manifest)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        wrong = f"{where}: {first['msg']}, got {first['input']!r:.60}"
        missing = first["type"] == "missing"
        raise ResultsError(f"{path}: {f'{where} is missing' if missing else wrong}") from error
    if has_checksum(manifest) and seal(manifest) != manifest:
        raise ResultsError(
            f"{path} has been changed since it was written: it is not what its checksum says"
        )
    return manifest


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


def raise_if_different(
    folder: Path, found: Sequence[Difference], holds: str = HOLDS, instead: str = GO_ON
) -> None:
    """Raise ResultsError where a folder's run differs from the one to go on with."""
    if found:
        lines = [f"\n  {one}" for one in found[:SHOWN]]
        if len(found) > SHOWN:
            lines.append(f"\n  and {len(found) - SHOWN:,} more")
        raise ResultsError(f"{folder} {holds}:{''.join(lines)}\n{instead}")


def differences(of: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Where two mappings differ, in the order of the first."""
    return [
        Difference(of, path, old.get(path, NONE), new.get(path, NONE))
        for path in {**old, **new}
        if old.get(path, NONE) != new.get(path, NONE)
    ]


def version_differences(
    begun: Mapping[str, Any], now: Mapping[str, str], decisive: Iterable[str] = DECISIVE
) -> list[Difference]:
    """Where the code and libraries differ that a result depends on: the `decisive` ones."""
    old, new = ({name: of.get(name) for name in decisive} for of in (begun["versions"], now))
    return differences("versions", old, new)


def plan_differences(
    begun: Mapping[str, Any],
    parameters: Mapping[str, NDArray[Any]],
    plan: Plan,
    now: Mapping[str, Any],
) -> list[Difference]:
    """Differences of a plan, which would begin with a manifest `now`, from the run that was `begun`."""
    batch = [{name: of.get(name) for name in (*_OPTIONS, "agents_added")} for of in (begun, now)]
    names = [{"scenarios": ", ".join(of["scenarios"])} for of in (begun, now)]
    found = (
        differences("batch", *batch) + rule_differences(begun, now) + differences("batch", *names)
    )
    for name, about in begun["scenarios"].items():
        if other := now["scenarios"].get(name):
            found += differences(name, *(dict(_leaves(of["scenario"])) for of in (about, other)))
    return found + list(_of_parameters(parameters, plan.parameters))


def rule_differences(begun: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Where classes of a person's own differ: in whose place, which, or in the text of their file."""

    def said(manifest: Mapping[str, Any]) -> dict[str, str | None]:
        classes = {
            f"{one['agent']} by {one['class']}"
            if one["agent"]
            else f"with {one['class']}": f"text {one['sha256'][: rules.SHOWN]}"
            for one in manifest.get("rules", ())
        }
        return {**classes, "run without": ", ".join(manifest.get("without_rules", ())) or None}

    return differences("rules", said(begun), said(now))


def _of_parameters(
    old: Mapping[str, NDArray[Any]], new: Mapping[str, NDArray[Any]]
) -> Iterator[Difference]:
    for path in sorted({*old, *new}):
        if path not in old or path not in new:
            kinds = ("values given" if path in given else None for given in (old, new))
            yield Difference("parameters", path, *kinds)
        elif old[path].shape != new[path].shape:
            sizes = (f"{len(one)} values" for one in (old[path], new[path]))
            yield Difference("parameters", path, *sizes)
        elif (old[path] != new[path]).any():
            row = int((old[path] != new[path]).argmax())
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
