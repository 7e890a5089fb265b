"""Sensitivity: indices of functions whose indices are known, with noise and without, and what studies say of a crisis."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from SALib.analyze import morris, pawn, sobol

from crisis_sim.experiments import Findings, indices, run_experiment
from crisis_sim.experiments.indices import Layout, Study, layout_of, problem, study
from crisis_sim.experiments.sensitivity import crises
from crisis_sim.outcomes.intervals import Measured
from tests.experiments.examples import DAYS, NORTH, RESOLVE, deaf, found, made, with_south

Values = NDArray[np.float64]

#: Of Ishigami and Homma's function with a = 7 and b = 0.1, in closed form.
A, B = 7.0, 0.1
VARIANCE = A**2 / 8 + B * np.pi**4 / 5 + B**2 * np.pi**8 / 18 + 0.5
FIRST = np.array([0.5 * (1 + B * np.pi**4 / 5) ** 2, A**2 / 8, 0.0]) / VARIANCE
PAIR = 8 * B**2 * np.pi**8 / 225 / VARIANCE
TOTAL = FIRST + PAIR * np.array([1, 0, 1])


def ishigami(layout: Layout) -> Values:
    x, y, z = (np.pi * (2 * layout.shares - 1)).T
    return np.asarray(np.sin(x) + A * np.sin(y) ** 2 + B * z**4 * np.sin(x))


def measured(y: Values, noise: Values | None = None) -> Measured:
    """The outcome `y` at each point plus the mean of noise, `(points, replicates)`."""
    noise = np.zeros((len(y), 4)) if noise is None else noise
    unknown = np.full(len(y), np.nan)
    mean = noise.mean(axis=1)
    count = np.full(len(y), noise.shape[1])
    return Measured(y + mean, unknown, unknown, unknown, count, noise - mean[:, None])


def noisy(y: Values, noise: float, replicates: int, seed: int) -> Measured:
    """The outcome with noise of a variance, and with chance that is the same at all points."""
    generator = np.random.default_rng(seed)
    different = generator.normal(0.0, np.sqrt(noise * replicates), (len(y), replicates))
    common = generator.normal(0.0, 30.0, replicates)
    return measured(y, different + common)


def test_sobols_indices_of_ishigamis_function_are_found() -> None:
    layout = layout_of("sobol", 1024, 3, 0, second_order=True)
    path = study(layout, measured(ishigami(layout)), 0).known
    known = path[-1]
    for name, truth in (("total", TOTAL), ("first", FIRST), ("second", [0.0, PAIR, 0.0])):
        lower, upper = known.limits(name)
        assert ((lower <= truth) & (truth <= upper)).all()
        assert known.estimate[name] == pytest.approx(truth, abs=0.03)
    assert known.order == [0, 1, 2]
    assert known.exceeds(0, 1)
    assert not known.exceeds(1, 0)
    # Intervals narrow as samples are added.
    assert [one.samples for one in path] == [128, 256, 512, 1024]
    assert path[-1].error["total"].sum() < 0.5 * path[0].error["total"].sum()


def test_without_noise_sobols_indices_and_intervals_are_salibs() -> None:
    layout = layout_of("sobol", 64, 3, 5, second_order=True)
    y = ishigami(layout) + 100.0
    known = study(layout, measured(y), 1).final
    theirs = sobol.analyze(problem(3), y, num_resamples=1000, seed=np.random.default_rng(1))
    for name, key in (("total", "ST"), ("first", "S1")):
        np.testing.assert_allclose(known.estimate[name], theirs[key], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(known.with_noise[name], theirs[key])
        # So are the intervals, as far as two sets of draws agree.
        np.testing.assert_allclose(1.96 * known.error[name], theirs[f"{key}_conf"], rtol=0.2)
    second = theirs["S2"][np.triu_indices(3, 1)]
    np.testing.assert_allclose(known.estimate["second"], second, rtol=1e-9, atol=1e-12)


def test_noise_is_estimated_and_removed_from_sobols_indices() -> None:
    each = []
    for seed in range(8):
        layout = layout_of("sobol", 256, 3, seed)
        each.append(study(layout, noisy(ishigami(layout), VARIANCE, 16, seed), seed))
    assert np.mean([one.noise for one in each]) == pytest.approx(0.5, abs=0.03)
    raw = np.mean([one.final.with_noise["total"] for one in each], axis=0)
    clean = np.mean([one.final.estimate["total"] for one in each], axis=0)
    # Half of the variance is noise, and all of that is in every total index.
    assert raw == pytest.approx((TOTAL + 1) / 2, abs=0.06)
    assert clean == pytest.approx(TOTAL, abs=0.1)
    limits = [one.final.limits("total") for one in each]
    assert np.mean([(low <= TOTAL) & (high >= TOTAL) for low, high in limits]) > 0.9


def test_chance_common_to_all_points_is_not_noise_and_pure_noise_has_no_indices() -> None:
    layout = layout_of("sobol", 64, 3, 0)
    y = ishigami(layout)
    common = np.random.default_rng(0).normal(0, 50, 16) * np.ones((len(y), 1))
    with_chance, without = (study(layout, measured(y, noise), 0) for noise in (common, None))
    assert with_chance.noise == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(with_chance.final.estimate["total"], without.final.estimate["total"])
    assert with_chance.final.noise["total"] == pytest.approx(np.zeros(3), abs=1e-9)
    noise = study(layout, noisy(np.zeros(len(y)), 1.0, 8, 0), 0)
    assert noise.known == ()
    assert noise.why_not == "nearly all Monte Carlo noise"


def test_morris_is_salibs_and_effects_of_a_straight_line_are_its_slopes() -> None:
    layout = layout_of("morris", 32, 3, 0)
    y = ishigami(layout)
    known = study(layout, measured(y), 0).final
    resamples: Any = {"num_resamples": 1000, "seed": np.random.default_rng(3)}
    theirs = morris.analyze(problem(3), layout.shares, y, **resamples)
    np.testing.assert_allclose(known.estimate["mu_star"], theirs["mu_star"])
    np.testing.assert_allclose(known.estimate["sigma"], theirs["sigma"])
    reach = np.asarray(theirs["mu_star_conf"], float)
    np.testing.assert_allclose(1.96 * known.error["mu_star"], reach, rtol=0.15, atol=1e-9)
    slopes = np.array([3.0, -1.0, 0.5])
    line = study(layout, measured(layout.shares @ slopes), 0)
    for name, truth in (("mu_star", np.abs(slopes)), ("mu", slopes), ("sigma", np.zeros(3))):
        assert line.final.estimate[name] == pytest.approx(truth, abs=1e-9)
    assert line.final.order == [0, 1, 2]
    assert line.effects == pytest.approx(np.tile(slopes, (32, 1)), abs=1e-9)


def test_pawn_is_salibs() -> None:
    layout = layout_of("pawn", 300, 3, 0)
    y = np.round(ishigami(layout), 1)  # with ties
    of = indices.distances(layout.shares, y)
    with warnings.catch_warnings(action="ignore"):
        theirs = pawn.analyze(problem(3), layout.shares, y, S=indices.SLICES)
    np.testing.assert_allclose(np.median(of, axis=0), theirs["median"])
    np.testing.assert_allclose(of.max(axis=0), theirs["maximum"])
    known = study(layout, measured(y), 0).final
    np.testing.assert_allclose(known.estimate["median"], theirs["median"])


@pytest.mark.parametrize(("method", "index"), [("morris", "mu_star"), ("pawn", "median")])
def test_only_factors_with_an_effect_exceed_the_noise_threshold(method: str, index: str) -> None:
    below = []
    for seed in range(20):
        layout = layout_of(method, 32 if method == "morris" else 128, 4, seed)
        y = 10.0 * layout.shares[:, 0]
        figures = noisy(y, 0.1, 16, seed) if method == "morris" else measured(y)
        floor = indices.noise_threshold(layout, figures, np.random.default_rng(seed))[index]
        below.append(indices.estimate_indices(layout, figures.estimate)[index] <= floor)
    share = np.mean(below, axis=0)
    assert share[0] == 0
    assert share[1:].mean() == pytest.approx(0.95, abs=0.1)


def test_a_few_samples_with_unknown_outcomes_are_left_out() -> None:
    layout = layout_of("sobol", 64, 3, 0)
    y = ishigami(layout)
    y[[0, layout.size * 9 + 2]] = np.nan, np.inf
    few = study(layout, measured(y), 0)
    assert (few.lost, few.final.samples) == (2, 62)
    y[:: layout.size] = np.nan
    assert study(layout, measured(y), 0).known == ()


@pytest.mark.parametrize("method", ["sobol", "morris", "pawn"])
def test_an_outcome_that_is_the_same_everywhere_depends_on_nothing(method: str) -> None:
    layout = layout_of(method, 64, 3, 0)
    flat = study(layout, measured(np.full(len(layout.shares), 0.3)), 0)
    assert flat.deviation == 0
    assert not any(of.any() for of in flat.final.estimate.values())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["sobol", "morris", "pawn"])
def test_a_seed_of_zero_is_valid_and_numpys_global_generator_is_not_used(method: str) -> None:
    def studied(seed: int) -> tuple[Layout, Study]:
        layout = layout_of(method, 64, 3, seed)
        return layout, study(layout, noisy(ishigami(layout), 1.0, 8, 0), seed)

    def state() -> Any:
        return np.random.get_state()[1].copy()  # noqa: NPY002

    np.random.seed(7)  # noqa: NPY002
    before = state()
    (layout, first), (_, again), (other, _) = studied(0), studied(0), studied(1)
    assert (state() == before).all()
    for name, error in first.final.error.items():
        np.testing.assert_array_equal(first.final.estimate[name], again.final.estimate[name])
        np.testing.assert_array_equal(error, again.final.error[name])
    assert not np.array_equal(layout.shares, other.shares)


# --- Studies of a crisis


def run(**changes: Any) -> Findings:
    return run_experiment(made("sensitivity", **changes))


@pytest.mark.parametrize(
    ("method", "samples", "pairs", "points", "own"),
    [
        ("sobol", 16, True, 128, {"pairs"}),
        ("morris", 8, False, 32, {"effects"}),
        ("pawn", 64, False, 64, set()),
    ],
)
def test_a_study_runs_the_announced_number_of_crises(
    method: str, samples: int, pairs: bool, points: int, own: set[str]
) -> None:
    asked = {"method": method, "samples": samples, "second_order": pairs}
    experiment = made("sensitivity", **asked, outcomes=["mean_deaths"])
    seen: list[tuple[int, int]] = []
    findings = run_experiment(experiment, progress=lambda *now: seen.append(now))
    assert findings.crises == crises(experiment) == points * 8 + 7 * 20
    assert seen[-1] == (findings.crises, findings.crises)
    assert findings.summary["points"] == findings.tables["measures"].num_rows == points
    assert findings.tables.keys() == {"points", "measures", "tornado", "indices", *own}


@pytest.mark.parametrize(
    ("method", "samples", "index"), [("sobol", 16, "total"), ("morris", 8, "mu_star")]
)
def test_without_effect_indices_are_exactly_zero(method: str, samples: int, index: str) -> None:
    unread = "mediators.elder.information"
    asked = {"method": method, "samples": samples, "vary": {NORTH: {}, unread: {}}}
    findings = run(scenario=deaf(), replicates=40, tornado=0, **asked)
    one = findings.summary["studies"]["mean_deaths"]["indices"][index][unread]
    assert one["estimate"] == one["lower"] == one["upper"] == one["with_noise"] == 0
    assert "No difference at any point: elder.information." in findings.answer


def test_a_tornado_moves_one_factor_at_a_time_and_the_answer_gives_its_uncertainty() -> None:
    findings = found("sensitivity")
    rows = [row for row in findings.tables["tornado"].to_pylist() if row["measure"] != "agreement"]
    assert [(row["factor"], row["end"]) for row in rows] == [
        (path, end) for path in (NORTH, RESOLVE, DAYS) for end in ("low", "high")
    ]
    assert [row["value"] for row in rows[:2]] == [0.2, 1.0]
    middles = {row["outcome"] - row["estimate"] for row in rows}
    assert max(middles) == pytest.approx(min(middles))
    asked: dict[str, Any] = {"vary": {NORTH: {"values": [0.2, 1.0]}}, "outcomes": ["mean_deaths"]}
    alone = run_experiment(made("sweep", with_south(0.75), replicates=20, **asked))
    expected = alone.tables["measures"].column("estimate").to_pylist()
    assert [row["outcome"] for row in rows[:2]] == pytest.approx(expected)
    said = " ".join(findings.answer)
    assert "rank the parameters by their effect on mean deaths; by total index" in said
    assert "Warning, mean deaths: the widest interval is ±" in said
    assert "replicates, all with the same random numbers." in findings.answer[-1]
    assert "would about halve the intervals." in findings.answer[-1]
    assert findings.summary["studies"]["mean_deaths"]["warnings"]


def test_the_most_important_parameter_is_named_first() -> None:
    vary = {NORTH: {"low": 0.05, "high": 1}, DAYS: {"low": 20, "high": 30}}
    findings = run(vary=vary, samples=32, replicates=64, tornado=0, outcomes=["first_strike"])
    assert findings.answer[0].startswith("A first strike depends most on north.resolve (")


def test_rarely_known_outcomes_and_single_replicates_are_reported_as_uncertain() -> None:
    seldom = "median_hours_to_ceasefire"
    findings = run(samples=32, replicates=1, outcomes=["mean_deaths", seldom, "nuclear_use"])
    study, lost = (findings.summary["studies"][name] for name in ("mean_deaths", seldom))
    assert study["noise"] is None
    assert study["indices"]["total"][NORTH]["luck_error"] is None
    assert lost["indices"] == {}
    assert lost["samples_lost"] > 3
    assert sorted(set(findings.tables["indices"].column("samples").to_pylist())) == [4, 8, 16, 32]
    said = " ".join(findings.answer)
    assert "with one replicate at each point the noise in the indices is unknown" in said
    assert "a ceasefire; it is unknown, or never reached, in" in said
    assert "Nuclear use, of all crises: 0.0% at every point." in said
