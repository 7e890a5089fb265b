"""An adviser: a dove or a hawk in one state's councils, who speaks up when danger grows, and is heard for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crisis_sim.model import tell
from crisis_sim.model.agent import Role
from crisis_sim.model.arrays import Array, Held, Real, reals
from crisis_sim.model.compiled import rule
from crisis_sim.model.luck import rings
from crisis_sim.model.record import mark, note
from crisis_sim.scenario.schema import AdviserSpec

if TYPE_CHECKING:
    from crisis_sim.model.crisis import CrisisModel

#: All that changes in an adviser: see `Adviser`.
COUNSEL = reals("voice")
#: When an adviser speaks, for how long it is heard, and what its word weighs; `stance` is 1 for a dove, -1 for a hawk.
CONDUCT = reals("threshold", "counsels", "kept", "trust", "stance", "weight", "weight_on_halt")
PURPOSES = ("speak",)
_ONE = Real(1)


class Adviser(Role):
    """A voice for restraint (dove) or for force (hawk).

    Attributes (arrays over replicates):
        voice: how much the last counsel is still heard, 0 to 1.
    """

    held_in = "counsel"

    voice = Held()

    def __init__(self, model: CrisisModel, name: str, spec: AdviserSpec, place: int) -> None:
        super().__init__(model, name, place)
        self.title = spec.title or name
        self.state_name = spec.state
        self.stance = spec.stance
        self.facts = model.parameters.numbers(f"advisers.{name}", spec)
        model.record.add_figure(f"{name}_spoke_at_hours")

    def conduct(self) -> dict[str, Array]:
        """How it counsels: `CONDUCT`."""
        advice = self.crisis.behaviour.advice
        return {
            "threshold": self.facts.attention_threshold,
            "counsels": advice.counsels_per_day,
            "kept": 1 - self.crisis.share(1 / advice.lasts_days),
            "trust": self.facts.trust,
            "stance": -1.0 if self.stance == "hawk" else 1.0,
            "weight": advice.weight,
            "weight_on_halt": advice.weight_on_halt,
        }

    def series(self) -> dict[str, Array]:
        return {f"{self.name}_voice": self.voice}


@rule
def observe(own: Any, conduct: Any) -> None:
    """What it said wears off."""
    own.voice *= conduct.kept


@rule
def act(own: Any, number: Any, conduct: Any, here: Any, speak: Any, figure: Any) -> None:
    """Speak up when danger is above what it bears, the less the more it is still heard.

    Args:
        number: the adviser's number.
        speak: the number of its clock.
        figure: the record's column of its first counsel.
    """
    if here.board.danger <= conduct.threshold or not here.board.open_to_decision:
        return
    if rings(here.luck, speak, conduct.counsels * (_ONE - own.voice) * here.days):
        own.voice = _ONE
        mark(here.book, figure, here.hours)
        note(here.book, tell.SPOKE, number, here.hours)


@rule
def bear(own: Any, conduct: Any, joined: Any) -> None:
    """Counsel restraint, or force."""
    counsel = conduct.stance * (conduct.trust * own.voice)
    joined.restraint += conduct.weight * counsel
    joined.inducement += conduct.weight_on_halt * counsel
