"""How states, mediators, lenders and the rest work in general: one set of parameters for every scenario.

A scenario states the facts of its case; it leaves these alone, unless it asks what would follow if the world worked
otherwise. Values are in units of the choice: at `choice_precision` 1, a difference of 1 makes an option e times as likely.
Intensity runs from 0 (calm) to 1 (nuclear use); grievance 1 is the harm of `harm_unit_deaths` deaths.
docs/parameters.md is made from this module and `crisis_sim.scenario.schema`.
"""

from __future__ import annotations

from pydantic import Field

from crisis_sim.scenario.numbers import Number, Part, parameter

DAY = "per day"
DAYS = "days"
VALUE = "value"
SHARE = "share"

FEARON = "Fearon 1994, Domestic Political Audiences and the Escalation of International Disputes"
QUANTAL = "Crisman-Cox and Gibilisco 2018, Audience Costs and the Dynamics of War and Peace (form)"
HERMANN = "Hermann 1969, Crises in Foreign Policy (form); May 2025 timeline (cabinets met within two days)"
JERVIS = "Jervis 1976, Perception and Misperception in International Politics (form)"
SCHELLING = "Schelling 1966, Arms and Influence (form)"
TANNENWALD = "Tannenwald 1999, The Nuclear Taboo (form)"
ZARTMAN = "Zartman 2000, Ripeness: The Hurting Stalemate and Beyond (form)"
OSGOOD = "Osgood 1962, An Alternative to War or Surrender (form)"
FORTNA = "Fortna 2004, Peace Time: Cease-Fire Agreements and the Durability of Peace (form)"
BEARDSLEY = (
    "Beardsley, Quinn, Biswas and Wilkenfeld 2006, Mediation Style and Crisis Outcomes (form)"
)
FEY_RAMSAY = "Fey and Ramsay 2010, When Is Shuttle Diplomacy Worth the Commute? (form)"
THACKER = "Thacker 1999, The High Politics of IMF Lending (form)"
#: Assumed in form, fitted in size.
FITTED = "fitted to the record (docs/fit.md)"
MAY_2025 = "May 2025 timeline and market closes (scenarios/may_2025.yaml)"


