"""What the population scenario gives for each fact of the record: one function for each family of facts.

Each takes the replicates of the population, run with an `Observer`, and gives the figures by the id of their fact, in the
fact's unit. Times are days. "Ended" crises are those that the horizon did not cut off.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crisis_sim.batch.ensemble import Ensemble
from crisis_sim.model.observer import (
    ACTS,
    NEXT,
    RESPONSES,
    response_column,
    response_time_column,
    transition_column,
)
from crisis_sim.outcomes.incidence import CumulativeIncidence, cumulative_incidence
from crisis_sim.outcomes.intervals import (
    UNKNOWN,
    Estimate,
    normal_quantile,
    quantile_with_interval,
    wilson_interval,
)
from crisis_sim.scenario.schema import ENDINGS, STYLES, VIOLENCE
from crisis_sim.validation.verdict import Measured

HOURS = 24.0
Figures = dict[str, Measured]
Flags = NDArray[np.bool_]


def survival(ensemble: Ensemble) -> CumulativeIncidence:
    """How many crises have ended, in any way, by the hours since their trigger; the horizon censors."""
    ended = ensemble.column("ended_at_hours")
    until = np.where(np.isnan(ended), ensemble.column("followed_until_hours"), ended)
    hours = np.maximum(until - ensemble.column("trigger_at_hours"), 0.0)
    return cumulative_incidence(hours, (~np.isnan(ended)).astype(np.int8), ("ended",))


def durations(ensemble: Ensemble) -> Figures:
    """Quantiles of the days from trigger to end (Kaplan-Meier: crises cut off count for as long as they were watched)."""
    curve = survival(ensemble)
    figures = {}
    for level in (10, 25, 50, 75, 90):
        hours = curve.quantile(level / 100)
        figures[f"duration_p{level}"] = Measured(
            UNKNOWN
            if hours is None
            else Estimate(hours.estimate / HOURS, hours.lower / HOURS, hours.upper / HOURS),
            curve.started,
        )
    return figures


def endings(ensemble: Ensemble) -> Figures:
    """Shares of each ending among ended crises; the record's "other" has no counterpart."""
    ending = ensemble.column("ending")
    ended = ending != "unresolved"
    figures = {
        f"ending_{kind}": share(ending == kind, ended) for kind in ENDINGS if kind != "unresolved"
    }
    return figures | {"ending_other": Measured(UNKNOWN, int(ended.sum()))}


def worst_violence(ensemble: Ensemble) -> Figures:
    """Shares of the worst violence of a crisis."""
    worst = ensemble.column("worst_violence")
    return {
        f"peak_violence_{kind.replace(' ', '_').replace('-', '_')}": share(worst == kind)
        for kind in VIOLENCE
    }


def mediation(ensemble: Ensemble) -> Figures:
    """The share of crises with a mediator, and how many days after the trigger mediation began where it did."""
    mediated = ensemble.column("mediated")
    started = ensemble.column("mediation_started_at_hours") - ensemble.column("trigger_at_hours")
    days = started[mediated] / HOURS
    quantiles = {
        f"mediation_start_p{level}": Measured(quantile_with_interval(days, level / 100), days.size)
        for level in (25, 50, 75)
    }
    return {"mediated": share(mediated)} | quantiles


def agreement(ensemble: Ensemble) -> Figures:
    """The share of agreements among ended crises with a mediator, without one, and by the most intrusive style."""
    ending, mediated = ensemble.column("ending"), ensemble.column("mediated")
    ended, agreed = ending != "unresolved", ending == "agreement"
    style = ensemble.column("mediation_style")
    figures = {
        "agreement_if_mediated": share(agreed, ended & mediated),
        "agreement_if_unmediated": share(agreed, ended & ~mediated),
    }
    return figures | {f"agreement_{one}": share(agreed, ended & (style == one)) for one in STYLES}


def responses(ensemble: Ensemble) -> Figures:
    """How states answered a violent trigger, among those that did, and after how many days."""
    kinds, days = answers(ensemble)
    named = dict(
        zip(RESPONSES[1:4], ("verbal", "political_or_economic", "nonviolent_military"), strict=True)
    )
    figures = {f"response_{fact}": share(kinds == kind) for kind, fact in named.items()}
    figures["violent_response"] = share(kinds == "violent")
    return figures | {
        f"response_days_p{level}": Measured(quantile_with_interval(days, level / 100), days.size)
        for level in (25, 50, 75, 90)
    }


def answers(ensemble: Ensemble) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """The kind of every answer to a violent trigger, and the days that it took, over the states that gave one."""
    kinds = np.concatenate([ensemble.column(response_column(name)) for name in ensemble.states])
    hours = np.concatenate(
        [ensemble.column(response_time_column(name)) for name in ensemble.states]
    )
    given = kinds != ""
    return kinds[given], hours[given] / HOURS


def nuclear_use(ensemble: Ensemble) -> Figures:
    """The share of crises between nuclear powers in which a nuclear weapon was used."""
    used = ~np.isnan(ensemble.column("nuclear_use_at_hours"))
    return {"nuclear_use": share(used, nuclear_pairs(ensemble))}


def nuclear_pairs(ensemble: Ensemble) -> Flags:
    """Whether both states of each replicate have nuclear weapons."""
    if "nuclear_pair" in ensemble.table.column_names:
        return np.asarray(ensemble.column("nuclear_pair"), bool)
    both = all(state["nuclear"] in (True, 1.0) for state in ensemble.scenario["states"].values())
    return np.full(ensemble.replicates, both)


def transitions(ensemble: Ensemble) -> Figures:
    """For each kind of act, the share of acts that were followed by each kind, or by the end; and the share with war.

    Acts of one crisis hang together, so the interval is that of a ratio of means over crises.
    """
    figures = {}
    for act in ACTS:
        counts = {
            following: ensemble.column(transition_column(act, following)).astype(np.float64)
            for following in NEXT
        }
        acts = np.sum(list(counts.values()), axis=0)
        for following, count in counts.items():
            figures[f"next_{act}_{following}"] = ratio(count, acts)
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


def share(flags: Flags, among: Flags | None = None) -> Measured:
    """The share of replicates that a flag holds for, with Wilson's interval."""
    chosen = flags if among is None else flags[among]
    count, number = int(chosen.sum()), int(chosen.size)
    if not number:
        return Measured(UNKNOWN, 0)
    lower, upper = wilson_interval(count, number)
    return Measured(Estimate(count / number, float(lower), float(upper)), number)


def ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> Measured:
    """A share of events that come in clusters, one cluster a replicate: a ratio of means, by linearisation.

    See Cochran (1977), Sampling Techniques, 3rd edition, section 6.4. Where none or all of the events are in the part,
    which leaves no spread to go by, the interval is Wilson's for as many events as there are clusters with any.
    """
    total = whole.sum()
    if not total:
        return Measured(UNKNOWN, 0)
    estimate = part.sum() / total
    clusters = int(np.count_nonzero(whole))
    if estimate in (0.0, 1.0):
        lower, upper = (float(one) for one in wilson_interval(estimate * clusters, clusters))
    else:
        reach = normal_quantile() * np.sqrt(np.sum((part - estimate * whole) ** 2)) / total
        lower, upper = max(estimate - reach, 0.0), min(estimate + reach, 1.0)
    return Measured(Estimate(float(estimate), float(lower), float(upper)), int(total))
