"""The manifest of a results folder: what was run, by which versions, and differences between two manifests."""

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

from crisis_sim.batch import own_classes, safe_files
from crisis_sim.batch.safe_files import CHECKSUM, BatchError, ResultsError
from crisis_sim.scenario.load import on_disk
from crisis_sim.version import __version__

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crisis_sim.batch.block import Block, Plan


# Versions of the code and of libraries.

LIBRARIES = ("mesa", "numba", "numpy", "scipy", "pyarrow")
#: The `versions` that may affect results; they must be the same for all blocks of a batch.
DECISIVE = ("crisis_sim", "code", "mesa", "numba", "numpy", "scipy")
#: The subpackages whose code affects results.
PACKAGES = ("scenario", "model", "batch")


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python, Crisis Sim, its code (a digest) and its libraries, by name."""
    return {
        "python": platform.python_version(),
        "crisis_sim": __version__,
        "code": code_digest(),
        **{library: metadata.version(library) for library in LIBRARIES},
    }


def decisive(versions: Mapping[str, str]) -> dict[str, str | None]:
    """Select the versions that may affect results."""
    return {name: versions.get(name) for name in DECISIVE}


def check_versions(
    expected: Mapping[str, str | None], actual: Mapping[str, str | None], worker: str
) -> None:
    """Raise BatchError unless a worker has the same versions as this process."""
    if differing := differences("versions", expected, actual):
        lines = "".join(f"\n  {one.path}: {one.old} here, {one.new} there" for one in differing)
        raise BatchError(f"{worker} has other versions, which might give other results:{lines}")


@cache
def code_digest(packages: tuple[str, ...] = PACKAGES) -> str:
    """Return the first digits of the SHA-256 of the code of some subpackages."""
    root = on_disk(Path(__file__).parents[1])
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def git_revision() -> tuple[str | None, bool | None]:
    """Return the code's commit, and whether files have been modified since; None outside of a git checkout."""
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
        return None, None  # git is missing, or refuses to read this checkout, or access is denied


# A manifest contains a checksum of its content, and an identity: a digest of the request and of the versions,
# which is also in every block and table. The manifest of a finished batch contains the checksums of the
# other files. Earlier versions wrote none of the three; their folders are read if the content is valid.

#: The layout of results folders; a new number means that older versions cannot read the folder.
FORMAT = 1
#: Keys that identify a batch, in addition to its scenarios and versions.
_OPTIONS = ("seed", "replicates", "points", "block_size", "engine")
_CONTENT = ("parameters_varied", "parameters_sha256", "agents_added")
#: Keys of the manifest of a finished batch, and keys that are computed from the others.
_FINISHED = {"finished", "failures", "files"}
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
    """The fields of a manifest. Earlier versions did not write those with a default."""

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
    # Only in the manifest of a finished batch.
    finished: str = ""
    failures: list[dict[str, Any]] = []
    files: dict[str, str] = {}


