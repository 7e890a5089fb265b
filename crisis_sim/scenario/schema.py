"""The schema of a scenario: the facts of one crisis. Scenario files, overrides, JSON Schema and docs are derived from it.

Shares and probabilities run from 0 to 1. Times are dates with an offset from UTC, such as 2025-05-07T01:05+05:30; a date
without an offset has that of `start`.
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
#: How a crisis ends, in the terms of the ICB project; `unresolved` at the horizon.
ENDINGS = ("agreement", "tacit", "unilateral", "imposed", "faded", "unresolved")
Style = Literal["facilitation", "formulation", "manipulation"]
#: From the least to the most intrusive (Beardsley et al. 2006).
STYLES: tuple[Style, ...] = ("facilitation", "formulation", "manipulation")
Vote = Literal["for", "abstain", "against"]

#: The sections of a scenario that contain agents.
SECTIONS = ("states", "mediators", "lenders", "channels", "advisers")

UNIT = (0.0, 1.0)
#: Meaning of all titles of agents.
TITLE = "name for charts and tables; by default the key"
#: Maximum number of rungs of a ladder: a state's options have room for no more.
MAX_RUNGS = 16

#: The unit of time.
_TICK = timedelta(microseconds=1)
_TICKS_PER_HOUR = timedelta(hours=1) // _TICK


class Rung(Part):
    """One rung of the ladder of escalation."""

    name: str = Field(description="what a state does on this rung")
    intensity: Number = parameter(None, (0.0, 2.0), "intensity", "intensity of the rung: calm is 0, full-scale war 1")
    deaths_per_day: Number = parameter(0.0, (0, 1e8), "deaths per day", "deaths per day on the other side")
    opening_deaths: Number = parameter(0.0, (0, 1e8), "deaths", "immediate deaths on the other side when a state climbs to this rung")
    cost_per_day: Number = parameter(0.0, (0, 10), "days of output per day", "cost to the state on this rung")
    violence: Violence = Field("none", description="level of violence, in the terms of the ICB project")
    strike: bool = Field(False, description="true for a strike; durations from the first strike begin with it")
    nuclear: bool = Field(False, description="true for the use of nuclear weapons")


#: The rungs of each ladder above its three rungs of peace: name, intensity, immediate deaths (for strikes short of war their
#: median), deaths per day, cost per day. The behavioural parameters were fitted with these intensities. Names follow Kahn 1965
#: and the South Asian record; deaths in other theatres are the authors' reading of a few cases each (docs/coding.md).
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
    "naval": (  # between navies and coast guards, out of reach of armies
        ("naval deployment", 0.12, 0, 0, 0.01),
        ("ramming and warning shots", 0.25, 0, 0.05, 0.01),
        ("attack on a ship or aircraft", 0.40, 20, 2, 0.04),
        ("naval and air exchange", 0.55, 25, 10, 0.1),
        ("strikes on ports and bases", 0.75, 40, 25, 0.2),
        ("full-scale war", 1.0, 300, 150, 0.4),
        ("nuclear use", 1.25, 50_000, 20_000, 1.0),
    ),
    "missiles": (  # between states without a common border, which reach each other only by missiles, drones and aircraft
        ("missile and air forces on alert", 0.12, 0, 0, 0.01),
        ("sabotage and shadow war", 0.25, 0, 0.1, 0.01),
        ("limited strike", 0.40, 8, 3, 0.04),
        ("missile and drone exchange", 0.55, 10, 8, 0.1),
        ("air and missile campaign", 0.75, 60, 50, 0.25),
        ("full-scale war", 1.0, 300, 200, 0.5),
        ("nuclear use", 1.25, 50_000, 20_000, 1.0),
    ),
    "superpowers": (  # between great nuclear powers far from home: quarantine and shots precede strikes
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


def _rung(name: str, intensity: float, opening_deaths: float, deaths_per_day: float, cost_per_day: float) -> Rung:
    strike = intensity >= 0.4
    return Rung(
        name=name,
        intensity=intensity,
        opening_deaths=Distribution("lognormal", (float(opening_deaths), 0.9)) if strike and intensity < 1 else opening_deaths,
        deaths_per_day=deaths_per_day,
        cost_per_day=cost_per_day,
        violence=VIOLENCE[sum(intensity >= least for least in (0.25, 0.4, 1.0))],
        strike=strike,
        nuclear=intensity > 1,
    )


#: The ladders that a scenario may name instead of listing rungs; the first is the default.
LADDERS = {name: tuple(_rung(*row) for row in (*_PEACE, *rungs)) for name, rungs in _RUNGS.items()}


class MarketSpec(Part):
    """A state's stock market, which prices the danger."""

    index: str = Field("market index", description="name of the index")
    sensitivity: Number = parameter(0.1, (-5, 5), "log", "fall of the index, in logarithms, at full danger; negative if danger raises the market")
    volatility: Number = parameter(0.01, (0, 0.5), "log per square root of a day", "daily movement without news, in logarithms")