class DecisionBehaviour(Part):
    """How a state chooses: quantal choice among rungs, a halt, and yielding."""

    choice_precision: Number = parameter(
        1.57,
        "how sharply values decide; near 0 it is a toss-up",
        unit="1/value",
        between=(0.01, 20),
        source=QUANTAL,
    )
    deliberations_per_day: Number = parameter(
        {"lognormal": [0.624, 1.31]},
        "decisions a day while no strikes fall",
        unit=DAY,
        between=(0.01, 24),
        source=MAY_2025,
    )
    decisions_under_fire_per_day: Number = parameter(
        {"lognormal": [1.28, 0.551]},
        "further decisions a day while either side strikes",
        unit=DAY,
        between=(0.01, 48),
        source=MAY_2025,
    )
    decisions_on_alert_per_day: Number = parameter(
        1.34,
        "further decisions a day just after an event or a blow that struck the state",
        unit=DAY,
        between=(0.0, 48),
        source=HERMANN,
    )
    alert_days: Number = parameter(
        1.28, "time in which such an alert wears off", unit=DAYS, between=(0.05, 60), source=HERMANN
    )
    preparation_days: Number = parameter(
        {"lognormal": [2.66, 1.26]},
        "time a state needs, once its grievance passes `quiet_grievance`, before it is ready to strike first; "
        "who is struck is ready at once",
        unit=DAYS,
        between=(0.01, 365),
        source="response delays of recent South Asian crises, 11 to 17 days (docs/facts)",
        slider=(0.5, 30),
    )
    unready_cost: Number = parameter(
        6.27, "cost of striking before being ready", unit=VALUE, between=(0, 50), source=FITTED
    )
    line_cost: Number = parameter(
        1.04,
        "cost of being the first to cross a line: to open fire, to strike, to go to full-scale war",
        unit=VALUE,
        between=(0, 50),
        source=SCHELLING,
    )
    retaliation: Number = parameter(
        13.0,
        "value of answering a grievance of 1 at full intensity",
        unit=VALUE,
        between=(0, 50),
        source=FITTED,
    )
    reciprocity: Number = parameter(
        5.83,
        "cost of standing a full intensity below the rival as it is seen",
        unit=VALUE,
        between=(0, 50),
        source=OSGOOD,
    )
    audience_cost: Number = parameter(
        6.24,
        "cost of falling a full intensity below one's public commitment",
        unit=VALUE,
        between=(0, 50),
        source=FEARON,
        slider=(0, 20),
    )
    hurting: Number = parameter(
        2.82,
        "cost of fighting on under the rival's full intensity",
        unit=VALUE,
        between=(0, 50),
        source=ZARTMAN,
    )
    economic_restraint: Number = parameter(
        3.38,
        "how much full economic pressure weighs against full intensity",
        unit=VALUE,
        between=(0, 50),
        slider=(0, 20),
        source=FITTED,
    )
    fatigue_restraint: Number = parameter(
        4.38,
        "how much full fatigue weighs against full intensity",
        unit=VALUE,
        between=(0, 50),
        source=ZARTMAN,
    )
    dread: Number = parameter(
        7.91, "cost of full intensity itself", unit=VALUE, between=(0, 100), source=SCHELLING
    )
    dread_power: Number = parameter(
        2.68,
        "how steeply dread rises with intensity",
        unit="exponent",
        between=(1, 6),
        source=SCHELLING,
    )
    nuclear_dread: Number = parameter(
        0.148,
        "extra dread, as a share, when the rival has nuclear weapons",
        unit=SHARE,
        between=(0, 5),
        source=SCHELLING,
    )
    nuclear_taboo: Number = parameter(
        6.0, "further cost of nuclear use", unit=VALUE, between=(0, 100), source=TANNENWALD
    )
    change_cost: Number = parameter(
        1.35,
        "cost of changing course at all",
        unit=VALUE,
        between=(0, 10),
        source="Allison 1971, Essence of Decision (form)",
    )
    effort: Number = parameter(
        0.261, "cost of each rung moved in one decision", unit=VALUE, between=(0, 10), source=FITTED
    )
    reach: Number = parameter(
        3.0,
        "the most rungs that a state may move in one decision",
        unit="rungs",
        between=(1, 60),
        source=MAY_2025,
    )


class HarmBehaviour(Part):
    """How harm becomes grievance, and how grievance is answered or forgotten."""

    harm_unit_deaths: Number = parameter(
        25.0,
        "deaths that make a grievance of 1",
        unit="deaths",
        between=(0.1, 1e6),
        source=MAY_2025,
    )
    harm_exponent: Number = parameter(
        0.5, "grievance grows with deaths to this power", unit="exponent", between=(0.1, 1)
    )
    grievance_saturation: Number = parameter(
        7.38,
        "grievance at which more of it moves a state half as much",
        unit="grievance",
        between=(0.1, 1e6),
        source=FITTED,
    )
    answer_credit: Number = parameter(
        1.16,
        "how much of one's own grievance a like blow to the rival settles (above 1: successes are claimed)",
        unit="ratio",
        between=(0, 5),
        source=FITTED,
    )
    attrition_credit: Number = parameter(
        1.38,
        "how much of it the deaths that go on day by day settle, beside a like harm suffered",
        unit="ratio",
        between=(0, 5),
        source=FITTED,
    )
    grievance_half_life_days: Number = parameter(
        160.0,
        "time in which half a grievance is forgotten",
        unit=DAYS,
        between=(0.5, 3650),
        source=FITTED,
    )
    commitment_rise_days: Number = parameter(
        2.0,
        "time in which public commitment follows one's own rung up",
        unit=DAYS,
        between=(0.05, 365),
        source=FEARON,
    )
    commitment_fade_days: Number = parameter(
        14.3,
        "time in which public commitment fades once the rung is left",
        unit=DAYS,
        between=(0.05, 3650),
        source=FEARON,
    )
    success_cover: Number = parameter(
        0.43,
        "share of the audience cost that a fully answered grievance saves",
        unit=SHARE,
        between=(0, 1),
        source=FITTED,
    )
    fatigue_days: Number = parameter(
        47.1,
        "time in which fatigue follows the intensity of the fight",
        unit=DAYS,
        between=(0.1, 3650),
        source=ZARTMAN,
    )


