"""Validation: the model compared with the historical record, fact by fact and case by case.

`facts` reads the figures and cases of docs/facts and the expectations, and gives verdicts. `simulated` computes the
population scenario's figure for each fact, and the percentile of each case's real times among the simulated ones;
`crisis_sim.model.observer` counts events that the outcomes do not hold. `validate` does all of it; `page`, `text` and
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