class StateSpec(Part):
    """One of the two states in the crisis."""

    title: str = Field("", description=TITLE)
    resolve: Number = parameter(None, (0.0, 3.0), "ratio", "importance of the issue to the state, relative to full resolve", slider=(0.0, 1.0))
    claim: Number = parameter(0.0, (0, 100), "grievance", "demand on the rival: a lasting grievance that only a settlement resolves", "Huth and Allee 2002, The Democratic Peace and Territorial Conflict (form)")
    audience: Number = parameter(None, UNIT, "share", "exposure of its leaders to domestic audiences", slider=True)
    mediation_aversion: Number = parameter(0.0, UNIT, "share", "readiness to refuse mediators; a mediator's leverage lowers it", slider=True)
    caution: Number = parameter(1.0, (0, 10), "ratio", "multiplies the cost of its acts")
    capability: Number = parameter(1.0, (0.001, 1000), "ratio", "military capability, relative to the rival's")
    nuclear: Number = chance("true if it has nuclear weapons, or the probability that it has")
    economic_vulnerability: Number = parameter(0.5, UNIT, "share", "how much economic losses hurt it", slider=True)
    reserves_usd_bn: Number = parameter(100.0, (0.01, 1e5), "USD bn", "foreign reserves")
    market: MarketSpec = Field(default_factory=MarketSpec, description="its stock market")
    conquerable: Number = parameter(1.0, UNIT, "share", "how far the rival's forces can overrun it: 0 if they can reach it neither by land nor by a sea that they command", "Boulding 1962, Conflict and Defense: A General Theory (form)")
    ready: Number = chance("true if its forces are ready to answer when the crisis begins, or the probability of that")
    rung_at_start: str = Field("", description="name of the rung whose act is in force when the crisis begins; by default the lowest")


class MediatorSpec(Part):
    """A third party that may engage. Values for a state that are not given are 0."""

    title: str = Field("", description=TITLE)
    style: Style = Field("facilitation", description="the most intrusive style that it can use")
    attention_threshold: Number = parameter(0.5, UNIT, "intensity", "danger above it makes the mediator engage sooner, danger below it later", slider=True)
    attention_days: Number = parameter(30.0, (0.01, 10_000), "days", "mean time until it engages, at danger equal to its threshold and without prospect of a halt", slider=(1, 100))
    information: Number = parameter(0.5, UNIT, "share", "independent information about both sides")
    trust: dict[str, Number] = parameter({}, UNIT, "share", "how far each state trusts it")
    leverage: dict[str, Number] = parameter({}, UNIT, "share", "carrots and sticks for each state", slider=True)
    interest: dict[str, Number] = parameter({}, UNIT, "share", "its interest in each state; leverage over a state is used less by this share", "assumed; the literature has another mechanism of bias, credibility (Kydd 2003)")


class ReviewSpec(Part):
    """A date on which a lender's board decides on money."""

    at: Moment = Field(description="when the board decides")
    title: str = Field("", description="what is decided")
    amount_usd_bn: Number = parameter(None, (0, 1000), "USD bn", "money released on approval")
    rival_vote: Vote = Field("abstain", description="how the borrower's rival votes")
    delay_days: Number = parameter(14.0, (0.1, 365), "days", "time until the board meets again if it postpones the decision")


class LenderSpec(Part):
    """A lender on whose money one state depends."""

    title: str = Field("", description=TITLE)
    borrower: str = Field(description="the state that depends on it")
    dependence: Number = parameter(0.5, UNIT, "share", "how much the borrower depends on it", slider=True)
    conditionality: Number = parameter({"uniform": [0.0, 1.0]}, UNIT, "share", "how far lending depends on the borrower's restraint", "disputed in May 2025: the prior covers the whole range", slider=True)
    days_later: Number = parameter(0.0, (-365, 365), "days", "shift of the dates of all its reviews; negative for earlier", "0 unless the dates are varied", slider=(-20, 30))
    reviews: tuple[ReviewSpec, ...] = Field((), description="its calendar")


class ChannelSpec(Part):
    """A back-channel between the two states."""

    title: str = Field("", description=TITLE)
    trust: Number = parameter(0.5, UNIT, "share", "how far both sides trust it", slider=True)
    opened_by: tuple[str, ...] = Field((), description="states and mediators that may open it, each once")
    standing: bool = Field(False, description="true if it is open from the start")


class AdviserSpec(Part):
    """An adviser to the leaders of one state."""

    title: str = Field("", description=TITLE)
    state: str = Field(description="the state that is advised")
    stance: Literal["dove", "hawk"] = Field("dove", description="direction of the advice")
    trust: Number = parameter(0.5, UNIT, "share", "how far the leaders trust the adviser", slider=True)
    attention_threshold: Number = parameter(0.3, UNIT, "intensity", "danger above which the adviser speaks up")


