"""The commands `check`, `init`, `scenarios`, `schema`, `doctor`, `validate`, `hindcast` and `dashboard`."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from crisis_sim.cli import options as opt
from crisis_sim.cli.app import (
    CHECK_FAILED,
    DONE,
    MISTAKE,
    answer,
    app,
    console,
    counted,
    list_shipped,
    progress_bar,
    say,
    since,
    talk,
)
from crisis_sim.cli.options import Variant
from crisis_sim.dashboard.server import FEWEST, HOST, MOST, PORT, REPLICATES, SCENARIO
from crisis_sim.scenario.errors import Mistake, RequestError, ScenarioError
from crisis_sim.version import __version__

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch
    from crisis_sim.scenario.schema import Scenario


# --- Checks of `crisis-sim doctor`

#: The oldest Python that Crisis Sim runs on.
OLDEST_PYTHON = (3, 11)
#: Replicates of the trial run.
TRIAL = 64


@dataclass(frozen=True)
class Finding:
    """One check of `doctor`: its name, whether it passed, and a few words of detail."""

    name: str
    ok: bool
    detail: str


def examine() -> Iterator[Finding]:
    """All checks, one after the other, the quick ones first."""
    yield Finding("crisis-sim", True, f"{__version__} in {Path(__file__).parent}")
    version = f"{platform.python_version()} in {sys.executable}"
    yield Finding("python", sys.version_info >= OLDEST_PYTHON, version)
    yield Finding("platform", True, platform.platform())
    from crisis_sim.batch.workers import cores

    yield Finding("cores", True, f"{cores()} for this process")
    yield from _dependencies()
    yield _attempt("folder to work in", _writable)
    yield _attempt("scenarios", _scenarios)
    yield _attempt("trial run", _trial_run)


def _dependencies() -> Iterator[Finding]:
    """The libraries that the installed package requires, from their metadata."""
    from packaging.requirements import Requirement

    try:
        required = metadata.requires("crisis-sim") or []
    except metadata.PackageNotFoundError:
        yield Finding("libraries", True, "not known: this checkout is not installed")
        return
    for text in required:
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            yield Finding(wanted.name, False, f"missing; needed: {wanted}")
            continue
        fits = wanted.specifier.contains(found, prereleases=True)
        yield Finding(wanted.name, fits, found if fits else f"{found}; needed: {wanted}")


def _attempt(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except Exception as error:  # noqa: BLE001 - whatever it is, a person who asks wants to hear of it
        return Finding(name, False, f"{type(error).__name__}: {error}")


def _writable() -> str:
    folder = Path.cwd()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".crisis-sim-"):
        return f"{folder} can be written"


def _scenarios() -> str:
    from crisis_sim.scenario.load import load_scenario, shipped_folder, shipped_names

    names = shipped_names()
    for name in names:
        load_scenario(name)
    if not names:
        raise FileNotFoundError(f"none in {shipped_folder()}")
    return f"{len(names)} in {shipped_folder()}"


def _rows(batch: Batch) -> list[dict[str, Any]]:
    """Outcomes as plain values: equal tables may be stored otherwise."""
    rows: list[dict[str, Any]] = next(iter(batch.ensembles.values())).table.to_pylist()
    return rows


def _trial_run() -> str:
    """A small batch, twice, cut into other blocks the second time: it must be the same."""
    from crisis_sim.batch import simulate

    began = time.perf_counter()
    whole = simulate(template_file(), TRIAL, seed=1)
    seconds = time.perf_counter() - began
    parts = simulate(template_file(), TRIAL, seed=1, block_size=TRIAL // 3)
    if _rows(whole) != _rows(parts):
        raise ArithmeticError("the same replicates came out otherwise in smaller blocks")
    return f"{TRIAL} crises in {seconds:.1f} s, and again the same in smaller blocks"


# --- The commented scenario that `crisis-sim init` writes


def template_file() -> Path:
    """The commented scenario that `crisis-sim init` writes, as a file on disk."""
    from crisis_sim.scenario.load import on_disk

    return on_disk(Path(__file__).parent) / "template.yaml"


COUNTERFACTUAL = """\
# A counterfactual of {extends}: say only what differs. Mappings are merged, lists and numbers
# replace what was there, and null takes an entry out:
#
#   mediators: {{us: null}}
#   states: {{NAME: {{resolve: {{uniform: [0.2, 0.5]}}}}}}
#
#   crisis-sim check {file}
#   crisis-sim run {extends} {file}

