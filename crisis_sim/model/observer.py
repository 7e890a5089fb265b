"""Counts, while crises go on, what the outcomes do not hold: answers to a trigger, acts and what follows them, halts.

An observer decides nothing, draws no luck and is seen by no other agent: with it and without it crises are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.agent import CrisisAgent
from crisis_sim.model.arrays import MOMENT, Flags, Indices
from crisis_sim.model.parameters import Parameters
from crisis_sim.scenario.schema import ENDINGS, VIOLENCE

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel
    from crisis_sim.model.state import State

#: Kinds of act in a militarised confrontation, from least to worst, after MIE (Gibler and Miller).
ACTS = ("threat", "display", "force", "war")
#: What an act is followed by.
NEXT = ("end", *ACTS)
#: How a state answers a trigger, in the words of ICB's major response; "" where it does not.
RESPONSES = ("", "verbal", "political_or_economic", "nonviolent_military", "violent")

#: Climbs no further apart than this are one response, carried out step by step.
RESPONSE_GAP_DAYS = 3.0
#: Force or a display that goes on is a new act this long after the last: MIE codes an incident that lasts as one.
RENEWED_AFTER_DAYS = 7.0


def struck_column(state: str) -> str:
    """The column that says when a violent trigger struck the state, in hours from the start."""
    return f"{state}_struck_at_hours"


def response_column(state: str) -> str:
    """The column that says how a state answered a violent trigger, one of `RESPONSES`."""
    return f"{state}_response"


def response_time_column(state: str) -> str:
    """The column that says how many hours after the violent trigger the answer was complete."""
    return f"{state}_response_hours"


def transition_column(act: str, following: str) -> str:
    """The column that counts how often an act of one kind was followed by another, or by the end."""
    return f"next_{act}_{following}"


class Observer(CrisisAgent):
    """Watches a crisis and writes down what it sees; pass the class itself in `agents`.

    **Answers.** A trigger is violent where it brings deaths, or its author to a violent rung. The answer of the state that
    it strikes is its first run of climbs above where it then stood, each no more than `RESPONSE_GAP_DAYS` after the one
    before. The run's highest rung says of what kind it is, and its last climb when. On a violent rung the answer is
    violent, on the highest rung without violence nonviolent military, on the lowest above calm verbal, and between them
    political or economic. A state that fights already when it is struck is left out.

    **Acts.** An act is a climb, or force or a display that goes on: on a lower rung, or anew every `RENEWED_AFTER_DAYS`,
    while no halt holds. It is of the kind of its rung: war, force (other violence), display (the highest rung without
    violence) or threat (those below). Once there was war, all force is war until neither side fires. To come down to a
    threat or to calm is no act, and neither is a halt. The acts of both states form one sequence; in a turn the
    milder comes first.

    **Halts.** Strikes have halted when a ceasefire takes effect after the first strike and is there at its turn's end, or
    with the last strike before `follow_up_days` without one, or before the crisis ended.

    Attributes (each an array over replicates):
        last_act: kind of the last act as a place in `ACTS`; -1 before the first.
        strikes_until: hours until which strikes went on; not a number before the first.
    """

    def __init__(self, model: CrisisModel) -> None:
        super().__init__(model, "observer")
        self._kind_of = (
            _acts(model),
        )  # by rung, and so in tuples: they do not run over replicates
        self._response_of = (_responses(model),)
        self._coming = _violent_triggers(model)
        states = model.states
        self._seen = {state.name: state.rung.copy() for state in states}
        self._stood = {state.name: state.rung.copy() for state in states}
        self._struck_at = {state.name: self.array(np.nan, np.float64) for state in states}
        self._answered_at = {state.name: self.array(np.nan, np.float64) for state in states}
        self._acted_at = {state.name: self.array(np.nan, np.float64) for state in states}
        self._halted = self.array(False, bool)
        self.last_act = self.array(-1, np.int8)
        self._warring = self.array(False, bool)
        self.strikes_until = self.array(np.nan, np.float64)
        record = model.record
        for state in states:
            record.add(struck_column(state.name))
            record.add_words(response_column(state.name), RESPONSES)
            record.add(response_time_column(state.name))
        for act in ACTS:
            for following in NEXT:
                record.add(transition_column(act, following), 0, np.int32)
        record.add("halted_at_hours")

    def observe(self) -> None:
        """See what came of the last turn's decisions, and what happened in this turn."""
        if not self.crisis.begun.any():
            return
        decided_at = float(self.crisis.world.turn_ends[self.crisis.turn - 1])
        self._see_war()
        for state in self.crisis.states:
            self._see_answer(state, decided_at)
        self._see_acts(decided_at)
        self._seen = {state.name: state.rung.copy() for state in self.crisis.states}
        self._see_triggers()
        self._see_halt()

    # Answers.

    def _see_triggers(self) -> None:
        while self._coming and self._coming[0][0] <= self.crisis.hours:
            hours, name, violent = self._coming.pop(0)
            rung = self.crisis.state(name).rung
            peaceful = self._kind_of[0][rung] < ACTS.index("force")
            new = np.isnan(self._struck_at[name]) & peaceful & self.crisis.ongoing
            who = (new & violent[self.crisis.record.place]).nonzero()[0]
            self._struck_at[name][who] = hours
            self._stood[name][who] = rung[who]
            self.crisis.record.set(struck_column(name), who, hours)

    def _see_answer(self, state: State, hours: float) -> None:
        name, record = state.name, self.crisis.record
        answered_at = self._answered_at[name]
        climbed = (state.rung > self._seen[name]) & (state.rung > self._stood[name])
        # True before the first climb.
        in_time = ~(hours - answered_at > 24 * RESPONSE_GAP_DAYS + MOMENT)
        answers = climbed & in_time & ~np.isnan(self._struck_at[name]) & self.crisis.ongoing
        who = answers.nonzero()[0]
        if who.size:
            answered_at[who] = hours
            kinds = self._response_of[0][state.rung[who]]
            record.raise_to(response_column(name), who, kinds)
            record.set(response_time_column(name), who, hours - self._struck_at[name][who])

    # Acts.

    def _see_war(self) -> None:
        """A war goes on, whichever rung its fights are on, until neither side fires."""
        one, other = self.crisis.states
        highest = np.maximum(self._kind_of[0][one.rung], self._kind_of[0][other.rung])
        self._warring |= highest == ACTS.index("war")
        self._warring &= highest >= ACTS.index("force")

    def _see_acts(self, hours: float) -> None:
        (one, kinds), (other, other_kinds) = (
            self._acts_of(state, hours) for state in self.crisis.states
        )
        milder = one & (~other | (kinds <= other_kinds))
        for acts, of in ((milder, kinds), (other, other_kinds), (one & ~milder, kinds)):
            who = acts.nonzero()[0]
            self._count(who, of[who])

    def _acts_of(self, state: State, hours: float) -> tuple[Flags, NDArray[np.int8]]:
        """In which replicates the state acts, and of what kind that is."""
        seen, acted_at = self._seen[state.name], self._acted_at[state.name]
        kind = self._kind_of[0][state.rung]
        anew = (state.rung < seen) | (hours - acted_at >= 24 * RENEWED_AFTER_DAYS - MOMENT)
        goes_on = (kind >= ACTS.index("display")) & anew & ~self.crisis.halt.holding
        kind = np.where(self._warring & (kind == ACTS.index("force")), ACTS.index("war"), kind)
        acts = ((state.rung > seen) | goes_on) & self.crisis.ongoing
        acted_at[acts] = hours
        return acts, kind

    def _count(self, who: Indices, kinds: NDArray[np.int8]) -> None:
        """Count that these acts followed the last ones."""
        record, last = self.crisis.record, self.last_act[who]
        for one, act in enumerate(ACTS):
            for other, following in enumerate(ACTS):
                both = who[(last == one) & (kinds == other)]
                if both.size:
                    column = transition_column(act, following)
                    record.set(column, both, record.of(column, both) + 1)
        self.last_act[who] = kinds

    # Halts.

    def _see_halt(self) -> None:
        crisis = self.crisis
        self.strikes_until[crisis.under_fire > 0] = crisis.hours
        waiting = ~np.isnan(self.strikes_until) & ~self._halted & crisis.ongoing
        if not waiting.any():
            return
        rest = crisis.hours - self.strikes_until
        watched = 24 * crisis.scenario.follow_up_days
        rested = (waiting & (rest >= watched - MOMENT)).nonzero()[0]
        self._halt(rested, self.strikes_until[rested])
        ceased = (waiting & ~self._halted & crisis.halt.holding).nonzero()[0]
        effective_at = crisis.halt.effective_at[ceased]
        after = effective_at >= crisis.record.of("first_strike_at_hours", ceased)
        self._halt(ceased[after], effective_at[after])

    def _halt(self, who: Indices, hours: NDArray[np.float64]) -> None:
        self._halted[who] = True
        self.crisis.record.set("halted_at_hours", who, hours)

    def write(self, who: Indices) -> None:
        """Close the sequences of crises that have ended; what the horizon cut off stays open."""
        crisis, record = self.crisis, self.crisis.record
        ended = who[record.of("ending", who) != ENDINGS.index("unresolved")]
        for number, act in enumerate(ACTS):
            record.set(transition_column(act, "end"), ended[self.last_act[ended] == number], 1)
        self.strikes_until[ended[crisis.under_fire[ended] > 0]] = crisis.hours
        fought = ended[~np.isnan(self.strikes_until[ended]) & ~self._halted[ended]]
        self._halt(fought, self.strikes_until[fought])