class EventSpec(Part):
    """A scheduled event, independent of the agents' decisions."""

    at: Moment = Field(description="when it happens")
    title: str = Field("", description="the event in a few words")
    kind: Literal["trigger", "incident"] = Field("incident", description="`trigger` for the event that begins the crisis; durations count from it")
    struck: str = Field(description="the state that it harms")
    deaths: Number = parameter(0.0, (0, 1e8), "deaths", "deaths")
    blame: Number = parameter(1.0, UNIT, "share", "how surely the struck state blames its rival")
    provocation: Number = parameter(0.0, (0, 100), "grievance", "grievance in addition to that of its deaths and its rung, such as for soldiers detained or a treaty broken")
    rival_rung: Number = parameter(0.0, (0, MAX_RUNGS - 1), "rung", "number of the rung of the act that the struck state's rival carries out; 0 if the rival does not act", whole=True)
    pressure: Number = parameter(0.0, (0, 10), "pressure", "economic pressure on the struck state")
    concession: Number = parameter(0.0, UNIT, "share", "share of the struck state's claim and open grievance that its rival settles", "Fearon 1995, Rationalist Explanations for War (form)")


class AboutSpec(Part):
    """Facts known at the trigger, for crises whose states are not described individually; see `behaviour.reading`."""

    gravity: Number = parameter(0.0, (-1, 1), "scale", "values threatened by the trigger: 1 existence or grave damage, 0 territory, the political system or influence, -1 less")
    protracted: Number = chance("part of a protracted conflict")
    long_war: Number = chance("part of a long war")
    great_power: Number = chance("one of the two states is a great power")
    territory: Number = chance("territory is at issue")
    words: Number = chance("the trigger was a verbal, political or economic act")
    indirect: Number = chance("the trigger struck an ally or client")
    violent: Number = chance("the crisis begins with violence, though the trigger itself has a rung without fire")


class Label(Part):
    """A text drawn for each crisis, which becomes a column of results."""

    values: tuple[str, ...] = Field(min_length=1, description="the texts, one for each row of the table that is drawn from")
    weights: tuple[float, ...] = Field(description="the weight of each text")
    together: str = Field(description="name of the random draw shared with choices that are drawn together")


#: A close of an index: above 0, and within limits that keep the ratio of two closes finite.
Close = Annotated[float, Field(strict=True, ge=1e-6, le=1e12)]


class RealMarket(Part):
    """Real closes of a state's market index."""

    index: str = Field(description="name of the index")
    closes: tuple[tuple[Moment, Close], ...] = Field(description="dates and closes, in order")


class RealEvent(Part):
    """A dated event of the historical record."""

    at: Moment
    text: str


class RealPath(Part):
    """The historical record: shown next to the results, not used by the model."""

    first_strike: Moment | None = Field(None, description="date of the first strike")
    ceasefire_agreed: Moment | None = Field(None, description="date on which the halt was agreed")
    ceasefire_in_effect: Moment | None = Field(None, description="date on which the halt came into effect")
    rungs: dict[str, tuple[tuple[Moment, str], ...]] = Field(default_factory=dict, description="for each state, dates and the rungs that it reached")
    markets: dict[str, RealMarket] = Field(default_factory=dict, description="for each state, its market's closes")
    events: tuple[RealEvent, ...] = Field((), description="the historical record, event by event")


