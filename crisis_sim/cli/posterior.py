"""`crisis-sim posterior`: what a record, or figures, say of parameters, from a file or without one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
    Outcomes,
    Resume,
    carry_out,
    each_once,
    go_on,
)
from crisis_sim.cli.talk import refuse
from crisis_sim.cli.tune import target_of, varied

#: Where nothing is said: crises of each particle, particles in each generation, generations.
REPLICATES, PARTICLES, GENERATIONS = 200, 500, 5


@app.command
def posterior(
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
            help="A parameter: its path alone where the scenario's own distribution is the prior, "
            "else with the range over which the prior is even, and log for one even in the "
            "logarithm, such as mediators.us.attention_days=0.1:5:log. May be given again.",
            metavar="PATH=LOW:HIGH",
            negative=(),
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        Parameter(
            help="What a measure should be over many crises, if wanted with the 95% interval in "
            "which that is known, such as ceasefire_within_96_hours=0.6:0.5:0.7. May be given "
            "again. A single crisis on record stands in a file, under 'cases'.",
            metavar="MEASURE=VALUE:LOW:HIGH",
            negative=(),
            show_default=False,
        ),
    ] = None,
    outcome: Outcomes = None,
    particles: Annotated[
        int | None,
        Parameter(
            help=f"Points tried in each generation; {PARTICLES} where neither a file nor you say.",
            validator=Positive,
            show_default=False,
        ),
    ] = None,
    generations: Annotated[
        int | None,
        Parameter(
            help="Rounds, each nearer to what fits; "
            f"{GENERATIONS} where neither a file nor you say.",
            validator=Positive,
            show_default=False,
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
    """Find which parameters are likely, given a crisis on record or figures over many.

    Approximate Bayesian computation. Writes the posterior as a scenario that extends the original.
    A search that was cut short goes on with --resume, and finds what it would have found.
    """
    from crisis_sim.experiments.load import load_experiment, make_experiment

    if name is None:
        if resume is None:
            return refuse("error: NAME requires an argument, unless --resume goes on with a folder")
        return go_on(resume, workers, dry_run=dry_run, as_json=as_json)
    given: dict[str, Any] = {
        "replicates": replicates,
        "seed": seed,
        "particles": particles,
        "generations": generations,
    }
    changes = {key: value for key, value in given.items() if value is not None}
    if not vary:
        for option, value in (("--target", target), ("--outcome", outcome), ("--set", overrides)):
            if value:
                return refuse(f"error: {option} goes with --vary; a file says for itself")
        experiment = load_experiment(name, changes)
        if experiment.kind != "posterior":
            return refuse(
                f"error: {name} is no posterior experiment but one of kind {experiment.kind}: "
                f"crisis-sim experiment {name}"
            )
        return carry_out(experiment, out, workers, resume, dry_run=dry_run, as_json=as_json)
    if not target:
        return refuse("error: --vary needs --target: figures that crises should show")
    try:
        content: dict[str, Any] = {
            "kind": "posterior",
            "title": f"{Path(name).stem}, posterior",
            "scenario": name,
            "vary": each_once("--vary", vary, varied),
            "targets": [*each_once("--target", target, target_of).values()],
        }
    except ValueError as error:
        return refuse(f"error: {error}")
    content |= {
        "outcomes": outcome or [],
        "set": overrides or [],
        "replicates": REPLICATES,
        "particles": PARTICLES,
        "generations": GENERATIONS,
        **changes,
    }
    made = make_experiment("posterior", **content)
    return carry_out(made, out, workers, resume, dry_run=dry_run, as_json=as_json)
