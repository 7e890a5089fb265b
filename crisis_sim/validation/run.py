"""Run the population scenario and the cases, and compare them with the record.

For the population, each fact of the record has a simulated value. For a case, two times are compared: from the trigger to
the first strike, and from the first strike to the halt. The real time is given as a percentile of the simulated times, among
the crises in which the event occurs by the horizon, together with the share of these crises. Both are read from the
cumulative incidence (Aalen and Johansen), because a crisis may end without a strike or be cut off at the horizon. Ties count
half.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crisis_sim import text
from crisis_sim.batch import Batch, simulate
from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.batch.safe_files import finite_or_none
from crisis_sim.model.observer import (
    ACTS,
    NEXT,
    RESPONSES,
    Observer,
    response_column,
    response_time_column,
    transition_column,
)
from crisis_sim.outcomes.incidence import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import normal_quantile, quantile_with_interval, wilson_interval
from crisis_sim.scenario.load import load_scenario, load_scenarios
from crisis_sim.scenario.schema import ENDINGS, STYLES, VIOLENCE
from crisis_sim.validation.facts import (
    OTHER_SHARE,
    VERDICTS,
    Case,
    Comparison,
    Expectation,
    Simulated,
    Verdict,
    read_cases,
    read_expectations,
    read_facts,
    real_rebound,
)
from crisis_sim.version import __version__

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
Figures = dict[str, Simulated]

HOURS = 24.0
#: A real time is inside, or near, if it lies between these percentiles.
INSIDE, NEAR = (0.10, 0.90), (0.025, 0.975)
#: Percentiles of the simulated figures that are reported.
QUANTILES = {"p2_5": 0.025, "p10": 0.10, "p50": 0.50, "p90": 0.90, "p97_5": 0.975}
#: Kinds of figures of a case: two times in days, and the rise of a market as a share.
STRIKE, HALT, REBOUND = "strike", "halt", "rebound"
DEFINITIONS = {
    STRIKE: "days from the trigger to the first strike",
    HALT: "days from the first strike to the halt of strikes",
    REBOUND: "rise of the Karachi index on the first day after the ceasefire",
}
#: Denominator of the share of crises that have such a figure.
CASES_AMONG = {STRIKE: "all crises", HALT: "crises with a first strike", REBOUND: "all crises"}
#: The case with a market, and the column of its rise after the ceasefire.
REBOUND_CASE, REBOUND_COLUMN = "may_2025", "pakistan_market_rebound"


@dataclass(frozen=True, eq=False)
class CaseResult:
    """A real figure of a case next to the simulated ones.

    Attributes:
        what: the kind of figure: `STRIKE`, `HALT` or `REBOUND` (see `DEFINITIONS`).
        real: the real figure, in days or as a share.
        came: share of the crises that have such a figure, among those that `CASES_AMONG` names.
        values: the simulated figures in ascending order, perhaps with ties.
        shares: cumulative share of the figures up to each value, rising to 1.
    """

    case: Case
    what: str
    real: float
    came: float
    values: Values
    shares: Values
    expectation: Expectation

    @property
    def percentile(self) -> float:
        """Share of the simulated figures below the real one; ties count half. NaN if there are none."""
        if not self.values.size:
            return math.nan
        cumulative = np.concatenate([[0.0], self.shares])
        ends = (np.searchsorted(self.values, self.real, side) for side in ("left", "right"))
        return float(sum(cumulative[end] for end in ends)) / 2

    def quantile(self, level: float) -> float:
        """Return the smallest simulated figure whose cumulative share reaches a level; NaN if there are none."""
        if not self.values.size:
            return math.nan
        index = int(np.searchsorted(self.shares, level - 1e-9))
        return float(self.values[min(index, self.values.size - 1)])

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The simulated figures at the percentiles of `QUANTILES`."""
        return tuple(map(self.quantile, QUANTILES.values()))

    @property
    def verdict(self) -> Verdict:
        """Position of the real figure among the simulated ones.

        Inside: within the central 80%, and at least 10% of the crises have such a figure. Near: within the central 95%,
        and at least 2.5% have one. Outside: neither.
        """
        if not self.expectation.counterpart:
            return "not comparable"
        if INSIDE[0] <= self.percentile <= INSIDE[1] and self.came >= INSIDE[0]:
            return "inside"
        is_near = NEAR[0] <= self.percentile <= NEAR[1] and self.came >= NEAR[0]
        return "near" if is_near else "outside"


