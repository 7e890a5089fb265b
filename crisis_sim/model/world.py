"""All that rules read and write, side by side: what a driver takes replicate after replicate through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model import adviser, channel, choice, endings, halt, lender, mediator, state
from crisis_sim.model.arrays import DAY_HOURS, Array, Indices, Real, kept, terms
from crisis_sim.model.bearing import BESIDE, INFLUENCE, bring_nothing
from crisis_sim.model.luck import Luck, Streams
from crisis_sim.model.record import NOTE, NOTES_A_TURN, OF_THIRD_PARTIES

if TYPE_CHECKING:
    from crisis_sim.model.agent import CrisisAgent
    from crisis_sim.model.crisis import CrisisModel

#: How a crisis as a whole stands, in one replicate: see `CrisisModel`, `Halt` and `Endings`.
BOARD = np.dtype(
    [
        *((name, np.bool_) for name in ("ongoing", "open_to_decision", "at_war", "pending", "holding")),
        *((name, np.float64) for name in ("began_at", "deaths", "effective_at", "quiet_days")),
        *((name, Real) for name in ("danger", "feared", "under_fire", "worst")),
    ],
    align=True,
)  # fmt: skip
#: Numbers of the crisis as a whole that stay as they are while it lasts.
TERMS = np.dtype([("halt_relief", Real), *halt.TERMS, *endings.TERMS], align=True)
#: A scheduled event: grievance and pressure that it brings whom it strikes, deaths, and to which rung its author climbs.
EVENT = np.dtype(
    [("harm", Real), ("pressure", Real), ("deaths", np.float64), ("goal", np.int64)], align=True
)

#: Numbers of agents and reviews. Compiled rules look whether a number with a sign is below zero.
AGENT = np.uint32
#: Kinds of third party.
MEDIATOR, LENDER, CHANNEL, ADVISER = range(4)


class Course(NamedTuple):
    """Numbers that all replicates share.

    Attributes:
        hours_per_turn, days_per_turn: length of a turn.
        follow_up_hours: for how long a halt is watched.
        last_turn: the horizon.
        halt_rung, fire_rung, nuclear_rung: see `Ladder`.
    """

    hours_per_turn: float
    days_per_turn: np.float32
    follow_up_hours: float
    last_turn: int
    halt_rung: int
    fire_rung: int
    nuclear_rung: int


class World(NamedTuple):
    """One block of replicates; all arrays run over them first, but for what all of them share.

    Attributes:
        board, powers, mediation, reviews, lines, counsel: what changes: records of the crisis, states, mediators, reviews,
            channels and advisers.
        keys, replicate, taken, left: luck.
        figures, words, place, notes, noted, paths: where it is written down what happened.
        terms, stakes, habits, conduct, means, purses, at_stake, worth, councils, ladder, openings, events: numbers that stay
            as they are; a single row where all replicates share them.
        beside: what agents of one's own bring to bear on each state; a single row where there are none.
        parties: kind and number of each third party, in the order of their names, so that the last digit does not hang on
            the order of the file.
        lenders: their numbers, in the order of their names, too.
        borrowers, first_review, lender_of: each lender's borrower, the number of its first review (and, one more, of all
            reviews), and each review's lender.
        heard_by: each adviser's state.
        openers: who may open each channel: numbers of states, then of mediators; -1 for none.
        event_hours, event_struck: when events come, the earliest first, and whom they strike.
        turn_ends: by turn, hours from the start to its end.
        come, days: by turn, how many of the events have come, and how many days have passed, by its end.
        trading: by turn, whether a day since the crisis began ends in it: markets move day by day.
        course: numbers that all share.
        now, brought, odds: room for a state's decision, of which each replicate that is gone through at a time needs a row.
    """

    board: Any
    powers: Any
    mediation: Any
    reviews: Any
    lines: Any
    counsel: Any
    keys: Any
    replicate: Any
    taken: Any
    left: Any
    figures: Any
    words: Any
    place: Any
    notes: Any
    noted: Any
    paths: Any
    terms: Any
    stakes: Any
    habits: Any
    conduct: Any
    means: Any
    purses: Any
    at_stake: Any
    worth: Any
    councils: Any
    ladder: Any
    openings: Any
    events: Any
    beside: Any
    parties: Any
    lenders: Any
    borrowers: Any
    first_review: Any
    lender_of: Any
    heard_by: Any
    openers: Any
    event_hours: Any
    event_struck: Any
    turn_ends: Any
    come: Any
    days: Any
    trading: Any
    course: Course
    now: Any
    brought: Any
    odds: Any


#: What changes, and what is kept of it when finished replicates leave the block.
CHANGING = ("board", "powers", "mediation", "reviews", "lines", "counsel")
_OVER_REPLICATES = (
    *CHANGING, "replicate", "taken", "left", "place", "terms", "stakes", "habits", "conduct", "means", "purses", "at_stake",
    "worth", "councils", "ladder", "openings", "events", "beside",
)  # fmt: skip


def world_of(crisis: CrisisModel) -> World:
    """The world of a crisis whose agents stand."""
    scenario, record, streams = crisis.scenario, crisis.record, crisis.streams
    behaviour, states, rungs = crisis.behaviour, crisis.states, crisis.ladder
    credit, power = behaviour.harm.attrition_credit, behaviour.decision.dread_power
    general = {
        "halt_relief": behaviour.economy.halt_relief,
        **halt.terms(behaviour),
        **endings.terms(behaviour),
    }
    first_review = [one.first_review for one in crisis.lenders] + [crisis.reviews.shape[1]]
    at_stake = [one.stake(k) for one in crisis.lenders for k in range(len(one.calendar))]
    lender_of = [one.place for one in crisis.lenders for _ in one.calendar]
    means = [one.means(state) for one in crisis.mediators for state in states]
    scheduled = crisis.scheduled
    event_hours = np.array([hours for hours, _, _ in scheduled], np.float64)
    turn_ends = np.array(scenario.turn_ends())
    days_since = _days(np.array(scenario.turn_ends(from_beginning=True)))
    return World(
        board=crisis.board,
        powers=crisis.powers,
        mediation=crisis.mediation,
        reviews=crisis.reviews,
        lines=crisis.lines,
        counsel=crisis.counsel,
        keys=streams.keys,
        replicate=crisis.luck.replicate,
        taken=streams.taken,
        left=streams.left,
        figures=record.figures,
        words=record.words,
        place=record.place,
        notes=np.zeros(NOTES_A_TURN if crisis.journal is not None else 0, NOTE),
        noted=np.zeros(1, np.int64),
        paths=crisis.paths.records,
        terms=terms(TERMS, [general])[:, 0],
        stakes=terms(choice.STAKES, [one.stakes() for one in states]),
        habits=terms(state.HABITS, [one.habits() for one in states]),
        conduct=terms(mediator.CONDUCT, [one.conduct() for one in crisis.mediators]),
        means=_by_state(terms(mediator.MEANS, means)),
        purses=terms(lender.CONDUCT, [one.conduct() for one in crisis.lenders]),
        at_stake=terms(lender.STAKE, at_stake),
        worth=terms(channel.WORTH, [one.worth() for one in crisis.channels]),
        councils=terms(adviser.CONDUCT, [one.conduct() for one in crisis.advisers]),
        ladder=rungs.rungs(crisis.days_per_turn, credit, power),
        openings=rungs.openings(),
        events=terms(EVENT, [_event(crisis, numbers) for _, _, numbers in scheduled]),
        beside=nothing_beside(1),
        parties=_parties(crisis),
        lenders=np.array([one.place for one in sorted(crisis.lenders, key=_by_name)], AGENT),
        borrowers=np.array([one.borrower.place for one in crisis.lenders], AGENT),
        first_review=np.array(first_review, AGENT),
        lender_of=np.array(lender_of, AGENT),
        heard_by=np.array([crisis.state(one.state_name).place for one in crisis.advisers], AGENT),
        openers=_openers(crisis),
        event_hours=event_hours,
        event_struck=np.array([crisis.state(one.struck).place for _, one, _ in scheduled], AGENT),
        turn_ends=turn_ends,
        come=_come(event_hours, turn_ends),
        days=_days(turn_ends),
        trading=np.diff(days_since, prepend=days_since[0]) > 0,
        course=Course(
            hours_per_turn=float(scenario.hours_per_turn),
            days_per_turn=Real(crisis.days_per_turn),
            follow_up_hours=float(24 * scenario.follow_up_days),
            last_turn=int(scenario.turns),
            halt_rung=rungs.halt_rung,
            fire_rung=rungs.fire_rung,
            nuclear_rung=rungs.nuclear_rung,
        ),
        now=np.zeros(1, choice.SITUATION),
        brought=np.zeros(1, INFLUENCE),
        odds=np.zeros((1, choice.FIRST_RUNG + len(rungs.names)), Real),
    )


def without(world: World, chosen: Indices) -> World:
    """The world with the chosen replicates only."""
    replicates = len(world.board)
    fewer: dict[str, Any] = {
        name: kept(getattr(world, name), chosen, replicates) for name in _OVER_REPLICATES
    }
    return world._replace(**fewer)


def nothing_beside(rows: int) -> NDArray[np.void]:
    """What no agent of one's own brings to bear: records of `BESIDE`, shape (rows, states)."""
    beside = np.zeros((rows, 2), BESIDE)
    bring_nothing(beside)
    return beside


