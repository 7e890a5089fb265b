"""The command line: parse, call, print.

What a person asked for goes to stdout, talk and progress to stderr. Libraries that take long to
import are imported inside the commands that need them: `--help` and `check` answer at once.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.version import __version__

if TYPE_CHECKING:
    from crisis_sim.batch.plan import Plan
    from crisis_sim.scenario.schema import Scenario

DONE, CHECK_FAILED, MISTAKE, BLOCKS_FAILED, INTERRUPTED = 0, 1, 2, 3, 130

EXIT_CODES = """\
Exit codes: 0 done; 1 done, but a check failed; 2 a mistake in what was asked for; \
3 some blocks of a batch failed; 130 interrupted."""

RESULTS = Path("results")
#: Columns of a table that is printed into a file or a pipe.
WIDTH = 100
#: Objects that the collector of garbage lets come before it looks. Some hundred thousand are made
#: by imports alone, and none of them is garbage: looking at them costs a tenth of the start-up.
OBJECTS_BEFORE_COLLECTION = 200_000

app = App(
    name="crisis-sim",
    help="Run an interstate crisis thousands of times: how often, and how quickly, does a "
    "ceasefire come, and what would have changed that?",
    help_epilogue=EXIT_CODES,
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

Many = Annotated[str, Parameter(help="Scenario files, or names of shipped ones.", required=True)]
One = Annotated[str, Parameter(help="A scenario file, or the name of a shipped one.")]
Overrides = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        help="Change a value, such as mediators.us.leverage.india=0.2, or take something out, "
        "such as lenders.imf=null. May be given again.",
        metavar="PATH=VALUE",
        negative=(),
        show_default=False,
    ),
]
Json = Annotated[
    bool,
    Parameter(name="--json", help="Print JSON on stdout.", negative=(), show_default=False),
]
Natural = Number(gte=0)
Positive = Number(gte=1)
Seed = Annotated[
    int, Parameter(help="With a replicate's number, it fixes all its luck.", validator=Natural)
]
Folder = Annotated[Path | None, Parameter(show_default=False)]


def main() -> NoReturn:
    """Run the command that was typed, and exit with its code."""
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a dash or a letter gets an escape, not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    code = run_command(sys.argv[1:])
    gc.freeze()  # nor does it look at them all once more on the way out
    sys.exit(code)


def run_command(arguments: Sequence[str]) -> int:
    """Run a command and give its exit code; a person's mistake is told on stderr."""
    try:
        code = app(arguments, exit_on_error=False)
        sys.stdout.flush()
    except CycloptsError:  # which has told of itself
        return MISTAKE
    except ScenarioError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        _talk("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of stdout has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code if isinstance(code, int) else DONE


@app.command
def run(
    *scenarios: Many,
    replicates: Annotated[
        int, Parameter(help="Crises to run of each scenario.", validator=Positive)
    ] = 10_000,
    seed: Seed = 1,
    out: Annotated[
        Folder, Parameter(help="Folder for results; results/ and the first scenario's name.")
    ] = None,
    workers: Annotated[
        int | None,
        Parameter(
            help="Processes to use at most; as many as there are cores. "
            "Results are the same for any number.",
            validator=Positive,
            show_default=False,
        ),
    ] = None,
    overrides: Overrides = None,
    as_json: Json = False,
    dry_run: Annotated[
        bool,
        Parameter(help="Say what would be run, and run nothing.", negative=(), show_default=False),
    ] = False,
) -> int:
    """Run scenarios side by side on the same luck: a table, charts and a folder of results.

    The first scenario is the one that the others are compared with.
    """
    from crisis_sim.batch.errors import BatchError
    from crisis_sim.batch.folder import check_folder
    from crisis_sim.batch.plan import make_plan
    from crisis_sim.doctor import cores
    from crisis_sim.scenario.load import load_scenarios

    read = load_scenarios(scenarios, overrides or ())
    folder = out or RESULTS / read[0].name
    workers = workers or cores()
    try:
        plan = make_plan(read, replicates, seed, None, None, ())
        replaces = check_folder(folder)
        if dry_run:
            _print_plan(plan, workers, folder, replaces, as_json)
            return DONE
        return _run_batch(plan, folder, workers, as_json)
    except (BatchError, OSError) as error:
        return _refuse(f"error: {error}")


def _run_batch(plan: Plan, folder: Path, workers: int, as_json: bool) -> int:
    from crisis_sim.batch import run_to_folder
    from crisis_sim.report.save import remove_report

    began = time.perf_counter()
    before = _manifest_of(folder)
    try:
        with _progress() as progress:
            manifest = run_to_folder(
                plan.scenarios,
                folder,
                plan.replicates,
                plan.seed,
                workers,
                progress=progress,
                command=["crisis-sim", *sys.argv[1:]],
            )
        remove_report(folder)
        _report_batch(manifest, folder, as_json)
    except KeyboardInterrupt:
        return _tell_what_is_safe(folder, before)
    crises = sum(about["replicates_done"] for about in manifest["scenarios"].values())
    _talk(f"{crises:,} crises in {_seconds(time.perf_counter() - began)}: {folder}")
    return BLOCKS_FAILED if manifest["failures"] else DONE


def _report_batch(manifest: Mapping[str, Any], folder: Path, as_json: bool) -> None:
    """Say which blocks failed, and report on the others."""
    from crisis_sim.batch import read_batch
    from crisis_sim.outcomes import summarise

    for failed in manifest["failures"]:
        first = failed["first_replicate"]
        last = first + failed["replicates"] - 1
        _talk(f"failed: {failed['scenario']}, replicates {first} to {last}: {failed['error']}")
    empty = [name for name, about in manifest["scenarios"].items() if not about["replicates_done"]]
    if empty:
        _talk(f"no summary: there is nothing of {', '.join(empty)}")
        return
    batch = read_batch(folder)
    _report(batch, summarise(batch), folder, as_json)


@app.command
def compare(
    *folders: Annotated[Path, Parameter(help="Folders that `run` wrote.", required=True)],
    reference: Annotated[
        str | None,
        Parameter(help="Scenario to compare with; the first.", show_default=False),
    ] = None,
    out: Annotated[
        Folder, Parameter(help="Folder for charts and summary; none are written without it.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Put scenarios side by side, from one folder of results or several."""
    from crisis_sim.batch import BatchError, read_batch
    from crisis_sim.outcomes import join, summarise
    from crisis_sim.report.save import check_report_folder

    try:
        if out:
            check_report_folder(out, folders)
        joined = join(*(read_batch(folder) for folder in folders))
        summary = summarise(joined, reference)
        _report(joined, summary, out, as_json)
    except (BatchError, OSError, ValueError) as error:
        return _refuse(f"error: {error}")
    return DONE


@app.command
def replay(
    scenario: One,
    /,
    *,
    replicate: Annotated[
        int, Parameter(help="Number of the crisis to tell, from 0.", validator=Natural)
    ],
    seed: Seed = 1,
    out: Annotated[Path, Parameter(help="Folder for the chart and the story.")] = RESULTS
    / "replays",
    overrides: Overrides = None,
    as_json: Json = False,
) -> int:
    """Tell one crisis turn by turn, as a story and as a chart.

    It is the same crisis as that replicate of `run` with that seed.
    """
    from crisis_sim.scenario.load import load_scenario

    read = load_scenario(scenario, overrides or ())
    from crisis_sim.model import CrisisModel, Journal
    from crisis_sim.report import replay_data, tell, write_replay

    journal = Journal()
    model = CrisisModel(read, 1, seed, first_replicate=replicate, journal=journal)
    model.run()
    outcome = {name: values[0] for name, values in model.outcomes().items()}
    story = tell(journal, read, outcome)
    path = out / f"{read.name}_seed_{seed}_replicate_{replicate}"
    try:
        write_replay(journal, read, story, path)
    except OSError as error:
        return _refuse(f"error: {error}")
    if as_json:
        _print_json(replay_data(journal, read, outcome, seed, replicate))
    else:
        _print_story(story)
    _talk(f"story and chart: {path}.md, .svg and .png")
    return DONE


@app.command
def check(*scenarios: Many, overrides: Overrides = None, as_json: Json = False) -> int:
    """Check scenario files, and say where they have mistakes: all of them at once."""
    from crisis_sim.scenario.load import load_each

    each = load_each(scenarios, overrides or ())
    if as_json:
        _print_json([_check_data(*pair) for pair in zip(scenarios, each, strict=True)])
    else:
        for one in each:
            _say(str(one) if isinstance(one, ScenarioError) else _in_short(one))
    return MISTAKE if any(isinstance(one, ScenarioError) for one in each) else DONE


@app.command
def scenarios(*, as_json: Json = False) -> int:
    """List the scenarios that come with Crisis Sim, a line each."""
    from crisis_sim.scenario.shipped import shipped_scenarios

    shipped = shipped_scenarios()
    if as_json:
        _print_json([{"name": one.name, "title": one.title} for one in shipped])
        return DONE
    width = max((len(one.name) for one in shipped), default=0)
    for one in shipped:
        _say(f"{one.name:{width}}  {one.title}")
    return DONE


@app.command
def init(
    name: Annotated[str, Parameter(help="The scenario's name, or the file to write.")],
    /,
    *,
    extends: Annotated[
        str | None,
        Parameter(
            help="Begin a counterfactual of this scenario instead; a copy of it is put beside.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Write a commented scenario to start from."""
    from crisis_sim.scenario.template import write_counterfactual, write_template

    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = path.with_name(f"{path.name}.yaml")
    written = [path]
    try:
        if extends:
            written = write_counterfactual(path, extends)
        else:
            write_template(path)
    except FileExistsError as error:
        return _refuse(f"error: {error.filename or error} is there already, and is left as it is")
    except OSError as error:
        return _refuse(f"error: cannot write {path}: {error.strerror or error}")
    for file in written:
        _say(str(file))
    _talk(f"now change it, then: crisis-sim check {path}")
    return DONE


@app.command
def schema() -> int:
    """Print the JSON Schema of scenario files, by which editors complete and check them."""
    from crisis_sim.scenario.json_schema import json_schema

    _print_json(json_schema())
    return DONE


@app.command
def doctor(*, as_json: Json = False) -> int:
    """Say whether all that Crisis Sim needs is here and works."""
    from crisis_sim.doctor import examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            _say(f"{'ok    ' if finding.ok else 'FAILED'}  {finding.name}: {finding.detail}")
    if as_json:
        _print_json([vars(finding) for finding in findings])
    return DONE if all(finding.ok for finding in findings) else CHECK_FAILED


def _report(batch: Any, summary: Mapping[str, Any], folder: Path | None, as_json: bool) -> None:
    """Write the report to a folder, if there is one, and print what was asked."""
    from crisis_sim.report import print_summary, write_report

    if folder:
        write_report(batch, summary, folder)
    if as_json:
        _print_json(summary)
    else:
        from rich.console import Console

        # A file or a pipe has no width of its own, and rich would take it for a narrow terminal.
        print_summary(summary, Console(width=None if sys.stdout.isatty() else WIDTH))


def _print_plan(plan: Plan, workers: int, folder: Path, replaces: bool, as_json: bool) -> None:
    """Say what a batch would be."""
    from crisis_sim.batch.workers import first_guess, share_out

    useful, seconds = share_out(first_guess(plan), plan.blocks, workers)
    facts: dict[str, Any] = {
        "scenarios": {one.name: one.title for one in plan.scenarios},
        "replicates": plan.replicates,
        "seed": plan.seed,
        "crises": plan.crises,
        "turns_at_most": max(one.turns for one in plan.scenarios),
        "blocks": plan.blocks,
        "workers": useful,
        "seconds_estimated": round(seconds, 1),
        "folder": str(folder),
        "replaces_results": replaces,
    }
    if as_json:
        _print_json(facts)
        return
    for name, title in facts["scenarios"].items():
        _say(f"{name}: {title}")
    _say(
        f"{plan.replicates:,} replicates of each with seed {plan.seed}: {plan.crises:,} crises of "
        f"at most {facts['turns_at_most']:,} turns, in {_count(plan.blocks, 'block')}"
    )
    _say(f"about {_seconds(seconds)} with {_count(useful, 'process', 'es')}")
    _say(f"into {folder}" + (", replacing the results that it holds" if replaces else ""))


def _tell_what_is_safe(folder: Path, before: Mapping[str, Any] | None) -> int:
    """Say, after Ctrl-C, which results there are."""
    from crisis_sim.report.save import remove_report

    manifest = _manifest_of(folder)
    if manifest is None or manifest == before:
        _talk("interrupted before any block was finished; nothing was written")
        return INTERRUPTED
    remove_report(folder)
    done = sum(about["replicates_done"] for about in manifest["scenarios"].values())
    asked = manifest["replicates"] * len(manifest["scenarios"])
    _talk(
        f"interrupted: {done:,} of {asked:,} crises are safe in {folder}\n"
        f"to see them: crisis-sim compare {folder}"
    )
    return INTERRUPTED


def _manifest_of(folder: Path) -> dict[str, Any] | None:
    from crisis_sim.batch import ResultsError, read_manifest

    try:
        return read_manifest(folder)
    except ResultsError:
        return None


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr while a batch runs; none where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), "crises", TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("crises", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print_story(story: str) -> None:
    """A story in Markdown: set for reading on a terminal, as it is elsewhere."""
    if not sys.stdout.isatty():
        _say(story.rstrip("\n"))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    console.print(Markdown(story), width=min(console.width, 88))


def _check_data(reference: str, read: Scenario | ScenarioError) -> dict[str, Any]:
    if isinstance(read, ScenarioError):
        mistakes = [vars(mistake) for mistake in read.mistakes]
        return {"scenario": reference, "ok": False, "digest": None, "mistakes": mistakes}
    return {"scenario": reference, "ok": True, "digest": read.digest, "mistakes": []}


def _in_short(scenario: Scenario) -> str:
    """A scenario in a line."""
    sections = ("mediator", "lender", "channel", "adviser")
    counts = [_count(len(getattr(scenario, f"{section}s")), section) for section in sections]
    return (
        f"{scenario.name}: no mistakes; {' and '.join(scenario.state_names)}, "
        f"{', '.join(counts)}; {scenario.horizon_days:g} days in {scenario.turns:,} turns"
    )


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number:,} {noun}{'' if number == 1 else plural}"


def _seconds(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min"


def _print_json(data: Any) -> None:
    _say(json.dumps(data, indent=2, ensure_ascii=False))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _talk(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _refuse(message: str) -> int:
    _talk(message)
    return MISTAKE
