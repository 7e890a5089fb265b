"""The parts of a scenario: the facts of one crisis. Their one home; files, command line, JSON Schema and docs follow it.

Numbers without a unit run from 0 to 1. Times are dates with an offset, such as 2025-05-07T01:05+05:30; one without an offset
is taken in the offset of `start`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from os import PathLike
from typing import Annotated, Any, Literal

from pydantic import Field

from crisis_sim.scenario.behaviour import Behaviour
from crisis_sim.scenario.numbers import Distribution, Moment, Number, Part, chance, parameter

Violence = Literal["none", "minor clashes", "serious clashes", "full-scale war"]
VIOLENCE: tuple[Violence, ...] = ("none", "minor clashes", "serious clashes", "full-scale war")
#: How a crisis ends, in the words of the ICB project; `unresolved` is one cut off at the horizon.
ENDINGS = ("agreement", "tacit", "unilateral", "imposed", "faded", "unresolved")
Style = Literal["facilitation", "formulation", "manipulation"]
#: From the least to the most intrusive (Beardsley et al. 2006).
STYLES: tuple[Style, ...] = ("facilitation", "formulation", "manipulation")
Vote = Literal["for", "abstain", "against"]

#: The sections of a scenario whose agents have names.
SECTIONS = ("states", "mediators", "lenders", "channels", "advisers")

UNIT = (0.0, 1.0)
#: Rungs of a ladder: as many as there is room for in a state's options.
MAX_RUNGS = 16

#: The unit in which time is counted.
_TICK = timedelta(microseconds=1)
_TICKS_AN_HOUR = timedelta(hours=1) // _TICK


def _ticks(**length: float) -> int:
    """A length of time in ticks, at least one."""
    return max(timedelta(**length) // _TICK, 1)


class Rung(Part):
    """One rung of the ladder of escalation."""

    name: str = Field(description="what a state does on this rung")
    intensity: Number = parameter(None, (0.0, 2.0), "intensity", "how far up it is: calm is 0, full-scale war 1")
    deaths_per_day: Number = parameter(0.0, (0, 1e8), "deaths per day", "deaths it causes on the other side")
    opening_deaths: Number = parameter(0.0, (0, 1e8), "deaths", "deaths at once on the other side when a state climbs to it")
    cost_per_day: Number = parameter(0.0, (0, 10), "days of output per day", "cost to the state that is on it")
    violence: Violence = Field("none", description="its violence, in the words of the ICB project")
    strike: bool = Field(False, description="whether it counts as a strike: the first one starts the second duration")
    nuclear: bool = Field(False, description="whether it is the use of nuclear weapons")


#: By the name of a ladder what stands above its three rungs of peace, of each rung: name, intensity, deaths at once (of strikes
#: short of war their median), deaths a day, cost a day. Intensities are those that the behavioural parameters were fitted to.
#: Names are the field's, after Kahn 1965 and the South Asian record; in other theatres deaths are the authors' reading of a few
#: cases each: docs/coding.md.
_RUNGS: dict[str, tuple[tuple[str, float, float, float, float], ...]] = {
    "south_asian": (
        ("mobilisation", 0.12, 0, 0, 0.01),
        ("border fire", 0.25, 0, 0.3, 0.015),
        ("limited strike", 0.40, 25, 5, 0.05),
        ("air and drone exchange", 0.55, 15, 10, 0.1),
        ("strikes on military bases", 0.75, 20, 20, 0.2),
        ("full-scale war", 1.0, 400, 400, 0.5),
        ("nuclear use", 1.25, 50_000, 20_000, 1.0),
    ),
    "naval": (  # between navies and coast guards, where no army can march
        ("naval deployment", 0.12, 0, 0, 0.01),
        ("ramming and warning shots", 0.25, 0, 0.05, 0.01),
        ("attack on a ship or aircraft", 0.40, 20, 2, 0.04),
        ("naval and air exchange", 0.55, 25, 10, 0.1),
        ("strikes on ports and bases", 0.75, 40, 25, 0.2),
        ("full-scale war", 1.0, 300, 150, 0.4),
        ("nuclear use", 1.25, 50_000, 20_000, 1.0),
    ),
    "missiles": (  # between states that reach each other by missiles, drones and aircraft alone, for want of a common border
        ("missile and air forces on alert", 0.12, 0, 0, 0.01),
        ("sabotage and shadow war", 0.25, 0, 0.1, 0.01),
        ("limited strike", 0.40, 8, 3, 0.04),
        ("missile and drone exchange", 0.55, 10, 8, 0.1),
        ("air and missile campaign", 0.75, 60, 50, 0.25),
        ("full-scale war", 1.0, 300, 200, 0.5),
        ("nuclear use", 1.25, 50_000, 20_000, 1.0),
    ),
    "superpowers": (  # between great nuclear powers, who meet far from home: quarantine and shots before any strike
        ("strategic forces on alert", 0.12, 0, 0, 0.01),
        ("quarantine", 0.18, 0, 0, 0.02),
        ("shots at aircraft and ships", 0.25, 0, 0.2, 0.02),
        ("limited strike", 0.40, 100, 20, 0.05),
        ("air campaign and landing", 0.75, 500, 300, 0.2),
        ("full-scale war", 1.0, 2_000, 2_000, 0.5),
        ("nuclear use", 1.25, 1_000_000, 500_000, 1.0),
    ),
}
_PEACE = (("calm", 0.0, 0, 0, 0), ("protest", 0.02, 0, 0, 0), ("diplomatic and economic coercion", 0.05, 0, 0, 0.002))


def _rung(name: str, intensity: float, at_once: float, a_day: float, cost: float) -> Rung:
    strike = intensity >= 0.4
    return Rung(
        name=name,
        intensity=intensity,
        opening_deaths=Distribution("lognormal", (float(at_once), 0.9)) if strike and intensity < 1 else at_once,
        deaths_per_day=a_day,
        cost_per_day=cost,
        violence=VIOLENCE[sum(intensity >= least for least in (0.25, 0.4, 1.0))],
        strike=strike,
        nuclear=intensity > 1,
    )


#: The ladders that a scenario may name in place of a list of rungs; the first stands where a scenario gives none.
LADDERS = {name: tuple(_rung(*row) for row in (*_PEACE, *rungs)) for name, rungs in _RUNGS.items()}


class MarketSpec(Part):
    """A state's stock market, which prices the danger as it sees it."""

    index: str = Field("market index", description="name of the index")
    sensitivity: Number = parameter(0.1, (-5, 5), "log", "fall of the index, in logarithms, at full danger; below 0 for a market that danger raises")
    volatility: Number = parameter(0.01, (0, 0.5), "log per square root of a day", "daily movement without news, in logarithms")


