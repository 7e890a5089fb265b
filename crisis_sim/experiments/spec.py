"""An experiment, its findings, and the interface of its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast

from pydantic import Field, WithJsonSchema

from crisis_sim import notebook
from crisis_sim.batch.safe_files import BatchError, canonical_digest, inside
from crisis_sim.experiments.factors import Range, check_factor
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.outcomes.named_measures import MEASURE_SCHEMA, read_measure
from crisis_sim.scenario.errors import Mistake
from crisis_sim.scenario.introspect import find_node
from crisis_sim.scenario.numbers import Part
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.yaml_text import Node
from crisis_sim.text import clean

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure


class ExperimentError(BatchError):
    """An experiment cannot be run as requested."""


class BlocksFailedError(ExperimentError):
    """Some blocks of an experiment's batch failed; the others are on disk."""


#: A measure as written in a file; `crisis_sim.outcomes.named_measures.read_measure` reads it.
WrittenMeasure = Annotated[Any, WithJsonSchema(MEASURE_SCHEMA)]

#: Upper limit of whole numbers in an experiment's file.
LARGEST_NUMBER = 1_000_000_000


def entry(meaning: str, default: Any = ..., **limits: Any) -> Any:
    """Declare a key of an experiment's file."""
    return Field(default, description=meaning, **limits)


def whole_number(
    meaning: str, default: Any = ..., least: int = 1, most: int | None = LARGEST_NUMBER
) -> Any:
    """Declare a key whose value is a whole number from `least` to `most`."""
    return entry(meaning, default, strict=True, ge=least, le=most)


def flag(meaning: str) -> Any:
    """Declare a key that is true or false, by default false."""
    return entry(meaning, False, strict=True)


class Spec(Part):
    """The keys that all kinds share: question, scenario, measures, and number of crises."""

    kind: str = entry("the kind of experiment")
    title: str = entry("a title of one line")
    question: str = entry("the question it answers", "")
    scenario: str = entry("the name of a shipped scenario, or a file in the experiment's folder")
    set: tuple[str, ...] = entry(
        "changes to the scenario, such as lenders.imf.conditionality=1", ()
    )
    over_fits: bool = flag(
        "whether behaviour is drawn from all sets of parameters that fit the historical record"
    )
    outcomes: tuple[WrittenMeasure, ...] = entry("the outcomes to measure", ())
    replicates: int = whole_number("crises at each point, with the same random numbers at all")
    seed: int = whole_number(
        "with a replicate's number, it fixes all its random numbers", 1, least=0, most=None
    )

    @property
    def agents(self) -> tuple[Any, ...]:
        """Agents that the kind adds to the scenario's, as `CrisisModel` takes them."""
        return ()


class MeasuringSpec(Spec):
    """The keys of kinds that need at least one measure."""

    outcomes: tuple[WrittenMeasure, ...] = entry("the outcomes to measure", min_length=1)


@dataclass(frozen=True)
class Experiment:
    """An experiment, ready to run.

    Attributes:
        name: the name of its file.
        spec: its keys.
        scenario: its scenario, with the changes under `set` applied.
        measures: its measures, in the order of the file.
        text: the text of its file; the keys as JSON if it was made in Python.
        others: further scenarios, in kinds that run several.
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
        """HTML for a notebook: the title, the question and the other keys."""
        spec = self.spec
        plain = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        in_heading = ("title", "question", "kind")
        rows = [(key, _on_one_line(value)) for key, value in plain.items() if key not in in_heading]
        return notebook.page(
            notebook.heading(spec.title, f"experiment {self.name}: {self.kind}"),
            notebook.paragraph(spec.question),
            notebook.table(("key", "value"), rows),
            notebook.paragraph("run_experiment(experiment) runs it."),
        )

    @property
    def kind(self) -> str:
        """The name of the experiment's kind."""
        return self.spec.kind

    def plain(self) -> dict[str, Any]:
        """Return everything that determines its results, as plain data for JSON."""
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


#: The subfolder with an experiment's batch.
DESIGN = "design"

Progress = Callable[[int, int], None]
OnMessage = Callable[[str], None]


def ignore(*_: Any) -> None:
    """Do nothing; the default of callbacks."""


def offset_progress(progress: Progress, before: int, total: int) -> Progress:
    """Return a callback for one part that reports progress over all parts, `before` of them done."""
    return lambda done, _: progress(before + done, total)


