"""A state: it suffers and answers, tires and fears, sees its rival through fog, and decides by quantal choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model import choice
from crisis_sim.model.agent import CrisisAgent, Influence
from crisis_sim.model.arrays import Array, Flags, Indices, Real, at
from crisis_sim.model.choice import Rungs, Situation
from crisis_sim.model.economy import Economy
from crisis_sim.model.ladder import Table
from crisis_sim.scenario.schema import StateSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel


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

        harm, fog = behaviour.harm, behaviour.fog
        self._forgotten = model.share(np.log(2) / harm.grievance_half_life_days)
        self._committed = model.share(1 / harm.commitment_rise_days)
        self._uncommitted = model.share(1 / harm.commitment_fade_days)
        self._calmed = model.share(1 / behaviour.decision.alert_days)
        self._tired = model.share(1 / harm.fatigue_days)
        self._noticed = model.share(24 / fog.perception_hours)
        self._prepared_in_a_turn = Real(model.days_per_turn) / np.asarray(
            behaviour.decision.preparation_days, Real
        )
        self._change: tuple[Array] | None = (
            None  # from rung to rung; in a tuple, since it is not over replicates
        )
        self._decision: tuple[Indices, Indices, Array] | None = None

    def meet(self, rival: State) -> None:
        """Learn who the rival is: the two are made before they meet."""
        self.rival = rival
        decision, ladder = self.crisis.behaviour.decision, self.crisis.ladder
        shadow = 1 + decision.nuclear_dread * rival.nuclear
        self.dread = decision.dread * self.facts.caution * shadow
        self.dread_of = Table([intensity**decision.dread_power for intensity in ladder.intensities])

    # What the last turn brought.

    def observe(self) -> None:
        crisis, behaviour = self.crisis, self.crisis.behaviour
        self.alert -= self._calmed * self.alert
        self._suffer()
        above = self.intensity - self.commitment
        self.commitment += np.where(above > 0, self._committed, self._uncommitted) * above
        self.fatigue += self._tired * (self.intensity - self.fatigue)
        self.seen += self._noticed * (self.rival.intensity - self.seen)
        self._misread(behaviour.fog)
        self._prepare(behaviour.quiet.quiet_grievance)
        self.economy.observe(crisis.feared, self.cost)

    def _suffer(self) -> None:
        """Forget, suffer what the rival did in the turn, and take satisfaction from what was done to it."""
        self.grievance *= 1 - self._forgotten
        self.grievance += self.rival.harm
        self.grievance -= self.answer
        struck = (self.rival.blow > 0).nonzero()[0]
        self.grievance[struck] += self.rival.blow[struck]
        self.alert[struck] = 1
        astray = (self.rival.stray > 0).nonzero()[0]
        self.grievance[astray] += self.rival.stray[astray]
        struck_back = (self.blow > 0).nonzero()[0]
        credit = at(self.crisis.behaviour.harm.answer_credit, struck_back)
        self.grievance[struck_back] -= credit * self.blow[struck_back]
        np.maximum(self.grievance, 0, out=self.grievance)

    def _prepare(self, enough: Array) -> None:
        """Get ready to strike while provoked; who strikes or is struck is ready."""
        provoked = self.grievance + self.facts.claim > enough
        self.prepared += self._prepared_in_a_turn * provoked
        for strikes in (self.strikes, self.rival.strikes):
            np.maximum(self.prepared, strikes, out=self.prepared)

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
        crisis, decision = self.crisis, self.crisis.behaviour.decision
        fog = crisis.behaviour.fog
        self.blow.fill(0)
        self.stray.fill(0)
        striking = (self.strikes > 0).nonzero()[0]
        if striking.size:
            rate = at(fog.accidents_per_day, striking) * self.intensity[striking]
            astray = self.where("accident", rate, striking)
            if astray.size:
                self.stray[astray] = at(fog.accident_harm, astray)
                crisis.tell("accident", self.name)
        tempo = decision.decisions_under_fire_per_day * crisis.under_fire
        tempo += decision.deliberations_per_day
        tempo += decision.decisions_on_alert_per_day * self.alert
        who = self.where("decide", tempo)
        who = who[crisis.open_to_decision.take(who)]
        self.wants_halt.fill(False)
        self.yields.fill(False)
        self._decision = self._decide(who) if who.size else None

    def _decide(self, who: Indices) -> tuple[Indices, Indices, Array]:
        """Choose in the replicates `who`: they, the rungs chosen, and how far the state leans to a halt."""
        behaviour, ladder = self.crisis.behaviour, self.crisis.ladder
        situation = self._situation(who)
        cover = at(behaviour.harm.success_cover, who)
        decision, halt = behaviour.decision.at(who), behaviour.halt.at(who)

        rung = self.rung.take(who)
        values = np.empty((choice.FIRST_RUNG + ladder.top + 1, who.size), Real)
        moves = values[choice.FIRST_RUNG :]
        going_on = choice.value_of_rungs(situation, self._rungs(who), decision, cover)
        np.subtract(going_on, self._cost_of_change(rung, decision), out=moves)
        hold = moves[rung, np.arange(who.size)]
        # Nuclear weapons are used only by who has them, and only from the rung below.
        moves[
            ladder.nuclear_rung :, (rung < ladder.nuclear_rung - 1) | ~self.nuclear.take(who)
        ] = -np.inf

        rest = np.minimum(rung, ladder.halt_rung)
        calm, fear = ladder.intensity.at(rest, who), self.dread_of.at(rest, who)
        peace = choice.value_of_halt(situation, calm, fear, decision, halt, cover)
        values[choice.YIELD] = choice.value_of_yielding(situation, decision, halt, cover)
        precision = decision.choice_precision
        lean = choice.leaning(peace, hold, precision)
        values[choice.HALT] = choice.value_of_offer(situation, peace, hold, lean, halt)

        option = choice.choose(values, precision, self.uniform("choose", who))
        self.wants_halt[who] = option == choice.HALT
        self.yields[who] = option == choice.YIELD
        goes_to = np.where(option >= choice.FIRST_RUNG, option - choice.FIRST_RUNG, rung)
        return who, goes_to, lean

    def _cost_of_change(self, rung: Indices, decision: Any) -> Array:
        """Cost of going from the present rungs to each rung: looked up, where it is the same for all replicates."""
        count = self.crisis.ladder.top + 1
        if any(
            isinstance(c, np.ndarray)
            for c in (decision.change_cost, decision.effort, decision.reach)
        ):
            return choice.cost_of_change(rung, count, decision)
        if self._change is None:
            self._change = (choice.cost_of_change(np.arange(count), count, decision),)
        return self._change[0].take(rung, axis=1)

    def _rungs(self, who: Indices) -> Rungs:
        """The whole ladder, as options."""
        ladder = self.crisis.ladder
        return Rungs(
            intensity=ladder.intensity.all_for(who),
            dread=self.dread_of.all_for(who),
            strike=ladder.strike.all_for(who),
            violence=ladder.violence.all_for(who),
            nuclear=ladder.nuclear.all_for(who),
        )

    def _situation(self, who: Indices) -> Situation:
        crisis, behaviour = self.crisis, self.crisis.behaviour
        influence = self._influence(who)
        fog = 1 - influence.information
        suffered = self.grievance.take(who)
        wanted = suffered + at(self.facts.claim, who)
        hope = at(behaviour.fog.hope, who)
        saturation = at(behaviour.harm.grievance_saturation, who)
        return Situation(
            resolve=at(self.facts.resolve, who),
            audience=at(self.facts.audience, who),
            aversion=at(self.facts.mediation_aversion, who)
            * at(behaviour.mediation.overt_cost, who),
            dread=at(self.dread, who),
            grievance=suffered / (1 + suffered / saturation),
            demand=wanted / (1 + wanted / saturation),
            seen=np.maximum(self.seen.take(who) * (1 + self.error.take(who) * fog), 0),
            commitment=self.commitment.take(who),
            pressure=self.economy.pressure.take(who),
            fatigue=self.fatigue.take(who),
            unready=(self.prepared.take(who) < 1).astype(np.float32),
            worst=crisis.worst.take(who),
            answered=np.maximum(1 - suffered, 0),
            accepting=self.rival.offer_until.take(who) >= crisis.hours,
            belief=hope + influence.information * (self.rival.lean.take(who) - hope),
            influence=influence,
        )

    def _influence(self, who: Indices) -> Influence:
        return Influence.joined(party.influence(self, who) for party in self.crisis.third_parties)

    # What it does.

    def settle(self) -> None:
        if self._decision is None:
            return
        who, after, lean = self._decision
        self.lean[who] = lean
        moved = np.flatnonzero(self.rung.take(who) != after)
        if moved.size:
            self.move(who[moved], after[moved])

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
        crisis, before = self.crisis, self.rung.take(who)
        dated = {} if hours is None else {"hours": hours}
        self.rung[who] = rungs
        climbs = rungs > before
        self.offer_until[who[climbs]] = -np.inf
        self.stepped_down_at[who[~climbs]] = crisis.hours
        self.blow[who] += climbs * crisis.ladder.opening_harm.at(rungs, who)
        crisis.deaths[who] += climbs * crisis.ladder.opening_deaths.at(rungs, who)
        self._read_rung(who)
        crisis.note_rungs(self, who, hours)
        if crisis.journal is not None:
            names = crisis.ladder.names
            crisis.tell(
                "climbed" if climbs[0] else "stepped_down",
                self.name,
                from_rung=names[int(before[0])],
                to_rung=names[int(rungs[0])],
                **dated,
            )

    def _read_rung(self, who: Indices) -> None:
        crisis, ladder, rung = self.crisis, self.crisis.ladder, self.rung.take(who)
        days = Real(crisis.days_per_turn)
        harm = days * ladder.harm_per_day.at(rung, who)
        self.intensity[who] = ladder.intensity.at(rung, who)
        self.harm[who] = harm
        self.answer[who] = at(crisis.behaviour.harm.attrition_credit, who) * harm
        self.cost[who] = days * ladder.cost_per_day.at(rung, who)
        self.deaths[who] = days * ladder.deaths_per_day.at(rung, who)
        self.strikes[who] = ladder.strike.at(rung, who)
        self.at_war[who] = ladder.war.at(rung, who) > 0

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