class StateSpec(Part):
    """One of the two states in the crisis."""

    title: str = Field("", description="name to print; the key where it is left out")
    resolve: Number = parameter(None, (0.0, 3.0), "share", "how much the issue is worth to it", slider=(0.0, 1.0))
    claim: Number = parameter(0.0, (0, 100), "grievance", "what it wants of its rival: a lasting grievance that only a settlement takes off the table", "Huth and Allee 2002, The Democratic Peace and Territorial Conflict (form)")
    audience: Number = parameter(None, UNIT, "share", "how exposed its leaders are to audiences at home", slider=True)
    mediation_aversion: Number = parameter(0.0, UNIT, "share", "how readily it refuses mediators, the less the more leverage they have over it", slider=True)
    caution: Number = parameter(1.0, (0, 10), "ratio", "what its acts cost it, relative to the usual")
    capability: Number = parameter(1.0, (0.001, 1000), "ratio", "military capability, relative to the rival's")
    nuclear: Number = chance("whether it has nuclear weapons; a number between 0 and 1 is the chance that it has")
    economic_vulnerability: Number = parameter(0.5, UNIT, "share", "how much economic losses hurt it", slider=True)
    reserves_usd_bn: Number = parameter(100.0, (0.01, 1e5), "USD bn", "foreign reserves")
    market: MarketSpec = Field(default_factory=MarketSpec, description="its stock market")
    conquerable: Number = parameter(1.0, UNIT, "share", "how far its rival's forces can overrun it: 0 where neither land nor a sea that it commands leads there", "Boulding 1962, Conflict and Defense: A General Theory (form)")
    ready: Number = chance("whether its forces stand ready to answer when the crisis begins")
    rung_at_start: str = Field("", description="name of the rung whose act stands when the crisis begins; the lowest where left out")


