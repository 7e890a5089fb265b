"""`python -m benchmarks.coverage`: measure the coverage of the 95% intervals.

Two tables: artificial data whose true values are known (`benchmarks.coverage_cases`), and the model itself, where
small batches of May 2025 and of the same crisis without mediators are compared with the difference in a very large
run of both. Figures and tables go to benchmarks/results/coverage.json and coverage.md; `python docs/tools/figures.py`
then copies the tables into docs/statistics.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.coverage_cases import Case, cases
from benchmarks.made_of import made_of
from benchmarks.report import table
from benchmarks.timing import talk
from crisis_sim import Batch, simulate
from crisis_sim.outcomes.intervals import Interval, difference
from crisis_sim.outcomes.measures import Reading
from crisis_sim.outcomes.names import measure as named

SEED = 2025

#: The engine's batches: how many, of how many replicates, and how large the run that is the truth.
BATCHES, REPLICATES, TRUTH = 300, 300, 500_000
SCENARIOS = ("no_mediators", "may_2025")
FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Coverage:
    """How often an interval held the truth.

    Attributes:
        case: what was asked.
        sets: in how many data sets.
        held: share of them in which the truth lay within the limits.
        below, above: shares in which the whole interval lay below the truth, or above it.
    """

    case: Case
    sets: int
    held: float
    below: float
    above: float

    @property
    def error(self) -> float:
        """The standard error of `held` from so many data sets, were the case's bounds just kept."""
        low, high = self.case.holds
        expected = min(max(self.held, low), high, 1.0 - 1.0 / self.sets)
        return float(np.sqrt(expected * (1.0 - expected) / self.sets))


def limits_of(case: Case, sets: int, seed: int = SEED) -> Interval:
    """The limits in so many data sets; the same at every call, on luck that no other case has."""
    words = int.from_bytes(f"{case.statistic}: {case.setting}".encode())
    return case.limits(np.random.default_rng([seed, words]), sets)


def count(case: Case, limits: Interval) -> Coverage:
    """How many of the intervals hold the truth."""
    below, above = np.mean(limits.upper < case.truth), np.mean(limits.lower > case.truth)
    held = float(1.0 - below - above)
    return Coverage(case, len(limits.lower), held, float(below), float(above))


#: What is compared in the engine, by its words in the table and by its name as a measure.
FIGURES = {
    "ends by agreement": "agreement",
    "full-scale war": "war",
    "ceasefire within 96 h of the first strike": "ceasefire_within_96_hours",
    "ceasefire within 7 days of the first strike": "ceasefire_within_168_hours",
}


def measure_engine(batch: Batch, replicates: int, large: Batch) -> list[dict[str, Any]]:
    """Cut a batch of two scenarios into small ones, and hold these against a large run.

    Replicates share no luck with one another, so that the parts are batches of their own.

    Args:
        batch: of the scenario and its reference, in that order.
        replicates: how many to a part.
        large: the same two scenarios on other luck.

    Returns:
        for each difference the `truth` that the large run shows with its 95% interval, the shares of small batches
        whose interval holds it (`held`; `apart` of the intervals that take the scenarios for independent samples), the
        mean width of the paired intervals over that of the independent ones (`narrower`), and how many times the
        replicates independent samples would need for the same width (`worth`).
    """
    truth, whole = ([Reading.of(one) for one in of.ensembles.values()] for of in (large, batch))
    many = len(whole[0].column("replicate")) // replicates
    rows = np.arange(many * replicates).reshape(many, replicates)
    parts = [[reading.subset(part) for reading in whole] for part in rows]
    found = []
    for figure, name in FIGURES.items():
        read = named(name).read
        large_run = difference(read(truth[0]), read(truth[1]))
        true, lower, upper = map(float, (large_run.estimate, large_run.lower, large_run.upper))
        pairs = [(read(ours), read(theirs)) for ours, theirs in parts]
        limits = [
            np.array([(d.lower, d.upper) for d in (difference(a, b, kind) for a, b in pairs)])
            for kind in (True, False)
        ]
        held, apart = (float(np.mean((x[:, 0] <= true) & (true <= x[:, 1]))) for x in limits)
        narrower = float(np.ptp(limits[0], axis=1).mean() / np.ptp(limits[1], axis=1).mean())
        one = {"figure": figure, "truth": true, "lower": lower, "upper": upper}
        one |= {"held": held, "apart": apart, "narrower": narrower, "worth": narrower**-2}
        found.append(one)
    return found


