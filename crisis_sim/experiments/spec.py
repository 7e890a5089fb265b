"""An experiment and its findings: what every kind says and holds, and figures in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast

from pydantic import Field, WithJsonSchema

from crisis_sim import show
from crisis_sim.batch.files import BatchError, canonical_digest, inside
from crisis_sim.experiments.factors import Range, check_factor
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.outcomes.names import MEASURE_SCHEMA, read_measure
from crisis_sim.scenario.errors import Mistake
from crisis_sim.scenario.introspect import find_node
from crisis_sim.scenario.numbers import Part
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node
from crisis_sim.text import clean

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure


class ExperimentError(BatchError):
    """An experiment cannot be run as it was asked for."""


class BlocksFailedError(ExperimentError):
    """Some blocks of an experiment's batch failed; the others are safe."""


#: A measure as it is written; `crisis_sim.outcomes.measures.read_measure` reads it.
WrittenMeasure = Annotated[Any, WithJsonSchema(MEASURE_SCHEMA)]

#: A thousand times a billion replicates would not end.
LARGEST_NUMBER = 1_000_000_000


def entry(meaning: str, default: Any = ..., **limits: Any) -> Any:
    """A key of an experiment's file."""
    return Field(default, description=meaning, **limits)


def whole_number(
    meaning: str, default: Any = ..., least: int = 1, most: int | None = LARGEST_NUMBER
) -> Any:
    """A whole number as a key of an experiment's file, from `least` to `most`."""
    return entry(meaning, default, strict=True, ge=least, le=most)


def flag(meaning: str) -> Any:
    """Something that is not so unless an experiment's file says it."""
    return entry(meaning, False, strict=True)


class Spec(Part):
    """The keys that all kinds share: the question, the scenario, the measures, and the budget of crises."""

    kind: str = entry("what kind of experiment it is")
    title: str = entry("what it is, in a line")
    question: str = entry("what it asks", "")
    scenario: str = entry(
        "the scenario: the name of a shipped one, or a file beside the experiment"
    )
    set: tuple[str, ...] = entry(
        "changes to the scenario, such as lenders.imf.conditionality=1", ()
    )
    over_fits: bool = flag(
        "whether behaviour is drawn from all sets of parameters that fit the record"
    )
    outcomes: tuple[WrittenMeasure, ...] = entry("what is measured", ())
    replicates: int = whole_number("crises at each point, all with the same luck")
    seed: int = whole_number(
        "with a replicate's number, it fixes all its luck", 1, least=0, most=None
    )

    @property
    def agents(self) -> tuple[Any, ...]:
        """Makers of agents that it asks for beside the scenario's own, as `CrisisModel` takes them."""
        return ()


class MeasuringSpec(Spec):
    """The keys of kinds that have nothing else to look at than their measures."""

    outcomes: tuple[WrittenMeasure, ...] = entry("what is measured", min_length=1)


