"""An adviser: a dove or a hawk in one state's councils, who speaks up when danger grows, and is heard for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crisis_sim.model.agent import Influence, ThirdParty
from crisis_sim.model.arrays import Array, Indices, at
from crisis_sim.model.state import State
from crisis_sim.scenario.schema import AdviserSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel


class Adviser(ThirdParty):
    """A voice for restraint (dove) or for force (hawk).

    Attributes (arrays over replicates):
        voice: how much the last counsel is still heard, 0 to 1.
    """

    def __init__(self, model: CrisisModel, name: str, spec: AdviserSpec) -> None:
        super().__init__(model, name)
        self.title = spec.title or name
        self.state_name = spec.state
        self.stance = spec.stance
        self.facts = model.parameters.numbers(f"advisers.{name}", spec)
        self.voice = self.array()
        self._worn_off = model.share(1 / model.behaviour.advice.lasts_days)
        model.record.add(f"{name}_spoke_at_hours")

    def observe(self) -> None:
        self.voice *= 1 - self._worn_off

    def act(self) -> None:
        crisis, advice = self.crisis, self.crisis.behaviour.advice
        alarmed = (crisis.danger > self.facts.attention_threshold) & crisis.open_to_decision
        silent = alarmed.nonzero()[0]
        rate = at(advice.counsels_per_day, silent) * (1 - self.voice[silent])
        who = self.where("speak", rate, silent)
        if who.size:
            self.voice[who] = 1.0
            crisis.record.mark(f"{self.name}_spoke_at_hours", who, crisis.hours)
            crisis.tell("spoke", self.name, stance=self.stance)

    def influence(self, state: State, who: Indices) -> Influence | None:
        if state.name != self.state_name:
            return None
        advice = self.crisis.behaviour.advice
        counsel = at(self.facts.trust, who) * self.voice.take(who)
        if self.stance == "hawk":
            counsel = -counsel
        return Influence(
            restraint=at(advice.weight, who) * counsel,
            inducement=at(advice.weight_on_halt, who) * counsel,
        )

    def series(self) -> dict[str, Array]:
        return {f"{self.name}_voice": self.voice}
