"""A Security Council that calls for a ceasefire."""

from crisis_sim import Agent, Event, rule

#: Meetings per day while there is serious violence. A guess.
MEETINGS_PER_DAY = 0.2
#: The value that its call adds to a halt, for either state. A guess.
WEIGHT = 2.0
#: The least violence for which it meets: 2 is serious clashes.
SERIOUS = 2


class SecurityCouncil(Agent):
    """It meets once there is serious violence, and its call makes a halt worth more to both states."""

    role = "councils"
    events = (Event("meet", "meet", rate="meeting"),)

    class Variables:
        """The variables of the agent."""

        called: bool  # whether it has called for a ceasefire

    @rule
    def meeting(own, facts, c, p, luck):
        """It meets at a steady rate while there is serious violence and it has not yet called for a ceasefire."""
        return MEETINGS_PER_DAY if c.worst >= SERIOUS and not own.called else 0.0

    @rule
    def meet(own, facts, c, p, luck):
        """Call for a ceasefire."""
        own.called = True

    @rule
    def influence(own, facts, c, p, luck):
        """Its call makes a halt worth more to both states."""
        if own.called:
            c.states[0].dovish += WEIGHT
            c.states[1].dovish += WEIGHT

    def outcomes(self):
        """Add a column to the results."""
        return {"council_called": self.called}