class FogBehaviour(Part):
    """What states see of each other, and what goes wrong."""

    perception_hours: Number = parameter(
        8.0,
        "lag of what a state sees of its rival's rung",
        unit="hours",
        between=(0.1, 720),
        source=JERVIS,
    )
    misreadings_per_day: Number = parameter(
        0.5,
        "how often a state's error about its rival is drawn anew",
        unit=DAY,
        between=(0, 24),
        source=JERVIS,
    )
    misreading: Number = parameter(
        0.2,
        "largest error about the rival's intensity, as a share of it",
        unit=SHARE,
        between=(0, 1),
        source=JERVIS,
    )
    hope: Number = parameter(
        0.263,
        "chance that the rival accepts a halt, as believed with no information",
        unit="probability",
        between=(0, 1),
        source=FITTED,
    )
    accidents_per_day: Number = parameter(
        0.15,
        "accidents a day at full intensity (shots astray, jets downed)",
        unit=DAY,
        between=(0, 10),
    )
    accident_harm: Number = parameter(
        0.5, "grievance that an accident gives the rival", unit="grievance", between=(0, 10)
    )


class HaltBehaviour(Part):
    """Offers, acceptance, and whether a halt holds."""

    offer_lasts_days: Number = parameter(
        1.0, "how long an offer of a halt stands", unit=DAYS, between=(0.05, 60)
    )
    settling_cost: Number = parameter(
        {"normal": [-0.168, 0.24]},
        "value that every settlement forgoes",
        unit=VALUE,
        between=(-20, 20),
        source=FITTED,
    )
    forgone_retaliation: Number = parameter(
        1.61,
        "cost of leaving a grievance of 1 unanswered for good",
        unit=VALUE,
        between=(0, 50),
        source=FITTED,
    )
    mistrust: Number = parameter(
        2.87,
        "cost of a halt with a rival not trusted at all",
        unit=VALUE,
        between=(0, 50),
        source=FORTNA,
    )
    public_offer_cost: Number = parameter(
        2.36,
        "cost of offering a halt in public, with no private way",
        unit=VALUE,
        between=(0, 50),
        source=FEARON,
    )
    rebuff_cost: Number = parameter(
        0.366, "cost of an offer that is refused", unit=VALUE, between=(0, 50), source=FEARON
    )
    yielding_cost: Number = parameter(
        10.9, "cost of giving up the whole stake", unit=VALUE, between=(0, 100), source=FITTED
    )
    implementation_hours: Number = parameter(
        {"lognormal": [3.0, 0.7]},
        "from a halt agreed to its coming into effect",
        unit="hours",
        between=(0, 720),
        source=MAY_2025,
    )
    violations_per_day: Number = parameter(
        1.5, "violations a day just after a halt", unit=DAY, between=(0, 48), source=FORTNA
    )
    violation_fade_days: Number = parameter(
        3.0, "time in which violations die down", unit=DAYS, between=(0.1, 365), source=FORTNA
    )
    violation_harm: Number = parameter(
        0.15, "grievance that a violation gives", unit="grievance", between=(0, 10)
    )
    answering_cost: Number = parameter(
        5.12,
        "value of keeping a halt when it is violated",
        unit=VALUE,
        between=(-20, 50),
        source=FORTNA,
    )


class QuietBehaviour(Part):
    """When a crisis is over though nobody signed anything."""

    quiet_days: Number = parameter(
        29.0,
        "quiet on both sides after which a crisis is over",
        unit=DAYS,
        between=(0.5, 365),
        source=FITTED,
    )
    quiet_intensity: Number = parameter(
        0.119,
        "intensity up to which a state is quiet",
        unit="intensity",
        between=(0, 1),
        source=FITTED,
    )
    quiet_grievance: Number = parameter(
        0.501,
        "grievance under which a state is quiet",
        unit="grievance",
        between=(0, 10),
        source=FITTED,
    )
    reciprocation_days: Number = parameter(
        23.7,
        "steps down this close together are a tacit understanding; further apart, the crisis fades",
        unit=DAYS,
        between=(0.1, 365),
        source=OSGOOD,
    )


