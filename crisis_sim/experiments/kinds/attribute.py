"""Attribute: what ended it? Every combination of some parts, there or taken away, on the same luck.

With `n` parts there are `2**n` combinations, each a scenario of its own in one batch. Shapley values
share out what all parts together change in an outcome; interaction indices say which parts help each
other and which can stand in for each other (`crisis_sim.experiments.games`). Intervals come from the
influence of each replicate on every combination, so that luck which all combinations share does not
count (`crisis_sim.experiments.attribution`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, product
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from crisis_sim.experiments.attribution import Attribution, attribute, pair_rows, rows
from crisis_sim.experiments.attribution_words import answer
from crisis_sim.experiments.design import Design, run_design
from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.findings import Findings
from crisis_sim.experiments.parts import Whole, mistakes_in, overlaps
from crisis_sim.experiments.reading import Reading
from crisis_sim.experiments.run import How
from crisis_sim.experiments.schema import Spec, WrittenMeasure
from crisis_sim.outcomes.measures import Columns
from crisis_sim.scenario.errors import Mistake, ScenarioError
from crisis_sim.scenario.printable import clean
from crisis_sim.scenario.schema import Scenario

ANSWERS = "what ended it: how much each part of a scenario brought, alone and with the others"

#: The most parts: a thousand combinations.
MOST_PARTS = 10
#: Columns of the table of combinations beside those of the parts.
POINT_COLUMNS = ("point", "scenario")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


#: Paths of what is taken out, or changes as `--set` has them; one may stand alone.
Changes = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]


class AttributeSpec(Spec):
    """What ended it, by parts."""

    kind: Literal["attribute"] = Field(description="what kind of experiment it is")
    parts: dict[str, Changes] = Field(
        min_length=1,
        max_length=MOST_PARTS,
        description="each part by a name of your own: what is taken out of the scenario, or how it "
        "is changed, where the part is not there",
    )
    outcomes: tuple[WrittenMeasure, ...] = Field(min_length=1, description="what is measured")


SPEC = AttributeSpec


def check(spec: AttributeSpec, reading: Reading) -> Iterator[Mistake]:
    whole = Whole(reading.scenario)
    wrong = list(_wrong_parts(spec, reading, whole)) + list(_overlapping(spec, reading))
    yield from wrong
    if wrong:
        return
    everything = [change for changes in spec.parts.values() for change in changes]
    try:
        left = whole.without(everything, whole.name)
    except ScenarioError as error:
        # Each can be taken away, but not all of them.
        for mistake in error.mistakes:
            message = f"not all parts can be taken away at once: {mistake.message}"
            yield reading.at("parts").label.mistake(message, mistake.expected)
        return
    yield from _lost_outcomes(spec, reading, Columns.of(reading.scenario, left))


def _wrong_parts(spec: AttributeSpec, reading: Reading, whole: Whole) -> Iterator[Mistake]:
    for name, changes in spec.parts.items():
        if not clean(name).strip() or name in POINT_COLUMNS:
            yield reading.at("parts", name).label.mistake(
                f"a part cannot be called '{name}'", "a name of your own"
            )
        for k, change in enumerate(changes):
            # Where one stands alone the path leads to it, for there is no list to go into.
            yield from mistakes_in(whole, change, reading.at("parts", name, k))


def _overlapping(spec: AttributeSpec, reading: Reading) -> Iterator[Mistake]:
    placed = [
        (name, k, change)
        for name, changes in spec.parts.items()
        for k, change in enumerate(changes)
    ]
    for (first, _, one), (second, k, other) in combinations(placed, 2):
        if overlaps(one, other):
            whose = "this part" if first == second else f"part '{first}'"
            yield reading.at("parts", second, k).place.mistake(
                f"'{other}' is in {whose} already, as '{one}'", "parts that do not overlap"
            )


def _lost_outcomes(spec: AttributeSpec, reading: Reading, columns: Columns) -> Iterator[Mistake]:
    """Measures of what is gone when the parts are."""
    for k in range(len(spec.outcomes)):
        try:
            measure = reading.measure("outcomes", k)
        except ScenarioError:  # which has been told of
            continue
        lost = [column for column in measure.columns if column not in columns.kinds]
        if lost:
            yield reading.mistake(
                "outcomes",
                k,
                message=f"no outcome '{lost[0]}' where parts are taken away",
                expected="an outcome that every combination has",
            )


def crises(experiment: Experiment) -> int:
    spec: Any = experiment.spec
    return int(spec.replicates) << len(spec.parts)


def run(experiment: Experiment, how: How) -> Findings:
    spec: Any = experiment.spec
    design: Design = run_design(
        scenarios_of(experiment),
        {},
        experiment.measures,
        spec.replicates,
        spec.seed,
        how.workers,
        how.design,
        resume=how.resume,
        progress=how.progress,
        tell=how.tell,
    )
    parts = list(spec.parts)
    names = [measure.name for measure in experiment.measures]
    shared = {name: attribute(design.measured[name]) for name in names}
    return Findings(
        experiment,
        tuple(answer(experiment.measures, parts, list(shared.values()), spec.replicates)),
        {
            "points": _point_table(design, parts),
            "measures": design.measure_table(),
            "attributions": _table(
                row for name in names for row in rows(name, parts, shared[name])
            ),
            "interactions": _table(
                row for name in names for row in pair_rows(name, parts, shared[name])
            ),
        },
        _summary(experiment, design, shared),
        design.crises,
    )


def _point_table(design: Design, parts: list[str]) -> Any:
    """One row a combination: its number, its scenario, and whether each part is there."""
    import pyarrow as pa

    there = {
        part: pa.array([bool(number >> k & 1) for number in range(design.points)])
        for k, part in enumerate(parts)
    }
    return pa.table({"point": range(design.points), "scenario": design.scenarios, **there})


def _table(found: Iterable[dict[str, Any]]) -> Any:
    import pyarrow as pa

    listed = list(found)
    figures = ("estimate", "lower", "upper", "standard_error")
    texts = (
        ("measure", "part", "figure")
        if listed and "figure" in listed[0]
        else ("measure", "part", "with")
    )
    fields = [(key, pa.string()) for key in texts] + [(key, pa.float64()) for key in figures]
    return pa.Table.from_pylist(listed, pa.schema(fields))


def _summary(
    experiment: Experiment, design: Design, shared: dict[str, Attribution]
) -> dict[str, Any]:
    spec: Any = experiment.spec
    parts = list(spec.parts)
    return {
        "parts": [
            {"name": name, "taken_out": list(changes)} for name, changes in spec.parts.items()
        ],
        "combinations": design.points,
        "replicates": design.replicates,
        "measures": [one.about() for one in experiment.measures],
        "attributions": {
            name: {
                "nothing": one.nothing.plain(),
                "everything": one.everything.plain(),
                "total": one.total.plain(),
                "combinations_unknown": one.unknown,
                "parts": {
                    part: {key: figure.plain() for key, figure in figures.items()}
                    for part, figures in zip(parts, one.parts, strict=True)
                },
                "interactions": [
                    {"parts": [parts[k] for k in pair], **figure.plain()}
                    for pair, figure in one.interactions.items()
                ],
                "order": [parts[k] for k in one.order],
            }
            for name, one in shared.items()
        },
    }


def scenarios_of(experiment: Experiment) -> list[Scenario]:
    """The scenario of each combination of parts, in the order of their numbers (see `games`)."""
    spec: Any = experiment.spec
    whole = Whole(experiment.scenario)
    found = []
    # The first part is the lowest bit, so that it changes fastest.
    for there in product((False, True), repeat=len(spec.parts)):
        present = there[::-1]
        changes = [
            change
            for here, of_part in zip(present, spec.parts.values(), strict=True)
            if not here
            for change in of_part
        ]
        found.append(whole.without(changes, combination_name(present)))
    return found


def combination_name(present: tuple[bool, ...]) -> str:
    """What the scenario of a combination is called: `parts_10110`, a digit for each part in order."""
    return "parts_" + "".join("1" if here else "0" for here in present)