extends: {extends}
title: {title}
"""


def template_text(file_name: str = "my_crisis.yaml") -> str:
    """The template, with the name of the file that it becomes in its comments."""
    text = template_file().read_text(encoding="utf-8")
    return text.replace("FILE", file_name).replace("this_file.yaml", file_name)


def _write(path: Path, text: str) -> None:
    """Write a new file; where that fails, nothing of it is left."""
    with path.open("x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            path.unlink(missing_ok=True)
            raise


def write_counterfactual(path: Path, reference: str) -> list[Path]:
    """Write a scenario that extends another one; the files written, the new scenario first.

    A scenario can extend files of its own folder only, so a shipped one is copied there first.

    Raises:
        FileExistsError: when the file is there already, or another one under a name that is needed.
        ScenarioError: when there is no such scenario, or it has mistakes.
    """
    from crisis_sim.scenario.load import find_scenario, load_scenario, read_chain

    original = find_scenario(reference)
    if not original.is_file():  # it cannot be read again
        message = "a pipe or a device, which no file can extend"
        raise ScenarioError([Mistake(str(original), 0, 0, message, "a scenario file")])
    original = original.resolve()
    # A JSON text is a YAML text, whatever characters it holds.
    title = json.dumps(f"{load_scenario(original).title}, but otherwise", ensure_ascii=False)
    layers, _ = read_chain(original, str(original))
    copies = {
        path.parent / layer.within(original.parent): layer.path.read_text("utf-8")
        for layer in layers
    }
    for copy, text in copies.items():
        if copy == path or (copy.exists() and copy.read_text("utf-8") != text):
            raise FileExistsError(copy)
    _write(path, COUNTERFACTUAL.format(extends=original.name, title=title, file=path.name))
    written = [path]
    for copy, text in copies.items():
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            _write(copy, text)
            written.append(copy)
    return written


# --- Commands on scenario files: `check`, `scenarios`, `init` and `schema`

#: Letters of a mistake's line that JSON holds: a file may be a single line.
LONGEST_LINE = 1_000


@app.command
def check(*scenarios: opt.Many, overrides: opt.Overrides = None, as_json: opt.Json = False) -> int:
    """Check scenario files, and report all their mistakes at once, each with its line."""
    from crisis_sim.scenario.load import load_each

    each = load_each(scenarios, overrides or ())
    data = [_check_data(*pair) for pair in zip(scenarios, each, strict=True)]
    told = (str(one) if isinstance(one, ScenarioError) else _in_short(one) for one in each)
    answer(as_json, data, lambda: say("\n".join(told)))
    return MISTAKE if any(isinstance(one, ScenarioError) for one in each) else DONE


@app.command
def scenarios(*, as_json: opt.Json = False) -> int:
    """List the scenarios that come with Crisis Sim, one per line."""
    from crisis_sim.scenario.load import shipped_scenarios

    shipped = ({"name": one.name, "title": one.title} for one in shipped_scenarios())
    return list_shipped(shipped, ("name", "title"), as_json)


@app.command
def init(
    name: str,
    /,
    *,
    extends: str | None = None,
    answers: Path | None = None,
    template: Annotated[bool, opt.FLAG] = False,
) -> int:
    """Write a commented scenario to start from, by asking about your crisis.

    Each question shows the anchors of the coding guide. Without a terminal to ask in, it does as with --template.

    Args:
        name: The scenario's name, or the file to write.
        extends: Write a counterfactual of this scenario instead, and a copy of it in the same folder.
        answers: A file of answers, in place of the questions (docs/guide/own_scenario.md).
        template: Ask nothing, and write the crisis between two invented states.
    """
    from crisis_sim.scenario.source import FILE_WORDS, is_file_name, nfc

    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = path.parent / f"{path.name}.yaml"
    if sum((extends is not None, answers is not None, template)) > 1:
        raise RequestError("--extends, --answers and --template exclude one another: give one")
    if not is_file_name(nfc(path.stem)):
        raise RequestError(f"{path.name} cannot be a scenario's file; expected {FILE_WORDS}")
    written = [path]
    try:
        if extends is not None:
            written = write_counterfactual(path, extends)
        else:
            _write(path, _scenario_of(path, answers, template))
    except EOFError:
        raise RequestError("not all was answered; nothing is written") from None
    except FileExistsError as error:
        there = error.filename or error
        raise RequestError(f"{there} is there already, and is left unchanged") from None
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from None
    for file in written:
        say(str(file))
    talk(f"now change it, then: crisis-sim check {path}")
    return DONE


def _scenario_of(path: Path, answers: Path | None, template: bool) -> str:
    """The text of a new scenario file: that of the answers, or the template's."""
    from crisis_sim.cli.interview import Interview, read_answers, scenario_text

    if path.exists():
        raise FileExistsError(path)
    if answers is not None:
        return scenario_text(read_answers(answers), path.name)
    if template or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return template_text(path.name)
    return scenario_text(Interview(None), path.name)


