"""Keyed random numbers: the n-th number depends only on the seed, the replicate, the agent, the purpose and n.

Replicate 4711 is therefore the same crisis in a batch of one and in a batch of a million; removing an agent changes no
random number of another agent; and scenarios with the same seed are paired (common random numbers).

Numbers come from the counter-based generator Philox 4x64-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers:
as easy as 1, 2, 3"), keyed by a hash of seed, agent and purpose, with replicate and n as its counter. They equal, to the
bit, the first number of NumPy's `Philox` with that key and counter.

The module also contains an exponential function that, unlike the system library's, gives the same result on all machines.
"""

from __future__ import annotations

import hashlib
import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numba import extending, types
from numpy.typing import NDArray

from crisis_sim.model.compiling import compiled, routine, rule

_intrinsic: Any = extending.intrinsic
_UINT = np.uint64
_MULTIPLIERS = _UINT(0xD2E7470EE14C6C93), _UINT(0xCA5A826395121157)
_KEY_STEPS = _UINT(0x9E3779B97F4A7C15), _UINT(0xBB67AE8584CAA73B)
_ROUNDS = 10
_SPARE_BITS, _SPACING = _UINT(11), 2.0**-53
#: Coefficients of numerator and denominator for normal quantiles near the median, in the tails, and in the far tails.
_MIDDLE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258,
     3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940, 2.05319162663775882187, 1.0),
)  # fmt: skip
_FAR_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def key_of(seed: int, purpose: str) -> NDArray[np.uint64]:
    """Return the two numbers that key the random stream of a purpose, shape (2,)."""
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest()
    return np.frombuffer(digest, np.uint64)


def future_salts(salt: int, count: int) -> list[int]:
    """Return the salts of a number of futures, which give each of them new random numbers."""
    return [key_of(salt, f"future {k}")[0] for k in range(count)]


def uniforms(seed: int, purpose: str, replicates: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the first number in (0, 1) of a purpose for each replicate, shape (replicates,)."""
    return _first_numbers(key_of(seed, purpose), replicates)


@compiled
def _first_numbers(key: NDArray[np.uint64], replicates: NDArray[np.uint64]) -> NDArray[np.float64]:
    numbers = np.empty(replicates.size, np.float64)
    for k in range(replicates.size):
        numbers[k] = _number(key[0], key[1], replicates[k], _UINT(0))
    return numbers


@rule
def uniform(c: Any, keys: Any, stream: Any) -> Any:
    """Return the next number in (0, 1) of a stream; a crisis with a salt has other numbers."""
    n = c.taken[stream]
    c.taken[stream] = n + 1
    return _number(keys[stream, 0] ^ c.salt, keys[stream, 1], c.replicate, _UINT(n))


@rule
def exponential(c: Any, keys: Any, stream: Any) -> Any:
    """Return the next unit-exponential number of a stream."""
    return -math.log(uniform(c, keys, stream))


@rule
def gamma2(c: Any, keys: Any, stream: Any, mean: Any) -> Any:
    """Return a gamma distributed number with shape 2 and the given mean."""
    return -0.5 * mean * math.log(uniform(c, keys, stream) * uniform(c, keys, stream))


@rule
def normal(c: Any, keys: Any, stream: Any) -> Any:
    """Return a standard normal number, which increases with the underlying uniform number."""
    return quantile(uniform(c, keys, stream))


@rule
def quantile(probability: Any) -> Any:
    """Return the standard normal quantile, to 16 digits (Wichura 1988, algorithm AS 241)."""
    q = probability - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return q * _ratio(_MIDDLE, r)
    r = math.sqrt(-math.log(min(probability, 1.0 - probability)))
    z = _ratio(_TAIL, r - 1.6) if r <= 5.0 else _ratio(_FAR_TAIL, r - 5.0)
    return -z if q < 0.0 else z


@rule
def _ratio(coefficients: Any, x: Any) -> Any:
    """Return the ratio of two polynomials of degree seven; coefficients begin with the highest power."""
    a = b = 0.0
    for k in range(8):
        a, b = _fused(a, x, coefficients[0][k]), _fused(b, x, coefficients[1][k])
    return a / b


@routine
def _number(key: Any, second_key: Any, replicate: Any, n: Any) -> Any:
    """Return the first word of Philox 4x64-10 at the counter (replicate + 1, n, 0, 0), as a number in (0, 1)."""
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


# Exponentials, by the method of Arm's Optimized Routines, which is also that of the GNU C library.

#: 128 / ln 2; minus ln 2 / 128 in two parts; a constant whose addition rounds to an integer in the lowest bits.
_STEPS, _HIGH, _LOW, _ROUND = map(
    float.fromhex,
    ("0x1.71547652b82fep7", "-0x1.62e42fefa0000p-8", "-0x1.cf79abc9e3b39p-47", "0x1.8p52"),
)
#: Coefficients of the polynomial, from x^2 on.
_C2, _C3, _C4, _C5 = map(
    float.fromhex,
    (
        "0x1.ffffffffffdbdp-2",
        "0x1.555555555543cp-3",
        "0x1.55555cf172b91p-5",
        "0x1.1111167a4d017p-7",
    ),
)


def _powers() -> NDArray[np.uint64]:
    """Return, for k below 128, the relative rounding error of 2^(k/128) and its bits less 2^45 k, shape (256,)."""
    doubles = np.empty((128, 2))
    with localcontext() as context:
        context.prec = 40
        for k in range(128):
            exact = (Decimal(2).ln() * k / 128).exp()
            doubles[k] = exact / Decimal(float(exact)) - 1, exact
    words = doubles.view(np.uint64)
    words[:, 1] -= np.arange(128, dtype=np.uint64) << _UINT(45)
    return words.reshape(-1)


_POWERS = _powers()


@rule
def exp(x: Any) -> Any:
    """Return e^x to 0.511 units of the last place: 2^(n/128) x e^r, n an integer, and e^r by a polynomial.

    The function is inlined, and takes half the time of a call of the C library, whose result is the same to the bit for
    recent versions on processors with fused multiplication.
    """
    if not abs(x) < 512.0:
        return math.exp(x)
    rounded = _fused(_STEPS, x, _ROUND)
    n = _bits(rounded)
    rounded -= _ROUND
    r = _fused(rounded, _LOW, _fused(rounded, _HIGH, x))
    k = (n & _UINT(127)) << _UINT(1)
    power = _double(_POWERS[k + _UINT(1)] + (n << _UINT(45)))
    square = r * r
    low_order = _fused(square, _fused(r, _C3, _C2), _double(_POWERS[k]) + r)
    return _fused(power, _fused(square * square, _fused(r, _C5, _C4), low_order), power)


@_intrinsic
def _fused(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a x b + c with a single rounding."""
    kind = types.float64
    return kind(kind, kind, kind), lambda context, builder, signature, args: builder.fma(*args)


@_intrinsic
def _bits(typing: Any, a: Any) -> Any:
    """Return the bits of a double."""
    return types.uint64(types.float64), _as_word


@_intrinsic
def _double(typing: Any, a: Any) -> Any:
    """Return the double with these bits."""
    return types.float64(types.uint64), _as_word


def _as_word(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.bitcast(args[0], context.get_value_type(signature.return_type))


@_intrinsic
def _high_half(typing: Any, a: Any, b: Any) -> Any:
    """Return the upper 64 bits of the product of two 64-bit numbers."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from llvmlite import ir

        wide = ir.IntType(128)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), build
