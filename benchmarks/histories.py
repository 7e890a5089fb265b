"""Time of the commands on histories with one worker, relative to a batch, or, for a game, to a crisis run alone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from benchmarks.timing import Timing, best_of, time_crises
from crisis_sim import Game, branch, nowcast, why
from crisis_sim.scenario import Scenario

#: Crises of the batch; futures of each history of a branch or of `why`; histories of a nowcast; moves of the game.
BATCH, FUTURES, HISTORIES, MOVES = 10_000, 1_000, 100_000, 10
#: The crisis that is branched and explained.
REPLICATE = 6
#: The commands, each with its reference and the target: the largest ratio of their times. If the batch takes 0.6 s, the
#: targets are 3 s for a branch, 9 s for why and 30 s for a nowcast; if a crisis alone takes 10 ms, 0.1 s for a move.
ASKED = {
    f"branch with {FUTURES:,} futures": ("batch", 5.0),
    "why": ("batch", 15.0),
    f"nowcast with {HISTORIES:,} histories": ("batch", 50.0),
    "a move in play": ("alone", 10.0),
}
#: Descriptions of the references.
BESIDE = {"batch": f"a batch of {BATCH:,}", "alone": "a crisis alone"}


def time_histories(scenario: Scenario, quick: bool = False) -> list[Timing]:
    """Time the four commands and their references in turns; `quick` leaves out the nowcast, and does one round."""
    answers = dict(zip(ASKED, (_branch, _why, _nowcast, _play), strict=True))
    tasks: list[Callable[[], Timing]] = [
        partial(time_crises, scenario, BATCH, kind="batch"),
        partial(time_crises, scenario, 1, kind="alone"),
        *(
            partial(_timed, what, scenario, answer)
            for what, answer in answers.items()
            if not (quick and answer is _nowcast)
        ),
    ]
    return [replace(one, scenario="") for one in best_of(1 if quick else 3, tasks, math.inf)]


def _timed(what: str, scenario: Scenario, answer: Callable[[Scenario], int]) -> Timing:
    """Time a command; `answer` returns how often it ran it."""
    started = time.perf_counter()
    times = answer(scenario)
    return Timing("history", what, (time.perf_counter() - started) / times)


def _branch(scenario: Scenario) -> int:
    branched = branch(scenario, REPLICATE, at=15, force={"us": "engage"}, futures=FUTURES)
    return 1 if branched.summary else 0  # shares and differences are part of the answer


def _why(scenario: Scenario) -> int:
    why(scenario, REPLICATE, "ceasefire within 96 hours", futures=FUTURES)
    return 1


def _nowcast(scenario: Scenario) -> int:
    nowcast(scenario, "may_2025_day_by_day", replicates=HISTORIES)
    return 1


def _play(scenario: Scenario) -> int:
    """The first moves of a game in which Pakistan waits. Each repeats the game from the start to the next decision."""
    game = Game.new(scenario, ["pakistan"])
    turn, turns = game.turn(), 1
    while turn.decision is not None and turns < MOVES:
        game, turns = game.chosen(turn, "wait"), turns + 1
        turn = game.turn()
    return turns
