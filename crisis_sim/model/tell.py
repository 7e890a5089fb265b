"""What rules noted in one replicate, told to its journal in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.scenario.schema import ENDINGS, STYLES

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel
    from crisis_sim.model.journal import Journal

#: What may happen, as a journal calls it; rules note it by its number.
KINDS = (
    "event", "climbed", "stepped_down", "first_strike", "war", "nuclear_use", "accident", "offered", "took_back", "agreed",
    "in_effect", "violation", "absorbed", "relapsed", "engaged", "style", "withdrew", "decided", "channel_opened",
    "channel_broke", "spoke", "yielded", "collapsed", "ended",
)  # fmt: skip
(
    EVENT, CLIMBED, STEPPED_DOWN, FIRST_STRIKE, WAR, NUCLEAR_USE, ACCIDENT, OFFERED, TOOK_BACK, AGREED, IN_EFFECT, VIOLATION,
    ABSORBED, RELAPSED, ENGAGED, STYLE, WITHDREW, DECIDED, CHANNEL_OPENED, CHANNEL_BROKE, SPOKE, YIELDED, COLLAPSED, ENDED,
) = range(len(KINDS))  # fmt: skip

_OF_MEDIATORS = (ENGAGED, STYLE, WITHDREW)
_OF_CHANNELS = (CHANNEL_OPENED, CHANNEL_BROKE)
_OF_NOBODY = (AGREED, IN_EFFECT, VIOLATION, ENDED)


def tell(crisis: CrisisModel, journal: Journal, notes: Any) -> None:
    """Tell the journal what was noted: records of `crisis_sim.model.record.NOTE`."""
    for note in notes:
        kind, agent = int(note["kind"]), int(note["agent"])
        one, two = int(note["one"]), int(note["two"])
        word, detail = KINDS[kind], _detail(crisis, kind, agent, one, two)
        name = _name(crisis, kind, agent)
        if kind == EVENT:
            _, event, numbers = crisis.scheduled[agent]
            word, name = event.kind, event.struck
            detail = {"title": event.title, "deaths": float(np.max(numbers.deaths))}
        journal.note(float(note["hours"]), word, name, detail)


def _name(crisis: CrisisModel, kind: int, agent: int) -> str:
    if kind in _OF_NOBODY or kind == EVENT:
        return ""
    if kind in _OF_MEDIATORS:
        return crisis.mediators[agent].name
    if kind in _OF_CHANNELS:
        return crisis.channels[agent].name
    if kind == DECIDED:
        return crisis.lenders[agent].name
    if kind == SPOKE:
        return crisis.advisers[agent].name
    return crisis.states[agent].name


def _detail(crisis: CrisisModel, kind: int, agent: int, one: int, two: int) -> dict[str, Any]:
    if kind in (CLIMBED, STEPPED_DOWN):
        names = crisis.ladder.names
        return {"from_rung": names[one], "to_rung": names[two]}
    if kind == AGREED:
        return {"by": ["", *crisis.scenario.mediators][one]}
    if kind == STYLE:
        return {"style": STYLES[one - 1]}
    if kind == DECIDED:
        return crisis.lenders[agent].told(decision=one, review=two)
    if kind == CHANNEL_OPENED:
        return {"by": crisis.channels[agent].keenest(one)}
    if kind == SPOKE:
        return {"stance": crisis.advisers[agent].stance}
    if kind == ENDED:
        return {"ending": ENDINGS[one]}
    return {}
