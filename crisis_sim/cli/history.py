"""The commands `replay`, `branch`, `why`, `nowcast` and `play`, on the history of one crisis."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from crisis_sim.cli import options as opt
from crisis_sim.cli.app import (
    DONE,
    console,
    file_name,
    print_message,
    print_output,
    print_result,
    progress_bar,
)
from crisis_sim.cli.options import CHARTS, RESULTS, UNCHANGED, Charts, Variant
from crisis_sim.scenario.errors import RequestError
from crisis_sim.text import clean, listed, printable_lines, sentence
from crisis_sim.version import __version__

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from crisis_sim.history.game import Game, Turn
    from crisis_sim.history.why import Reasons

# --- `crisis-sim replay`


def replay(
    scenario: opt.ScenarioName,
    /,
    *,
    replicate: opt.Replicate,
    seed: opt.Seed = 1,
    out: Path = RESULTS / "replays",
    variant: Variant = UNCHANGED,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Show one crisis event by event, as a story and as a chart.

    For example: `crisis-sim replay may_2025 --replicate 134`. It is the crisis of this replicate in a `run` with the same
    seed and the same --set, --over-fits, --roles and --agents.

    Args:
        out: Folder for the story and the chart.
    """
    loaded = variant.scenario(scenario)
    from crisis_sim.report import replay as replays

    crisis = replays.replay(loaded, replicate, seed, **variant.classes)
    story, name = crisis.story, file_name(crisis.scenario.name)
    path = out / f"{name}_seed_{seed}_replicate_{replicate}"
    charts.apply()
    _, *charts_written = replays.write_replay(crisis.journal, crisis.scenario, story, path)

    def show() -> None:
        if not sys.stdout.isatty():
            print_output(story.rstrip("\n"))
            return
        from rich.markdown import Markdown

        terminal = console()
        terminal.print(Markdown(story), width=min(terminal.width, 88))

    print_result(as_json, crisis.plain, show)
    print_message(f"story and chart: {path}.md, {listed([file.suffix for file in charts_written])}")
    return DONE


# --- `crisis-sim branch` and `crisis-sim why`

#: Maximum number of moments of two histories that are printed; branch.md contains all.
SHOWN = 10


def _parse_force(texts: list[str] | None) -> dict[str, str]:
    """Parse `WHO=CHOICE` into a mapping."""
    choices: dict[str, str] = {}
    for text in texts or ():
        agent, _, choice = text.partition("=")
        if not agent or not choice:
            raise RequestError(f"--force {text}: expected WHO=CHOICE, such as pakistan=wait")
        if agent in choices:
            raise RequestError(
                f"--force gives '{agent}' two choices: for the second, branch this branch"
            )
        choices[agent] = choice
    return choices


