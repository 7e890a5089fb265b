"""Imports Mesa without pandas, NetworkX and SciPy, which it imports and no crisis needs: a second of processor time less.

In Mesa's modules stand-ins take their place, which import the library when something is asked of it; everybody else
imports the library itself.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_LATE = ("pandas", "networkx", "scipy.spatial", "scipy.spatial.distance")


class _Late(ModuleType):
    """Stands in for a library until something is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if "." not in self.__name__ and not (_importing and name.islower()):
            return getattr(_real(self), name)

        def late(*given: Any, **named: Any) -> Any:
            """A function that Mesa takes by its name as it is imported."""
            return getattr(_real(self), name)(*given, **named)

        return late


def _real(standing_in: ModuleType) -> ModuleType:
    """The library itself; some versions of Mesa ask for it while they are imported, when a stand-in has its place."""
    for name, one in [*sys.modules.items()]:
        if isinstance(one, _Late):
            del sys.modules[name]
    return import_module(standing_in.__name__)


_importing = True
_standing_in = [name for name in _LATE if name not in sys.modules]
sys.modules |= {name: _Late(name) for name in _standing_in}
try:
    import mesa  # noqa: F401
finally:
    _importing = False
    for _name in _standing_in:
        if isinstance(sys.modules.get(_name), _Late):
            del sys.modules[_name]