def streams_of(crisis: CrisisModel, luck: Luck) -> Streams:
    """The luck of all agents of the scenario, in the order in which `turn.py` numbers it."""
    scenario, names, clocks = crisis.scenario, [], []
    for name in scenario.states:
        names += [f"{name}/{purpose}" for purpose in state.PURPOSES]
        names += [f"{endings.NAME}/{name} collapses", f"{halt.NAME}/{name} struck"]
        clocks += [purpose in state.CLOCKS for purpose in state.PURPOSES] + [True, False]
    names += [f"{halt.NAME}/{purpose}" for purpose in halt.PURPOSES]
    clocks += [True, False]
    for agents, purposes in (
        (scenario.mediators, mediator.PURPOSES),
        (scenario.channels, channel.PURPOSES),
        (scenario.advisers, adviser.PURPOSES),
    ):
        names += [f"{name}/{purpose}" for name in agents for purpose in purposes]
        clocks += [purpose != mediator.LOT for _ in agents for purpose in purposes]
    for name, spec in scenario.lenders.items():
        names += [f"{name}/review {k}" for k in range(len(spec.reviews))]
        clocks += [False] * len(spec.reviews)
    return Streams(luck, names, clocks)


def figures_of(crisis: CrisisModel) -> int:
    """How many columns of numbers rules write."""
    scenario = crisis.scenario
    return OF_THIRD_PARTIES + sum(
        len(agents)
        for agents in (scenario.mediators, scenario.lenders, scenario.channels, scenario.advisers)
    )