@app.command
def schema(
    *,
    experiment: Annotated[bool, opt.FLAG] = False,
    events: Annotated[bool, opt.FLAG] = False,
    roles: opt.Roles = None,
    agents: opt.Agents = None,
    as_json: opt.Json = False,
) -> int:
    """Print the JSON Schema of scenario files, for completion and checks in an editor.

    With `--events`: what can happen in a crisis, also to your own classes if they are given. Of two
    events at the same moment, the one listed first comes first.

    Args:
        experiment: Print the schema of experiment files.
        events: Print what can happen in a crisis instead: each event, what comes of it, and when.
    """
    from crisis_sim.scenario.introspect import json_schema

    if events:
        _say_events(Variant(roles=roles, agents=agents).classes, as_json)
        return DONE
    if roles or agents:
        raise RequestError("--roles and --agents go with --events")
    if experiment:
        from crisis_sim.experiments.load import experiment_schema as json_schema
    answer(True, json_schema(), lambda: None)
    return DONE


def _say_events(classes: Mapping[str, Any], as_json: bool) -> None:
    """Print what can happen, as text of 80 columns or as JSON."""
    from crisis_sim.batch.rules import check_classes
    from crisis_sim.model.cast import happenings

    check_classes(**classes)
    found = happenings(**classes)
    lines, role = ["What can happen, in the order in which ties are settled."], ""
    for one in found:
        lines += [] if one.role == role else [f"\n{one.role}"]
        role = one.role
        lines.append(f"  {one.event} ({f'{one.agent} by ' if one.agent else ''}{one.of})")
        for text in (one.effect, f"{'date' if one.is_dated else 'rate'}: {one.when}"):
            lines.append(textwrap.fill(text, 80, initial_indent=" " * 4, subsequent_indent=" " * 6))
    answer(as_json, [vars(one) for one in found], lambda: say("\n".join(lines)))


def _check_data(reference: str, read: Scenario | ScenarioError) -> dict[str, Any]:
    if isinstance(read, ScenarioError):
        mistakes = [
            {**vars(mistake), "source_line": mistake.source_line[:LONGEST_LINE]}
            for mistake in read.mistakes
        ]
        return {"scenario": reference, "ok": False, "digest": None, "mistakes": mistakes}
    return {"scenario": reference, "ok": True, "digest": read.digest, "mistakes": []}