@dataclass(frozen=True)
class RunOptions:
    """Options for running an experiment, as in `run_experiment`."""

    workers: int = 1
    folder: Path | None = None
    resume: bool = False
    progress: Progress = ignore
    on_message: OnMessage = ignore
    agents: Sequence[Any] = ()
    roles: Mapping[str, Any] = field(default_factory=dict)

    @property
    def design_folder(self) -> Path | None:
        """The folder for the experiment's batch; None if it is not kept."""
        return None if self.folder is None else inside(self.folder, DESIGN, is_folder=True)


@dataclass(frozen=True, eq=False)
class Findings:
    """The findings of an experiment: its answer, summary and tables.

    Attributes:
        answer: sentences: the results with their uncertainty, then how to reduce it.
        tables: tidy tables by name; each becomes a Parquet file of that name.
        summary: the main results as plain data for JSON; charts and reports read it.
        crises: the number of crises that were run.
        files: further files by name, such as a tuned scenario.
        manifest: the record of the run (`crisis_sim.experiments.run`).
    """

    experiment: Experiment
    answer: tuple[str, ...]
    tables: Mapping[str, pa.Table] = field(repr=False)
    summary: Mapping[str, Any] = field(repr=False)
    crises: int = 0
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    manifest: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        answer = "\n".join(f"- {clean(sentence)}" for sentence in self.answer)
        return f"Findings of {self.experiment!r}, {self.crises:,} crises\n{answer}"

    def _repr_html_(self) -> str:
        """HTML for a notebook: the answer and a list of tables."""
        spec, about = self.experiment.spec, f"{self.experiment.kind}, {self.crises:,} crises"
        rows = [
            (name, f"{table.num_rows:,}", ", ".join(table.column_names))
            for name, table in self.tables.items()
        ]
        tables = f"{len(rows)} tables: findings.tables[name].to_pandas()"
        return notebook.page(
            notebook.heading(spec.question or spec.title, about),
            notebook.bullets(self.answer),
            notebook.folded(tables, notebook.table(("table", "rows", "columns"), rows)),
        )


def _on_one_line(value: Any) -> str:
    """Return a value of an experiment's file as a line, without Python's brackets."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_on_one_line(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_on_one_line, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Reading:
    """A file whose types are valid: its values with their places, and the scenarios and classes to run it with."""

    top: Node
    scenario: Scenario
    columns: Columns
    others: tuple[Scenario, ...] = ()
    agents: Sequence[Any] = ()
    roles: Mapping[str, Any] = field(default_factory=dict)

    def node_at(self, *path: str | int) -> Node:
        """Return the node at a path in the file, or the deepest one on the way to it."""
        return find_node(self.top, path)[0]

    def measure(self, *path: str | int) -> Measure:
        """Return the measure at a path in the file; ScenarioError if it has mistakes."""
        return read_measure(self.node_at(*path), self.columns)

    def check_factors(self, ranges: Mapping[str, Range], *path: str) -> Iterator[Mistake]:
        """Yield the mistakes in ranges by parameter, given at a path in the file."""
        for name, written in ranges.items():
            yield from check_factor(name, written, self.node_at(*path, name), self.scenario)


#: The module of each kind.
KINDS = {
    "attribute": "crisis_sim.experiments.attribute",
    "posterior": "crisis_sim.experiments.posterior",
    "sensitivity": "crisis_sim.experiments.sensitivity",
    "sweep": "crisis_sim.experiments.sweep",
    "tune": "crisis_sim.experiments.tune",
}


class Kind(Protocol):
    """The interface of a kind's module; versions of the libraries in its optional `LIBRARIES` are recorded."""

    #: The keys of the kind; a `Spec` whose `kind` is a `Literal` of its name.
    SPEC: type[Spec]

    def check(self, spec: Any, reading: Reading) -> Iterator[Mistake]:
        """Yield the mistakes that types do not catch: in paths, ranges and targets."""

    def crises(self, experiment: Experiment) -> int:
        """Return the number of crises that it will run."""

    def run(self, experiment: Experiment, options: RunOptions) -> Findings:
        """Run the experiment."""

    def charts(self, findings: Findings) -> Iterator[tuple[str, Callable[[Findings], Figure]]]:
        """Yield the name of each chart's file and the function that draws it (`plots.draw_experiment`)."""


def kind_of(name: str) -> Kind:
    """Return the module of a kind, by its name in `KINDS`."""
    return cast(Kind, import_module(KINDS[name]))
