"""A state that never strikes first."""

from crisis_sim import rule
from crisis_sim.model.state import State


class Cautious(State):
    """It waits until the first strike has fallen, and then decides as states do."""

    @rule
    def decide(own, rival, facts, c, p, luck):
        """Wait while nobody has struck; a time that has not come is not a number, and unequal to itself."""
        if c.first_strike_at == c.first_strike_at:
            State.decide(own, rival, facts, c, p, luck)
