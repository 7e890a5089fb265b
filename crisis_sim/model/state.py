"""A state: it suffers and answers, tires and fears, sees its rival through fog, and decides by quantal choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model import choice
from crisis_sim.model.agent import Bearing, CrisisAgent
from crisis_sim.model.arrays import Array, Flags, Indices, Real, Settings, at, reals
from crisis_sim.model.compiled import compiled
from crisis_sim.model.economy import Economy
from crisis_sim.model.luck import Clock
from crisis_sim.scenario.schema import StateSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel


#: What a turn does to a state.
PACE = reals(
    "forgotten", "committed", "uncommitted", "calmed", "tired", "noticed", "claim", "provocation", "answer_credit",
    "accidents",
)  # fmt: skip
#: How often a day it decides, and how far preparations come in a turn.
TEMPO = reals("deliberations", "under_fire", "on_alert", "prepared")
_ZERO, _ONE = Real(0), Real(1)


class State(CrisisAgent):
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
        wants_halt, yields: whether it decided so in this turn.
        stepped_down_at: hours at which it last stepped down.
        lean: how far it leaned to a halt when it last decided, 0 to 1.
    """

    def __init__(self, model: CrisisModel, name: str, spec: StateSpec) -> None:
        super().__init__(model, name)
        self.title = spec.title or name
        self.facts = model.parameters.numbers(f"states.{name}", spec)
        # A chance becomes a fact of each replicate.
        self.nuclear = self.uniform("nuclear", np.arange(model.replicates)) < self.facts.nuclear
        self.economy = Economy(model, name, spec, self.facts.economic_vulnerability)
        ladder, behaviour = model.ladder, model.behaviour
        start = ladder.names.index(spec.rung_at_start) if spec.rung_at_start else 0

        self.rung = self.array(start, np.intp)
        self.intensity = self.array()
        self.harm = self.array()
        self.answer = self.array()
        self.cost = self.array()
        self.deaths = self.array()
        self.strikes = self.array()
        self.at_war = self.array(False, bool)
        self._read_rung(np.arange(model.replicates))
        self.grievance = self.array()
        self.seen = self.array()
        self.error = self.array()
        self.commitment = self.intensity.copy()
        self.alert = self.array()
        self.fatigue = self.array()
        self.prepared = self.array()
        self.offer_until = self.array(-np.inf)
        self.lean = self.array()
        self.stepped_down_at = self.array(np.nan)
        self.blow = self.array()
        self.stray = self.array()
        self.wants_halt = self.array(False, bool)
        self.yields = self.array(False, bool)

        decision, harm, fog = behaviour.decision, behaviour.harm, behaviour.fog
        self._pace = Settings.of(
            PACE,
            forgotten=model.share(np.log(2) / harm.grievance_half_life_days),
            committed=model.share(1 / harm.commitment_rise_days),
            uncommitted=model.share(1 / harm.commitment_fade_days),
            calmed=model.share(1 / decision.alert_days),
            tired=model.share(1 / harm.fatigue_days),
            noticed=model.share(24 / fog.perception_hours),
            claim=self.facts.claim,
            provocation=behaviour.quiet.quiet_grievance,
            answer_credit=harm.answer_credit,
            accidents=fog.accidents_per_day,
        )
        self._tempo = Settings.of(
            TEMPO,
            deliberations=decision.deliberations_per_day,
            under_fire=decision.decisions_under_fire_per_day,
            on_alert=decision.decisions_on_alert_per_day,
            prepared=Real(model.days_per_turn) / np.asarray(decision.preparation_days, Real),
        )
        self._decision: tuple[Indices, Indices, Array] | None = None

    def meet(self, rival: State) -> None:
        """Learn who the rival is: the two are made before they meet."""
        self.rival = rival
        crisis, decision = self.crisis, self.crisis.behaviour.decision
        shadow = 1 + decision.nuclear_dread * rival.nuclear
        self.dread = decision.dread * self.facts.caution * shadow
        self.stakes = choice.stakes_of(self.facts, crisis.behaviour, self.dread, crisis.replicates)

    # What the last turn brought.

    def observe(self) -> None:
        crisis, rival = self.crisis, self.rival
        _observe(
            self._pace.records,
            self._tempo.records,
            (self.intensity, self.answer, self.blow, self.strikes),
            (rival.intensity, rival.harm, rival.blow, rival.stray, rival.strikes),
            self.grievance,
            self.alert,
            self.commitment,
            self.fatigue,
            self.seen,
            self.prepared,
        )
        self._misread(crisis.behaviour.fog)
        self.economy.observe(crisis.feared, self.cost)

    def _misread(self, fog: Any) -> None:
        who = self.where("misread", fog.misreadings_per_day)
        if who.size:
            self.error[who] = at(fog.misreading, who) * (2 * self.uniform("error", who) - 1)

    def suffer_event(
        self, deaths: Array, provocation: Array, blame: Array, pressure: Array
    ) -> None:
        """Suffer a scheduled event: harm, as far as the rival is blamed, and economic pressure."""
        self.grievance += blame * (self.crisis.harm_of(deaths) + provocation)
        self.economy.suffer(pressure)
        self.alert.fill(1)

    def climb_to(self, rungs: Array, hours: float) -> None:
        """Climb, at the given hours, to rungs that an event says; whoever stands higher stays where it is.

        A halt in effect falls where this brings the state above the halt rung.
        """
        goal = np.rint(rungs * np.ones(self.crisis.replicates)).astype(np.intp)
        np.minimum(goal, self.crisis.ladder.top, out=goal)
        who = ((goal > self.rung) & self.crisis.ongoing).nonzero()[0]
        if who.size:
            self.move(who, goal[who], hours)
            self.crisis.halt.fall(self, who[goal[who] > self.crisis.ladder.halt_rung], hours)

    # What it decides.

    def act(self) -> None:
        crisis = self.crisis
        self.blow.fill(0)
        self.stray.fill(0)
        self._go_astray()
        clock = cast(Clock, self._stream("decide", Clock))
        rang, who = _come_to_decide(
            self._tempo.records,
            Real(crisis.days_per_turn),
            crisis.under_fire,
            self.alert,
            clock.left,
            crisis.open_to_decision,
        )
        clock.renew(rang)
        self.wants_halt.fill(False)
        self.yields.fill(False)
        self._decision = self._decide(who) if who.size else None

    def _go_astray(self) -> None:
        """Accidents happen where it strikes, the more the harder it does."""
        crisis, clock = self.crisis, cast(Clock, self._stream("accident", Clock))
        astray = _miss(
            self._pace.records, Real(crisis.days_per_turn), self.strikes, self.intensity, clock.left
        )
        if astray.size:
            clock.renew(astray)
            self.stray[astray] = at(crisis.behaviour.fog.accident_harm, astray)
            crisis.tell("accident", self.name)

    def _decide(self, who: Indices) -> tuple[Indices, Indices, Array]:
        """Choose in the replicates `who`: they, the rungs chosen, and how far the state leans to a halt."""
        ladder, rungs = self.crisis.ladder, self.crisis.rungs.records
        influences = self._influence(who)
        seen = self._situation(who, influences), influences
        values, peace, hold, against = choice.weigh(
            who, self.rung, self.nuclear, self.stakes, *seen, rungs, ladder.halt_rung, ladder.nuclear_rung
        )  # fmt: skip
        lean = np.exp(against, out=against)
        choice.complete(who, self.stakes, *seen, values, peace, hold, lean)
        odds = np.exp(values, out=values)
        option = choice.pick(odds, self.uniform("choose", who))
        goes_to = choice.resolve(who, option, self.rung, self.wants_halt, self.yields)
        return who, goes_to, lean

    def _situation(self, who: Indices, influences: NDArray[np.void]) -> NDArray[np.void]:
        """What it sees in the replicates `who`: records of `choice.SITUATION`."""
        crisis, rival = self.crisis, self.rival
        situations = np.empty(who.size, choice.SITUATION)
        _look_around(
            situations,
            who,
            self.stakes,
            influences,
            Real(crisis.hours),
            (rival.offer_until, rival.lean, crisis.worst),
            (
                self.grievance,
                self.seen,
                self.error,
                self.commitment,
                self.economy.pressure,
                self.fatigue,
                self.prepared,
            ),
        )
        return situations

    def _influence(self, who: Indices) -> NDArray[np.void]:
        """What third parties bring to bear in the replicates `who`: records of `choice.INFLUENCE`."""
        bearing = Bearing(who.size)
        for party in self.crisis.third_parties:
            party.bear(self, who, bearing)
        return bearing.close()

    # What it does.

    def settle(self) -> None:
        if self._decision is None:
            return
        moved, rungs = _settle(*self._decision, self.rung, self.lean)
        if moved.size:
            self.move(moved, rungs)

    def concludes(self, who: Indices) -> Flags:
        """Whether, in the replicates `who`, it means its offer now that the rival would have it: by how far it leans."""
        return self.uniform("conclude", who) < self.lean.take(who)

    def move(self, who: Indices, rungs: Indices, hours: float | None = None) -> None:
        """Go to other rungs in the replicates `who`; climbing takes back an offer of a halt that stands.

        Args:
            who: the replicates.
            rungs: to which rungs, one for each of them.
            hours: when; at the turn's end where left out.
        """
        crisis, dated = self.crisis, {} if hours is None else {"hours": hours}
        before = int(self.rung[who[0]])
        _move(
            who,
            rungs,
            Real(crisis.hours),
            crisis.openings.records,
            self.rung,
            self.offer_until,
            self.stepped_down_at,
            self.blow,
            crisis.deaths,
        )
        self._read_rung(who)
        crisis.note_rungs(self, who, hours)
        if crisis.journal is not None:
            names = crisis.ladder.names
            crisis.tell(
                "climbed" if rungs[0] > before else "stepped_down",
                self.name,
                from_rung=names[before],
                to_rung=names[int(rungs[0])],
                **dated,
            )

    def _read_rung(self, who: Indices) -> None:
        _stand(
            who,
            self.rung,
            self.crisis.rungs.records,
            self.intensity,
            self.harm,
            self.answer,
            self.cost,
            self.deaths,
            self.strikes,
            self.at_war,
        )

    def wish_to_talk(self) -> NDArray[np.float32]:
        """As far as it leans to a halt."""
        return self.lean

    def write(self, who: Indices) -> None:
        record = self.crisis.record
        record.set(f"{self.name}_lowest_market", who, self.economy.lowest_market[who])
        record.set(f"{self.name}_highest_pressure", who, self.economy.highest_pressure[who])

    def series(self) -> dict[str, Array]:
        return {
            f"{self.name}_rung": self.rung,
            f"{self.name}_pressure": self.economy.pressure,
            f"{self.name}_market": self.economy.market,
        }


