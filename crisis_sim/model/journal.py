"""The event log that rules write to, and the journal of a single replicate made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from crisis_sim.model.compiling import routine, rule
from crisis_sim.scenario.schema import ENDINGS

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: An entry of the event log: code (position in `CODES`), agent (number in its role), time, and up to two details.
NOTE = np.dtype(
    [
        ("code", np.int64),
        ("agent", np.int64),
        ("days", np.float64),
        ("a", np.int64),
        ("b", np.int64),
    ]
)
#: Size of the event log of a replicate with a journal.
NOTES = 20_000

#: Kinds of events in a journal; rules use their numbers.
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
    """Random keys, and the event log.

    Attributes:
        keys: keys of each random stream, shape (streams, 2).
        stream_of: stream of each clock.
        notes: event log, records of `NOTE`; empty without a journal.
        noted: number of entries in the log, shape (1,).
        paths: records of `PATH`, shape (replicates kept, days, states).
    """

    keys: Any
    stream_of: Any
    notes: Any
    noted: Any
    paths: Any


#: A state at the end of a day.
PATH = np.dtype([("rung", np.int64), ("market", np.float64), ("pressure", np.float64)], align=True)


@rule
def note(luck: Any, code: Any, agent: Any, days: Any, a: Any = 0, b: Any = 0) -> None:
    """Add an entry to the event log, if there is one."""
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
def first(earlier: Any, now: Any) -> Any:
    """Return the time of the first occurrence: `earlier` unless that is NaN, else `now`."""
    return now if earlier != earlier else earlier


# The journal, for a replay.

#: Role of the agent to which an event happens, if it is not a state.
_ROLES = {
    ENGAGED: "mediators",
    REFUSED: "mediators",
    DECIDED: "lenders",
    CHANNEL_OPENED: "channels",
    CHANNEL_BROKE: "channels",
    SPOKE: "advisers",
}
#: Series of third parties: role, variable and name of the series.
_SERIES = (
    ("mediators", "engaged", "effort"),
    ("channels", "open", "open"),
    ("advisers", "voice", "voice"),
)
_OF_THE_CRISIS = (AGREED, IN_EFFECT, ENDED)
_WITH_RUNG = (ACT, PLANNED, PLAN_DROPPED, OPERATION_ENDED)


@dataclass(frozen=True)
class Entry:
    """An event of a crisis.

    Attributes:
        hours: time from the scenario's start.
        kind: kind of event, such as `act`, `engaged` or `agreed`.
        agent: name of the agent, or "" for the crisis as a whole.
        detail: further details, such as the `rung` of an act.
    """

    hours: float
    kind: str
    agent: str
    detail: dict[str, Any]


@dataclass
class Journal:
    """Events and time series of a single replicate.

    Attributes:
        step_hours: time between two values of a series.
        entries: the events in order of time.
        series: values by column: `hours`, `danger`, and the rung, pressure, market, grievance, demand and propensity to halt
            of each state.
    """

    step_hours: float = 3.0
    entries: list[Entry] = field(default_factory=list)
    series: dict[str, list[float]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Journal({len(self.entries):,} entries)"

    def _repr_html_(self) -> str:
        """Return the entries as a table, for a notebook."""
        from crisis_sim import notebook

        rows = [
            (f"{entry.hours / 24:.2f}", entry.kind, entry.agent, _line(entry.detail))
            for entry in self.entries
        ]
        return notebook.page(
            notebook.heading("Journal of one crisis", f"{len(rows):,} entries"),
            notebook.table(("day", "event", "agent", "details"), rows),
        )

    def observe(self, model: CrisisModel) -> None:
        """Record the current state of a crisis, and the events since the last observation."""
        view = model.view[0]
        values = {"hours": model.days * 24, "danger": view["danger"]}
        for state in model.cast["states"]:
            own = view["states"][state.index]
            for name in ("rung", "pressure", "market", "grievance", "demand", "halt_propensity"):
                values[f"{state.name}_{name}"] = own[name]
        for role, variable, name in _SERIES:
            for agent in model.cast[role]:
                values[f"{agent.name}_{name}"] = view[role][agent.index][variable]
        for lender in model.cast["lenders"]:
            days_ahead = (
                view["reviews"][review.index]["due"] - model.days
                for review in model.cast["reviews"]
                if review.lender == lender.name
            )
            next_due = min((days for days in days_ahead if days >= 0), default=np.inf)
            nearness = np.exp(-next_due / _number(model.behaviour.run_up_days))
            values[f"{lender.name}_nearness"] = nearness
        for name, value in values.items():
            self.series.setdefault(name, []).append(float(value))
        noted = model.luck.noted
        self.entries += [entry_of(model, note) for note in model.luck.notes[: noted[0]]]
        noted[0] = 0


def entry_of(model: CrisisModel, note: Any) -> Entry:
    """Convert an entry of the event log."""
    code, agent, a, b = (int(note[name]) for name in ("code", "agent", "a", "b"))
    hours, kind = float(note["days"]) * 24, CODES[code]
    detail: dict[str, Any] = {}
    if code == EVENT:
        event = model.scenario.events[agent]
        numbers = model.numbers[f"events.{agent}"]
        detail = {"title": event.title, "deaths": _number(numbers.deaths)}
        return Entry(hours, event.kind, event.struck, detail)
    name = "" if code in _OF_THE_CRISIS else model.cast[_ROLES.get(code, "states")][agent].name
    if code in _WITH_RUNG:
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
    """Return a number of the model's single replicate."""
    return float(np.ravel(number)[0])


def _line(detail: dict[str, Any]) -> str:
    return ", ".join(
        f"{key}: {value:.4g}" if isinstance(value, float) else f"{key}: {value}"
        for key, value in detail.items()
    )
