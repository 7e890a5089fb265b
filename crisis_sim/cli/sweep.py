"""`crisis-sim sweep`: outcomes over one parameter or two, without a file."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from crisis_sim.cli.app import (
    Json,
    One,
    Overrides,
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


@app.command
def sweep(
    scenario: One,
    /,
    *,
    vary: Annotated[
        list[str],
        Parameter(
            help="A parameter by its path, its range, the steps in it, and log for steps that are "
            "ratios, such as mediators.us.attention_days=0.1:5:9:log; or its values, such as "
            "lenders.imf.conditionality=0,0.5,1; or the path alone. Given twice for a map.",
            metavar="PATH=LOW:HIGH:STEPS",
            negative=(),
        ),
    ],
    outcome: Outcomes = None,
    threshold: Annotated[
        float | None,
        Parameter(
            help="A value of the first outcome whose crossing matters, such as 0.5.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[
        int | None,
        Parameter(
            help="Run so many points that fill the space (Sobol), in place of a grid.",
            show_default=False,
        ),
    ] = None,
    replicates: Annotated[
        int, Parameter(help="Crises at each point.", validator=Replicates)
    ] = 1_000,
    seed: Seed = 1,
    overrides: Overrides = None,
    out: Out = None,
    workers: Workers = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """See how outcomes change as one parameter, or two, go over a range.

    All points share the luck of each replicate, so small differences show.
    """
    from crisis_sim.experiments.load import make_experiment

    try:
        swept = each_once("--vary", vary, _swept)
    except ValueError as error:
        return refuse(f"error: {error}")
    content: dict[str, Any] = {
        "kind": "sweep",
        "title": f"{' and '.join(swept)} in {scenario}",
        "scenario": scenario,
        "set": overrides or [],
        "vary": swept,
        "outcomes": outcome or ["ceasefire_within_96_hours"],
        "replicates": replicates,
        "seed": seed,
    }
    if threshold is not None:
        content["threshold"] = threshold
    if sample is not None:
        content["sample"] = {"points": sample}
    made = make_experiment("sweep", **content)
    return carry_out(made, out, workers, dry_run=dry_run, as_json=as_json)


def _swept(text: str) -> tuple[str, dict[str, Any]]:
    """A parameter's path and its range.

    Raises:
        ValueError: when they are not so written, saying what is wrong.
    """
    path, _, written = text.partition("=")
    try:
        return path, _range(written)
    except ValueError:
        raise ValueError(
            f"--vary {text}: expected PATH=LOW:HIGH:STEPS, with :log if wanted, or "
            "PATH=VALUE,VALUE,..."
        ) from None


def _range(written: str) -> dict[str, Any]:
    """The range that stands behind a path.

    Raises:
        ValueError: when it is none.
    """
    if not written:
        return {}
    if ":" not in written:
        return {"values": [float(value) for value in written.split(",")]}
    low, high, *others = written.split(":")
    found: dict[str, Any] = {"low": float(low), "high": float(high)}
    if others and others[-1] == "log":
        found["scale"] = others.pop()
    if others:
        found["points"] = int(others.pop(0))
    if others:
        raise ValueError
    return found
