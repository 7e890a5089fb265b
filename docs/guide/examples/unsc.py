"""A Security Council that calls for a ceasefire."""

from crisis_sim import Agent, Event, rule

#: How often it meets while there is reason to, a day. A guess.
MEETINGS_PER_DAY = 0.2
#: What its call adds to the worth of a halt, for either state. A guess.
WEIGHT = 2.0
#: The violence that it meets over: 2 is serious clashes.
SERIOUS = 2


class SecurityCouncil(Agent):
    """It meets once there is serious violence, and its call makes a halt worth more to both states."""

    role = "councils"
    events = (Event("meet", "meet", rate="meeting"),)

    class Variables:
        """What changes."""

        called: bool  # whether it has called for a ceasefire

    @rule
    def meeting(own, facts, c, p, luck):
        """It meets at a steady rate while there is serious violence and it has not called yet."""
        return MEETINGS_PER_DAY if c.worst >= SERIOUS and not own.called else 0.0

    @rule
    def meet(own, facts, c, p, luck):
        """Call for a ceasefire."""
        own.called = True

    @rule
    def influence(own, facts, c, p, luck):
        """Its call counts with both states."""
        if own.called:
            c.states[0].dovish += WEIGHT
            c.states[1].dovish += WEIGHT

    def outcomes(self):
        """A column of its own."""
        return {"council_called": self.called}
