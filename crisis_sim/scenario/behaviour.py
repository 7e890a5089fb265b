"""How states, mediators, lenders and the rest work in general: one set of parameters for every scenario.

A scenario states the facts of its case; it leaves these alone, unless it asks what would follow if the world worked
otherwise. Values are in the unit of a choice's chance: a difference of 1 makes an option e times as likely, so that there is no
precision to choose. Intensity runs from 0 (calm) over 1 (full-scale war) to 1.25 (nuclear use); grievance 1 is about the harm of
`harm_unit_deaths` deaths. docs/parameters.md is made from this module and `crisis_sim.scenario.schema`.

Each line is a parameter: name, default, range, unit, meaning, source.
"""

from __future__ import annotations

from pydantic import Field

from crisis_sim.scenario.numbers import Number, Part, parameter

DAY = "per day"
DAYS = "days"
VALUE = "value"
SHARE = "share"
LOG = "log"

FEARON = "Fearon 1994, Domestic Political Audiences and the Escalation of International Disputes (form)"
HERMANN = "Hermann 1969, Crises in Foreign Policy (form)"
JERVIS = "Jervis 1976, Perception and Misperception in International Politics (form)"
SCHELLING = "Schelling 1966, Arms and Influence (form)"
TANNENWALD = "Tannenwald 1999, The Nuclear Taboo (form)"
ZARTMAN = "Zartman 2000, Ripeness: The Hurting Stalemate and Beyond (form)"
SLANTCHEV = "Slantchev 2003, The Principle of Convergence in Wartime Negotiations (form)"
FORTNA = "Fortna 2004, Peace Time: Cease-Fire Agreements and the Durability of Peace (form)"
WILKENFELD = "Wilkenfeld, Young, Quinn and Asal 2005, Mediating International Crises (form)"
BEARDSLEY = "Beardsley, Quinn, Biswas and Wilkenfeld 2006, Mediation Style and Crisis Outcomes (form)"
FEY_RAMSAY = "Fey and Ramsay 2010, When Is Shuttle Diplomacy Worth the Commute? (form)"
THACKER = "Thacker 1999, The High Politics of IMF Lending (form)"
#: Assumed in form, fitted in size. The fit moves those whose source says so and no others: `Parameter.fitted`.
FITTED = "fitted to the record (docs/fit.md)"
SIZE_FITTED = f"; size {FITTED}"
#: Those that turn the facts of a trigger into grievance.
READS_FACTS = ("behaviour.harm.harm_unit_deaths", "behaviour.harm.harm_exponent")
MAY_2025 = "May 2025 timeline and market closes (scenarios/may_2025.yaml)"


