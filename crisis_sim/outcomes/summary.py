"""The summary of a batch: every scenario's outcomes, and differences between scenarios."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim import show
from crisis_sim.outcomes.advice import advise
from crisis_sim.outcomes.durations import (
    STRIKE,
    STRIKES_PAUSED,
    NotPairedError,
    UnknownReferenceError,
)
from crisis_sim.outcomes.incidence import median_difference
from crisis_sim.outcomes.intervals import CONFIDENCE, Contrast, Estimate, Measured, difference
from crisis_sim.outcomes.measures import Measure, Reading
from crisis_sim.outcomes.names import SUMMARY_PATHS
from crisis_sim.outcomes.over_fits import Fits, differ
from crisis_sim.scenario.errors import did_you_mean, one_of
from crisis_sim.scenario.load import FIT
from crisis_sim.scenario.source import nfc
from crisis_sim.text import UNKNOWN, clean, label, number, over_fits

if TYPE_CHECKING:
    import pandas as pd

    from crisis_sim.batch import Batch, Ensemble

# --- Display in a notebook and at a prompt


class Summary(dict[str, Any]):
    """The result of `summarise`: a dictionary, with a short form for notebooks and prompts.

    `figure` and `difference` look one figure up, and `to_frame` lists all of them.
    """

    def figure(self, scenario: str, what: str, hours: float | None = None) -> Estimate:
        """One scenario's figure, with its 95% limits.

        Args:
            scenario: its name.
            what: `ceasefire`, `pause` or `relapse`, with `hours`; `median_hours` from the first strike to a ceasefire; a
                share such as `agreement`, `war` or `first_strike`; or the path of any figure, as `to_frame` lists them.
            hours: by when: 24, 72, 96, 168, 336 or 720 (the last three are 7, 14 and 30 days).

        Raises:
            KeyError: when there is no such scenario or figure; names the nearest.
        """
        return _find(self["scenarios"], scenario, what, hours)

    def difference(self, scenario: str, what: str, hours: float | None = None) -> Estimate:
        """One figure of a scenario less that of the reference, with its 95% limits; shares between -1 and 1.

        Args:
            scenario, what, hours: as for `figure`.

        Raises:
            KeyError: when there is no such scenario or figure, or the scenario is the reference.
        """
        return _find(self["differences"], scenario, what, hours)

    def to_frame(self) -> pd.DataFrame:
        """All figures, a row each.

        The index is the scenario, `less` (the scenario that it is compared with, or "" for the figure itself) and the
        figure's path; the columns are `estimate`, `lower` and `upper` (95% limits), `hours` (by when), and `of`, the number
        of crises that it is a share of. NaN stands for what cannot be known.
        """
        import pandas as pd

        rows = [
            {"scenario": name, "less": less, "figure": path, **figure}
            for key, less in (("scenarios", ""), ("differences", self["reference"]))
            for name, part in self[key].items()
            for path, figure in figures_of(part)
        ]
        columns = ["scenario", "less", "figure", "estimate", "lower", "upper", "hours", "of"]
        frame = pd.DataFrame(rows, columns=columns)
        numbers = dict.fromkeys(columns[3:], "float64")
        return frame.astype(numbers).set_index(columns[:3])

    def __repr__(self) -> str:
        names = [
            f"{name} (reference)" if name == self.get("reference") else name
            for name in self.get("scenarios", ())
        ]
        lines = [f"Summary of {', '.join(names)}", *(f"- {one}" for one in self.get("advice", ()))]
        return "\n".join(map(clean, lines))

    def _repr_html_(self) -> str:
        """Its figures, for a notebook."""
        return html_of(self)


def figures_of(part: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The figures below a part of a summary with their paths, in its order; those that cannot be known among them."""
    for key, value in part.items():
        path = f"{above}{key}"
        if value is None and path in SUMMARY_PATHS:
            yield path, {}
        elif isinstance(value, Mapping) and "estimate" in value:
            yield path, dict(value)
        elif isinstance(value, Mapping):
            yield from figures_of(value, f"{path}.")


