"""The commands on histories: `branch`, `why`, `nowcast` and `play`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from crisis_sim.cli import options as opt
from crisis_sim.cli.app import DONE, answer, app, console, file_name, progress_bar, say, talk
from crisis_sim.cli.options import AS_IT_IS, CHARTS, RESULTS, Charts, Variant
from crisis_sim.scenario.errors import RequestError
from crisis_sim.text import clean, printable_lines, sentence
from crisis_sim.version import __version__

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crisis_sim.history.game import Game, Turn
    from crisis_sim.history.why import Reasons

#: Moments of two histories that are printed; the files hold all.
SHOWN = 10


def _pairs(option: str, texts: list[str] | None) -> dict[str, str]:
    """`WHO=CHOICE` texts as a mapping."""
    found: dict[str, str] = {}
    for text in texts or ():
        who, _, choice = text.partition("=")
        if not who or not choice:
            raise RequestError(f"{option} {text}: expected WHO=CHOICE, such as pakistan=wait")
        if who in found:
            raise RequestError(
                f"{option} forces '{who}' twice: branch the branch for a second choice"
            )
        found[who] = choice
    return found


@app.command
def branch(
    scenario: opt.One,
    /,
    *,
    replicate: opt.Replicate | None = None,
    at: Annotated[str | None, Parameter(metavar="WHEN")] = None,
    force: Annotated[list[str] | None, Parameter(metavar="WHO=CHOICE")] = None,
    inject: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    luck: Literal["same", "fresh"] | None = None,
    futures: Annotated[int | None, opt.Futures] = None,
    seed: opt.SeedOrNone = None,
    out: Path = RESULTS / "branch",
    variant: Variant = AS_IT_IS,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Go back in one crisis, change one thing, and see what follows.

    For example: `crisis-sim branch may_2025 --replicate 31 --at 15 --force us=engage`. Up to WHEN it is the same crisis
    as that replicate of `run`. By default the two histories are shown side by side; --futures compares many futures of
    both, in pairs. branch.yaml in the folder repeats the branch, and can be branched again.

    Args:
        scenario: A scenario file, the name of a shipped one, or a branch.yaml.
        at: When: a day from the start, a date, or just after a milestone such as first_strike.
        force: Make an agent do something as soon as it can: a state one of its options (wait, halt, or a rung's
            name), a third party what it can do, such as us=engage. May be repeated, for another agent.
        inject: A file with later events, written like a scenario's `events`.
        luck: After WHEN, the same random numbers (same), or new ones for many futures (fresh).
        futures: Number of futures of each history; with fresh luck by default 1,000.
        out: Folder for branch.yaml, the two histories, the chart, and the summary of the futures.
    """
    from crisis_sim.batch.rules import check_rules
    from crisis_sim.history.branch import FILE, Branch, check_folder, read_branch
    from crisis_sim.history.branch import branch as make
    from crisis_sim.history.past import read_events
    from crisis_sim.report.answers import answer as in_a_sentence
    from crisis_sim.report.answers import print_summary
    from crisis_sim.scenario.load import load_over_fits

    forced, classes = _pairs("--force", force), variant.classes
    check_folder(out, FILE)
    known = read_branch(Path(scenario))
    if known and (variant.over_fits or seed is not None or replicate is not None):
        raise RequestError("branch.yaml gives --replicate, --seed and --over-fits: leave them out")
    read = known[1] if known else load_over_fits(scenario, (), variant.over_fits)
    check_rules([read], **classes)
    made: Branch = make(
        scenario if known else read, replicate, at, set=variant.overrides or (), force=forced,
        inject=read_events(inject) if inject else (), luck=luck, futures=futures,
        seed=1 if seed is None else seed, **classes,
    )  # fmt: skip
    charts.hold()
    files = made.write(out)
    reading = (
        "The rungs of both histories from the start, and how many futures have a ceasefire by when."
    )
    asked, *head = made.head()
    told = [*([in_a_sentence(made.summary)] if made.summary else []), *head]
    _page(out, asked, told, made.draw, reading, made.seed, made.goes.story)

    def show() -> None:
        _print(made.head())
        if made.summary is None:
            _print_beside(made.beside())
        else:
            print_summary(made.summary, console())

    answer(as_json, made.plain, show)
    talk(f"to repeat it: crisis-sim branch {files[0]}")
    return DONE


