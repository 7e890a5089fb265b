"""Rules compiled to machine code: they speak of one agent in one replicate, and a driver takes all replicates through them.

A rule is plain Python over numbers and records, which Numba (Lam, Pitrou and Seibert 2015) translates when the driver that
uses it is first called. It computes what its lines say, in their order and precision: nothing is reordered or fused, so
results do not hang on the machine. A number in a rule is of `Real` where the records are: Numba does not take a plain 1.0 as
NumPy does, but computes with it in double precision.

Only drivers can be called from Python, and what they became is kept on disk: in the module's `__pycache__`, or in the user's
cache where that cannot be written, or else in the folder that `NUMBA_CACHE_DIR` names. It is kept under a digest of all the
rules' files, since a driver holds rules of other files and Numba looks only at its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import platformdirs

Rule = TypeVar("Rule", bound=Callable[..., Any])
_translate: Any = numba.njit
_settings: Any = numba.config

#: How all of it is compiled. Numbers divided by zero are infinite, as NumPy has it, and a driver lets other threads run.
OPTIONS = {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}
#: Rules make no arrays. Not to count who holds those that they are given saves two thirds of their time.
OF_RULES = OPTIONS | {"_nrt": False, "no_cpython_wrapper": True}


def rule(function: Rule) -> Rule:
    """A rule that becomes part of whatever uses it."""
    return cast(Rule, _translate(function, forceinline=True, **OF_RULES))


def routine(function: Rule) -> Rule:
    """A rule that stays by itself, since it is used in many places or seldom."""
    return cast(Rule, _translate(function, **OF_RULES))


def part(function: Rule) -> Rule:
    """A rule that is put in as it is written, since it gives back a record, which a rule cannot."""
    return cast(Rule, _translate(function, inline="always", **OF_RULES))


def driver(function: Rule) -> Rule:
    """What takes replicates through rules; it makes no arrays either."""
    return _kept(function, _nrt=False)


def compiled(function: Rule) -> Rule:
    """A loop of its own over arrays, which may make arrays."""
    return _kept(function)


def are_kept() -> bool:
    """Whether rules are on disk from an earlier run; where not, the first one compiles them, which takes seconds."""
    folder = _folder()
    return folder is not None and any(folder.rglob("turn.take_turns-*.nbi"))


def _kept(function: Rule, **options: Any) -> Rule:
    folder, usual = _folder(), _settings.CACHE_DIR
    options |= OPTIONS
    if folder is None:
        return cast(Rule, _translate(function, **options))
    _settings.CACHE_DIR = str(folder)  # Numba asks for it when it is told to keep something
    try:
        return cast(Rule, _translate(function, cache=True, **options))
    finally:
        _settings.CACHE_DIR = usual


@cache
def _folder() -> Path | None:
    """Where what is compiled is kept, or None where no place can be written."""
    here = Path(__file__).parent
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    user = platformdirs.user_cache_path("crisis-sim")
    places = [Path(chosen)] if chosen else [here / "__pycache__", user]
    for place in places:
        folder = place / f"rules-{_digest(here)}"
        try:
            if place.parent == here and not folder.exists():
                for outdated in place.glob("rules-*"):
                    shutil.rmtree(outdated, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


def _digest(folder: Path) -> str:
    """A digest of all the rules."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