class MediatorSpec(Part):
    """A third party that may engage. Per-side values left out are 0."""

    title: str = Field("", description="name to print; the key where it is left out")
    style: Style = Field("facilitation", description="the most intrusive style it is able to use")
    attention_threshold: Number = parameter(0.5, UNIT, "intensity", "danger above which it hastens to engage; danger below slows it", slider=True)
    attention_days: Number = parameter(30.0, (0.01, 10_000), "days", "mean time until it engages, at danger equal to its threshold and no halt in sight", slider=(1, 100))
    information: Number = parameter(0.5, UNIT, "share", "information of its own about both sides")
    trust: dict[str, Number] = parameter({}, UNIT, "share", "how far each state trusts it")
    leverage: dict[str, Number] = parameter({}, UNIT, "share", "carrots and sticks it holds over each state", slider=True)
    interest: dict[str, Number] = parameter({}, UNIT, "share", "its interest in each state, which it will not put at risk: it uses that much less of its leverage", "assumed; the literature has another mechanism of bias, credibility (Kydd 2003)")


class ReviewSpec(Part):
    """A date on which a lender's board decides on money."""

    at: Moment = Field(description="when the board decides")
    title: str = Field("", description="what is decided")
    amount_usd_bn: Number = parameter(None, (0, 1000), "USD bn", "money released on approval")
    rival_vote: Vote = Field("abstain", description="how the borrower's rival votes")
    delay_days: Number = parameter(14.0, (0.1, 365), "days", "until the board meets again, where it puts the decision off")


class LenderSpec(Part):
    """A lender on whose money one state depends."""

    title: str = Field("", description="name to print; the key where it is left out")
    borrower: str = Field(description="the state that depends on it")
    dependence: Number = parameter(0.5, UNIT, "share", "how much the borrower depends on it", slider=True)
    conditionality: Number = parameter({"uniform": [0.0, 1.0]}, UNIT, "share", "how far its money hangs on restraint", "disputed in May 2025: the prior covers the whole range", slider=True)
    days_later: Number = parameter(0.0, (-365, 365), "days", "how long after their dates its reviews are held; below 0 for before", "0 unless the dates are varied", slider=(-20, 30))
    reviews: tuple[ReviewSpec, ...] = Field((), description="its calendar")


class ChannelSpec(Part):
    """A private line between the two states."""

    title: str = Field("", description="name to print; the key where it is left out")
    trust: Number = parameter(0.5, UNIT, "share", "how far both sides trust it", slider=True)
    opened_by: tuple[str, ...] = Field((), description="states and mediators that may open it, each once")
    standing: bool = Field(False, description="whether it is open from the start")


class AdviserSpec(Part):
    """An adviser to the leaders of one state."""

    title: str = Field("", description="name to print; the key where it is left out")
    state: str = Field(description="the state that is advised")
    stance: Literal["dove", "hawk"] = Field("dove", description="what is advised")
    trust: Number = parameter(0.5, UNIT, "share", "how far the adviser is heard", slider=True)
    attention_threshold: Number = parameter(0.3, UNIT, "intensity", "danger from which the adviser speaks up")


class EventSpec(Part):
    """Something that happens on a given date, whatever the agents do."""

    at: Moment = Field(description="when it happens")
    title: str = Field("", description="what happens, in a few words")
    kind: Literal["trigger", "incident"] = Field("incident", description="`trigger` for the event with which the crisis begins, and from which it is counted")
    struck: str = Field(description="the state that it harms")
    deaths: Number = parameter(0.0, (0, 1e8), "deaths", "deaths")
    blame: Number = parameter(1.0, UNIT, "share", "how surely the struck state blames its rival")
    provocation: Number = parameter(0.0, (0, 100), "grievance", "grievance beside that of its deaths and of its rung: soldiers detained, a treaty broken")
    rival_rung: Number = parameter(0.0, (0, MAX_RUNGS - 1), "rung", "rung of the act that the struck state's rival carries out with it, by number; 0 for none, where others strike", whole=True)
    pressure: Number = parameter(0.0, (0, 10), "pressure", "economic pressure that it brings on the struck state")
    concession: Number = parameter(0.0, UNIT, "share", "share of the struck state's claim and of its open grievance that its rival settles with it", "Fearon 1995, Rationalist Explanations for War (form)")