def open_manifest(plan: Plan, command: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the manifest of a batch before it runs; `command` is by default that of this process."""
    revision, modified = git_revision()
    classes = own_classes.class_records(plan.roles, plan.agents)
    return {
        "format": FORMAT,
        "run": secrets.token_hex(8),
        "command": shlex.join(command if command is not None else sys.orig_argv),
        **{name: getattr(plan, name) for name in _OPTIONS},
        "parameters_varied": sorted(plan.parameters),
        "agents_added": [own_classes.name_of(agent) for agent in plan.agents],
        **({"rules": classes, "without_rules": list(plan.without)} if classes else {}),
        "versions": dict(versions()),
        "git_revision": revision,
        "git_modified": modified,
        "started": _now(),
        "scenarios": {
            scenario.name: {
                "title": scenario.title,
                "digest": scenario.digest,
                "horizon_hours": scenario.horizon_hours,
                "states": list(scenario.state_names),
                "scenario": scenario.plain(),
            }
            for scenario in plan.scenarios
        },
    }


def close_manifest(
    manifest: Mapping[str, Any], rows: Mapping[str, int], failures: Iterable[Block] = ()
) -> dict[str, Any]:
    """Return the manifest of a finished batch.

    Args:
        manifest: the manifest from the start of the batch, or from the end of an earlier attempt.
        rows: the number of finished replicates by scenario name.
        failures: the blocks that failed.
    """
    replaced = {"scenarios"} | _FINISHED | _MARKS
    return {
        **{name: value for name, value in manifest.items() if name not in replaced},
        "finished": _now(),
        "failures": [
            {
                **block.order.place,
                "seed": block.order.seed,
                "error": block.error,
                "trace": block.trace,
            }
            for block in failures
        ],
        "scenarios": {
            name: {"replicates_done": 0} | about | {"replicates_done": rows[name]}
            for name, about in manifest["scenarios"].items()
        },
    }


def identity_of(manifest: Mapping[str, Any]) -> str:
    """Return the digest of a batch's request and versions; batches with the same identity have the same results."""
    content = {
        **{name: manifest.get(name) for name in (*_OPTIONS, *_CONTENT)},
        "versions": decisive(manifest.get("versions", {})),
        "scenarios": [[name, about["digest"]] for name, about in manifest["scenarios"].items()],
    }
    if manifest.get("rules"):
        keys = ("agent", "class", "sha256")
        content["rules"] = [[rule[key] for key in keys] for rule in manifest["rules"]]
        content["without_rules"] = manifest["without_rules"]
    return safe_files.canonical_digest(content, in_order=True)


def seal(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest with its identity and checksum added."""
    content = {name: value for name, value in manifest.items() if name not in _MARKS}
    return safe_files.with_checksum({**content, "identity": identity_of(manifest)}, in_order=True)


def has_checksum(manifest: Mapping[str, Any]) -> bool:
    """Return whether a manifest has a checksum; earlier versions wrote none."""
    return CHECKSUM in manifest


def is_finished(manifest: Mapping[str, Any]) -> bool:
    """Return whether the batch of a manifest has finished, possibly with failures."""
    return "finished" in manifest


def read_manifest_file(path: Path, finished: bool = False) -> dict[str, Any]:
    """Read a manifest; ResultsError if its keys, types or checksum are wrong, or if it must be `finished` and is not."""
    manifest = safe_files.parse_json(path, safe_files.read_bytes(path.parent, path.name))
    if isinstance(manifest, dict) and "experiment_format" in manifest:
        crises = path.parent / "design"
        raise ResultsError(f"{path.parent} contains an experiment; its crises are in {crises}")
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise ResultsError(f"{path} is not the manifest of a results folder")
    if manifest["format"] != FORMAT:
        raise ResultsError(
            f"{path.parent} contains results in layout {manifest['format']!r}; "
            f"Crisis Sim {__version__} reads layout {FORMAT}"
        )
    must_be_finished = finished or is_finished(manifest)
    required = {"finished", "failures"} if must_be_finished else set()
    marks = _MARKS | ({"files"} if must_be_finished else set())
    if marks & manifest.keys():
        required |= marks
    if missing := sorted(required - manifest.keys()):
        raise ResultsError(f"{path}: {missing[0]} is missing")
    try:
        _Manifest.model_validate(manifest)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        fault = f"{key}: {first['msg']}, got {first['input']!r:.60}"
        is_missing = first["type"] == "missing"
        raise ResultsError(f"{path}: {f'{key} is missing' if is_missing else fault}") from error
    safe_files.check(path, not has_checksum(manifest) or seal(manifest) == manifest)
    return manifest


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


# Differences between the batch that a folder contains and the one that is to continue it.

#: Maximum number of differences that are shown; the others are counted.
SHOWN = 12
#: In place of a missing value.
NONE = "nothing"


@dataclass(frozen=True)
class Difference:
    """A difference between two runs.

    Attributes:
        part: where it is: the name of a scenario, or `batch`, `versions`, `rules` or `parameters`.
        path: the key of the value.
        old, new: the value in the folder, and the requested one.
    """

    part: str
    path: str
    old: Any
    new: Any

    def __str__(self) -> str:
        old, new = (NONE if value is None else value for value in (self.old, self.new))
        return f"{self.part}: {self.path}: {old} there, {new} now"


#: The fault of a folder whose run cannot be continued, and the advice.
OTHER_RUN = "contains a run with other settings, which cannot be continued"
ADVICE = "continue it with its own settings, or give another folder"


def raise_if_different(
    folder: Path, differing: Sequence[Difference], fault: str = OTHER_RUN, advice: str = ADVICE
) -> None:
    """Raise ResultsError if there are differences between a folder's run and the requested one."""
    if differing:
        lines = [f"\n  {difference}" for difference in differing[:SHOWN]]
        if len(differing) > SHOWN:
            lines.append(f"\n  and {len(differing) - SHOWN:,} more")
        raise ResultsError(f"{folder} {fault}:{''.join(lines)}\n{advice}")


def differences(part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return the differences between two mappings, in the order of the first."""
    return [
        Difference(part, path, old.get(path, NONE), new.get(path, NONE))
        for path in {**old, **new}
        if old.get(path, NONE) != new.get(path, NONE)
    ]


def version_differences(
    begun: Mapping[str, Any], now: Mapping[str, str], decisive: Iterable[str] = DECISIVE
) -> list[Difference]:
    """Compare the `decisive` versions of the manifest `begun` with the versions `now`."""
    old, new = ({name: found.get(name) for name in decisive} for found in (begun["versions"], now))
    return differences("versions", old, new)


def plan_differences(
    begun: Mapping[str, Any],
    parameters: Mapping[str, NDArray[Any]],
    plan: Plan,
    now: Mapping[str, Any],
) -> list[Difference]:
    """Compare a plan and its manifest `now` with the `parameters` and the manifest of the run that was `begun`."""

    def batch(manifest: Mapping[str, Any]) -> dict[str, Any]:
        names = ", ".join(manifest["scenarios"])
        return {
            **{name: manifest.get(name) for name in (*_OPTIONS, "agents_added")},
            "scenarios": names,
        }

    differing = differences("batch", batch(begun), batch(now)) + rule_differences(begun, now)
    for name, old in begun["scenarios"].items():
        if new := now["scenarios"].get(name):
            leaves = (dict(_leaves(about["scenario"])) for about in (old, new))
            differing += differences(name, *leaves)
    return differing + list(_parameter_differences(parameters, plan.parameters))


def rule_differences(begun: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Compare the custom classes of two manifests, including the text of their files."""

    def described(manifest: Mapping[str, Any]) -> dict[str, str | None]:
        classes = {
            f"{rule['agent']} by {rule['class']}"
            if rule["agent"]
            else f"with {rule['class']}": f"text {rule['sha256'][: own_classes.SHOWN]}"
            for rule in manifest.get("rules", ())
        }
        return {**classes, "run without": ", ".join(manifest.get("without_rules", ())) or None}

    return differences("rules", described(begun), described(now))


def _parameter_differences(
    old: Mapping[str, NDArray[Any]], new: Mapping[str, NDArray[Any]]
) -> Iterator[Difference]:
    for path in sorted({*old, *new}):
        if path not in old or path not in new:
            given = ("values given" if path in values else None for values in (old, new))
            yield Difference("parameters", path, *given)
        elif old[path].shape != new[path].shape:
            sizes = (f"{len(values)} values" for values in (old[path], new[path]))
            yield Difference("parameters", path, *sizes)
        elif (old[path] != new[path]).any():
            row = int((old[path] != new[path]).argmax())
            yield Difference("parameters", f"{path}, value {row}", old[path][row], new[path][row])


def _leaves(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Iterate over the paths and values of nested data."""
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, list) and data:
        for index, value in enumerate(data):
            yield from _leaves(value, f"{path}[{index}]")
    else:
        yield path, data
