"""What can go wrong when outcomes are summarised, each error with the facts in its fields.

ValueError
├── UnknownReferenceError   no scenario of that name to compare against
├── NotPairedError          a paired comparison was asked of scenarios with different luck
└── UnknownValueError       a column holds a word that it may not hold
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UnknownReferenceError(ValueError):
    """The scenario to compare against is not among those simulated.

    Attributes:
        name: The name that was asked for.
        valid: The names that there are.
        nearest: The valid name most like it, or None if none is much like it.
    """

    def __init__(self, name: str, valid: Iterable[str]) -> None:
        self.name = name
        self.valid = tuple(valid)
        close = get_close_matches(name, self.valid, n=1)
        self.nearest = close[0] if close else None
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        super().__init__(
            f"no scenario {name!r} to compare against{hint} (there are: {', '.join(self.valid)})"
        )


class NotPairedError(ValueError):
    """Two scenarios have no replicates that share their luck, so none can be paired.

    Attributes:
        scenario: Name of the scenario.
        reference: Name of the scenario it was to be compared against.
        seeds: The seeds of the two, in that order; None where no seed is known.
    """

    def __init__(self, scenario: str, reference: str, seeds: tuple[int | None, int | None]) -> None:
        self.scenario = scenario
        self.reference = reference
        self.seeds = seeds
        ours, theirs = ("unknown" if seed is None else str(seed) for seed in seeds)
        reason = (
            "they have no replicate number in common"
            if ours == theirs != "unknown"
            else f"their seeds are {ours} and {theirs}"
        )
        super().__init__(
            f"cannot pair the replicates of {scenario!r} with those of {reference!r}: {reason}; "
            "run both with one seed, or compare them as independent samples"
        )


class UnknownValueError(ValueError):
    """A column holds a word that it may not hold.

    Attributes:
        column: The column's name.
        value: The word found.
        valid: The words it may hold.
    """

    def __init__(self, column: str, value: str, valid: tuple[str, ...]) -> None:
        self.column = column
        self.value = value
        self.valid = valid
        super().__init__(f"column {column!r} holds {value!r}; it may hold {', '.join(valid)}")