def branch(
    scenario: opt.ScenarioName,
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
    variant: Variant = UNCHANGED,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Change one crisis at some moment, and compare what follows with the original.

    For example: `crisis-sim branch may_2025 --replicate 31 --at 15 --force us=engage`. Up to WHEN the crisis is the same
    as this replicate of `run`. By default, the two histories are shown side by side; with --futures, many
    pairs of futures are compared. The file branch.yaml in the folder repeats the branch, and can be branched again.

    Args:
        scenario: A scenario file, the name of a shipped scenario, or a branch.yaml.
        at: The moment: a day from the start, a date, or a milestone such as first_strike, to branch just after it.
        force: An agent and what it must do as soon as it can: one of a state's options (wait, halt, or the name of a
            rung), or an action of a third party, such as us=engage. May be repeated for other agents.
        inject: File with additional events, in the form of a scenario's `events`.
        luck: Random numbers after WHEN: the same as in the original (same), or new ones for many futures (fresh).
        futures: Number of futures of each history. With --luck fresh, by default 1,000.
        out: Folder for branch.yaml, the two histories, the chart, and the summary of the futures.
    """
    from crisis_sim.batch.own_classes import check_rules
    from crisis_sim.history import branch as branches
    from crisis_sim.history.one_crisis import read_events
    from crisis_sim.report import answers
    from crisis_sim.scenario.fits import load_over_fits

    forced, classes = _parse_force(force), variant.classes
    branches.check_folder(out, branches.FILE)
    earlier = branches.read_branch(Path(scenario))
    if earlier and (variant.over_fits or seed is not None or replicate is not None):
        raise RequestError(
            "a branch.yaml contains the values of --replicate, --seed and --over-fits: leave them out"
        )
    loaded = earlier[1] if earlier else load_over_fits(scenario, (), variant.over_fits)
    check_rules([loaded], **classes)
    result = branches.branch(
        scenario if earlier else loaded, replicate, at, set=variant.overrides or (), force=forced,
        inject=read_events(inject) if inject else (), luck=luck, futures=futures,
        seed=1 if seed is None else seed, **classes,
    )  # fmt: skip
    charts.apply()
    files = result.write(out)
    caption = "The rungs of both histories from the start, and the share of futures with a ceasefire over time."
    question, *head = result.head()
    paragraphs = [*([answers.answer(result.summary)] if result.summary else []), *head]
    _write_page(out, question, paragraphs, result.draw, caption, result.seed, result.changed.story)

    def show() -> None:
        _print_paragraphs(result.head())
        if result.summary is None:
            _print_moments(result.side_by_side())
        else:
            answers.print_summary(result.summary, console())

    print_result(as_json, result.plain, show)
    print_message(f"to repeat it: crisis-sim branch {files[0]}")
    return DONE


def why(
    scenario: opt.ScenarioName,
    /,
    *,
    replicate: opt.Replicate,
    outcome: str,
    futures: Annotated[int, opt.Futures] = 1000,
    seed: opt.Seed = 1,
    out: Path = RESULTS / "why",
    variant: Variant = UNCHANGED,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Find the steps that decided the outcome of one crisis, by undoing each, alone and in pairs.

    A step is a decision, an event, or a move of a third party. The crisis is run again without it, with the same random
    numbers and with many new ones: how often does the outcome occur without the step (was it necessary), and how often
    with it (was it sufficient)? For example: `crisis-sim why may_2025 --replicate 31 --outcome "no war"`

    Args:
        outcome: Outcome to explain: "ceasefire within 96 hours", agreement, war, "no war" or another share, by
            name or as a mapping (docs/experiments.md).
        futures: Number of futures with each of the strongest steps, and without it.
        out: Folder for the answer and the chart.
    """
    from crisis_sim.history import why as reasons

    loaded = variant.scenario(scenario)
    result = reasons.why(loaded, replicate, outcome, futures=futures, seed=seed, **variant.classes)
    charts.apply()
    result.write(out)
    gist, outcome_sentence, lead, *steps = result.answer()
    first, others = " ".join([lead, *steps[:1]]), steps[1:]
    occur = "occur" if result.came else "not occur"
    question = f"Why did this {occur} in crisis {replicate} of seed {seed}: {result.outcome.words}?"
    caption = "Above: the rungs of both states. Below: each step by its weight; those that mattered are numbered."
    paragraphs = [first, *others, outcome_sentence, gist]
    _write_page(out, question, paragraphs, result.draw, caption, seed)

    def show() -> None:
        _print_paragraphs(result.answer())
        _print_steps(result)

    print_result(as_json, result.plain, show)
    print_message(f"answer and chart: {out}")
    return DONE


def _write_page(
    folder: Path,
    question: str,
    paragraphs: list[str],
    draw: Callable[[], Figure],
    caption: str,
    seed: int,
    story: str = "",
    notices: Sequence[str] = (),
) -> None:
    """Write the HTML page of a command's results into their folder."""
    from crisis_sim.report.page import write_history_page

    command = shlex.join(["crisis-sim", *sys.argv[1:]])
    manifest = {"command": command, "seed": seed, "versions": {"crisis_sim": __version__}}
    write_history_page(folder, question, paragraphs, draw, caption, manifest, story, notices)


def _print_paragraphs(paragraphs: list[str]) -> None:
    """Print paragraphs, wrapped, with an empty line after each."""
    from rich.text import Text

    from crisis_sim.report.answers import WIDTH

    terminal = console()
    for paragraph in paragraphs:
        terminal.print(Text(f"{printable_lines(paragraph)}\n"), width=min(terminal.width, WIDTH))


