"""What computes a batch: the code and the libraries on which every digit depends."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from crisis_sim.scenario.shipped import on_disk
from crisis_sim.version import __version__

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