def results(
    case: Case, ensemble: Ensemble, expectations: Mapping[str, Expectation]
) -> Iterator[CaseResult]:
    """Compare the figures of a case with replicates of its scenario that were run with an `Observer`."""
    for what, real, curve in (
        (STRIKE, case.strike_days, first_strike(ensemble)),
        (HALT, case.halt_days, halt(ensemble)),
    ):
        incidence = curve.estimate[0]
        came = float(incidence[-1]) if incidence.size else 0.0
        shares = incidence / came if came else incidence
        expectation = expectations[f"{case.scenario}/{what}"]
        yield CaseResult(case, what, real, came, curve.times / HOURS, shares, expectation)
    if case.scenario == REBOUND_CASE:
        rises = np.sort(ensemble.column(REBOUND_COLUMN))
        rises = rises[~np.isnan(rises)]
        came = rises.size / ensemble.replicates
        shares = np.arange(1, rises.size + 1) / max(rises.size, 1)
        expectation = expectations[f"{case.scenario}/{REBOUND}"]
        yield CaseResult(case, REBOUND, real_rebound(), came, rises, shares, expectation)


def first_strike(ensemble: Ensemble) -> CumulativeIncidence:
    """Return the incidence of the first strike after the trigger; an end without a strike competes with it."""
    struck, ended = ensemble.column("first_strike_at_hours"), ensemble.column("ended_at_hours")
    cause = np.where(~np.isnan(struck), 1, np.where(~np.isnan(ended), 2, 0))
    until = np.choose(cause, (ensemble.column("followed_until_hours"), struck, ended))
    hours = np.maximum(until - ensemble.column("trigger_at_hours"), 0.0)
    return cumulative_incidence(hours, cause, ("first strike", "ended without one"))


def halt(ensemble: Ensemble) -> CumulativeIncidence:
    """Return the incidence of the halt after the first strike; the end of a crisis is a halt, too."""
    hours, occurred = _time_between(ensemble, "first_strike_at_hours", "halted_at_hours")
    return cumulative_incidence(hours, occurred, ("halt",))


def survival(ensemble: Ensemble) -> CumulativeIncidence:
    """Return the incidence of the crisis being over in the eyes of its states, as ICB dates ends; the horizon censors."""
    hours, occurred = _time_between(ensemble, "trigger_at_hours", "over_at_hours")
    return cumulative_incidence(np.maximum(hours, 0.0), occurred, ("ended",))


def _time_between(ensemble: Ensemble, start: str, end: str) -> tuple[Values, NDArray[np.int8]]:
    """Return the hours from one time to another, or to the end of observation, and 1 where the second occurred."""
    at = ensemble.column(end)
    until = np.where(np.isnan(at), ensemble.column("followed_until_hours"), at)
    return until - ensemble.column(start), (~np.isnan(at)).astype(np.int8)


def rank(simulated: Sequence[float], real: Sequence[float]) -> float:
    """Return Spearman's correlation of simulated and real times."""
    from scipy import stats

    return float(stats.spearmanr(simulated, real).statistic)


# Figures of the population scenario. For each family of facts, a function takes the replicates, run with an `Observer`, and
# returns the figures by the id of their fact, in the fact's unit. A crisis has "ended" if the horizon did not cut it off.

#: Value and interval of a figure without data.
MISSING = (math.nan, math.nan, math.nan)


def share(flags: Flags, among: Flags | None = None) -> Simulated:
    """Return the share of replicates with a flag, among all or some of them, with Wilson's interval."""
    chosen = flags if among is None else flags[among]
    count, total = int(chosen.sum()), int(chosen.size)
    if not total:
        return Simulated(*MISSING, 0)
    lower, upper = map(float, wilson_interval(count, total))
    return Simulated(count / total, lower, upper, total)