#: Where figures that have a short name stand, from which on a moment in hours follows; and moments in days.
_BY = {
    "ceasefire": "ceasefire.from_first_strike.by.",
    "pause": "pause.by.",
    "relapse": "relapse.by.",
}
_SHARES = ("endings", "shares", "worst_violence")
_DAYS = {168: "7_days", 336: "14_days", 720: "30_days"}


def _find(parts: Mapping[str, Any], scenario: str, what: str, hours: float | None) -> Estimate:
    if scenario not in parts:
        raise KeyError(_unknown("scenario", scenario, parts))
    known = dict(figures_of(parts[scenario]))
    short = {path.rpartition(".")[2]: path for path in known if path.split(".")[0] in _SHARES}
    short["median_hours"] = "ceasefire.from_first_strike.median_hours"
    path = short.get(what, what)
    if what in _BY:
        moment = "horizon" if hours is None else _DAYS.get(int(hours), f"{hours:g}_hours")
        path = f"{_BY[what]}{moment}"
    elif hours is not None:
        raise KeyError(f"{what!r} has no figure by hours: hours go with {one_of(_BY)}")
    if path not in known:
        raise KeyError(_unknown("figure", path, known, [*_BY, *short]))
    figure = {key: known[path].get(key) for key in ("estimate", "lower", "upper")}
    return Estimate(*(math.nan if value is None else value for value in figure.values()))


def _unknown(noun: str, name: str, known: Iterable[str], named: Iterable[str] = ()) -> str:
    return f"no {noun} {name!r}{did_you_mean(name, [*known, *named])}; there are {one_of(named or known, 'and')}"


#: Rows of the tables: the measures' paths.
_SHOWN = {
    "agreement": "endings.agreement",
    "ceasefire in 24 hours": "ceasefire.from_first_strike.by.24_hours",
    "ceasefire in 72 hours": "ceasefire.from_first_strike.by.72_hours",
    "ceasefire in 96 hours": "ceasefire.from_first_strike.by.96_hours",
    "median": "ceasefire.from_first_strike.median_hours",
    "strikes paused in 96 hours": "pause.by.96_hours",
    "war": "shares.war",
    "nuclear use": "shares.nuclear_use",
}
_SHOWN_OF_DIFFERENCES = ("agreement", "ceasefire in 96 hours", "median", "war")


def html_of(summary: Mapping[str, Any]) -> str:
    """A summary as HTML."""
    parts = [
        show.table(
            ("scenario", *_SHOWN),
            _rows(summary["scenarios"], _SHOWN, "%"),
            "Outcomes in % of all crises, with 95% intervals; ceasefires, their median and pauses from the first strike, "
            "in % of crises with one. Strikes have paused when there are none for a week or for good, agreed or not",
            figures=True,
        )
    ]
    if summary["differences"]:
        parts.append(
            show.table(
                ("scenario", *_SHOWN_OF_DIFFERENCES),
                _rows(summary["differences"], _SHOWN_OF_DIFFERENCES, "", sign=True),
                f"Differences from {summary['reference']} with 95% intervals, in percentage points of all crises, for "
                "ceasefires of those with a first strike; the median in hours",
                figures=True,
            )
        )
    return show.page(*parts, show.folded("How sure this is", show.bullets(summary["advice"])))


def _rows(
    parts: Mapping[str, Any], heads: Iterable[str], unit: str, sign: bool = False
) -> Iterator[list[str]]:
    for name, part in parts.items():
        row = [name]
        for head in heads:
            figure = figure_at(part, _SHOWN[head])
            hours = head == "median"
            row.append(_figure_text(figure, *((1.0, " h") if hours else (100.0, unit)), sign))
        yield row


