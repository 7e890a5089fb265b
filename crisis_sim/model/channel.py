"""A back-channel: opened by who wants out, broken by fire, useful as far as it is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.model import tell
from crisis_sim.model.agent import CrisisAgent, Role
from crisis_sim.model.arrays import Array, Held, Real, reals
from crisis_sim.model.compiled import rule
from crisis_sim.model.luck import rings
from crisis_sim.model.record import CHANNEL_OPENED, mark, note
from crisis_sim.scenario.schema import ChannelSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: All that changes in a line: see `Channel`.
LINE = np.dtype([("wished", Real), ("open", np.bool_)], align=True)
#: What an open line is worth, and how soon it opens and breaks.
WORTH = reals("trust", "information", "openings", "breaks", "exposed")
PURPOSES = ("open", "break")
OPEN, BREAK = range(2)
_ONE = Real(1)


class Channel(Role):
    """A private line between the two states.

    Attributes (arrays over replicates):
        open: whether the line is open.
        wished: how much agents of one's own want it opened.
    """

    held_in = "lines"

    open = Held()
    wished = Held()

    def __init__(self, model: CrisisModel, name: str, spec: ChannelSpec, place: int) -> None:
        super().__init__(model, name, place)
        self.title = spec.title or name
        self.opened_by = spec.opened_by
        self.facts = model.parameters.numbers(f"channels.{name}", spec)
        self.open = spec.standing
        model.record.add_figure(f"{name}_opened_at_hours")

    def worth(self) -> dict[str, Array]:
        """What it is worth: `WORTH`."""
        channels = self.crisis.behaviour.channels
        return {
            "trust": self.facts.trust,
            "information": channels.information,
            "openings": channels.openings_per_day,
            "breaks": channels.breaks_per_day,
            "exposed": 1 - self.facts.trust,
        }

    @property
    def openers(self) -> list[CrisisAgent]:
        """Who may open it."""
        openers = [agent for agent in self.crisis.cast if agent.name in self.opened_by]
        return sorted(openers, key=lambda agent: agent.name)

    def keenest(self, place: int) -> str:
        """Who of the scenario's openers has this place among them, or else who of one's own agents wants it most."""
        if place >= 0:
            able = (*self.crisis.states, *self.crisis.mediators)
            return [agent.name for agent in self.openers if agent in able][place]
        own = [agent for agent in self.openers if not isinstance(agent, Role)]
        return max(own, key=lambda agent: float(agent.wish_to_talk()[0])).name

    def series(self) -> dict[str, Array]:
        return {f"{self.name}_open": self.open}


@rule
def act(own: Any, number: Any, worth: Any, wish: Any, here: Any, first: Any, figure: Any) -> Any:
    """A line that is shut opens the sooner the more it is wished for; an open one may break under fire.

    Args:
        number: the channel's number.
        wish: how much those who may open it want to, together.
        first: the number of its first stream of luck.
        figure: the record's column of its first opening.

    Returns:
        whether it was opened.
    """
    board, luck, hours = here.board, here.luck, here.hours
    if own.open:
        if board.under_fire > 0:
            fire = board.danger * worth.exposed
            if rings(luck, first + BREAK, worth.breaks * fire * here.days):
                own.open = False
                note(here.book, tell.CHANNEL_BROKE, number, hours)
    elif board.open_to_decision and rings(luck, first + OPEN, worth.openings * wish * here.days):
        own.open = True
        mark(here.book, figure, hours)
        mark(here.book, CHANNEL_OPENED, hours)
        return True
    return False


@rule
def bear(own: Any, worth: Any, joined: Any) -> None:
    """Join what an open line brings, as far as it is trusted: information, privacy and trust."""
    if own.open:
        joined.information *= _ONE - worth.information * worth.trust
        joined.privacy *= _ONE - worth.trust
        joined.trust *= _ONE - worth.trust
