"""Numbers in sentences: digits, signs, limits that are not known, and of what a share is a share.

Every sentence of advice and every answer of an experiment writes its numbers with these, so that none
prints "nan", a minus before nothing, or a share without its denominator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MINUS = "−"
#: What stands where a number is not known.
UNKNOWN = "–"
#: A difference that would take this many times the replicates to show is called too small for them.
FAR_OUT_OF_REACH = 100.0


def is_known(value: float | None) -> bool:
    """Whether there is such a number: neither None nor NaN nor infinite."""
    return value is not None and math.isfinite(value)


def excludes_zero(lower: float | None, upper: float | None) -> bool:
    """Whether an interval lies on one side of zero; a limit that is not known excludes nothing."""
    return (lower is not None and lower > 0.0) or (upper is not None and upper < 0.0)


def number(value: float | None, digits: int, sign: bool = False) -> str:
    """A number with its thousands apart.

    Args:
        value: The number; None, NaN and infinity become a dash.
        digits: Decimals.
        sign: Whether a number above zero has a plus. What rounds to zero has no sign.
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    written = f"{abs(value):,.{digits}f}"
    if float(written.replace(",", "")) == 0.0:
        return written
    return (MINUS if value < 0.0 else "+" if sign else "") + written


def limits(
    lower: float | None, upper: float | None, digits: int, noun: str = "", sign: bool = False
) -> str:
    """Two limits: "58.1 to 64.2%", "at least 80 hours", "limits not known".

    Args:
        lower: The lower limit; None, NaN or infinite where there is none.
        upper: The upper limit, likewise.
        digits: Decimals.
        noun: What follows the last number, with its space: "%", " hours".
        sign: Whether numbers above zero have a plus.
    """
    low, high = (number(limit, digits, sign) for limit in (lower, upper))
    if is_known(lower) and is_known(upper):
        return f"{low} to {high}{noun}"
    if is_known(lower):
        return f"at least {low}{noun}"
    return f"at most {high}{noun}" if is_known(upper) else "limits not known"


def decimals(width: float) -> int:
    """Decimals that show an interval's width with two figures; 1 where it has none."""
    if not math.isfinite(width) or width <= 0.0:
        return 1
    return min(max(1 - math.floor(math.log10(width)), 0), 4)


def count(number: float) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,.0f}" if math.isfinite(number) else UNKNOWN


def of_these(number: int, among: str) -> str:
    """A denominator: "all 20 crises", "the 1,760 crises with a first strike", "the only crisis"."""
    if number == 1:
        return "the only " + among.removeprefix("all ").replace("crises", "crisis", 1)
    if among.startswith("all "):
        return f"all {count(number)} {among.removeprefix('all ')}"
    return f"the {count(number)} {among}"


def listed(things: Sequence[str], last: str = "and") -> str:
    """Things in a row: "a", "a and b", "a, b and c"."""
    if len(things) < 2:
        return "".join(things)
    return f"{', '.join(things[:-1])} {last} {things[-1]}"


def round_up(number: float) -> int:
    """Up to two figures: 38,412 becomes 39,000."""
    unit = int(10 ** max(math.floor(math.log10(number)) - 1, 0))
    return math.ceil(number / unit) * unit


def replicates_to_tell(estimate: float, lower: float, upper: float, replicates: int) -> int | None:
    """Replicates after which an interval as far from zero as its estimate would exclude it.

    The interval narrows with the square root of the replicates. More than there are, since these do
    not tell; None where the difference is so small that no practical number would.
    """
    reach = (upper - lower) / 2.0
    times = (reach / abs(estimate)) ** 2 if estimate else math.inf
    if not times <= FAR_OUT_OF_REACH:
        return None
    return round_up(1.1 * max(times, 1.0) * replicates)
