"""A turn: one replicate after another is taken through it, or through several, by the rules of all agents.

This is the schedule. A turn has parts, so that agents of one's own can act in between; where there are none, a replicate
goes through whole turns while all that there is of it is in the processor's innermost cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from crisis_sim.model import (
    adviser,
    bearing,
    channel,
    economy,
    endings,
    halt,
    lender,
    mediator,
    paths,
    state,
    tell,
)
from crisis_sim.model.arrays import DAY_HOURS, MOMENT, Real, row
from crisis_sim.model.compiled import driver, part, rule
from crisis_sim.model.endings import AGREEMENT, NONE, UNRESOLVED
from crisis_sim.model.luck import Draws
from crisis_sim.model.record import OF_THIRD_PARTIES, Book, note
from crisis_sim.model.state import MARKET, STREAMS_A_STATE, UNDECIDED
from crisis_sim.model.world import ADVISER, CHANNEL, MEDIATOR

#: The parts of a turn: all observe; it is seen who comes to a decision; they decide; they do as they decided; it is seen
#: how things stand, and what is over.
OBSERVE, CONVENE, ACT, SETTLE, CLOSE = 1, 2, 4, 8, 16
WHOLE = OBSERVE | CONVENE | ACT | SETTLE | CLOSE

_ZERO, _ONE = Real(0), Real(1)
#: The first mediator's stream of luck: before it are those of the states and of the halt.
_OF_MEDIATORS = 2 * STREAMS_A_STATE + len(halt.PURPOSES)


class Here(NamedTuple):
    """One replicate at one moment.

    Attributes:
        board: how the crisis as a whole stands.
        hours: from the scenario's start to the turn's end.
        days: length of a turn.
        luck: the replicate's luck.
        book: where it is written down what happens.
    """

    board: Any
    hours: Any
    days: Any
    luck: Any
    book: Any


@driver
def take_turns(world: Any, first: int, last: int, parts: int) -> int:
    """Take all replicates whose crises go on through parts of the turns `first` to `last`; how many turns they observed."""
    taken = 0
    for one in range(world.board.shape[0]):
        turn = first
        while turn <= last and world.board[one].ongoing:
            taken += take_turn(world, one, turn, parts, last)
            turn += 1
    return taken


@driver
def look(world: Any, hours: float) -> None:
    """Let all states stand on their rungs, and see how things stand."""
    for one in range(world.board.shape[0]):
        here = _here(world, one, hours)
        ladder = world.ladder[row(world.ladder, one)]
        for side in range(2):
            if here.board.ongoing:
                state.come_to(world.powers[one, side], side, ladder, here, hours)
        _look(world, one)


@driver
def move(world: Any, side: int, who: Any, rungs: Any, hours: float) -> None:
    """Let a state go to other rungs in the replicates `who`."""
    for place in range(who.shape[0]):
        one = who[place]
        _move(world, one, side, rungs[place], _here(world, one, hours), hours)


@rule
def take_turn(world: Any, one: Any, turn: Any, parts: Any, last: Any) -> Any:
    """Take one replicate through parts of a turn; 1 if it observed, else 0.

    Before its crisis begins only scheduled events happen; nobody decides, and no luck is taken.

    Args:
        last: the turn after which someone looks at how things stand.
    """
    here = _here(world, one, world.turn_ends[turn])
    if parts & OBSERVE:
        _happen(world, one, here, turn)
    # What begins at the very end of a turn has all of the next one before it.
    begun = here.board.began_at < here.hours
    if begun:
        _go_on(world, one, here, world.trading[turn], parts)
    if parts & OBSERVE and turn == last:
        _show(world, one)
    if parts & CLOSE:
        _end(world, one, here, begun, turn >= world.course.last_turn)
        if world.days[turn] > world.days[turn - 1] and world.place[one] < world.paths.shape[1]:
            _keep(world, one, world.days[turn])
    return parts & OBSERVE


@rule
def _go_on(world: Any, one: Any, here: Any, trading: Any, parts: Any) -> None:
    """Take one replicate, whose crisis has begun, through parts of a turn, but for events and the end."""
    if parts & OBSERVE:
        _suffer(world, one, here)
        _observe(world, one, here, trading)
    if parts & CONVENE:
        _convene(world, one, here)
    if parts & ACT:
        _decide(world, one, here)
        _act(world, one, here)
    if parts & SETTLE:
        _settle(world, one, here)
    if parts & CLOSE:
        _halt(world, one, here)
        _look(world, one)


@part
def _here(world: Any, one: Any, hours: Any) -> Any:
    luck = Draws(world.keys, world.replicate[one], world.taken[one], world.left[one])
    book = Book(world.figures, world.words, world.place[one], world.notes, world.noted)
    return Here(world.board[one], hours, world.course.days_per_turn, luck, book)


@rule
def _move(world: Any, one: Any, side: Any, rung: Any, here: Any, hours: Any) -> None:
    """Let a state go to another rung at the given hours."""
    ladder = world.ladder[row(world.ladder, one)]
    openings = world.openings[row(world.openings, one)]
    state.move(world.powers[one, side], side, rung, ladder, openings, here, hours)


@rule
def _happen(world: Any, one: Any, here: Any, turn: Any) -> None:
    """Let the events scheduled for the turn happen, rungs that they bring counting for the whole of it."""
    board = here.board
    for event in range(world.come[turn - 1], world.come[turn]):
        hours, side = world.event_hours[event], world.event_struck[event]
        brought = world.events[row(world.events, one), event]
        state.suffer_event(world.powers[one, side], brought)
        board.deaths += brought.deaths
        note(here.book, tell.EVENT, event, hours)
        if brought.goal > world.powers[one, 1 - side].rung:
            _move(world, one, 1 - side, brought.goal, here, hours)
            if brought.goal > world.course.halt_rung:
                state.fall(1 - side, here, hours)


@rule
def _suffer(world: Any, one: Any, here: Any) -> None:
    """Count the deaths of the turn; see whether the crisis is open to decision."""
    board = here.board
    board.deaths += world.powers[one, 0].deaths
    board.deaths += world.powers[one, 1].deaths
    board.open_to_decision = not (board.pending or board.holding)


@rule
def _observe(world: Any, one: Any, here: Any, trading: Any) -> None:
    """All take in what the last turn brought."""
    for side in range(2):
        own, habits = world.powers[one, side], world.habits[row(world.habits, one), side]
        first = side * STREAMS_A_STATE
        state.observe(own, world.powers[one, 1 - side], habits)
        state.misread(own, habits, here, first)
        if trading:
            economy.drift(own, habits, here.luck, first + MARKET)
        economy.balance(own, habits, here.board.feared, _strain(world, one, side))
    for number in range(world.mediation.shape[1]):
        conduct = world.conduct[row(world.conduct, one), number]
        mediator.heed(world.mediation[one, number], conduct, here.board.danger)
    for number in range(world.counsel.shape[1]):
        conduct = world.councils[row(world.councils, one), number]
        adviser.observe(world.counsel[one, number], conduct)


@rule
def _show(world: Any, one: Any) -> None:
    """Let it be seen how markets and economies stand, and at worst have stood."""
    for side in range(2):
        own, habits = world.powers[one, side], world.habits[row(world.habits, one), side]
        economy.feel(own, habits)
        economy.recall(own, habits)


@rule
def _keep(world: Any, one: Any, day: Any) -> None:
    """Write down how states stand at the end of a day."""
    _show(world, one)
    today = world.paths[day, world.place[one]]
    for side in range(2):
        paths.keep(today[side], world.powers[one, side])


@rule
def _strain(world: Any, one: Any, side: Any) -> Any:
    """Economic pressure that third parties put on a state."""
    strain = world.beside[row(world.beside, one), side].strain
    for place in range(world.lenders.shape[0]):
        number = world.lenders[place]
        if world.borrowers[number] == side:
            burden = _ZERO
            for k in range(world.first_review[number], world.first_review[number + 1]):
                burden += world.reviews[one, k].burden
            strain += burden
    return strain


@rule
def _convene(world: Any, one: Any, here: Any) -> None:
    """See which states come to a decision."""
    for side in range(2):
        own, habits = world.powers[one, side], world.habits[row(world.habits, one), side]
        if state.convene(own, habits, here, side * STREAMS_A_STATE):
            note(here.book, tell.ACCIDENT, side, here.hours)


@rule
def _decide(world: Any, one: Any, here: Any) -> None:
    """The states decide on what third parties had done when the turn began."""
    for side in range(2):
        own = world.powers[one, side]
        if not own.decides:
            continue
        now, brought = world.now[row(world.now, one)], world.brought[row(world.brought, one)]
        bearing.begin(brought, world.beside[row(world.beside, one), side])
        for place in range(world.parties.shape[0]):
            kind, number = world.parties[place, 0], world.parties[place, 1]
            _bear(world, one, side, kind, number, brought, here.hours)
        bearing.close(brought)
        stakes, rival = world.stakes[row(world.stakes, one), side], world.powers[one, 1 - side]
        economy.feel(own, world.habits[row(world.habits, one), side])
        known, worst = brought.information, here.board.worst
        state.look_around(now, own, rival, worst, stakes, known, here.hours)
        ladder, odds = world.ladder[row(world.ladder, one)], world.odds[row(world.odds, one)]
        first = side * STREAMS_A_STATE
        state.decide(own, stakes, now, brought, ladder, world.course, odds, here, first)


@rule
def _bear(
    world: Any, one: Any, side: Any, kind: Any, number: Any, brought: Any, hours: Any
) -> None:
    """Join what a third party brings to bear on a state."""
    if kind == MEDIATOR:
        means = world.means[row(world.means, one), number, side]
        conduct = world.conduct[row(world.conduct, one), number]
        mediator.bear(world.mediation[one, number], means, conduct, brought)
    elif kind == CHANNEL:
        worth = world.worth[row(world.worth, one), number]
        channel.bear(world.lines[one, number], worth, brought)
    elif kind == ADVISER:
        if world.heard_by[number] == side:
            conduct = world.councils[row(world.councils, one), number]
            adviser.bear(world.counsel[one, number], conduct, brought)
    elif world.borrowers[number] == side:
        purse = world.purses[row(world.purses, one), number]
        start = world.first_review[number]
        count = world.first_review[number + 1] - start
        lender.bear(purse, world.reviews[one], start, count, hours, brought)


@rule
def _act(world: Any, one: Any, here: Any) -> None:
    """All others decide what to do at the end of the turn."""
    mediators, lenders = world.mediation.shape[1], world.borrowers.shape[0]
    channels, advisers = world.lines.shape[1], world.counsel.shape[1]
    stream, figure = _OF_MEDIATORS, OF_THIRD_PARTIES
    for number in range(mediators):
        conduct = world.conduct[row(world.conduct, one), number]
        mediator.act(world.mediation[one, number], number, conduct, here, stream + 2 * number)
    stream += 2 * mediators
    figure += mediators + lenders
    for number in range(channels):
        _consider(world, one, number, here, stream + 2 * number, figure + number)
    stream += 2 * channels
    figure += channels
    for number in range(advisers):
        own, conduct = world.counsel[one, number], world.councils[row(world.councils, one), number]
        adviser.act(own, number, conduct, here, stream + number, figure + number)
    stream += advisers
    figure = OF_THIRD_PARTIES + mediators
    for k in range(world.lender_of.shape[0]):
        review, number = world.reviews[one, k], world.lender_of[k]
        if lender.is_due(review, here.hours):
            stake, place = (
                world.at_stake[row(world.at_stake, one), k],
                k - world.first_review[number],
            )
            borrower = world.powers[one, world.borrowers[number]]
            lender.decide(review, stake, borrower, here, stream + k, number, figure + number, place)


@rule
def _consider(world: Any, one: Any, number: Any, here: Any, stream: Any, figure: Any) -> None:
    """Open a channel as far as those who may want to, or break it."""
    own, wish = world.lines[one, number], _ZERO
    if not own.open and here.board.open_to_decision:
        for place in range(world.openers.shape[1]):
            wish += max(_wishes(world, one, number, place), _ZERO)
        wish += own.wished
    worth = world.worth[row(world.worth, one), number]
    if channel.act(own, number, worth, wish, here, stream, figure):
        keenest = _keenest(world, one, number)
        note(here.book, tell.CHANNEL_OPENED, number, here.hours, keenest)


@rule
def _wishes(world: Any, one: Any, number: Any, place: Any) -> Any:
    """How much one of those who may open a channel wants to; below zero where the place is empty."""
    opener, wishes = world.openers[number, place], -_ONE
    if opener >= 2:
        wishes = world.mediation[one, opener - 2].effort
    elif opener >= 0:
        wishes = world.powers[one, opener].lean
    return wishes


@rule
def _keenest(world: Any, one: Any, number: Any) -> Any:
    """The place of who of a channel's openers wants it opened most; -1 for agents of one's own."""
    most, keenest = world.lines[one, number].wished, -1
    for place in range(world.openers.shape[1]):
        wishes = _wishes(world, one, number, place)
        if wishes > most or (wishes == most and keenest < 0):
            most, keenest = wishes, place
    return keenest


@rule
def _settle(world: Any, one: Any, here: Any) -> None:
    """States do as they decided; what reviews brought is recovered from."""
    for side in range(2):
        own = world.powers[one, side]
        if own.goes_to != UNDECIDED:
            own.lean = own.leaning
            if own.goes_to != own.rung:
                _move(world, one, side, own.goes_to, here, here.hours)
    for k in range(world.lender_of.shape[0]):
        purse = world.purses[row(world.purses, one), world.lender_of[k]]
        world.reviews[one, k].burden *= purse.kept


@rule
def _halt(world: Any, one: Any, here: Any) -> None:
    """Agree where both sides want to, start what was agreed, and see whether what holds is violated."""
    board, terms, course = here.board, world.terms[row(world.terms, one)], world.course
    ladder = world.ladder[row(world.ladder, one)]
    openings = world.openings[row(world.openings, one)]
    own, other = world.powers[one, 0], world.powers[one, 1]
    halt.agree(own, other, terms, world.mediation[one], world.means, one, here, _OF_MEDIATORS)
    if halt.is_due(here):
        for side in range(2):
            stopped = world.powers[one, side]
            economy.feel(stopped, world.habits[row(world.habits, one), side])
            halt.start(stopped, side, ladder, openings, course.halt_rung, here)
    if not board.holding:
        return
    age_hours = here.hours - board.effective_at
    if -MOMENT <= age_hours - DAY_HOURS < course.hours_per_turn - MOMENT:
        _show(world, one)
        halt.note_rebound(own, 0, here)
        halt.note_rebound(other, 1, here)
    if halt.is_violated(terms, here):
        side = 0 if halt.first_is_struck(here) else 1
        struck, habits = world.powers[one, side], world.habits[row(world.habits, one), side]
        stakes = world.stakes[row(world.stakes, one), side]
        halt.answer(struck, side, habits, stakes, ladder, openings, course.fire_rung, here)


@rule
def _look(world: Any, one: Any) -> None:
    """See how the states stand: how dangerous the crisis looks, and how dangerous markets fear that it is."""
    own, other, board = world.powers[one, 0], world.powers[one, 1], world.board[one]
    board.danger = _ONE - (_ONE - own.intensity) * (_ONE - other.intensity)
    board.feared = board.danger
    if board.holding:
        board.feared = board.danger * (_ONE - world.terms[row(world.terms, one)].halt_relief)
    board.under_fire = max(own.strikes, other.strikes)
    board.at_war = own.at_war or other.at_war


@rule
def _end(world: Any, one: Any, here: Any, begun: Any, is_last: Any) -> None:
    """End the crisis if it is over at this turn's end; what has not begun is only cut off."""
    board, course, ending = here.board, world.course, NONE
    own, other = world.powers[one, 0], world.powers[one, 1]
    if begun:
        ending = endings.by_yielding(own, other, here)
        if ending == NONE and board.at_war:
            for side in range(2):
                habits = world.habits[row(world.habits, one), side]
                ending = max(ending, endings.by_collapse(habits, side, here))
        if ending == NONE:
            terms, days = world.terms[row(world.terms, one)], course.hours_per_turn / DAY_HOURS
            ending = endings.by_quiet(own, other, terms, here, days)
        # A halt has held for as long as the scenario asks, or for as long as could be watched.
        held = is_last or board.effective_at <= here.hours - course.follow_up_hours + MOMENT
        if ending == NONE and board.holding and held:
            ending = AGREEMENT
    if ending == NONE and is_last:
        ending = UNRESOLVED
    if ending != NONE:
        _show(world, one)
        endings.end(ending, own, other, here)
