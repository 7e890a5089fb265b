"""The summary of a batch: the outcomes of each scenario, and differences between scenarios."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim import notebook
from crisis_sim.outcomes.certainty import advise
from crisis_sim.outcomes.durations import (
    STRIKE,
    NotPairedError,
    UnknownReferenceError,
)
from crisis_sim.outcomes.incidence import median_difference
from crisis_sim.outcomes.intervals import CONFIDENCE, Contrast, Estimate, Measured, difference
from crisis_sim.outcomes.measures import Reading
from crisis_sim.outcomes.named_measures import SUMMARY_PATHS
from crisis_sim.outcomes.over_fits import Fits, differ
from crisis_sim.scenario.errors import did_you_mean, one_of
from crisis_sim.scenario.fits import FIT
from crisis_sim.scenario.yaml_text import nfc
from crisis_sim.text import UNKNOWN, clean, label, number, over_fits

if TYPE_CHECKING:
    import pandas as pd

    from crisis_sim.batch import Batch, Ensemble

# --- Display in a notebook and at a prompt


class Summary(dict[str, Any]):
    """The result of `summarise`: a dictionary with a short form for notebooks and prompts.

    `figure` and `difference` return single figures; `to_frame` returns all of them.
    """

    def figure(self, scenario: str, what: str, hours: float | None = None) -> Estimate:
        """Return a figure of a scenario, with its 95% limits.

        Args:
            scenario: the scenario's name.
            what: `ceasefire`, `pause` or `relapse`, with `hours`; `median_hours` from the first strike to a ceasefire; a
                share such as `agreement`, `war` or `first_strike`; or the path of any figure in `to_frame`.
            hours: the time limit: 24, 72, 96, 168, 336 or 720 (the last three are 7, 14 and 30 days).

        Raises:
            KeyError: there is no such scenario or figure; the message suggests the nearest name.
        """
        return _find(self["scenarios"], scenario, what, hours)

    def difference(self, scenario: str, what: str, hours: float | None = None) -> Estimate:
        """Return the difference of a scenario's figure from the reference, with its 95% limits.

        Differences of shares are between -1 and 1.

        Args:
            scenario, what, hours: as for `figure`.

        Raises:
            KeyError: there is no such scenario or figure, or the scenario is the reference.
        """
        return _find(self["differences"], scenario, what, hours)

    def to_frame(self) -> pd.DataFrame:
        """Return all figures, a row each.

        The index is the scenario, `less` (the scenario that it is compared with, or "" for the figure itself) and the
        figure's path. The columns are `estimate`, `lower` and `upper` (95% limits), `hours` (the time limit), and `of`, the
        denominator of a share. Unknown values are NaN.
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
        lines = [f"Summary of {', '.join(names)}"]
        lines += [f"- {sentence}" for sentence in self.get("advice", ())]
        return "\n".join(map(clean, lines))

    def _repr_html_(self) -> str:
        """The figures, for a notebook."""
        parts = [
            notebook.table(
                ("scenario", *_SHOWN),
                _rows(self["scenarios"], _SHOWN, "%"),
                "Outcomes in % of all crises, with 95% intervals; ceasefires, their median and pauses from the first "
                "strike, in % of crises with one. Strikes have paused when there are none for a week or for good, with "
                "or without an agreement",
                figures=True,
            )
        ]
        if self["differences"]:
            parts.append(
                notebook.table(
                    ("scenario", *_SHOWN_OF_DIFFERENCES),
                    _rows(self["differences"], _SHOWN_OF_DIFFERENCES, "", sign=True),
                    f"Differences from {self['reference']} with 95% intervals, in percentage points of all crises, for "
                    "ceasefires of those with a first strike; the median in hours",
                    figures=True,
                )
            )
        return notebook.page(
            *parts, notebook.folded("How sure this is", notebook.bullets(self["advice"]))
        )