class DecisionBehaviour(Part):
    """What acts are worth to a state, and how soon it decides and carries them out."""

    precision: Number = parameter(1.0, (0.01, 100), "ratio", "how closely choices follow values: it multiplies all of them. 1 by the unit of values; more, to see whether what states do is meant")
    answering: Number = parameter(17.9, (0, 200), VALUE, "value of an act of full intensity to a state of full resolve with a demand of 1", FITTED)
    cost: Number = parameter(20.9, (0, 200), VALUE, "cost of an act of full intensity to a state as strong as its rival", FITTED)
    cost_power: Number = parameter(2.12, (1, 6), "exponent", "how steeply that cost rises with intensity", SCHELLING + SIZE_FITTED)
    nuclear_dread: Number = parameter(1.74, (0, 50), SHARE, "further cost of full intensity, as a share, when the rival has nuclear weapons; it rises with the sixth power", SCHELLING + SIZE_FITTED)
    nuclear_taboo: Number = parameter(8.0, (0, 200), VALUE, "how much less than waiting nuclear use is worth, whatever is at stake", TANNENWALD)
    line_minor: Number = parameter(1.03, (0, 50), VALUE, "cost of being the first to open fire", SCHELLING + SIZE_FITTED)
    line_serious: Number = parameter(1, (0, 50), VALUE, "further cost of being the first to strike", SCHELLING)
    line_war: Number = parameter(2, (0, 50), VALUE, "further cost of being the first to go to full-scale war", SCHELLING)
    bother: Number = parameter(3.74, (0, 50), VALUE, "cost of striking at all", "Allison 1971, Essence of Decision (form)" + SIZE_FITTED)
    trouble: Number = parameter(4.86, (0, 50), VALUE, "cost of any lesser military act; words and sanctions cost nothing", "Allison 1971, Essence of Decision (form)" + SIZE_FITTED)
    silence_cost: Number = parameter(6.18, (0, 50), VALUE, "cost, to leaders fully exposed to audiences, of leaving what it suffered unanswered", FEARON + SIZE_FITTED)
    stakes_spread: Number = parameter(1.39, (0, 5), LOG, "spread over crises and states of how much is at stake", FITTED)
    deliberations_per_day: Number = parameter(0.1, (0.001, 24), DAY, "decisions a day of the middle state that is neither alarmed nor under fire", HERMANN)
    deliberations_spread: Number = parameter(1.6, (0, 4), LOG, "spread of that over states", HERMANN)
    decisions_on_alert_per_day: Number = parameter(0.624, (0, 48), DAY, "decisions a day, at least, of a state that has just been struck or is under fire", HERMANN + SIZE_FITTED)
    decisions_in_war_per_day: Number = parameter(0.3, (0, 48), DAY, "decisions a day, at least, in full-scale war", HERMANN)
    preparation_days: Number = parameter(21.8, (0.1, 365), DAYS, "time to make full-scale war ready; an act needs its intensity times this", "response delays of recent South Asian crises, 11 to 17 days (docs/facts)" + SIZE_FITTED, slider=(0.5, 60))
    ready_days: Number = parameter(0.7, (0.01, 60), DAYS, "time from a decision to a strike once fighting", MAY_2025)


class HarmBehaviour(Part):
    """How harm becomes grievance, and how grievance is answered or forgotten."""

    harm_unit_deaths: Number = parameter(20.0, (0.1, 1e6), "deaths", "deaths that make a grievance of 1", MAY_2025)
    harm_exponent: Number = parameter(0.7, (0.1, 1), "exponent", "grievance grows with deaths to this power")
    blow: Number = parameter(2.0, (0, 20), "grievance", "grievance that an act of full intensity gives at once; it sets the unit")
    fire: Number = parameter(0.3, (0, 20), "grievance per day", "grievance that fire of full intensity gives")
    answer_credit: Number = parameter(3.13, (0, 5), "ratio", "how much of its own grievance an act settles, beside what it gives the rival (above 1: successes are claimed)", FITTED)
    banked: Number = parameter(0.5, (0, 5), "grievance", "the most satisfaction that can be banked")
    saturation: Number = parameter(2.0, (0.1, 100), "grievance", "grievance at which more of it moves a state half as much")
    grievance_half_life_days: Number = parameter(150.0, (0.5, 3650), DAYS, "time in which half a grievance is forgotten")
    pressing_days: Number = parameter(30, (0.5, 3650), DAYS, "time over which the standing force of an act fades, and a claim can be pressed again")
    exhaustion_days: Number = parameter(239, (1, 3650), DAYS, "days of full-scale war that use up 63% of what is left of the will to fight", SLANTCHEV + SIZE_FITTED)


class OperationBehaviour(Part):
    """Limited operations and war."""

    operation_days: Number = parameter(1.0, (0.05, 60), DAYS, "mean length of a limited operation before it is reviewed", MAY_2025)
    collapse_per_day: Number = parameter(0.000247, (0, 5), DAY, "rate at which a state is overpowered by the full force of a rival as strong", FITTED)
    capability_exponent: Number = parameter(0.829, (0, 10), "exponent", "how strongly relative capability enters what acts cost, giving in and being overpowered", FITTED)