def ratio(part: Values, whole: Values) -> Simulated:
    """Return a share of events that are clustered by replicate: a ratio of means, with an interval by linearisation.

    See Cochran (1977), Sampling Techniques, 3rd edition, section 6.4. At a share of 0 or 1, where there is no spread, the
    interval is Wilson's with the number of clusters that have events as the sample size.

    Args:
        part, whole: events of each replicate, shape (replicates,): those counted, and all.
    """
    total = whole.sum()
    if not total:
        return Simulated(*MISSING, 0)
    estimate = part.sum() / total
    clusters = int(np.count_nonzero(whole))
    if estimate in (0.0, 1.0):
        lower, upper = map(float, wilson_interval(estimate * clusters, clusters))
    else:
        margin = normal_quantile() * np.sqrt(np.sum((part - estimate * whole) ** 2)) / total
        lower, upper = max(estimate - margin, 0.0), min(estimate + margin, 1.0)
    return Simulated(float(estimate), float(lower), float(upper), int(total))


def _scaled(figure: Simulated, factor: float) -> Simulated:
    return Simulated(factor * figure.value, factor * figure.lower, factor * figure.upper, figure.n)


def _quantiles(name: str, days: Values, levels: Sequence[int]) -> Figures:
    figures = Figures()
    for level in levels:
        quantile = quantile_with_interval(days, level / 100)
        limits = quantile.lower, quantile.upper
        figures[f"{name}_p{level}"] = Simulated(quantile.estimate, *limits, days.size)
    return figures


def durations(ensemble: Ensemble) -> Figures:
    """Return quantiles of the days from trigger to end, by Kaplan-Meier: crises cut off by the horizon are censored."""
    curve, figures = survival(ensemble), Figures()
    for level in (10, 25, 50, 75, 90):
        days = curve.quantile(level / 100, unit=HOURS)
        figure = (days.estimate, days.lower, days.upper) if np.isfinite(days.estimate) else MISSING
        value, lower, upper = map(float, figure)
        figures[f"duration_p{level}"] = Simulated(value, lower, upper, int(curve.started))
    return figures


def endings(ensemble: Ensemble) -> Figures:
    """Return the share of each ending among ended crises.

    `OTHER_SHARE` of those without an agreement is counted as ICB's other endings, which the model lacks.
    """
    ending = ensemble.column("ending")
    ended = ending != "unresolved"
    figures = {"ending_agreement": share(ending == "agreement", ended)}
    for kind in ENDINGS[1:-1]:
        figures[f"ending_{kind}"] = _scaled(share(ending == kind, ended), 1.0 - OTHER_SHARE)
    return figures | {"ending_other": _scaled(share(ending != "agreement", ended), OTHER_SHARE)}


def worst_violence(ensemble: Ensemble) -> Figures:
    """Return the share of each degree of worst violence among all crises."""
    worst, figures = ensemble.column("worst_violence"), Figures()
    for kind in VIOLENCE:
        name = kind.replace(" ", "_").replace("-", "_")
        figures[f"peak_violence_{name}"] = share(worst == kind)
    return figures


def mediation(ensemble: Ensemble) -> Figures:
    """Return the share of mediated crises, and quantiles of the days from the trigger to the start of mediation."""
    mediated = ensemble.column("mediated")
    started = ensemble.column("mediation_started_at_hours") - ensemble.column("trigger_at_hours")
    days = started[mediated] / HOURS
    return {"mediated": share(mediated)} | _quantiles("mediation_start", days, (25, 50, 75))


def agreement(ensemble: Ensemble) -> Figures:
    """Return the share of agreements among ended crises: mediated, not mediated, and by the most intrusive style."""
    ending, mediated = ensemble.column("ending"), ensemble.column("mediated")
    style = ensemble.column("mediation_style")
    among = {"if_mediated": mediated, "if_unmediated": ~mediated}
    among |= {name: style == name for name in STYLES}
    agreed, ended = ending == "agreement", ending != "unresolved"
    return {f"agreement_{name}": share(agreed, ended & group) for name, group in among.items()}


def responses(ensemble: Ensemble) -> Figures:
    """Return the shares of responses to a violent trigger, among states that responded, and quantiles of their days."""
    kinds = np.concatenate([ensemble.column(response_column(name)) for name in ensemble.states])
    times = [ensemble.column(response_time_column(name)) for name in ensemble.states]
    days = np.concatenate(times)[kinds != ""] / HOURS
    kinds = kinds[kinds != ""]
    figures = {f"response_{kind}": share(kinds == kind) for kind in RESPONSES[1:4]}
    figures["violent_response"] = share(kinds == "violent")
    return figures | _quantiles("response_days", days, (25, 50, 75, 90))


