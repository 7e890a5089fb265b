"""The commands on histories: `nowcast` and `play`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from crisis_sim.cli.app import (
    DONE,
    RESULTS,
    Agents,
    Json,
    One,
    Overrides,
    Replicates,
    Roles,
    Seed,
    Workers,
    app,
    console,
    own_classes,
    print_json,
    progress_bar,
    talk,
)

# --- `crisis-sim nowcast`


@app.command
def nowcast(
    scenario: One,
    /,
    *,
    given: str,
    at: Annotated[list[str] | None, Parameter(metavar="WHEN")] = None,
    replicates: Annotated[int, Parameter(validator=Replicates)] = 100_000,
    seed: Seed = 1,
    out: Path | None = None,
    workers: Workers = None,
    overrides: Overrides = None,
    roles: Roles = None,
    agents: Agents = None,
    as_json: Json = False,
) -> int:
    """Say what comes, given what has been seen so far: histories are filtered by dated evidence.

    Args:
        given: A file of evidence, or the name of what comes with Crisis Sim, such as may_2025_day_by_day
            (docs/guide/change_history.md).
        at: Ask at this moment, a date or days from the start, in place of the file's. May be given again.
        replicates: Histories to run.
        out: Folder for numbers and chart; results/ and the scenario's name, with _nowcast.
    """
    from crisis_sim.batch.workers import cores
    from crisis_sim.history.nowcast import nowcast as make
    from crisis_sim.history.nowcast_report import print_nowcast, write_nowcast
    from crisis_sim.scenario.load import load_scenario

    read = load_scenario(scenario, overrides or ())
    classes = own_classes(roles, agents)
    with progress_bar("histories") as progress:
        cast = make(
            read,
            given,
            at or (),
            replicates,
            seed,
            workers or cores(),
            progress=progress,
            **classes,
        )
    folder = out or RESULTS / f"{read.name.replace(' ', '_')}_nowcast"
    files = write_nowcast(cast, folder)
    if as_json:
        print_json(cast.plain())
    else:
        print_nowcast(cast, console())
    talk(f"numbers, evidence and chart: {folder}" if files else "")
    return DONE