def figure_at(part: Mapping[str, Any], path: str) -> Any:
    """The figure at a path of a scenario's part, or of its differences; None where results of an earlier version lack it."""
    found: Any = part
    for key in path.split("."):
        found = None if found is None else found.get(key)
    return found


def _figure_text(
    figure: Mapping[str, float | None] | None, scale: float, unit: str, sign: bool
) -> str:
    """An estimate with its limits, such as "86.1% (84.5 to 87.5)"; an open limit is a dash."""
    if figure is None or figure["estimate"] is None:
        return UNKNOWN
    digits = 0 if unit == " h" else 1
    low, middle, high = (
        UNKNOWN if (value := figure[key]) is None else number(scale * value, digits, sign)
        for key in ("lower", "estimate", "upper")
    )
    over = over_fits(figure, scale, sign)
    return f"{middle}{unit} ({low} to {high}{over and '; '}{over})"


# --- The summary of a batch: the content of summary.json and of `--json`
#
# Plain data: every figure is an object with `estimate`, `lower` and `upper` (95% limits); what cannot
# be known is null, never NaN. Differences are the scenario's figure less the reference's.
#
#     seed                      of the batch; null when scenarios of several seeds were joined
#     reference                 name of the scenario the others are compared against
#     confidence                0.95
#     scenarios.NAME
#       title, label, seed, replicates, horizon_hours
#       courses.COURSE          no_strike, short_fight, long_fight, war: each crisis takes one of them
#         share                 with count and of, of all crises
#         endings.KIND          likewise, of the crises of this course
#       endings.KIND            share of each ending, with count and of: so many of so many crises
#       shares.EVENT            first_strike, mediated, war, nuclear_use    likewise
#       worst_violence.KIND     share of each                               likewise
#       ceasefire.CLOCK         from_first_strike, from_trigger
#         of, among             replicates on that clock, and which they are in words
#         by.MOMENT             cumulative incidence by then, with of, hours, standard_error, at_risk
#         median_hours          null when half is never reached
#       pause                   of, among, by.MOMENT, median_hours: no strikes for a week or for good, agreed or not,
#                               counted from the first strike; left out where results of an earlier version lack it
#       relapse                 of, among, by.MOMENT, counted from the first ceasefire
#       quantiles.WHAT          of, among and quantiles 10, 50, 90 (per cent)
#     differences.NAME          one for each scenario but the reference
#       reference, paired, pairs; then the same keys, each a difference; of a share with of and
#                               reference_of, the denominators of the two shares; shares among the
#                               crises of a course are not compared, for a change moves who is in it
#       struck_in_both          of pairs: ceasefire and pause after a first strike, in the pairs in which
#                               one fell in both scenarios (of: how many)
#     over_fits                 of a scenario that was run over the behaviours that fit: sets, effective; of its shares and
#                               of differences of shares: sets, effective, the range lower to upper in 95% of them, spread,
#                               same_sign of differences, goes_with and noise (`over_fits.OverFits`); null where too few
#                               replicates tell
#     advice                    sentences: how sure this is, and what would make it surer
#
# The moment `horizon` is the longest time for which enough replicates were watched, and `hours` says
# how long that is (`CumulativeIncidence.latest`); a moment past all watches is null. `pairs` is null,
# and `paired` false, when the scenarios are compared as independent samples.

#: The columns that a summary and its charts read: a third of all there is.
COLUMNS = (
    "replicate",
    FIT,
    *dict.fromkeys(column for one in SUMMARY_PATHS.values() for column in one.columns),
)

#: The replicates whose quantiles are given, in words.
_QUANTILES_AMONG = {
    "trigger_to_first_strike_days": "replicates with a first strike",
    "first_strike_to_ceasefire_hours": "replicates with a first strike and then a ceasefire",
    "first_strike_to_pause_hours": "replicates with a first strike and then a pause in strikes",
    "deaths": "all replicates",
}

