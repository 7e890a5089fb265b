"""Import Mesa without pandas, NetworkX and SciPy, which no crisis needs; this saves a second.

Mesa's modules get placeholders, which import the library on first use; all other modules import the library itself.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_LATE = ("pandas", "networkx", "scipy.spatial", "scipy.spatial.distance")


class _Late(ModuleType):
    """A placeholder for a library until it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if "." not in self.__name__ and not (_importing and name.islower()):
            return getattr(_library(self), name)

        def late(*given: Any, **named: Any) -> Any:  # Mesa looks functions up while it is imported
            return getattr(_library(self), name)(*given, **named)

        return late


def _remove_placeholders() -> None:
    for name, module in [*sys.modules.items()]:
        if isinstance(module, _Late):
            del sys.modules[name]


def _library(placeholder: ModuleType) -> ModuleType:
    """Import the library itself; some versions of Mesa use it while they are imported."""
    _remove_placeholders()
    return import_module(placeholder.__name__)


_importing = True
sys.modules |= {name: _Late(name) for name in _LATE if name not in sys.modules}
try:
    import mesa  # noqa: F401
finally:
    _importing = False
    _remove_placeholders()
