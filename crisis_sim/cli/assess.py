"""The commands `validate`, `hindcast` and `doctor`, which assess the model and its installation."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from crisis_sim.cli import options as opt
from crisis_sim.cli.app import (
    CHECK_FAILED,
    DONE,
    console,
    elapsed,
    print_message,
    print_output,
    print_result,
    progress_bar,
)
from crisis_sim.scenario.errors import RequestError
from crisis_sim.version import __version__

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch


# --- `crisis-sim validate`


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
    """Compare the model with the historical record: with crises since 1945, and with eight cases.

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


# --- `crisis-sim doctor`


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
    from importlib import metadata

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
    import tempfile

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
    from crisis_sim.cli.new_scenario import template_text
    from crisis_sim.scenario import read_scenario

    template = read_scenario(template_text(), "template")
    start = time.perf_counter()
    once = simulate(template, TRIAL, seed=1)
    seconds = time.perf_counter() - start
    again = simulate(template, TRIAL, seed=1, block_size=TRIAL // 3)
    if _rows(once) != _rows(again):
        raise ArithmeticError("the same replicates had other results in smaller blocks")
    return f"{TRIAL} crises in {seconds:.1f} s, with the same results in smaller blocks"
