"""Change one simulated crisis: go back to a moment, change one thing, and see what comes of it.

`past` follows a crisis step by step, says when its milestones were, changes it at a moment and goes on; `branch` puts the
changed history beside the first, or a thousand futures of each; `why` undoes every step on the way to an outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from crisis_sim.history.branch import Branch as Branch
    from crisis_sim.history.branch import branch as branch
    from crisis_sim.history.past import Change as Change
    from crisis_sim.history.past import HistoryError as HistoryError
    from crisis_sim.history.why import Reasons as Reasons
    from crisis_sim.history.why import why as why

#: Fetched when first used: Mesa and SciPy are slow to import.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "branch": ["Branch", "branch"],
        "past": ["Change", "HistoryError"],
        "why": ["Reasons", "why"],
    },
)
