"""May 2025 with an agent of one's own: former officials of both states who meet abroad.

python track_two.py
"""

from pathlib import Path

import numpy as np

from crisis_sim import Influence, ThirdParty, load_scenario, simulate, summarise
from crisis_sim.outcomes import join
from crisis_sim.report import draw_differences, print_summary, save_chart


class TrackTwo(ThirdParty):
    """Former officials of both states, who meet while the crisis is dangerous.

    A meeting builds familiarity, which fades. Those who are familiar read each other
    better, can make an offer in private, and trust a halt more.

    Args:
        threshold: danger from which they meet, 0 to 1.
        meetings_per_day: how often they then meet.
        builds: share of what familiarity lacks that a meeting adds.
        lasts_days: time in which familiarity fades to a third.
        weight: how much of it reaches those who decide, 0 to 1.
    """

    def __init__(
        self,
        model,
        name="track_two",
        threshold=0.3,
        meetings_per_day=0.5,
        builds=0.4,
        lasts_days=10.0,
        weight=0.5,
    ):
        super().__init__(model, name)
        self.threshold, self.meetings_per_day = threshold, meetings_per_day
        self.builds, self.weight = builds, weight
        self.familiarity = self.array()  # one number for each replicate, all 0 at first
        self.fading = model.share(1 / lasts_days)  # in a turn
        model.record.add(f"{name}_met_at_hours")

    def observe(self):
        self.familiarity *= 1 - self.fading

    def act(self):
        alarmed = self.crisis.danger > self.threshold
        meets = self.happens("meet", self.meetings_per_day * alarmed)
        self.familiarity[meets] += self.builds * (1 - self.familiarity[meets])
        self.crisis.record.mark(
            f"{self.name}_met_at_hours", np.flatnonzero(meets), self.crisis.hours
        )
        if meets[0]:
            self.crisis.tell("met", self.name)  # for a replay; elsewhere nobody listens

    def series(self):
        return {f"{self.name}_familiarity": self.familiarity}

    def influence(self, state, who):
        heard = self.weight * self.familiarity[who]
        return Influence(information=heard, privacy=heard, trust=heard)


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

    met = both.ensembles["talks"].column("track_two_met_at_hours")
    print(f"They met in {np.isfinite(met).mean():.0%} of all crises.")


if __name__ == "__main__":
    main()
