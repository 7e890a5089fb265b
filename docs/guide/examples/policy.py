"""May 2025 with an India that never strikes, however much a strike is worth to it.

python policy.py
"""

import numpy as np

from crisis_sim import CrisisModel, load_scenario


def no_strikes(decision):
    """Wait in place of a strike; None leaves any other decision to the state."""
    ladder = {rung.name: rung for rung in decision.model.scenario.ladder}
    chosen = decision.chosen
    return "wait" if chosen in ladder and ladder[chosen].strike else None


def strikes(replicates=200, **policies):
    """The share of crises with a first strike."""
    model = CrisisModel(load_scenario("may_2025"), replicates, policies=policies).run()
    return np.isfinite(model.outcomes()["first_strike_at_hours"]).mean()


if __name__ == "__main__":
    print(f"Crises with a first strike: {strikes():.0%};")
    print(f"if India never strikes: {strikes(india=no_strikes):.0%}.")