class WarBehaviour(Part):
    """How a full-scale war is decided."""

    collapse_per_day: Number = parameter(
        0.00957,
        "rate at which one side of an even war is beaten",
        unit=DAY,
        between=(0, 5),
        source=FITTED,
    )
    capability_exponent: Number = parameter(
        2.0,
        "how strongly the balance of capability decides",
        unit="exponent",
        between=(0, 10),
        source="Lanchester 1916, Aircraft in Warfare (square law)",
    )


class EconomyBehaviour(Part):
    """Markets and economic pressure."""

    market_reaction_days: Number = parameter(
        0.5,
        "time in which a market prices the danger",
        unit=DAYS,
        between=(0.05, 60),
        source=MAY_2025,
    )
    halt_relief: Number = parameter(
        0.6,
        "share of the danger that a market no longer prices while a halt holds",
        unit=SHARE,
        between=(0, 1),
        source=MAY_2025,
    )
    pressure_of_market_loss: Number = parameter(
        3.0,
        "economic pressure from a market that has lost everything",
        unit="pressure",
        between=(0, 50),
    )
    pressure_of_cost: Number = parameter(
        0.06,
        "economic pressure from a day's output lost",
        unit="pressure per day of output",
        between=(0, 5),
    )
    recovery_days: Number = parameter(
        60.0,
        "time in which reserves recover from losses and relief is used up",
        unit=DAYS,
        between=(1, 3650),
    )


class MediationBehaviour(Part):
    """How third parties come in, and by what they help."""

    calls_per_day: Number = parameter(
        10.3,
        "rate of engaging, for each unit of alarm above the threshold",
        unit=DAY,
        between=(0, 48),
        source=MAY_2025,
    )
    effort_days: Number = parameter(
        0.5, "time in which an engaged mediator's effort builds up", unit=DAYS, between=(0.02, 60)
    )
    formulation_margin: Number = parameter(
        0.113,
        "alarm above the threshold at which a mediator proposes terms",
        unit="intensity",
        between=(0, 1),
        source=BEARDSLEY,
    )
    manipulation_margin: Number = parameter(
        0.21,
        "alarm above the threshold at which it uses carrots and sticks",
        unit="intensity",
        between=(0, 1),
        source=BEARDSLEY,
    )
    withdrawal_share: Number = parameter(
        0.5,
        "share of its threshold below which alarm lets a mediator go",
        unit=SHARE,
        between=(0, 1),
    )
    cover: Number = parameter(
        0.731,
        "share of the audience cost that a trusted mediator's terms save",
        unit=SHARE,
        between=(0, 1),
        source=BEARDSLEY,
    )
    assurance: Number = parameter(
        0.71,
        "share of the mistrust of a halt that a fully trusted mediator's terms lift",
        unit=SHARE,
        between=(0, 1),
        source=FORTNA,
    )
    leverage_on_halt: Number = parameter(
        3.38,
        "value that full leverage adds to a halt",
        unit=VALUE,
        between=(0, 50),
        source=BEARDSLEY,
        slider=(0, 20),
    )
    leverage_on_restraint: Number = parameter(
        1.8,
        "how much full leverage weighs against full intensity",
        unit=VALUE,
        between=(0, 50),
        source=BEARDSLEY,
    )
    overt_cost: Number = parameter(
        1.13,
        "cost, to a state averse to mediation, of settling under overt mediation",
        unit=VALUE,
        between=(0, 50),
        source=FITTED,
    )
    brokered_share: Number = parameter(
        0.2,
        "effort, weighted by influence, from which a settlement counts as brokered",
        unit=SHARE,
        between=(0, 1),
    )


