"""Which columns of outcomes there are, and what kind of thing each holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crisis_sim.scenario.schema import ENDINGS, STYLES, VIOLENCE

if TYPE_CHECKING:
    from crisis_sim.scenario.schema import Scenario

#: Words that a column of texts may hold; columns that are not here may hold any.
WORDS: Mapping[str, tuple[str, ...]] = {
    "ending": ENDINGS,
    "worst_violence": VIOLENCE,
    "mediation_style": STYLES,
}

#: Columns that say whose crisis it is, not what came of it.
_NO_OUTCOMES = ("scenario", "replicate", "point")


@dataclass(frozen=True)
class Columns:
    """The outcomes that a measure may speak of.

    Attributes:
        kinds: the kind of each column by its name: `time`, `number`, `flag` or `text`.
    """

    kinds: Mapping[str, str]

    @classmethod
    def of(cls, *scenarios: Scenario, agents: Sequence[Any] = ()) -> Columns:
        """The outcomes that all of some scenarios have.

        Args:
            scenarios: the scenarios.
            agents: makers of agents to add to each, as `CrisisModel` takes them.
        """
        from crisis_sim.batch.block import schemas

        each = [schemas(scenario, agents)[0] for scenario in scenarios]
        names = [name for name in each[0].names if all(name in other.names for other in each)]
        return cls(
            {
                name: _kind(name, each[0].field(name).type)
                for name in names
                if name not in _NO_OUTCOMES
            }
        )

    def named(self, *kinds: str) -> list[str]:
        """Names of the columns of some kinds."""
        return [name for name, kind in self.kinds.items() if kind in kinds]


def _kind(name: str, stored: Any) -> str:
    import pyarrow as pa

    if pa.types.is_boolean(stored):
        return "flag"
    if pa.types.is_floating(stored) or pa.types.is_integer(stored):
        return "time" if name.endswith("_at_hours") else "number"
    return "text"