def _print_steps(reasons: Reasons) -> None:
    """Print a table of the strongest steps."""
    from rich.text import Text

    from crisis_sim.history.one_crisis import date_text
    from crisis_sim.report.answers import WIDTH, fitted
    from crisis_sim.text import percent, points

    rows = []
    for step in reasons.strongest:
        difference = step.difference
        figures = difference.estimate, difference.lower, difference.upper
        estimate, low, high = (points(float(figure)) for figure in figures)
        rows.append(
            (
                f"{date_text(reasons.scenario, step.days).partition(' ')[2]}: {step.description}",
                percent(float(step.given.estimate)),
                percent(float(step.without.estimate)),
                Text(f"{estimate}\n{low}, {high}", style="" if step.clear else "dim"),
                "comes" if step.same_luck else "does not",
            )
        )
    terminal = console()
    width = min(terminal.width, WIDTH)
    title = "The strongest steps, by weight"
    caption = (
        "Steps that led to the outcome come first. % of futures, with new random numbers; last column: this crisis "
        "without the step, with the same random numbers. Dim: the interval contains zero."
    )
    headings = ("step", "with\n%", "without\n%", "points,\n95%", "in this\ncrisis,\nwithout")
    terminal.print()
    terminal.print(fitted(title, headings, rows, width, caption), width=width)


def _print_moments(rows: list[tuple[str, str, str]]) -> None:
    """Print a table of the first moments of two histories."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from crisis_sim.report.answers import WIDTH

    if not rows:
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.caption_justify = "left"
    for name in ("", "original", "changed"):
        table.add_column(name, max_width=14 if not name else None, overflow="fold")
    for row in rows[:SHOWN]:
        table.add_row(*(Text(clean(cell)) for cell in row))
    if len(rows) > SHOWN:
        table.caption = Text(f"The first {SHOWN} of {len(rows)} moments; branch.md contains all.")
    terminal = console()
    terminal.print()
    terminal.print(table, width=min(terminal.width, WIDTH))


# --- `crisis-sim nowcast`


def nowcast(
    scenario: opt.ScenarioName,
    /,
    *,
    given: str,
    at: Annotated[list[str] | None, Parameter(metavar="WHEN")] = None,
    replicates: opt.Replicates = 100_000,
    seed: opt.Seed = 1,
    out: Path | None = None,
    workers: opt.Workers = None,
    variant: Variant = UNCHANGED,
    charts: Charts = CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Estimate what comes next, given dated evidence of what has happened so far.

    For example: `crisis-sim nowcast may_2025 --given may_2025_day_by_day`

    Args:
        given: A file of evidence, or the name of shipped evidence, such as may_2025_day_by_day
            (docs/guide/change_history.md).
        at: Moment of the estimate: a date or days from the start, in place of those in the file. May be repeated.
        replicates: Number of histories to run.
        out: Folder for the numbers and the chart; by default results/SCENARIO_nowcast.
    """
    from crisis_sim.batch.workers import cores
    from crisis_sim.history import nowcast

    loaded = variant.scenario(scenario)
    with progress_bar("histories") as progress:
        options = {"workers": workers or cores(), "progress": progress, **variant.classes}
        cast = nowcast.nowcast(loaded, given, at or (), replicates, seed, **options)
    folder = out or RESULTS / f"{file_name(loaded.name)}_nowcast"
    charts.apply()
    nowcast.write_nowcast(cast, folder)
    paragraphs = [cast.sentence(answer) for answer in reversed(cast.answers)]
    caption = "Answers by the moment of asking, and how soon it comes from the last moment on, with 95% intervals."
    notices = [*map(sentence, cast.warnings)]
    question = f"What comes next, given this: {cast.evidence.title}?"
    draw = partial(nowcast.draw_nowcast, cast)
    _write_page(folder, question, paragraphs, draw, caption, seed, notices=notices)
    print_result(as_json, cast.plain, lambda: nowcast.print_nowcast(cast, console()))
    print_message(f"numbers, evidence and chart: {folder}")
    return DONE


# --- `crisis-sim play`