@compiled
def _observe(
    pace: NDArray[np.void],
    tempo: NDArray[np.void],
    own: Any,
    rival: Any,
    grievance: NDArray[np.float32],
    alert: NDArray[np.float32],
    commitment: NDArray[np.float32],
    fatigue: NDArray[np.float32],
    seen: NDArray[np.float32],
    prepared: NDArray[np.float32],
) -> None:
    """Forget, suffer, take satisfaction, commit itself, tire, notice and prepare."""
    intensity, answer, blow, strikes = own
    rival_intensity, rival_harm, rival_blow, rival_stray, rival_strikes = rival
    last, last_tempo = pace.size - 1, tempo.size - 1
    for one in range(grievance.size):
        in_a_turn = pace[min(one, last)]
        alert[one] -= in_a_turn.calmed * alert[one]

        suffered = grievance[one] * (_ONE - in_a_turn.forgotten)
        suffered += rival_harm[one]
        suffered -= answer[one]
        if rival_blow[one] > 0:
            suffered += rival_blow[one]
            alert[one] = _ONE
        if rival_stray[one] > 0:
            suffered += rival_stray[one]
        if blow[one] > 0:
            suffered -= in_a_turn.answer_credit * blow[one]
        grievance[one] = max(suffered, _ZERO)

        above = intensity[one] - commitment[one]
        commitment[one] += (in_a_turn.committed if above > 0 else in_a_turn.uncommitted) * above
        fatigue[one] += in_a_turn.tired * (intensity[one] - fatigue[one])
        seen[one] += in_a_turn.noticed * (rival_intensity[one] - seen[one])

        # It gets ready to strike while provoked; who strikes or is struck is ready.
        if grievance[one] + in_a_turn.claim > in_a_turn.provocation:
            prepared[one] += tempo[min(one, last_tempo)].prepared
        prepared[one] = max(prepared[one], strikes[one], rival_strikes[one])


