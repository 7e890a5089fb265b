"""The kinds of experiment: a module for each, which `KINDS` names."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from crisis_sim.scenario.errors import Mistake

if TYPE_CHECKING:
    from crisis_sim.experiments.experiment import Experiment
    from crisis_sim.experiments.findings import Findings
    from crisis_sim.experiments.reading import Reading
    from crisis_sim.experiments.run import How
    from crisis_sim.experiments.schema import Spec

#: Each kind by the word for it in a file, and its module.
KINDS = {
    "attribute": "crisis_sim.experiments.kinds.attribute",
    "posterior": "crisis_sim.experiments.kinds.posterior",
    "sensitivity": "crisis_sim.experiments.kinds.sensitivity",
    "sweep": "crisis_sim.experiments.kinds.sweep",
    "tune": "crisis_sim.experiments.kinds.tune",
}


class Kind(Protocol):
    """What the module of a kind holds."""

    #: What such an experiment says; a `Spec` whose `kind` is a `Literal` of its word.
    SPEC: type[Spec]
    #: What it answers, in a line.
    ANSWERS: str

    def check(self, spec: Any, reading: Reading) -> Iterator[Mistake]:
        """The mistakes that its spec's types cannot tell: paths, ranges, targets.

        Args:
            spec: what the file says.
            reading: the file's places, and the scenario that it is about.
        """

    def crises(self, experiment: Experiment) -> int:
        """How many crises it will take."""

    def run(self, experiment: Experiment, how: How) -> Findings:
        """Carry it out."""


def kind_of(name: str) -> Kind:
    """The module of a kind.

    Raises:
        KeyError: when there is no such kind.
    """
    return cast(Kind, import_module(KINDS[name]))