class Scenario(Part):
    """One crisis, or a population of crises: the complete input of the model."""

    name: str = Field("", description="the file's name without .yaml; not written in the file")
    title: str = Field(description="one line that names the scenario")
    label: str = Field("", description="shorter title for charts, tables and sentences; not inherited by a file that has a title")
    description: str = Field("", description="purpose of the scenario, and its changes to the scenario that it extends")
    sources: tuple[str, ...] = Field((), description="sources of its facts")
    start: Moment = Field(description="start of the simulation")
    horizon_days: float = Field(60.0, strict=True, gt=0, le=3650, description="days after the start at which the simulation of a crisis stops")
    follow_up_days: float = Field(14.0, strict=True, ge=0, le=3650, description="days for which a halt must hold before the crisis ends")
    ladder: tuple[Rung, ...] = Field(default_factory=lambda: LADDERS["south_asian"], min_length=2, max_length=MAX_RUNGS, description="rungs, from the lowest up; or a ladder by its name: south_asian, naval, missiles or superpowers")
    states: dict[str, StateSpec] = Field(min_length=2, max_length=2, description="the two states, each under its short name")
    mediators: dict[str, MediatorSpec] = Field(default_factory=dict, description="third parties")
    lenders: dict[str, LenderSpec] = Field(default_factory=dict, description="lenders")
    channels: dict[str, ChannelSpec] = Field(default_factory=dict, description="back-channels")
    advisers: dict[str, AdviserSpec] = Field(default_factory=dict, description="advisers")
    events: tuple[EventSpec, ...] = Field((), description="scheduled events, including the trigger")
    about: AboutSpec | None = Field(None, description="facts known at the trigger, used by `behaviour.reading`")
    labels: dict[str, Label] = Field(default_factory=dict, description="texts drawn together with choices, as columns of results")
    real_path: RealPath | None = Field(None, description="the historical record, for comparison")
    behaviour: Behaviour = Field(default_factory=Behaviour, description="behavioural parameters, the same for every scenario")

    @classmethod
    def load(cls, reference: str | PathLike[str], overrides: Sequence[str] = ()) -> Scenario:
        """Load a scenario file, or a shipped scenario by name (see `load_scenario`)."""
        from crisis_sim.scenario.load import load_scenario

        return load_scenario(reference, overrides)

    @classmethod
    def from_text(cls, text: str, name: str = "scenario", overrides: Sequence[str] = ()) -> Scenario:
        """Read a scenario from the text of a scenario file (see `read_scenario`)."""
        from crisis_sim.scenario.load import read_scenario

        return read_scenario(text, name, overrides)

    def changed(self, changes: Mapping[str, Any], name: str = "") -> Scenario:
        """Return a copy with values changed by path, checked like `--set` on the command line.

            scenario.changed({"states.india.resolve": 0.5, "mediators.us": None})

        The copy's label lists the changes, unless they include a title or a label.

        Args:
            changes: for each path a number, a distribution such as `{"uniform": [0.4, 0.6]}`, or any other value of a
                scenario file; None removes an entry. Later changes take precedence.
            name: name of the copy; by default the name of this scenario.

        Raises:
            ScenarioError: all mistakes, if a path does not exist or a value is not valid there.
            TypeError: if a value has no equivalent in a scenario file.
        """
        from crisis_sim.scenario.load import change_scenario

        return change_scenario(self, changes, name or self.name, labelled=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Scenario:
        """Return a copy with whole fields replaced, checked like a file. See `changed` for values inside fields.

        Raises:
            ValidationError: if a field is unknown, out of range or of the wrong type.
            ScenarioError: if the fields do not fit together.
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
        """The length of each simulated crisis, in hours."""
        return self.horizon_days * 24.0

    @property
    def triggered(self) -> bool:
        """True if a trigger is scheduled."""
        return any(event.kind == "trigger" for event in self.events)

    @property
    def trigger_hours(self) -> float:
        """Hours from the start to the first trigger; 0 if none is scheduled."""
        return min((self.hours_from_start(event.at) for event in self.events if event.kind == "trigger"), default=0.0)

    @property
    def begins_hours(self) -> float:
        """Hours from the start to the earliest possible beginning of the crisis.

        This is the first trigger. Without a trigger, it is the start if a state has a claim or a rung above the lowest,
        otherwise the first event, or the horizon if there are no events.
        """
        opening = [event for event in self.events if event.kind == "trigger"]
        if not opening and any(map(self._is_at_odds, self.states.values())):
            return 0.0
        end = max(timedelta(days=self.horizon_days) // _TICK, 1)
        first = min((self._ticks_to(event.at) for event in opening or self.events), default=end)
        return min(max(first, 0), end) / _TICKS_PER_HOUR

    def _is_at_odds(self, state: StateSpec) -> bool:
        return state.claim != 0 or state.rung_at_start not in ("", self.ladder[0].name)

    def moment(self, hours: float) -> datetime:
        """Return the date and time `hours` after the start, in the offset of `start`."""
        return self.start + timedelta(hours=hours)

    def hours_from_start(self, moment: datetime) -> float:
        """Return the hours from the start to a moment; without an offset, the moment has that of `start`."""
        return self._ticks_to(moment) / _TICKS_PER_HOUR

    def _ticks_to(self, moment: datetime) -> int:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.start.tzinfo)
        return (moment - self.start) // _TICK

    def plain(self) -> dict[str, Any]:
        """Return the resolved scenario as data for JSON."""
        return self.model_dump(mode="json")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the resolved scenario without its name and label; the same digest means the same crises."""
        content = {key: value for key, value in self.plain().items() if key not in ("name", "label")}
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Yield name, title and agents only; all values would fill the screen."""
        yield "name", self.name
        yield "title", self.title
        yield "states", self.state_names
        for section in SECTIONS[1:]:
            yield section, tuple(getattr(self, section))

    def _repr_html_(self) -> str:
        """Return a summary for notebooks."""
        from crisis_sim.scenario.introspect import summary_html

        return summary_html(self)