@compiled
def _come_to_decide(
    tempo: NDArray[np.void],
    days: np.float32,
    under_fire: NDArray[np.float32],
    alert: NDArray[np.float32],
    budget: NDArray[np.float32],
    open_to_decision: Flags,
) -> tuple[Indices, Indices]:
    """Let the clock of decisions run, faster under fire and on alert.

    Returns:
        the replicates in which it rang, and those of them that are open to a decision.
    """
    rang, who = np.empty(alert.size, np.intp), np.empty(alert.size, np.intp)
    rings = deciding = 0
    last = tempo.size - 1
    for one in range(alert.size):
        rates = tempo[min(one, last)]
        a_day = rates.under_fire * under_fire[one]
        a_day += rates.deliberations
        a_day += rates.on_alert * alert[one]
        budget[one] -= a_day * days
        if budget[one] <= 0:
            rang[rings] = one
            rings += 1
            if open_to_decision[one]:
                who[deciding] = one
                deciding += 1
    return rang[:rings], who[:deciding]


@compiled
def _miss(
    pace: NDArray[np.void],
    days: np.float32,
    strikes: NDArray[np.float32],
    intensity: NDArray[np.float32],
    budget: NDArray[np.float32],
) -> Indices:
    """Let the clock of accidents run where it strikes; the replicates in which there is one."""
    astray = np.empty(strikes.size, np.intp)
    count = 0
    last = pace.size - 1
    for one in range(strikes.size):
        if strikes[one] > 0:
            budget[one] -= pace[min(one, last)].accidents * intensity[one] * days
            if budget[one] <= 0:
                astray[count] = one
                count += 1
    return astray[:count]


