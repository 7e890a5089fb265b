"""An experiment and its findings: what every kind says and holds, and figures in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast

from pydantic import Field, WithJsonSchema

from crisis_sim import show, text
from crisis_sim.batch.files import BatchError, canonical_digest, inside
from crisis_sim.experiments.factors import Factor, Range, check_factor, slot_of
from crisis_sim.outcomes.measures import Columns, Measure
from crisis_sim.outcomes.names import MEASURE_SCHEMA, read_measure
from crisis_sim.outcomes.over_fits import Fits, OverFits
from crisis_sim.scenario.errors import Mistake
from crisis_sim.scenario.introspect import find_node
from crisis_sim.scenario.numbers import Part
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Node
from crisis_sim.text import clean, decimals, excludes_zero, is_known, limits, number

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
MOST = 1_000_000_000


def entry(meaning: str, default: Any = ..., **limits: Any) -> Any:
    """A key of an experiment's file."""
    return Field(default, description=meaning, **limits)


def whole(meaning: str, default: Any = ..., least: int = 1, most: int | None = MOST) -> Any:
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
    replicates: int = whole("crises at each point, all with the same luck")
    seed: int = whole("with a replicate's number, it fixes all its luck", 1, least=0, most=None)

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


def say_nothing(*_: Any) -> None:
    """The default for a callback: do nothing."""


def counting(progress: Progress, before: int, total: int) -> Progress:
    """The progress of a part as that of the whole."""
    return lambda done, _: progress(before + done, total)


@dataclass(frozen=True)
class RunOptions:
    """In which way an experiment is to be run, as `run_experiment` takes it; it changes no result."""

    workers: int = 1
    folder: Path | None = None
    resume: bool = False
    progress: Progress = say_nothing
    on_message: OnMessage = say_nothing
    agents: Sequence[Any] = ()
    roles: Mapping[str, Any] = field(default_factory=dict)

    @property
    def design(self) -> Path | None:
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

    def at(self, *path: str | int) -> Node:
        """The value at a path in the file, or the deepest on the way to it."""
        return find_node(self.top, path)[0]

    def measure(self, *path: str | int) -> Measure:
        """The measure that is written at a path; ScenarioError where it has mistakes."""
        return read_measure(self.at(*path), self.columns)

    def check_factors(self, ranges: Mapping[str, Range], *path: str) -> Iterator[Mistake]:
        """The mistakes in factors: a mapping from parameters' paths to ranges, written at a path."""
        for name, written in ranges.items():
            yield from check_factor(name, written, self.at(*path, name), self.scenario)


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
    #: The question that it answers, in a line.
    ANSWERS: str

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


# --- Figures in the sentences of an answer, as in `crisis_sim.outcomes.advice`


def figure(value: float, unit: str, digits: int | None = None) -> str:
    """A figure in its unit: a share in per cent; `never` for a time that never comes."""
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "never"
    if unit == "share":
        return f"{number(100 * value, 1 if digits is None else digits)}%"
    shown = number(value, _sensible(value) if digits is None else digits)
    return f"{shown} {unit}".rstrip()


def interval(lower: float, upper: float, unit: str) -> str:
    """Two limits: "58.1 to 64.2%", "at least 80 hours"; "limits not known" where there are none."""
    scale, noun = (100.0, "%") if unit == "share" else (1.0, f" {unit}".rstrip())
    width, known = scale * (upper - lower), lower if is_known(lower) else upper
    digits = decimals(width) if math.isfinite(width) else _sensible(known)
    return limits(scale * lower, scale * upper, digits, noun)


def estimate(value: float, lower: float, upper: float, unit: str) -> str:
    """A figure with its interval: "61.2% (58.1 to 64.2%)"."""
    digits = decimals((upper - lower) * (100.0 if unit == "share" else 1.0))
    return f"{figure(value, unit, digits)} ({interval(lower, upper, unit)})"