class AboutSpec(Part):
    """What was known of a crisis at its trigger, where its states are not described one by one; `behaviour.reading` reads it."""

    gravity: Number = parameter(0.0, (-1, 1), "scale", "what the trigger threatens: 1 existence or grave damage, 0 territory, the political system or influence, -1 less")
    protracted: Number = chance("whether it is part of a protracted conflict")
    long_war: Number = chance("whether it is part of a long war")
    great_power: Number = chance("whether a great power is one of the two")
    territory: Number = chance("whether territory is at issue")
    words: Number = chance("whether the trigger was a verbal, political or economic act")
    indirect: Number = chance("whether the trigger struck an ally or client")
    violent: Number = chance("whether violence is part of the start, though the trigger's own rung is below fire")


class Label(Part):
    """A text of which each crisis has one; results have a column of it."""

    values: tuple[str, ...] = Field(min_length=1, description="the texts, one for each row of the table that is drawn from")
    weights: tuple[float, ...] = Field(description="the weight of each")
    together: str = Field(description="the name of the luck, as in choices drawn together")


#: A close of an index: above 0, and within limits that keep the ratio of two finite.
Close = Annotated[float, Field(strict=True, ge=1e-6, le=1e12)]


class RealMarket(Part):
    """Real closes of a state's market index."""

    index: str = Field(description="name of the index")
    closes: tuple[tuple[Moment, Close], ...] = Field(description="dates and closes, in order")


class RealEvent(Part):
    """A dated event of the record."""

    at: Moment
    text: str


class RealPath(Part):
    """What really happened: drawn under the results, never read by the model."""

    first_strike: Moment | None = Field(None, description="when the first strike fell")
    ceasefire_agreed: Moment | None = Field(None, description="when the halt was agreed")
    ceasefire_in_effect: Moment | None = Field(None, description="when the halt came into effect")
    rungs: dict[str, tuple[tuple[Moment, str], ...]] = Field(default_factory=dict, description="for each state, when it came to which rung")
    markets: dict[str, RealMarket] = Field(default_factory=dict, description="for each state, its market's closes")
    events: tuple[RealEvent, ...] = Field((), description="the record, event by event")