def _by_name(agent: CrisisAgent) -> str:
    return agent.name


def _by_state(records: NDArray[np.void]) -> NDArray[np.void]:
    return records.reshape(len(records), records.shape[1] // 2, 2)


def _event(crisis: CrisisModel, numbers: Any) -> dict[str, Array]:
    goal = np.asarray(numbers.rival_rung, np.float64)
    if np.any((goal != np.rint(goal)) | (goal > crisis.ladder.top)):
        raise ValueError(
            f"an event takes a state to a rung that is none of 0 to {crisis.ladder.top}"
        )
    return {
        "harm": numbers.blame * (crisis.harm_of(numbers.deaths) + numbers.provocation),
        "pressure": numbers.pressure,
        "deaths": numbers.deaths,
        "goal": goal.astype(np.intp),
    }


def _days(turn_ends: NDArray[np.float64]) -> NDArray[np.intp]:
    return (turn_ends // DAY_HOURS).astype(np.intp)


def _come(event_hours: NDArray[np.float64], turn_ends: NDArray[np.float64]) -> NDArray[np.intp]:
    come = np.searchsorted(event_hours, turn_ends, side="right")
    come[0] = 0  # those at the start come in the first turn
    return come


def _parties(crisis: CrisisModel) -> NDArray[np.uint32]:
    kinds = {
        MEDIATOR: crisis.mediators,
        LENDER: crisis.lenders,
        CHANNEL: crisis.channels,
        ADVISER: crisis.advisers,
    }
    named = sorted((one.name, kind, one.place) for kind, agents in kinds.items() for one in agents)
    return np.array([(kind, place) for _, kind, place in named], AGENT).reshape(-1, 2)


def _openers(crisis: CrisisModel) -> NDArray[np.intp]:
    numbers = {one.name: one.place for one in crisis.states}
    numbers |= {one.name: len(crisis.states) + one.place for one in crisis.mediators}
    lists = [
        [numbers[name] for name in sorted({*one.opened_by}) if name in numbers]
        for one in crisis.channels
    ]
    openers = np.full((len(lists), max(map(len, lists), default=0)), -1, np.intp)
    for place, codes in enumerate(lists):
        openers[place, : len(codes)] = codes
    return openers