def nuclear_use(ensemble: Ensemble) -> Figures:
    """Return the share of crises between nuclear powers in which a nuclear weapon was used."""
    used = ~np.isnan(ensemble.column("nuclear_use_at_hours"))
    if "nuclear_pair" in ensemble.table.column_names:
        return {"nuclear_use": share(used, np.asarray(ensemble.column("nuclear_pair"), bool))}
    both = all(state["nuclear"] in (True, 1.0) for state in ensemble.scenario["states"].values())
    return {"nuclear_use": share(used, np.full(ensemble.replicates, both))}


def transitions(ensemble: Ensemble) -> Figures:
    """Return, for each kind of act, the shares of what followed it; and the share of crises with war.

    Acts of one crisis are correlated, so the interval is that of a ratio of means over crises.
    """
    figures = Figures()
    for act in ACTS:
        counts = {
            f"next_{act}_{following}": ensemble.column(transition_column(act, following)).astype(
                float
            )
            for following in NEXT
        }
        acts = np.sum([*counts.values()], axis=0)
        figures |= {name: ratio(count, acts) for name, count in counts.items()}
    at_war = ~np.isnan(ensemble.column("war_at_hours"))
    return figures | {"war_share_confrontations": share(at_war)}


FAMILIES: dict[str, Callable[[Ensemble], Figures]] = {
    "Duration": durations,
    "Endings": endings,
    "Worst violence": worst_violence,
    "Mediation": mediation,
    "Agreement": agreement,
    "Answer to a violent trigger": responses,
    "Nuclear use": nuclear_use,
    "From act to act": transitions,
}
#: Denominator of the shares of each family.
DENOMINATORS = {
    "Endings": "crises that ended",
    "Worst violence": "all crises",
    "Mediation": "all crises",
    "Agreement": "ended crises with that mediation",
    "Answer to a violent trigger": "states that answered",
    "Nuclear use": "crises between nuclear powers",
    "From act to act": "acts of the first kind; of wars, % of all crises",
}


def family_name(name: str) -> str:
    """Return a family's name with the denominator of its shares."""
    return f"{name} (% of {DENOMINATORS[name]})" if name in DENOMINATORS else name


#: Facts that a user's scenario is compared with: the verb of a sentence, and the measure that shows them.
_BASE_RATES = {
    "peak_violence_full_scale_war": ("reach full-scale war", "war"),
    "ending_agreement": ("that ended did so by agreement", "agreement"),
    "mediated": ("are mediated", "mediated"),
}


def unlike_the_record(ensemble: Ensemble) -> Iterator[str]:
    """Yield a sentence for each share that differs from the record by a factor of two, and by more than chance."""
    figures = worst_violence(ensemble) | endings(ensemble)
    figures["mediated"] = share(ensemble.column("mediated"))
    for name, (verb, measure) in _BASE_RATES.items():
        fact, simulated = read_facts()[name], figures[name]
        is_similar = fact.value / 2.0 <= simulated.value <= 2.0 * fact.value
        if math.isnan(simulated.value) or is_similar or not fact.lower or not fact.upper:
            continue
        if simulated.lower > fact.upper or simulated.upper < fact.lower:
            yield (
                f"{text.percent(simulated.value)}% of {text.count(simulated.n)} crises {verb}, against "
                f"{text.percent(fact.value)}% of {text.count(fact.n or 0)} crises since 1945 ({fact.source}). To see "
                f"which parameters matter: crisis-sim sensitivity FILE --outcome {measure}"
            )


# --- The validation as a whole

#: The shipped scenario that represents crises since 1945.
POPULATION = "since_1945"


