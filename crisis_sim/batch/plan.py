"""The plan of a batch: scenarios, replicates and seed, cut into blocks that fit into memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from crisis_sim.batch.block import BlockOrder
from crisis_sim.batch.files import BatchError
from crisis_sim.batch.rules import check_rules, labelled, roles_in
from crisis_sim.scenario.numbers import is_count
from crisis_sim.scenario.schema import SECTIONS, Scenario
from crisis_sim.scenario.source import FILE_WORDS, is_file_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A scenario, its file, or the name of a shipped one.
OneScenario: TypeAlias = Scenario | str | Path
#: What a batch is asked to run: one or many, or each under a name of its own.
Scenarios: TypeAlias = OneScenario | Iterable[OneScenario] | Mapping[str, OneScenario]


#: Bytes of a crisis apart from its agents, of an agent, review or event, and of a rung that is drawn for
#: each crisis. They do not grow with the horizon: neither the past nor the numbers of its luck are kept.
BYTES_A_CRISIS, BYTES_AN_AGENT, BYTES_A_RUNG = 13_500, 400, 50


def bytes_of_a_crisis(scenario: Scenario) -> int:
    """The most bytes that a block holds for each of its crises."""
    reviews = sum(len(lender.reviews) for lender in scenario.lenders.values())
    count = sum(len(getattr(scenario, name)) for name in (*SECTIONS, "events")) + reviews
    return BYTES_A_CRISIS + BYTES_AN_AGENT * count + BYTES_A_RUNG * len(scenario.ladder)


#: The most replicates in a block, and the fewest, for small batches, so that all workers get a similar
#: share. A crisis costs the same in either (`make bench`), but each block has the cost of a file and of
#: handing it to a worker.
BLOCK_SIZE, SMALL_BLOCK_SIZE = 16_384, 2_500
#: Blocks from which on workers are done at nearly the same time.
MANY_BLOCKS = 256
#: Engines for a batch: the processor, or a graphics card.
ENGINES = ("cpu", "gpu")
#: The most replicates, or points: a run of more would not end.
MOST = 100_000_000_000
#: The largest seed.
MOST_SEED = 2**256
#: The most replicates in a block on a graphics card, which is quick where it has very many threads to go on with.
CARD_BLOCK_SIZE = 262_144
#: The most memory that a block may come to need. Blocks of crises that could need more are smaller;
#: their results are the same.
BLOCK_BYTES = 2**30


@dataclass(frozen=True)
class Plan:
    """Scenarios to run side by side on the same luck.

    Attributes:
        scenarios: each under a name of its own.
        block_size: the most replicates that a block has.
        parameters: values in place of the scenarios', by path, each of shape (replicates,); in a
            design (points * replicates,), one point after the other.
        agents: makers of agents to add to each scenario's own.
        roles: by the name of an agent, or of a role, the class in place of the scenario's own.
        without: names of scenarios that are run without these agents and roles, to compare with.
        points: for a design, at how many points each replicate is run, with the same luck at all of
            them; None for a batch that is no design.
        engine: what runs it, one of `ENGINES`.

    Raises:
        BatchError: when it cannot be run: a number too low, a name twice, a path that leads to no
            parameter of a scenario, values too few, too many or out of range.
    """

    scenarios: tuple[Scenario, ...]
    replicates: int
    seed: int
    block_size: int = BLOCK_SIZE
    parameters: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    agents: Sequence[Any] = ()
    points: int | None = None
    engine: str = "cpu"
    roles: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.scenarios:
            raise BatchError("there is no scenario to run")
        check_count("replicates", self.replicates, most=MOST)
        check_count("block size", self.block_size)
        check_count("points", self.points_each, most=MOST)
        check_count("seed", self.seed, least=0, most=MOST_SEED)
        self._check_engine()
        for name, count in Counter(scenario.name for scenario in self.scenarios).items():
            if count > 1:
                raise BatchError(
                    f"{count} scenarios are called {name!r}; each needs a name of its own"
                )
        for path, values in self.parameters.items():
            self._check_values(path, values)
        if self.parameters:
            for scenario in self.scenarios:
                self._check_paths(scenario)

    def _check_engine(self) -> None:
        if self.engine not in ENGINES:
            raise BatchError(f"engine {self.engine!r} is unknown; there are {', '.join(ENGINES)}")
        if self.engine == "gpu":
            from crisis_sim.model.gpu import NoCardError, check_card

            if self.agents or self.roles:
                raise BatchError("classes of your own need the engine cpu")
            try:
                check_card()
            except NoCardError as error:
                raise BatchError(str(error)) from error

    def _check_values(self, path: str, values: NDArray[Any]) -> None:
        if values.shape != (self.rows_each,):
            at_points = f" at {self.points} points" if self.points else ""
            raise BatchError(
                f"parameter {path!r} has values of shape {values.shape}; "
                f"expected one for each of the {self.replicates} replicates{at_points}"
            )
        if values.dtype.kind not in "biuf":
            raise BatchError(f"parameter {path!r} has values that are no numbers: {values.dtype}")

    def _check_paths(self, scenario: Scenario) -> None:
        """Make sure that a scenario has the numbers whose values are given, and in those ranges."""
        from crisis_sim.scenario.errors import meant
        from crisis_sim.scenario.introspect import numbers_of

        known = numbers_of(scenario)
        for path, values in self.parameters.items():
            if path in known:
                limits = known[path]
                if limits.whole:  # a rung
                    limits = replace(limits, high=min(limits.high, len(scenario.ladder) - 1))
                # So NaN is out of range, too.
                if not ((values >= limits.low) & (values <= limits.high)).all():
                    raise BatchError(
                        f"parameter {path!r} has values from {values.min():g} to "
                        f"{values.max():g}; expected {limits.words()}"
                    )
                if limits.whole and (values % 1 != 0).any():
                    raise BatchError(f"parameter {path!r} has fractions; expected whole numbers")
            # Custom agents may have parameters of their own, which only they know.
            elif not self.agents or path.partition(".")[0] in type(scenario).model_fields:
                near = meant(path, known)
                raise BatchError(f"no parameter {path!r} in {scenario.name}{near}")

    @property
    def points_each(self) -> int:
        """At how many points each replicate of a scenario is run."""
        return 1 if self.points is None else self.points

    @property
    def rows_each(self) -> int:
        """How many crises of each scenario there are."""
        return self.points_each * self.replicates

    @property
    def crises(self) -> int:
        """How many crises there are in all."""
        return self.rows_each * len(self.scenarios)

    @property
    def blocks(self) -> int:
        """How many blocks there are in all."""
        of_points, of_replicates = self._parts
        return of_points * of_replicates * len(self.scenarios)

    @property
    def states(self) -> tuple[str, ...]:
        """Names of all the scenarios' states, each once."""
        return tuple(dict.fromkeys(name for one in self.scenarios for name in one.state_names))

    def orders(self, numbers: Iterable[int] | None = None) -> Iterator[BlockOrder]:
        """The blocks, of nearly the same size; block after block for all scenarios in turn.

        So a batch that is cut short has the same replicates of every scenario, give or take one
        block. Only the one in hand takes memory. Where `numbers` are given, those blocks alone.
        """
        whole = range(self.blocks)
        return map(self._order, whole if numbers is None else filter(whole.__contains__, numbers))

    def _order(self, number: int) -> BlockOrder:
        """The block of that number: as many whole points as fit into one, or a part of one point."""
        of_points, of_replicates = self._parts
        cut, which = divmod(number, len(self.scenarios))
        of_point, of_replicate = divmod(cut, of_replicates)
        points = _part(self.points_each, of_points, of_point)
        replicates = _part(self.replicates, of_replicates, of_replicate)
        shape = self.points_each, self.replicates
        return BlockOrder(
            self.scenarios[which],
            first=replicates.start,
            count=replicates.stop - replicates.start,
            seed=self.seed,
            parameters={
                path: values.reshape(shape)[points, replicates].ravel()
                for path, values in self.parameters.items()
            },
            **self.rules_of(self.scenarios[which]),
            first_point=points.start,
            points=points.stop - points.start,
            is_design=self.points is not None,
            number=number,
            engine=self.engine,
        )

    def rules_of(self, scenario: Scenario) -> dict[str, Any]:
        """The agents that are added to a scenario, and the classes in place of its own, as `CrisisModel` takes them."""
        if scenario.name in self.without:
            return {"agents": (), "roles": {}}
        return {"agents": self.agents, "roles": roles_in(scenario, self.roles)}

    @property
    def _parts(self) -> tuple[int, int]:
        """Into how many parts the points are cut for blocks, and into how many the replicates."""
        points_a_block = max(self.block_size // self.replicates, 1)
        return -(-self.points_each // points_a_block), -(-self.replicates // self.block_size)


def _part(whole: int, parts: int, number: int) -> slice:
    """One of the parts, of nearly the same size, of a whole."""
    return slice(whole * number // parts, whole * (number + 1) // parts)


def check_count(what: str, number: int, least: int = 1, most: int | None = None) -> None:
    """Make sure that a number of something is whole, not too small and not too large, or BatchError."""
    if not is_count(number, least):
        raise BatchError(f"expected a whole number of at least {least} for {what}, got {number!r}")
    if most is not None and number > most:
        raise BatchError(f"expected at most {most:,} for {what}")


def most_at_once(scenarios: Iterable[Scenario]) -> int:
    """The most replicates of any of these scenarios that `BLOCK_BYTES` holds."""
    return max(BLOCK_BYTES // max(bytes_of_a_crisis(one) for one in scenarios), 1)


def make_plan(
    scenarios: Scenarios,
    replicates: int,
    seed: int,
    block_size: int | None,
    parameters: Mapping[str, Any] | None,
    agents: Sequence[Any] = (),
    points: int | None = None,
    engine: str = "cpu",
    roles: Mapping[str, Any] | None = None,
    compare_without: bool = False,
) -> Plan:
    """A plan from scenarios, files or names of shipped ones, one or many, or a mapping of names to these.

    Scenarios with classes of one's own are named after these; with `compare_without` each comes without them as well.
    ScenarioError where a scenario file has mistakes, BatchError where it cannot be run as asked.
    """
    import numpy as np

    given: Iterable[tuple[str, Any]]
    if isinstance(scenarios, Mapping):
        given = ((str(name), one) for name, one in scenarios.items())
    else:
        several = [scenarios] if isinstance(scenarios, (Scenario, str, Path)) else scenarios
        given = (("", one) for one in several)
    named = tuple(_read(one, name, number) for number, (name, one) in enumerate(given, start=1))
    agents, roles = tuple(agents), dict(roles or {})
    if agents or roles:
        check_rules(named, roles, agents)
    without = tuple(one.name for one in named) if compare_without else ()
    if without and not (agents or roles):
        raise BatchError("to compare without classes of your own, give some: agents or roles")
    labels = tuple(labelled(one, roles, agents) for one in named)
    named = (*(named if compare_without else ()), *labels)
    points_each = 1 if points is None else points
    check_count("replicates", replicates)
    check_count("points", points_each)
    crises = len(named) * replicates * points_each
    usual = CARD_BLOCK_SIZE if engine == "gpu" else usual_size(crises)
    size = min(usual, most_at_once(named)) if block_size is None else block_size
    try:
        values = {path: np.asarray(numbers) for path, numbers in (parameters or {}).items()}
    except ValueError as error:  # lists of lists of several lengths
        raise BatchError(f"parameters must be arrays of numbers: {error}") from error
    return Plan(named, replicates, seed, size, values, agents, points, engine, roles, without)


def usual_size(crises: int) -> int:
    """The most replicates in a block of a batch of `crises` crises, on processors."""
    return min(max(crises // MANY_BLOCKS, SMALL_BLOCK_SIZE), BLOCK_SIZE)


def _read(given: OneScenario, name: str, number: int) -> Scenario:
    """A scenario under the name that it was given with, its own, or its place among several."""
    if isinstance(given, (str, Path)):
        from crisis_sim.scenario import load_scenario

        given = load_scenario(given)
    if not isinstance(given, Scenario):
        raise BatchError(f"expected a scenario, its file or its name, got {given!r}")
    if name and not is_file_name(name):
        raise BatchError(f"{name!r} cannot be a scenario's name; expected {FILE_WORDS}")
    name = name or given.name or f"scenario_{number}"
    return given if name == given.name else given._with(name=name)