def change(value: float, lower: float, upper: float, unit: str) -> str:
    """A difference as a clause: "is 13.8 points more (13.0 to 14.7)", or that chance may explain it."""
    if not is_known(value):
        return "is a difference that is unknown"
    scale, noun = unit_of_change(unit)
    low, high, middle = scale * lower, scale * upper, scale * value
    digits = decimals(high - low)
    if excludes_zero(low, high):
        way, (small, large) = ("less", (-high, -low)) if value < 0 else ("more", (low, high))
        return f"is {number(abs(middle), digits)}{noun} {way} ({limits(small, large, digits)})"
    if not is_known(low) and not is_known(high):
        moved = number(middle, _sensible(middle), sign=True)
        return f"moves by {moved}{noun}, and these replicates do not tell how sure that is"
    told = limits(low, high, digits, noun, sign=True)
    return f"moves by no more than chance explains ({told})"


def with_fits(
    said: str, over: OverFits | None, unit: str, is_difference: bool = True, named: bool = False
) -> str:
    """A figure in words with how it moves over fits, in its brackets if it ends in some.

    Args:
        is_difference: whether its sign means something.
        named: name the parameters that the spread goes with, too.
    """
    if over is None:
        return said
    figure = {"over_fits": over.plain(is_difference)}
    told = text.over_fits(figure, unit_of_change(unit)[0], is_difference)
    told += f"; {text.goes_with(figure)}" if named else ""
    return f"{said[:-1]}; {told})" if said.endswith(")") else f"{said} ({told})"


def on_fits(fits: Fits | None) -> str:
    """What is meant by fits, as a sentence with a space before it; "" where there are none."""
    if fits is None:
        return ""
    return (
        f" Over fits: each replicate drew one of {len(fits.weights)} sets of behavioural parameters that fit the record, by "
        "weight, the same in all; ranges are those of 95% of the sets, without the chance of the replicates of each."
    )


def noun_of(unit: str, path: str = "") -> str:
    """A unit with its leading space, as it follows a number; "" where people do not say it, or the path does."""
    silent = unit in ("share", "ratio", "intensity", "") or unit.startswith("1/")
    return "" if silent or path.endswith(unit) else f" {unit}"


def unit_of_change(unit: str) -> tuple[float, str]:
    """The unit in which changes are reported: how many of it 1 is, and its noun with a leading space."""
    return (100.0, " points") if unit == "share" else (1.0, f" {unit}".rstrip())


def valued(factor: Factor, value: float) -> str:
    """A factor's value with its unit, where that is one people say."""
    return f"{value:.3g}{noun_of(factor.unit, factor.path)}"


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """The shortest end of each path that describes it and differs from those of the others."""
    found = {}
    for path in paths:
        parts = path.split(".")
        # Where the last word is a state's name, it takes two to describe it.
        holder = slot_of(".".join(parts[:-1]))
        least = 2 if holder and holder.by_name and holder.limits else 1
        ends = [".".join(parts[-count:]) for count in range(least, len(parts) + 1)]
        others = [f".{other}" for other in paths if other != path]
        found[path] = next(
            end for end in ends if not any(other.endswith(f".{end}") for other in others)
        )
    return found


def names_of(paths: Sequence[str]) -> dict[str, str]:
    """Each path without its section: `us.leverage.india`; whole where two would be called the same."""
    short = {path: path.split(".", 1)[-1] for path in paths}
    called = Counter(short.values())
    return {path: name if called[name] == 1 else path for path, name in short.items()}


def values_in_words(factors: Sequence[Factor], values: Mapping[str, float]) -> str:
    """A point of a design in words: "days_later 5 days and conditionality 0.5"."""
    names = short_names([factor.path for factor in factors])
    each = [f"{names[one.path]} {valued(one, float(values[one.path]))}" for one in factors]
    return text.listed(each)


def halving(replicates: int) -> str:
    """What would make an answer surer: an interval narrows with the square root of the replicates."""
    return f"{text.count(4 * replicates)} replicates at each point would about halve the intervals."


def _sensible(value: float) -> int:
    return 0 if abs(value) >= 100 or value == 0 else 1


def sentence_start(said: str) -> str:
    """A text with a capital at its start."""
    return said[:1].upper() + said[1:]