def measure(seed: int = SEED, batches: int = BATCHES, truth: int = TRUTH) -> dict[str, Any]:
    """Both tables' figures as plain data, with what they were made of.

    Args:
        seed: of all luck.
        batches: how many batches of the engine's.
        truth: how many replicates the run has that is taken for the truth.
    """
    found = []
    for case in cases():
        talk(f"{case.statistic}: {case.setting}")
        one = count(case, limits_of(case, case.sets, seed))
        figures = {"sets": one.sets, "held": one.held, "below": one.below, "above": one.above}
        found.append({"statistic": case.statistic, "setting": case.setting} | figures)
    talk("the engine")
    small = simulate(SCENARIOS, replicates=batches * REPLICATES, seed=seed)
    large = simulate(SCENARIOS, replicates=truth, seed=seed + 1)
    differences = measure_engine(small, REPLICATES, large)
    engine = {"batches": batches, "replicates": REPLICATES, "truth": truth}
    return {
        "made_of": made_of(SCENARIOS),
        "seed": seed,
        "made_up": found,
        "engine": {**engine, "differences": differences},
    }


def tables(found: dict[str, Any]) -> str:
    """The findings of `measure` in Markdown, under two headings."""
    rows = [
        (one["statistic"], one["setting"], f"{one['sets']:,}",
         *(f"{one[name]:.1%}" for name in ("held", "below", "above")))
        for one in found["made_up"]
    ]  # fmt: skip
    sizes = sorted({one["sets"] for one in found["made_up"]}, reverse=True)
    errors = ", ".join(f"{100 * np.sqrt(0.95 * 0.05 / sets):.2f} with {sets:,}" for sets in sizes)
    heads = (
        "interval for",
        "true value and sample",
        "simulated data sets",
        "coverage",
        "interval entirely below the truth",
        "entirely above",
    )
    engine = found["engine"]
    ours = [
        (one["figure"], f"{100 * one['truth']:+.1f}",
         " to ".join(f"{100 * one[name]:+.1f}" for name in ("lower", "upper")),
         *(f"{one[name]:.1%}" for name in ("held", "apart")), f"{one['narrower']:.2f}", f"{one['worth']:.1f}")
        for one in engine["differences"]
    ]  # fmt: skip
    names = (
        "difference|true value|its 95% interval|coverage, paired interval|coverage, independent interval"
        "|relative width|sample-size gain"
    )
    return "\n\n".join(
        (
            "## Artificial data",
            table(heads, rows, texts=2),
            f"Monte Carlo standard error of a coverage of 95%, in percentage points, by the number of data sets: {errors}.",
            "## The model itself",
            f"{engine['batches']} batches of {engine['replicates']} replicates, `{SCENARIOS[0]}` minus `{SCENARIOS[1]}`. "
            f"The true difference is estimated from {engine['truth']:,} other replicates of each scenario; it and its 95% "
            "interval are in percentage points:",
            table(names.split("|"), ours),
        )
    )


def main() -> None:
    """Measure everything, print the tables and keep them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help=f"of all luck (usually {SEED})")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for figures and tables")
    asked = parser.parse_args()
    found = measure(asked.seed)
    words = tables(found)
    print(words)
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "coverage.json").write_text(f"{json.dumps(found, indent=2)}\n", encoding="utf-8")
    (asked.out / "coverage.md").write_text(f"{words}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
