"""A mediator: danger draws it in, late; it helps by information, political cover and leverage, never by messages alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crisis_sim.model.agent import Influence, ThirdParty
from crisis_sim.model.arrays import Array, Indices, at
from crisis_sim.model.state import State
from crisis_sim.scenario.schema import STYLES, MediatorSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

FACILITATION, FORMULATION, MANIPULATION = 1, 2, 3


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
        excess = self.alarm - self.facts.attention_threshold
        calls = self.happens("call", mediation.calls_per_day * np.maximum(excess, 0))
        joins = np.flatnonzero(calls & ~self.engaged & crisis.open_to_decision)
        if joins.size:
            self._engage(joins)
        if self._came_in:
            self._change_style(excess)
            bored = self.alarm < mediation.withdrawal_share * self.facts.attention_threshold
            leaves = np.flatnonzero(bored & self.engaged)
            if leaves.size:
                self.engaged[leaves] = False
                crisis.tell("withdrew", self.name)

    def _engage(self, who: Indices) -> None:
        crisis, record = self.crisis, self.crisis.record
        self._came_in = True
        self.engaged[who] = True
        record.mark(f"{self.name}_engaged_at_hours", who, crisis.hours)
        record.mark("mediation_started_at_hours", who, crisis.hours)
        crisis.tell("engaged", self.name)

    def _change_style(self, excess: Array) -> None:
        """Become more intrusive as alarm grows; a style once taken is kept."""
        crisis, mediation = self.crisis, self.crisis.behaviour.mediation
        style = FACILITATION + (excess > mediation.formulation_margin).astype(np.int8)
        style += excess > mediation.manipulation_margin
        style = np.minimum(style, self.ablest_style) * (self.engaged & crisis.open_to_decision)
        who = np.flatnonzero(style > self.style)
        if who.size:
            self.style[who] = style[who]
            crisis.record.raise_to("mediation_style", who, style[who])
            crisis.tell("style", self.name, style=STYLES[int(style[who[0]]) - 1])

    def influence(self, state: State, who: Indices) -> Influence | None:
        if not self._came_in:
            return None
        mediation = self.crisis.behaviour.mediation
        effort, style = self.effort[who], self.style[who]
        trust = effort * at(self.facts.trust.get(state.name, 0.0), who)
        pressing = effort * self.leverage(state, who) * (style >= MANIPULATION)
        terms = trust * (style >= FORMULATION)
        return Influence(
            restraint=at(mediation.leverage_on_restraint, who) * pressing,
            inducement=at(mediation.leverage_on_halt, who) * pressing,
            cover=at(mediation.cover, who) * terms,
            information=at(self.facts.information, who) * trust,
            privacy=trust,
            trust=at(mediation.assurance, who) * terms,
            overtness=effort * (style >= FORMULATION),
        )

    def leverage(self, state: State, who: Indices) -> Array:
        """Leverage that it is ready to use on a state: what it holds, less what its interest there makes it spare."""
        held = at(self.facts.leverage.get(state.name, 0.0), who)
        return held * (1 - at(self.facts.interest.get(state.name, 0.0), who))

    def sway(self, who: Indices) -> Array:
        """How much of a settlement is its work: its effort, by the trust of both sides and the leverage that it uses."""
        pressing = self.style[who] >= MANIPULATION
        total: Array = 0.0
        for state in self.crisis.states:
            trust = at(self.facts.trust.get(state.name, 0.0), who)
            total = total + (trust + pressing * self.leverage(state, who)) / 2
        return self.effort[who] * total

    def series(self) -> dict[str, Array]:
        return {f"{self.name}_effort": self.effort}