class ChannelBehaviour(Part):
    """How a back-channel opens, breaks and helps."""

    openings_per_day: Number = parameter(
        1.0,
        "rate of opening when one who may open it wants to with all its weight",
        unit=DAY,
        between=(0, 48),
        source=MAY_2025,
    )
    breaks_per_day: Number = parameter(
        0.5, "rate of breaking under full intensity, with no trust", unit=DAY, between=(0, 48)
    )
    information: Number = parameter(
        0.8,
        "share of the fog that a fully trusted channel lifts",
        unit=SHARE,
        between=(0, 1),
        source=FEY_RAMSAY,
    )


class LendingBehaviour(Part):
    """How a purse restrains: before it is opened, not after."""

    reference_share: Number = parameter(
        0.1,
        "share of reserves to which `relief` and `shock` refer",
        unit=SHARE,
        between=(0.001, 10),
    )
    run_up_days: Number = parameter(
        7.0,
        "time before a decision from which it weighs on the borrower",
        unit=DAYS,
        between=(0.1, 365),
        source=THACKER,
    )
    restraint: Number = parameter(
        {"uniform": [0.0, 6.0]},
        "how much a full purse weighs against full intensity just before a conditional decision; "
        "no measured effect on ceasefires exists, so the prior is wide and includes none",
        unit=VALUE,
        between=(0, 50),
        source=THACKER,
        slider=(0, 12),
    )
    approval: Number = parameter(
        3.0,
        "log-odds that a board approves a borrower at peace",
        unit="log-odds",
        between=(-20, 20),
        source=THACKER,
    )
    strictness: Number = parameter(
        4.0,
        "how much full intensity of a borrower lowers those log-odds where lending is conditional",
        unit="log-odds",
        between=(0, 50),
    )
    opposition: Number = parameter(
        1.5,
        "how much a rival's vote against lowers them; an abstention counts `abstention` of it",
        unit="log-odds",
        between=(0, 50),
        source=THACKER,
    )
    abstention: Number = parameter(
        0.33, "weight of an abstention beside a vote against", unit=SHARE, between=(0, 1)
    )
    relief: Number = parameter(
        0.5,
        "economic pressure that a tranche of `reference_share` of reserves lifts",
        unit="pressure",
        between=(0, 10),
    )
    shock: Number = parameter(
        0.5,
        "economic pressure that the delay of such a tranche brings",
        unit="pressure",
        between=(0, 10),
    )


class AdviceBehaviour(Part):
    """How an adviser is heard."""

    counsels_per_day: Number = parameter(
        1.0,
        "rate of speaking up once danger passes the adviser's threshold",
        unit=DAY,
        between=(0, 48),
        source=MAY_2025,
    )
    weight: Number = parameter(
        2.0,
        "how much the counsel of a fully trusted adviser weighs for or against full intensity",
        unit=VALUE,
        between=(0, 50),
    )
    weight_on_halt: Number = parameter(
        1.0,
        "value that the counsel of a fully trusted dove adds to a halt, or a hawk's takes from it",
        unit=VALUE,
        between=(0, 50),
    )
    lasts_days: Number = parameter(
        7.0, "time in which counsel wears off", unit=DAYS, between=(0.1, 365)
    )


class Behaviour(Part):
    """All behavioural parameters."""

    decision: DecisionBehaviour = Field(default_factory=DecisionBehaviour)
    harm: HarmBehaviour = Field(default_factory=HarmBehaviour)
    fog: FogBehaviour = Field(default_factory=FogBehaviour)
    halt: HaltBehaviour = Field(default_factory=HaltBehaviour)
    quiet: QuietBehaviour = Field(default_factory=QuietBehaviour)
    war: WarBehaviour = Field(default_factory=WarBehaviour)
    economy: EconomyBehaviour = Field(default_factory=EconomyBehaviour)
    mediation: MediationBehaviour = Field(default_factory=MediationBehaviour)
    channels: ChannelBehaviour = Field(default_factory=ChannelBehaviour)
    lending: LendingBehaviour = Field(default_factory=LendingBehaviour)
    advice: AdviceBehaviour = Field(default_factory=AdviceBehaviour)
