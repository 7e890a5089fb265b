"""The journal of one replicate: what happened when, and how things stood, for a replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from crisis_sim.model import record
from crisis_sim.model.record import CODES
from crisis_sim.scenario.schema import ENDINGS

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: What each event is noted of, where it is not a state.
_ROLES = {
    record.ENGAGED: "mediators",
    record.REFUSED: "mediators",
    record.DECIDED: "lenders",
    record.CHANNEL_OPENED: "channels",
    record.CHANNEL_BROKE: "channels",
    record.SPOKE: "advisers",
}
#: Series of third parties: role, variable and what the series is called.
_STRIPS = (
    ("mediators", "engaged", "effort"),
    ("channels", "open", "open"),
    ("advisers", "voice", "voice"),
)
_OF_NOBODY = (record.AGREED, record.IN_EFFECT, record.ENDED)
_ACTS = (record.ACT, record.PLANNED, record.PLAN_DROPPED, record.OPERATION_ENDED)


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
            now[f"{lender.name}_nearness"] = np.exp(-ahead / _first(model.behaviour.run_up_days))
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
    if code == record.EVENT:
        event = model.scenario.events[agent]
        numbers = model.numbers[f"events.{agent}"]
        detail = {"title": event.title, "deaths": _first(numbers.deaths)}
        return Entry(hours, event.kind, event.struck, detail)
    name = "" if code in _OF_NOBODY else model.cast[_ROLES.get(code, "states")][agent].name
    if code in _ACTS:
        detail = {"to_rung" if code == record.ACT else "rung": model.scenario.ladder[a].name}
    elif code == record.REFUSED:
        detail = {"by": model.scenario.state_names[a]}
    elif code == record.AGREED:
        detail = {"by": ["", *model.scenario.mediators][a]}
    elif code == record.DECIDED:
        review = model.cast["reviews"][b]
        detail = {
            "decision": ("", "approved", "delayed")[a],
            "amount_usd_bn": _first(model.numbers[review.path].amount_usd_bn),
            "title": review.spec.title,
            "vote": review.spec.rival_vote,
        }
    elif code == record.SPOKE:
        detail = {"stance": model.cast["advisers"][agent].spec.stance}
    elif code == record.ENDED:
        detail = {"ending": ENDINGS[a]}
    return Entry(hours, kind, name, detail)


def _first(number: Any) -> float:
    """A number of the model's single replicate."""
    return float(np.ravel(number)[0])


def _line(detail: dict[str, Any]) -> str:
    """The details of an entry on one line."""
    return ", ".join(
        f"{key}: {value:.4g}" if isinstance(value, float) else f"{key}: {value}"
        for key, value in detail.items()
    )
