"""Rules compiled to machine code: they speak of one agent in one replicate, and a driver takes all replicates through them.

A rule is plain Python over numbers and records, which Numba (Lam, Pitrou and Seibert 2015) translates when the driver that
uses it is first called. It computes what its lines say, in their order and precision: nothing is reordered or fused, so
results do not hang on the machine. A number in a rule is of `Real` where the records are: Numba does not take a plain 1.0 as
NumPy does, but computes with it in double precision.

Only drivers can be called from Python, and what they became is kept on disk: in the module's `__pycache__`, or in the user's
cache where that cannot be written, or else in the folder that `NUMBA_CACHE_DIR` names. It is kept under a digest of all the
rules' files, since a driver holds rules of other files and Numba looks only at its own. What is damaged there, or cannot be
written, is said once and ends no run: rules are compiled anew.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numba.core.caching
import platformdirs

from crisis_sim.scenario.load import on_disk

Rule = TypeVar("Rule", bound=Callable[..., Any])
_translate: Any = numba.njit
_caching: Any = numba.core.caching

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


def driver(function: Callable[..., Any]) -> Any:
    """What takes replicates through rules; it makes no arrays either."""
    return _kept(function, _nrt=False)


def compiled(function: Rule) -> Rule:
    """A loop of its own over arrays, which may make arrays."""
    return _kept(function)


def are_kept() -> bool:
    """Whether rules are on disk from an earlier run; where not, the first one compiles them, which takes seconds."""
    folder = _folder()
    return folder is not None and any(folder.rglob("schedule.run_crises-*.nbi"))


def _kept(function: Rule, **options: Any) -> Rule:
    made = _translate(function, **options, **OPTIONS)
    if _folder() is not None:
        try:
            made._cache = _Kept(function)
        except (OSError, RuntimeError) as error:  # RuntimeError: Numba finds no place
            _warn(_NOT_KEPT, error)
    return cast(Rule, made)


class _Place(_caching.UserProvidedCacheLocator):  # type: ignore[misc]
    """The folder in which what became of a function is kept."""

    def __init__(self, function: Any, file: str) -> None:
        self._py_file, self._lineno = file, function.__code__.co_firstlineno
        self._cache_path = str(_home() / self.get_suitable_cache_subpath(file))

    @classmethod
    def from_function(cls, function: Any, file: str) -> Any:
        place = cls(function, file)
        if not (place.is_ours or Path(file).is_file()):
            return None
        with suppress(OSError):
            place.ensure_cache_path()
            return place
        return None

    @property
    def is_ours(self) -> bool:
        """Whether it is of a rule of the model; the folder's name tells their files, which may lie in a zip file."""
        return Path(self._py_file).parent == Path(__file__).parent

    def get_source_stamp(self) -> Any:
        return _home().name if self.is_ours else super().get_source_stamp()


class _Form(_caching.CompileResultCacheImpl):  # type: ignore[misc]
    """How what became of a function is written."""

    _locator_classes = (_Place,)


class _Files(_caching.IndexDataCacheFile):  # type: ignore[misc]
    """The files of what became of a function: each bears its checksum, and says what it is of."""

    def save(self, key: Any, data: Any) -> None:
        super().save(key, (key, data))

    def load(self, key: Any) -> Any:
        found = super().load(key)
        if found is None:
            return None
        whose, data = found
        if whose != key:
            raise ValueError("it is not what its index says")
        return data

    def _save_data(self, name: str, data: Any) -> None:
        content = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def _load_data(self, name: str) -> Any:
        try:
            whole = Path(self._data_path(name)).read_bytes()
        except FileNotFoundError:  # which Numba takes for what is not kept
            raise
        except OSError as error:
            raise ValueError(str(error)) from error
        size = hashlib.sha256().digest_size
        if hashlib.sha256(whole[size:]).digest() != whole[:size]:
            raise ValueError("its content is not what its checksum says")
        return pickle.loads(whole[size:])  # noqa: S301 - as Numba does


class _Kept(_caching.FunctionCache):  # type: ignore[misc]
    """What became of a function, on disk; where that fails, all goes on without it."""

    _impl_class = _Form

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        place, self._base = self._impl.locator, self._impl.filename_base
        self._cache_file = _Files(self._cache_path, self._base, place.get_source_stamp())

    def load_overload(self, signature: Any, target: Any) -> Any:
        try:
            return super().load_overload(signature, target)
        except Exception as error:  # noqa: BLE001 - a damaged file may bring about any
            self._clear_away()
            _warn(
                "rules that were compiled earlier are damaged on disk, and are compiled anew", error
            )
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        try:
            super().save_overload(signature, compiled)
        except Exception as error:  # noqa: BLE001 - not to keep it costs time, and no more
            _warn(_NOT_KEPT, error)

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        """What a kept overload is found by: its types in words, as an index of types would hold rules that are gone."""
        _, *others = super()._index_key(sig, codegen)
        types = getattr(sig, "args", sig)
        return (tuple(map(_in_words, types)), *others)

    def _clear_away(self) -> None:
        """Remove what cannot be read, so that what is made in its place is kept."""
        for path in Path(self._cache_path).iterdir():
            if path.name.startswith(f"{self._base}."):
                with suppress(OSError):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _in_words(kind: Any) -> str:
    """A type, alike in every process; a rule by its name."""
    if isinstance(kind, numba.types.Dispatcher):
        return str(kind.dispatcher._uuid)
    return str(kind)


_NOT_KEPT = "compiled rules cannot be kept on disk, and the next run compiles them again"
#: What this process has said of what is kept on disk.
_said: set[str] = set()


def _warn(what: str, error: Exception) -> None:
    """Say once in a process that what is kept on disk is of no use."""
    if what not in _said:
        _said.add(what)
        warnings.warn(f"{what} ({_home()}: {type(error).__name__}: {error})", stacklevel=2)


def _home() -> Path:
    """The folder in which what is compiled is kept, where there is one."""
    folder = _folder()
    if folder is None:
        raise RuntimeError("nothing can be kept on disk")
    return folder


@cache
def _folder() -> Path | None:
    """Where what is compiled is kept, or None where no place can be written."""
    here = on_disk(Path(__file__).parent)
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    user = platformdirs.user_cache_path("crisis-sim")
    beside = (
        [here / "__pycache__"] if here == Path(__file__).parent else []
    )  # else it is a copy that goes
    for place in [Path(chosen)] if chosen else [*beside, user]:
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
