"""Run the population and the cases, and compare them with the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crisis_sim.batch import Batch, simulate
from crisis_sim.batch.files import known
from crisis_sim.model.observer import Observer
from crisis_sim.scenario.load import load_scenario, load_scenarios
from crisis_sim.validation.facts import (
    VERDICTS,
    Comparison,
    read_cases,
    read_expectations,
    read_facts,
)
from crisis_sim.validation.simulated import CASES_AMONG, FAMILIES, QUANTILES, CaseResult, results
from crisis_sim.version import __version__

#: The shipped scenario of crises of every kind.
POPULATION = "since_1945"


@dataclass(frozen=True)
class Validation:
    """The result of a validation.

    Attributes:
        facts: for each family of facts, its comparisons.
        cases: the real figures of each case beside the simulated ones.
        batch: all replicates, the population's first.
        overrides: changes that were made in every scenario.
    """

    facts: dict[str, list[Comparison]]
    cases: list[CaseResult]
    batch: Batch
    overrides: tuple[str, ...] = ()

    @property
    def population(self) -> str:
        """Name of the population scenario."""
        return next(iter(self.batch.ensembles))

    @property
    def unresolved(self) -> float:
        """Share of the population's crises that the horizon cut off."""
        ending = self.batch.ensembles[self.population].column("ending")
        return float((ending == "unresolved").mean())

    @property
    def comparisons(self) -> list[Comparison]:
        """The comparisons of all families."""
        return [one for family in self.facts.values() for one in family]

    @property
    def failures(self) -> list[str]:
        """Facts that `expectations.csv` marks as met, and that are not."""
        compared: list[Comparison | CaseResult] = [*self.comparisons, *self.cases]
        missed = [one for one in compared if one.expectation.met and one.verdict != "inside"]
        return [one.expectation.id for one in missed]

    def counts(self) -> dict[str, dict[str, int]]:
        """How often each verdict was given, for facts and for cases."""
        given: dict[str, Counter[str]] = {
            "facts": Counter(one.verdict for one in self.comparisons),
            "cases": Counter(one.verdict for one in self.cases),
        }
        return {name: {one: found[one] for one in VERDICTS} for name, found in given.items()}

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, fit for JSON; `recorded` is a fact as the record has it, `fact` as it is compared."""
        plain: dict[str, Any] = known({
            "version": __version__,
            "seed": self.batch.seed,
            "replicates": self.batch.ensembles[self.population].replicates,
            "population": self.population,
            "overrides": list(self.overrides),
            "unresolved": self.unresolved,
            "counts": self.counts(),
            "failures": self.failures,
            "facts": [
                _plain_fact(family, one) for family, ones in self.facts.items() for one in ones
            ],
            "cases": [_plain_case(one) for one in self.cases],
        })  # fmt: skip
        return plain


def validate(
    population: str | Path = POPULATION,
    replicates: int = 10_000,
    seed: int = 1,
    workers: int = 1,
    overrides: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Validation:
    """Run the population and all cases, and compare them with the record.

    Args:
        population: the scenario of crises of every kind. replicates: how many crises of each scenario. seed: fixes
        their luck. workers: the most processes to use, since observers are agents of one's own; the result is the same
        for any number. overrides: changes to make in every scenario, such as `behaviour.decision.cost=5`.
        progress: told after each block how many crises are done, and of how many.

    Raises:
        ScenarioError: when a scenario has mistakes.
        BatchError: when the batch cannot be run as asked.
    """
    facts, expected, cases = read_facts(), read_expectations(), read_cases()
    # A batch names its scenarios, and the population is no case of its own.
    everyone = load_scenario(population, overrides)
    scenarios = [everyone, *load_scenarios([case.scenario for case in cases], overrides)]
    batch = simulate(scenarios, replicates, seed, workers, agents=[Observer], progress=progress)
    crises = batch.ensembles[everyone.name]
    compared = {
        family: [Comparison(facts[one], value, expected[one]) for one, value in of(crises).items()]
        for family, of in FAMILIES.items()
    }
    real = [each for one in cases for each in results(one, batch.ensembles[one.scenario], expected)]
    return Validation(compared, real, batch, tuple(overrides))


def _plain_fact(family: str, one: Comparison) -> dict[str, Any]:
    return {
        "id": one.fact.id,
        "family": family,
        **{name: getattr(one.fact, name) for name in ("statistic", "population", "source")},
        "unit": "share" if one.fact.is_share else "days",
        **{
            name: {
                key: getattr(getattr(one, name), key) for key in ("value", "lower", "upper", "n")
            }
            for name in ("recorded", "fact", "simulated")
        },
        "tolerance": one.expectation.tolerance,
        **_plain_verdict(one),
    }


def _plain_case(one: CaseResult) -> dict[str, Any]:
    return {
        "id": one.expectation.id,
        "case": one.case.name,
        "scenario": one.case.scenario,
        **{name: getattr(one, name) for name in ("what", "real", "came", "percentile")},
        "came_among": CASES_AMONG[one.what],
        "simulated": dict(zip(QUANTILES, one.quantiles, strict=True)),
        **_plain_verdict(one),
    }


def _plain_verdict(one: Comparison | CaseResult) -> dict[str, Any]:
    expected = one.expectation
    about = {"in_fit": expected.in_fit, "declared_met": expected.met, "note": expected.note}
    return {"verdict": one.verdict, **about}
