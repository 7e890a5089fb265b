"""A mediator: danger draws it in, late; it helps by private ways, information, political cover and leverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.model import tell
from crisis_sim.model.agent import Role
from crisis_sim.model.arrays import Array, Held, Real, reals
from crisis_sim.model.compiled import routine, rule
from crisis_sim.model.luck import rings, uniform
from crisis_sim.model.record import MEDIATION_STARTED, MEDIATION_STYLE, OF_THIRD_PARTIES, mark, note
from crisis_sim.scenario.schema import STYLES, MediatorSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel
    from crisis_sim.model.state import State

#: How intrusive a mediator is: its place in `STYLES`, from 1.
FACILITATION, FORMULATION, MANIPULATION = 1, 2, 3

#: All that changes in a mediator: see `Mediator`.
STANDING = np.dtype(
    [("alarm", Real), ("effort", Real), ("style", np.int8), ("engaged", np.bool_)], align=True
)
#: How soon it takes alarm, when it acts and when it withdraws, and how intrusive it may become; then how all mediators work.
CONDUCT = np.dtype(
    [
        *(
            (name, Real)
            for name in (
                "alarmed", "threshold", "calm", "built_up", "calls", "formulation_margin", "manipulation_margin", "cover",
                "assurance", "leverage_on_restraint", "leverage_on_halt",
            )
        ),
        ("ablest", np.int32),
    ]
)  # fmt: skip
#: What it can bring to bear on a state.
MEANS = reals("trust", "information", "leverage")
#: Its clock of calls, and the lots that it draws where others have as much sway.
LOT = "lot"
PURPOSES = ("call", LOT)
_ZERO, _HALF, _ONE = Real(0), Real(0.5), Real(1)


class Mediator(Role):
    """A third party that notices danger late, works the phones and makes refusing costly.

    Attributes (each an array over replicates):
        alarm: danger as it has reached the mediator, 0 to 1.
        engaged: whether it is engaged.
        effort: how much it does, 0 to 1.
        style: how intrusive it has become, 0 (not engaged yet) to 3 (manipulation).
    """

    held_in = "mediation"

    alarm = Held()
    engaged = Held()
    effort = Held()
    style = Held()

    def __init__(self, model: CrisisModel, name: str, spec: MediatorSpec, place: int) -> None:
        super().__init__(model, name, place)
        self.title = spec.title or name
        self.ablest_style = STYLES.index(spec.style) + 1
        self.facts = model.parameters.numbers(f"mediators.{name}", spec)
        model.record.add_figure(f"{name}_engaged_at_hours")

    def conduct(self) -> dict[str, Array]:
        """How it works: `CONDUCT`."""
        facts, share, mediation = self.facts, self.crisis.share, self.crisis.behaviour.mediation
        return {
            "alarmed": share(1 / facts.attention_days),
            "threshold": facts.attention_threshold,
            "calm": mediation.withdrawal_share * facts.attention_threshold,
            "built_up": share(1 / mediation.effort_days),
            "calls": mediation.calls_per_day,
            "formulation_margin": mediation.formulation_margin,
            "manipulation_margin": mediation.manipulation_margin,
            "cover": mediation.cover,
            "assurance": mediation.assurance,
            "leverage_on_restraint": mediation.leverage_on_restraint,
            "leverage_on_halt": mediation.leverage_on_halt,
            "ablest": self.ablest_style,
        }

    def means(self, state: State) -> dict[str, Array]:
        """What it can bring to bear on a state: `MEANS`."""
        facts = self.facts
        # What it is ready to use is what it holds, less what its interest there makes it spare.
        spared = facts.interest.get(state.name, 0.0)
        return {
            "trust": facts.trust.get(state.name, 0.0),
            "information": facts.information,
            "leverage": facts.leverage.get(state.name, 0.0) * (1 - spared),
        }

    def wish_to_talk(self) -> Any:
        """As far as it exerts itself."""
        return self.effort

    def series(self) -> dict[str, Array]:
        return {f"{self.name}_effort": self.effort}


@rule
def heed(own: Any, conduct: Any, danger: Any) -> None:
    """Let danger reach it; let effort build up while it is engaged, and fall off when it is not."""
    own.alarm += conduct.alarmed * (danger - own.alarm)
    if own.style > 0:  # it has been engaged
        goal = _ONE if own.engaged else _ZERO
        own.effort += conduct.built_up * (goal - own.effort)


@rule
def act(own: Any, number: Any, conduct: Any, here: Any, call: Any) -> None:
    """Call where alarm is above the threshold; become more intrusive as it grows, for good; withdraw where all is calm.

    Args:
        number: the mediator's number.
        call: the number of its clock of calls.
    """
    if not own.engaged:
        if not here.board.open_to_decision or own.alarm <= conduct.threshold:
            return
        a_day = conduct.calls * (own.alarm - conduct.threshold)
        if not rings(here.luck, call, a_day * here.days):
            return
        own.engaged = True
        mark(here.book, OF_THIRD_PARTIES + number, here.hours)
        mark(here.book, MEDIATION_STARTED, here.hours)
        note(here.book, tell.ENGAGED, number, here.hours)
    if own.style < conduct.ablest and here.board.open_to_decision:
        _adapt(own, number, conduct, here.book, here.hours)
    if own.alarm < conduct.calm:
        own.engaged = False
        note(here.book, tell.WITHDREW, number, here.hours)


@routine
def _adapt(own: Any, number: Any, conduct: Any, book: Any, hours: Any) -> None:
    excess = own.alarm - conduct.threshold
    fitting = FACILITATION
    if excess > conduct.formulation_margin:
        fitting += 1
    if excess > conduct.manipulation_margin:
        fitting += 1
    fitting = min(fitting, conduct.ablest)
    if fitting > own.style:
        own.style = fitting
        style = book.words[MEDIATION_STYLE, book.row]
        book.words[MEDIATION_STYLE, book.row] = max(style, np.int16(fitting))
        note(book, tell.STYLE, number, hours, fitting)


@rule
def bear(own: Any, means: Any, conduct: Any, joined: Any) -> None:
    """Join what its effort brings; what takes more than facilitation comes with its style."""
    if own.style < FACILITATION:
        return
    trust = own.effort * means.trust
    joined.information *= _ONE - means.information * trust
    joined.privacy *= _ONE - trust
    if own.style >= FORMULATION:
        joined.cover *= _ONE - conduct.cover * trust
        joined.trust *= _ONE - conduct.assurance * trust
        joined.overtness = max(joined.overtness, own.effort)
    if own.style >= MANIPULATION:
        pressing = own.effort * means.leverage
        joined.restraint += conduct.leverage_on_restraint * pressing
        joined.inducement += conduct.leverage_on_halt * pressing


@routine
def broker(
    mediation: Any, means: Any, terms: Any, brokered_share: Any, luck: Any, first: Any
) -> Any:
    """The mediator whose work an agreement is, the one with most sway, if that is enough; from 1, or 0 for none.

    Its sway is its effort, by the trust of both sides and the leverage that it uses. Among equals lots are drawn, by each
    that has enough, so that none hangs on who the others are.

    Args:
        mediation: the mediators.
        means: what they can bring to bear, shape (replicates or 1, mediators, states), of which row `terms` counts.
        brokered_share: how much sway is enough.
        first: the number of the mediators' first stream of luck.
    """
    most, best, highest = brokered_share, 0, _ZERO
    for number in range(mediation.size):
        own, effort = mediation[number], mediation[number].effort
        one, other = means[terms, number, 0], means[terms, number, 1]
        weight, other_weight = one.trust, other.trust
        if own.style >= MANIPULATION:
            weight += one.leverage
            other_weight += other.leverage
        sway = effort * (weight * _HALF + other_weight * _HALF)
        if sway >= brokered_share and sway > 0:
            lot = uniform(luck, first + 2 * number + 1)
            if sway > most or (sway == most and (best == 0 or lot > highest)):
                most, best, highest = sway, number + 1, lot
    return best
