"""The crisis: a Mesa model of a whole block of replicates, and the order in which a turn goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np
from numpy.typing import NDArray

from crisis_sim.model import turn
from crisis_sim.model.adviser import COUNSEL, Adviser
from crisis_sim.model.agent import CrisisAgent, Role, ThirdParty
from crisis_sim.model.arrays import Array, Held, Indices, OverReplicates, Real
from crisis_sim.model.bearing import bring_nothing, join
from crisis_sim.model.channel import LINE, Channel
from crisis_sim.model.endings import Endings
from crisis_sim.model.halt import Halt
from crisis_sim.model.journal import Journal
from crisis_sim.model.ladder import Ladder
from crisis_sim.model.lender import REVIEW, Lender
from crisis_sim.model.luck import Luck
from crisis_sim.model.mediator import STANDING, Mediator
from crisis_sim.model.parameters import Numbers, Parameters, parts_of
from crisis_sim.model.paths import Paths
from crisis_sim.model.record import MILESTONES, OF_LENDERS, Record
from crisis_sim.model.state import POWER, State
from crisis_sim.model.tell import tell
from crisis_sim.model.world import (
    BOARD,
    CHANGING,
    figures_of,
    nothing_beside,
    streams_of,
    without,
    world_of,
)
from crisis_sim.scenario.numbers import is_count
from crisis_sim.scenario.schema import ENDINGS, STYLES, VIOLENCE, Scenario

if TYPE_CHECKING:
    from crisis_sim.model.gpu import Card

#: Turns, summed over replicates, after which Python has its say: a fraction of a second.
AT_A_STRETCH = 2**20

#: Makes an agent of one's own: called with the model once the scenario's agents stand.
AgentMaker = Callable[["CrisisModel"], CrisisAgent]


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
        engine: `cpu`, or `gpu` for a graphics card, on which `run` then goes on (see `crisis_sim.model.gpu`); agents of
            one's own and a journal need `cpu`.

    Attributes:
        hours: hours from the scenario's start to the end of the current turn.
        began_at: hours at which each replicate's crisis began, infinite before, shape (replicates,).
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
        board, powers, mediation, reviews, lines, counsel: where all this and the agents' attributes are held: records of the
            crisis, shape (replicates,), of states, mediators, lenders' reviews, channels and advisers, shape
            (replicates, members).
        world: all that the rules read and write, those records among it.

    Raises:
        ValueError: when a journal is asked for more than one replicate, or a count is not positive.
        KeyError: when `parameters` names what is no parameter of the scenario.
        NoCardError: when the engine is a graphics card, and there is none.
    """

    began_at = Held()
    ongoing = Held()
    open_to_decision = Held()
    at_war = Held()
    deaths = Held()
    danger = Held()
    feared = Held()
    under_fire = Held()
    worst = Held()

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
        engine: str = "cpu",
    ) -> None:
        if not is_count(seed, 0):
            raise ValueError(f"expected a whole number of at least 0 for seed, got {seed!r}")
        super().__init__(rng=seed)  # Mesa's own generator is not used: see luck.py
        if not (is_count(replicates) and is_count(first_replicate, 0)):
            raise ValueError(f"cannot run {replicates} replicates from number {first_replicate}")
        if not is_count(points):
            raise ValueError(f"a design has at least one point, not {points}")
        rows = points * replicates
        if journal is not None and rows != 1:
            raise ValueError(f"a journal follows one replicate, not {rows}")
        # Which state is the first hangs on its name, not on the file.
        states = dict(sorted(scenario.states.items()))
        self._crisis = scenario = scenario.model_copy(update={"states": states})
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
        self.board = np.zeros(rows, BOARD)
        self.powers = np.zeros((rows, len(scenario.states)), POWER)
        self.mediation = np.zeros((rows, len(scenario.mediators)), STANDING)
        reviews = sum(len(one.reviews) for one in scenario.lenders.values())
        self.reviews = np.zeros((rows, reviews), REVIEW)
        self.lines = np.zeros((rows, len(scenario.channels)), LINE)
        self.counsel = np.zeros((rows, len(scenario.advisers)), COUNSEL)
        self.ongoing = True
        self.began_at = np.inf
        self.record = self._new_record()
        self.streams = streams_of(self, self.luck)

        self.cast: list[CrisisAgent] = []
        self.halt = Halt(self)
        self.endings = Endings(self)
        self._populate(agents)
        self._schedule()
        self.paths = Paths(self, keep_paths if points == 1 else 0)
        self.world = world_of(self)
        self.parameters.check_all_used()
        self._begin()
        self.paths.begin()
        self._card = self._find_card() if engine == "gpu" else None

    def _find_card(self) -> Card:
        if self.journal is not None or self.own_agents:
            raise ValueError("agents of one's own, and a journal, need the engine cpu")
        from crisis_sim.model.gpu import Card

        return Card(self.world)

    @property
    def scenario(self) -> Scenario:
        """The crisis that is run, its states in the order of their names."""
        return self._crisis

    @scenario.setter
    def scenario(self, _: object) -> None:
        """From 3.5 on, Mesa puts a scenario of its own kind here; it stays unused, and ours unchanged."""

    @property
    def records(self) -> Any:
        """Where its attributes over replicates are held."""
        return self.board

    # How it is made.

    def _populate(self, agents: Iterable[AgentMaker]) -> None:
        scenario = self.scenario
        self.states = tuple(
            State(self, name, spec, place)
            for place, (name, spec) in enumerate(scenario.states.items())
        )
        self.states[0].meet(self.states[1])
        self.states[1].meet(self.states[0])
        self.record.columns["nuclear_pair"] |= self.states[0].nuclear & self.states[1].nuclear
        self.mediators = [
            Mediator(self, name, spec, place)
            for place, (name, spec) in enumerate(scenario.mediators.items())
        ]
        self.lenders: list[Lender] = []
        first_review = 0
        for place, (name, lender) in enumerate(scenario.lenders.items()):
            self.lenders.append(Lender(self, name, lender, place, first_review))
            first_review += len(lender.reviews)
        self.channels = [
            Channel(self, name, spec, place)
            for place, (name, spec) in enumerate(scenario.channels.items())
        ]
        self.advisers = [
            Adviser(self, name, spec, place)
            for place, (name, spec) in enumerate(scenario.advisers.items())
        ]
        for make in agents:
            make(self)

    def _begin(self) -> None:
        """Let all states stand where they stand when the crisis begins, and see when that is."""
        scenario = self.scenario
        turn.look(self.world, scenario.trigger_hours)
        self._tell_notes()
        for state in self.states:
            state.commitment = state.intensity
        if scenario.triggered:
            self.began_at = scenario.trigger_hours
        else:
            self.began_at = min((hours for hours, _, _ in self.scheduled), default=np.inf)
            self._begin_where_at_odds()

    def _begin_where_at_odds(self) -> None:
        """Begin the crisis where the states stand above the lowest rung, or hold a grievance or a claim."""
        at_odds = [one.rung + one.grievance + one.facts.claim > 0 for one in self.states]
        at_odds = np.logical_or(*at_odds)
        self.began_at[at_odds] = np.minimum(self.began_at[at_odds], self.hours)

    def enrol(self, agent: CrisisAgent) -> None:
        """Take an agent into the cast; every agent does this for itself when it is made.

        Raises:
            ValueError: when its name is taken, since names key luck and columns.
        """
        taken = [known.name for known in self.cast]
        if agent.name in taken:
            raise ValueError(f"an agent is called '{agent.name}' already; names taken: {taken}")
        self.cast.append(agent)

    def dismiss(self, agent: CrisisAgent) -> None:
        """Take an agent of one's own out of the cast.

        Raises:
            ValueError: when it is one of the scenario's, without which the rules cannot go on.
        """
        if isinstance(agent, Role):
            raise ValueError(f"'{agent.name}' is part of the scenario: leave it out there")
        self.cast.remove(agent)
        self.world = self.world._replace(beside=nothing_beside(1))  # what it brought goes with it

    @property
    def own_agents(self) -> list[CrisisAgent]:
        """The agents that are not the scenario's, in the order of Mesa's AgentSet."""
        return [agent for agent in self.cast if not isinstance(agent, Role)]

    def _new_record(self) -> Record:
        record = Record(self.replicates, figures_of(self), OF_LENDERS + len(self.scenario.lenders))
        for milestone in MILESTONES:
            record.add_figure(milestone)
        record.add_word("ending", ENDINGS)
        record.add_word("mediation_style", ["", *STYLES])
        record.add_word("brokered_by", ["", *self.scenario.mediators])
        record.add_word("worst_violence", VIOLENCE)
        record.add_word("peak_rung")
        record.add("nuclear_pair", False, np.bool_)
        record.add_figure("deaths")
        for name in self.scenario.states:
            record.add_figure(f"{name}_lowest_market")
            record.add_figure(f"{name}_highest_pressure")
            record.add_figure(f"{name}_market_rebound")
        return record

    def _schedule(self) -> None:
        """Set up the scheduled events, the earliest first."""
        scenario = self.scenario
        numbers = [
            self.parameters.numbers(f"events.{k}", event) for k, event in enumerate(scenario.events)
        ]
        hours = [scenario.hours_from_start(event.at) for event in scenario.events]
        order = sorted(range(len(hours)), key=hours.__getitem__)
        self.scheduled = tuple((hours[k], scenario.events[k], numbers[k]) for k in order)

    # What agents ask.

    @property
    def begun(self) -> NDArray[np.bool_]:
        """Whether each replicate's crisis had begun before the current turn's end."""
        return np.asarray(self.began_at < self.hours)

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

    def tell(self, kind: str, agent: str, **detail: Any) -> None:
        """Note an event in the journal, if there is one and the crisis is not over."""
        if self.journal is not None and self.ongoing[0]:
            self.journal.note(float(detail.pop("hours", self.hours)), kind, agent, detail)

    # A turn.

    def step(self) -> None:
        """One turn: all observe what it brought; the states decide, then the others; what they decided is carried out."""
        own = self.own_agents
        if own:
            self._take_turn_with(own)
        else:
            self._take_turns(self.turn + 1, turn.WHOLE)
        self._see_what_came()

    def run(
        self,
        drop_finished: bool = True,
        watch: Callable[[CrisisModel], None] | None = None,
        daily: bool = True,
    ) -> CrisisModel:
        """Go on until every replicate's crisis is over.

        Args:
            drop_finished: whether finished replicates leave the block on the way, which saves work and changes nothing.
            watch: called with the model as it goes on; what it raises ends the run.
            daily: whether that is at least once a day of the crisis; else it is now and then, which costs nothing.
        """
        by_turns = self.journal is not None or bool(self.own_agents)
        while self.running:
            if by_turns:
                self.step()
            else:  # each replicate goes through many turns by itself
                self._take_turns(self._next_stop(watch is not None and daily), turn.WHOLE)
                if self._card is not None and self.turn >= self.scenario.turns:
                    self._card.fetch()
                self._see_what_came()
                self.steps = self.turn
            if watch is not None:
                watch(self)
            if drop_finished and self._card is None:
                self.drop_finished()
        return self

    def _next_stop(self, is_watched: bool) -> int:
        """The turn to go on to: the day's last where someone watches, else one some way ahead."""
        ahead = 1
        if not is_watched:
            ahead = max(int(AT_A_STRETCH * self.days_per_turn / self.replicates), 1)
        days = self.world.days
        return min(int(np.searchsorted(days, days[self.turn] + ahead)), self.scenario.turns)

    def _take_turns(self, until: int, parts: int) -> None:
        """Take the replicates whose crises go on through parts of the turns up to this one."""
        first = self.turn + 1
        self.turn, self.hours = until, float(self.world.turn_ends[until])
        self._take(first, parts)

    def _take(self, first: int, parts: int) -> None:
        if self._card is not None:
            self.turns_run += self._card.take_turns(first, self.turn, parts)
        else:
            self.turns_run += turn.take_turns(self.world, first, self.turn, parts)
        self._tell_notes()

    def _take_turn_with(self, own: list[CrisisAgent]) -> None:
        """A turn with agents of one's own, which act right after the others."""
        self.turn += 1
        self.hours = float(self.world.turn_ends[self.turn])
        before = self.ongoing.copy()
        parties = [agent for agent in own if isinstance(agent, ThirdParty)]
        if parties:
            self._strain(parties)
        self._take(self.turn, turn.OBSERVE)
        for agent in own:
            agent.observe()
        self._take(self.turn, turn.CONVENE)
        if parties:
            self._bear(parties)
        for channel in self.channels:
            wishes = [one.wish_to_talk() for one in channel.openers if not isinstance(one, Role)]
            channel.wished = sum(wishes) if wishes else Real(0)
        self._take(self.turn, turn.ACT)
        for agent in own:
            agent.act()
        self._take(self.turn, turn.SETTLE)
        for agent in own:
            agent.settle()
        self._take(self.turn, turn.CLOSE)
        ended = np.flatnonzero(before & ~self.ongoing)
        if ended.size:
            for agent in own:
                agent.write(ended)

    def _strain(self, parties: list[ThirdParty]) -> None:
        """Ask agents of one's own for the economic pressure that they put on the states."""
        if len(self.world.beside) != self.replicates:
            self.world = self.world._replace(beside=nothing_beside(self.replicates))
        for state in self.states:
            strains = [one.strain(state) for one in parties]
            total = sum((one for one in strains if one is not None), start=Real(0))
            self.world.beside["strain"][:, state.place] = total

    def _bear(self, parties: list[ThirdParty]) -> None:
        """Ask agents of one's own for what they bring to bear on the states that decide."""
        for state in self.states:
            beside = self.world.beside[:, state.place]
            bring_nothing(beside)
            who = np.flatnonzero(state.decides & self.ongoing)
            for party in parties:
                influence = party.influence(state, who) if who.size else None
                if influence is not None:
                    join(beside, influence, who)

    def _see_what_came(self) -> None:
        self._write_journal()
        self.running = bool(self.ongoing.any()) and self.turn < self.scenario.turns

    def look(self) -> None:
        """See how things stand, as at the end of a turn: for states whose rungs were set from outside."""
        turn.look(self.world, self.hours)
        self._begin_where_at_odds()
        self._tell_notes()

    def move(self, state: State, who: Indices, rungs: Array) -> None:
        """Let a state go to other rungs in the replicates `who`."""
        rungs = np.broadcast_to(np.asarray(rungs, np.intp), np.shape(who)).copy()
        turn.move(self.world, state.place, np.asarray(who, np.intp), rungs, self.hours)
        self._begin_where_at_odds()
        self._tell_notes()

    def drop_finished(self, share: float = 0.5) -> None:
        """Let finished replicates leave the block, once they are more than a share of it."""
        chosen = np.flatnonzero(self.ongoing)
        before = self.replicates
        if not chosen.size or before - chosen.size <= share * before:
            return
        self.world = without(self.world, chosen)
        for name in CHANGING:
            setattr(self, name, getattr(self.world, name))
        self.luck.replicate = self.world.replicate
        self.streams.taken, self.streams.left = self.world.taken, self.world.left
        self.record.place = self.world.place
        for part in (self.behaviour, self.ladder, *self.cast):
            part.keep(chosen, before)
        self.replicates = chosen.size

    # What it tells.

    def _tell_notes(self) -> None:
        if self.journal is not None:
            tell(self, self.journal, self.world.notes[: self.world.noted[0]])
            self.world.noted[0] = 0

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
