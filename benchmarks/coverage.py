"""`python -m benchmarks.coverage`: measure the coverage of the 95% intervals.

Two tables: artificial data whose true values are known (`benchmarks.coverage_cases`), and the model itself, where
small batches of May 2025 and of the same crisis without mediators are compared with the difference in a very large
run of both. Figures and tables go to benchmarks/results/coverage.json and coverage.md; `python docs/tools/figures.py`
then copies the tables into docs/statistics.md.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.coverage_cases import Case, cases
from benchmarks.made_of import made_of
from benchmarks.report import FOLDER, save, table
from benchmarks.timing import talk
from crisis_sim import Batch, simulate
from crisis_sim.outcomes.intervals import Interval, difference
from crisis_sim.outcomes.measures import Reading
from crisis_sim.outcomes.named_measures import measure as named

SEED = 2025

#: The batches of the model: their number, their replicates, and the replicates of the run that gives the true values.
BATCHES, REPLICATES, TRUTH = 300, 300, 500_000
SCENARIOS = ("no_mediators", "may_2025")


@dataclass(frozen=True)
class Coverage:
    """The coverage of an interval.

    Attributes:
        case: the interval and the data.
        sets: number of data sets.
        held: share of them whose interval contains the true value.
        below, above: shares whose interval lies entirely below or above the true value.
    """

    case: Case
    sets: int
    held: float
    below: float
    above: float

    @property
    def error(self) -> float:
        """The standard error of `held` if the true coverage is within the bounds of the case."""
        low, high = self.case.holds
        expected = min(max(self.held, low), high, 1.0 - 1.0 / self.sets)
        return float(np.sqrt(expected * (1.0 - expected) / self.sets))


def limits_of(case: Case, sets: int, seed: int = SEED) -> Interval:
    """The limits in a number of data sets; the same at every call, with random numbers that no other case uses."""
    words = int.from_bytes(f"{case.statistic}: {case.setting}".encode())
    return case.limits(np.random.default_rng([seed, words]), sets)


def count(case: Case, limits: Interval) -> Coverage:
    """Measure the coverage of intervals."""
    below, above = np.mean(limits.upper < case.truth), np.mean(limits.lower > case.truth)
    held = float(1.0 - below - above)
    return Coverage(case, len(limits.lower), held, float(below), float(above))


#: Measures that are compared in the model, by their names in the table.
FIGURES = {
    "ends by agreement": "agreement",
    "full-scale war": "war",
    "ceasefire within 96 h of the first strike": "ceasefire_within_96_hours",
    "ceasefire within 7 days of the first strike": "ceasefire_within_168_hours",
}


def measure_engine(batch: Batch, replicates: int, large: Batch) -> list[dict[str, Any]]:
    """Divide a batch of two scenarios into small batches, and compare their intervals with a large run.

    Replicates are independent of each other, so that the parts are independent batches.

    Args:
        batch: the scenario and its reference, in that order.
        replicates: number in each part.
        large: the same two scenarios with another seed.

    Returns:
        for each difference its value in the large run (`truth`) with its 95% interval; the coverage of the paired
        intervals (`held`) and of intervals for independent samples (`apart`); the mean width of the former relative to
        the latter (`narrower`); and the factor by which independent samples would have to be larger for the same width
        (`worth`).
    """
    truth, small = ([Reading.of(one) for one in b.ensembles.values()] for b in (large, batch))
    batches = len(small[0].column("replicate")) // replicates
    rows = np.arange(batches * replicates).reshape(batches, replicates)
    parts = [[reading.subset(part) for reading in small] for part in rows]
    results = []
    for figure, name in FIGURES.items():
        read = named(name).read
        true = difference(read(truth[0]), read(truth[1]))
        pairs = [[read(reading) for reading in part] for part in parts]
        held, widths = [], []
        for paired in (True, False):
            found = [difference(ours, theirs, paired) for ours, theirs in pairs]
            held.append(float(np.mean([one.lower <= true.estimate <= one.upper for one in found])))
            widths.append(np.mean([one.upper - one.lower for one in found]))
        narrower = float(widths[0] / widths[1])
        limits = {"truth": true.estimate, "lower": true.lower, "upper": true.upper}
        result = {"figure": figure} | {key: float(value) for key, value in limits.items()}
        result |= {"held": held[0], "apart": held[1], "narrower": narrower, "worth": narrower**-2}
        results.append(result)
    return results


def measure(seed: int = SEED, batches: int = BATCHES, truth: int = TRUTH) -> dict[str, Any]:
    """Measure the figures of both tables, as plain data with the version of the scenarios.

    Args:
        seed: of all random numbers.
        batches: number of small batches of the model.
        truth: replicates of the run that gives the true values.
    """
    made_up = []
    for case in cases():
        talk(f"{case.statistic}: {case.setting}")
        coverage = count(case, limits_of(case, case.sets, seed))
        figures = {name: getattr(coverage, name) for name in ("sets", "held", "below", "above")}
        made_up.append({"statistic": case.statistic, "setting": case.setting} | figures)
    talk("the model")
    small = simulate(SCENARIOS, replicates=batches * REPLICATES, seed=seed)
    large = simulate(SCENARIOS, replicates=truth, seed=seed + 1)
    differences = measure_engine(small, REPLICATES, large)
    engine = {"batches": batches, "replicates": REPLICATES, "truth": truth}
    return {
        "made_of": made_of(SCENARIOS),
        "seed": seed,
        "made_up": made_up,
        "engine": {**engine, "differences": differences},
    }


def tables(figures: dict[str, Any]) -> str:
    """The findings of `measure` in Markdown, under two headings."""
    made_up, engine = figures["made_up"], figures["engine"]
    heads = "interval for|true value and sample|simulated data sets|coverage"
    heads += "|interval entirely below the truth|entirely above"
    rows = [
        (row["statistic"], row["setting"], f"{row['sets']:,}",
         *(f"{row[name]:.1%}" for name in ("held", "below", "above")))
        for row in made_up
    ]  # fmt: skip
    sizes = sorted({row["sets"] for row in made_up}, reverse=True)
    errors = ", ".join(f"{100 * np.sqrt(0.95 * 0.05 / sets):.2f} with {sets:,}" for sets in sizes)
    engine_heads = "difference|true value|its 95% interval|coverage, paired interval|coverage, independent interval"
    engine_heads += "|relative width|sample-size gain"
    differences = [
        (row["figure"], f"{100 * row['truth']:+.1f}", f"{100 * row['lower']:+.1f} to {100 * row['upper']:+.1f}",
         f"{row['held']:.1%}", f"{row['apart']:.1%}", f"{row['narrower']:.2f}", f"{row['worth']:.1f}")
        for row in engine["differences"]
    ]  # fmt: skip
    return f"""\
## Artificial data

{table(heads.split("|"), rows, texts=2)}

Monte Carlo standard error of a coverage of 95%, in percentage points, by the number of data sets: {errors}.

## The model itself

{engine["batches"]} batches of {engine["replicates"]} replicates, `{SCENARIOS[0]}` minus `{SCENARIOS[1]}`. \
The true difference is estimated from {engine["truth"]:,} other replicates of each scenario; \
it and its 95% interval are in percentage points:

{table(engine_heads.split("|"), differences)}"""


def main() -> None:
    """Measure everything, print the tables and keep them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help=f"of all random numbers; {SEED}")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for figures and tables")
    arguments = parser.parse_args()
    figures = measure(arguments.seed)
    save(arguments.out, "coverage", figures, tables(figures))


if __name__ == "__main__":
    main()
