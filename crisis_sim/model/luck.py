"""Keyed luck: the n-th number that a replicate takes for a purpose hangs on nothing but seed, replicate, agent, purpose, n.

Replicate 4711 is therefore the same crisis in a batch of one or of a million; when an agent is taken out no other one's luck
changes; and scenarios run on the same seed are paired (common random numbers).

Numbers are those of the counter-based generator Philox 4x64-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers:
as easy as 1, 2, 3"), keyed by a hash of seed, agent and purpose, with replicate and n as its counter; they are, to the bit,
the first that NumPy's `Philox` gives for that key and counter.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
from numba import extending, types
from numpy.typing import NDArray

from crisis_sim.model.compiled import compiled, routine, rule

_intrinsic: Any = extending.intrinsic
_UINT = np.uint64
_MULTIPLIERS = _UINT(0xD2E7470EE14C6C93), _UINT(0xCA5A826395121157)
_KEY_STEPS = _UINT(0x9E3779B97F4A7C15), _UINT(0xBB67AE8584CAA73B)
_ROUNDS = 10
_SPARE_BITS, _SPACING = _UINT(11), 2.0**-53


def key_of(seed: int, purpose: str) -> NDArray[np.uint64]:
    """The two numbers that key a purpose's luck, shape (2,)."""
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest()
    return np.frombuffer(digest, np.uint64)


def uniforms(seed: int, purpose: str, replicates: NDArray[np.uint64]) -> NDArray[np.float64]:
    """The first number in (0, 1) for a purpose, one for each replicate, shape (replicates,)."""
    return _first_numbers(key_of(seed, purpose), replicates)


@compiled
def _first_numbers(key: NDArray[np.uint64], replicates: NDArray[np.uint64]) -> NDArray[np.float64]:
    numbers = np.empty(replicates.size, np.float64)
    for k in range(replicates.size):
        numbers[k] = _number(key[0], key[1], replicates[k], _UINT(0))
    return numbers


@rule
def uniform(c: Any, keys: Any, stream: Any) -> Any:
    """The next number in (0, 1) of a stream; a crisis with salt of its own has other luck from then on."""
    taken = c.taken[stream]
    c.taken[stream] = taken + 1
    return _number(keys[stream, 0] ^ c.salt, keys[stream, 1], c.replicate, _UINT(taken))


@rule
def exponential(c: Any, keys: Any, stream: Any) -> Any:
    """The next unit exponential number of a stream."""
    return -math.log(uniform(c, keys, stream))


@rule
def gamma2(c: Any, keys: Any, stream: Any, mean: Any) -> Any:
    """A number of the gamma distribution with shape 2 and this mean."""
    return -0.5 * mean * math.log(uniform(c, keys, stream) * uniform(c, keys, stream))


@rule
def normal(c: Any, keys: Any, stream: Any) -> Any:
    """A standard normal number, of two uniform ones (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(uniform(c, keys, stream)))
    return radius * math.cos(2.0 * math.pi * uniform(c, keys, stream))


@routine
def _number(key: Any, second_key: Any, replicate: Any, n: Any) -> Any:
    """Philox 4x64-10 at the counter (replicate + 1, n, 0, 0): its first word, as a number in (0, 1)."""
    a, b, c, d = replicate + _UINT(1), n, _UINT(0), _UINT(0)
    for _ in range(_ROUNDS):
        a, b, c, d = (
            _high_half(_MULTIPLIERS[1], c) ^ b ^ key,
            _MULTIPLIERS[1] * c,
            _high_half(_MULTIPLIERS[0], a) ^ d ^ second_key,
            _MULTIPLIERS[0] * a,
        )
        key += _KEY_STEPS[0]
        second_key += _KEY_STEPS[1]
    return (np.float64(a >> _SPARE_BITS) + 0.5) * _SPACING


@_intrinsic
def _high_half(typing: Any, a: Any, b: Any) -> Any:
    """The upper 64 bits of the product of two 64-bit numbers."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from llvmlite import ir

        wide = ir.IntType(128)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), build
