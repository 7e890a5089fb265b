"""May 2025 with an agent of one's own: former officials of both states who meet abroad.

python track_two.py
"""

import math
from pathlib import Path

import numpy as np

from crisis_sim import Agent, Event, load_scenario, rule, simulate, summarise
from crisis_sim.outcomes import join
from crisis_sim.report import draw_differences, print_summary, save_chart


class TrackTwo(Agent):
    """Former officials of both states, who meet while the crisis is dangerous.

    A meeting builds familiarity, which fades. Those who are familiar read each other
    better, and trust a halt more.
    """

    role = "talks"
    name = "track_two"
    events = (Event("meet", "meet", rate="meetings"),)

    threshold = 0.3  # danger from which they meet, 0 to 1
    meetings_per_day = 0.5  # how often they then meet
    builds = 0.4  # share of what familiarity lacks that a meeting adds
    lasts_days = 10.0  # time in which familiarity fades to a third
    weight = 0.5  # how much of it reaches those who decide, 0 to 1

    class Variables:
        familiarity: float  # how well they know each other, 0 to 1
        met_at: float  # when they first met, days

    class Facts:
        threshold: float
        meetings_per_day: float
        builds: float
        lasts_days: float
        weight: float

    def facts(self):
        return {name: getattr(self, name) for name in self.Facts.__annotations__}

    @rule
    def begin(own, facts, c, p, luck):
        """They have not met."""
        own.met_at = math.nan

    @rule
    def meetings(own, facts, c, p, luck):
        """How often they meet, a day."""
        return facts.meetings_per_day if c.danger > facts.threshold else 0.0

    @rule
    def meet(own, facts, c, p, luck):
        """A meeting builds familiarity."""
        own.familiarity += facts.builds * (1 - own.familiarity)
        if math.isnan(own.met_at):
            own.met_at = c.now

    @rule
    def pass_time(own, facts, c, p, luck):
        """It fades."""
        own.familiarity *= math.exp(-c.wait / facts.lasts_days)

    @rule
    def influence(own, facts, c, p, luck):
        """What is lacking of information and trust is lacking less."""
        heard = facts.weight * own.familiarity
        for k in range(2):
            state = c.states[k]
            state.information = 1 - (1 - state.information) * (1 - heard)
            state.trust = 1 - (1 - state.trust) * (1 - heard)

    def outcomes(self):
        return {f"{self.name}_met_at_hours": self.records["met_at"] * 24}


def main(replicates=2_000):
    """Run May 2025 with them and without, on the same luck, and say what they change."""
    without = load_scenario("may_2025")
    within = without.model_copy(update={"name": "talks", "title": "May 2025 with talks"})
    both = join(
        simulate(without, replicates),
        simulate(within, replicates, agents=[TrackTwo]),
    )
    summary = summarise(both)
    print_summary(summary)
    folder = Path("results/track_two")
    folder.mkdir(parents=True, exist_ok=True)
    save_chart(draw_differences(both, summary), folder / "differences.png")

    talks = both.ensembles[list(both.ensembles)[-1]]
    met = talks.column("track_two_met_at_hours")
    print(f"They met in {np.isfinite(met).mean():.0%} of all crises.")


if __name__ == "__main__":
    main()
