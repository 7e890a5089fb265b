"""What a batch is told of each replicate: its milestones, its worst moments and how it ended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crisis_sim.model.arrays import Indices
from crisis_sim.model.compiled import compiled, routine, rule

#: Milestones of every crisis, in hours from the start.
MILESTONES = (
    "ended_at_hours",
    "first_strike_at_hours",
    "mediation_started_at_hours",
    "channel_opened_at_hours",
    "ceasefire_agreed_at_hours",
    "ceasefire_in_effect_at_hours",
    "first_violation_at_hours",
    "relapsed_at_hours",
    "war_at_hours",
    "nuclear_use_at_hours",
    "followed_until_hours",
)
(
    ENDED, FIRST_STRIKE, MEDIATION_STARTED, CHANNEL_OPENED, AGREED, IN_EFFECT, FIRST_VIOLATION, RELAPSED, WAR, NUCLEAR_USE,
    FOLLOWED,
) = range(len(MILESTONES))  # fmt: skip
#: The other figures that rules write, by number: deaths, three of each state, one of each third party.
DEATHS, OF_STATES = len(MILESTONES), len(MILESTONES) + 1
LOWEST_MARKET, HIGHEST_PRESSURE, MARKET_REBOUND, FIGURES_A_STATE = 0, 1, 2, 3
OF_THIRD_PARTIES = OF_STATES + 2 * FIGURES_A_STATE
#: What rules count, or say in words that are kept as their numbers; then what each lender decided.
ENDING, MEDIATION_STYLE, BROKERED_BY, WORST_VIOLENCE, PEAK_RUNG, OF_LENDERS = range(6)


class Record:
    """Columns over all replicates of a block, those that have left it too.

    Args:
        replicates: how many replicates the block started with.
        figures, words: how many columns of numbers, and of words or counts, the model's rules write.

    Attributes:
        place: for each replicate still in the block, its row in the record.
        columns: the columns by name.
        figures, words: those that rules write, shape (columns, replicates).
    """

    def __init__(self, replicates: int, figures: int = 0, words: int = 0) -> None:
        self.place = np.arange(replicates)
        self.columns: dict[str, NDArray[Any]] = {}
        self.figures = np.full((figures, replicates), np.nan)
        self.words = np.zeros((words, replicates), np.int16)
        self._figures = iter(self.figures)
        self._word_columns = iter(self.words)
        self._words: dict[str, NDArray[np.str_]] = {}

    def add(self, name: str, fill: Any = np.nan, dtype: Any = np.float64) -> None:
        """Make a column of numbers."""
        self.columns[name] = np.full(self.place.size, fill, dtype)

    def add_words(self, name: str, words: Sequence[str]) -> None:
        """Make a column of words, kept as their numbers in `words`; it starts with the first one."""
        self.add(name, 0, np.int16)
        self._words[name] = np.array(words)

    def add_figure(self, name: str) -> None:
        """Make the next column that rules write numbers to."""
        self.columns[name] = next(self._figures)

    def add_word(self, name: str, words: Sequence[str] | None = None) -> None:
        """Make the next column that rules write words to, or counts where there are no words."""
        self.columns[name] = next(self._word_columns)
        if words is not None:
            self._words[name] = np.array(words)

    def table(self) -> dict[str, NDArray[Any]]:
        """All columns, words as words."""
        return {
            name: self._words[name][column] if name in self._words else column
            for name, column in self.columns.items()
        }

    def mark(self, name: str, who: Indices, hours: Any) -> None:
        """Note the first time of a milestone; later ones leave it as it is."""
        _mark(self.columns[name], self.place, who, np.asarray(hours, np.float64).reshape(-1))

    def set(self, name: str, who: Indices, value: Any) -> None:
        """Write a column for some replicates."""
        self.columns[name][self.place[who]] = value

    def raise_to(self, name: str, who: Indices, value: Any) -> None:
        """Keep the highest value that a column has seen."""
        rows = self.place[who]
        self.columns[name][rows] = np.maximum(self.columns[name][rows], value)

    def of(self, name: str, who: Indices) -> NDArray[Any]:
        """A column's values for some replicates."""
        return self.columns[name][self.place[who]]


@compiled
def _mark(
    column: NDArray[np.float64], place: Indices, who: Indices, hours: NDArray[np.float64]
) -> None:
    last = hours.size - 1
    for number in range(who.size):
        row = place[who[number]]
        if np.isnan(column[row]):
            column[row] = hours[min(number, last)]


#: What is noted of something that happens, for a journal: of what kind (its place in `crisis_sim.model.tell.KINDS`), to
#: which agent (its number among those of its kind), when, and up to two numbers more.
NOTE = np.dtype(
    [
        ("kind", np.int64),
        ("agent", np.int64),
        ("hours", np.float64),
        ("one", np.int64),
        ("two", np.int64),
    ]
)
#: Notes that a turn may bring at most.
NOTES_A_TURN = 1000


class Book(NamedTuple):
    """Where rules write what happened in one replicate.

    Attributes:
        figures, words: the record's columns.
        row: the replicate's row in them.
        notes: records of `NOTE`, of which the first `noted[0]` are filled; none where there is no journal.
    """

    figures: Any
    words: Any
    row: Any
    notes: Any
    noted: Any


@rule
def mark(book: Any, figure: Any, hours: Any) -> None:
    """Note the first time of a milestone; later ones leave it as it is."""
    if math.isnan(book.figures[figure, book.row]):
        book.figures[figure, book.row] = hours


@rule
def note(book: Any, kind: Any, agent: Any, hours: Any, one: Any = 0, two: Any = 0) -> None:
    """Note for the journal, if there is one, that something happened."""
    if book.notes.size > 0:
        _write(book.notes, book.noted, kind, agent, hours, one, two)


@routine
def _write(notes: Any, noted: Any, kind: Any, agent: Any, hours: Any, one: Any, two: Any) -> None:
    place = noted[0]
    if place < notes.size:
        noted[0] = place + 1
        entry = notes[place]
        entry.kind = kind
        entry.agent = agent
        entry.hours = hours
        entry.one = one
        entry.two = two
