"""The manifest of a results folder: what was asked, what computed it, and in what two of them differ."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import secrets
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.block import BlockFailure
from crisis_sim.batch.files import ResultsError, inside
from crisis_sim.scenario.load import on_disk
from crisis_sim.version import __version__

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crisis_sim.batch.plan import Plan


# --- What computes a batch: the code and the libraries on which every digit depends

LIBRARIES = ("mesa", "numba", "numpy", "scipy", "pyarrow")
#: Those of `versions` that may change a result; a batch is computed by the same ones throughout.
DECISIVE = ("crisis_sim", "code", "mesa", "numba", "numpy", "scipy")
#: The rooms whose code decides what a result is.
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


@cache
def code_digest(rooms: tuple[str, ...] = ROOMS) -> str:
    """The beginning of the SHA-256 of the code of some rooms; those that make a batch where left out.

    It tells two states of a checkout apart that bear the same version.
    """
    root = on_disk(Path(__file__).parents[1])
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# --- How a batch came about: all that is needed to run it again and to trust it
#
# A manifest bears a checksum of its own content, and an identity: the digest of what was asked and of
# what computes it, which every block and every table bears as well. A finished one holds the checksums
# of the files beside it. Folders of versions before these have none of the three; they are read as far
# as what they hold has the right shape.

#: The layout of results folders, counted up when older readers could no longer read a new folder.
FORMAT = 1
#: What tells a batch from others, besides its scenarios and the versions that compute it.
_ASKED = (
    "seed",
    "replicates",
    "points",
    "block_size",
    "engine",
    "parameters_varied",
    "parameters_sha256",
    "agents_added",
)


def _is_whole(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(one, str) for one in values)


def _are_named_texts(values: Any) -> bool:
    return isinstance(values, dict) and all(isinstance(one, str) for one in values.values())


#: What a value in a manifest has to be: in words, and whether it is.
_Kind = tuple[str, Callable[[Any], bool]]
_TEXT: _Kind = ("a text", lambda value: isinstance(value, str))
_WHOLE: _Kind = ("a whole number of at least 0", _is_whole)
_COUNT: _Kind = ("a whole number of at least 1", lambda value: _is_whole(value, 1))
_NUMBER: _Kind = ("a number", _is_number)
_TEXTS: _Kind = ("a list of texts", _are_texts)
_NAMED: _Kind = ("texts by name", _are_named_texts)
_LIST: _Kind = ("a list", lambda value: isinstance(value, list))
_MAPPING: _Kind = ("a mapping", lambda value: isinstance(value, dict))
_SOME: _Kind = (
    "a mapping that is not empty",
    lambda value: isinstance(value, dict) and value != {},
)


def _or_null(kind: _Kind) -> _Kind:
    return f"{kind[0]}, or null", lambda value: value is None or kind[1](value)


_BEGUN: dict[str, _Kind] = {
    "run": _TEXT,
    "command": _TEXT,
    "seed": _WHOLE,
    "replicates": _COUNT,
    "points": _or_null(_COUNT),
    "block_size": _COUNT,
    "parameters_varied": _TEXTS,
    "agents_added": _TEXTS,
    "versions": _NAMED,
    "started": _TEXT,
    "scenarios": _SOME,
}
_FINISHED: dict[str, _Kind] = {"finished": _TEXT, "failures": _LIST}
#: What not every folder has, by version or by kind of batch.
_MAY_HAVE: dict[str, _Kind] = {"engine": _TEXT, "parameters_sha256": _TEXT}
_SEAL: dict[str, _Kind] = {"identity": _TEXT, "checksum": _TEXT}
_SEAL_OF_FINISHED: dict[str, _Kind] = {"files": _NAMED, **_SEAL}
_SCENARIO: dict[str, _Kind] = {
    "title": _TEXT,
    "digest": _TEXT,
    "horizon_hours": _NUMBER,
    "states": _TEXTS,
    "scenario": _MAPPING,
}
_FAILURE: dict[str, _Kind] = {
    "block": _WHOLE,
    "scenario": _TEXT,
    "first_replicate": _WHOLE,
    "replicates": _COUNT,
    "first_point": _WHOLE,
    "points": _COUNT,
    "seed": _WHOLE,
    "error": _TEXT,
    "trace": _TEXT,
}


def open_manifest(plan: Plan, command: Sequence[str] | None = None) -> dict[str, Any]:
    """What is known of a batch before it runs.

    Args:
        plan: what it is to run.
        command: the command line that asked for it; this process's own where left out.
    """
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
    manifest: dict[str, Any],
    rows: dict[str, int],
    failures: Sequence[BlockFailure] = (),
) -> dict[str, Any]:
    """The manifest of a batch that has ended.

    Args:
        manifest: what `open_manifest` gave.
        rows: scenario name to the replicates that it has.
        failures: blocks that failed.
    """
    scenarios = {
        name: {"replicates_done": rows[name], **about}
        for name, about in manifest["scenarios"].items()
    }
    return {
        **{key: value for key, value in manifest.items() if key != "scenarios"},
        "finished": _now(),
        "failures": [
            {
                "block": one.number,
                "scenario": one.scenario,
                "first_replicate": one.first,
                "replicates": one.count,
                "first_point": one.first_point,
                "points": one.points,
                "seed": one.seed,
                "error": one.error,
                "trace": one.trace,
            }
            for one in failures
        ],
        "scenarios": scenarios,
    }


def identity_of(manifest: Mapping[str, Any]) -> str:
    """The digest of what was asked and of what computes it: batches that share it are the same."""
    asked = {
        **{name: manifest.get(name) for name in _ASKED},
        "versions": decisive(manifest.get("versions", {})),
        "scenarios": [[name, one["digest"]] for name, one in manifest["scenarios"].items()],
    }
    return _digest(asked)


def seal(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with its identity, and the checksum by which any change to it is found."""
    content = {
        **{name: value for name, value in manifest.items() if name not in _SEAL},
        "identity": identity_of(manifest),
    }
    return {**content, "checksum": _digest(content)}


