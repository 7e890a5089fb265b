"""Parameters of the model's first generation that are gone, and what does their work now.

The table serves error messages and docs/model_versions.md alike.
"""

from __future__ import annotations

from crisis_sim.scenario.errors import one_of

#: Where the generations are compared.
PAGE = "docs/model_versions.md"

#: Sections of which nothing is left.
SECTIONS = ("behaviour.quiet", "behaviour.war")
#: By the path of a parameter that is gone: the path of the one that does its work now, or "", and a few words.
GONE: dict[str, tuple[str, str]] = {
    "hours_per_turn": ("", "time is continuous: there is no turn"),
    "behaviour.decision.choice_precision": ("", "it is the unit of all values: precision is 1"),
    "behaviour.decision.decisions_under_fire_per_day": (
        "behaviour.decision.decisions_on_alert_per_day",
        "decisions of a state that was struck or is under fire",
    ),
    "behaviour.decision.alert_days": ("", "a state is on alert until it has decided to wait"),
    "behaviour.decision.unready_cost": (
        "behaviour.decision.preparation_days",
        "strikes are prepared before they are carried out",
    ),
    "behaviour.decision.line_cost": (
        "behaviour.decision.line_serious",
        "each line has a cost of its own; `line_minor` and `line_war` are the others",
    ),
    "behaviour.decision.retaliation": ("behaviour.decision.answering", "the value of an answer"),
    "behaviour.decision.reciprocity": (
        "behaviour.decision.silence_cost",
        "leaving the rival's last act without any answer costs, not standing below it",
    ),
    "behaviour.decision.audience_cost": (
        "behaviour.decision.silence_cost",
        "audiences punish silence, and make a state hold out (`ends.yielding_stakes`)",
    ),
    "behaviour.decision.hurting": ("behaviour.halt.hurting", "it makes a halt worth more"),
    "behaviour.decision.economic_restraint": (
        "behaviour.halt.economic_relief",
        "economic pressure makes a halt worth more",
    ),
    "behaviour.decision.fatigue_restraint": (
        "behaviour.harm.exhaustion_days",
        "fighting uses up the will to fight",
    ),
    "behaviour.decision.dread": ("behaviour.decision.cost", "the cost of an act"),
    "behaviour.decision.dread_power": ("behaviour.decision.cost_power", "how steeply it rises"),
    "behaviour.decision.change_cost": (
        "behaviour.decision.bother",
        "a strike costs `bother`, a lesser military act `trouble`",
    ),
    "behaviour.decision.effort": ("behaviour.decision.cost", "an act costs by its intensity"),
    "behaviour.decision.reach": ("", "any act can be chosen, from any rung"),
    "behaviour.harm.grievance_saturation": ("behaviour.harm.saturation", "the same"),
    "behaviour.harm.attrition_credit": (
        "behaviour.harm.answer_credit",
        "fire that goes on settles at the same rate; war settles nothing",
    ),
    "behaviour.harm.commitment_rise_days": ("", "there is no public commitment beside acts"),
    "behaviour.harm.commitment_fade_days": (
        "behaviour.harm.pressing_days",
        "the standing force of an act fades",
    ),
    "behaviour.harm.success_cover": ("", "there is no public commitment to be covered"),
    "behaviour.harm.fatigue_days": ("behaviour.harm.exhaustion_days", "it does not recover"),
    "behaviour.fog.perception_hours": ("", "states see acts at once, with an error"),
    "behaviour.fog.misreadings_per_day": ("", "the error is drawn anew at each decision"),
    "behaviour.fog.hope": ("", "an offer is made whatever the rival is thought to do"),
    "behaviour.halt.settling_cost": ("behaviour.halt.deal", "the worth of the deal on the table"),
    "behaviour.halt.forgone_retaliation": ("behaviour.halt.forgone", "for each unit of demand"),
    "behaviour.halt.public_offer_cost": ("", "an offer costs nothing; channels lower mistrust"),
    "behaviour.halt.rebuff_cost": ("", "an offer that nobody takes up lapses"),
    "behaviour.halt.yielding_cost": (
        "behaviour.ends.yielding_stakes",
        "giving in has a rate, which demand slows",
    ),
    "behaviour.halt.answering_cost": ("behaviour.halt.keeping", "the same"),
    "behaviour.quiet.quiet_days": (
        "behaviour.ends.fading_days",
        "a crisis fades at a rate, the faster the less danger is left",
    ),
    "behaviour.quiet.quiet_intensity": ("", "there is no threshold of quiet"),
    "behaviour.quiet.quiet_grievance": ("", "there is no threshold of quiet"),
    "behaviour.quiet.reciprocation_days": (
        "",
        "what fades is tacit where both had acted without serious violence",
    ),
    "behaviour.war.collapse_per_day": (
        "behaviour.operations.collapse_per_day",
        "it holds outside of war, too",
    ),
    "behaviour.war.capability_exponent": (
        "behaviour.operations.capability_exponent",
        "capability also enters what acts cost, and giving in",
    ),
    "behaviour.mediation.calls_per_day": (
        "behaviour.mediation.alarm",
        "a mediator engages at the rate of its `attention_days`, which danger hastens",
    ),
    "behaviour.mediation.effort_days": ("", "an engaged mediator works in full at once"),
    "behaviour.mediation.formulation_margin": (
        "behaviour.mediation.formulation_danger",
        "from 0, not from the mediator's threshold",
    ),
    "behaviour.mediation.manipulation_margin": (
        "behaviour.mediation.manipulation_danger",
        "from 0, not from the mediator's threshold",
    ),
    "behaviour.mediation.withdrawal_share": ("", "a mediator that is engaged stays"),
    "behaviour.mediation.cover": (
        "behaviour.mediation.face",
        "terms that save face hasten giving in",
    ),
    "behaviour.mediation.leverage_on_restraint": (
        "behaviour.mediation.leverage_on_halt",
        "leverage works on halts alone",
    ),
    "behaviour.mediation.overt_cost": (
        "behaviour.mediation.refusal",
        "a state averse to mediation refuses it",
    ),
    "behaviour.lending.restraint": (
        "behaviour.lending.money",
        "money at stake adds to a halt, and to what acts cost",
    ),
}