@app.command
def why(
    scenario: opt.One,
    /,
    *,
    replicate: opt.Replicate,
    outcome: str,
    futures: Annotated[int, opt.Futures] = 1000,
    seed: opt.Seed = 1,
    out: Path = RESULTS / "why",
    variant: Variant = AS_IT_IS,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Find which steps decided the outcome of one crisis: each is undone, alone and in pairs.

    A step is a decision, an event, or a move of a third party. The crisis is run again without it, with the same random
    numbers and with many new ones: how often does the outcome occur without the step (was it necessary), and how often
    with it (was it sufficient)? For example: `crisis-sim why may_2025 --replicate 31 --outcome "no war"`

    Args:
        outcome: The outcome to explain: "ceasefire within 96 hours", agreement, war, "no war" or another share, by
            name or as a mapping (docs/experiments.md).
        futures: Number of futures with each of the strongest steps, and without it.
        out: Folder for the answer and the chart.
    """
    from crisis_sim.history.why import why as explain

    read = variant.scenario(scenario)
    found = explain(read, replicate, outcome, futures=futures, seed=seed, **variant.classes)
    charts.hold()
    found.write(out)
    gist, outcome_told, lead, *steps = found.answer()
    first, others = " ".join([lead, *steps[:1]]), steps[1:]
    came = "come" if found.came else "not come"
    asked = f"Why did this {came} in crisis {replicate} of seed {seed}: {found.outcome.words}?"
    reading = "Above: the rungs of both states. Below: each step by its weight; those that mattered are numbered."
    _page(out, asked, [first, *others, outcome_told, gist], found.draw, reading, seed)

    def show() -> None:
        _print(found.answer())
        _print_reasons(found)

    answer(as_json, found.plain, show)
    talk(f"answer and chart: {out}")
    return DONE


def _page(
    folder: Path,
    question: str,
    told: list[str],
    draw: Callable[[], Figure],
    reading: str,
    seed: int,
    story: str = "",
    notices: Sequence[str] = (),
) -> None:
    """Write the page of what a command did into its folder, in a report's look."""
    from crisis_sim.report.page import write_history_page

    command = shlex.join(["crisis-sim", *sys.argv[1:]])
    manifest = {"command": command, "seed": seed, "versions": {"crisis_sim": __version__}}
    write_history_page(folder, question, told, draw, reading, manifest, story, notices)


def _print(paragraphs: list[str]) -> None:
    """Print paragraphs, wrapped, and a line below each."""
    from rich.text import Text

    from crisis_sim.report.answers import WIDTH

    terminal = console()
    for one in paragraphs:
        terminal.print(Text(f"{printable_lines(one)}\n"), width=min(terminal.width, WIDTH))


def _print_reasons(found: Reasons) -> None:
    """The strongest steps as a table, the strongest first."""
    from rich.text import Text

    from crisis_sim.history.past import said_at
    from crisis_sim.report.answers import WIDTH, fitted
    from crisis_sim.text import percent, points

    rows = []
    for one in found.strongest:
        low, high = (points(float(limit)) for limit in (one.difference.lower, one.difference.upper))
        difference = f"{points(float(one.difference.estimate))}\n{low}, {high}"
        rows.append(
            (
                f"{said_at(found.scenario, one.days).partition(' ')[2]}: {one.told}",
                percent(float(one.given.estimate)),
                percent(float(one.without.estimate)),
                Text(difference, style="" if one.clear else "dim"),
                "comes" if one.same_luck else "does not",
            )
        )
    terminal = console()
    width = min(terminal.width, WIDTH)
    told = "Steps that led to what happened come first. % of futures, on fresh luck. Dim: the interval holds zero."
    headings = ("step", "with\n%", "without\n%", "points,\n95%", "same luck,\nwithout")
    terminal.print()
    terminal.print(
        fitted("The strongest steps, by weight", headings, rows, width, told), width=width
    )


def _print_beside(rows: list[tuple[str, str, str]]) -> None:
    """The first moments of two histories, side by side."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from crisis_sim.report.answers import WIDTH

    if not rows:
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.caption_justify = "left"
    for name in ("", "as it was", "changed"):
        table.add_column(name, max_width=14 if not name else None, overflow="fold")
    for row in rows[:SHOWN]:
        table.add_row(*(Text(clean(one)) for one in row))
    if len(rows) > SHOWN:
        table.caption = Text(f"The first {SHOWN} of {len(rows)} moments; branch.md tells all.")
    terminal = console()
    terminal.print()
    terminal.print(table, width=min(terminal.width, WIDTH))


# --- `crisis-sim nowcast`


@app.command
def nowcast(
    scenario: opt.One,
    /,
    *,
    given: str,
    at: Annotated[list[str] | None, Parameter(metavar="WHEN")] = None,
    replicates: opt.Replicates = 100_000,
    seed: opt.Seed = 1,
    out: Path | None = None,
    workers: opt.Workers = None,
    variant: Variant = AS_IT_IS,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Estimate what comes next, given dated evidence of what has happened so far.

    For example: `crisis-sim nowcast may_2025 --given may_2025_day_by_day`

    Args:
        given: A file of evidence, or the name of a shipped one, such as may_2025_day_by_day
            (docs/guide/change_history.md).
        at: When to ask: a date or days from the start, in place of the file's. May be repeated.
        replicates: Histories to run.
        out: Folder for numbers and chart; by default results/SCENARIO_nowcast.
    """
    from crisis_sim.batch.workers import cores
    from crisis_sim.history.filtering import draw_nowcast, print_nowcast, write_nowcast
    from crisis_sim.history.filtering import nowcast as make

    read = variant.scenario(scenario)
    with progress_bar("histories") as progress:
        how = {"workers": workers or cores(), "progress": progress, **variant.classes}
        cast = make(read, given, at or (), replicates, seed, **how)
    folder = out or RESULTS / f"{file_name(read.name)}_nowcast"
    charts.hold()
    write_nowcast(cast, folder)
    last, *earlier = [cast.sentence(one) for one in reversed(cast.answers)]
    reading = "Answers by the moment of asking, and how soon it comes from the last moment on, with 95% intervals."
    notices = [*map(sentence, cast.warnings)]
    asked = f"What comes next, given this: {cast.evidence.title}?"
    draw = partial(draw_nowcast, cast)
    _page(folder, asked, [last, *earlier], draw, reading, seed, notices=notices)
    answer(as_json, cast.plain, lambda: print_nowcast(cast, console()))
    talk(f"numbers, evidence and chart: {folder}")
    return DONE


# --- `crisis-sim play`

HELP = """\
  a number, or a name  choose that option
  undo, undo 3         take back your last move, or the last three
  card {...}           inject an event, where the game has a facilitator:
                       card {struck: india, deaths: 12, title: A bomb in a market}
  page                 show the page again
  leave                leave; the game is saved: crisis-sim play FILE continues it"""


@app.command
def play(
    scenario: str,
    /,
    *,
    as_: Annotated[list[str] | None, Parameter(name="--as", metavar="STATE")] = None,
    against: Annotated[str | None, Parameter(metavar="POLICY")] = None,
    facilitator: Annotated[bool, opt.FLAG] = False,
    replicate: Annotated[
        int | None,
        opt.option(
            "Number of the crisis whose random numbers are used; by default 0.",
            least=0,
            most=opt.MOST_REPLICATES - 1,
        ),
    ] = None,
    seed: opt.SeedOrNone = None,
    out: Path | None = None,
    variant: Variant = AS_IT_IS,
) -> int:
    """Decide for a state in a crisis: see what it perceives, choose, and look back once it is over.

    For example: `crisis-sim play may_2025 --as pakistan`. Every move is saved at once in the game's file, with which you
    can continue later, and which you can edit by hand.

    Args:
        scenario: A scenario file, the name of a shipped one, or a saved game to continue.
        as_: The state that you decide for. Given twice, two players decide, each for one.
        against: How the other state decides: by default model; or an option that it takes whenever it can, such as wait
            or halt.
        facilitator: Allow events to be injected, as cards.
        out: The game's file; by default results/games/SCENARIO.yaml.
    """
    from crisis_sim.history.game import Game, debrief, tell_debrief
    from crisis_sim.report.replay import write_replay
    from crisis_sim.report.story import tell

    classes = variant.classes
    if as_ is None:
        new = {
            "--against": against,
            "--replicate": replicate,
            "--seed": seed,
            "--set": variant.overrides,
            "--over-fits": variant.over_fits or None,
        }
        if Path(scenario).suffix not in (".yaml", ".yml"):
            raise RequestError(
                "--as is missing: the state that you decide for, such as --as pakistan"
            )
        if given := next((name for name, value in new.items() if value is not None), ""):
            raise RequestError(
                f"{given} is for a new game, which needs --as; a saved game knows its own"
            )
        game, path = Game.load(scenario, **classes), out or Path(scenario)
    else:
        game = Game.new(
            scenario, as_, against or "model", facilitator, replicate or 0,
            1 if seed is None else seed, variant.overrides or (), variant.over_fits, **classes,
        )  # fmt: skip
        stem = f"{file_name(game.scenario.name)}_{'_'.join(as_)}_{game.spec.replicate}"
        path = out or _free(RESULTS / "games", stem)
    game, turn = _play(game, game.turn(), path)
    if turn.decision is None:
        told = tell_debrief(game, debrief(game))
        say(told)
        story = tell(turn.journal, game.scenario, turn.outcome)
        beside = path.with_suffix("")
        write_replay(turn.journal, game.scenario, f"{story}\n```text\n{told}\n```\n", beside)
        talk(f"story, debrief and chart: {beside}.md, .svg and .png")
    talk(f"the game: {path}; to continue it: {shlex.join(['crisis-sim', 'play', str(path)])}")
    return DONE


def _free(folder: Path, stem: str) -> Path:
    """A file's name that no other game has."""
    names = (f"{stem}{f'_{k}' if k else ''}.yaml" for k in range(10_000))
    return next(path for name in names if not (path := folder / name).exists())


def _play(game: Game, turn: Turn, path: Path) -> tuple[Game, Turn]:
    """Ask for one decision after the other, until the crisis is over or the person leaves."""
    from crisis_sim.history.game import page
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
        except (RequestError, ScenarioError) as error:
            say(f"{error}\n(help says what can be typed)")
            continue
        game, shown = made, False
        game.save(path)
    return game, turn


def _answer(game: Game, turn: Turn, word: str) -> Game:
    """The game after what a person has typed; RequestError or ScenarioError where it cannot be done."""
    from crisis_sim.history.game import options

    names = list(options(turn))
    first, _, rest = word.partition(" ")
    if word == "page":
        return game
    if first == "undo":
        if rest and not rest.strip().isdigit():
            raise RequestError(f"undo {rest}: expected how many moves, such as undo 3")
        return game.undone(int(rest or 1))
    if first == "card":
        return game.with_card(turn, rest)
    if word.isdigit():
        if not 1 <= int(word) <= len(names):
            raise RequestError(f"there is no option {word}; there are 1 to {len(names)}")
        return game.chosen(turn, names[int(word) - 1])
    begins = [name for name in names if name.startswith(word.lower())]
    return game.chosen(turn, begins[0] if len(begins) == 1 else word)