def figures_of(part: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the path of each figure in a part of a summary with the figure, empty if unknown."""
    for key, value in part.items():
        path = f"{above}{key}"
        if value is None and path in SUMMARY_PATHS:
            yield path, {}
        elif isinstance(value, Mapping) and "estimate" in value:
            yield path, dict(value)
        elif isinstance(value, Mapping):
            yield from figures_of(value, f"{path}.")


#: Path prefixes of figures with a short name and a time limit; time limits given in days, by hours.
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


#: Columns of the tables: heading and path.
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
    """Return the figure at a path of a scenario's part or of a difference; None if it is missing."""
    value: Any = part
    for key in path.split("."):
        value = None if value is None else value.get(key)
    return value


def _figure_text(
    figure: Mapping[str, float | None] | None, scale: float, unit: str, sign: bool
) -> str:
    """Format an estimate with its limits, such as "86.1% (84.5 to 87.5)"; an unknown limit is a dash."""
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
# Plain data: every figure is an object with `estimate`, `lower` and `upper` (95% limits); unknown values
# are null, never NaN. A difference is the scenario's figure minus the reference's.
#
#     seed                      of the batch; null if scenarios with different seeds were joined
#     reference                 name of the scenario that the others are compared with
#     confidence                0.95
#     scenarios.NAME
#       title, label, seed, replicates, horizon_hours
#       courses.COURSE          no_strike, short_fight, long_fight, war: each crisis takes one of them
#         share                 with count and of, among all crises
#         endings.KIND          likewise, among the crises of this course
#       endings.KIND            share of each ending, with count and of (numerator and denominator)
#       shares.EVENT            first_strike, mediated, war, nuclear_use    likewise
#       worst_violence.KIND     share of each                               likewise
#       ceasefire.CLOCK         from_first_strike, from_trigger
#         of, among             number of replicates on that clock, and their description
#         by.MOMENT             cumulative incidence, with of, hours, standard_error, at_risk
#         median_hours          null if never reached
#       pause                   of, among, by.MOMENT, median_hours: no strikes for a week or for good, with or without
#                               an agreement, counted from the first strike
#       relapse                 of, among, by.MOMENT, counted from the first ceasefire
#       quantiles.WHAT          of, among and quantiles 10, 50, 90 (per cent)
#     differences.NAME          one for each scenario except the reference
#       reference, paired, pairs; then the same keys, each a difference; for a share with of and
#                               reference_of, the two denominators; shares among the crises of a course
#                               are not compared, because a scenario also changes which crises take it
#       struck_in_both          if paired: ceasefire and pause after a first strike, in the pairs with a
#                               first strike in both scenarios (of: their number)
#     over_fits                 for a scenario run over the parameter sets that fit: sets, effective; for its shares and
#                               differences of shares: sets, effective, the range lower to upper in 95% of the sets, spread,
#                               same_sign (differences only), goes_with and noise (`over_fits.OverFits`); null if there
#                               are too few replicates
#     advice                    sentences: how certain this is, and what would make it more certain
#
# The moment `horizon` is the longest time for which enough replicates were observed, in `hours`
# (`CumulativeIncidence.latest`); moments after the longest observation are null. `pairs` is null,
# and `paired` false, if the scenarios are compared as independent samples.

#: The columns that a summary and its charts read: a third of all there is.
COLUMNS = (
    "replicate",
    FIT,
    *dict.fromkeys(column for one in SUMMARY_PATHS.values() for column in one.columns),
)

#: The denominators of quantiles, in words.
_QUANTILES_AMONG = {
    "trigger_to_first_strike_days": "replicates with a first strike",
    "first_strike_to_ceasefire_hours": "replicates with a first strike and then a ceasefire",
    "first_strike_to_pause_hours": "replicates with a first strike and then a pause in strikes",
    "deaths": "all replicates",
}

#: Figures after a first strike, which are also compared in the pairs struck in both.
_AFTER_A_STRIKE = ("ceasefire.from_first_strike.by.96_hours", "pause.by.96_hours")

#: Significant digits of a figure: the precision of sums over a million replicates.
_SIGNIFICANT = 10


def summarise(
    batch: Batch | Joined,
    reference: str | None = None,
    paired: bool | None = None,
    readings: Mapping[str, Reading] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Summarise the scenarios of a batch and compare them with one of them.

    Args:
        batch: Scenarios simulated together, or joined from several batches.
        reference: Name of the scenario to compare with; by default the first.
        paired: None pairs replicates of scenarios with common random numbers; True requires it; False
            always compares independent samples.
        readings: Readings of scenarios that were summarised before, to reuse.
        progress: Called after each scenario with the number done and the total.

    Raises:
        UnknownReferenceError: `reference` is not a scenario of the batch.
        NotPairedError: `paired` is True, but a scenario and the reference have no common random numbers.
        UnknownValueError: An outcome column contains an invalid value.
        ValueError: The batch contains no scenario.
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
            our_rows, their_rows = pairs or (ours, theirs)
            our_fits = Fits.of(our_rows, ensemble.scenario)
            their_fits = Fits.of(their_rows, batch.ensembles[reference].scenario)
            figures = _differences(
                our_rows, their_rows, our_fits, their_fits, paired=pairs is not None
            )
            summary["differences"][name] = {"reference": reference, **figures}
        if progress is not None:
            progress(done, len(names))
    summary["advice"] = advise(summary)
    return summary


def labels_of(ensembles: Mapping[str, Ensemble]) -> dict[str, str]:
    """Return a unique label for each scenario in tables, charts and sentences: its label or title.

    If several are equal, all but the first are followed by their name or, for copies, their number: "... (2)".
    """
    labels: dict[str, str] = {}
    for name, ensemble in ensembles.items():
        text = clean(ensemble.scenario.get("label") or ensemble.title) or label(name)
        if text in labels.values():
            copy = re.search(r" \([0-9]+\)$", name)
            text += copy[0] if copy else f" ({clean(name)})"
        labels[name] = text
    return labels


def seeds_of(batch: Batch | Joined) -> dict[str, int | None]:
    """Return the seed of each scenario."""
    seeds: Mapping[str, int | None] = getattr(batch, "seeds", {})
    return {name: seeds.get(name, batch.seed) for name in batch.ensembles}


def _pair(
    scenario: tuple[str, Reading, int | None],
    reference: tuple[str, Reading, int | None],
    paired: bool | None,
) -> tuple[Reading, Reading] | None:
    """Return both readings of the replicates with common random numbers; None if there are none."""
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
    part: dict[str, Any] = {
        "replicates": ensemble.replicates,
        "horizon_hours": float(ensemble.horizon_hours),
    }
    if fits:
        part["over_fits"] = {"sets": len(fits.weights), **_plain(effective=fits.effective)}
    for path, measure in SUMMARY_PATHS.items():
        measured = measure.read(reading)
        of, figure = int(measured.of), _figure(measured)
        if measure.kind == "share":
            counted = reading.holds(measure.event)
            counted = counted & reading.holds(measure.given) if measure.given else counted
            came = int(np.count_nonzero(counted))
            figure = _limits(measured) | {"count": came, "of": of}
        else:
            group = path.rpartition(".")[0].removesuffix(".by")
            _put(part, f"{group}.of", of)
            among = _QUANTILES_AMONG.get(group.rpartition(".")[2], measure.among)
            _put(part, f"{group}.among", among)
        if measure.kind == "within_hours" and measure.clock:
            curve = reading.curve(measure.clock)
            hours = measure.moment(curve, reading.horizon_hours)
            at_risk = 0 if np.isnan(measured.estimate) else int(curve.at_risk_at(hours))
            figure = _incidence(measured, hours) | {"at_risk": at_risk, "of": of}
        if fits and measured.is_share and figure:
            over = fits.levels(measured)
            figure["over_fits"] = over and over.plain(is_difference=False)
        _put(part, path, figure)
    return part


def _differences(
    ours: Reading, theirs: Reading, our_fits: Fits | None, their_fits: Fits | None, paired: bool
) -> dict[str, Any]:
    part: dict[str, Any] = {
        "paired": paired,
        "pairs": len(ours.column("replicate")) if paired else None,
        **_contrasts(ours, theirs, paired, SUMMARY_PATHS, our_fits, their_fits),
    }
    if paired:
        struck = [~np.isnan(each.column(STRIKE)) for each in (ours, theirs)]
        rows = np.flatnonzero(struck[0] & struck[1])
        both = ours.subset(rows), theirs.subset(rows)
        fits = [each and replace(each, row=each.row[rows]) for each in (our_fits, their_fits)]
        figures = _contrasts(*both, paired, _AFTER_A_STRIKE, *fits)
        part["struck_in_both"] = {"of": len(rows), **figures}
    return part


def _contrasts(
    ours: Reading,
    theirs: Reading,
    paired: bool,
    paths: Iterable[str],
    our_fits: Fits | None = None,
    their_fits: Fits | None = None,
) -> dict[str, Any]:
    part: dict[str, Any] = {}
    for path in paths:
        measure = SUMMARY_PATHS[path]
        hours, read = None, measure.read
        if measure.kind == "quantile" or measure.given:
            continue
        if measure.kind == "time_quantile" and measure.clock:
            # The same stream draws the same replicates from both; another stream draws independently.
            medians = ours.median(measure.clock), theirs.median(measure.clock, int(not paired))
            _put(part, path, _figure(median_difference(*medians)))
            continue
        if measure.kind == "within_hours" and measure.clock:
            horizon = min(ours.horizon_hours, theirs.horizon_hours)
            curves = (each.curve(measure.clock) for each in (ours, theirs))
            hours = min(measure.moment(curve, horizon) for curve in curves)
            read = replace(measure, hours=hours).read
        our_figure, their_figure = read(ours), read(theirs)
        contrast = difference(our_figure, their_figure, paired)
        figure = _figure(contrast) if hours is None else _incidence(contrast, hours)
        of = {"of": int(our_figure.of), "reference_of": int(their_figure.of)}
        if our_fits and their_fits and our_figure.is_share and figure:
            over = differ(our_figure, our_fits, their_figure, their_fits, paired)
            figure["over_fits"] = over and over.plain()
        _put(part, path, figure and figure | of)
    return part


def _put(part: dict[str, Any], path: str, figure: Any) -> None:
    *groups, key = path.split(".")
    for group in groups:
        part = part.setdefault(group, {})
    part[key] = figure


def _limits(figure: Measured | Contrast | Estimate) -> dict[str, Any]:
    return _plain(estimate=figure.estimate, lower=figure.lower, upper=figure.upper)


def _figure(figure: Measured | Contrast | Estimate) -> dict[str, Any] | None:
    return _limits(figure) if np.isfinite(figure.estimate) else None


def _incidence(figure: Measured | Contrast, hours: float) -> dict[str, Any]:
    error = np.where(np.isnan(figure.estimate), np.nan, figure.standard_error)
    return _limits(figure) | _plain(standard_error=error, hours=hours)


def _plain(**figures: Any) -> dict[str, Any]:
    """Round floats to `_SIGNIFICANT` digits, with None for unknown values, as JSON has no NaN."""
    return {
        key: float(f"{value:.{_SIGNIFICANT}g}") if np.isfinite(value) else None
        for key, value in figures.items()
    }


# --- Joining scenarios of several batches


@dataclass(frozen=True)
class Joined:
    """Scenarios of several batches, in the order given, with the interface of a batch.

    Attributes:
        ensembles: Each scenario's replicates by name. Repeated names are numbered: `may_2025`,
            `may_2025 (2)`.
        seeds: The seed of each scenario by the same names; None if unknown.
        manifest: `seed` and, under `joined`, the manifests of the batches.
    """

    ensembles: Mapping[str, Ensemble]
    seeds: Mapping[str, int | None]
    manifest: dict[str, Any]

    @property
    def seed(self) -> int | None:
        """The common seed of all scenarios, or None."""
        seed: int | None = self.manifest["seed"]
        return seed


def join(*sources: Batch | Joined | Ensemble) -> Joined:
    """Join the scenarios of several batches, or single ensembles.

    A single ensemble without a `seed` cannot be paired with others.

    Raises:
        ValueError: There is nothing to join.
    """
    from crisis_sim.batch.ensemble import Ensemble

    ensembles: dict[str, Ensemble] = {}
    seeds: dict[str, int | None] = {}
    for source in sources:
        if isinstance(source, Ensemble):
            added, known = {source.name: source}, {source.name: getattr(source, "seed", None)}
        else:
            added, known = dict(source.ensembles), seeds_of(source)
        for name, ensemble in added.items():
            copies = (f"{name} ({copy})" if copy > 1 else name for copy in count(1))
            unique = next(copy for copy in copies if copy not in ensembles)
            ensembles[unique], seeds[unique] = ensemble, known[name]
    if not ensembles:
        raise ValueError("there is no scenario to compare")
    distinct = set(seeds.values())
    seed = distinct.pop() if len(distinct) == 1 else None
    manifests = [each.manifest for each in sources if not isinstance(each, Ensemble)]
    return Joined(ensembles, seeds, {"seed": seed, "joined": manifests})


def compare(
    *sources: Batch | Joined | Ensemble, reference: str | None = None, paired: bool | None = None
) -> Summary:
    """Summarise scenarios of several batches and compare them with the reference.

    Two scenarios are paired by replicate only if they have the same seed and common replicate numbers.
    Otherwise they are independent samples, and their difference has `"paired": false`.

    Args:
        sources: Batches, or single ensembles, in the order of the summary.
        reference: Name of the scenario to compare with; by default the first.
        paired: None pairs scenarios if possible; True requires it; False never pairs.

    Raises:
        NotPairedError: `paired` is True, but a scenario and the reference have no common random numbers.
        UnknownReferenceError: `reference` is not one of the scenarios.
        ValueError: There is nothing to compare.
    """
    return summarise(join(*sources), reference, paired)