@dataclass(frozen=True)
class Experiment:
    """An experiment, ready to run.

    Attributes:
        name: that of its file.
        spec: its keys.
        scenario: the scenario that it is about, changed as it asks.
        measures: what it measures, in its order.
        text: the file as it was given; of one made in Python, its keys as JSON.
        others: scenarios beside its own, in kinds that look at several at once.
    """

    name: str
    spec: Spec
    scenario: Scenario
    measures: tuple[Measure, ...]
    text: str = field(default="", repr=False)
    others: tuple[Scenario, ...] = ()

    def __repr__(self) -> str:
        return (
            f"Experiment({self.name!r}, {self.kind} of {self.scenario.name!r}, {self.spec.title!r})"
        )

    def _repr_html_(self) -> str:
        """HTML for a notebook: the question."""
        spec = self.spec
        plain = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        above = ("title", "question", "kind")
        rows = [(key, _shown(value)) for key, value in plain.items() if key not in above]
        return show.page(
            show.heading(spec.title, f"experiment {self.name}: {self.kind}"),
            show.paragraph(spec.question),
            show.table(("key", "value"), rows),
            show.paragraph("run_experiment(experiment) runs it."),
        )

    @property
    def kind(self) -> str:
        """The name of the experiment's kind."""
        return self.spec.kind

    def plain(self) -> dict[str, Any]:
        """All that fixes its results, as plain data, fit for JSON."""
        others = [scenario.plain() for scenario in self.others]
        return {
            "name": self.name,
            "experiment": self.spec.model_dump(mode="json", by_alias=True),
            "measures": [measure.plain() for measure in self.measures],
            "scenario": self.scenario.plain(),
            **({"others": others} if others else {}),
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the resolved experiment; equal digests mean equal results."""
        return canonical_digest(self.plain())


#: The folder of an experiment's batch inside its own.
DESIGN = "design"

Progress = Callable[[int, int], None]
OnMessage = Callable[[str], None]


def ignore(*_: Any) -> None:
    """The default for a callback: do nothing."""


def offset_progress(progress: Progress, before: int, total: int) -> Progress:
    """The progress of a part as that of the whole."""
    return lambda done, _: progress(before + done, total)


@dataclass(frozen=True)
class RunOptions:
    """In which way an experiment is to be run, as `run_experiment` takes it; it changes no result."""

    workers: int = 1
    folder: Path | None = None
    resume: bool = False
    progress: Progress = ignore
    on_message: OnMessage = ignore
    agents: Sequence[Any] = ()
    roles: Mapping[str, Any] = field(default_factory=dict)

    @property
    def design_folder(self) -> Path | None:
        """Where the experiment's batch is to be kept; None for nowhere."""
        return None if self.folder is None else inside(self.folder, DESIGN, is_folder=True)


@dataclass(frozen=True, eq=False)
class Findings:
    """The findings of an experiment: its answer, summary and tables.

    Attributes:
        answer: sentences: first what it found, with how sure that is, then what would make it surer.
        tables: tidy tables by name; each becomes a Parquet file of that name.
        summary: the figures that matter, as plain data fit for JSON; charts and reports read it.
        crises: how many crises it took.
        files: further files by name, such as a tuned scenario.
        manifest: how it came about (`crisis_sim.experiments.run`).
    """

    experiment: Experiment
    answer: tuple[str, ...]
    tables: Mapping[str, pa.Table] = field(repr=False)
    summary: Mapping[str, Any] = field(repr=False)
    crises: int = 0
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    manifest: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        told = "\n".join(f"- {clean(sentence)}" for sentence in self.answer)
        return f"Findings of {self.experiment!r}, {self.crises:,} crises\n{told}"

    def _repr_html_(self) -> str:
        """HTML for a notebook: the answer."""
        spec, about = self.experiment.spec, f"{self.experiment.kind}, {self.crises:,} crises"
        rows = [
            (name, f"{table.num_rows:,}", ", ".join(table.column_names))
            for name, table in self.tables.items()
        ]
        said = f"{len(rows)} tables: findings.tables[name].to_pandas()"
        return show.page(
            show.heading(spec.question or spec.title, about),
            show.bullets(self.answer),
            show.folded(said, show.table(("table", "rows", "columns"), rows)),
        )


def _shown(value: Any) -> str:
    """A value of an experiment's file on one line, without the brackets of Python."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_shown(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Reading:
    """A file whose types are right: its values with their places, and what the experiment will be run with."""

    top: Node
    scenario: Scenario
    columns: Columns
    others: tuple[Scenario, ...] = ()
    agents: Sequence[Any] = ()
    roles: Mapping[str, Any] = field(default_factory=dict)

    def node_at(self, *path: str | int) -> Node:
        """The value at a path in the file, or the deepest on the way to it."""
        return find_node(self.top, path)[0]

    def measure(self, *path: str | int) -> Measure:
        """The measure that is written at a path; ScenarioError where it has mistakes."""
        return read_measure(self.node_at(*path), self.columns)

    def check_factors(self, ranges: Mapping[str, Range], *path: str) -> Iterator[Mistake]:
        """The mistakes in factors: a mapping from parameters' paths to ranges, written at a path."""
        for name, written in ranges.items():
            yield from check_factor(name, written, self.node_at(*path, name), self.scenario)


#: Each kind by the word for it in a file, and its module.
KINDS = {
    "attribute": "crisis_sim.experiments.attribute",
    "posterior": "crisis_sim.experiments.posterior",
    "sensitivity": "crisis_sim.experiments.sensitivity",
    "sweep": "crisis_sim.experiments.sweep",
    "tune": "crisis_sim.experiments.tune",
}


class Kind(Protocol):
    """The interface of a kind's module; it may name `LIBRARIES` of its own, whose versions are kept."""

    #: The keys of such an experiment; a `Spec` whose `kind` is a `Literal` of its name.
    SPEC: type[Spec]

    def check(self, spec: Any, reading: Reading) -> Iterator[Mistake]:
        """The mistakes that its spec's types cannot tell: paths, ranges, targets."""

    def crises(self, experiment: Experiment) -> int:
        """How many crises it will take."""

    def run(self, experiment: Experiment, options: RunOptions) -> Findings:
        """Carry it out."""

    def charts(self, findings: Findings) -> Iterator[tuple[str, Callable[[Findings], Figure]]]:
        """Its charts by the names of their files, and what draws each (`plots.draw_experiment`)."""


def kind_of(name: str) -> Kind:
    """The module of a kind, by a name in `KINDS`."""
    return cast(Kind, import_module(KINDS[name]))
