"""Time of the commands on histories with one worker, compared with a batch, or, for a game, with a crisis run alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from benchmarks.timing import Timing, best_of, time_batch
from crisis_sim import Game, branch, nowcast, why
from crisis_sim.scenario import Scenario

#: Crises of the batch; futures of each history of a branch or of `why`; histories of a nowcast; moves of the game.
CRISES, FUTURES, HISTORIES, MOVES = 10_000, 1_000, 100_000, 10
#: The crisis that is branched and explained.
REPLICATE = 6
#: The references.
SMALL_BATCH, CRISIS = f"a batch of {CRISES:,}", "a crisis alone"
NOWCAST = f"nowcast with {HISTORIES:,} histories"
#: The commands, each with its reference and the target: the largest ratio of their times. If the batch takes 0.6 s, the
#: targets are 3 s for a branch, 9 s for why and 30 s for a nowcast; if a crisis alone takes 10 ms, 0.1 s for a move.
LIMITS = {
    f"branch with {FUTURES:,} futures": (SMALL_BATCH, 5.0),
    "why": (SMALL_BATCH, 15.0),
    NOWCAST: (SMALL_BATCH, 50.0),
    "a move in play": (CRISIS, 10.0),
}


def time_histories(scenario: Scenario, quick: bool = False) -> list[Timing]:
    """Time the four commands and their references in turns; `quick` leaves out the nowcast, and does one round."""
    answers: list[Callable[[Scenario], object]] = [_batch, _crisis, _branch, _why, _nowcast, _play]
    tasks = [
        partial(_timed, what, scenario, answer)
        for what, answer in zip([SMALL_BATCH, CRISIS, *LIMITS], answers, strict=True)
        if not (quick and what == NOWCAST)
    ]
    return best_of(1 if quick else 3, tasks)


def _timed(what: str, scenario: Scenario, answer: Callable[[Scenario], object]) -> Timing:
    """Time a command; for a game `answer` returns the number of moves, of which the mean time counts."""
    started = time.perf_counter()
    moves = answer(scenario)
    seconds = time.perf_counter() - started
    return Timing(what, seconds / moves if isinstance(moves, int) else seconds)


def _batch(scenario: Scenario) -> Timing:
    return time_batch(scenario, CRISES)


def _crisis(scenario: Scenario) -> Timing:
    return time_batch(scenario, 1)


def _branch(scenario: Scenario) -> object:
    branched = branch(scenario, REPLICATE, at=15, force={"us": "engage"}, futures=FUTURES)
    return branched.summary  # shares and differences are part of the answer


def _why(scenario: Scenario) -> object:
    return why(scenario, REPLICATE, "ceasefire within 96 hours", futures=FUTURES)


def _nowcast(scenario: Scenario) -> object:
    return nowcast(scenario, "may_2025_day_by_day", replicates=HISTORIES)


def _play(scenario: Scenario) -> int:
    """The first moves of a game in which Pakistan waits. Each repeats the game from the start to the next decision."""
    game = Game.new(scenario, ["pakistan"])
    turn, turns = game.turn(), 1
    while turn.decision is not None and turns < MOVES:
        game, turns = game.chosen(turn, "wait"), turns + 1
        turn = game.turn()
    return turns
