"""The commands on histories: `nowcast` and `play`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from crisis_sim.cli.app import (
    DONE,
    FLAG,
    MOST_REPLICATES,
    RESULTS,
    Agents,
    Json,
    One,
    Overrides,
    Refused,
    Replicates,
    Roles,
    Seed,
    Workers,
    app,
    console,
    own_classes,
    print_json,
    progress_bar,
    say,
    talk,
)

if TYPE_CHECKING:
    from crisis_sim.history.game import Game, Turn

# --- `crisis-sim nowcast`


@app.command
def nowcast(
    scenario: One,
    /,
    *,
    given: str,
    at: Annotated[list[str] | None, Parameter(metavar="WHEN")] = None,
    replicates: Annotated[int, Parameter(validator=Replicates)] = 100_000,
    seed: Seed = 1,
    out: Path | None = None,
    workers: Workers = None,
    overrides: Overrides = None,
    roles: Roles = None,
    agents: Agents = None,
    as_json: Json = False,
) -> int:
    """Say what comes, given what has been seen so far: histories are filtered by dated evidence.

    Args:
        given: A file of evidence, or the name of what comes with Crisis Sim, such as may_2025_day_by_day
            (docs/guide/change_history.md).
        at: Ask at this moment, a date or days from the start, in place of the file's. May be given again.
        replicates: Histories to run.
        out: Folder for numbers and chart; results/ and the scenario's name, with _nowcast.
    """
    from crisis_sim.batch.workers import cores
    from crisis_sim.history.nowcast import nowcast as make
    from crisis_sim.history.nowcast_report import print_nowcast, write_nowcast
    from crisis_sim.scenario.load import load_scenario

    read = load_scenario(scenario, overrides or ())
    classes = own_classes(roles, agents)
    with progress_bar("histories") as progress:
        cast = make(
            read,
            given,
            at or (),
            replicates,
            seed,
            workers or cores(),
            progress=progress,
            **classes,
        )
    folder = out or RESULTS / f"{read.name.replace(' ', '_')}_nowcast"
    files = write_nowcast(cast, folder)
    if as_json:
        print_json(cast.plain())
    else:
        print_nowcast(cast, console())
    talk(f"numbers, evidence and chart: {folder}" if files else "")
    return DONE


# --- `crisis-sim play`

HELP = """\
  a number, or a name  choose that option
  undo, undo 3         take back your last move, or the last three
  card {...}           inject an event, where the game has a facilitator:
                       card {struck: india, deaths: 12, title: A bomb in a market}
  page                 show the page again
  leave                leave; the game is saved: crisis-sim play FILE goes on with it"""


@app.command
def play(
    scenario: str,
    /,
    *,
    as_: Annotated[list[str] | None, Parameter(name="--as", metavar="STATE")] = None,
    against: Annotated[str | None, Parameter(metavar="POLICY")] = None,
    facilitator: Annotated[bool, FLAG] = False,
    replicate: Annotated[int | None, Parameter(validator=Number(gte=0, lt=MOST_REPLICATES))] = None,
    seed: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    out: Path | None = None,
    overrides: Overrides = None,
    roles: Roles = None,
    agents: Agents = None,
) -> int:
    """Decide for a state in a crisis: see what it perceives, choose, and look back once it is over.

    Time moves on to the next decision that is asked for. Every move is saved at once, and the file is the game: it can be
    left, gone on with, or changed by hand.

    Args:
        scenario: A scenario file, the name of a shipped one, or a saved game to go on with.
        as_: The state that you decide for. Given twice, two persons decide, each for one.
        against: How the other state decides: as the model has it, or an option that it takes whenever it can, such as wait
            or halt; model.
        facilitator: Whether events may be injected, as cards.
        replicate: Whose luck the crisis has; 0.
        seed: With the replicate's number, it fixes all luck; 1.
        out: The file of the game; results/games/ and the scenario's name.
    """
    from crisis_sim.history.game import Game, GameError
    from crisis_sim.history.seat import tell_debrief

    classes = own_classes(roles, agents)
    try:
        if as_ is None:
            new = {
                "--against": against,
                "--replicate": replicate,
                "--seed": seed,
                "--set": overrides,
            }
            if Path(scenario).suffix not in (".yaml", ".yml"):
                raise Refused(
                    "--as is missing: the state that you decide for, such as --as pakistan"
                )
            if given := next((name for name, value in new.items() if value is not None), ""):
                raise Refused(
                    f"{given} is for a new game, which needs --as; a saved game knows its own"
                )
            game, path = Game.load(scenario, **classes), out or Path(scenario)
        else:
            game = Game.new(
                scenario, as_, against or "model", facilitator, replicate or 0,
                1 if seed is None else seed, overrides or (), **classes,
            )  # fmt: skip
            stem = f"{game.scenario.name.replace(' ', '_')}_{'_'.join(as_)}_{game.spec.replicate}"
            path = out or _free(RESULTS / "games", stem)
        turn = game.turn()
        game, turn = _play(game, turn, path)
        if turn.decision is None:
            from crisis_sim.history.game import debrief
            from crisis_sim.report import tell, write_replay

            told = tell_debrief(game, debrief(game))
            say(told)
            story = tell(turn.journal, game.scenario, turn.outcome)
            beside = path.with_suffix("")
            write_replay(turn.journal, game.scenario, f"{story}\n```text\n{told}\n```\n", beside)
            talk(f"story, debrief and chart: {beside}.md, .svg and .png")
    except GameError as error:
        raise Refused(error) from None
    talk(f"the game: {path}; to go on with it: {shlex.join(['crisis-sim', 'play', str(path)])}")
    return DONE


def _free(folder: Path, stem: str) -> Path:
    """A file's name that no other game has."""
    names = (f"{stem}{f'_{k}' if k else ''}.yaml" for k in range(10_000))
    return next(path for name in names if not (path := folder / name).exists())


