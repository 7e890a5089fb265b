"""A Security Council that calls for a ceasefire."""

from crisis_sim import Agent, Event, rule


class SecurityCouncil(Agent):
    """It meets once there is serious violence, and its call makes a halt worth more to both states."""

    role = "councils"
    events = (Event("meet", "meet", rate="meeting"),)

    class Variables:
        """What changes."""

        called: bool

    @rule
    def meeting(own, facts, c, p, luck):
        """Once in five days, while there is serious violence and it has not called yet."""
        return 0.2 if c.worst >= 2 and not own.called else 0.0

    @rule
    def meet(own, facts, c, p, luck):
        """Call for a ceasefire."""
        own.called = True

    @rule
    def influence(own, facts, c, p, luck):
        """Its call is worth 2 to either state."""
        if own.called:
            c.states[0].dovish += 2.0
            c.states[1].dovish += 2.0