def is_sealed(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest has a checksum: those of earlier versions have none."""
    return "checksum" in manifest


def as_json(manifest: Mapping[str, Any]) -> bytes:
    """A manifest as the content of its file."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    # A command line may hold bytes that are no text; as backslashes JSON can hold them.
    return text.encode("utf-8", "backslashreplace")


def load_manifest(path: Path) -> Any:
    """What is in the file of a manifest, whatever it is.

    Raises:
        OSError, ValueError: when it cannot be read, or is no JSON.
        ResultsError: when it is no file of its own.
    """
    text = inside(path.parent, path.name).read_text(encoding="utf-8")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def check_manifest(manifest: Any, path: Path, is_finished: bool) -> dict[str, Any]:
    """Make sure that what a file holds is a manifest, and the one that was written there.

    Args:
        manifest: the content of the file.
        path: the file.
        is_finished: whether it is to be that of a batch that has ended.

    Raises:
        ResultsError: when it is none, has another layout, lacks something, or has been changed.
    """
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise ResultsError(f"{path} is not the manifest of a results folder")
    if manifest["format"] != FORMAT:
        raise ResultsError(
            f"{path.parent} holds results in layout {manifest['format']!r}; "
            f"Crisis Sim {__version__} reads layout {FORMAT}"
        )
    marks = _SEAL_OF_FINISHED if is_finished else _SEAL
    found = {name: kind for name, kind in _MAY_HAVE.items() if name in manifest}
    if any(name in manifest for name in marks):
        found |= marks
    _check_shape(manifest, _BEGUN | (_FINISHED if is_finished else {}) | found, path)
    of_scenario = _SCENARIO | ({"replicates_done": _WHOLE} if is_finished else {})
    for name, one in manifest["scenarios"].items():
        _check_shape(one, of_scenario, path, f"scenarios.{name}")
    for place, one in enumerate(manifest["failures"] if is_finished else ()):
        _check_shape(one, _FAILURE, path, f"failures[{place}]")
    if is_sealed(manifest) and seal(manifest) != manifest:
        raise ResultsError(
            f"{path} has been changed since it was written: it is not what its checksum says"
        )
    return manifest


def _check_shape(found: Any, kinds: Mapping[str, _Kind], path: Path, where: str = "") -> None:
    if not isinstance(found, dict):
        raise ResultsError(f"{path}: {where}: expected a mapping, got {found!r:.60}")
    for name, (words, is_right) in kinds.items():
        place = f"{where}.{name}" if where else name
        if name not in found:
            raise ResultsError(f"{path}: {place} is missing; expected {words}")
        if not is_right(found[name]):
            raise ResultsError(f"{path}: {place}: expected {words}, got {found[name]!r:.60}")


def _digest(content: Any) -> str:
    """The SHA-256 of plain data, whose order counts."""
    text = json.dumps(content, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def git_revision() -> tuple[str | None, bool | None]:
    """The code's commit and whether its files differ from it; None where it is no checkout."""
    root = Path(__file__).resolve().parents[2]
    try:
        if not (root / ".git").exists():
            return None, None
        revision = _git(root, "rev-parse", "HEAD")
        changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (
        OSError,
        subprocess.CalledProcessError,
    ):  # no git here, it will not read this checkout, or we may not look
        return None, None
    return revision, bool(changes)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def name_of(agent: Any) -> str:
    """What a maker of agents is called, with its module."""
    kind = (
        agent if hasattr(agent, "__qualname__") else type(agent)
    )  # a class or function, or neither
    return f"{kind.__module__}.{kind.__qualname__}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


# --- Whether a batch that is to go on is the one that was begun, and if not, where they differ

#: Differences that are shown; the others are counted.
SHOWN = 12
#: What stands for a value that one of the two has not.
NONE = "nothing"


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was.

    Attributes:
        of: what it belongs to: a scenario's name, or the batch.
        path: what it is; in a scenario, its path.
        old, new: the value with which the run was begun, and the one now.
    """

    of: str
    path: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.of}: {self.path}: {_shown(self.old)} there, {_shown(self.new)} now"


def in_lines(differences: list[Difference]) -> str:
    """The differences, one a line."""
    lines = [f"\n  {one}" for one in differences[:SHOWN]]
    if len(differences) > SHOWN:
        lines.append(f"\n  and {len(differences) - SHOWN:,} more")
    return "".join(lines)


def refuse(folder: Path, found: list[Difference], what: str = "a run") -> None:
    """Refuse to go on with what a folder holds where there are differences.

    Raises:
        ResultsError: when there are; shows them.
    """
    if found:
        raise ResultsError(
            f"{folder} holds {what} that was begun otherwise, and cannot go on as this one:"
            f"{in_lines(found)}\n"
            "go on with what it was begun with, or give another folder"
        )


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
    """Where a batch differs from the one that was begun.

    Args:
        begun: the manifest with which it was begun.
        parameters: the values by path with which it was begun.
        plan: what is to be run.
        now: the manifest with which it would begin now.
    """
    found = [
        Difference("batch", name, begun.get(name), now[name])
        for name in ("seed", "replicates", "points", "block_size", "engine", "agents_added")
        if begun.get(name) != now[name]
    ]
    names = [list(about["scenarios"]) for about in (begun, now)]
    if names[0] != names[1]:
        found.append(Difference("batch", "scenarios", *map(", ".join, names)))
    for name in names[0]:
        if name in now["scenarios"]:
            found += _between(
                name, *(about["scenarios"][name]["scenario"] for about in (begun, now))
            )
    return found + list(_of_parameters(parameters, plan.parameters))


def _of_parameters(
    old: Mapping[str, NDArray[Any]], new: Mapping[str, NDArray[Any]]
) -> Iterator[Difference]:
    import numpy as np

    for path in sorted({*old, *new}):
        if path not in old or path not in new:
            kinds = ("values given" if path in given else None for given in (old, new))
            yield Difference("parameters", path, *kinds)
        elif old[path].shape != new[path].shape:
            yield Difference(
                "parameters", path, *(f"{len(one)} values" for one in (old[path], new[path]))
            )
        elif (old[path] != new[path]).any():
            row = int(np.argmax(old[path] != new[path]))
            yield Difference("parameters", f"{path}, value {row}", old[path][row], new[path][row])


def _between(name: str, old: Any, new: Any) -> list[Difference]:
    """Where two resolved scenarios differ."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return [
        Difference(name, path, before.get(path, NONE), after.get(path, NONE))
        for path in {**before, **after}
        if before.get(path, NONE) != after.get(path, NONE)
    ]


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


def _shown(value: Any) -> str:
    return NONE if value is None else str(value)
