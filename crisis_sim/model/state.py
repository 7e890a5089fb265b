"""A state: it suffers and answers, tires and fears, sees its rival through fog, and decides by quantal choice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.model import choice, economy, tell
from crisis_sim.model.agent import Role
from crisis_sim.model.arrays import MOMENT, Array, Held, Indices, Real
from crisis_sim.model.compiled import routine, rule
from crisis_sim.model.economy import Economy
from crisis_sim.model.luck import rings, uniform
from crisis_sim.model.record import (
    FIRST_STRIKE,
    NUCLEAR_USE,
    PEAK_RUNG,
    RELAPSED,
    WAR,
    WORST_VIOLENCE,
    mark,
    note,
)
from crisis_sim.scenario.schema import StateSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: What a rung means to who stands on it, as the ladder has it.
FROM_RUNG = ("intensity", "harm", "answer", "cost", "deaths")
#: All that changes in a state, replicate by replicate: see `State` and `Economy`.
POWER = np.dtype(
    [
        ("rung", np.int64),
        ("goes_to", np.int64),
        *((name, Real) for name in FROM_RUNG),
        *(
            (name, Real)
            for name in (
                "strikes", "grievance", "seen", "error", "commitment", "alert", "fatigue", "prepared", "lean", "leaning",
                "blow", "stray",
            )
        ),
        *((name, np.float64) for name in ("offer_until", "stepped_down_at")),
        *((name, Real) for name in economy.STANDING),
        *((name, np.bool_) for name in ("at_war", "nuclear", "decides", "wants_halt", "yields", "has_tomorrow")),
    ],
    align=True,
)  # fmt: skip
#: What a turn does to a state, and how often it decides: numbers that stay as they are while a crisis lasts.
HABITS = np.dtype(
    [
        (name, Real)
        for name in (
            "forgotten", "committed", "uncommitted", "calmed", "tired", "noticed", "claim", "provocation", "answer_credit",
            "accidents", "accident_harm", "misreadings", "misreading", "deliberations", "under_fire", "on_alert", "prepared",
            "violation_harm", "answering_cost", "collapses", *economy.HABITS,
        )
    ]
)  # fmt: skip

#: What a state takes luck for, by the number of the stream; clocks and what they are called.
MISREAD, ERROR, MARKET, ACCIDENT, DECIDE, CHOOSE, CONCLUDE, COLLAPSE, STRUCK = range(9)
PURPOSES = ("misread", "error", "market", "accident", "decide", "choose", "conclude")
CLOCKS = ("misread", "accident", "decide")
STREAMS_A_STATE = 9

#: It has not decided in this turn.
UNDECIDED = -1
_ZERO, _ONE, _TWO = Real(0), Real(1), Real(2)
_NEVER = -np.inf


class State(Role):
    """One of the two states.

    Attributes (each an array over replicates):
        rung, intensity: where it stands on the ladder.
        strikes, at_war: whether it strikes (1 or 0), and whether it is at full-scale war.
        harm, deaths: grievance and deaths that a turn on its rung brings the rival.
        answer, cost: grievance of its own that this settles, and days of output that it costs.
        blow, stray: grievance that its blows, and its accidents, of the last turn give the rival at once.
        grievance: harm suffered and not yet answered; 1 is the harm of `harm_unit_deaths` deaths.
        seen, error: the rival's intensity as it has reached it, and by what share that is misread.
        commitment: the intensity to which it has publicly committed itself.
        alert: how much it is on alert since it was last struck, 1 to 0.
        fatigue: how long and hard it has fought, 0 to 1.
        prepared: how far its preparations have come; from 1 on it is ready.
        offer_until: hours until which its offer of a halt stands.
        decides: whether it decides in this turn.
        wants_halt, yields: whether it decided so in this turn.
        goes_to, leaning: to which rung it decided to go, and how far it leaned to a halt then.
        stepped_down_at: hours at which it last stepped down.
        lean: how far it leaned to a halt when it last decided, 0 to 1.
        nuclear: whether it has nuclear weapons.
    """

    held_in = "powers"

    rung = Held()
    intensity = Held()
    harm = Held()
    answer = Held()
    cost = Held()
    deaths = Held()
    strikes = Held()
    at_war = Held()
    blow = Held()
    stray = Held()
    grievance = Held()
    seen = Held()
    error = Held()
    commitment = Held()
    alert = Held()
    fatigue = Held()
    prepared = Held()
    offer_until = Held()
    decides = Held()
    wants_halt = Held()
    yields = Held()
    goes_to = Held()
    leaning = Held()
    stepped_down_at = Held()
    lean = Held()
    nuclear = Held()

    rival: State

    def __init__(self, model: CrisisModel, name: str, spec: StateSpec, place: int) -> None:
        super().__init__(model, name, place)
        self.title = spec.title or name
        self.spec = spec
        self.facts = model.parameters.numbers(f"states.{name}", spec)
        # A chance becomes a fact of each replicate.
        self.nuclear = self.uniform("nuclear", np.arange(model.replicates)) < self.facts.nuclear
        self.economy = Economy(self)
        names = model.ladder.names
        self.rung = names.index(spec.rung_at_start) if spec.rung_at_start else 0
        self.offer_until = _NEVER
        self.stepped_down_at = np.nan
        self.goes_to = UNDECIDED

    def meet(self, rival: State) -> None:
        """Learn who the rival is: the two are made before they meet."""
        self.rival = rival

    @property
    def dread(self) -> Array:
        """How it dreads full intensity, the more if the rival has nuclear weapons."""
        decision = self.crisis.behaviour.decision
        shadow = 1 + decision.nuclear_dread * self.rival.nuclear
        return decision.dread * self.facts.caution * shadow

    def stakes(self) -> dict[str, Array]:
        """What is at stake for it: `choice.STAKES`."""
        return choice.stakes_of(self.facts, self.crisis.behaviour, self.dread)

    def habits(self) -> dict[str, Array]:
        """What a turn does to it: `HABITS`."""
        crisis, behaviour = self.crisis, self.crisis.behaviour
        decision, harm, fog, halt = (
            behaviour.decision,
            behaviour.harm,
            behaviour.fog,
            behaviour.halt,
        )
        days = crisis.days_per_turn
        return {
            "forgotten": crisis.share(np.log(2) / harm.grievance_half_life_days),
            "committed": crisis.share(1 / harm.commitment_rise_days),
            "uncommitted": crisis.share(1 / harm.commitment_fade_days),
            "calmed": crisis.share(1 / decision.alert_days),
            "tired": crisis.share(1 / harm.fatigue_days),
            "noticed": crisis.share(24 / fog.perception_hours),
            "claim": self.facts.claim,
            "provocation": behaviour.quiet.quiet_grievance,
            "answer_credit": harm.answer_credit,
            "accidents": fog.accidents_per_day,
            "accident_harm": fog.accident_harm,
            "misreadings": fog.misreadings_per_day * days,
            "misreading": fog.misreading,
            "deliberations": decision.deliberations_per_day,
            "under_fire": decision.decisions_under_fire_per_day,
            "on_alert": decision.decisions_on_alert_per_day,
            "prepared": Real(days) / np.asarray(decision.preparation_days, Real),
            "violation_harm": halt.violation_harm,
            "answering_cost": halt.answering_cost,
            "collapses": crisis.endings.collapses(self),
            **economy.habits(self, self.spec),
        }

    def move(self, who: Indices, rungs: Array) -> None:
        """Go to other rungs in the replicates `who`, as at the end of the turn that has passed."""
        self.crisis.move(self, who, rungs)

    def wish_to_talk(self) -> Any:
        """As far as it leans to a halt."""
        return self.lean

    def series(self) -> dict[str, Array]:
        return {
            f"{self.name}_rung": self.rung,
            f"{self.name}_pressure": self.economy.pressure,
            f"{self.name}_market": self.economy.market,
        }


# What the last turn brought.


@rule
def observe(own: Any, rival: Any, habits: Any) -> None:
    """Forget, suffer, take satisfaction, commit itself, tire, notice and prepare."""
    own.alert -= habits.calmed * own.alert

    suffered = own.grievance * (_ONE - habits.forgotten)
    suffered += rival.harm
    suffered -= own.answer
    if rival.blow > 0:
        suffered += rival.blow
        own.alert = _ONE
    if rival.stray > 0:
        suffered += rival.stray
    if own.blow > 0:
        suffered -= habits.answer_credit * own.blow
    own.grievance = max(suffered, _ZERO)

    above = own.intensity - own.commitment
    own.commitment += (habits.committed if above > 0 else habits.uncommitted) * above
    own.fatigue += habits.tired * (own.intensity - own.fatigue)
    own.seen += habits.noticed * (rival.intensity - own.seen)

    # It gets ready to strike while provoked; who strikes or is struck is ready.
    if own.grievance + habits.claim > habits.provocation:
        own.prepared += habits.prepared
    own.prepared = max(own.prepared, own.strikes, rival.strikes)


@rule
def misread(own: Any, habits: Any, here: Any, first: Any) -> None:
    """Misread the rival anew, by chance."""
    if rings(here.luck, first + MISREAD, habits.misreadings):
        own.error = habits.misreading * (_TWO * uniform(here.luck, first + ERROR) - _ONE)


@rule
def suffer_event(own: Any, event: Any) -> None:
    """Suffer a scheduled event: harm, as far as the rival is blamed, and economic pressure."""
    own.grievance += event.harm
    own.strain += event.pressure
    own.alert = _ONE


# What it decides.


@rule
def convene(own: Any, habits: Any, here: Any, first: Any) -> Any:
    """Let accidents happen where it strikes, the more the harder it does, and see whether it comes to a decision.

    The clock of decisions runs faster under fire and on alert.

    Returns:
        whether there was an accident.
    """
    own.blow = _ZERO
    own.stray = _ZERO
    own.wants_halt = False
    own.yields = False
    own.goes_to = UNDECIDED
    astray = own.strikes > 0 and rings(
        here.luck, first + ACCIDENT, habits.accidents * own.intensity * here.days
    )
    if astray:
        own.stray = habits.accident_harm

    a_day = habits.under_fire * here.board.under_fire
    a_day += habits.deliberations
    a_day += habits.on_alert * own.alert
    rang = rings(here.luck, first + DECIDE, a_day * here.days)
    own.decides = rang and here.board.open_to_decision
    return astray


@rule
def look_around(
    now: Any, own: Any, rival: Any, worst: Any, stakes: Any, known: Any, hours: Any
) -> None:
    """See how things stand, through fog as far as no third party lifts it.

    Args:
        now: the record of `choice.SITUATION` to fill.
        known: share of the fog that is lifted.
    """
    suffered = own.grievance
    wanted = suffered + stakes.claim
    now.grievance = suffered / (_ONE + suffered / stakes.saturation)
    now.demand = wanted / (_ONE + wanted / stakes.saturation)
    now.seen = max(own.seen * (_ONE + own.error * (_ONE - known)), _ZERO)
    now.commitment = own.commitment
    now.pressure = own.pressure
    now.fatigue = own.fatigue
    now.unready = _ONE if own.prepared < _ONE else _ZERO
    now.worst = worst
    now.answered = max(_ONE - suffered, _ZERO)
    now.belief = stakes.hope + known * (rival.lean - stakes.hope)
    now.accepting = _ONE if rival.offer_until >= hours - MOMENT else _ZERO


@rule
def decide(
    own: Any,
    stakes: Any,
    now: Any,
    brought: Any,
    ladder: Any,
    course: Any,
    odds: Any,
    here: Any,
    first: Any,
) -> None:
    """Choose an option, by how all of them are valued."""
    lean = choice.weigh(odds, own.rung, own.nuclear, stakes, now, brought, ladder, course)
    option = choice.pick(odds, uniform(here.luck, first + CHOOSE))
    own.leaning = lean
    own.wants_halt = option == choice.HALT
    own.yields = option == choice.YIELD
    own.goes_to = option - choice.FIRST_RUNG if option >= choice.FIRST_RUNG else own.rung


# What it does.


@rule
def concludes(own: Any, here: Any, first: Any) -> Any:
    """Whether it means its offer now that the rival would have it: by how far it leans."""
    return uniform(here.luck, first + CONCLUDE) < own.lean


@rule
def stand(own: Any, ladder: Any) -> None:
    """Read off the ladder what its rung means."""
    step = ladder[own.rung]
    own.intensity = step.intensity
    own.harm = step.harm
    own.answer = step.answer
    own.cost = step.cost
    own.deaths = step.deaths
    own.strikes = step.strike
    own.at_war = step.war > 0


@rule
def come_to(own: Any, side: Any, ladder: Any, here: Any, hours: Any) -> None:
    """Stand on its present rung, and write into the record that it came there."""
    stand(own, ladder)
    rung, step, book = own.rung, ladder[own.rung], here.book
    book.words[PEAK_RUNG, book.row] = max(book.words[PEAK_RUNG, book.row], np.int16(rung))
    violence = np.int16(step.violence)
    book.words[WORST_VIOLENCE, book.row] = max(book.words[WORST_VIOLENCE, book.row], violence)
    here.board.worst = max(here.board.worst, step.violence)
    if step.strike > 0:
        _first(book, FIRST_STRIKE, tell.FIRST_STRIKE, side, hours)
    if step.war > 0:
        _first(book, WAR, tell.WAR, side, hours)
    if step.nuclear > 0:
        _first(book, NUCLEAR_USE, tell.NUCLEAR_USE, side, hours)


@rule
def _first(book: Any, figure: Any, kind: Any, side: Any, hours: Any) -> None:
    if math.isnan(book.figures[figure, book.row]):
        book.figures[figure, book.row] = hours
        note(book, kind, side, hours)


@routine
def move(own: Any, side: Any, rung: Any, ladder: Any, openings: Any, here: Any, hours: Any) -> None:
    """Go to another rung, with what coming to it brings at once; climbing takes back an offer of a halt that stands.

    Args:
        side: the state's number.
        hours: when it comes there.
    """
    before = own.rung
    if rung > before:
        opening = openings[rung]
        own.offer_until = _NEVER
        own.blow += opening.harm
        here.board.deaths += opening.deaths
    else:
        own.stepped_down_at = here.hours
    own.rung = rung
    come_to(own, side, ladder, here, hours)
    kind = tell.CLIMBED if rung > before else tell.STEPPED_DOWN
    note(here.book, kind, side, hours, before, rung)


@routine
def fall(side: Any, here: Any, hours: Any) -> None:
    """A halt in effect falls, by the deed of a state."""
    if here.board.holding:
        here.board.holding = False
        mark(here.book, RELAPSED, hours)
        note(here.book, tell.RELAPSED, side, hours)
