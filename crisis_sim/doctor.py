"""Whether Crisis Sim can work on this machine: what `crisis-sim doctor` looks at."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.version import __version__

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch

#: The oldest Python that Crisis Sim runs on.
OLDEST_PYTHON = (3, 11)
#: Replicates of the trial run.
TRIAL = 64


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        name: what was looked at.
        ok: whether it is as it should be.
        detail: what was found, in a few words.
    """

    name: str
    ok: bool
    detail: str


def examine() -> Iterator[Finding]:
    """All checks, one after the other, the quick ones first."""
    yield Finding("crisis-sim", True, f"{__version__} in {Path(__file__).parent}")
    yield Finding(
        "python",
        sys.version_info >= OLDEST_PYTHON,
        f"{platform.python_version()} in {sys.executable}",
    )
    yield Finding("platform", True, platform.platform())
    from crisis_sim.batch.cores import cores

    yield Finding("cores", True, f"{cores()} for this process")
    yield from _dependencies()
    yield _attempt("folder to work in", _writable)
    yield _attempt("scenarios", _scenarios)
    yield _attempt("trial run", _trial_run)


def _dependencies() -> Iterator[Finding]:
    """The libraries that the installed package asks for; told by their metadata, not imported."""
    from packaging.requirements import Requirement

    try:
        required = metadata.requires("crisis-sim") or []
    except metadata.PackageNotFoundError:
        yield Finding("libraries", True, "not known: this checkout is not installed")
        return
    for text in required:
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            yield Finding(wanted.name, False, f"missing; needed: {wanted}")
            continue
        fits = wanted.specifier.contains(found, prereleases=True)
        yield Finding(wanted.name, fits, found if fits else f"{found}; needed: {wanted}")


def _attempt(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except Exception as error:  # noqa: BLE001 - whatever it is, a person who asks wants to hear of it
        return Finding(name, False, f"{type(error).__name__}: {error}")


def _writable() -> str:
    folder = Path.cwd()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".crisis-sim-"):
        return f"{folder} can be written"


def _scenarios() -> str:
    from crisis_sim.scenario.load import load_scenario
    from crisis_sim.scenario.shipped import shipped_folder, shipped_names

    names = shipped_names()
    for name in names:
        load_scenario(name)
    if not names:
        raise FileNotFoundError(f"none in {shipped_folder()}")
    return f"{len(names)} in {shipped_folder()}"


def _rows(batch: Batch) -> list[dict[str, Any]]:
    """Outcomes as plain values: equal tables may be stored otherwise."""
    rows: list[dict[str, Any]] = next(iter(batch.ensembles.values())).table.to_pylist()
    return rows


def _trial_run() -> str:
    """A small batch, twice, cut into other blocks the second time: it must be the same."""
    from crisis_sim.batch import simulate
    from crisis_sim.scenario.template import TEMPLATE

    began = time.perf_counter()
    whole = simulate(TEMPLATE, TRIAL, seed=1)
    seconds = time.perf_counter() - began
    parts = simulate(TEMPLATE, TRIAL, seed=1, block_size=TRIAL // 3)
    if _rows(whole) != _rows(parts):
        raise ArithmeticError("the same replicates came out otherwise in smaller blocks")
    return f"{TRIAL} crises in {seconds:.1f} s, and again the same in smaller blocks"