def _acts(model: CrisisModel) -> NDArray[np.int8]:
    """The kind of act that coming to each rung is, as a place in `ACTS`; -1 for the lowest rung."""
    kinds = []
    for number, rung in enumerate(model.scenario.ladder):
        violence = VIOLENCE.index(rung.violence)
        if violence == len(VIOLENCE) - 1:
            kinds.append("war")
        elif violence:
            kinds.append("force")
        else:
            kinds.append("display" if number == model.ladder.halt_rung else "threat")
    return np.array([-1, *map(ACTS.index, kinds[1:])], np.int8)


def _responses(model: CrisisModel) -> NDArray[np.int8]:
    """The kind of answer that climbing to each rung is, as a place in `RESPONSES`."""
    kinds = [""]
    for number, rung in enumerate(model.scenario.ladder[1:], start=1):
        if rung.violence != VIOLENCE[0]:
            kinds.append("violent")
        elif number == model.ladder.halt_rung:
            kinds.append("nonviolent_military")
        else:
            kinds.append("verbal" if number == 1 else "political_or_economic")
    return np.array(list(map(RESPONSES.index, kinds)), np.int8)


def _violent_triggers(model: CrisisModel) -> list[tuple[float, str, Flags]]:
    """The scheduled triggers, the earliest first: hours, whom it strikes, and in which rows it is violent."""
    # Drawn a second time, from a copy: the crisis takes each given value once, and has its events drawn later.
    parameters = Parameters(model.luck, model.parameters.given)
    every_row = np.ones(model.replicates)
    violent_rung = np.array([rung.violence != VIOLENCE[0] for rung in model.scenario.ladder])
    triggers = []
    for number, event in enumerate(model.scenario.events):
        if event.kind == "trigger":
            numbers = parameters.numbers(f"events.{number}", event)
            rung = np.rint(getattr(numbers, "rival_rung", 0.0) * every_row).astype(np.intp)
            violent = numbers.deaths * every_row > 0
            violent |= violent_rung[np.minimum(rung, violent_rung.size - 1)]
            triggers.append((model.scenario.hours_from_start(event.at), event.struck, violent))
    return sorted(triggers, key=lambda trigger: trigger[0])
