"""Scenarios from several batches side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crisis_sim.outcomes.records import Replicates, Scenarios
from crisis_sim.outcomes.shown import Summary
from crisis_sim.outcomes.summary import seeds_of, summarise


@dataclass(frozen=True)
class Joined:
    """Scenarios of several batches, in the order given; reads like a batch.

    Attributes:
        ensembles: Each scenario's replicates by name. A name that came before gets a number:
            `may_2025`, `may_2025 (2)`.
        seeds: The seed of each scenario's luck by the same names; None where it is not known.
        manifest: `seed` and, under `joined`, the manifests of the batches.
    """

    ensembles: Mapping[str, Replicates]
    seeds: Mapping[str, int | None]
    manifest: dict[str, Any]

    @property
    def seed(self) -> int | None:
        """The seed that all scenarios share, or None."""
        return common_seed(self.seeds)


def common_seed(seeds: Mapping[str, int | None]) -> int | None:
    """The one seed of all scenarios, or None when they differ or one is not known."""
    distinct = set(seeds.values())
    return distinct.pop() if len(distinct) == 1 else None


def join(*sources: Scenarios | Replicates) -> Joined:
    """Put the scenarios of several batches, or single ensembles, together.

    A single ensemble's luck is known if it has a `seed` of its own; else it is paired with none.

    Raises:
        ValueError: There is nothing to join.
    """
    ensembles: dict[str, Replicates] = {}
    seeds: dict[str, int | None] = {}
    manifests: list[Any] = []

    def add(name: str, ensemble: Replicates, seed: int | None) -> None:
        number, label = 1, name
        while label in ensembles:
            number += 1
            label = f"{name} ({number})"
        ensembles[label] = ensemble
        seeds[label] = seed

    for source in sources:
        if isinstance(source, Scenarios):
            their_seeds = seeds_of(source)
            for name, ensemble in source.ensembles.items():
                add(name, ensemble, their_seeds[name])
            manifests.append(getattr(source, "manifest", None))
        else:
            add(source.name, source, getattr(source, "seed", None))
    if not ensembles:
        raise ValueError("there is no scenario to compare")
    return Joined(ensembles, seeds, {"seed": common_seed(seeds), "joined": manifests})


def compare(
    *sources: Scenarios | Replicates, reference: str | None = None, paired: bool | None = None
) -> Summary:
    """Summarise scenarios of several batches, each compared with the reference.

    Two scenarios are compared replicate by replicate only where their luck is the same: the same
    seed, and replicate numbers in common. Otherwise they are independent samples, and their
    difference says `"paired": false`.

    Args:
        sources: Batches, or single ensembles, in the order wanted.
        reference: Name of the scenario to compare against; the first unless given.
        paired: True to insist on pairs, False to have none; None as each pair of scenarios allows.

    Returns:
        The summary (see :mod:`crisis_sim.outcomes.summary`).

    Raises:
        NotPairedError: `paired` is True, but a scenario shares no luck with the reference.
        UnknownReferenceError: `reference` names none of the scenarios.
        ValueError: There is nothing to compare.
    """
    return summarise(join(*sources), reference, paired)
