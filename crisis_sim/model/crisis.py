"""The crisis: a Mesa model of a whole block of replicates, and the order in which a turn goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import mesa
import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.adviser import Adviser
from crisis_sim.model.agent import CrisisAgent, ThirdParty
from crisis_sim.model.arrays import Array, Flags, Indices, OverReplicates, Real, Settings, reals
from crisis_sim.model.channel import Channel
from crisis_sim.model.compiled import compiled
from crisis_sim.model.endings import Endings
from crisis_sim.model.halt import Halt
from crisis_sim.model.journal import Journal
from crisis_sim.model.ladder import Ladder
from crisis_sim.model.lender import Lender
from crisis_sim.model.luck import Luck
from crisis_sim.model.mediator import Mediator
from crisis_sim.model.parameters import Numbers, Parameters, parts_of
from crisis_sim.model.paths import Paths
from crisis_sim.model.record import Record
from crisis_sim.model.state import State
from crisis_sim.scenario.schema import ENDINGS, STYLES, VIOLENCE, Scenario

#: Makes an agent of one's own: called with the model once the scenario's agents stand.
AgentMaker = Callable[["CrisisModel"], CrisisAgent]

#: Milestones of every crisis, in hours from the start.
MILESTONES = (
    "ended_at_hours",
    "first_strike_at_hours",
    "mediation_started_at_hours",
    "channel_opened_at_hours",
    "ceasefire_agreed_at_hours",
    "ceasefire_in_effect_at_hours",
    "first_violation_at_hours",
    "relapsed_at_hours",
    "war_at_hours",
    "nuclear_use_at_hours",
    "followed_until_hours",
)


#: Milestones that coming to a rung may be: their column, the flag of the rung, and what the journal calls them.
FIRSTS = (
    ("first_strike_at_hours", "strike", "first_strike"),
    ("war_at_hours", "war", "war"),
    ("nuclear_use_at_hours", "nuclear", "nuclear_use"),
)
#: Share of the danger that markets no longer fear while a halt holds.
RELIEF = reals("halt_relief")
_ONE = Real(1)


class Behaviours(OverReplicates):
    """The behavioural parameters of a block, section by section, as in `crisis_sim.scenario.behaviour`."""

    def __init__(self, sections: Mapping[str, Numbers]) -> None:
        vars(self).update(sections)

    def __getattr__(self, name: str) -> Numbers:
        raise AttributeError(
            f"behaviour has no section '{name}'; there are {', '.join(vars(self))}"
        )


class CrisisModel(mesa.Model):  # type: ignore[misc]  # Mesa's Model is untyped
    """A block of replicates of one crisis; with one replicate, an ordinary Mesa model.

    Args:
        scenario: the crisis.
        replicates: how many replicates the block holds.
        seed: the batch's seed.
        first_replicate: number of the block's first replicate in its batch: replicate k is the same crisis in any block.
        parameters: values that replace the scenario's numbers, by path (`mediators.us.leverage.india`), each of shape
            (points * replicates,).
        agents: makers of further agents, each called with the model.
        journal: where to note what happens; for a single replicate.
        keep_paths: how many of the batch's first replicates to keep day-by-day paths of; a design keeps none.
        points: how many points of a design the block holds. Row p * replicates + r is replicate r at point p: it has the
            same luck at every point, and the arrays over replicates run over all rows.

    Attributes:
        hours: hours from the scenario's start to the end of the current turn.
        turn: number of the current turn, from 1.
        ongoing: whether each replicate's crisis goes on, shape (replicates,).
        danger: how dangerous the crisis looks to all, 0 to 1, shape (replicates,).
        feared: danger as the markets fear it, less while a halt holds.
        under_fire: 1 where either side strikes, else 0.
        open_to_decision: whether the crisis goes on and no halt was agreed or in effect when the turn began.
        deaths: deaths so far.
        at_war: whether either side is at full-scale war.
        worst: the worst violence so far, as its place in `VIOLENCE`.
        states, mediators, lenders, channels, advisers: the agents by role; `cast`: all of them.
        turns_run: turns that ongoing replicates have gone through, summed over replicates.

    Raises:
        ValueError: when a journal is asked for more than one replicate, or a count is not positive.
        KeyError: when `parameters` names what is no parameter of the scenario.
    """

    def __init__(
        self,
        scenario: Scenario,
        replicates: int = 1,
        seed: int = 1,
        first_replicate: int = 0,
        parameters: Mapping[str, NDArray[Any]] | None = None,
        agents: Iterable[AgentMaker] = (),
        journal: Journal | None = None,
        keep_paths: int = 0,
        points: int = 1,
    ) -> None:
        super().__init__(rng=seed)  # Mesa's own generator is not used: see luck.py
        if replicates < 1 or first_replicate < 0:
            raise ValueError(f"cannot run {replicates} replicates from number {first_replicate}")
        if points < 1:
            raise ValueError(f"a design has at least one point, not {points}")
        rows = points * replicates
        if journal is not None and rows != 1:
            raise ValueError(f"a journal follows one replicate, not {rows}")
        self._crisis = scenario
        self.replicates = rows
        self.first_replicate = first_replicate
        self.journal = journal
        self.days_per_turn = scenario.hours_per_turn / 24
        self.turn = 0
        self.turns_run = 0
        self.hours = 0.0

        self.luck = Luck(seed, first_replicate, replicates, points)
        self.parameters = Parameters(self.luck, parameters)
        self.behaviour = Behaviours(
            {
                name: self.parameters.numbers(f"behaviour.{name}", part)
                for name, part in parts_of(scenario.behaviour).items()
            }
        )
        self.ladder = Ladder(scenario.ladder, self.parameters, self.harm_of, self.harm_of_flow)
        self.rungs = self.ladder.rungs(
            self.days_per_turn,
            self.behaviour.harm.attrition_credit,
            self.behaviour.decision.dread_power,
        )
        self.openings = self.ladder.openings()
        self.record = self._new_record()
        self.ongoing = np.full(rows, True)
        self.deaths = np.zeros(rows)
        self.danger: NDArray[np.float32] = np.zeros(rows, Real)
        self.feared: NDArray[np.float32] = np.zeros(rows, Real)
        self.under_fire: NDArray[np.float32] = np.zeros(rows, Real)
        self.at_war = np.full(rows, False)
        self.worst = np.zeros(rows, Real)
        self._relief = Settings.of(RELIEF, halt_relief=self.behaviour.economy.halt_relief)

        self.cast: list[CrisisAgent] = []
        self.third_parties: list[ThirdParty] = []
        self._populate(agents)
        self.halt = Halt(self)
        self._begin()
        self.endings = Endings(self)
        self.paths = Paths(self, keep_paths if points == 1 else 0)
        self._schedule()
        self.parameters.check_all_used()
        self._read_states()

    @property
    def scenario(self) -> Scenario:
        """The crisis that is run."""
        return self._crisis

    @scenario.setter
    def scenario(self, _: object) -> None:
        """From 3.5 on, Mesa puts a scenario of its own kind here; it stays unused, and ours unchanged."""

    # How it is made.

    def _populate(self, agents: Iterable[AgentMaker]) -> None:
        scenario = self.scenario
        self.states = tuple(State(self, name, spec) for name, spec in scenario.states.items())
        self.states[0].meet(self.states[1])
        self.states[1].meet(self.states[0])
        self.record.columns["nuclear_pair"] |= self.states[0].nuclear & self.states[1].nuclear
        self.mediators = [Mediator(self, name, spec) for name, spec in scenario.mediators.items()]
        self.lenders = [Lender(self, name, spec) for name, spec in scenario.lenders.items()]
        self.channels = [Channel(self, name, spec) for name, spec in scenario.channels.items()]
        self.advisers = [Adviser(self, name, spec) for name, spec in scenario.advisers.items()]
        for make in agents:
            make(self)

    def enrol(self, agent: CrisisAgent) -> None:
        """Take an agent into the cast; every agent does this for itself when it is made.

        Raises:
            ValueError: when its name is taken, since names key luck and columns.
        """
        taken = [known.name for known in self.cast]
        if agent.name in taken:
            raise ValueError(f"an agent is called '{agent.name}' already; names taken: {taken}")
        self.cast.append(agent)
        # Influences are joined in the order of names, so that the last digit does not hang on the order of the file.
        parties = [member for member in self.cast if isinstance(member, ThirdParty)]
        self.third_parties = sorted(parties, key=lambda party: party.name)

    def dismiss(self, agent: CrisisAgent) -> None:
        """Take an agent out of the cast."""
        self.cast.remove(agent)
        self.third_parties = [party for party in self.third_parties if party is not agent]

    def _new_record(self) -> Record:
        record = Record(self.replicates)
        for milestone in MILESTONES:
            record.add(milestone)
        record.add_words("ending", ENDINGS)
        record.add_words("mediation_style", ["", *STYLES])
        record.add_words("brokered_by", ["", *self.scenario.mediators])
        record.add_words("worst_violence", VIOLENCE)
        record.add("peak_rung", 0, np.int16)
        record.add("nuclear_pair", False, np.bool_)
        record.add("deaths")
        for name in self.scenario.states:
            record.add(f"{name}_lowest_market")
            record.add(f"{name}_highest_pressure")
            record.add(f"{name}_market_rebound")
        return record

    def _schedule(self) -> None:
        """Set up the scheduled events, the earliest first."""
        scenario = self.scenario
        numbers = [
            self.parameters.numbers(f"events.{k}", event) for k, event in enumerate(scenario.events)
        ]
        hours = [scenario.hours_from_start(event.at) for event in scenario.events]
        order = sorted(range(len(hours)), key=hours.__getitem__)
        self._coming = [(hours[k], scenario.events[k], numbers[k]) for k in order]

    def _begin(self) -> None:
        """Write down where the states stand before the first turn."""
        for state in self.states:
            self.note_rungs(state, np.arange(self.replicates))

    # What agents ask.

    def state(self, name: str) -> State:
        """The state of that name."""
        return self.states[self.scenario.state_names.index(name)]

    def share(self, rate_per_day: Array) -> Array:
        """Share of the way that something goes in a turn when it goes at this rate, exactly: 1 - exp(-rate * turn)."""
        return -np.expm1(-np.asarray(rate_per_day, Real) * Real(self.days_per_turn))

    def harm_of(self, deaths: Array) -> Array:
        """Grievance that deaths give."""
        harm = self.behaviour.harm
        return (deaths / harm.harm_unit_deaths) ** harm.harm_exponent

    def harm_of_flow(self, deaths_per_day: Array) -> Array:
        """Grievance a day from deaths that come day by day: they add up, whatever the length of a turn."""
        return deaths_per_day / self.behaviour.harm.harm_unit_deaths

    def strain_on(self, name: str) -> Array:
        """Economic pressure that third parties put on a state."""
        state = self.state(name)
        strains = [strain for p in self.third_parties if (strain := p.strain(state)) is not None]
        return sum(strains) if strains else 0.0

    def tell(self, kind: str, agent: str, **detail: Any) -> None:
        """Note an event in the journal, if there is one and the crisis is not over."""
        if self.journal is not None and self.ongoing[0]:
            self.journal.note(float(detail.pop("hours", self.hours)), kind, agent, detail)

    def note_rungs(self, state: State, who: Indices, hours: float | None = None) -> None:
        """Write into the record that a state came to its present rungs, at the given hours or now."""
        hours = self.hours if hours is None else hours
        columns = self.record.columns
        first = [columns[name] for name, _, _ in FIRSTS]
        if self.journal is not None:
            self._tell_firsts(state, first, hours)
        _note_rungs(
            who,
            state.rung,
            self.rungs.records,
            self.ongoing,
            self.record.place,
            hours,
            self.worst,
            columns["peak_rung"],
            columns["worst_violence"],
            *first,
        )

    def _tell_firsts(self, state: State, first: list[NDArray[np.float64]], hours: float) -> None:
        step = self.rungs.records[0, state.rung[0]]
        for (_, flag, kind), column in zip(FIRSTS, first, strict=True):
            if step[flag] > 0 and np.isnan(column[0]):
                self.tell(kind, state.name, hours=hours)

    # A turn.

    def step(self) -> None:
        """One turn: all observe what it brought; the states decide, then the others; what they decided is carried out."""
        self.turn += 1
        self.hours = self.turn * self.scenario.hours_per_turn
        self.turns_run += int(np.count_nonzero(self.ongoing))
        self._happen()
        self._count_deaths()
        self.open_to_decision = self.ongoing & ~(self.halt.pending | self.halt.holding)
        cast = tuple(
            self.cast
        )  # in the order of Mesa's AgentSet, whose weak references cost more than to act
        for agent in cast:
            agent.observe()
        for state in self.states:  # they decide on what third parties had done when the turn began
            state.act()
        for agent in cast:
            if not isinstance(agent, State):
                agent.act()
        for agent in cast:
            agent.settle()
        self.halt.settle()
        self._read_states()
        self.paths.take()
        self.endings.settle()
        self._write_journal()
        self.running = bool(self.ongoing.any())

    def run(
        self, drop_finished: bool = True, watch: Callable[[CrisisModel], None] | None = None
    ) -> CrisisModel:
        """Step until every replicate's crisis is over.

        Args:
            drop_finished: whether finished replicates leave the block on the way, which saves work and changes nothing.
            watch: called after every turn; what it raises ends the run.
        """
        while self.running:
            self.step()
            if watch is not None:
                watch(self)
            if drop_finished:
                self.drop_finished()
        return self

    def _happen(self) -> None:
        """Let the scheduled events of this turn happen; rungs that they bring count for the whole of it."""
        while self._coming and self._coming[0][0] <= self.hours:
            hours, event, numbers = self._coming.pop(0)
            struck = self.state(event.struck)
            struck.suffer_event(
                numbers.deaths, numbers.provocation, numbers.blame, numbers.pressure
            )
            self.deaths += numbers.deaths
            if self.journal is not None:
                deaths = float(np.max(numbers.deaths))
                self.tell(event.kind, event.struck, hours=hours, title=event.title, deaths=deaths)
            struck.rival.climb_to(numbers.rival_rung, hours)

    def _count_deaths(self) -> None:
        one, other = self.states
        self.deaths += one.deaths
        self.deaths += other.deaths

    def _read_states(self) -> None:
        """See how the states stand at the end of a turn."""
        one, other = self.states
        _read_states(
            (one.intensity, one.strikes, one.at_war),
            (other.intensity, other.strikes, other.at_war),
            self._relief.records,
            self.halt.holding,
            self.danger,
            self.feared,
            self.under_fire,
            self.at_war,
        )

    def end(self, who: Indices, ending: int, hours: NDArray[np.float64]) -> None:
        """End the crises `who` with an ending (its number in `ENDINGS`), at the given hours."""
        record = self.record
        record.set("ending", who, ending)
        record.set("ended_at_hours", who, hours)
        record.set("followed_until_hours", who, self.hours)
        record.set("deaths", who, self.deaths[who])
        for agent in self.cast:
            agent.write(who)
        if self.journal is not None:
            self.tell("ended", "", ending=ENDINGS[ending])
        self.ongoing[who] = False

    def drop_finished(self, share: float = 0.1) -> None:
        """Let finished replicates leave the block, once they are more than a share of it."""
        chosen = np.flatnonzero(self.ongoing)
        before = self.replicates
        if not chosen.size or before - chosen.size <= share * before:
            return
        for name in (
            "ongoing",
            "deaths",
            "danger",
            "feared",
            "under_fire",
            "at_war",
            "worst",
        ):
            setattr(self, name, getattr(self, name)[chosen])
        for part in (
            self.luck,
            self.behaviour,
            self.ladder,
            self.rungs,
            self.openings,
            self._relief,
            self.halt,
            self.endings,
            *self.cast,
        ):
            part.keep(chosen, before)
        self.record.place = self.record.place[chosen]
        for _, _, numbers in self._coming:
            numbers.keep(chosen, before)
        self.replicates = chosen.size

    def _write_journal(self) -> None:
        if self.journal is None:
            return
        series: dict[str, Array] = {"hours": self.hours, "danger": self.danger}
        for agent in self.cast:
            series |= agent.series()
        self.journal.take_turn({name: float(np.max(value)) for name, value in series.items()})

    # What came of it.

    def kept_paths(self) -> dict[str, NDArray[Any]] | None:
        """Day-by-day paths of the batch's first replicates as columns, or None where this block keeps none."""
        return self.paths.columns()

    def outcomes(self) -> dict[str, NDArray[Any]]:
        """One row a replicate, as columns: see docs/outcomes.md for what each of them means.

        Times are hours from the start, not a number where the thing never came; texts are "" where there is none.
        """
        columns = self.record.table()
        return columns | {
            "replicate": np.tile(
                self.first_replicate + np.arange(self.luck.count), self.luck.points
            ),
            "trigger_at_hours": np.full(self.luck.rows, self.scenario.trigger_hours),
            "mediated": ~np.isnan(columns["mediation_started_at_hours"]),
        }


