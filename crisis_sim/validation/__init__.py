"""Where the model stands against the record: fact by fact, and case by case.

`record` reads the figures and cases of docs/facts and what is expected of the model, and gives verdicts. `cases`
computes what the population scenario gives for each fact, and where the real times of a case fall among the simulated
ones; `crisis_sim.model.observer` counts what the outcomes do not hold. `validate` does all of it; `page`, `text` and
`charts` show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from crisis_sim.validation.run import Validation as Validation
    from crisis_sim.validation.run import validate as validate

#: Fetched when first used: Mesa and SciPy are slow to import.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"run": ["Validation", "validate"]}
)
