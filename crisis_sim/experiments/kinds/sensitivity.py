"""Sensitivity: which parameters an outcome turns on, one by one and together.

Morris screens many parameters, Sobol shares out the variance of an outcome, PAWN compares its whole
distribution (`crisis_sim.experiments.sensitivity`). All points share the luck of each replicate, and
what luck is left in the indices is told. Beside them a tornado moves each factor alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from crisis_sim.batch.durable import inside
from crisis_sim.experiments.design import Design, run_design
from crisis_sim.experiments.experiment import Experiment
from crisis_sim.experiments.findings import Findings
from crisis_sim.experiments.reading import Reading
from crisis_sim.experiments.run import How
from crisis_sim.experiments.sensitivity import tables, tornado
from crisis_sim.experiments.sensitivity.answer import answer, warnings
from crisis_sim.experiments.sensitivity.drawn import Drawn, drawn_factors, ranges
from crisis_sim.experiments.sensitivity.indices import Study, study
from crisis_sim.experiments.sensitivity.layouts import Layout, layout_of, size_of
from crisis_sim.experiments.sensitivity.schema import FEWEST, SAMPLE_WORDS, SensitivitySpec
from crisis_sim.scenario.errors import Mistake

SPEC = SensitivitySpec
ANSWERS = "which parameters an outcome turns on, one by one and together"


def check(spec: SensitivitySpec, reading: Reading) -> Iterator[Mistake]:
    yield from reading.check_factors(ranges(spec.vary, reading.scenario), "vary")
    yield from _check_samples(spec, reading)
    if spec.second_order and spec.method != "sobol":
        yield reading.mistake(
            "second_order",
            message=f"{spec.method} has no indices of pairs",
            expected="method: sobol, or second_order: false",
        )


def _check_samples(spec: SensitivitySpec, reading: Reading) -> Iterator[Mistake]:
    count, fewest = spec.count, FEWEST[spec.method]
    if count < fewest:
        yield reading.mistake(
            "samples",
            message=f"{count} {SAMPLE_WORDS[spec.method]} tell nothing",
            expected=f"{fewest} or more",
        )
    elif spec.method == "sobol" and count & (count - 1):
        below = 1 << (count.bit_length() - 1)
        yield reading.mistake(
            "samples",
            message=f"{count} base samples lose the balance of a Sobol sequence",
            expected=f"a power of two, such as {below} or {2 * below}",
        )


def crises(experiment: Experiment) -> int:
    spec: Any = experiment.spec
    factors = len(ranges(spec.vary, experiment.scenario))
    size = size_of(spec.method, factors, second_order=spec.second_order)
    return int(spec.count * size * spec.replicates) + tornado.count(factors, spec.tornado)


def run(experiment: Experiment, how: How) -> Findings:
    spec: Any = experiment.spec
    drawn = drawn_factors(spec.vary, experiment.scenario)
    paths = [one.factor.path for one in drawn]
    layout = layout_of(
        spec.method, spec.count, len(drawn), spec.seed, second_order=spec.second_order
    )
    total = crises(experiment)
    design = _run(
        experiment, values_of(layout, drawn), spec.replicates, "points", _of(how, 0, total)
    )
    studies = {name: study(layout, one, spec.seed) for name, one in design.measured.items()}
    found = {
        "points": design.point_table(),
        "measures": design.measure_table(),
        "indices": tables.index_table(studies, paths),
    }
    if spec.second_order:
        found["pairs"] = tables.pair_table(studies, paths)
    if spec.method == "morris":
        found["effects"] = tables.effect_table(studies, paths)
    if spec.tornado:
        beside = _run(
            experiment,
            tornado.points_of(drawn),
            spec.tornado,
            "tornado",
            _of(how, design.crises, total),
        )
        found["tornado"] = tables.bar_table(
            [row for name, one in beside.measured.items() for row in tornado.bars(name, one, drawn)]
        )
    warned = {name: list(warnings(spec, one, layout)) for name, one in studies.items()}
    return Findings(
        experiment,
        tuple(answer(experiment, drawn, studies, warned, layout)),
        found,
        _summary(experiment, drawn, studies, warned, layout),
        total,
    )


def values_of(layout: Layout, drawn: list[Drawn]) -> dict[str, Any]:
    """The value of each parameter at each point; Morris goes from end to end of each."""
    to_ends = layout.method == "morris"
    return {
        one.factor.path: (one.between_ends if to_ends else one.values)(layout.shares[:, k])
        for k, one in enumerate(drawn)
    }


def _run(
    experiment: Experiment, values: dict[str, Any], replicates: int, name: str, how: How
) -> Design:
    return run_design(
        experiment.scenario,
        values,
        experiment.measures,
        replicates,
        experiment.spec.seed,
        how.workers,
        None if how.design is None else inside(how.design, name, is_folder=True),
        resume=how.resume,
        progress=how.progress,
        tell=how.tell,
        agents=how.agents,
    )


def _of(how: How, before: int, total: int) -> How:
    """The same way, with the progress of one of two designs told as that of both."""
    progress: Callable[[int, int], None] = how.progress
    return replace(how, progress=lambda done, _: progress(before + done, total))


def _summary(
    experiment: Experiment,
    drawn: list[Drawn],
    studies: dict[str, Study],
    warned: dict[str, list[str]],
    layout: Layout,
) -> dict[str, Any]:
    spec: Any = experiment.spec
    paths = [one.factor.path for one in drawn]
    return {
        "method": spec.method,
        "samples": layout.samples,
        "points": len(layout.shares),
        "replicates": spec.replicates,
        "tornado_replicates": spec.tornado,
        "factors": tables.factor_rows(drawn),
        "measures": [one.about() for one in experiment.measures],
        "studies": {
            name: {**tables.study_summary(one, paths, spec.method), "warnings": warned[name]}
            for name, one in studies.items()
        },
    }
