"""The mistakes in a posterior experiment that its types cannot tell: paths, targets, records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crisis_sim.experiments.factors import check_factor, check_path
from crisis_sim.experiments.posterior.record import is_time
from crisis_sim.experiments.posterior.schema import Case, PosteriorSpec
from crisis_sim.experiments.reading import Reading
from crisis_sim.experiments.tuning.check import check_targets
from crisis_sim.outcomes.measures import Columns, read_measure
from crisis_sim.scenario.errors import Mistake, ScenarioError, nearest, one_of
from crisis_sim.scenario.parameters import numbers_of
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node


def check(spec: PosteriorSpec, reading: Reading) -> Iterator[Mistake]:
    """The mistakes in a posterior experiment.

    Args:
        spec: what the file says.
        reading: the file's places and its scenarios.
    """
    scenarios = {one.name: one for one in (reading.scenario, *reading.others)}
    for path, written in spec.vary.items():
        node = reading.at("vary", path)
        holder = next((one for one in scenarios.values() if path in numbers_of(one)), None)
        if holder is None:
            yield from check_path(path, node, reading.scenario)
        else:
            yield from check_factor(path, written, node, holder)
    if not spec.targets and not spec.cases:
        yield reading.top.label.mistake(
            "neither targets nor cases", "figures that crises should show, or crises on record"
        )
    yield from check_targets(spec.targets, reading, scenarios)
    names: list[str] = []
    for k, case in enumerate(spec.cases):
        if case.name in names:
            message = f"a second case that is called '{case.name}'"
            yield reading.mistake("cases", k, "name", message=message, expected="another name")
        names.append(case.name)
        yield from _check_case(case, k, reading, scenarios)


def _check_case(
    case: Case, k: int, reading: Reading, scenarios: Mapping[str, Scenario]
) -> Iterator[Mistake]:
    name = case.scenario or reading.scenario.name
    if name not in scenarios:
        yield reading.mistake(
            "cases",
            k,
            "scenario",
            message=f"'{name}' is none of the scenarios",
            expected=one_of(scenarios),
            suggestion=nearest(name, scenarios),
        )
        return
    scenario = scenarios[name]
    own = scenario is reading.scenario
    columns = reading.columns if own else Columns.of(scenario, agents=reading.agents)
    if not case.record and not case.so:
        yield reading.mistake(
            "cases", k, message="nothing is on record", expected="a record, or what was so"
        )
    for j, observed in enumerate(case.record):
        node = reading.at("cases", k, "record", j)
        yield from _check_column(node, "of", observed.of, columns, "time", "number")
        if is_time(observed.of):
            yield from _check_column(node, "since", observed.since, columns, "time")
            continue
        for key in ("since", "unit"):
            if key in node.entries():
                yield node.entries()[key].label.mistake(
                    f"'{observed.of}' is no time: it has no '{key}'", f"no '{key}'"
                )
    if case.so:
        written = reading.at("cases", k, "so")
        try:
            read_measure(Node(written.place, {"share": written}, written.key), columns)
        except ScenarioError as error:
            yield from error.mistakes


def _check_column(
    node: Node, key: str, name: str, columns: Columns, *kinds: str
) -> Iterator[Mistake]:
    known = columns.named(*kinds)
    if name not in known:
        where = node.entries().get(key, node)
        yield where.place.mistake(f"no outcome '{name}'", one_of(known), nearest(name, known))
