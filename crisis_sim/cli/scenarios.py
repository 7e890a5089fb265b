"""The commands `scenarios`, `check`, `init` and `schema`, on scenario files."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from crisis_sim.cli import options as opt
from crisis_sim.cli.app import (
    DONE,
    MISTAKE,
    counted,
    print_message,
    print_output,
    print_result,
    print_shipped,
)
from crisis_sim.cli.options import Variant
from crisis_sim.scenario.errors import RequestError, ScenarioError

if TYPE_CHECKING:
    from crisis_sim.scenario.schema import Scenario


def scenarios(*, as_json: opt.Json = False) -> int:
    """List the scenarios that come with Crisis Sim, one per line."""
    from crisis_sim.scenario.load import shipped_scenarios

    shipped = ({"name": one.name, "title": one.title} for one in shipped_scenarios())
    return print_shipped(shipped, ("name", "title"), as_json)


# --- `crisis-sim check`

#: Maximum number of characters of a mistake's line in JSON output.
LONGEST_LINE = 1_000


def check(
    *scenarios: opt.ScenarioNames, overrides: opt.Overrides = None, as_json: opt.Json = False
) -> int:
    """Check scenario files, and report all mistakes with their lines."""
    from crisis_sim.scenario.load import load_each

    results = load_each(scenarios, overrides or ())
    data = [_check_data(*pair) for pair in zip(scenarios, results, strict=True)]
    lines = [str(one) if isinstance(one, ScenarioError) else _summary(one) for one in results]
    print_result(as_json, data, lambda: print_output("\n".join(lines)))
    return DONE if all(one["ok"] for one in data) else MISTAKE


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


# --- `crisis-sim init`


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
    from crisis_sim.cli.new_scenario import write_scenario
    from crisis_sim.scenario.yaml_text import FILE_WORDS, is_file_name, nfc

    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = path.parent / f"{path.name}.yaml"
    if sum((extends is not None, answers is not None, template)) > 1:
        raise RequestError("--extends, --answers and --template cannot be combined: give one")
    if not is_file_name(nfc(path.stem)):
        raise RequestError(f"{path.name} cannot be a scenario's file; expected {FILE_WORDS}")
    try:
        written = write_scenario(path, extends, answers, template)
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


# --- `crisis-sim schema`


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
    if events:
        _print_events(Variant(roles=roles, agents=agents).classes, as_json)
        return DONE
    if roles or agents:
        raise RequestError("--roles and --agents need --events")
    if experiment:
        from crisis_sim.experiments.load import experiment_schema as json_schema
    else:
        from crisis_sim.scenario.introspect import json_schema
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
