"""A mediator: danger draws it in, late; it helps by private ways, information, political cover and leverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.agent import Bearing, ThirdParty
from crisis_sim.model.arrays import Array, Flags, Indices, Real, Settings, reals
from crisis_sim.model.compiled import compiled
from crisis_sim.model.luck import Clock
from crisis_sim.model.state import State
from crisis_sim.scenario.schema import STYLES, MediatorSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: How intrusive a mediator is: its place in `STYLES`, from 1.
FACILITATION, FORMULATION, MANIPULATION = 1, 2, 3

#: How soon it takes alarm, when it acts and when it withdraws: a mediator's own facts.
ATTENTION = reals("alarmed", "threshold", "calm")
#: What it can bring to bear on a state: its own facts, too.
MEANS = reals("trust", "information", "leverage")
#: How all mediators work.
CONDUCT = reals(
    "built_up", "calls", "formulation_margin", "manipulation_margin", "cover", "assurance", "leverage_on_restraint",
    "leverage_on_halt",
)  # fmt: skip
_ZERO, _HALF, _ONE = Real(0), Real(0.5), Real(1)


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
        facts, mediation = self.facts, model.behaviour.mediation
        self._attention = Settings.of(
            ATTENTION,
            alarmed=model.share(1 / facts.attention_days),
            threshold=facts.attention_threshold,
            calm=mediation.withdrawal_share * facts.attention_threshold,
        )
        self._conduct = Settings.of(
            CONDUCT,
            built_up=model.share(1 / mediation.effort_days),
            calls=mediation.calls_per_day,
            formulation_margin=mediation.formulation_margin,
            manipulation_margin=mediation.manipulation_margin,
            cover=mediation.cover,
            assurance=mediation.assurance,
            leverage_on_restraint=mediation.leverage_on_restraint,
            leverage_on_halt=mediation.leverage_on_halt,
        )
        self._means = {state.name: self._means_with(state) for state in model.states}
        model.record.add(f"{name}_engaged_at_hours")

    def _means_with(self, state: State) -> Settings:
        facts = self.facts
        # What it is ready to use is what it holds, less what its interest there makes it spare.
        spared = facts.interest.get(state.name, 0.0)
        return Settings.of(
            MEANS,
            trust=facts.trust.get(state.name, 0.0),
            information=facts.information,
            leverage=facts.leverage.get(state.name, 0.0) * (1 - spared),
        )

    def observe(self) -> None:
        _heed(self._attention.records, self.crisis.danger, self.alarm)
        if self._came_in:
            _exert(self._conduct.records, self.engaged, self.effort)

    def act(self) -> None:
        crisis, record = self.crisis, self.crisis.record
        clock = cast(Clock, self._stream("call", Clock))
        called, restyled, left = _intervene(
            self._attention.records,
            self._conduct.records,
            crisis.open_to_decision,
            self.alarm,
            clock.left,
            self.engaged,
            self.style,
            self.ablest_style,
            Real(crisis.days_per_turn),
        )
        if called.size:
            self._came_in = True
            clock.renew(called)
            record.mark(f"{self.name}_engaged_at_hours", called, crisis.hours)
            record.mark("mediation_started_at_hours", called, crisis.hours)
            crisis.tell("engaged", self.name)
        if restyled.size:
            style = self.style[restyled]
            record.raise_to("mediation_style", restyled, style)
            crisis.tell("style", self.name, style=STYLES[int(style[0]) - 1])
        if left.size:
            crisis.tell("withdrew", self.name)

    def wish_to_talk(self) -> NDArray[np.float32]:
        """As far as it exerts itself."""
        return self.effort

    def bear(self, state: State, who: Indices, bearing: Bearing) -> None:
        """Join what its effort brings; what takes more than facilitation comes with its style."""
        if self._came_in:
            means = self._means[state.name].records
            _bear(means, self._conduct.records, who, self.effort, self.style, bearing.total)

    def outdo(self, number: int, who: Indices, most: NDArray[np.float32], best: Indices) -> None:
        """Put its number where a settlement is more its work than that of the best mediator so far.

        Its sway is its effort, by the trust of both sides and the leverage that it uses.
        """
        one, other = self._means.values()
        _outdo(one.records, other.records, number, who, self.effort, self.style, most, best)

    def series(self) -> dict[str, Array]:
        return {f"{self.name}_effort": self.effort}


@compiled
def _heed(
    attention: NDArray[np.void], danger: NDArray[np.float32], alarm: NDArray[np.float32]
) -> None:
    """Let danger reach it."""
    last = attention.size - 1
    for one in range(alarm.size):
        alarm[one] += attention[min(one, last)].alarmed * (danger[one] - alarm[one])


@compiled
def _exert(conduct: NDArray[np.void], engaged: Flags, effort: NDArray[np.float32]) -> None:
    """Let effort build up while it is engaged, and fall off when it is not."""
    last = conduct.size - 1
    for one in range(effort.size):
        goal = _ONE if engaged[one] else _ZERO
        effort[one] += conduct[min(one, last)].built_up * (goal - effort[one])


@compiled
def _intervene(
    attention: NDArray[np.void],
    conduct: NDArray[np.void],
    open_to_decision: Flags,
    alarm: NDArray[np.float32],
    budget: NDArray[np.float32],
    engaged: Flags,
    style: NDArray[np.int8],
    ablest: int,
    days: np.float32,
) -> tuple[Indices, Indices, Indices]:
    """Call where alarm is above the threshold; become more intrusive as it grows, for good; withdraw where all is calm.

    Returns:
        the replicates in which it called, in which its style changed, and in which it withdrew.
    """
    called = np.empty(alarm.size, np.intp)
    restyled = np.empty(alarm.size, np.intp)
    withdrew = np.empty(alarm.size, np.intp)
    calls = changes = withdrawals = 0
    last, last_conduct = attention.size - 1, conduct.size - 1
    for one in range(alarm.size):
        own, usual = attention[min(one, last)], conduct[min(one, last_conduct)]
        excess = alarm[one] - own.threshold
        if not engaged[one]:
            if not open_to_decision[one] or alarm[one] <= own.threshold:
                continue
            budget[one] -= usual.calls * excess * days
            if budget[one] > 0:
                continue
            engaged[one] = True
            called[calls] = one
            calls += 1
        if style[one] < ablest and open_to_decision[one]:
            fitting = FACILITATION
            if excess > usual.formulation_margin:
                fitting += 1
            if excess > usual.manipulation_margin:
                fitting += 1
            fitting = min(fitting, ablest)
            if fitting > style[one]:
                style[one] = fitting
                restyled[changes] = one
                changes += 1
        if alarm[one] < own.calm:
            engaged[one] = False
            withdrew[withdrawals] = one
            withdrawals += 1
    return called[:calls], restyled[:changes], withdrew[:withdrawals]


@compiled
def _bear(
    means: NDArray[np.void],
    conduct: NDArray[np.void],
    who: Indices,
    effort: NDArray[np.float32],
    style: NDArray[np.int8],
    total: NDArray[np.void],
) -> None:
    """Join its influence in the replicates `who` to the total; shares there are what is left of them."""
    last, last_conduct = means.size - 1, conduct.size - 1
    for place in range(who.size):
        one = who[place]
        own, usual = means[min(one, last)], conduct[min(one, last_conduct)]
        joined = total[place]
        trust = effort[one] * own.trust
        joined.information *= _ONE - own.information * trust
        joined.privacy *= _ONE - trust
        if style[one] >= FORMULATION:
            joined.cover *= _ONE - usual.cover * trust
            joined.trust *= _ONE - usual.assurance * trust
            joined.overtness = max(joined.overtness, effort[one])
        if style[one] >= MANIPULATION:
            pressing = effort[one] * own.leverage
            joined.restraint += usual.leverage_on_restraint * pressing
            joined.inducement += usual.leverage_on_halt * pressing


@compiled
def _outdo(
    means: NDArray[np.void],
    other_means: NDArray[np.void],
    number: int,
    who: Indices,
    effort: NDArray[np.float32],
    style: NDArray[np.int8],
    most: NDArray[np.float32],
    best: Indices,
) -> None:
    last, other_last = means.size - 1, other_means.size - 1
    for place in range(who.size):
        one = who[place]
        own, other = means[min(one, last)], other_means[min(one, other_last)]
        weight, other_weight = own.trust, other.trust
        if style[one] >= MANIPULATION:
            weight += own.leverage
            other_weight += other.leverage
        sway = effort[one] * (weight * _HALF + other_weight * _HALF)
        if sway >= most[place] and sway > 0:
            most[place] = sway
            best[place] = number
