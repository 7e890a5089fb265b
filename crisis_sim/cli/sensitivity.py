"""`crisis-sim sensitivity`: which parameters an outcome turns on, without a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from crisis_sim.cli.app import (
    Json,
    Natural,
    One,
    Overrides,
    Positive,
    Replicates,
    Seed,
    Workers,
    app,
)
from crisis_sim.cli.experiment import (
    DryRun,
    Out,
    Outcomes,
    carry_out,
    each_once,
)
from crisis_sim.cli.talk import refuse
from crisis_sim.cli.tune import varied


@app.command
def sensitivity(
    scenario: One,
    /,
    *,
    method: Annotated[
        Literal["morris", "sobol", "pawn"],
        Parameter(
            help="morris to screen many parameters, sobol to share out an outcome's variance, pawn "
            "to compare its distributions."
        ),
    ] = "morris",
    factor: Annotated[
        list[str] | None,
        Parameter(
            name=["--factor", "--vary"],
            help="A parameter by its path, if wanted its range, and log for one drawn in equal "
            "ratios, such as mediators.us.attention_days=0.1:5:log. Without a range it is drawn as "
            "the scenario draws it, or over the schema's range. May be given again; where none is "
            "given, all parameters that are worth a slider.",
            metavar="PATH=LOW:HIGH",
            negative=(),
            show_default=False,
        ),
    ] = None,
    outcome: Outcomes = None,
    samples: Annotated[
        int | None,
        Parameter(
            help="Trajectories (morris; 32 where you do not say), base samples (sobol; 256), points "
            "(pawn; 1024).",
            validator=Positive,
            show_default=False,
        ),
    ] = None,
    second_order: Annotated[
        bool,
        Parameter(help="Sobol: also pairs of parameters, at twice the cost.", negative=()),
    ] = False,
    tornado: Annotated[
        int,
        Parameter(
            help="Crises at each end of every parameter for the tornado; 0 for none.",
            validator=Natural,
        ),
    ] = 1_000,
    replicates: Annotated[int, Parameter(help="Crises at each point.", validator=Replicates)] = 64,
    seed: Seed = 1,
    overrides: Overrides = None,
    out: Out = None,
    workers: Workers = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Find which parameters an outcome turns on, one by one and together.

    Each index comes with its interval, a picture of how it settles, and a warning where the budget
    is too small for it.
    """
    from crisis_sim.experiments.load import make_experiment

    try:
        vary = each_once("--factor", factor or (), lambda text: varied(text, "--factor"))
    except ValueError as error:
        return refuse(f"error: {error}")
    content: dict[str, Any] = {
        "kind": "sensitivity",
        "title": f"What matters in {Path(scenario).stem}",
        "scenario": scenario,
        "set": overrides or [],
        "method": method,
        "vary": vary,
        "second_order": second_order,
        "tornado": tornado,
        "outcomes": outcome or ["ceasefire_within_96_hours"],
        "replicates": replicates,
        "seed": seed,
    }
    if samples is not None:
        content["samples"] = samples
    made = make_experiment("sensitivity", **content)
    return carry_out(made, out, workers, dry_run=dry_run, as_json=as_json)
