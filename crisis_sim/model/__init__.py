"""The world: a crisis as a Mesa model whose every attribute is an array over replicates, and its agents.

`crisis.py` is the model, and `turn.py` its schedule; `state.py` decides, by the values in `choice.py`; `mediator.py`,
`lender.py`, `channel.py` and `adviser.py` bear on the states; `halt.py` watches whether a halt holds; `endings.py` says
when a crisis is over; `luck.py` gives every event its own keyed luck; `parameters.py` draws what the scenario leaves
uncertain. An agent's file holds the agent, whose attributes are arrays over replicates, and its rules, which speak of one
replicate; `world.py` lays all replicates side by side for them.
"""

from crisis_sim.model.agent import CrisisAgent, ThirdParty
from crisis_sim.model.bearing import Influence
from crisis_sim.model.crisis import CrisisModel
from crisis_sim.model.journal import Entry, Journal

__all__ = ["CrisisAgent", "CrisisModel", "Entry", "Influence", "Journal", "ThirdParty"]