def _play(game: Game, turn: Turn, path: Path) -> tuple[Game, Turn]:
    """Ask for one decision after the other, until the crisis is over or the person leaves."""
    from crisis_sim.history.game import GameError
    from crisis_sim.history.seat import page
    from crisis_sim.scenario.errors import ScenarioError

    game.save(path)
    shown = False
    while turn.decision is not None:
        if not shown:
            say(page(game, turn))
            shown = True
        sys.stdout.write(" > ")
        sys.stdout.flush()
        typed = sys.stdin.readline()
        word = typed.strip()
        if not sys.stdin.isatty():
            say(word)
        if not typed or word in ("leave", "quit", "exit"):
            break
        if word in ("help", "?", ""):
            say(HELP)
            continue
        try:
            made = _answer(game, turn, word)
            turn = made.turn() if made is not game else turn
        except (GameError, ScenarioError) as error:
            say(f"{error}\n(help says what can be typed)")
            continue
        game, shown = made, False
        game.save(path)
    return game, turn


def _answer(game: Game, turn: Turn, word: str) -> Game:
    """The game after what a person has typed.

    Raises:
        GameError, ScenarioError: when it cannot be done; says why.
    """
    from crisis_sim.history.game import GameError
    from crisis_sim.history.seat import options

    names = list(options(turn))
    first, _, rest = word.partition(" ")
    if word == "page":
        return game
    if first == "undo":
        if rest and not rest.strip().isdigit():
            raise GameError(f"undo {rest}: expected how many moves, such as undo 3")
        return game.undone(int(rest or 1))
    if first == "card":
        return game.with_card(turn, rest)
    if word.isdigit():
        if not 1 <= int(word) <= len(names):
            raise GameError(f"there is no option {word}; there are 1 to {len(names)}")
        return game.chosen(turn, names[int(word) - 1])
    begins = [name for name in names if name.startswith(word.lower())]
    return game.chosen(turn, begins[0] if len(begins) == 1 else word)
