"""`crisis-sim replay`: one crisis, told turn by turn."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from crisis_sim.cli.app import RESULTS, Json, One, Overrides, Replicate, Seed, app
from crisis_sim.cli.codes import DONE
from crisis_sim.cli.talk import print_json, refuse, say, talk


@app.command
def replay(
    scenario: One,
    /,
    *,
    replicate: Annotated[
        int, Parameter(help="Number of the crisis to tell, from 0.", validator=Replicate)
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
        return refuse(f"error: {error}")
    if as_json:
        print_json(replay_data(journal, read, outcome, seed, replicate))
    else:
        _print_story(story)
    talk(f"story and chart: {path}.md, .svg and .png")
    return DONE


def _print_story(story: str) -> None:
    """A story in Markdown: set for reading on a terminal, as it is elsewhere."""
    if not sys.stdout.isatty():
        say(story.rstrip("\n"))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    console.print(Markdown(story), width=min(console.width, 88))
