"""Where the model stands against the record: fact by fact, and case by case.

`facts` reads the figures and cases of docs/facts, and `expectations` what is expected of the model. `observer` counts, as
the crises go, what the outcomes do not hold. `families` says what the population scenario gives for each fact, `cases` where
the real times of a case fall among the simulated ones, and `verdict` what that comes to. `validate` does all of it; `page`,
`tables` and `charts` show it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crisis_sim.model.observer import Observer
    from crisis_sim.validation.run import Validation, validate

__all__ = ["Observer", "Validation", "validate"]

#: Where each public name lives; they are fetched when first used, for Mesa takes a while to import.
_HOMES = {"Observer": "observer", "Validation": "run", "validate": "run"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
