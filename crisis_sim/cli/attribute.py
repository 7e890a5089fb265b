"""`crisis-sim attribute`: what ended it, without a file."""

from __future__ import annotations

from typing import Annotated

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

#: What is measured where nothing else is asked: a time, how long it took, and how bad it got.
OUTCOMES = ("ceasefire_within_96_hours", "median_hours_to_ceasefire", "war")


@app.command
def attribute(
    scenario: One,
    /,
    *,
    parts: Annotated[
        list[str],
        Parameter(
            help="Parts by their paths, such as lenders channels.nsa_line mediators.us; several "
            "that make one part with commas between, and a name before them with a colon if "
            "wanted: gulf:mediators.saudi_arabia,mediators.uae. A part may be changed instead of "
            "taken out: lenders.imf.conditionality=0.",
            metavar="PART...",
            consume_multiple=True,
            negative=(),
        ),
    ],
    outcome: Outcomes = None,
    replicates: Annotated[
        int, Parameter(help="Crises in each combination of parts.", validator=Replicates)
    ] = 2_000,
    seed: Seed = 1,
    overrides: Overrides = None,
    out: Out = None,
    workers: Workers = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Find what ended it: every combination of some parts, there or taken away, on the same luck.

    Each part gets its share (Shapley value) of the difference that all make together.
    """
    from crisis_sim.experiments.load import make_experiment

    try:
        named = each_once("--parts", parts, _part)
    except ValueError as error:
        return refuse(f"error: {error}")
    made = make_experiment(
        "attribute",
        kind="attribute",
        title=f"What ended {scenario}: {', '.join(named)}",
        scenario=scenario,
        set=overrides or [],
        parts=named,
        outcomes=outcome or list(OUTCOMES),
        replicates=replicates,
        seed=seed,
    )
    return carry_out(made, out, workers, dry_run=dry_run, as_json=as_json)


def _part(text: str) -> tuple[str, list[str]]:
    """A part's name, and what is taken out or changed."""
    name, colon, paths = text.partition(":")
    if not colon or "=" in name:  # the colon, if any, is in a value
        name, paths = text, text
    return name.strip(), [paths] if "=" in paths else paths.split(",")
