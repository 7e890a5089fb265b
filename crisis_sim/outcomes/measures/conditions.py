"""Conditions: what is so in a crisis, and in which replicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crisis_sim.outcomes.intervals import BoolArray
from crisis_sim.outcomes.records import Replicates

#: What may be said of a time: that it came, or never did.
CAME, NEVER = "came", "never"
#: What may be said of a number, or of a time in hours from the start.
BOUNDS = ("at_least", "at_most")


@dataclass(frozen=True)
class Condition:
    """Everything that must be so at once.

    Attributes:
        terms: for each column what it must hold: for texts a word or a tuple of words; for flags
            true or false; for times `came` or `never`; for times and numbers `at_least` and
            `at_most` with a number each.
    """

    terms: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> Condition:
        """The condition that a mapping says."""
        return cls(
            tuple(
                (column, tuple(value) if isinstance(value, list) else _frozen(value))
                for column, value in terms.items()
            )
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it looks at."""
        return tuple(column for column, _ in self.terms)

    def holds(self, replicates: Replicates) -> BoolArray:
        """In which replicates it is so, `(rows,)`."""
        each = [_holds(replicates.column(column), wanted) for column, wanted in self.terms]
        return np.asarray(np.logical_and.reduce(each), dtype=np.bool_)

    def plain(self) -> dict[str, Any]:
        """The condition as it is written."""
        return {column: _plain(wanted) for column, wanted in self.terms}

    def words(self) -> str:
        """The condition as a person would say it."""
        return " and ".join(_words(column, wanted) for column, wanted in self.terms)

    def among(self) -> str:
        """The crises in which it is so: "crises with no war", "crises that are not mediated"."""
        return "crises " + " and ".join(
            f"{'that are' if isinstance(wanted, bool) else 'with'} {_words(column, wanted)}"
            for column, wanted in self.terms
        )


def _holds(values: Any, wanted: Any) -> BoolArray:
    if wanted == CAME and values.dtype.kind == "f":
        return np.asarray(~np.isnan(values))
    if wanted == NEVER and values.dtype.kind == "f":
        return np.asarray(np.isnan(values))
    if isinstance(wanted, _Bounds):
        # Comparisons with NaN are false: what never came is neither early nor late.
        return np.asarray((values >= wanted.at_least) & (values <= wanted.at_most))
    if isinstance(wanted, tuple):
        return np.asarray(np.isin(values, wanted))
    return np.asarray(values == wanted)


@dataclass(frozen=True)
class _Bounds:
    at_least: float = -np.inf
    at_most: float = np.inf


def _frozen(value: Any) -> Any:
    return _Bounds(**value) if isinstance(value, Mapping) else value


def _plain(wanted: Any) -> Any:
    if isinstance(wanted, _Bounds):
        return {name: bound for name in BOUNDS if np.isfinite(bound := getattr(wanted, name))}
    return list(wanted) if isinstance(wanted, tuple) else wanted


def _words(column: str, wanted: Any) -> str:
    name = column.removesuffix("_at_hours").replace("_", " ")
    if wanted == CAME:
        return name
    if wanted == NEVER:
        return f"no {name}"
    if isinstance(wanted, bool):
        return name if wanted else f"not {name}"
    if isinstance(wanted, _Bounds):
        signs = {"at_least": "≥", "at_most": "≤"}
        return " ".join(
            [name, *(f"{signs[key]} {_plain(wanted)[key]:g}" for key in _plain(wanted))]
        )
    if isinstance(wanted, tuple):
        return f"{name} {' or '.join(map(str, wanted))}"
    return f"{name} {wanted}"
