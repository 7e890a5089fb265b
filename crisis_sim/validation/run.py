"""Run the population and the cases, and compare them with the record: figures for its facts, percentiles of real times.

Two clocks of a case are never mixed: from the trigger to the first strike, and from the first strike to the halt. A
crisis that ends without a strike never has one, and one that the horizon cuts off may have one later. So times are read
from the cumulative incidence (Aalen and Johansen), as a percentile among the crises in which the event comes by the
horizon, together with the share in which it comes. Ties count half.
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
from crisis_sim.batch.files import finite_or_none
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
#: Percentiles between which a real time is inside, and near.
INSIDE, NEAR = (0.10, 0.90), (0.025, 0.975)
#: Percentiles of the simulated figures that are shown.
QUANTILES = {"p2_5": 0.025, "p10": 0.10, "p50": 0.50, "p90": 0.90, "p97_5": 0.975}
#: The figures that are compared; times are in days, and a market's rise is a share.
STRIKE, HALT, REBOUND = "strike", "halt", "rebound"
IN_WORDS = {
    STRIKE: "days from the trigger to the first strike",
    HALT: "days from the first strike to the halt of the strikes",
    REBOUND: "rise of the Karachi index on the first day after the ceasefire",
}
#: The crises that the share in which there is such a figure is a share of.
CASES_AMONG = {STRIKE: "all crises", HALT: "crises with a first strike", REBOUND: "all crises"}
#: The state whose market rose after the ceasefire of May 2025.
REBOUND_CASE, REBOUND_COLUMN = "may_2025", "pakistan_market_rebound"


@dataclass(frozen=True, eq=False)
class CaseResult:
    """One real figure of a case, compared with the simulated ones.

    Attributes:
        what: what the figure is: `STRIKE`, `HALT` or `REBOUND` (see `IN_WORDS`).
        real: the real figure, in days, or as a share.
        came: share of the crises in which there is such a figure: of those that `CASES_AMONG` names.
        values: the simulated figures that occur, rising; one may come several times.
        shares: share of the figures at or below each, rising to 1.
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
        """Share of the simulated figures below the real one, those equal to it counting half; NaN where there are none."""
        if not self.values.size:
            return math.nan
        steps = np.concatenate([[0.0], self.shares])
        sides = (np.searchsorted(self.values, self.real, side) for side in ("left", "right"))
        return float(sum(steps[place] for place in sides)) / 2

    def quantile(self, level: float) -> float:
        """The first figure at or below which a share lies; NaN where there are no figures."""
        if not self.values.size:
            return math.nan
        place = int(np.searchsorted(self.shares, level - 1e-9))
        return float(self.values[min(place, self.values.size - 1)])

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The simulated figures at the percentiles of `QUANTILES`."""
        return tuple(map(self.quantile, QUANTILES.values()))

    @property
    def verdict(self) -> Verdict:
        """Whether the real figure would surprise, and how often there is anything to compare.

        Inside: within the central 80% of the simulated figures, which come in a tenth of the crises or more. Near: within
        the central 95%, and in 2.5% or more. Outside: neither.
        """
        if not self.expectation.counterpart:
            return "not comparable"
        at = self.percentile
        if INSIDE[0] <= at <= INSIDE[1] and self.came >= INSIDE[0]:
            return "inside"
        return "near" if NEAR[0] <= at <= NEAR[1] and self.came >= NEAR[0] else "outside"


def results(
    case: Case, ensemble: Ensemble, expectations: Mapping[str, Expectation]
) -> Iterator[CaseResult]:
    """All that is compared of a case, in the replicates of its scenario, run with an `Observer`."""
    found: list[tuple[str, float, float, Values, Values]] = []
    for what, real, curve in (
        (STRIKE, case.strike_days, first_strike(ensemble)),
        (HALT, case.halt_days, halt(ensemble)),
    ):
        reached = curve.estimate[0]
        came = float(reached[-1]) if reached.size else 0.0
        shares = reached / came if came else reached
        found.append((what, real, came, curve.times / HOURS, shares))
    if case.scenario == REBOUND_CASE:
        rises = np.sort(ensemble.column(REBOUND_COLUMN))
        rises = rises[~np.isnan(rises)]
        shares = np.arange(1, rises.size + 1) / max(rises.size, 1)
        found.append((REBOUND, real_rebound(), rises.size / ensemble.replicates, rises, shares))
    for one in found:
        yield CaseResult(case, *one, expectations[f"{case.scenario}/{one[0]}"])


def first_strike(ensemble: Ensemble) -> CumulativeIncidence:
    """Trigger to first strike; ending without one competes with it."""
    struck, ended = ensemble.column("first_strike_at_hours"), ensemble.column("ended_at_hours")
    cause = np.where(~np.isnan(struck), 1, np.where(~np.isnan(ended), 2, 0))
    until = np.choose(cause, (ensemble.column("followed_until_hours"), struck, ended))
    hours = np.maximum(until - ensemble.column("trigger_at_hours"), 0.0)
    return cumulative_incidence(hours, cause, ("first strike", "ended without one"))


def halt(ensemble: Ensemble) -> CumulativeIncidence:
    """First strike to the halt of the strikes, in the crises that had one; every end of a crisis is a halt."""
    hours, came = _watched(ensemble, "halted_at_hours", "first_strike_at_hours")
    return cumulative_incidence(hours, came, ("halt",))


def survival(ensemble: Ensemble) -> CumulativeIncidence:
    """How many crises the states see as over by the hours since their trigger, as ICB dates an end; the horizon censors."""
    hours, came = _watched(ensemble, "over_at_hours", "trigger_at_hours")
    return cumulative_incidence(np.maximum(hours, 0.0), came, ("ended",))


def _watched(ensemble: Ensemble, of: str, since: str) -> tuple[Values, NDArray[np.int8]]:
    """Hours from one time to another, or to the end of the watch, and whether it came."""
    at = ensemble.column(of)
    until = np.where(np.isnan(at), ensemble.column("followed_until_hours"), at)
    return until - ensemble.column(since), (~np.isnan(at)).astype(np.int8)


def rank(middle: Sequence[float], real: Sequence[float]) -> float:
    """Spearman's correlation of the middle of simulated times with the real ones."""
    from scipy import stats

    return float(stats.spearmanr(middle, real).statistic)


