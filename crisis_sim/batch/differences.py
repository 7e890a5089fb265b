"""Whether a batch that is to go on is the one that was begun, and if not, where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.errors import ResultsError
from crisis_sim.batch.versions import DECISIVE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crisis_sim.batch.plan import Plan

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
