"""`crisis-sim check`, `scenarios`, `init` and `schema`: what there is to do with scenario files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from crisis_sim.cli.app import Json, Many, Overrides, app
from crisis_sim.cli.codes import DONE, MISTAKE
from crisis_sim.cli.talk import counted, print_json, refuse, say, talk
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.printable import clean

if TYPE_CHECKING:
    from crisis_sim.scenario.schema import Scenario

#: Letters of a mistake's line that JSON holds: a file may be a single line.
LONGEST_LINE = 1_000


@app.command
def check(*scenarios: Many, overrides: Overrides = None, as_json: Json = False) -> int:
    """Check scenario files, and say where they have mistakes: all of them at once."""
    from crisis_sim.scenario.load import load_each

    each = load_each(scenarios, overrides or ())
    if as_json:
        print_json([_check_data(*pair) for pair in zip(scenarios, each, strict=True)])
    else:
        for one in each:
            say(str(one) if isinstance(one, ScenarioError) else _in_short(one))
    return MISTAKE if any(isinstance(one, ScenarioError) for one in each) else DONE


@app.command
def scenarios(*, as_json: Json = False) -> int:
    """List the scenarios that come with Crisis Sim, a line each."""
    from crisis_sim.scenario.shipped import shipped_scenarios

    shipped = shipped_scenarios()
    if as_json:
        print_json([{"name": one.name, "title": one.title} for one in shipped])
        return DONE
    width = max((len(one.name) for one in shipped), default=0)
    for one in shipped:
        say(f"{one.name:{width}}  {clean(one.title)}")
    return DONE


@app.command
def init(
    name: Annotated[str, Parameter(help="The scenario's name, or the file to write.")],
    /,
    *,
    extends: Annotated[
        str | None,
        Parameter(
            help="Begin a counterfactual of this scenario instead; a copy of it is put beside.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Write a commented scenario to start from."""
    from crisis_sim.scenario.names import FILE_WORDS, composed, is_file_name
    from crisis_sim.scenario.template import write_counterfactual, write_template

    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = path.parent / f"{path.name}.yaml"
    if not is_file_name(composed(path.stem)):
        return refuse(f"error: {path.name} cannot be a scenario's file; expected {FILE_WORDS}")
    written = [path]
    try:
        if extends is not None:
            written = write_counterfactual(path, extends)
        else:
            write_template(path)
    except FileExistsError as error:
        return refuse(f"error: {error.filename or error} is there already, and is left as it is")
    except OSError as error:
        return refuse(f"error: cannot write {path}: {error.strerror or error}")
    for file in written:
        say(str(file))
    talk(f"now change it, then: crisis-sim check {path}")
    return DONE


@app.command
def schema(
    *,
    experiment: Annotated[
        bool,
        Parameter(help="That of experiments' files.", negative=(), show_default=False),
    ] = False,
) -> int:
    """Print the JSON Schema of scenario files, by which editors complete and check them."""
    from crisis_sim.scenario.json_schema import json_schema

    if experiment:
        from crisis_sim.experiments.json_schema import experiment_schema

        print_json(experiment_schema())
    else:
        print_json(json_schema())
    return DONE


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
        f"{', '.join(counts)}; {scenario.horizon_days:g} days in {scenario.turns:,} turns"
    )