@compiled
def _settle(
    who: Indices,
    rungs: Indices,
    leans: NDArray[np.float64],
    rung: Indices,
    lean: NDArray[np.float32],
) -> tuple[Indices, Indices]:
    """Keep how far it leaned to a halt; the replicates in which it moves, and to which rungs."""
    moved, goes_to = np.empty(who.size, np.intp), np.empty(who.size, np.intp)
    count = 0
    for place in range(who.size):
        one = who[place]
        lean[one] = leans[place]
        if rung[one] != rungs[place]:
            moved[count] = one
            goes_to[count] = rungs[place]
            count += 1
    return moved[:count], goes_to[:count]


@compiled
def _look_around(
    situations: NDArray[np.void],
    who: Indices,
    stakes: NDArray[np.void],
    influences: NDArray[np.void],
    hours: np.float32,
    others: Any,
    own: Any,
) -> None:
    """See how things stand in the replicates `who`, through fog as far as no third party lifts it."""
    offer_until, lean, worst = others
    grievance, seen, error, commitment, pressure, fatigue, prepared = own
    for place in range(who.size):
        one = who[place]
        now, at_stake = situations[place], stakes[one]
        known = influences[place].information
        suffered = grievance[one]
        wanted = suffered + at_stake.claim
        now.grievance = suffered / (_ONE + suffered / at_stake.saturation)
        now.demand = wanted / (_ONE + wanted / at_stake.saturation)
        now.seen = max(seen[one] * (_ONE + error[one] * (_ONE - known)), _ZERO)
        now.commitment = commitment[one]
        now.pressure = pressure[one]
        now.fatigue = fatigue[one]
        now.unready = _ONE if prepared[one] < _ONE else _ZERO
        now.worst = worst[one]
        now.answered = max(_ONE - suffered, _ZERO)
        now.belief = at_stake.hope + known * (lean[one] - at_stake.hope)
        now.accepting = _ONE if offer_until[one] >= hours else _ZERO


@compiled
def _stand(
    who: Indices,
    rung: Indices,
    steps: NDArray[np.void],
    intensity: NDArray[np.float32],
    harm: NDArray[np.float32],
    answer: NDArray[np.float32],
    cost: NDArray[np.float32],
    deaths: NDArray[np.float32],
    strikes: NDArray[np.float32],
    at_war: Flags,
) -> None:
    """Read off the ladder what the rungs in the replicates `who` mean."""
    last = steps.shape[0] - 1
    for one in who:
        step = steps[min(one, last), rung[one]]
        intensity[one] = step.intensity
        harm[one] = step.harm
        answer[one] = step.answer
        cost[one] = step.cost
        deaths[one] = step.deaths
        strikes[one] = step.strike
        at_war[one] = step.war > 0


@compiled
def _move(
    who: Indices,
    rungs: Indices,
    hours: np.float32,
    openings: NDArray[np.void],
    rung: Indices,
    offer_until: NDArray[np.float32],
    stepped_down_at: NDArray[np.float32],
    blow: NDArray[np.float32],
    deaths: NDArray[np.float64],
) -> None:
    """Go to other rungs in the replicates `who`, with what coming to them brings at once."""
    last = openings.shape[0] - 1
    for place in range(who.size):
        one = who[place]
        if rungs[place] > rung[one]:
            opening = openings[min(one, last), rungs[place]]
            offer_until[one] = -np.inf
            blow[one] += opening.harm
            deaths[one] += opening.deaths
        else:
            stepped_down_at[one] = hours
        rung[one] = rungs[place]