class FogBehaviour(Part):
    """What states misjudge, and what goes wrong."""

    misreading: Number = parameter(0.2, (0, 1), SHARE, "largest error about the rival's intensity, as a share of it", JERVIS)
    accidents_per_day: Number = parameter(0.15, (0, 10), DAY, "accidents a day at full intensity (shots astray, jets downed)")
    accident_harm: Number = parameter(0.3, (0, 10), "grievance", "grievance that an accident gives the rival")


class HaltBehaviour(Part):
    """What a halt is worth, and whether it holds."""

    offer_lasts_days: Number = parameter(3.0, (0.05, 60), DAYS, "how long an offer of a halt stands")
    deal: Number = parameter(0.0, (-20, 20), VALUE, "what the deal on the table is worth to both, in the middle")
    deal_spread: Number = parameter(1.0, (0, 10), VALUE, "spread over crises, and over rounds of talks, of what the deal on the table is worth to both")
    deal_days: Number = parameter(30.0, (0.5, 3650), DAYS, "time after which other terms come on the table")
    hurting: Number = parameter(0.65, (0, 50), VALUE, "value of halting to a state under its rival's full force", ZARTMAN)
    forgone: Number = parameter(12, (0, 50), VALUE, "value of halting lost for each unit of demand that it leaves unmet", FITTED)
    mistrust: Number = parameter(2.91, (0, 50), VALUE, "value lost by halting with a rival not trusted at all", FORTNA + SIZE_FITTED)
    economic_relief: Number = parameter(1.5, (0, 50), VALUE, "value that full economic pressure adds to a halt", ZARTMAN, slider=(0, 10))
    implementation_hours: Number = parameter({"lognormal": [3.0, 0.7]}, (0, 720), "hours", "from a halt agreed to its coming into effect", MAY_2025)
    violations_per_day: Number = parameter(0.5, (0, 48), DAY, "bursts of violations a day just after a halt that ends fire", FORTNA)
    violation_fade_days: Number = parameter(3.0, (0.1, 365), DAYS, "time in which they die down", FORTNA)
    violation_burst: Number = parameter(0.5, (0, 0.95), "violations", "further violations that each one brings about within hours: they come in clusters, not evenly", "Hawkes 1971, Spectra of Some Self-Exciting and Mutually Exciting Point Processes (form)")
    violation_harm: Number = parameter(0.15, (0, 10), "grievance", "grievance that a violation gives")
    keeping: Number = parameter(5.0, (-20, 50), VALUE, "value of keeping a halt when it is violated", FORTNA)


class EndBehaviour(Part):
    """How a crisis ends though nobody signed anything."""

    yielding_days: Number = parameter(105, (0.5, 3650), DAYS, "time until a state that demands nothing lets its rival's last word stand", FITTED)
    yielding_stakes: Number = parameter(6.22, (0, 20), LOG, "how much each unit of demand slows that", FITTED)
    yielding_fire: Number = parameter(1.14, (-5, 10), LOG, "how much the rival's full force hastens it", SCHELLING + SIZE_FITTED)
    fading_days: Number = parameter(130, (0.5, 3650), DAYS, "time until a crisis without danger is over", FITTED)
    fading_stakes: Number = parameter(2.5, (0, 20), LOG, "how much each unit of demand, the mean of both, slows that")
    patience: Number = parameter(1.3, (0, 5), LOG, "how much longer states hold out, and a crisis takes to fade, once a third party mediates an end of violence", WILKENFELD + SIZE_FITTED)
    settling_days: Number = parameter(37.8, (0, 365), DAYS, "time from the end of a crisis under fire to where the states see it as over (ICB's clock)", FITTED)


class EconomyBehaviour(Part):
    """Markets and economic pressure."""

    market_reaction_days: Number = parameter(0.5, (0.05, 60), DAYS, "time in which a market prices the danger", MAY_2025)
    halt_relief: Number = parameter(0.6, (0, 1), SHARE, "share of the danger that a market no longer prices while a halt holds", MAY_2025)
    pressure_of_market_loss: Number = parameter(3.0, (0, 50), "pressure", "economic pressure from a market that has lost everything")
    pressure_of_cost: Number = parameter(0.06, (0, 5), "pressure per day of output", "economic pressure from a day's output lost")
    recovery_days: Number = parameter(60.0, (1, 3650), DAYS, "time in which reserves recover from losses and relief is used up")


