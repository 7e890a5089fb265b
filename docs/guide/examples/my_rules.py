"""A state that never strikes first."""

import math

from crisis_sim import rule
from crisis_sim.model.states import State


class Cautious(State):
    """It waits until the first strike, and decides as other states do from then on."""

    @rule
    def decide(own, rival, facts, c, p, luck):
        """While nobody has struck, it waits."""
        if not math.isnan(c.first_strike_at):
            State.decide(own, rival, facts, c, p, luck)