HELP = """\
  a number or a name   choose this option
  undo, undo 3         take back the last move, or the last three
  card {...}           inject an event, if the game has a facilitator:
                       card {struck: india, deaths: 12, title: A bomb in a market}
  page                 show the page again
  leave                leave the game; crisis-sim play FILE continues it"""


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
            "Number of the crisis whose random numbers are used. By default 0.",
            least=0,
            most=opt.MOST_REPLICATES - 1,
        ),
    ] = None,
    seed: opt.SeedOrNone = None,
    out: Path | None = None,
    variant: Variant = UNCHANGED,
) -> int:
    """Play a crisis: decide for a state, given what it perceives, and get a debrief in the end.

    For example: `crisis-sim play may_2025 --as pakistan`. Each move is saved at once in the game's file, with which the
    game can be continued, and which can be edited by hand.

    Args:
        scenario: A scenario file, the name of a shipped scenario, or a saved game to continue.
        as_: State that you decide for. Given twice, there are two players, one for each state.
        against: Policy of the other state: model (the default), or an option that it chooses whenever possible, such
            as wait or halt.
        facilitator: Allow a facilitator to inject events, as cards.
        out: The game's file; by default results/games/SCENARIO.yaml.
    """
    from crisis_sim.history.game import Game, debrief, debrief_text
    from crisis_sim.report.replay import write_replay
    from crisis_sim.report.story import tell

    classes = variant.classes
    if as_ is None:
        new_game_options = {
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
        for option, value in new_game_options.items():
            if value is not None:
                raise RequestError(
                    f"{option} is for a new game, which needs --as; it cannot change a saved game"
                )
        game, path = Game.load(scenario, **classes), out or Path(scenario)
    else:
        game = Game.new(
            scenario, as_, against or "model", facilitator, replicate or 0,
            1 if seed is None else seed, variant.overrides or (), variant.over_fits, **classes,
        )  # fmt: skip
        stem = f"{file_name(game.scenario.name)}_{'_'.join(as_)}_{game.spec.replicate}"
        path = out or _unused_path(RESULTS / "games", stem)
    game, turn = _play(game, game.turn(), path)
    if turn.decision is None:
        text = debrief_text(game, debrief(game))
        print_output(text)
        story, stem_path = tell(turn.journal, game.scenario, turn.outcome), path.with_suffix("")
        write_replay(turn.journal, game.scenario, f"{story}\n```text\n{text}\n```\n", stem_path)
        print_message(f"story, debrief and chart: {stem_path}.md, .svg and .png")
    print_message(
        f"the game: {path}; to continue it: {shlex.join(['crisis-sim', 'play', str(path)])}"
    )
    return DONE


def _unused_path(folder: Path, stem: str) -> Path:
    """Return the path of a file that does not exist yet."""
    names = (f"{stem}{f'_{k}' if k else ''}.yaml" for k in range(10_000))
    return next(path for name in names if not (path := folder / name).exists())


def _play(game: Game, turn: Turn, path: Path) -> tuple[Game, Turn]:
    """Ask for decisions until the crisis is over or the player leaves; save the game after each."""
    from crisis_sim.history.game import page
    from crisis_sim.scenario.errors import ScenarioError

    game.save(path)
    shown = False
    while turn.decision is not None:
        if not shown:
            print_output(page(game, turn))
            shown = True
        sys.stdout.write(" > ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        command = line.strip()
        if not sys.stdin.isatty():
            print_output(command)
        if not line or command in ("leave", "quit", "exit"):
            break
        if command in ("help", "?", ""):
            print_output(HELP)
            continue
        try:
            changed = _apply_command(game, turn, command)
            turn = changed.turn() if changed is not game else turn
        except (RequestError, ScenarioError) as error:
            print_output(f"{error}\n(type help for a list of commands)")
            continue
        game, shown = changed, False
        game.save(path)
    return game, turn


def _apply_command(game: Game, turn: Turn, command: str) -> Game:
    """Return the game after a player's command; RequestError or ScenarioError if it is not possible."""
    from crisis_sim.history.game import options

    names = list(options(turn))
    verb, _, rest = command.partition(" ")
    if command == "page":
        return game
    if verb == "undo":
        if rest and not rest.strip().isdigit():
            raise RequestError(f"undo {rest}: expected a number of moves, such as undo 3")
        return game.undone(int(rest or 1))
    if verb == "card":
        return game.with_card(turn, rest)
    if command.isdigit():
        if not 1 <= int(command) <= len(names):
            raise RequestError(f"there is no option {command}; expected 1 to {len(names)}")
        return game.chosen(turn, names[int(command) - 1])
    matches = [name for name in names if name.startswith(command.lower())]
    return game.chosen(turn, matches[0] if len(matches) == 1 else command)