@dataclass(frozen=True)
class Validation:
    """The result of a validation.

    Attributes:
        facts: for each family of facts, its comparisons.
        cases: the real and the simulated figures of each case.
        batch: all replicates; the population is the first scenario.
        overrides: changes made to every scenario.
    """

    facts: dict[str, list[Comparison]]
    cases: list[CaseResult]
    batch: Batch
    overrides: tuple[str, ...] = ()

    @property
    def population(self) -> str:
        """The name of the population scenario."""
        return next(iter(self.batch.ensembles))

    @property
    def unresolved(self) -> float:
        """The share of the population's crises that the horizon cut off."""
        ending = self.batch.ensembles[self.population].column("ending")
        return float((ending == "unresolved").mean())

    @property
    def comparisons(self) -> list[Comparison]:
        """The comparisons of all families."""
        return [comparison for family in self.facts.values() for comparison in family]

    @property
    def failures(self) -> list[str]:
        """Ids of the facts and figures that expectations.csv claims to be met, but that are not inside."""
        results: list[Comparison | CaseResult] = [*self.comparisons, *self.cases]
        missed = [row for row in results if row.expectation.met and row.verdict != "inside"]
        return [row.expectation.id for row in missed]

    def counts(self) -> dict[str, dict[str, int]]:
        """Count the verdicts on facts and on cases."""
        facts = Counter(comparison.verdict for comparison in self.comparisons)
        cases = Counter(result.verdict for result in self.cases)
        counters = {"facts": facts, "cases": cases}
        return {name: {x: counter[x] for x in VERDICTS} for name, counter in counters.items()}

    def plain(self) -> dict[str, Any]:
        """Return the validation as JSON-compatible data; `recorded` is the fact in the record, `fact` as compared."""
        plain: dict[str, Any] = finite_or_none({
            "version": __version__,
            "seed": self.batch.seed,
            "replicates": self.batch.ensembles[self.population].replicates,
            "population": self.population,
            "overrides": list(self.overrides),
            "unresolved": self.unresolved,
            "counts": self.counts(),
            "failures": self.failures,
            "facts": [_plain_fact(family, fact) for family, facts in self.facts.items() for fact in facts],
            "cases": [_plain_case(result) for result in self.cases],
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
    """Run the population scenario and all cases, and compare them with the record.

    Args:
        population: the scenario that represents crises since 1945: a file, or the name of a shipped one.
        replicates: crises to run of each scenario.
        seed: determines the random draws.
        workers: processes to use at most; the result is the same for any number.
        overrides: changes to every scenario, such as `behaviour.decision.cost=5`.
        progress: receives the number of finished crises and the total after each block.

    Raises:
        ScenarioError: if a scenario has mistakes.
        BatchError: if the batch cannot be run.
    """
    facts, expected, cases = read_facts(), read_expectations(), read_cases()
    everyone = load_scenario(population, overrides)
    scenarios = [everyone, *load_scenarios([case.scenario for case in cases], overrides)]
    batch = simulate(scenarios, replicates, seed, workers, agents=[Observer], progress=progress)
    crises = batch.ensembles[everyone.name]
    comparisons = {
        family: [
            Comparison(facts[name], figure, expected[name])
            for name, figure in figures_of(crises).items()
        ]
        for family, figures_of in FAMILIES.items()
    }
    case_results = [
        result
        for case in cases
        for result in results(case, batch.ensembles[case.scenario], expected)
    ]
    return Validation(comparisons, case_results, batch, tuple(overrides))


def _plain_fact(family: str, comparison: Comparison) -> dict[str, Any]:
    figures = ("recorded", "fact", "simulated")
    return {
        "id": comparison.fact.id,
        "family": family,
        **_fields(comparison.fact, "statistic", "population", "source"),
        "unit": "share" if comparison.fact.is_share else "days",
        **{
            name: _fields(getattr(comparison, name), "value", "lower", "upper", "n")
            for name in figures
        },
        "tolerance": comparison.expectation.tolerance,
        **_plain_verdict(comparison),
    }


def _plain_case(result: CaseResult) -> dict[str, Any]:
    return {
        "id": result.expectation.id,
        "case": result.case.name,
        "scenario": result.case.scenario,
        **_fields(result, "what", "real", "came", "percentile"),
        "came_among": CASES_AMONG[result.what],
        "simulated": dict(zip(QUANTILES, result.quantiles, strict=True)),
        **_plain_verdict(result),
    }


def _plain_verdict(result: Comparison | CaseResult) -> dict[str, Any]:
    expected = result.expectation
    claims = {"in_fit": expected.in_fit, "declared_met": expected.met, "note": expected.note}
    return {"verdict": result.verdict, **claims}


def _fields(record: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}
