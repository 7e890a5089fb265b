"""The world: a crisis as a Mesa model whose every attribute is an array over replicates, and its agents.

`crisis.py` is the model. `engine.py` says what an agent is, `cast.py` who takes part, `layout.py` makes records of what
classes declare, `schedule.py` strings their rules together and takes crises from event to event, `check.py` says what is
wrong with a rule, `listing.py` lists what can happen, `compiled.py` keeps what is compiled, and `gpu.py` runs the rules on a
graphics card. The agents are in `state.py` (with `choice.py`, `acts.py`,
`economy.py`), `parties.py` (mediators, lenders, back-channels, advisers) and `ending.py` (talks, halts and endings).
`luck.py` gives every event its own keyed luck, `parameters.py` draws what the scenario leaves uncertain, and `record.py`,
`journal.py` and `observer.py` say what happened.
"""

# isort: off
from crisis_sim.model import mesa_import  # noqa: F401 - before whatever imports Mesa

# isort: on
from crisis_sim.model.choice import Decision
from crisis_sim.model.crisis import CrisisModel
from crisis_sim.model.engine import Agent, Event, rule
from crisis_sim.model.record import Entry, Journal

__all__ = ["Agent", "CrisisModel", "Decision", "Entry", "Event", "Journal", "rule"]
