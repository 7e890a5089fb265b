"""`crisis-sim tune`: parameters to targets or to an objective, from a file or without one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from crisis_sim.cli.app import (
    Json,
    Overrides,
    Positive,
    Workers,
    app,
)
from crisis_sim.cli.experiment import (
    DryRun,
    MaybeReplicates,
    MaybeSeed,
    Out,
    Resume,
    carry_out,
    each_once,
    go_on,
)
from crisis_sim.cli.talk import refuse

#: Where nothing is said: crises at each point, and points.
REPLICATES, TRIALS = 1_000, 200


@app.command
def tune(
    name: Annotated[
        str | None,
        Parameter(
            help="An experiment's file, or the name of a shipped one; with --vary a scenario; "
            "none with --resume."
        ),
    ] = None,
    /,
    *,
    vary: Annotated[
        list[str] | None,
        Parameter(
            help="A parameter that may be moved: its path, if wanted its range, and log for steps "
            "that are ratios, such as mediators.us.attention_days=0.1:5:log. May be given again.",
            metavar="PATH=LOW:HIGH",
            negative=(),
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        Parameter(
            help="What a measure should be, if wanted with the 95% interval in which that is known, "
            "such as ceasefire_within_96_hours=0.6:0.5:0.7. May be given again.",
            metavar="MEASURE=VALUE:LOW:HIGH",
            negative=(),
            show_default=False,
        ),
    ] = None,
    maximise: Annotated[
        str | None,
        Parameter(
            help="A measure that should be high, and how high is enough: then the smallest changes "
            "are sought that reach it.",
            metavar="MEASURE=ENOUGH",
            show_default=False,
        ),
    ] = None,
    minimise: Annotated[
        str | None,
        Parameter(
            help="Likewise, of what should be low.", metavar="MEASURE=ENOUGH", show_default=False
        ),
    ] = None,
    trials: Annotated[
        int | None,
        Parameter(
            help=f"Points to try; {TRIALS} where neither a file nor you say.",
            validator=Positive,
            show_default=False,
        ),
    ] = None,
    sampler: Annotated[
        Literal["cmaes", "tpe", "sobol", "random"] | None,
        Parameter(
            help="How the next points are chosen; cmaes where nothing is said.", show_default=False
        ),
    ] = None,
    replicates: MaybeReplicates = None,
    seed: MaybeSeed = None,
    overrides: Overrides = None,
    out: Out = None,
    workers: Workers = None,
    resume: Resume = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Find the parameters that reach targets, or that make something most likely at least cost.

    Writes the tuned scenario as a file that extends the original. A search that was cut short goes
    on with --resume, and finds what it would have found.
    """
    from crisis_sim.experiments.load import load_experiment, make_experiment

    if name is None:
        if resume is None:
            return refuse("error: NAME requires an argument, unless --resume goes on with a folder")
        return go_on(resume, workers, dry_run=dry_run, as_json=as_json)
    given: dict[str, Any] = {
        "replicates": replicates,
        "seed": seed,
        "trials": trials,
        "sampler": sampler,
    }
    changes = {key: value for key, value in given.items() if value is not None}
    written = {"--vary": vary, "--target": target, "--maximise": maximise, "--minimise": minimise}
    used = [option for option, value in written.items() if value]
    if not used:
        if overrides:
            return refuse("error: --set goes with --vary; in a file, say what is set under 'set'")
        experiment = load_experiment(name, changes)
        if experiment.kind != "tune":
            return refuse(
                f"error: {name} is no tune experiment but one of kind {experiment.kind}: "
                f"crisis-sim experiment {name}"
            )
        return carry_out(experiment, out, workers, resume, dry_run=dry_run, as_json=as_json)
    if not vary:
        return refuse(f"error: {used[0]} needs --vary: a scenario's parameters that may be moved")
    try:
        content = _content(name, vary, target or (), {"maximise": maximise, "minimise": minimise})
    except ValueError as error:
        return refuse(f"error: {error}")
    content |= {"set": overrides or [], "replicates": REPLICATES, "trials": TRIALS, **changes}
    made = make_experiment("tune", **content)
    return carry_out(made, out, workers, resume, dry_run=dry_run, as_json=as_json)


def _content(
    scenario: str, vary: list[str], targets: Any, objective: dict[str, str | None]
) -> dict[str, Any]:
    """What a file would say.

    Raises:
        ValueError: when an option is not written as it should be.
    """
    content: dict[str, Any] = {
        "kind": "tune",
        "title": f"{Path(scenario).stem}, tuned",
        "scenario": scenario,
        "vary": each_once("--vary", vary, varied),
    }
    if targets:
        content["targets"] = [*each_once("--target", targets, target_of).values()]
    aims: dict[str, Any] = {}
    for way, text in objective.items():
        if text:
            measure, has_enough, enough = text.partition("=")
            aims[way] = measure.strip()
            if has_enough:
                aims["enough"] = _numbers(enough, 1, f"--{way} {text}: expected MEASURE=ENOUGH")[0]
    if aims:
        content["objective"] = aims
    return content


def varied(text: str, option: str = "--vary") -> tuple[str, dict[str, Any]]:
    """A parameter's path and what a file would say of its range, from `PATH=LOW:HIGH:log`.

    Raises:
        ValueError: when it is not so written, saying what is wrong.
    """
    path, _, written = text.partition("=")
    found: dict[str, Any] = {}
    if written.endswith(":log"):
        written, found["scale"] = written.removesuffix(":log"), "log"
    elif written == "log":
        written, found["scale"] = "", "log"
    if written:
        wrong = f"{option} {text}: expected PATH=LOW:HIGH, with :log if wanted, or PATH alone"
        found["low"], found["high"] = _numbers(written, 2, wrong)
    return path.strip(), found


def target_of(text: str) -> tuple[str, dict[str, Any]]:
    """A measure, and a target as a file would say it, from `MEASURE=VALUE:LOW:HIGH`.

    Raises:
        ValueError: when it is not so written, saying what is wrong.
    """
    measure, _, written = text.partition("=")
    wrong = f"--target {text}: expected MEASURE=VALUE, or MEASURE=VALUE:LOW:HIGH"
    numbers = _numbers(written, 3 if ":" in written else 1, wrong)
    found: dict[str, Any] = {"measure": measure.strip(), "value": numbers[0]}
    if len(numbers) > 1:
        found["interval"] = numbers[1:]
    return measure, found


def _numbers(written: str, count: int, wrong: str) -> list[float]:
    """So many numbers with colons between them.

    Raises:
        ValueError: when they are not, saying what is wrong.
    """
    try:
        numbers = [float(number) for number in written.split(":")]
    except ValueError:
        raise ValueError(wrong) from None
    if len(numbers) != count:
        raise ValueError(wrong)
    return numbers