def _in_short(scenario: Scenario) -> str:
    """A scenario in a line."""
    sections = ("mediator", "lender", "channel", "adviser")
    counts = [counted(len(getattr(scenario, f"{section}s")), section) for section in sections]
    return (
        f"{scenario.name}: no mistakes; {' and '.join(scenario.state_names)}, "
        f"{', '.join(counts)}; {scenario.horizon_days:g} days"
    )


# --- `crisis-sim doctor`


@app.command
def doctor(*, as_json: opt.Json = False) -> int:
    """Check that everything that Crisis Sim needs is installed and works."""
    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            say(f"{'ok    ' if finding.ok else 'FAILED'}  {finding.name}: {finding.detail}")
    answer(as_json, [vars(finding) for finding in findings], lambda: None)
    return DONE if all(finding.ok for finding in findings) else CHECK_FAILED


# --- `crisis-sim validate`


@app.command
def validate(
    *,
    replicates: opt.Replicates = 10_000,
    seed: opt.Seed = 1,
    population: str = "since_1945",
    workers: opt.Workers = None,
    out: Path | None = None,
    page: Path | None = None,
    overrides: opt.Overrides = None,
    strict: Annotated[bool, opt.FLAG] = False,
    held_out: Annotated[bool, opt.FLAG] = False,
    charts: opt.Charts = opt.CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Compare the model with the record: crises since 1945, and eight cases.

    Each fact is compared with the simulated value and its interval; the verdict is inside, near or outside. For each
    case it says where the real times fall among the simulated ones.

    Args:
        replicates: Crises to run of each scenario.
        population: The scenario that represents crises since 1945: a file, or a shipped one.
        out: Folder for validation.json and the charts; without it they are not written.
        page: Markdown file for the whole page; its charts go to images/ in the same folder.
        strict: Exit with code 1 if a fact that is listed as met is not.
        held_out: Instead, refit the model without each case, and score its forecast of that case; takes some minutes.
    """
    from crisis_sim.batch.workers import cores
    from crisis_sim.validation.run import validate as compare
    from crisis_sim.validation.show import print_validation, write_page, write_validation

    if out and out.exists() and not out.is_dir():
        raise RequestError(f"{out} is no folder")
    if page and page.is_dir():
        raise RequestError(f"{page} is a folder; give the page's file, such as validation.md")
    if out or page:
        charts.hold()
    began = time.perf_counter()
    if held_out:
        return _hold_out(replicates, seed, workers or cores(), out, as_json, began)
    with progress_bar() as progress:
        validation = compare(
            population, replicates, seed, workers or cores(), overrides or (), progress=progress
        )
    written = write_validation(validation, out) if out else []
    written += write_page(validation, page) if page else []
    answer(as_json, validation.plain, lambda: print_validation(validation, console()))
    _tell_written(written)
    crises = sum(one.replicates for one in validation.batch.ensembles.values())
    talk(f"{crises:,} crises in {since(began)}")
    for name in validation.failures:
        talk(f"said to be met, and is not: {name}")
    return CHECK_FAILED if strict and validation.failures else DONE


def _tell_written(written: Iterable[Path]) -> None:
    """Say which files were written, charts aside."""
    for path in written:
        if path.suffix in (".json", ".csv", ".md"):
            talk(f"written: {path}")


def _hold_out(
    replicates: int, seed: int, workers: int, out: Path | None, as_json: bool, began: float
) -> int:
    """Predict each case without it."""
    from crisis_sim.validation.held_out import held_out as predict
    from crisis_sim.validation.held_out import summary
    from crisis_sim.validation.show import print_held_out

    found = predict(replicates, seed, workers, progress=talk)
    plain = {"replicates": replicates, "seed": seed, "cases": [one.plain() for one in found]}
    plain["summary"] = summary(found)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        path = out / "held_out.json"
        path.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
        talk(f"written: {path}")
    answer(as_json, plain, lambda: print_held_out(found, console()))
    talk(f"in {since(began)}")
    return DONE


# --- `crisis-sim hindcast`

#: Replicates of each crisis, at most: a chunk of them is held in memory.
MOST_OF_A_CRISIS = 50_000


@app.command
def hindcast(
    *,
    data: Path,
    replicates: Annotated[int, opt.option(least=10, most=MOST_OF_A_CRISIS)] = 2000,
    seed: opt.Seed = 1,
    workers: opt.Workers = None,
    overrides: opt.Overrides = None,
    over_fits: opt.Fits = False,
    leave_out: Literal["eras", "fifths"] | None = None,
    out: Path | None = None,
    charts: opt.Charts = opt.CHARTS,
    as_json: opt.Json = False,
) -> int:
    """Forecast past crises from what was known at their triggers, and score the forecasts.

    Scores are compared with those of base rates, and of a statistical baseline if the folder holds one.

    Args:
        data: Folder with hindcast_inputs.csv, or with the ICB project's files as its publisher gives them.
        replicates: How often to run each crisis.
        leave_out: Instead, refit the model without each era, or fifth of the crises, and forecast those left out.
        out: Folder for predictions.csv, hindcast.json and the charts; without it they are not written.
    """
    from crisis_sim.batch.workers import cores
    from crisis_sim.hindcast.run import hindcast as predict
    from crisis_sim.hindcast.show import print_hindcast, write_hindcast

    if out and out.exists() and not out.is_dir():
        raise RequestError(f"{out} is no folder")
    for option, given in (
        ("--over-fits draws from sets that saw all crises", over_fits),
        ("--set changes the model that is fitted anew", overrides),
    ):
        if leave_out and given:
            raise RequestError(f"{option}: it does not go with --leave-out")
    if out:
        charts.hold()
    began = time.perf_counter()
    with progress_bar() as progress:
        found = predict(
            data,
            replicates,
            seed,
            workers or cores(),
            overrides or (),
            progress,
            over_fits,
            leave_out,
        )
    written = write_hindcast(found, out) if out else []
    answer(as_json, found.plain, lambda: print_hindcast(found, console()))
    _tell_written(written)
    told = f"{len(found.predictions):,} crises, {found.replicates:,} times each"
    talk(f"{told}, in {since(began)}")
    return DONE


# --- `crisis-sim dashboard`


@app.command
def dashboard(
    scenario: opt.One = SCENARIO,
    /,
    *,
    replicates: Annotated[int, opt.option(least=FEWEST, most=MOST)] = REPLICATES,
    seed: opt.Seed = 1,
    overrides: opt.Overrides = None,
    host: str = HOST,
    port: Annotated[int, opt.option(least=0, most=65_535)] = PORT,
    no_browser: Annotated[bool, opt.FLAG] = False,
) -> int:
    """Move sliders in a browser and see at once what changes: ceasefires, endings, differences.

    Needs the extra `dashboard`: pip install 'crisis-sim[dashboard]'. Nothing leaves this machine.

    Args:
        replicates: Crises to run at each move of a slider.
        host: Address to listen on; the default can be reached from this machine only.
        port: Port to listen on; 0 for any free one.
        no_browser: Do not open a browser.
    """
    from crisis_sim.dashboard.changes import open_reference
    from crisis_sim.dashboard.server import (
        Settings,
        address_of,
        check_installed,
        is_loopback,
        listen,
        serve,
    )

    check_installed()
    settings = Settings(open_reference(scenario, overrides or ()), replicates, seed)
    listening = listen(host, port)
    if not is_loopback(host):
        talk(
            f"warning: {host} can be reached from other machines. Whoever reaches it can run "
            "scenarios here and read this one; there is no password."
        )
    talk(f"dashboard: {address_of(listening)} (press Ctrl-C to stop it)")
    try:
        serve(settings, listening, browser=not no_browser)
    except KeyboardInterrupt:  # the way to end it
        talk("closed")
    return DONE
