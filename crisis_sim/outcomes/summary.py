"""The summary of a batch: what summary.json holds and `--json` prints.

Everything in it is plain data. Every figure is an object with `estimate`, `lower` and
`upper` (95% limits); what cannot be known is null, never NaN. Shares and incidences run from 0
to 1, differences are the scenario's figure less the reference's. The keys::

    seed                      of the batch; null when scenarios of several seeds were joined
    reference                 name of the scenario the others are compared against
    confidence                0.95
    scenarios.NAME
      title, seed, replicates, horizon_hours
      endings.KIND            share of each ending, with count and of: so many of so many crises
      shares.EVENT            first_strike, mediated, war, nuclear_use    likewise
      worst_violence.KIND     share of each                               (records.WORST_VIOLENCE)
      ceasefire.CLOCK         from_first_strike, from_trigger
        of, among             replicates on that clock, which shares are shares of, and which they
                              are in words
        by.MOMENT             24_hours, 72_hours, 96_hours, 7_days, 14_days, 30_days, horizon:
                              cumulative incidence by then, with of, hours, standard_error, at_risk
        median_hours          null when half is never reached
      relapse                 of, among, by.7_days and by.14_days, counted from the first ceasefire
      quantiles.WHAT          of, among and quantiles 10, 50, 90 (per cent) of
                              trigger_to_first_strike_days, first_strike_to_ceasefire_hours, deaths
    differences.NAME          one for each scenario but the reference
      reference, paired, pairs
      endings, shares, worst_violence, ceasefire.CLOCK.by, ceasefire.CLOCK.median_hours, relapse.by
                              the same keys, each a difference; of a share with of and
                              reference_of, the denominators of the two shares
    advice                    sentences: how sure this is, and what would make it surer

On a clock that starts at the first strike, watches end at different times; there `horizon` means
the longest time for which enough replicates were watched (`CumulativeIncidence.latest`), and
`hours` says how long that is. A moment past all watches is null. `pairs` is null, and `paired`
false, when the scenarios share no luck; the differences are then those of
independent samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from crisis_sim.outcomes.advice import advise
from crisis_sim.outcomes.durations import AMONG
from crisis_sim.outcomes.errors import NotPairedError, UnknownReferenceError
from crisis_sim.outcomes.incidence import CumulativeIncidence, IncidenceAt
from crisis_sim.outcomes.intervals import (
    CONFIDENCE,
    BoolArray,
    Estimate,
    FloatArray,
    quantile_with_interval,
    wilson_interval,
)
from crisis_sim.outcomes.paired import (
    IncidenceDifference,
    incidence_difference,
    match_replicates,
    median_difference,
    share_difference,
)
from crisis_sim.outcomes.reading import Reading
from crisis_sim.outcomes.records import Replicates, Scenarios
from crisis_sim.outcomes.shown import Summary

#: The columns that a summary and its charts read: a third of all there is.
COLUMNS = (
    "replicate",
    "ending",
    "worst_violence",
    "mediated",
    "deaths",
    "trigger_at_hours",
    "first_strike_at_hours",
    "ceasefire_in_effect_at_hours",
    "relapsed_at_hours",
    "war_at_hours",
    "nuclear_use_at_hours",
    "ended_at_hours",
    "followed_until_hours",
)

#: Moments, in hours, by which the incidence of ceasefire is given, besides the horizon.
CEASEFIRE_MOMENTS: Mapping[str, float] = {
    "24_hours": 24.0,
    "72_hours": 72.0,
    "96_hours": 96.0,
    "7_days": 7 * 24.0,
    "14_days": 14 * 24.0,
    "30_days": 30 * 24.0,
}

#: Moments, in hours after a ceasefire, by which the incidence of relapse is given.
RELAPSE_MOMENTS: Mapping[str, float] = {"7_days": 7 * 24.0, "14_days": 14 * 24.0}

#: The clocks on which a ceasefire is awaited, in the summary's order.
CEASEFIRE_CLOCKS = ("from_first_strike", "from_trigger")

#: Quantiles given of durations and deaths, in per cent.
QUANTILES = (10, 50, 90)

#: Digits of a figure: all that double precision holds after sums over a million replicates.
_SIGNIFICANT = 10


def summarise(
    batch: Scenarios,
    reference: str | None = None,
    paired: bool | None = None,
    readings: Mapping[str, Reading] | None = None,
) -> Summary:
    """Summarise every scenario of a batch and compare each with one of them.

    Args:
        batch: Scenarios simulated together, or joined from several batches.
        reference: Name of the scenario to compare against; the first unless given.
        paired: None pairs replicates wherever two scenarios share their luck; True insists on it;
            False compares independent samples always.
        readings: Of scenarios that were summarised before, what was read then, to spare reading
            it again. What is read here is not kept.

    Returns:
        The summary, as described at the head of this module.

    Raises:
        UnknownReferenceError: `reference` names no scenario of the batch.
        NotPairedError: `paired` is True, but a scenario shares no luck with the reference.
        UnknownValueError: An outcome column holds a word that it may not hold.
        ValueError: The batch holds no scenario.
    """
    names = list(batch.ensembles)
    if not names:
        raise ValueError("there is no scenario to summarise")
    reference = names[0] if reference is None else reference
    if reference not in batch.ensembles:
        raise UnknownReferenceError(reference, names)
    seeds = seeds_of(batch)

    readings = readings or {}
    theirs = readings.get(reference) or Reading.of(batch.ensembles[reference])
    scenarios: dict[str, Any] = {}
    differences: dict[str, Any] = {}
    for name, ensemble in batch.ensembles.items():
        ours = theirs if name == reference else readings.get(name) or Reading.of(ensemble)
        scenarios[name] = _scenario(ensemble, ours, seeds[name])
        if name != reference:
            pairs = _pair((name, ours, seeds[name]), (reference, theirs, seeds[reference]), paired)
            horizon = min(ensemble.horizon_hours, batch.ensembles[reference].horizon_hours)
            differences[name] = {
                "reference": reference,
                **_differences(pairs or (ours, theirs), horizon, paired=pairs is not None),
            }
    summary = {
        "seed": batch.seed,
        "reference": reference,
        "confidence": CONFIDENCE,
        "scenarios": scenarios,
        "differences": differences,
    }
    return Summary(summary, advice=advise(summary))


def seeds_of(batch: Scenarios) -> dict[str, int | None]:
    """The seed of each scenario's luck: the batch's, unless it holds scenarios of several."""
    seeds: Mapping[str, int | None] = getattr(batch, "seeds", {})
    return {name: seeds.get(name, batch.seed) for name in batch.ensembles}


def _pair(
    scenario: tuple[str, Reading, int | None],
    reference: tuple[str, Reading, int | None],
    paired: bool | None,
) -> tuple[Reading, Reading] | None:
    """The two readings of the replicates that share their luck; None if they are independent."""
    name, ours, seed = scenario
    reference_name, theirs, reference_seed = reference
    if paired is False:
        return None
    if seed is not None and seed == reference_seed:
        rows, reference_rows = match_replicates(ours.replicate, theirs.replicate)
        if len(rows) == len(ours.replicate) == len(theirs.replicate) and rows is reference_rows:
            return ours, theirs
        if len(rows):
            return ours.subset(rows), theirs.subset(reference_rows)
    if paired:
        raise NotPairedError(name, reference_name, (seed, reference_seed))
    return None


def _scenario(ensemble: Replicates, reading: Reading, seed: int | None) -> dict[str, Any]:
    horizon = ensemble.horizon_hours
    return {
        "title": ensemble.title,
        "seed": seed,
        "replicates": ensemble.replicates,
        "horizon_hours": float(horizon),
        **{
            group: {name: _share(came) for name, came in names.items()}
            for group, names in reading.happened.items()
        },
        "ceasefire": {
            clock: {
                "of": reading.curves[clock].started,
                "among": AMONG[clock],
                "by": _incidences(reading.curves[clock], _ceasefire_moments(horizon)),
                "median_hours": _figure(reading.curves[clock].quantile()),
            }
            for clock in CEASEFIRE_CLOCKS
        },
        "relapse": {
            "of": reading.curves["relapse"].started,
            "among": AMONG["relapse"],
            "by": _incidences(reading.curves["relapse"], RELAPSE_MOMENTS),
        },
        "quantiles": _quantiles(ensemble, reading),
    }


def _ceasefire_moments(horizon_hours: float) -> dict[str, float]:
    return {**CEASEFIRE_MOMENTS, "horizon": float(horizon_hours)}


def _incidences(curve: CumulativeIncidence, moments: Mapping[str, float]) -> dict[str, Any]:
    return {
        moment: _incidence(curve.at(_watched_moment(moment, hours, curve)), of=curve.started)
        for moment, hours in moments.items()
    }


def _watched_moment(moment: str, hours: float, *curves: CumulativeIncidence) -> float:
    """The hours of a moment; of the horizon, no more than every curve was watched for."""
    return min(curve.latest(hours) for curve in curves) if moment == "horizon" else hours


def _quantiles(ensemble: Replicates, reading: Reading) -> dict[str, Any]:
    """Durations among the replicates that completed them, and deaths among all.

    A duration is known here only where both its ends came before the horizon, so these describe
    the completed ones; the incidence curves are what answers "how quickly".
    """
    first_strike = ensemble.column("first_strike_at_hours")
    to_strike = (first_strike - ensemble.column("trigger_at_hours")) / 24.0
    to_ceasefire = reading.durations["from_first_strike"]
    halted = (to_ceasefire.cause == 1) & ~np.isnan(to_ceasefire.hours)
    return {
        "trigger_to_first_strike_days": _quantiles_of(
            to_strike[~np.isnan(to_strike)], "replicates with a first strike"
        ),
        "first_strike_to_ceasefire_hours": _quantiles_of(
            to_ceasefire.hours[halted], "replicates with a first strike and then a ceasefire"
        ),
        "deaths": _quantiles_of(
            np.asarray(ensemble.column("deaths"), dtype=np.float64), "all replicates"
        ),
    }


def _quantiles_of(values: FloatArray, among: str) -> dict[str, Any]:
    return {
        "of": len(values),
        "among": among,
        **{
            str(per_cent): _figure(quantile_with_interval(values, per_cent / 100.0))
            for per_cent in QUANTILES
        },
    }


def _differences(
    readings: tuple[Reading, Reading], horizon_hours: float, paired: bool
) -> dict[str, Any]:
    ours, theirs = readings

    def incidences(clock: str, moments: Mapping[str, float]) -> dict[str, Any]:
        one, other = ours.curves[clock], theirs.curves[clock]
        return {
            moment: _incidence(
                incidence_difference(
                    one, other, _watched_moment(moment, hours, one, other), paired
                ),
                of=one.started,
                reference_of=other.started,
            )
            for moment, hours in moments.items()
        }

    return {
        "paired": paired,
        "pairs": len(ours.replicate) if paired else None,
        **{
            group: {
                name: _share_difference(came, theirs.happened[group][name], paired)
                for name, came in names.items()
            }
            for group, names in ours.happened.items()
        },
        "ceasefire": {
            clock: {
                "by": incidences(clock, _ceasefire_moments(horizon_hours)),
                "median_hours": _figure(
                    # The same stream draws the same replicates from both, another independently.
                    median_difference(ours.median(clock), theirs.median(clock, int(not paired)))
                ),
            }
            for clock in CEASEFIRE_CLOCKS
        },
        "relapse": {"by": incidences("relapse", RELAPSE_MOMENTS)},
    }


def _share(came: BoolArray) -> dict[str, Any]:
    count, of = int(np.count_nonzero(came)), len(came)
    limits = wilson_interval(count, of)
    share = count / of if of else float("nan")
    return {
        **_plain(estimate=share, lower=float(limits.lower), upper=float(limits.upper)),
        "count": count,
        "of": of,
    }


def _share_difference(ours: BoolArray, theirs: BoolArray, paired: bool) -> dict[str, Any] | None:
    figure = _figure(share_difference(ours, theirs, paired))
    return figure and {**figure, "of": len(ours), "reference_of": len(theirs)}


def _incidence(figure: IncidenceAt | IncidenceDifference, **of: int) -> dict[str, Any]:
    plain: dict[str, Any] = _plain(
        estimate=figure.estimate,
        lower=figure.lower,
        upper=figure.upper,
        standard_error=figure.standard_error,
        hours=figure.hours,
    )
    if isinstance(figure, IncidenceAt):
        plain["at_risk"] = figure.at_risk
    return {**plain, **of}


def _figure(figure: Estimate | None) -> dict[str, float | None] | None:
    if figure is None or np.isnan(figure.estimate):
        return None
    return _plain(estimate=figure.estimate, lower=figure.lower, upper=figure.upper)


def _plain(**figures: float) -> dict[str, float | None]:
    """Plain floats without the dust of rounding; null for what is not known, as JSON has no NaN."""
    return {
        key: float(f"{value:.{_SIGNIFICANT}g}") if np.isfinite(value) else None
        for key, value in figures.items()
    }
