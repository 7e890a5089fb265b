"""Behavioural parameters of states, mediators, lenders, channels and advisers: the same for every scenario.

Scenarios give the facts of a case and normally leave these parameters at their defaults. Values are log-odds: an option with
a value higher by 1 is e times as likely to be chosen. Intensity runs from 0 (calm) through 1 (full-scale war) to 1.25 (nuclear
use). A grievance of 1 is the harm of `harm_unit_deaths` deaths. docs/parameters.md is generated from this module and
`crisis_sim.scenario.schema`.

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
#: The fit to the historical record sets the parameters whose source contains this text: `Parameter.fitted`.
FITTED = "fitted to the historical record (docs/fit.md)"
SIZE_FITTED = f"; size {FITTED}"
#: Parameters that convert the facts of a trigger into grievance.
READS_FACTS = ("behaviour.harm.harm_unit_deaths", "behaviour.harm.harm_exponent")
MAY_2025 = "May 2025 timeline and market closes (scenarios/may_2025.yaml)"


class DecisionBehaviour(Part):
    """The value of acts to a state, and the time that decisions and preparations take."""

    precision: Number = parameter(1.0, (0.01, 100), "ratio", "how closely choices follow values: multiplies all values. 1 by definition of their unit; higher values test whether acts are intended or chance")
    answering: Number = parameter(17.9, (0, 200), VALUE, "value of an act of full intensity to a state of full resolve with a demand of 1", FITTED)
    cost: Number = parameter(20.9, (0, 200), VALUE, "cost of an act of full intensity to a state as strong as its rival", FITTED)
    cost_power: Number = parameter(2.12, (1, 6), "exponent", "how steeply that cost rises with intensity", SCHELLING + SIZE_FITTED)
    nuclear_dread: Number = parameter(1.74, (0, 50), "ratio", "additional cost at full intensity, relative to that cost, if the rival has nuclear weapons; rises with the sixth power of intensity", SCHELLING + SIZE_FITTED)
    nuclear_taboo: Number = parameter(8.0, (0, 200), VALUE, "value of nuclear use below that of waiting, whatever is at stake", TANNENWALD)
    line_minor: Number = parameter(1.03, (0, 50), VALUE, "cost of being the first to open fire", SCHELLING + SIZE_FITTED)
    line_serious: Number = parameter(1, (0, 50), VALUE, "additional cost of being the first to strike", SCHELLING)
    line_war: Number = parameter(2, (0, 50), VALUE, "additional cost of being the first to wage full-scale war", SCHELLING)
    bother: Number = parameter(3.74, (0, 50), VALUE, "fixed cost of a strike", "Allison 1971, Essence of Decision (form)" + SIZE_FITTED)
    trouble: Number = parameter(4.86, (0, 50), VALUE, "fixed cost of a lesser military act; words and sanctions have none", "Allison 1971, Essence of Decision (form)" + SIZE_FITTED)
    silence_cost: Number = parameter(6.18, (0, 50), VALUE, "cost of leaving the rival's act unanswered, to leaders fully exposed to audiences", FEARON + SIZE_FITTED)
    stakes_spread: Number = parameter(1.39, (0, 5), LOG, "spread of the stakes over crises and states", FITTED)
    deliberations_per_day: Number = parameter(0.1, (0.001, 24), DAY, "decisions per day of the median state, neither alarmed nor under fire", HERMANN)
    deliberations_spread: Number = parameter(1.6, (0, 4), LOG, "spread of that rate over states", HERMANN)
    decisions_on_alert_per_day: Number = parameter(0.624, (0, 48), DAY, "minimum of decisions per day of a state that was just struck or is under fire", HERMANN + SIZE_FITTED)
    decisions_in_war_per_day: Number = parameter(0.3, (0, 48), DAY, "minimum of decisions per day in full-scale war", HERMANN)
    preparation_days: Number = parameter(21.8, (0.1, 365), DAYS, "time to prepare full-scale war; other acts take their intensity times this", "response delays of recent South Asian crises, 11 to 17 days (docs/facts)" + SIZE_FITTED, slider=(0.5, 60))
    ready_days: Number = parameter(0.7, (0.01, 60), DAYS, "time from a decision to a strike once fighting", MAY_2025)


class HarmBehaviour(Part):
    """How harm becomes grievance, and how grievance is answered or forgotten."""

    harm_unit_deaths: Number = parameter(20.0, (0.1, 1e6), "deaths", "deaths that cause a grievance of 1", MAY_2025)
    harm_exponent: Number = parameter(0.7, (0.1, 1), "exponent", "grievance grows with deaths to this power")
    blow: Number = parameter(2.0, (0, 20), "grievance", "immediate grievance from an act of full intensity; sets the unit of grievance")
    fire: Number = parameter(0.3, (0, 20), "grievance per day", "grievance from fire of full intensity")
    answer_credit: Number = parameter(3.13, (0, 5), "ratio", "grievance that an act settles for each unit of grievance it gives the rival; above 1, successes are exaggerated", FITTED)
    banked: Number = parameter(0.5, (0, 5), "grievance", "maximum of satisfaction stored for later grievance")
    saturation: Number = parameter(2.0, (0.1, 100), "grievance", "grievance at which half of its effect is lost to saturation")
    grievance_half_life_days: Number = parameter(150.0, (0.5, 3650), DAYS, "time in which half of a grievance is forgotten")
    pressing_days: Number = parameter(30, (0.5, 3650), DAYS, "time over which the standing force of an act fades, and a claim can be pressed again")
    exhaustion_days: Number = parameter(239, (1, 3650), DAYS, "days of full-scale war that use up 63% of the remaining will to fight", SLANTCHEV + SIZE_FITTED)


class OperationBehaviour(Part):
    """Limited operations and war."""

    operation_days: Number = parameter(1.0, (0.05, 60), DAYS, "mean length of a limited operation before it is reviewed", MAY_2025)
    collapse_per_day: Number = parameter(0.000247, (0, 5), DAY, "rate at which the full force of an equally strong rival defeats a state", FITTED)
    capability_exponent: Number = parameter(0.829, (0, 10), "exponent", "effect of relative capability on the cost of acts, on giving in and on defeat", FITTED)


class FogBehaviour(Part):
    """Misperception and accidents."""

    misreading: Number = parameter(0.2, (0, 1), SHARE, "largest error about the rival's intensity, as a share of it", JERVIS)
    accidents_per_day: Number = parameter(0.15, (0, 10), DAY, "accidents per day at full intensity, such as stray shots or downed aircraft")
    accident_harm: Number = parameter(0.3, (0, 10), "grievance", "grievance of the rival from an accident")


class HaltBehaviour(Part):
    """The value of a halt, and violations of it."""

    offer_lasts_days: Number = parameter(3.0, (0.05, 60), DAYS, "time for which an offer of a halt is open")
    deal: Number = parameter(0.0, (-20, 20), VALUE, "median value of the deal on the table, to both states")
    deal_spread: Number = parameter(1.0, (0, 10), VALUE, "spread of that value over crises and over rounds of talks")
    deal_days: Number = parameter(30.0, (0.5, 3650), DAYS, "time after which the terms on the table change")
    hurting: Number = parameter(0.65, (0, 50), VALUE, "value of a halt to a state under its rival's full force", ZARTMAN)
    forgone: Number = parameter(12, (0, 50), VALUE, "value that a halt loses for each unit of unmet demand", FITTED)
    mistrust: Number = parameter(2.91, (0, 50), VALUE, "value that a halt loses with a rival that is not trusted at all", FORTNA + SIZE_FITTED)
    economic_relief: Number = parameter(1.5, (0, 50), VALUE, "value that full economic pressure adds to a halt", ZARTMAN, slider=(0, 10))
    implementation_hours: Number = parameter({"lognormal": [3.0, 0.7]}, (0, 720), "hours", "time from the agreement of a halt until it comes into effect", MAY_2025)
    violations_per_day: Number = parameter(0.5, (0, 48), DAY, "bursts of violations per day just after a halt that ends fire", FORTNA)
    violation_fade_days: Number = parameter(3.0, (0.1, 365), DAYS, "time over which violations decline", FORTNA)
    violation_burst: Number = parameter(0.5, (0, 0.95), "violations", "further violations caused by each violation within hours: violations come in clusters", "Hawkes 1971, Spectra of Some Self-Exciting and Mutually Exciting Point Processes (form)")
    violation_harm: Number = parameter(0.15, (0, 10), "grievance", "grievance from a violation")
    keeping: Number = parameter(5.0, (-20, 50), VALUE, "value of keeping a halt that is violated", FORTNA)


class EndBehaviour(Part):
    """How a crisis ends without an agreement."""

    yielding_days: Number = parameter(105, (0.5, 3650), DAYS, "mean time until a state without any demand gives in to its rival's last act", FITTED)
    yielding_stakes: Number = parameter(6.22, (0, 20), LOG, "how much each unit of demand delays giving in", FITTED)
    yielding_fire: Number = parameter(1.14, (-5, 10), LOG, "how much the rival's full force hastens giving in", SCHELLING + SIZE_FITTED)
    fading_days: Number = parameter(130, (0.5, 3650), DAYS, "mean time until a crisis without danger is over", FITTED)
    fading_stakes: Number = parameter(2.5, (0, 20), LOG, "how much each unit of demand, as the mean of both states, delays that")
    patience: Number = parameter(1.3, (0, 5), LOG, "how much longer states hold out, and crises take to fade, while a third party mediates an end of violence", WILKENFELD + SIZE_FITTED)
    settling_days: Number = parameter(37.8, (0, 365), DAYS, "time from the end of a crisis under fire until the states see it as over (ICB's end)", FITTED)


class EconomyBehaviour(Part):
    """Markets and economic pressure."""

    market_reaction_days: Number = parameter(0.5, (0.05, 60), DAYS, "time in which a market prices the danger", MAY_2025)
    halt_relief: Number = parameter(0.6, (0, 1), SHARE, "share of the danger that a market ignores while a halt holds", MAY_2025)
    pressure_of_market_loss: Number = parameter(3.0, (0, 50), "pressure", "economic pressure from the loss of a market's whole value")
    pressure_of_cost: Number = parameter(0.06, (0, 5), "pressure per day of output", "economic pressure from the loss of a day's output")
    recovery_days: Number = parameter(60.0, (1, 3650), DAYS, "time in which reserves recover from losses and relief is used up")


class MediationBehaviour(Part):
    """How third parties engage, and their effects."""

    alarm: Number = parameter(1.33, (0, 50), LOG, "how much full danger above its threshold hastens a mediator's engagement", FITTED)
    ripeness: Number = parameter(2.6, (0, 20), LOG, "how much it hastens engagement that both sides would accept a halt", ZARTMAN)
    first_day: Number = parameter(0.0548, (0, 1), "probability", "probability that a mediator is engaged from the first day", FITTED)
    formulation_danger: Number = parameter(0.35, (0, 1), "intensity", "danger above which a mediator proposes terms", BEARDSLEY)
    manipulation_danger: Number = parameter(0.55, (0, 1), "intensity", "danger above which a mediator uses carrots and sticks", BEARDSLEY)
    leverage_on_halt: Number = parameter(14.5, (0, 50), VALUE, "value that full leverage of an engaged mediator adds to a halt of violence", BEARDSLEY + SIZE_FITTED, slider=(0, 20))
    assurance: Number = parameter(0.8, (0, 1), SHARE, "share of the mistrust of a halt that the terms of a fully trusted mediator remove", FORTNA)
    face: Number = parameter(1.3, (0, 5), LOG, "how much a mediator whose terms save face hastens giving in", BEARDSLEY)
    refusal: Number = parameter(0.8, (0, 1), "probability", "probability that a state fully averse to mediation refuses a mediator without leverage over it", MAY_2025)
    brokered_share: Number = parameter(0.2, (0, 1), SHARE, "influence above which a settlement counts as brokered")


class ChannelBehaviour(Part):
    """How back-channels open and break, and their effects."""

    openings_per_day: Number = parameter(1.0, (0, 48), DAY, "rate at which a channel opens if a party that may open it wants to fully", MAY_2025)
    breaks_per_day: Number = parameter(0.5, (0, 48), DAY, "rate at which a channel without trust breaks under full intensity")
    information: Number = parameter(0.8, (0, 1), SHARE, "share of the misperception that a fully trusted channel removes", FEY_RAMSAY)


class LendingBehaviour(Part):
    """How pending decisions of lenders restrain borrowers."""

    reference_share: Number = parameter(0.1, (0.001, 10), "ratio", "amount, relative to reserves, to which `money`, `relief` and `shock` refer")
    run_up_days: Number = parameter(7.0, (0.1, 365), DAYS, "time before a decision from which it affects the borrower", THACKER)
    money: Number = parameter({"uniform": [0.0, 6.0]}, (0, 50), VALUE, "value of a tranche of `reference_share` of reserves to a fully dependent borrower; no effect on ceasefires has been measured, therefore the prior is wide and includes 0", THACKER, slider=(0, 12))
    approval: Number = parameter(3.0, (-20, 20), "log-odds", "log-odds that a board approves a borrower at peace", THACKER)
    strictness: Number = parameter(6.0, (0, 50), "log-odds", "reduction of those log-odds by a borrower's full intensity under conditional lending")
    opposition: Number = parameter(1.5, (0, 50), "log-odds", "reduction of those log-odds by a rival's vote against; an abstention counts `abstention` of it", THACKER)
    abstention: Number = parameter(0.33, (0, 1), SHARE, "weight of an abstention relative to a vote against")
    relief: Number = parameter(0.5, (0, 10), "pressure", "economic pressure that a tranche of `reference_share` of reserves removes")
    shock: Number = parameter(0.5, (0, 10), "pressure", "economic pressure that the delay of such a tranche causes")


class AdviceBehaviour(Part):
    """How advisers affect decisions."""

    counsels_per_day: Number = parameter(1.0, (0, 48), DAY, "rate of advice while danger is above the adviser's threshold", MAY_2025)
    weight: Number = parameter(2.0, (0, 50), VALUE, "weight of a fully trusted adviser's advice for or against an act of full intensity")
    weight_on_halt: Number = parameter(1.0, (0, 50), VALUE, "value that the advice of a fully trusted dove adds to a halt, or that of a hawk takes from it")
    lasts_days: Number = parameter(7.0, (0.1, 365), DAYS, "time over which advice loses its effect")


class ReadingBehaviour(Part):
    """How the facts of a trigger (`about`) are interpreted, in scenarios that do not give each state's stakes."""

    gravity: Number = parameter(0.998, (-5, 5), LOG, "increase of the stakes if existence or grave damage is threatened, decrease if little is", "Brecher and Wilkenfeld 1997, A Study of Crisis (form)" + SIZE_FITTED)
    protraction: Number = parameter(-0.102, (-5, 5), LOG, "increase of the stakes in a protracted conflict", "Brecher and Wilkenfeld 1997, A Study of Crisis (form)" + SIZE_FITTED)
    provocation: Number = parameter(0.334, (0, 10), "grievance", "median grievance from a trigger in addition to that of its act", FITTED)
    attention: Number = parameter(2.09, (0.01, 100), "ratio", "time until third parties engage, relative to the scenario's `attention_days`", FITTED)
    great_power: Number = parameter(1.87, (-5, 5), LOG, "how much later third parties engage if a great power is one of the states", FITTED)
    at_issue: Number = parameter(0.604, (-5, 5), LOG, "how much sooner third parties engage if territory is at issue", FITTED)
    little: Number = parameter(1.33, (-5, 5), LOG, "how much later third parties engage if little is threatened")
    claim_share: Number = parameter(-2.9, (-10, 10), "log-odds", "log-odds that a state has a claim on its rival in addition to wanting an answer")
    claim_words: Number = parameter(1.8, (-10, 10), "log-odds", "increase of those log-odds if the trigger was words: a threat or an accusation states a demand", SCHELLING)
    claim_size: Number = parameter(0.354, (0, 10), "grievance", "mean size of such a claim")
    violence: Number = parameter(-2.11, (-10, 10), "log-odds", "log-odds that violence at the beginning of a crisis is serious", FITTED)
    violence_gravity: Number = parameter(0.7, (-10, 10), "log-odds", "increase of those log-odds if existence or grave damage is threatened, decrease if little is")
    violence_indirect: Number = parameter(2.52, (-10, 10), "log-odds", "increase of those log-odds if an ally or client was struck", FITTED)
    violence_protracted: Number = parameter(2.35, (-10, 10), "log-odds", "increase of those log-odds in a protracted conflict", FITTED)
    violence_long_war: Number = parameter(1.68, (-10, 10), "log-odds", "additional increase of those log-odds in a long war", FITTED)
    violence_war: Number = parameter(1.69, (0, 20), "log-odds", "decrease of those log-odds for full-scale war instead of serious violence", FITTED)
    territory: Number = parameter(1.65, (-20, 20), VALUE, "increase of the value of the deal on the table to both states if territory is at issue", FITTED)
    words: Number = parameter(1.35, (-5, 5), LOG, "how much longer a crisis takes to end by itself if the trigger was words", FITTED)


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
