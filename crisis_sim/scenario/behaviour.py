"""Behavioural parameters of states, mediators, lenders and the rest: one set for every scenario.

A scenario states the facts of its case; it leaves these alone, unless it asks what would follow if the world worked
otherwise. Values are in units of the choice: at `choice_precision` 1, a difference of 1 makes an option e times as likely.
Intensity runs from 0 (calm) to 1 (nuclear use); grievance 1 is the harm of `harm_unit_deaths` deaths.
docs/parameters.md is made from this module and `crisis_sim.scenario.schema`.

Each line is a parameter: name, default, range, unit, meaning, source.
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

    choice_precision: Number = parameter(1.57, (0.01, 20), "1/value", "how sharply values decide; near 0 it is a toss-up", QUANTAL)
    deliberations_per_day: Number = parameter({"lognormal": [0.624, 1.31]}, (0.01, 24), DAY, "decisions a day while no strikes fall", MAY_2025)
    decisions_under_fire_per_day: Number = parameter({"lognormal": [1.28, 0.551]}, (0.01, 48), DAY, "further decisions a day while either side strikes", MAY_2025)
    decisions_on_alert_per_day: Number = parameter(1.34, (0.0, 48), DAY, "further decisions a day just after an event or a blow that struck the state", HERMANN)
    alert_days: Number = parameter(1.28, (0.05, 60), DAYS, "time in which such an alert wears off", HERMANN)
    preparation_days: Number = parameter({"lognormal": [2.66, 1.26]}, (0.01, 365), DAYS, "time a state needs, once its grievance passes `quiet_grievance`, before it is ready to strike first; who is struck is ready at once", "response delays of recent South Asian crises, 11 to 17 days (docs/facts)", slider=(0.5, 30))
    unready_cost: Number = parameter(6.27, (0, 50), VALUE, "cost of striking before being ready", FITTED)
    line_cost: Number = parameter(1.04, (0, 50), VALUE, "cost of being the first to cross a line: to open fire, to strike, to go to full-scale war", SCHELLING)
    retaliation: Number = parameter(13.0, (0, 50), VALUE, "value of answering a grievance of 1 at full intensity", FITTED)
    reciprocity: Number = parameter(5.83, (0, 50), VALUE, "cost of standing a full intensity below the rival as it is seen", OSGOOD)
    audience_cost: Number = parameter(6.24, (0, 50), VALUE, "cost of falling a full intensity below one's public commitment", FEARON, slider=(0, 20))
    hurting: Number = parameter(2.82, (0, 50), VALUE, "cost of fighting on under the rival's full intensity", ZARTMAN)
    economic_restraint: Number = parameter(3.38, (0, 50), VALUE, "how much full economic pressure weighs against full intensity", FITTED, slider=(0, 20))
    fatigue_restraint: Number = parameter(4.38, (0, 50), VALUE, "how much full fatigue weighs against full intensity", ZARTMAN)
    dread: Number = parameter(7.91, (0, 100), VALUE, "cost of full intensity itself", SCHELLING)
    dread_power: Number = parameter(2.68, (1, 6), "exponent", "how steeply dread rises with intensity", SCHELLING)
    nuclear_dread: Number = parameter(0.148, (0, 5), SHARE, "extra dread, as a share, when the rival has nuclear weapons", SCHELLING)
    nuclear_taboo: Number = parameter(6.0, (0, 100), VALUE, "further cost of nuclear use", TANNENWALD)
    change_cost: Number = parameter(1.35, (0, 10), VALUE, "cost of changing course at all", "Allison 1971, Essence of Decision (form)")
    effort: Number = parameter(0.261, (0, 10), VALUE, "cost of each rung moved in one decision", FITTED)
    reach: Number = parameter(3.0, (1, 60), "rungs", "the most rungs that a state may move in one decision", MAY_2025)


class HarmBehaviour(Part):
    """How harm becomes grievance, and how grievance is answered or forgotten."""

    harm_unit_deaths: Number = parameter(25.0, (0.1, 1e6), "deaths", "deaths that make a grievance of 1", MAY_2025)
    harm_exponent: Number = parameter(0.5, (0.1, 1), "exponent", "grievance grows with deaths to this power")
    grievance_saturation: Number = parameter(7.38, (0.1, 1e6), "grievance", "grievance at which more of it moves a state half as much", FITTED)
    answer_credit: Number = parameter(1.16, (0, 5), "ratio", "how much of a state's own grievance a like blow to the rival settles (above 1: successes are claimed)", FITTED)
    attrition_credit: Number = parameter(1.38, (0, 5), "ratio", "how much of it deaths that continue day by day settle, relative to a like harm suffered", FITTED)
    grievance_half_life_days: Number = parameter(160.0, (0.5, 3650), DAYS, "time in which half a grievance is forgotten", FITTED)
    commitment_rise_days: Number = parameter(2.0, (0.05, 365), DAYS, "time in which public commitment follows the state's own rung up", FEARON)
    commitment_fade_days: Number = parameter(14.3, (0.05, 3650), DAYS, "time in which public commitment fades once the rung is left", FEARON)
    success_cover: Number = parameter(0.43, (0, 1), SHARE, "share of the audience cost that a fully answered grievance saves", FITTED)
    fatigue_days: Number = parameter(47.1, (0.1, 3650), DAYS, "time in which fatigue follows the intensity of the fight", ZARTMAN)


class FogBehaviour(Part):
    """How well states perceive each other, and accidents."""

    perception_hours: Number = parameter(8.0, (0.1, 720), "hours", "lag of what a state sees of its rival's rung", JERVIS)
    misreadings_per_day: Number = parameter(0.5, (0, 24), DAY, "how often a state's error about its rival is drawn anew", JERVIS)
    misreading: Number = parameter(0.2, (0, 1), SHARE, "largest error about the rival's intensity, as a share of it", JERVIS)
    hope: Number = parameter(0.263, (0, 1), "probability", "chance that the rival accepts a halt, as believed with no information", FITTED)
    accidents_per_day: Number = parameter(0.15, (0, 10), DAY, "accidents a day at full intensity (shots astray, jets downed)")
    accident_harm: Number = parameter(0.5, (0, 10), "grievance", "grievance that an accident gives the rival")


class HaltBehaviour(Part):
    """Offers, acceptance, and whether a halt holds."""

    offer_lasts_days: Number = parameter(1.0, (0.05, 60), DAYS, "how long an offer of a halt stands")
    settling_cost: Number = parameter({"normal": [-0.168, 0.24]}, (-20, 20), VALUE, "value that every settlement forgoes", FITTED)
    forgone_retaliation: Number = parameter(1.61, (0, 50), VALUE, "cost of leaving a grievance of 1 unanswered for good", FITTED)
    mistrust: Number = parameter(2.87, (0, 50), VALUE, "cost of a halt with a rival not trusted at all", FORTNA)
    public_offer_cost: Number = parameter(2.36, (0, 50), VALUE, "cost of offering a halt in public, with no private way", FEARON)
    rebuff_cost: Number = parameter(0.366, (0, 50), VALUE, "cost of an offer that is refused", FEARON)
    yielding_cost: Number = parameter(10.9, (0, 100), VALUE, "cost of giving up the whole stake", FITTED)
    implementation_hours: Number = parameter({"lognormal": [3.0, 0.7]}, (0, 720), "hours", "from a halt agreed to its coming into effect", MAY_2025)
    violations_per_day: Number = parameter(1.5, (0, 48), DAY, "violations a day just after a halt", FORTNA)
    violation_fade_days: Number = parameter(3.0, (0.1, 365), DAYS, "time in which violations die down", FORTNA)
    violation_harm: Number = parameter(0.15, (0, 10), "grievance", "grievance that a violation gives")
    answering_cost: Number = parameter(5.12, (-20, 50), VALUE, "value of keeping a halt when it is violated", FORTNA)


class QuietBehaviour(Part):
    """When a crisis is over though nobody signed anything."""

    quiet_days: Number = parameter(29.0, (0.5, 365), DAYS, "quiet on both sides after which a crisis is over", FITTED)
    quiet_intensity: Number = parameter(0.119, (0, 1), "intensity", "intensity up to which a state is quiet", FITTED)
    quiet_grievance: Number = parameter(0.501, (0, 10), "grievance", "grievance under which a state is quiet", FITTED)
    reciprocation_days: Number = parameter(23.7, (0.1, 365), DAYS, "steps down this close together are a tacit understanding; further apart, the crisis fades", OSGOOD)


class WarBehaviour(Part):
    """How a full-scale war is decided."""

    collapse_per_day: Number = parameter(0.00957, (0, 5), DAY, "rate at which one side of an even war is beaten", FITTED)
    capability_exponent: Number = parameter(2.0, (0, 10), "exponent", "how strongly the balance of capability decides", "Lanchester 1916, Aircraft in Warfare (square law)")


class EconomyBehaviour(Part):
    """Markets and economic pressure."""

    market_reaction_days: Number = parameter(0.5, (0.05, 60), DAYS, "time in which a market prices the danger", MAY_2025)
    halt_relief: Number = parameter(0.6, (0, 1), SHARE, "share of the danger that a market no longer prices while a halt holds", MAY_2025)
    pressure_of_market_loss: Number = parameter(3.0, (0, 50), "pressure", "economic pressure from a market that has lost everything")
    pressure_of_cost: Number = parameter(0.06, (0, 5), "pressure per day of output", "economic pressure from a day's output lost")
    recovery_days: Number = parameter(60.0, (1, 3650), DAYS, "time in which reserves recover from losses and relief is used up")


class MediationBehaviour(Part):
    """When mediators engage, and what their help consists of."""

    calls_per_day: Number = parameter(10.3, (0, 48), DAY, "rate of engaging, for each unit of alarm above the threshold", MAY_2025)
    effort_days: Number = parameter(0.5, (0.02, 60), DAYS, "time in which an engaged mediator's effort builds up")
    formulation_margin: Number = parameter(0.113, (0, 1), "intensity", "alarm above the threshold at which a mediator proposes terms", BEARDSLEY)
    manipulation_margin: Number = parameter(0.21, (0, 1), "intensity", "alarm above the threshold at which it uses carrots and sticks", BEARDSLEY)
    withdrawal_share: Number = parameter(0.5, (0, 1), SHARE, "share of its threshold below which alarm lets a mediator go")
    cover: Number = parameter(0.731, (0, 1), SHARE, "share of the audience cost that a trusted mediator's terms save", BEARDSLEY)
    assurance: Number = parameter(0.71, (0, 1), SHARE, "share of the mistrust of a halt that a fully trusted mediator's terms lift", FORTNA)
    leverage_on_halt: Number = parameter(3.38, (0, 50), VALUE, "value that full leverage adds to a halt", BEARDSLEY, slider=(0, 20))
    leverage_on_restraint: Number = parameter(1.8, (0, 50), VALUE, "how much full leverage weighs against full intensity", BEARDSLEY)
    overt_cost: Number = parameter(1.13, (0, 50), VALUE, "cost, to a state averse to mediation, of settling under overt mediation", FITTED)
    brokered_share: Number = parameter(0.2, (0, 1), SHARE, "effort, weighted by influence, from which a settlement counts as brokered")


class ChannelBehaviour(Part):
    """How a back-channel opens, breaks and helps."""

    openings_per_day: Number = parameter(1.0, (0, 48), DAY, "rate of opening when one who may open it wants to with all its weight", MAY_2025)
    breaks_per_day: Number = parameter(0.5, (0, 48), DAY, "rate of breaking under full intensity, with no trust")
    information: Number = parameter(0.8, (0, 1), SHARE, "share of the fog that a fully trusted channel lifts", FEY_RAMSAY)


class LendingBehaviour(Part):
    """How lending restrains: before money is released, not after."""

    reference_share: Number = parameter(0.1, (0.001, 10), SHARE, "share of reserves to which `relief` and `shock` refer")
    run_up_days: Number = parameter(7.0, (0.1, 365), DAYS, "time before a decision from which it weighs on the borrower", THACKER)
    restraint: Number = parameter({"uniform": [0.0, 6.0]}, (0, 50), VALUE, "how much full dependence on a conditional lender weighs against full intensity just before a conditional decision; no measured effect on ceasefires exists, so the prior is wide and includes none", THACKER, slider=(0, 12))
    approval: Number = parameter(3.0, (-20, 20), "log-odds", "log-odds that a board approves a borrower at peace", THACKER)
    strictness: Number = parameter(4.0, (0, 50), "log-odds", "how much full intensity of a borrower lowers those log-odds where lending is conditional")
    opposition: Number = parameter(1.5, (0, 50), "log-odds", "how much a rival's vote against lowers them; an abstention counts `abstention` of it", THACKER)
    abstention: Number = parameter(0.33, (0, 1), SHARE, "weight of an abstention relative to a vote against")
    relief: Number = parameter(0.5, (0, 10), "pressure", "economic pressure that a tranche of `reference_share` of reserves lifts")
    shock: Number = parameter(0.5, (0, 10), "pressure", "economic pressure that the delay of such a tranche brings")


class AdviceBehaviour(Part):
    """How an adviser is heard."""

    counsels_per_day: Number = parameter(1.0, (0, 48), DAY, "rate of speaking up once danger passes the adviser's threshold", MAY_2025)
    weight: Number = parameter(2.0, (0, 50), VALUE, "how much the advice of a fully trusted adviser weighs for or against full intensity")
    weight_on_halt: Number = parameter(1.0, (0, 50), VALUE, "value that the advice of a fully trusted dove adds to a halt, or a hawk's takes from it")
    lasts_days: Number = parameter(7.0, (0.1, 365), DAYS, "time in which advice wears off")


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
