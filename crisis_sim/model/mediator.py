"""A mediator: danger draws it in, late; it helps by private ways, information, political cover and leverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.agent import Influence, ThirdParty
from crisis_sim.model.arrays import Array, Indices, at
from crisis_sim.model.state import State
from crisis_sim.scenario.schema import STYLES, MediatorSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

FACILITATION, FORMULATION, MANIPULATION = (1 + STYLES.index(style) for style in STYLES)


class Mediator(ThirdParty):
    """A third party that notices danger late, works the phones and makes refusing costly.

    Attributes (each an array over replicates):
        alarm: danger as it has reached the mediator, 0 to 1.
        engaged: whether it is engaged.
        effort: how much it does, 0 to 1.
        style: how intrusive it has become, 0 (not engaged yet) to 3 (manipulation).
    """

    def __init__(self, model: CrisisModel, name: str, spec: MediatorSpec) -> None:
        super().__init__(model, name)
        self.title = spec.title or name
        self.ablest_style = STYLES.index(spec.style) + 1
        self.facts = model.parameters.numbers(f"mediators.{name}", spec)
        self.alarm = self.array()
        self.engaged = self.array(False, bool)
        self.effort = self.array()
        self.style = self.array(0, np.int8)
        self._came_in = False
        self._alarmed = model.share(1 / self.facts.attention_days)
        self._built_up = model.share(1 / model.behaviour.mediation.effort_days)
        model.record.add(f"{name}_engaged_at_hours")

    def observe(self) -> None:
        self.alarm += self._alarmed * (self.crisis.danger - self.alarm)
        if self._came_in:
            self.effort += self._built_up * (self.engaged - self.effort)

    def act(self) -> None:
        crisis, mediation = self.crisis, self.crisis.behaviour.mediation
        idle = np.greater(crisis.open_to_decision, self.engaged)  # open, and not engaged
        idle &= self.alarm > self.facts.attention_threshold
        waiting = idle.nonzero()[0]
        if waiting.size:
            calls = at(mediation.calls_per_day, waiting) * self._excess(waiting)
            self._engage(self.where("call", calls, waiting))
        if self._came_in:
            engaged = self.engaged.nonzero()[0]
            milder = engaged[self.style.take(engaged) < self.ablest_style]
            if milder.size:
                self._change_style(milder, self._excess(milder))
            self._withdraw(engaged)

    def _excess(self, who: Indices) -> Array:
        """Alarm above the threshold."""
        return self.alarm.take(who) - at(self.facts.attention_threshold, who)

    def _engage(self, who: Indices) -> None:
        if not who.size:
            return
        crisis, record = self.crisis, self.crisis.record
        self._came_in = True
        self.engaged[who] = True
        record.mark(f"{self.name}_engaged_at_hours", who, crisis.hours)
        record.mark("mediation_started_at_hours", who, crisis.hours)
        crisis.tell("engaged", self.name)

    def _change_style(self, who: Indices, excess: Array) -> None:
        """Become more intrusive as alarm grows; a style once taken is kept."""
        crisis, mediation = self.crisis, self.crisis.behaviour.mediation
        style = FACILITATION + (excess > at(mediation.formulation_margin, who)).astype(np.int8)
        style += excess > at(mediation.manipulation_margin, who)
        style = np.minimum(style, self.ablest_style)
        more = ((style > self.style.take(who)) & crisis.open_to_decision.take(who)).nonzero()[0]
        if more.size:
            self.style[who[more]] = style[more]
            crisis.record.raise_to("mediation_style", who[more], style[more])
            crisis.tell("style", self.name, style=STYLES[int(style[more[0]]) - 1])

    def _withdraw(self, who: Indices) -> None:
        share = at(self.crisis.behaviour.mediation.withdrawal_share, who)
        calm = self.alarm.take(who) < share * at(self.facts.attention_threshold, who)
        leaves = who[calm]
        if leaves.size:
            self.engaged[leaves] = False
            self.crisis.tell("withdrew", self.name)

    def wish_to_talk(self) -> NDArray[np.float32]:
        """As far as it exerts itself."""
        return self.effort

    def influence(self, state: State, who: Indices) -> Influence | None:
        if not self._came_in:
            return None
        mediation = self.crisis.behaviour.mediation
        effort = self.effort.take(who)
        trust = effort * at(self.facts.trust.get(state.name, 0.0), who)
        influence = Influence(information=at(self.facts.information, who) * trust, privacy=trust)
        if self.ablest_style == FACILITATION:
            return influence
        style = self.style.take(who)
        formulates = style >= FORMULATION
        terms = trust * formulates
        influence.cover = at(mediation.cover, who) * terms
        influence.trust = at(mediation.assurance, who) * terms
        influence.overtness = effort * formulates
        if self.ablest_style == MANIPULATION:
            pressing = effort * self.leverage(state, who) * (style >= MANIPULATION)
            influence.restraint = at(mediation.leverage_on_restraint, who) * pressing
            influence.inducement = at(mediation.leverage_on_halt, who) * pressing
        return influence

    def leverage(self, state: State, who: Indices) -> Array:
        """Leverage that it is ready to use on a state: what it holds, less what its interest there makes it spare."""
        held = at(self.facts.leverage.get(state.name, 0.0), who)
        return held * (1 - at(self.facts.interest.get(state.name, 0.0), who))

    def sway(self, who: Indices) -> Array:
        """How much of a settlement is its work: its effort, by the trust of both sides and the leverage that it uses."""
        pressing = self.style.take(who) >= MANIPULATION
        total: Array = 0.0
        for state in self.crisis.states:
            trust = at(self.facts.trust.get(state.name, 0.0), who)
            total = total + (trust + pressing * self.leverage(state, who)) / 2
        return self.effort.take(who) * total

    def series(self) -> dict[str, Array]:
        return {f"{self.name}_effort": self.effort}
