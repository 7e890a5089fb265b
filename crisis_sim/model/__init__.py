"""The world: a crisis as a Mesa model whose every attribute is an array over replicates, and its agents.

`engine.py` takes crises from event to event by rules that classes of agents declare; `crisis.py` is the model; `state.py`
decides and acts; `parties.py` holds mediators, lenders, back-channels and advisers; `ending.py` talks, halts and endings;
`luck.py` gives every event its own keyed luck; `parameters.py` draws what the scenario leaves uncertain; `record.py` and
`journal.py` say what happened.
"""

from crisis_sim.model.crisis import CrisisModel, Decision
from crisis_sim.model.engine import Agent, Event, rule
from crisis_sim.model.journal import Entry, Journal

__all__ = ["Agent", "CrisisModel", "Decision", "Entry", "Event", "Journal", "rule"]
