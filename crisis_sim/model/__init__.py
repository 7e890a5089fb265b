"""The model: a crisis as a Mesa model whose attributes are arrays over replicates, and its agents.

`crisis.py` contains the model, and `agent.py` the base class of agents. The agents are in `states.py` (with `choice.py`,
`acts.py` and `economy.py`), `third_parties.py` (mediators, lenders, back-channels, advisers) and `ending.py` (talks, halts
and endings). `cast.py` creates them, `layout.py` derives records from their declarations, `rule_checks.py` reports mistakes
in rules, and `event_loop.py` combines their rules and runs crises from event to event; `compiling.py` compiles rules, and
`gpu.py` runs them on a graphics card. `luck.py` has keyed random numbers, `sampled_parameters.py` draws uncertain numbers
of the scenario, and `journal.py` and `observer.py` provide the event log and the outcomes.
"""

# isort: off
from crisis_sim.model import mesa_import  # noqa: F401 - before other modules import Mesa

# isort: on
from crisis_sim.model.agent import Agent, Event, rule
from crisis_sim.model.choice import Decision
from crisis_sim.model.crisis import CrisisModel
from crisis_sim.model.journal import Entry, Journal

__all__ = ["Agent", "CrisisModel", "Decision", "Entry", "Event", "Journal", "rule"]