#: By the path of a fact that files still give: what it means otherwise than in the first generation.
CHANGED: dict[str, str] = {
    "states.<state>.claim": "does not saturate; an act presses it as far as it exceeds the force that stands",
    "states.<state>.caution": "multiplies what the state's acts cost",
    "states.<state>.capability": "enters every act's cost and giving in, not only the outcome of war",
    "states.<state>.mediation_aversion": "the chance of refusing a mediator, less where that one has leverage",
    "states.<state>.rung_at_start": "the act that stands when the crisis begins, and its force; no fire is under way",
    "mediators.<mediator>.attention_threshold": "danger above it hastens the mediator, danger below slows it",
    "mediators.<mediator>.attention_days": "mean time to engage at danger equal to its threshold, no halt in sight",
    "events.<event>.rival_rung": "an act with all that acts bring, grievance of twice its intensity among it",
    "events.<event>.provocation": "adds to the grievance of deaths and of the act of `rival_rung`",
    "ladder.<rung>.intensity": "full-scale war is 1 and nuclear use above it; war was 0.82 and nuclear use 1",
    "behaviour.decision.preparation_days": "the time to make full-scale war ready; a strike needs its intensity's share",
    "behaviour.decision.deliberations_per_day": "the median over states, spread by `deliberations_spread`",
    "behaviour.decision.nuclear_dread": "rises with the sixth power of intensity",
}


def gone(path: str) -> tuple[str, str] | None:
    """That a parameter, or a section of them, is gone, and what to write instead; None for a path that never was one.

    Args:
        path: of the parameter, of its section, or of a number in its distribution.
    """
    within = [one for one in GONE if path == one or path.startswith(f"{one}.")]
    whole = [one for one in GONE if path in SECTIONS and one.startswith(f"{path}.")]
    if not (within or whole):
        return None
    replaced = list(filter(None, (GONE[one][0] for one in within or whole)))
    instead = f"{one_of(replaced)} in its place" if replaced else "nothing in its place"
    why = f": {GONE[within[0]][1]}" if within else ""
    return f"{within[0] if within else path} is gone{why}", f"{instead} (see {PAGE})"


def former_table() -> str:
    """What is gone and what changed its meaning, as the Markdown of docs/model_versions.md."""
    lines = ["| gone | in its place | because |", "|---|---|---|"]
    lines += [
        f"| `{path}` | {f'`{now}`' if now else '–'} | {why} |" for path, (now, why) in GONE.items()
    ]
    lines += ["", "| still there | meaning now |", "|---|---|"]
    lines += [f"| `{path}` | {words} |" for path, words in CHANGED.items()]
    return "\n".join(lines)
