"""Indices against functions whose indices are known, with noise of known size and without."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from SALib.analyze import morris, pawn, sobol

from crisis_sim.experiments import indices
from crisis_sim.experiments.indices import Layout, layout_of, problem
from crisis_sim.experiments.sensitivity_study import GROUPS, Study, noise_share, study
from crisis_sim.outcomes.intervals import Measured

Values = NDArray[np.float64]

#: Of Ishigami and Homma's function with a = 7 and b = 0.1, in closed form.
A, B = 7.0, 0.1
VARIANCE = A**2 / 8 + B * np.pi**4 / 5 + B**2 * np.pi**8 / 18 + 0.5
FIRST = np.array([0.5 * (1 + B * np.pi**4 / 5) ** 2, A**2 / 8, 0.0]) / VARIANCE
PAIR = 8 * B**2 * np.pi**8 / 225 / VARIANCE
TOTAL = FIRST + PAIR * np.array([1, 0, 1])


def ishigami(shares: Values) -> Values:
    x, y, z = (np.pi * (2 * shares - 1)).T
    return np.asarray(np.sin(x) + A * np.sin(y) ** 2 + B * z**4 * np.sin(x))


def measured(y: Values, luck: Values | None = None) -> Measured:
    """Means at points of the figures `y` and of luck, `(points, replicates)`."""
    luck = np.zeros((len(y), 4)) if luck is None else luck
    unknown = np.full(len(y), np.nan)
    mean = luck.mean(axis=1)
    count = np.full(len(y), luck.shape[1])
    return Measured(y + mean, unknown, unknown, unknown, count, luck - mean[:, None])


def noisy(layout: Layout, y: Values, noise: float, replicates: int, seed: int) -> Measured:
    """Figures with noise of a variance, and with luck that is the same at all points."""
    generator = np.random.default_rng(seed)
    apart = generator.normal(0.0, np.sqrt(noise * replicates), (len(y), replicates))
    alike = generator.normal(0.0, 30.0, replicates)
    return measured(y, apart + alike)


def test_sobols_indices_of_ishigamis_function_are_found() -> None:
    layout = layout_of("sobol", 1024, 3, 0, second_order=True)
    path = study(layout, measured(ishigami(layout.shares)), 0).known
    known = path[-1]
    for name, truth in (("total", TOTAL), ("first", FIRST), ("second", [0.0, PAIR, 0.0])):
        lower, upper = known.limits(name)
        assert (lower <= truth).all()
        assert (truth <= upper).all()
        assert known.estimate[name] == pytest.approx(truth, abs=0.03)
    assert known.order == [0, 1, 2]
    assert known.surely_more(0, 1)
    assert not known.surely_more(1, 0)
    # Intervals narrow as samples are added.
    assert [one.samples for one in path] == [128, 256, 512, 1024]
    assert path[-1].error["total"].sum() < 0.5 * path[0].error["total"].sum()


def test_without_noise_sobols_indices_are_salibs() -> None:
    layout = layout_of("sobol", 64, 3, 5, second_order=True)
    y = ishigami(layout.shares) + 100.0
    known = study(layout, measured(y), 1).final
    theirs = sobol.analyze(problem(3), y, num_resamples=2000, seed=np.random.default_rng(1))
    for name, key in (("total", "ST"), ("first", "S1")):
        np.testing.assert_allclose(known.estimate[name], theirs[key], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(known.with_noise[name], theirs[key])
        # So are the intervals, as far as two sets of draws agree.
        np.testing.assert_allclose(1.96 * known.error[name], theirs[f"{key}_conf"], rtol=0.2)
    np.testing.assert_allclose(
        known.estimate["second"], theirs["S2"][np.triu_indices(3, 1)], rtol=1e-9, atol=1e-12
    )


def test_noise_is_measured_and_taken_out_of_sobols_indices() -> None:
    found = []
    for seed in range(16):
        layout = layout_of("sobol", 256, 3, seed)
        y = ishigami(layout.shares)
        found.append(study(layout, noisy(layout, y, VARIANCE, 16, seed), seed))
    assert np.mean([one.noise for one in found]) == pytest.approx(0.5, abs=0.03)
    raw = np.mean([one.final.with_noise["total"] for one in found], axis=0)
    clean = np.mean([one.final.estimate["total"] for one in found], axis=0)
    # Half of the variance is noise, and all of that is in every total index.
    assert raw == pytest.approx((TOTAL + 1) / 2, abs=0.06)
    assert clean == pytest.approx(TOTAL, abs=0.1)
    limits = [one.final.limits("total") for one in found]
    held = [(low <= TOTAL) & (high >= TOTAL) for low, high in limits]
    assert np.mean(held) > 0.9


def test_luck_that_is_alike_at_all_points_is_no_noise() -> None:
    layout = layout_of("sobol", 64, 3, 0)
    y = ishigami(layout.shares)
    alike = np.random.default_rng(0).normal(0, 50, 16) * np.ones((len(y), 1))
    with_luck, without = (study(layout, measured(y, luck), 0) for luck in (alike, None))
    assert with_luck.noise == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(with_luck.final.estimate["total"], without.final.estimate["total"])
    assert with_luck.final.luck["total"] == pytest.approx(np.zeros(3), abs=1e-9)


def test_the_share_of_noise_is_that_of_an_analysis_of_variance() -> None:
    generator = np.random.default_rng(2)
    rows = generator.normal(0, 1, (40, 1)) + generator.normal(0, 3, 10)
    rows = rows + generator.normal(0, 2, (40, 10))
    # Two ways, one observation a cell: mean squares between points, and of what is left.
    left = rows - rows.mean(axis=0) - rows.mean(axis=1, keepdims=True) + rows.mean()
    between = 10 * rows.mean(axis=1).var(ddof=1)
    expected = float((left**2).sum()) / (39 * 9) / between
    assert noise_share(measured(np.zeros(40), rows)) == pytest.approx(expected)


def test_what_is_all_but_noise_is_not_told() -> None:
    layout = layout_of("sobol", 64, 3, 0)
    found = study(layout, noisy(layout, np.zeros(len(layout.shares)), 1.0, 8, 0), 0)
    assert found.known == ()
    assert found.why_not == "all but lost in Monte Carlo noise"


def test_effects_of_a_straight_line_are_its_slopes() -> None:
    layout = layout_of("morris", 8, 4, 0)
    slopes = np.array([3.0, -1.0, 0.0, 0.5])
    found = study(layout, measured(layout.shares @ slopes), 0)
    known = found.final
    assert known.estimate["mu_star"] == pytest.approx(np.abs(slopes), abs=1e-9)
    assert known.estimate["mu"] == pytest.approx(slopes, abs=1e-9)
    assert known.estimate["sigma"] == pytest.approx(np.zeros(4), abs=1e-9)
    assert known.order[:2] == [0, 1]
    assert found.effects == pytest.approx(np.tile(slopes, (8, 1)), abs=1e-9)


def test_morris_is_salibs_and_so_are_its_intervals() -> None:
    layout = layout_of("morris", 32, 3, 0)
    y = ishigami(layout.shares)
    known = study(layout, measured(y), 0).final
    theirs = morris.analyze(
        problem(3), layout.shares, y, num_resamples=2000, seed=np.random.default_rng(3)
    )
    np.testing.assert_allclose(known.estimate["mu_star"], theirs["mu_star"])
    np.testing.assert_allclose(known.estimate["sigma"], theirs["sigma"])
    reach = np.asarray(theirs["mu_star_conf"], float)
    np.testing.assert_allclose(1.96 * known.error["mu_star"], reach, rtol=0.15, atol=1e-9)


def test_noise_alone_stays_below_morris_floor_and_what_matters_does_not() -> None:
    layout = layout_of("morris", 32, 5, 0)
    y = 10.0 * layout.shares[:, 0]
    below = []
    for seed in range(20):
        figures = noisy(layout, y, 0.1, 16, seed)
        floor = indices.noise_threshold(layout, figures, np.random.default_rng(seed))["mu_star"]
        below.append(indices.estimate_indices(layout, figures.estimate)["mu_star"] <= floor)
    share = np.mean(below, axis=0)
    assert share[0] == 0
    assert share[1:].mean() == pytest.approx(0.95, abs=0.06)


def test_pawn_is_salibs() -> None:
    layout = layout_of("pawn", 300, 3, 0)
    y = np.round(ishigami(layout.shares), 1)  # with ties
    of = indices.distances(layout.shares, y)
    with warnings.catch_warnings(action="ignore"):
        theirs = pawn.analyze(problem(3), layout.shares, y, S=indices.SLICES)
    np.testing.assert_allclose(np.median(of, axis=0), theirs["median"])
    np.testing.assert_allclose(of.max(axis=0), theirs["maximum"])
    known = study(layout, measured(y), 0).final
    np.testing.assert_allclose(known.estimate["median"], theirs["median"])


def test_a_factor_that_nothing_depends_on_stays_below_pawns_floor() -> None:
    below = []
    for seed in range(20):
        layout = layout_of("pawn", 128, 3, seed)
        y = layout.shares[:, 0] + 0.1 * layout.shares[:, 1]
        floor = indices.noise_threshold(layout, measured(y), np.random.default_rng(seed))["median"]
        below.append(indices.estimate_indices(layout, y)["median"] <= floor)
    assert not np.mean(below, axis=0)[0]
    assert np.mean(below, axis=0)[2] > 0.7


def test_samples_with_unknown_figures_are_left_out_while_they_are_few() -> None:
    layout = layout_of("sobol", 64, 3, 0)
    y = ishigami(layout.shares)
    y[[0, layout.size * 9 + 2]] = np.nan, np.inf
    found = study(layout, measured(y), 0)
    assert found.lost == 2
    assert found.final.samples == 62
    y[:: layout.size] = np.nan
    assert study(layout, measured(y), 0).known == ()


@pytest.mark.parametrize("method", ["sobol", "morris", "pawn"])
def test_a_figure_that_is_the_same_everywhere_turns_on_nothing(method: str) -> None:
    layout = layout_of(method, 64, 3, 0)
    found = study(layout, measured(np.full(len(layout.shares), 0.3)), 0)
    assert found.deviation == 0
    assert not any(of.any() for of in found.final.estimate.values())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["sobol", "morris", "pawn"])
def test_a_seed_of_zero_is_a_seed_and_numpys_global_generator_is_left_alone(method: str) -> None:
    def found(seed: int) -> tuple[Layout, Study]:
        layout = layout_of(method, 64, 3, seed)
        y = ishigami(layout.shares)
        return layout, study(layout, noisy(layout, y, 1.0, 8, 0), seed)

    def state() -> Any:
        return np.random.get_state()[1].copy()  # noqa: NPY002

    np.random.seed(7)  # noqa: NPY002
    before = state()
    (layout, first), (_, again), (other, _) = found(0), found(0), found(1)
    assert (state() == before).all()
    for name, error in first.final.error.items():
        np.testing.assert_array_equal(first.final.estimate[name], again.final.estimate[name])
        np.testing.assert_array_equal(error, again.final.error[name])
    assert not np.array_equal(layout.shares, other.shares)


@pytest.mark.parametrize(("replicates", "groups"), [(4, 4), (3 * GROUPS, GROUPS)])
def test_with_fewer_replicates_than_groups_each_is_left_out_once(
    replicates: int, groups: int
) -> None:
    layout = layout_of("sobol", 32, 3, 0)
    known = study(layout, noisy(layout, ishigami(layout.shares), 0.5, replicates, 0), 0).final
    assert len(known.left_out["total"]) == groups
