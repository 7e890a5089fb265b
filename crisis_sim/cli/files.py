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
    app,
    console,
    counted,
    elapsed,
    print_message,
    print_output,
    print_result,
    print_shipped,
    progress_bar,
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
    """The result of a check of `doctor`."""

    name: str
    ok: bool
    detail: str


def examine() -> Iterator[Finding]:
    """Run all checks, the quick ones first, and yield their results."""
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
    """Check the versions of the libraries that the installed package requires."""
    from packaging.requirements import Requirement

    try:
        texts = metadata.requires("crisis-sim") or []
    except metadata.PackageNotFoundError:
        yield Finding("libraries", True, "unknown, since this checkout is not installed")
        return
    for requirement in map(Requirement, texts):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Finding(requirement.name, False, f"missing; required: {requirement}")
            continue
        fits = requirement.specifier.contains(version, prereleases=True)
        detail = version if fits else f"{version}; required: {requirement}"
        yield Finding(requirement.name, fits, detail)


def _attempt(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except Exception as error:  # noqa: BLE001 - any error is a result of the check
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
    """Return outcomes as plain values, since equal tables may be stored differently."""
    rows: list[dict[str, Any]] = next(iter(batch.ensembles.values())).table.to_pylist()
    return rows


def _trial_run() -> str:
    """Run a small batch twice, with different block sizes, and compare the results."""
    from crisis_sim.batch import simulate

    start = time.perf_counter()
    once = simulate(template_file(), TRIAL, seed=1)
    seconds = time.perf_counter() - start
    again = simulate(template_file(), TRIAL, seed=1, block_size=TRIAL // 3)
    if _rows(once) != _rows(again):
        raise ArithmeticError("the same replicates had other results in smaller blocks")
    return f"{TRIAL} crises in {seconds:.1f} s, with the same results in smaller blocks"


# --- Scenario files that `crisis-sim init` writes


def template_file() -> Path:
    """Return the path of the commented template."""
    from crisis_sim.scenario.load import on_disk

    return on_disk(Path(__file__).parent) / "template.yaml"


COUNTERFACTUAL = """\
# A counterfactual of {extends}, with the differences only. Mappings are merged; lists and numbers
# replace the original ones, and null removes an entry:
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
    """Return the text of the template; its comments mention the file's name."""
    text = template_file().read_text(encoding="utf-8")
    return text.replace("FILE", file_name).replace("this_file.yaml", file_name)


def _write(path: Path, text: str) -> None:
    """Write a new file, or nothing if that fails."""
    with path.open("x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            path.unlink(missing_ok=True)
            raise


def write_counterfactual(path: Path, reference: str) -> list[Path]:
    """Write a scenario that extends another one, and return the written files, the new scenario first.

    A scenario can only extend files in its folder, so a shipped one is copied there first.

    Raises:
        FileExistsError: when the file or a different copy exists already.
        ScenarioError: when there is no such scenario, or it has mistakes.
    """
    from crisis_sim.scenario.load import find_scenario, load_scenario, read_chain

    original = find_scenario(reference)
    if not original.is_file():  # it cannot be read a second time
        message = "a pipe or a device, which no file can extend"
        raise ScenarioError([Mistake(str(original), 0, 0, message, "a scenario file")])
    original = original.resolve()
    # JSON strings are valid YAML.
    title = json.dumps(f"{load_scenario(original).title}, changed", ensure_ascii=False)
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

#: Maximum number of characters of a mistake's line in JSON output.
LONGEST_LINE = 1_000


@app.command
def check(
    *scenarios: opt.ScenarioNames, overrides: opt.Overrides = None, as_json: opt.Json = False
) -> int:
    """Check scenario files, and report all mistakes with their lines."""
    from crisis_sim.scenario.load import load_each

    results = load_each(scenarios, overrides or ())
    failed = [isinstance(result, ScenarioError) for result in results]
    data = [_check_data(*pair) for pair in zip(scenarios, results, strict=True)]
    lines = (str(one) if isinstance(one, ScenarioError) else _summary(one) for one in results)
    print_result(as_json, data, lambda: print_output("\n".join(lines)))
    return MISTAKE if any(failed) else DONE


@app.command
def scenarios(*, as_json: opt.Json = False) -> int:
    """List the scenarios that come with Crisis Sim, one per line."""
    from crisis_sim.scenario.load import shipped_scenarios

    shipped = ({"name": one.name, "title": one.title} for one in shipped_scenarios())
    return print_shipped(shipped, ("name", "title"), as_json)


@app.command
def init(
    name: str,
    /,
    *,
    extends: str | None = None,
    answers: Path | None = None,
    template: Annotated[bool, opt.FLAG] = False,
) -> int:
    """Write a commented scenario file from answers to questions about your crisis.

    Each question shows the anchors of the coding guide. Without a terminal, the file is the template.

    Args:
        name: Name of the scenario, or of the file to write.
        extends: Write a counterfactual of this scenario instead, and copy the scenario to the same folder.
        answers: File of answers, in place of the questions (docs/guide/own_scenario.md).
        template: Write the template, a crisis between two invented states, without asking questions.
    """
    from crisis_sim.scenario.yaml_text import FILE_WORDS, is_file_name, nfc

    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = path.parent / f"{path.name}.yaml"
    if sum((extends is not None, answers is not None, template)) > 1:
        raise RequestError("--extends, --answers and --template cannot be combined: give one")
    if not is_file_name(nfc(path.stem)):
        raise RequestError(f"{path.name} cannot be a scenario's file; expected {FILE_WORDS}")
    written = [path]
    try:
        if extends is not None:
            written = write_counterfactual(path, extends)
        else:
            _write(path, _scenario_of(path, answers, template))
    except EOFError:
        raise RequestError("some questions were not answered; nothing was written") from None
    except FileExistsError as error:
        file = error.filename or error
        raise RequestError(f"{file} exists already, and was not changed") from None
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from None
    for file in written:
        print_output(str(file))
    print_message(f"next, edit it and run: crisis-sim check {path}")
    return DONE


def _scenario_of(path: Path, answers: Path | None, template: bool) -> str:
    """Return the text of a new scenario file: from answers, or the template."""
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

    With --events, print the events of the model instead, including those of your own classes. Of two events at
    the same time, the first in this list happens first.

    Args:
        experiment: Print the schema of experiment files.
        events: Print each event of the model, with its effect and its rate or date.
    """
    from crisis_sim.scenario.introspect import json_schema

    if events:
        _print_events(Variant(roles=roles, agents=agents).classes, as_json)
        return DONE
    if roles or agents:
        raise RequestError("--roles and --agents need --events")
    if experiment:
        from crisis_sim.experiments.load import experiment_schema as json_schema
    print_result(True, json_schema(), lambda: None)
    return DONE


def _print_events(classes: Mapping[str, Any], as_json: bool) -> None:
    """Print the events of the model, as text of 80 columns or as JSON."""
    from crisis_sim.batch.own_classes import check_classes
    from crisis_sim.model.cast import happenings

    check_classes(**classes)
    events = happenings(**classes)
    lines, role = ["Events of the model. At the same time, they happen in this order."], ""
    for event in events:
        lines += [] if event.role == role else [f"\n{event.role}"]
        role = event.role
        lines.append(f"  {event.event} ({f'{event.agent} by ' if event.agent else ''}{event.of})")
        for text in (event.effect, f"{'date' if event.is_dated else 'rate'}: {event.when}"):
            lines.append(textwrap.fill(text, 80, initial_indent=" " * 4, subsequent_indent=" " * 6))
    print_result(as_json, [vars(event) for event in events], lambda: print_output("\n".join(lines)))


def _check_data(name: str, result: Scenario | ScenarioError) -> dict[str, Any]:
    if isinstance(result, ScenarioError):
        mistakes = [
            {**vars(mistake), "source_line": mistake.source_line[:LONGEST_LINE]}
            for mistake in result.mistakes
        ]
        return {"scenario": name, "ok": False, "digest": None, "mistakes": mistakes}
    return {"scenario": name, "ok": True, "digest": result.digest, "mistakes": []}


def _summary(scenario: Scenario) -> str:
    """Summarise a scenario in one line."""
    sections = ("mediator", "lender", "channel", "adviser")
    counts = [counted(len(getattr(scenario, f"{section}s")), section) for section in sections]
    return (
        f"{scenario.name}: no mistakes; {' and '.join(scenario.state_names)}, "
        f"{', '.join(counts)}; {scenario.horizon_days:g} days"
    )


# --- `crisis-sim doctor`


@app.command
def doctor(*, as_json: opt.Json = False) -> int:
    """Check the installation: Python, the libraries, the scenarios, and a trial run."""
    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            print_output(
                f"{'ok    ' if finding.ok else 'FAILED'}  {finding.name}: {finding.detail}"
            )
    print_result(as_json, [vars(finding) for finding in findings], lambda: None)
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
    """Compare the model with the record: with crises since 1945, and with eight cases.

    Each fact is compared with the simulated value and its interval; the verdict is inside, near or outside. For each
    case, the real times are compared with the distribution of the simulated ones.

    Args:
        replicates: Number of crises of each scenario.
        population: Scenario that represents crises since 1945: a file, or the name of a shipped scenario.
        out: Folder for validation.json and the charts; by default they are not written.
        page: Markdown file for a page with the results; its charts are written to images/ in the same folder.
        strict: Exit with code 1 if the model fails a fact that it is listed to meet.
        held_out: Instead, refit the model without each case, and score its forecast of that case. Takes a few minutes.
    """
    from crisis_sim.batch.workers import cores
    from crisis_sim.validation import run, show

    _check_folder(out)
    if page and page.is_dir():
        raise RequestError(f"{page} is a folder; give the page's file, such as validation.md")
    if out or page:
        charts.apply()
    start, workers = time.perf_counter(), workers or cores()
    if held_out:
        return _hold_out(replicates, seed, workers, out, as_json, start)
    with progress_bar() as progress:
        validation = run.validate(
            population, replicates, seed, workers, overrides or (), progress=progress
        )
    written = show.write_validation(validation, out) if out else []
    written += show.write_page(validation, page) if page else []
    print_result(as_json, validation.plain, lambda: show.print_validation(validation, console()))
    _report_written(written)
    print_message(f"{validation.batch.crises:,} crises in {elapsed(start)}")
    for name in validation.failures:
        print_message(f"listed as met, but not met: {name}")
    return CHECK_FAILED if strict and validation.failures else DONE


def _check_folder(out: Path | None) -> None:
    if out and out.exists() and not out.is_dir():
        raise RequestError(f"{out} is not a folder")


def _report_written(written: Iterable[Path]) -> None:
    """Print the names of written files, except for charts."""
    for path in written:
        if path.suffix in (".json", ".csv", ".md"):
            print_message(f"written: {path}")


def _hold_out(
    replicates: int, seed: int, workers: int, out: Path | None, as_json: bool, start: float
) -> int:
    """Forecast each case with a model that was fitted without it."""
    from crisis_sim.validation import held_out, show

    forecasts = held_out.held_out(replicates, seed, workers, progress=print_message)
    cases = [forecast.plain() for forecast in forecasts]
    plain = {"replicates": replicates, "seed": seed, "cases": cases}
    plain["summary"] = held_out.summary(forecasts)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        path = out / "held_out.json"
        path.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
        print_message(f"written: {path}")
    print_result(as_json, plain, lambda: show.print_held_out(forecasts, console()))
    print_message(f"in {elapsed(start)}")
    return DONE


# --- `crisis-sim hindcast`

#: Maximum number of replicates of each crisis, since they are run together in memory.
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

    Scores are compared with those of base rates, and of a statistical baseline if the folder contains one.

    Args:
        data: Folder with hindcast_inputs.csv, or with the original files of the ICB project.
        replicates: Number of replicates of each crisis.
        leave_out: Instead, refit the model without each era (or fifth of the crises), and forecast the crises in it.
        out: Folder for predictions.csv, hindcast.json and the charts; by default they are not written.
    """
    from crisis_sim.batch.workers import cores
    from crisis_sim.hindcast import run, show

    _check_folder(out)
    for reason, given in (
        ("--over-fits uses fits to all crises", over_fits),
        ("--set changes the model, which is fitted again", overrides),
    ):
        if leave_out and given:
            raise RequestError(f"{reason}: it cannot be combined with --leave-out")
    if out:
        charts.apply()
    start, workers = time.perf_counter(), workers or cores()
    with progress_bar() as progress:
        forecasts = run.hindcast(
            data, replicates, seed, workers, overrides or (), progress, over_fits, leave_out
        )
    written = show.write_hindcast(forecasts, out) if out else []
    print_result(as_json, forecasts.plain, lambda: show.print_hindcast(forecasts, console()))
    _report_written(written)
    crises = f"{len(forecasts.predictions):,} crises, {forecasts.replicates:,} replicates each"
    print_message(f"{crises}, in {elapsed(start)}")
    return DONE


# --- `crisis-sim dashboard`


@app.command
def dashboard(
    scenario: opt.ScenarioName = SCENARIO,
    /,
    *,
    replicates: Annotated[int, opt.option(least=FEWEST, most=MOST)] = REPLICATES,
    seed: opt.Seed = 1,
    overrides: opt.Overrides = None,
    host: str = HOST,
    port: Annotated[int, opt.option(least=0, most=65_535)] = PORT,
    no_browser: Annotated[bool, opt.FLAG] = False,
) -> int:
    """Open a dashboard in the browser, with sliders for parameters and charts that follow them.

    Needs the extra `dashboard`: pip install 'crisis-sim[dashboard]'. Nothing leaves this machine.

    Args:
        replicates: Number of crises for each position of the sliders.
        host: Address to listen on. By default only this machine can connect.
        port: Port to listen on; 0 for any free port.
        no_browser: Do not open a browser.
    """
    from crisis_sim.dashboard import server
    from crisis_sim.dashboard.changes import open_reference

    server.check_installed()
    settings = server.Settings(open_reference(scenario, overrides or ()), replicates, seed)
    listening = server.listen(host, port)
    if not server.is_loopback(host):
        print_message(
            f"warning: {host} can be reached from other machines. Anyone who can connect can run "
            "scenarios here and read this one; there is no password."
        )
    print_message(f"dashboard: {server.address_of(listening)} (press Ctrl-C to stop it)")
    try:
        server.serve(settings, listening, browser=not no_browser)
    except KeyboardInterrupt:  # the normal way to stop it
        print_message("stopped")
    return DONE