class Scenario(Part):
    """One crisis, or a population of them: all that the model is told."""

    name: str = Field("", description="the file's name without .yaml; not written in the file")
    title: str = Field(description="one line that says what the scenario is")
    label: str = Field("", description="a shorter title, for charts, tables and sentences; not inherited by a file with a title of its own")
    description: str = Field("", description="what it is for, and what it changes")
    sources: tuple[str, ...] = Field((), description="where its facts come from")
    start: Moment = Field(description="when the clock starts")
    horizon_days: float = Field(60.0, strict=True, gt=0, le=3650, description="how long each crisis is followed")
    follow_up_days: float = Field(14.0, strict=True, ge=0, le=3650, description="how long a halt is watched before it ends the crisis")
    ladder: tuple[Rung, ...] = Field(default_factory=lambda: LADDERS["south_asian"], min_length=2, max_length=MAX_RUNGS, description="rungs, from the lowest up; or a ladder by its name: south_asian, naval, missiles or superpowers")
    states: dict[str, StateSpec] = Field(min_length=2, max_length=2, description="the two states, each under its short name")
    mediators: dict[str, MediatorSpec] = Field(default_factory=dict, description="third parties")
    lenders: dict[str, LenderSpec] = Field(default_factory=dict, description="lenders")
    channels: dict[str, ChannelSpec] = Field(default_factory=dict, description="back-channels")
    advisers: dict[str, AdviserSpec] = Field(default_factory=dict, description="advisers")
    events: tuple[EventSpec, ...] = Field((), description="scheduled events, the trigger among them")
    about: AboutSpec | None = Field(None, description="what was known at the trigger, read by `behaviour.reading`")
    labels: dict[str, Label] = Field(default_factory=dict, description="texts that go with choices drawn together, as columns of results")
    real_path: RealPath | None = Field(None, description="what really happened, for overlays")
    behaviour: Behaviour = Field(default_factory=Behaviour, description="behavioural parameters, the same for every scenario")

    @classmethod
    def load(cls, reference: str | PathLike[str], overrides: Sequence[str] = ()) -> Scenario:
        """The scenario of a file, or a shipped one by its bare name (see `load_scenario`)."""
        from crisis_sim.scenario.load import load_scenario

        return load_scenario(reference, overrides)

    @classmethod
    def from_text(cls, text: str, name: str = "scenario", overrides: Sequence[str] = ()) -> Scenario:
        """The scenario that stands in a text, such as a file would hold (see `read_scenario`)."""
        from crisis_sim.scenario.load import read_scenario

        return read_scenario(text, name, overrides)

    def changed(self, changes: Mapping[str, Any], name: str = "") -> Scenario:
        """This scenario with values changed by path, checked as `--set` on the command line is.

            scenario.changed({"states.india.resolve": 0.5, "mediators.us": None})

        Args:
            changes: for each path a number, a distribution such as `{"uniform": [0.4, 0.6]}`, or any other value that a
                file may hold there; None takes something out. They are made in their order.
            name: its name; that of this scenario where left out. Its label says what is changed, unless a title or a
                label is.

        Raises:
            ScenarioError: when a path leads nowhere or a value may not stand there; holds all mistakes.
            TypeError: when a value is of a type that no scenario file can hold.
        """
        from crisis_sim.scenario.load import change_scenario

        return change_scenario(self, changes, name or self.name, labelled=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Scenario:
        """A copy, with fields in place of its own; checked as a file is. See `changed` for values inside them.

        Raises:
            ValidationError: when a field is unknown, out of range or of the wrong type.
            ScenarioError: when the fields do not fit together.
        """
        from crisis_sim.scenario.load import change_scenario

        copy = super().model_copy(update=update, deep=deep)
        return copy if update is None else change_scenario(copy, {}, copy.name)

    @property
    def state_names(self) -> tuple[str, ...]:
        """The two states' short names, in the order of the file."""
        return tuple(self.states)

    @property
    def horizon_hours(self) -> float:
        """Hours for which each crisis is followed."""
        return self.horizon_days * 24.0

    @property
    def triggered(self) -> bool:
        """Whether a trigger is scheduled."""
        return any(event.kind == "trigger" for event in self.events)

    @property
    def trigger_hours(self) -> float:
        """Hours from the start to the first trigger; 0 where the scenario schedules none."""
        return min((self.hours_from_start(event.at) for event in self.events if event.kind == "trigger"), default=0.0)

    @property
    def begins_hours(self) -> float:
        """Hours from the start to where a crisis begins at the earliest.

        That is the first trigger. Where none is scheduled, it is the start if the states then stand above the lowest rung
        or hold a claim, and else the first event; where there is none, nothing begins before the horizon.
        """
        return self._begins / _TICKS_AN_HOUR

    @property
    def _begins(self) -> int:
        opening = [event for event in self.events if event.kind == "trigger"]
        if not opening and any(map(self._is_at_odds, self.states.values())):
            return 0
        end = _ticks(days=self.horizon_days)
        first = min((self._ticks_to(event.at) for event in opening or self.events), default=end)
        return min(max(first, 0), end)

    def _is_at_odds(self, state: StateSpec) -> bool:
        return state.claim != 0 or state.rung_at_start not in ("", self.ladder[0].name)

    def moment(self, hours: float) -> datetime:
        """The date and time `hours` after the start, in the offset of `start`."""
        return self.start + timedelta(hours=hours)

    def hours_from_start(self, moment: datetime) -> float:
        """Hours from the start to a moment; one without an offset is taken in the offset of `start`."""
        return self._ticks_to(moment) / _TICKS_AN_HOUR

    def _ticks_to(self, moment: datetime) -> int:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.start.tzinfo)
        return (moment - self.start) // _TICK

    def plain(self) -> dict[str, Any]:
        """The whole resolved scenario as plain data, fit for JSON."""
        return self.model_dump(mode="json")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the resolved scenario without its name and label; equal digests mean equal crises."""
        content = {key: value for key, value in self.plain().items() if key not in ("name", "label")}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Name, title and agents; all of its values would fill the screen."""
        yield "name", self.name
        yield "title", self.title
        yield "states", self.state_names
        for section in SECTIONS[1:]:
            yield section, tuple(getattr(self, section))

    def _repr_html_(self) -> str:
        """A summary for a notebook."""
        from crisis_sim.scenario.introspect import html_of

        return html_of(self)