#: The figures that count from a first strike, which are compared in the pairs struck in both, too.
_AFTER_A_STRIKE = ("ceasefire.from_first_strike.by.96_hours", "pause.by.96_hours")

#: Digits of a figure: all that double precision holds after sums over a million replicates.
_SIGNIFICANT = 10


def summarise(
    batch: Batch | Joined,
    reference: str | None = None,
    paired: bool | None = None,
    readings: Mapping[str, Reading] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Summarise every scenario of a batch and compare each with one of them.

    Args:
        batch: Batch | Joined simulated together, or joined from several batches.
        reference: Name of the scenario to compare against; the first unless given.
        paired: None pairs replicates wherever two scenarios share their luck; True insists on it;
            False compares independent samples always.
        readings: Readings of scenarios that were summarised before, to spare making them again.
        progress: Called after each scenario with how many are done, and of how many.

    Raises:
        UnknownReferenceError: `reference` names no scenario of the batch.
        NotPairedError: `paired` is True, but a scenario shares no luck with the reference.
        UnknownValueError: An outcome column holds a word that it may not hold.
        ValueError: The batch holds no scenario.
    """
    names = list(batch.ensembles)
    if not names:
        raise ValueError("there is no scenario to summarise")
    reference = names[0] if reference is None else nfc(reference)
    if reference not in batch.ensembles:
        raise UnknownReferenceError(reference, names)
    seeds = seeds_of(batch)

    readings, labels = readings or {}, labels_of(batch.ensembles)
    theirs = readings.get(reference) or Reading.of(batch.ensembles[reference])
    summary = Summary(
        seed=batch.seed, reference=reference, confidence=CONFIDENCE, scenarios={}, differences={}
    )
    for done, (name, ensemble) in enumerate(batch.ensembles.items(), 1):
        ours = theirs if name == reference else readings.get(name) or Reading.of(ensemble)
        about = {"title": ensemble.title, "label": labels[name], "seed": seeds[name]}
        summary["scenarios"][name] = about | _scenario(ensemble, ours)
        if name != reference:
            pairs = _pair((name, ours, seeds[name]), (reference, theirs, seeds[reference]), paired)
            one, other = pairs or (ours, theirs)
            fits = Fits.of(one, ensemble.scenario)
            their_fits = Fits.of(other, batch.ensembles[reference].scenario)
            figures = _differences(one, other, fits, their_fits, paired=pairs is not None)
            summary["differences"][name] = {"reference": reference, **figures}
        if progress is not None:
            progress(done, len(names))
    summary["advice"] = advise(summary)
    return summary


def labels_of(ensembles: Mapping[str, Ensemble]) -> dict[str, str]:
    """What each scenario is called in tables, charts and sentences: its label or its title, each once.

    Of those that are called alike all but the first have their name behind it, or its number: "... (2)".
    """
    labels: dict[str, str] = {}
    for name, ensemble in ensembles.items():
        called = clean(ensemble.scenario.get("label") or ensemble.title) or label(name)
        if called in labels.values():
            copy = re.search(r" \([0-9]+\)$", name)
            called += copy[0] if copy else f" ({clean(name)})"
        labels[name] = called
    return labels


def seeds_of(batch: Batch | Joined) -> dict[str, int | None]:
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
        numbers = ours.column("replicate"), theirs.column("replicate")
        if np.array_equal(*numbers):
            return ours, theirs
        _, rows, reference_rows = np.intersect1d(*numbers, assume_unique=True, return_indices=True)
        if len(rows):
            return ours.subset(rows), theirs.subset(reference_rows)
    if paired:
        raise NotPairedError(name, reference_name, (seed, reference_seed))
    return None


def _scenario(ensemble: Ensemble, reading: Reading) -> dict[str, Any]:
    fits = Fits.of(reading, ensemble.scenario)
    found: dict[str, Any] = {
        "replicates": ensemble.replicates,
        "horizon_hours": float(ensemble.horizon_hours),
    }
    if fits:
        found["over_fits"] = {"sets": len(fits.weights), **_plain(effective=fits.effective)}
    for path, measure in SUMMARY_PATHS.items():
        if not _has(reading, measure):
            continue
        measured = measure.read(reading)
        of, figure = int(measured.of), _figure(measured)
        if measure.kind == "share":
            counted = reading.holds(measure.event)
            counted = counted & reading.holds(measure.given) if measure.given else counted
            came = int(np.count_nonzero(counted))
            figure = _limits(measured) | {"count": came, "of": of}
        else:
            group = path.rpartition(".")[0].removesuffix(".by")
            _put(found, f"{group}.of", of)
            among = _QUANTILES_AMONG.get(group.rpartition(".")[2], measure.among)
            _put(found, f"{group}.among", among)
        if measure.kind == "within_hours" and measure.clock:
            curve = reading.curve(measure.clock)
            hours = measure.moment(curve, reading.horizon_hours)
            at_risk = 0 if np.isnan(measured.estimate) else int(curve.at_risk_at(hours))
            figure = _incidence(measured, hours) | {"at_risk": at_risk, "of": of}
        if fits and measured.is_share and figure:
            over = fits.levels(measured)
            figure["over_fits"] = over and over.plain(is_difference=False)
        _put(found, path, figure)
    return found


def _differences(
    ours: Reading, theirs: Reading, our_fits: Fits | None, their_fits: Fits | None, paired: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "paired": paired,
        "pairs": len(ours.column("replicate")) if paired else None,
        **_contrasts(ours, theirs, paired, SUMMARY_PATHS, our_fits, their_fits),
    }
    if paired:
        struck = [~np.isnan(each.column(STRIKE)) for each in (ours, theirs)]
        rows = np.flatnonzero(struck[0] & struck[1])
        both = ours.subset(rows), theirs.subset(rows)
        fits = [one and replace(one, row=one.row[rows]) for one in (our_fits, their_fits)]
        figures = _contrasts(*both, paired, _AFTER_A_STRIKE, *fits)
        found["struck_in_both"] = {"of": len(rows), **figures}
    return found


def _contrasts(
    ours: Reading,
    theirs: Reading,
    paired: bool,
    paths: Iterable[str],
    our_fits: Fits | None = None,
    their_fits: Fits | None = None,
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in paths:
        measure = SUMMARY_PATHS[path]
        hours, read = None, measure.read
        if measure.kind == "quantile" or measure.given:
            continue
        if not (_has(ours, measure) and _has(theirs, measure)):
            continue
        if measure.kind == "time_quantile" and measure.clock:
            # The same stream draws the same replicates from both, another independently.
            medians = ours.median(measure.clock), theirs.median(measure.clock, int(not paired))
            _put(found, path, _figure(median_difference(*medians)))
            continue
        if measure.kind == "within_hours" and measure.clock:
            horizon = min(ours.horizon_hours, theirs.horizon_hours)
            curves = (each.curve(measure.clock) for each in (ours, theirs))
            hours = min(measure.moment(curve, horizon) for curve in curves)
            read = replace(measure, hours=hours).read
        one, other = read(ours), read(theirs)
        contrast = difference(one, other, paired)
        figure = _figure(contrast) if hours is None else _incidence(contrast, hours)
        of = {"of": int(one.of), "reference_of": int(other.of)}
        if our_fits and their_fits and one.is_share and figure:
            over = differ(one, our_fits, other, their_fits, paired)
            figure["over_fits"] = over and over.plain()
        _put(found, path, figure and figure | of)
    return found


def _has(reading: Reading, measure: Measure) -> bool:
    """Whether there is what a measure needs: results of an earlier version know of no pauses."""
    if STRIKES_PAUSED in measure.columns:
        try:
            reading.column(STRIKES_PAUSED)
        except KeyError:
            return False
    return True


def _put(found: dict[str, Any], path: str, figure: Any) -> None:
    *groups, key = path.split(".")
    for group in groups:
        found = found.setdefault(group, {})
    found[key] = figure


def _limits(figure: Measured | Contrast | Estimate) -> dict[str, Any]:
    return _plain(estimate=figure.estimate, lower=figure.lower, upper=figure.upper)


def _figure(figure: Measured | Contrast | Estimate) -> dict[str, Any] | None:
    return _limits(figure) if np.isfinite(figure.estimate) else None


def _incidence(figure: Measured | Contrast, hours: float) -> dict[str, Any]:
    error = np.where(np.isnan(figure.estimate), np.nan, figure.standard_error)
    return _limits(figure) | _plain(standard_error=error, hours=hours)


def _plain(**figures: Any) -> dict[str, Any]:
    """Floats rounded to their known digits; None where unknown, as JSON has no NaN."""
    return {
        key: float(f"{value:.{_SIGNIFICANT}g}") if np.isfinite(value) else None
        for key, value in figures.items()
    }


# --- Joining scenarios of several batches


@dataclass(frozen=True)
class Joined:
    """Scenarios of several batches, in the order given; reads like a batch.

    Attributes:
        ensembles: Each scenario's replicates by name. A name that came before gets a number:
            `may_2025`, `may_2025 (2)`.
        seeds: The seed of each scenario's luck by the same names; None where it is not known.
        manifest: `seed` and, under `joined`, the manifests of the batches.
    """

    ensembles: Mapping[str, Ensemble]
    seeds: Mapping[str, int | None]
    manifest: dict[str, Any]

    @property
    def seed(self) -> int | None:
        """The seed that all scenarios share, or None."""
        seed: int | None = self.manifest["seed"]
        return seed


def join(*sources: Batch | Joined | Ensemble) -> Joined:
    """Put the scenarios of several batches, or single ensembles, together.

    A single ensemble's luck is known if it has a `seed` of its own; else it is paired with none.

    Raises:
        ValueError: There is nothing to join.
    """
    from crisis_sim.batch.ensemble import Ensemble

    ensembles: dict[str, Ensemble] = {}
    seeds: dict[str, int | None] = {}
    for source in sources:
        if isinstance(source, Ensemble):
            given, known = {source.name: source}, {source.name: getattr(source, "seed", None)}
        else:
            given, known = dict(source.ensembles), seeds_of(source)
        for name, ensemble in given.items():
            copies = (f"{name} ({copy})" if copy > 1 else name for copy in count(1))
            own = next(one for one in copies if one not in ensembles)
            ensembles[own], seeds[own] = ensemble, known[name]
    if not ensembles:
        raise ValueError("there is no scenario to compare")
    distinct = set(seeds.values())
    seed = distinct.pop() if len(distinct) == 1 else None
    manifests = [one.manifest for one in sources if not isinstance(one, Ensemble)]
    return Joined(ensembles, seeds, {"seed": seed, "joined": manifests})


def compare(
    *sources: Batch | Joined | Ensemble, reference: str | None = None, paired: bool | None = None
) -> Summary:
    """Summarise scenarios of several batches, each compared with the reference.

    Two scenarios are compared replicate by replicate only where their luck is the same: the same
    seed, and replicate numbers in common. Otherwise they are independent samples, and their
    difference says `"paired": false`.

    Args:
        sources: Batches, or single ensembles, in the order wanted.
        reference: Name of the scenario to compare against; the first unless given.
        paired: True to insist on pairs, False to have none; None as each pair of scenarios allows.

    Raises:
        NotPairedError: `paired` is True, but a scenario shares no luck with the reference.
        UnknownReferenceError: `reference` names none of the scenarios.
        ValueError: There is nothing to compare.
    """
    return summarise(join(*sources), reference, paired)
