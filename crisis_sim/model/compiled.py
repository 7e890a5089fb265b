"""Rules compiled to machine code: loops over replicates in place of dozens of passes through memory.

A compiled function is plain Python over NumPy arrays, which Numba (Lam, Pitrou and Seibert 2015) translates when it is first
called and keeps on disk, beside the module or in the user's cache. It computes what the same lines say in the same order and
precision: nothing is reordered or fused, so results do not hang on the machine. Exponentials and logarithms stay with NumPy,
which takes them for many replicates at once.

Two habits keep this safe. A compiled function uses compiled functions and constants of its own file only, since what is kept
on disk is made anew when that file changes, and no other. And a number in it is of `Real` where the arrays are: Numba does
not take a plain 1.0 as NumPy does, but computes with it in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Rule = TypeVar("Rule", bound=Callable[..., Any])


def compiled(rule: Rule) -> Rule:
    """Translate a function to machine code when it is first called; keep that on disk where there is a place for it."""
    translate = partial(numba.njit, error_model="numpy", nogil=True)
    try:
        return cast(Rule, translate(cache=True)(rule))
    except RuntimeError:  # neither the module's folder nor the user's cache can be written
        return cast(Rule, translate()(rule))


def are_kept() -> bool:
    """Whether rules are on disk from an earlier run; where not, the first one compiles them, which takes seconds."""
    from crisis_sim.model import choice

    rule: Any = choice.weigh
    folder = getattr(rule.stats, "cache_path", None)
    return folder is not None and any(Path(folder).glob("choice.weigh-*.nbi"))