class MediationBehaviour(Part):
    """How third parties come in, and by what they help."""

    alarm: Number = parameter(1.33, (0, 50), LOG, "how much full danger above its threshold hastens a mediator", FITTED)
    ripeness: Number = parameter(2.6, (0, 20), LOG, "how much it hastens it that both sides would halt", ZARTMAN)
    first_day: Number = parameter(0.0548, (0, 1), "probability", "chance that a mediator is engaged from the first day", FITTED)
    formulation_danger: Number = parameter(0.35, (0, 1), "intensity", "danger from which a mediator proposes terms", BEARDSLEY)
    manipulation_danger: Number = parameter(0.55, (0, 1), "intensity", "danger from which it uses carrots and sticks", BEARDSLEY)
    leverage_on_halt: Number = parameter(14.5, (0, 50), VALUE, "value that full leverage of an engaged mediator adds to a halt of violence", BEARDSLEY + SIZE_FITTED, slider=(0, 20))
    assurance: Number = parameter(0.8, (0, 1), SHARE, "share of the mistrust of a halt that a fully trusted mediator's terms lift", FORTNA)
    face: Number = parameter(1.3, (0, 5), LOG, "how much a mediator whose terms save face hastens giving in", BEARDSLEY)
    refusal: Number = parameter(0.8, (0, 1), "probability", "chance that a state fully averse to mediation refuses a mediator without leverage over it", MAY_2025)
    brokered_share: Number = parameter(0.2, (0, 1), SHARE, "influence from which a settlement counts as brokered")


class ChannelBehaviour(Part):
    """How a back-channel opens, breaks and helps."""

    openings_per_day: Number = parameter(1.0, (0, 48), DAY, "rate of opening when one who may open it wants to with all its weight", MAY_2025)
    breaks_per_day: Number = parameter(0.5, (0, 48), DAY, "rate of breaking under full intensity, with no trust")
    information: Number = parameter(0.8, (0, 1), SHARE, "share of the fog that a fully trusted channel lifts", FEY_RAMSAY)


class LendingBehaviour(Part):
    """How a purse restrains: before it is opened, not after."""

    reference_share: Number = parameter(0.1, (0.001, 10), SHARE, "share of reserves to which `money`, `relief` and `shock` refer")
    run_up_days: Number = parameter(7.0, (0.1, 365), DAYS, "time before a decision from which it weighs on the borrower", THACKER)
    money: Number = parameter({"uniform": [0.0, 6.0]}, (0, 50), VALUE, "value of a tranche of `reference_share` of reserves to a fully dependent borrower; no measured effect on ceasefires exists, so the prior is wide and includes none", THACKER, slider=(0, 12))
    approval: Number = parameter(3.0, (-20, 20), "log-odds", "log-odds that a board approves a borrower at peace", THACKER)
    strictness: Number = parameter(6.0, (0, 50), "log-odds", "how much full intensity of a borrower lowers those log-odds where lending is conditional")
    opposition: Number = parameter(1.5, (0, 50), "log-odds", "how much a rival's vote against lowers them; an abstention counts `abstention` of it", THACKER)
    abstention: Number = parameter(0.33, (0, 1), SHARE, "weight of an abstention beside a vote against")
    relief: Number = parameter(0.5, (0, 10), "pressure", "economic pressure that a tranche of `reference_share` of reserves lifts")
    shock: Number = parameter(0.5, (0, 10), "pressure", "economic pressure that the delay of such a tranche brings")


class AdviceBehaviour(Part):
    """How an adviser is heard."""

    counsels_per_day: Number = parameter(1.0, (0, 48), DAY, "rate of speaking up once danger passes the adviser's threshold", MAY_2025)
    weight: Number = parameter(2.0, (0, 50), VALUE, "how much the counsel of a fully trusted adviser weighs for or against an act of full intensity")
    weight_on_halt: Number = parameter(1.0, (0, 50), VALUE, "value that the counsel of a fully trusted dove adds to a halt, or a hawk's takes from it")
    lasts_days: Number = parameter(7.0, (0.1, 365), DAYS, "time in which counsel wears off")


