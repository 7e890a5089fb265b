"""Compilation of rules to machine code, and a cache of the compiled code on disk.

A rule is a plain Python function of numbers and records that describes one agent in one replicate; a driver runs all
replicates through the rules. Numba (Lam, Pitrou and Seibert 2015) compiles both when the driver is first called.
Operations are neither reordered nor fused, so that results do not depend on the machine.

Only drivers can be called from Python. They are cached in the module's `__pycache__`, or in the user's cache folder if
that cannot be written, or in the folder that `NUMBA_CACHE_DIR` names. Numba checks only a driver's own source file, so the
folder's name contains a digest of all modules of the model. A damaged or unwritable cache causes a warning, and rules are
compiled again.
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
njit: Any = numba.njit
_caching: Any = numba.core.caching

#: Options of all compiled functions. Division by zero gives infinity, as in NumPy; drivers release the interpreter lock.
OPTIONS = {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}
#: Options of rules. They create no arrays; without reference counts they take a third of the time.
RULE_OPTIONS = OPTIONS | {"_nrt": False, "no_cpython_wrapper": True}


def rule(function: Rule) -> Rule:
    """Compile a rule that is inlined into its callers."""
    return cast(Rule, njit(function, forceinline=True, **RULE_OPTIONS))


def routine(function: Rule) -> Rule:
    """Compile a rule that is called rather than inlined, because it has many callers or is seldom needed."""
    return cast(Rule, njit(function, **RULE_OPTIONS))


def part(function: Rule) -> Rule:
    """Compile a function whose source is inlined, because compiled rules cannot return records."""
    return cast(Rule, njit(function, inline="always", **RULE_OPTIONS))


def driver(function: Callable[..., Any]) -> Any:
    """Compile a function that runs replicates through rules, and cache it; it cannot create arrays."""
    return _cached(function, _nrt=False)


def compiled(function: Rule) -> Rule:
    """Compile a function that may create arrays, and cache it."""
    return _cached(function)


def is_cached() -> bool:
    """Return true if compiled rules are on disk; otherwise the first run compiles them, which takes seconds."""
    folder = _cache_folder()
    return folder is not None and any(folder.rglob("event_loop.run_crises-*.nbi"))


def _cached(function: Rule, **options: Any) -> Rule:
    dispatcher = njit(function, **options, **OPTIONS)
    if _cache_folder() is not None:
        try:
            dispatcher._cache = _Cache(function)
        except (OSError, RuntimeError) as error:  # RuntimeError: Numba found no locator
            _warn(_NOT_WRITABLE, error)
    return cast(Rule, dispatcher)


class _Locator(_caching.UserProvidedCacheLocator):  # type: ignore[misc]
    """The folder that caches a function."""

    def __init__(self, function: Any, file: str) -> None:
        self._py_file, self._lineno = file, function.__code__.co_firstlineno
        self._cache_path = str(_existing_folder() / self.get_suitable_cache_subpath(file))

    @classmethod
    def from_function(cls, function: Any, file: str) -> Any:
        locator = cls(function, file)
        if not (locator.is_of_model or Path(file).is_file()):
            return None
        with suppress(OSError):
            locator.ensure_cache_path()
            return locator
        return None

    @property
    def is_of_model(self) -> bool:
        """True for functions of the model: the folder's name covers their source, which may be in a zip file."""
        return Path(self._py_file).parent == Path(__file__).parent

    def get_source_stamp(self) -> Any:
        return _existing_folder().name if self.is_of_model else super().get_source_stamp()


class _CacheImpl(_caching.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Locator,)


class _CacheFile(_caching.IndexDataCacheFile):  # type: ignore[misc]
    """The cache files of a function; each begins with a checksum and contains its key."""

    def save(self, key: Any, data: Any) -> None:
        super().save(key, (key, data))

    def load(self, key: Any) -> Any:
        entry = super().load(key)
        if entry is None:
            return None
        saved_key, data = entry
        if saved_key != key:
            raise ValueError("the index refers to another function")
        return data

    def _save_data(self, name: str, data: Any) -> None:
        content = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def _load_data(self, name: str) -> Any:
        try:
            content = Path(self._data_path(name)).read_bytes()
        except FileNotFoundError:  # Numba takes this as a miss
            raise
        except OSError as error:
            raise ValueError(str(error)) from error
        size = hashlib.sha256().digest_size
        if hashlib.sha256(content[size:]).digest() != content[:size]:
            raise ValueError("the checksum does not match")
        return pickle.loads(content[size:])  # noqa: S301 - as Numba does


class _Cache(_caching.FunctionCache):  # type: ignore[misc]
    """The cache of a function; errors cause a warning, and the function is compiled."""

    _impl_class = _CacheImpl

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._base = self._impl.filename_base
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _CacheFile(self._cache_path, self._base, stamp)

    def load_overload(self, signature: Any, target: Any) -> Any:
        try:
            return super().load_overload(signature, target)
        except Exception as error:  # noqa: BLE001 - a damaged file may cause any
            self._remove_files()
            _warn("the cache of compiled rules is damaged; they are compiled again", error)
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        try:
            super().save_overload(signature, compiled)
        except Exception as error:  # noqa: BLE001 - a missing cache only costs time
            _warn(_NOT_WRITABLE, error)

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        """Return the index key, with types as strings: an index of types would refer to rules that no longer exist."""
        _, *others = super()._index_key(sig, codegen)
        return (tuple(map(_type_name, getattr(sig, "args", sig))), *others)

    def _remove_files(self) -> None:
        """Remove unreadable files, so that new ones can be written."""
        for path in Path(self._cache_path).iterdir():
            if path.name.startswith(f"{self._base}."):
                with suppress(OSError):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _type_name(kind: Any) -> str:
    """Return a name of a type that is the same in every process; for a rule, the identifier from its source."""
    if isinstance(kind, numba.types.Dispatcher):
        return str(kind.dispatcher._uuid)
    return str(kind)


_NOT_WRITABLE = "compiled rules cannot be cached on disk; the next run compiles them again"
#: Warnings that this process has already issued.
_warned: set[str] = set()


def _warn(message: str, error: Exception) -> None:
    """Issue a warning once per process."""
    if message not in _warned:
        _warned.add(message)
        details = f"{_existing_folder()}: {type(error).__name__}: {error}"
        warnings.warn(f"{message} ({details})", stacklevel=2)


def _existing_folder() -> Path:
    folder = _cache_folder()
    if folder is None:
        raise RuntimeError("no cache folder can be written")
    return folder


@cache
def _cache_folder() -> Path | None:
    """Return the cache folder, which is created if necessary; None if no place can be written."""
    source = on_disk(Path(__file__).parent)
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    is_installed = source == Path(__file__).parent  # otherwise it is a temporary copy
    usual = [source / "__pycache__"] if is_installed else []
    user = platformdirs.user_cache_path("crisis-sim")
    for parent in [Path(chosen)] if chosen else [*usual, user]:
        folder = parent / f"rules-{_digest(source)}"
        try:
            if parent.parent == source and not folder.exists():
                for outdated in parent.glob("rules-*"):
                    shutil.rmtree(outdated, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


def _digest(folder: Path) -> str:
    """Return a digest of all modules of the model."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