# The population scenario's figures: one function for each family of facts takes the replicates, run with an `Observer`,
# and gives figures by the id of their fact, in the fact's unit. Times are days. "Ended" crises are those not cut off.

#: A figure with its limits where there is nothing to take it from.
UNKNOWN = (math.nan, math.nan, math.nan)


def share(flags: Flags, among: Flags | None = None) -> Simulated:
    """The share of replicates that a flag holds for, with Wilson's interval."""
    chosen = flags if among is None else flags[among]
    count, number = int(chosen.sum()), int(chosen.size)
    if not number:
        return Simulated(*UNKNOWN, 0)
    lower, upper = map(float, wilson_interval(count, number))
    return Simulated(count / number, lower, upper, number)


def ratio(part: Values, whole: Values) -> Simulated:
    """A share of events that come in clusters, one cluster a replicate: a ratio of means, by linearisation.

    See Cochran (1977), Sampling Techniques, 3rd edition, section 6.4. Where none or all of the events are in the part,
    which leaves no spread to go by, the interval is Wilson's for as many events as there are clusters with any.
    """
    total = whole.sum()
    if not total:
        return Simulated(*UNKNOWN, 0)
    estimate = part.sum() / total
    clusters = int(np.count_nonzero(whole))
    if estimate in (0.0, 1.0):
        lower, upper = map(float, wilson_interval(estimate * clusters, clusters))
    else:
        reach = normal_quantile() * np.sqrt(np.sum((part - estimate * whole) ** 2)) / total
        lower, upper = max(estimate - reach, 0.0), min(estimate + reach, 1.0)
    return Simulated(float(estimate), float(lower), float(upper), int(total))


def _times(factor: float, figure: Simulated) -> Simulated:
    return Simulated(factor * figure.value, factor * figure.lower, factor * figure.upper, figure.n)


def _quantiles(what: str, days: Values, levels: Sequence[int]) -> Figures:
    found = {level: quantile_with_interval(days, level / 100) for level in levels}
    return {
        f"{what}_p{level}": Simulated(one.estimate, one.lower, one.upper, days.size)
        for level, one in found.items()
    }


def durations(ensemble: Ensemble) -> Figures:
    """Quantiles of the days from trigger to end (Kaplan-Meier: crises cut off count for as long as they were watched)."""
    curve, figures = survival(ensemble), Figures()
    for level in (10, 25, 50, 75, 90):
        days = curve.quantile(level / 100, unit=HOURS)
        figure = (days.estimate, days.lower, days.upper) if np.isfinite(days.estimate) else UNKNOWN
        value, lower, upper = map(float, figure)
        figures[f"duration_p{level}"] = Simulated(value, lower, upper, int(curve.started))
    return figures


def endings(ensemble: Ensemble) -> Figures:
    """Shares of each ending among ended crises.

    `OTHER_SHARE` of those ended without an agreement counts as ended in ICB's other ways, which the model has not.
    """
    ending = ensemble.column("ending")
    ended = ending != "unresolved"
    figures = {"ending_agreement": share(ending == "agreement", ended)}
    for kind in ENDINGS[1:-1]:
        figures[f"ending_{kind}"] = _times(1.0 - OTHER_SHARE, share(ending == kind, ended))
    return figures | {"ending_other": _times(OTHER_SHARE, share(ending != "agreement", ended))}


