"""Where to look next: the samplers by name.

    cmaes    the covariance matrix adaptation evolution strategy (Hansen 2016, arXiv:1604.00772):
             for many continuous parameters; starts anew elsewhere when it has settled
    tpe      Optuna's tree-structured Parzen estimator: for few trials
    sobol    a scrambled Sobol sequence: fills the space, and never looks at the results
    random   Optuna's independent draws

Whatever the sampler, what it proposes in a generation is a function of the seed, the generation's
number and the trials before it alone. So a search that was cut short and goes on makes the very
trials that it would have made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from crisis_sim.experiments.tuning.places import Tuned

Values = NDArray[np.float64]

#: Its first mean keeps this share of a range away from the range's ends.
MARGIN = 0.05
#: The fewest points from which CMA-ES can learn.
SMALLEST = 4
#: The fewest points of a generation where a file does not say.
FEWEST = 8


def generation_size(parameters: int) -> int:
    """How many points a generation has by default: Hansen's 4 + 3 ln n, and no fewer than `FEWEST`."""
    return max(4 + int(3 * np.log(parameters)), FEWEST)


class Source(Protocol):
    """What chooses the points of the next generation, as shares of the parameters' ranges."""

    def sampler(self, generation: int, first: int, size: int) -> BaseSampler:
        """The sampler of a generation whose first trial has the number `first`."""

    def learn(self, shares: Values, losses: Values) -> None:
        """Take in what came of the generation, `(points, parameters)` and `(points,)`."""


def source_of(name: str, seed: int, size: int, tuned: Sequence[Tuned], spread: float) -> Source:
    """The source of a name.

    Args:
        name: its name.
        seed: the experiment's seed.
        size: points of a generation.
        tuned: the parameters.
        spread: how far from the start CMA-ES looks at first, as a share of each range.
    """
    if name == "cmaes":
        return _Evolution(seed, size, tuned, spread)
    return _Sobol(seed, tuned) if name == "sobol" else _OptunasOwn(name, seed)


class _OptunasOwn:
    """A sampler of Optuna's that goes by the study's trials alone, seeded for each generation."""

    def __init__(self, name: str, seed: int) -> None:
        self._kind = {"tpe": TPESampler, "random": RandomSampler}[name]
        self._seed = seed

    def sampler(self, generation: int, first: int, size: int) -> BaseSampler:
        made: BaseSampler = self._kind(seed=_number(self._seed, generation))
        return made

    def learn(self, shares: Values, losses: Values) -> None:
        pass


class _Sobol:
    """A scrambled Sobol sequence, taken up where the trials before have left it."""

    def __init__(self, seed: int, tuned: Sequence[Tuned]) -> None:
        self._seed, self._tuned = seed, tuned

    def sampler(self, generation: int, first: int, size: int) -> BaseSampler:
        import warnings

        from scipy.stats import qmc

        sequence = qmc.Sobol(len(self._tuned), rng=self._seed)
        if first:
            sequence.fast_forward(first)
        with warnings.catch_warnings():
            # A generation is no power of two; the sequence as a whole is what fills the space.
            warnings.filterwarnings("ignore", message="The balance properties")
            return _Given(sequence.random(size), self._tuned, first)

    def learn(self, shares: Values, losses: Values) -> None:
        pass


class _Evolution:
    """CMA-ES over the unit cube; a search that has settled begins anew at another place."""

    def __init__(self, seed: int, size: int, tuned: Sequence[Tuned], spread: float) -> None:
        self._seed, self._size, self._tuned = seed, max(size, SMALLEST), tuned
        self._spread = spread
        self._searches = 0
        start = [float(one.share_of(np.asarray(one.start))) for one in tuned]
        self._search = self._begun(np.asarray(start))

    def sampler(self, generation: int, first: int, size: int) -> BaseSampler:
        proposed = np.stack([self._search.ask() for _ in range(size)])
        return _Given(proposed, self._tuned, first)

    def learn(self, shares: Values, losses: Values) -> None:
        if len(losses) != self._size:  # the last generation, which the budget has cut short
            return
        self._search.tell(list(zip(shares, losses.tolist(), strict=True)))
        if self._search.should_stop():
            self._searches += 1
            generator = np.random.default_rng([self._seed, self._searches])
            self._search = self._begun(generator.random(len(self._tuned)))

    def _begun(self, mean: Values) -> Any:
        from cmaes import CMA

        parameters = len(self._tuned)
        return CMA(
            mean=np.clip(mean, MARGIN, 1.0 - MARGIN),
            sigma=self._spread,
            bounds=np.tile([0.0, 1.0], (parameters, 1)),
            n_max_resampling=10 * parameters,
            seed=_number(self._seed, self._searches),
            population_size=self._size,
        )


class _Given(BaseSampler):
    """Gives Optuna's trials points that have been chosen already."""

    def __init__(self, shares: Values, tuned: Sequence[Tuned], first: int) -> None:
        self._shares, self._tuned, self._first = shares, tuned, first

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {one.factor.path: distribution_of(one) for one in self._tuned}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        shares = self._shares[trial.number - self._first]
        return {
            one.factor.path: _within(one, float(share))
            for one, share in zip(self._tuned, shares, strict=True)
        }

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        raise AssertionError(f"{param_name} is chosen together with the others")


def distribution_of(tuned: Tuned) -> BaseDistribution:
    """A parameter's range as Optuna has it."""
    from optuna.distributions import FloatDistribution

    factor = tuned.factor
    return FloatDistribution(factor.low, factor.high, log=factor.scale == "log")


def _within(tuned: Tuned, share: float) -> float:
    factor = tuned.factor
    return float(np.clip(factor.at(share), factor.low, factor.high))


def _number(*entropy: int) -> int:
    """A seed of 32 bits from several numbers."""
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