@compiled
def _note_rungs(
    who: Indices,
    rung: Indices,
    steps: NDArray[np.void],
    ongoing: Flags,
    place: Indices,
    hours: float,
    worst: NDArray[np.float32],
    peak: NDArray[np.int16],
    worst_violence: NDArray[np.int16],
    first_strike: NDArray[np.float64],
    war: NDArray[np.float64],
    nuclear_use: NDArray[np.float64],
) -> None:
    last = steps.shape[0] - 1
    for one in who:
        if not ongoing[one]:
            continue
        row, step = place[one], steps[min(one, last), rung[one]]
        peak[row] = max(peak[row], rung[one])
        worst_violence[row] = max(worst_violence[row], np.int16(step.violence))
        worst[one] = max(worst[one], step.violence)
        if step.strike > 0 and np.isnan(first_strike[row]):
            first_strike[row] = hours
        if step.war > 0 and np.isnan(war[row]):
            war[row] = hours
        if step.nuclear > 0 and np.isnan(nuclear_use[row]):
            nuclear_use[row] = hours


@compiled
def _read_states(
    one_state: Any,
    other_state: Any,
    relief: NDArray[np.void],
    holding: Flags,
    danger: NDArray[np.float32],
    feared: NDArray[np.float32],
    under_fire: NDArray[np.float32],
    at_war: Flags,
) -> None:
    intensity, strikes, warring = one_state
    other_intensity, other_strikes, other_warring = other_state
    last = relief.size - 1
    for one in range(danger.size):
        danger[one] = _ONE - (_ONE - intensity[one]) * (_ONE - other_intensity[one])
        feared[one] = danger[one]
        if holding[one]:
            feared[one] = danger[one] * (_ONE - relief[min(one, last)].halt_relief)
        under_fire[one] = max(strikes[one], other_strikes[one])
        at_war[one] = warring[one] or other_warring[one]
