"""What a crisis is written down as: notes that rules make of what happens, and the journal of one replicate made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from crisis_sim.model.compiled import routine, rule
from crisis_sim.scenario.schema import ENDINGS

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: A note of something that happened: its code (its place in `CODES`), to which agent (its number in its role), when,
#: and up to two numbers more.
NOTE = np.dtype(
    [
        ("code", np.int64),
        ("agent", np.int64),
        ("days", np.float64),
        ("a", np.int64),
        ("b", np.int64),
    ]
)
#: Notes that a journal has room for.
NOTES = 20_000

#: What may happen, as a journal calls it; rules note it by its number.
CODES = (
    "event", "act", "operation_ended", "planned", "plan_dropped", "first_strike", "war", "nuclear_use", "accident",
    "offered", "agreed", "in_effect", "violation", "absorbed", "relapsed", "engaged", "refused", "decided", "channel_opened",
    "channel_broke", "spoke", "yielded", "collapsed", "ended",
)  # fmt: skip
(
    EVENT, ACT, OPERATION_ENDED, PLANNED, PLAN_DROPPED, FIRST_STRIKE, WAR, NUCLEAR_USE, ACCIDENT,
    OFFERED, AGREED, IN_EFFECT, VIOLATION, ABSORBED, RELAPSED, ENGAGED, REFUSED, DECIDED, CHANNEL_OPENED,
    CHANNEL_BROKE, SPOKE, YIELDED, COLLAPSED, ENDED,
) = range(len(CODES))  # fmt: skip


class Luck(NamedTuple):
    """What rules take luck from, and write notes to.

    Attributes:
        keys: what keys each stream, shape (streams, 2).
        stream_of: each clock's stream.
        notes: records of `NOTE`; none where there is no journal.
        noted: how many of them are filled, shape (1,).
        paths: records of `PATH`, shape (replicates kept, days, states).
    """

    keys: Any
    stream_of: Any
    notes: Any
    noted: Any
    paths: Any


#: How a state stands at the end of a day.
PATH = np.dtype([("rung", np.int64), ("market", np.float64), ("pressure", np.float64)], align=True)


@rule
def note(luck: Any, code: Any, agent: Any, days: Any, a: Any = 0, b: Any = 0) -> None:
    """Note for the journal, if there is one, that something happened."""
    if luck.notes.size > 0:
        _write(luck.notes, luck.noted, code, agent, days, a, b)


@routine
def _write(notes: Any, noted: Any, code: Any, agent: Any, days: Any, a: Any, b: Any) -> None:
    n = noted[0]
    if n < notes.size:
        noted[0] = n + 1
        entry = notes[n]
        entry.code, entry.agent, entry.days, entry.a, entry.b = code, agent, days, a, b


@rule
def first(at: Any, now: Any) -> Any:
    """The first time of something: `at` if it came before (a time), else `now`."""
    return now if at != at else at


# The journal, for a replay.

#: What each event is noted of, where it is not a state.
_ROLES = {
    ENGAGED: "mediators",
    REFUSED: "mediators",
    DECIDED: "lenders",
    CHANNEL_OPENED: "channels",
    CHANNEL_BROKE: "channels",
    SPOKE: "advisers",
}
#: Series of third parties: role, variable and what the series is called.
_STRIPS = (
    ("mediators", "engaged", "effort"),
    ("channels", "open", "open"),
    ("advisers", "voice", "voice"),
)
_OF_NOBODY = (AGREED, IN_EFFECT, ENDED)
_ACTS = (ACT, PLANNED, PLAN_DROPPED, OPERATION_ENDED)


@dataclass(frozen=True)
class Entry:
    """One event.

    Attributes:
        hours: when it happened, from the scenario's start.
        kind: what happened, such as `act`, `engaged` or `agreed`.
        agent: name of the agent it happened to, or "" for the crisis as a whole.
        detail: more about it, such as the `rung` of an act.
    """

    hours: float
    kind: str
    agent: str
    detail: dict[str, Any]


@dataclass
class Journal:
    """Events and series of a single replicate.

    Attributes:
        step_hours: time between two values of a series.
        entries: the events in order of time.
        series: values by column: `hours`, `danger`, and for each state its rung, pressure, market, grievance, will to halt.
    """

    step_hours: float = 3.0
    entries: list[Entry] = field(default_factory=list)
    series: dict[str, list[float]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Journal({len(self.entries):,} entries)"

    def _repr_html_(self) -> str:
        """Its entries in order, for a notebook."""
        from crisis_sim import show

        rows = [
            (f"{one.hours / 24:.2f}", one.kind, one.agent, _line(one.detail))
            for one in self.entries
        ]
        return show.page(
            show.heading("Journal of one crisis", f"{len(rows):,} entries"),
            show.table(("day", "what", "who", "more"), rows),
        )

    def look(self, model: CrisisModel) -> None:
        """Note how things stand, and what has happened since the last look."""
        view = model.view[0]
        now = {"hours": model.days * 24, "danger": view["danger"]}
        for state in model.cast["states"]:
            own = view["states"][state.index]
            for name in ("rung", "pressure", "market", "grievance", "demand", "halt_propensity"):
                now[f"{state.name}_{name}"] = own[name]
        for role, variable, name in _STRIPS:
            for one in model.cast[role]:
                now[f"{one.name}_{name}"] = view[role][one.index][variable]
        for lender in model.cast["lenders"]:
            due = [
                view["reviews"][one.index]["due"]
                for one in model.cast["reviews"]
                if one.lender == lender.name
            ]
            ahead = min((at - model.days for at in due if at >= model.days), default=np.inf)
            now[f"{lender.name}_nearness"] = np.exp(-ahead / _number(model.behaviour.run_up_days))
        for name, value in now.items():
            self.series.setdefault(name, []).append(float(value))
        noted = model.luck.noted
        self.entries += [entry_of(model, note) for note in model.luck.notes[: noted[0]]]
        noted[0] = 0


def entry_of(model: CrisisModel, note: Any) -> Entry:
    """A note of the compiled rules as an entry."""
    code, agent, a, b = (int(note[name]) for name in ("code", "agent", "a", "b"))
    hours, kind = float(note["days"]) * 24, CODES[code]
    detail: dict[str, Any] = {}
    if code == EVENT:
        event = model.scenario.events[agent]
        numbers = model.numbers[f"events.{agent}"]
        detail = {"title": event.title, "deaths": _number(numbers.deaths)}
        return Entry(hours, event.kind, event.struck, detail)
    name = "" if code in _OF_NOBODY else model.cast[_ROLES.get(code, "states")][agent].name
    if code in _ACTS:
        detail = {"to_rung" if code == ACT else "rung": model.scenario.ladder[a].name}
    elif code == REFUSED:
        detail = {"by": model.scenario.state_names[a]}
    elif code == AGREED:
        detail = {"by": ["", *model.scenario.mediators][a]}
    elif code == DECIDED:
        review = model.cast["reviews"][b]
        detail = {
            "decision": ("", "approved", "delayed")[a],
            "amount_usd_bn": _number(model.numbers[review.path].amount_usd_bn),
            "title": review.spec.title,
            "vote": review.spec.rival_vote,
        }
    elif code == SPOKE:
        detail = {"stance": model.cast["advisers"][agent].spec.stance}
    elif code == ENDED:
        detail = {"ending": ENDINGS[a]}
    return Entry(hours, kind, name, detail)


def _number(number: Any) -> float:
    """A number of the model's single replicate."""
    return float(np.ravel(number)[0])


def _line(detail: dict[str, Any]) -> str:
    """The details of an entry on one line."""
    return ", ".join(
        f"{key}: {value:.4g}" if isinstance(value, float) else f"{key}: {value}"
        for key, value in detail.items()
    )
