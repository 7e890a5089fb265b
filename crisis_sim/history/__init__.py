"""Histories: change one and see what comes of it, filter many by what has been seen, or play one.

`past` follows a crisis step by step, says when its milestones were, changes it at a moment and goes on; `branch` puts the
changed history beside the first, or a thousand futures of each; `why` undoes every step on the way to an outcome.
`evidence` reads what has been seen of a crisis, `filtering` keeps the histories that meet it and shows their futures.
`game` lets persons decide, and shows what their state perceives. The functions `branch` and `why` bear the names of their
modules: they are taken from `crisis_sim` itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from crisis_sim.history.branch import Branch as Branch
    from crisis_sim.history.evidence import Evidence as Evidence
    from crisis_sim.history.evidence import load_evidence as load_evidence
    from crisis_sim.history.filtering import Nowcast as Nowcast
    from crisis_sim.history.filtering import nowcast as nowcast
    from crisis_sim.history.game import Game as Game
    from crisis_sim.history.game import debrief as debrief
    from crisis_sim.history.past import Change as Change
    from crisis_sim.history.past import HistoryError as HistoryError
    from crisis_sim.history.why import Reasons as Reasons

#: Fetched when first used: Mesa and SciPy are slow to import.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "branch": ["Branch"],
        "evidence": ["Evidence", "load_evidence"],
        "filtering": ["Nowcast", "nowcast"],
        "game": ["Game", "debrief"],
        "past": ["Change", "HistoryError"],
        "why": ["Reasons"],
    },
)