class ReadingBehaviour(Part):
    """How the facts of a trigger are read, in scenarios that give these in place of each state's stakes (`about`)."""

    gravity: Number = parameter(0.998, (-5, 5), LOG, "how much more is at stake where existence or grave damage is threatened, and less where little is", "Brecher and Wilkenfeld 1997, A Study of Crisis (form)" + SIZE_FITTED)
    protraction: Number = parameter(-0.102, (-5, 5), LOG, "how much more is at stake in a protracted conflict", "Brecher and Wilkenfeld 1997, A Study of Crisis (form)" + SIZE_FITTED)
    provocation: Number = parameter(0.334, (0, 10), "grievance", "grievance of the middle trigger beside that of its act", FITTED)
    attention: Number = parameter(2.09, (0.01, 100), "ratio", "time until third parties engage, relative to what the scenario says", FITTED)
    great_power: Number = parameter(1.87, (-5, 5), LOG, "how much longer third parties take where a great power is a side", FITTED)
    at_issue: Number = parameter(0.604, (-5, 5), LOG, "how much sooner third parties engage where territory is at issue", FITTED)
    little: Number = parameter(1.33, (-5, 5), LOG, "how much later they do where little is threatened")
    claim_share: Number = parameter(-2.9, (-10, 10), "log-odds", "log-odds that a state wants something of its rival beside an answer")
    claim_words: Number = parameter(1.8, (-10, 10), "log-odds", "more of it where the trigger was words: a threat or an accusation says what is wanted", SCHELLING)
    claim_size: Number = parameter(0.354, (0, 10), "grievance", "mean of what it then wants")
    violence: Number = parameter(-2.11, (-10, 10), "log-odds", "log-odds that violence with which a crisis begins is serious", FITTED)
    violence_gravity: Number = parameter(0.7, (-10, 10), "log-odds", "more of it where existence or grave damage is threatened, less where little is")
    violence_indirect: Number = parameter(2.52, (-10, 10), "log-odds", "more of it where an ally or client was struck", FITTED)
    violence_protracted: Number = parameter(2.35, (-10, 10), "log-odds", "more of it in a protracted conflict", FITTED)
    violence_long_war: Number = parameter(1.68, (-10, 10), "log-odds", "still more of it in a long war", FITTED)
    violence_war: Number = parameter(1.69, (0, 20), "log-odds", "how much rarer it is that such violence is full-scale war", FITTED)
    territory: Number = parameter(1.65, (-20, 20), VALUE, "what the deal on the table is worth more to both where territory is at issue", FITTED)
    words: Number = parameter(1.35, (-5, 5), LOG, "how much longer a crisis takes to end by itself whose trigger was words", FITTED)


class Behaviour(Part):
    """All behavioural parameters."""

    decision: DecisionBehaviour = Field(default_factory=DecisionBehaviour)
    harm: HarmBehaviour = Field(default_factory=HarmBehaviour)
    operations: OperationBehaviour = Field(default_factory=OperationBehaviour)
    fog: FogBehaviour = Field(default_factory=FogBehaviour)
    halt: HaltBehaviour = Field(default_factory=HaltBehaviour)
    ends: EndBehaviour = Field(default_factory=EndBehaviour)
    economy: EconomyBehaviour = Field(default_factory=EconomyBehaviour)
    mediation: MediationBehaviour = Field(default_factory=MediationBehaviour)
    channels: ChannelBehaviour = Field(default_factory=ChannelBehaviour)
    lending: LendingBehaviour = Field(default_factory=LendingBehaviour)
    advice: AdviceBehaviour = Field(default_factory=AdviceBehaviour)
    reading: ReadingBehaviour = Field(default_factory=ReadingBehaviour)