def worst_violence(ensemble: Ensemble) -> Figures:
    """Shares of the worst violence of a crisis."""
    worst = ensemble.column("worst_violence")
    ids = {kind: kind.replace(" ", "_").replace("-", "_") for kind in VIOLENCE}
    return {f"peak_violence_{ids[kind]}": share(worst == kind) for kind in VIOLENCE}


def mediation(ensemble: Ensemble) -> Figures:
    """The share of crises with a mediator, and how many days after the trigger mediation began where it did."""
    mediated = ensemble.column("mediated")
    started = ensemble.column("mediation_started_at_hours") - ensemble.column("trigger_at_hours")
    days = started[mediated] / HOURS
    return {"mediated": share(mediated)} | _quantiles("mediation_start", days, (25, 50, 75))


def agreement(ensemble: Ensemble) -> Figures:
    """The share of agreements among ended crises with a mediator, without one, and by the most intrusive style."""
    ending, mediated = ensemble.column("ending"), ensemble.column("mediated")
    style = ensemble.column("mediation_style")
    among = {"if_mediated": mediated, "if_unmediated": ~mediated}
    among |= {one: style == one for one in STYLES}
    agreed, ended = ending == "agreement", ending != "unresolved"
    return {f"agreement_{name}": share(agreed, ended & of) for name, of in among.items()}


def responses(ensemble: Ensemble) -> Figures:
    """How states answered a violent trigger, among those that did, and after how many days."""
    kinds = np.concatenate([ensemble.column(response_column(name)) for name in ensemble.states])
    times = [ensemble.column(response_time_column(name)) for name in ensemble.states]
    days = np.concatenate(times)[kinds != ""] / HOURS
    kinds = kinds[kinds != ""]
    figures = {f"response_{kind}": share(kinds == kind) for kind in RESPONSES[1:4]}
    figures["violent_response"] = share(kinds == "violent")
    return figures | _quantiles("response_days", days, (25, 50, 75, 90))


def nuclear_use(ensemble: Ensemble) -> Figures:
    """The share of crises between nuclear powers in which a nuclear weapon was used."""
    used = ~np.isnan(ensemble.column("nuclear_use_at_hours"))
    if "nuclear_pair" in ensemble.table.column_names:
        return {"nuclear_use": share(used, np.asarray(ensemble.column("nuclear_pair"), bool))}
    both = all(state["nuclear"] in (True, 1.0) for state in ensemble.scenario["states"].values())
    return {"nuclear_use": share(used, np.full(ensemble.replicates, both))}


def transitions(ensemble: Ensemble) -> Figures:
    """For each kind of act, the share of acts that were followed by each kind, or by the end; and the share with war.

    Acts of one crisis hang together, so the interval is that of a ratio of means over crises.
    """
    figures = Figures()
    for act in ACTS:
        columns = {f"next_{act}_{one}": transition_column(act, one) for one in NEXT}
        counts = {name: ensemble.column(one).astype(float) for name, one in columns.items()}
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
#: The denominator of each family of shares.
AMONG = {
    "Endings": "crises that ended",
    "Worst violence": "all crises",
    "Mediation": "all crises",
    "Agreement": "crises that ended, so mediated",
    "Answer to a violent trigger": "states that answered",
    "Nuclear use": "crises between nuclear powers",
    "From act to act": "acts of the first kind; wars: of all crises",
}


def family_name(name: str) -> str:
    """A family's name with the denominator of its shares."""
    return f"{name} (% of {AMONG[name]})" if name in AMONG else name


#: Facts of the record that a crisis of one's own is held against: in words, and the measure that shows them.
_HELD_AGAINST = {
    "peak_violence_full_scale_war": ("come to full-scale war", "war"),
    "ending_agreement": ("that ended did so by agreement", "agreement"),
    "mediated": ("are mediated", "mediated"),
}


def unlike_the_record(ensemble: Ensemble) -> Iterator[str]:
    """What a scenario implies that is far from the record, in sentences: twice or half its share, and not by chance."""
    figures = worst_violence(ensemble) | endings(ensemble)
    figures["mediated"] = share(ensemble.column("mediated"))
    for name, (words, measure) in _HELD_AGAINST.items():
        fact, simulated = read_facts()[name], figures[name]
        near = fact.value / 2.0 <= simulated.value <= 2.0 * fact.value
        if math.isnan(simulated.value) or near or not fact.lower or not fact.upper:
            continue
        if simulated.lower > fact.upper or simulated.upper < fact.lower:
            yield (
                f"{text.percent(simulated.value)}% of {text.count(simulated.n)} crises {words}, against "
                f"{text.percent(fact.value)}% of {text.count(fact.n or 0)} crises since 1945 ({fact.source}). What it "
                f"hangs on: crisis-sim sensitivity FILE --outcome {measure}"
            )


# --- The whole comparison

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
        plain: dict[str, Any] = finite_or_none({
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
