"""A run that is not finished: the folder `unfinished/` inside the folder of its results.

It holds all that is needed to go on: the manifest that the run began with, the values of a design
in parameters.parquet, and the blocks that are done. The manifest is written last, so a folder
without one never became a run. Once the results are on disk the folder is taken away, unless blocks
have failed: then it stays, so that they can be tried again.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import differences
from crisis_sim.batch.durable import inside, sync_folder, write_durably
from crisis_sim.batch.errors import ResultsError
from crisis_sim.batch.manifest import (
    as_json,
    check_manifest,
    identity_of,
    is_sealed,
    load_manifest,
    seal,
)
from crisis_sim.batch.plan import Plan
from crisis_sim.batch.store import BlockStore, read_parquet
from crisis_sim.batch.versions import versions

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNFINISHED, MANIFEST, PARAMETERS = "unfinished", "manifest.json", "parameters.parquet"
_ANEW = "throw the run away and begin anew with --restart"


@dataclass(frozen=True)
class UnfinishedRun:
    """A run of which some blocks are on disk.

    Attributes:
        folder: the folder of its results.
        manifest: what it was begun with.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def home(self) -> Path:
        """The folder of all that is not a result yet."""
        return self.folder / UNFINISHED

    @property
    def store(self) -> BlockStore:
        """Its blocks."""
        return BlockStore(self.home, self.identity)

    @property
    def identity(self) -> str:
        """What its blocks bear, and no others."""
        return identity_of(self.manifest)

    @property
    def crises(self) -> int:
        """How many crises it will have."""
        each = self.manifest["replicates"] * (self.manifest["points"] or 1)
        return int(each * len(self.manifest["scenarios"]))

    @property
    def crises_done(self) -> int:
        """How many crises are on disk."""
        return sum(self.store.rows().values())

    @property
    def is_published(self) -> bool:
        """Whether the folder's results are those of this run, but for blocks that failed."""
        try:
            results = load_manifest(self.folder / MANIFEST)
        except (OSError, ValueError, ResultsError):
            return False
        return isinstance(results, dict) and results.get("run") == self.manifest["run"]

    @classmethod
    def begin(cls, folder: Path, plan: Plan, manifest: dict[str, Any]) -> UnfinishedRun:
        """Write down what is to be run.

        Raises:
            OSError: when it cannot be written.
        """
        home = folder / UNFINISHED
        discard(folder)
        BlockStore(home).make()
        if plan.parameters:
            content = _as_parquet(plan.parameters)
            write_durably(home / PARAMETERS, content)
            manifest = {**manifest, "parameters_sha256": hashlib.sha256(content).hexdigest()}
        manifest = seal(manifest)
        write_durably(home / MANIFEST, as_json(manifest))
        sync_folder(folder)
        return cls(folder, manifest)

    @classmethod
    def of(cls, folder: Path) -> UnfinishedRun | None:
        """The unfinished run in a folder of results; None where there is none.

        Raises:
            ResultsError: when its manifest cannot be read, or has been changed.
        """
        path = inside(folder, UNFINISHED, is_folder=True) / MANIFEST
        try:
            manifest = check_manifest(load_manifest(path), path, is_finished=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise ResultsError(f"{path} cannot be read: {error}; {_ANEW}") from error
        except ResultsError as error:
            raise ResultsError(f"{error}; {_ANEW}") from error
        return cls(folder, manifest)

    def plan(self, agents: Sequence[Any] = ()) -> Plan:
        """What it is to run, as it was begun.

        Args:
            agents: the makers of agents that were added, since a folder cannot hold code.

        Raises:
            ResultsError: when other code or libraries would compute the rest, or its values have
                been damaged.
        """
        differences.refuse(self.folder, differences.of_versions(self.manifest, versions()))
        self.check_sealed()
        from crisis_sim.scenario.schema import Scenario

        about = self.manifest
        try:
            scenarios = tuple(
                Scenario.model_validate(one["scenario"]) for one in about["scenarios"].values()
            )
        except ValueError as error:
            raise ResultsError(f"{self.home / MANIFEST}: {error}; {_ANEW}") from error
        return Plan(
            scenarios,
            about["replicates"],
            about["seed"],
            about["block_size"],
            parameters_in(self.home, self.manifest),
            tuple(agents),
            about["points"],
            about.get("engine", "cpu"),
        )

    def check_sealed(self) -> None:
        """Make sure that changes to its manifest would have been found.

        Raises:
            ResultsError: when they would not: it has no checksum.
        """
        if not is_sealed(self.manifest):
            raise ResultsError(
                f"{self.home / MANIFEST} has no checksum, so nobody can tell whether it is as it "
                f"was written; {_ANEW}"
            )

    def done(self, plan: Plan, tell: Callable[[str], None]) -> dict[int, int]:
        """The blocks that are on disk and sound, by number, with the crises in each.

        Args:
            plan: what it is to run.
            tell: told of each block that has been damaged, and is to be done again.
        """
        published = self.folder / self.store.outcomes.name
        if published.is_dir() and not self.store.outcomes.exists():
            # They were the results, but for those that failed; see `crisis_sim.batch.publish`.
            (self.folder / MANIFEST).unlink(missing_ok=True)
            published.replace(self.store.outcomes)
        self.store.make()
        for number, wrong in self.store.check(
            plan.orders(self.store.rows()), has_paths=plan.points is None
        ):
            tell(f"block {number} is done again: {wrong}")
        return self.store.rows()

    def rows_by_scenario(self) -> dict[str, int]:
        """How many crises of each scenario are on disk."""
        names = list(self.manifest["scenarios"])
        rows = Counter(dict.fromkeys(names, 0))
        for number, count in self.store.rows().items():
            rows[names[number % len(names)]] += count  # block after block for all scenarios in turn
        return dict(rows)

    def say(self) -> str:
        """That it is not finished, how far it is, and how to go on."""
        go_on = f"go on with: crisis-sim run --resume {shlex.quote(str(self.folder))}"
        if self.manifest["agents_added"]:  # no command line can give these
            go_on = f"go on with: crisis_sim.batch.resume({str(self.folder)!r}, agents=...)"
        return (
            f"{self.folder} holds a run that is not finished: "
            f"{self.crises_done:,} of {self.crises:,} crises; {go_on}"
        )


def discard(folder: Path) -> None:
    """Take an unfinished run away; first its manifest, so that no half of it looks like a run.

    Raises:
        OSError: when it cannot be taken away.
        ResultsError: when it is a link to somewhere else.
    """
    home = inside(folder, UNFINISHED, is_folder=True)
    if home.is_dir():
        (home / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(home)


def check_same(
    folder: Path, home: Path, begun: Mapping[str, Any], plan: Plan, manifest: Mapping[str, Any]
) -> None:
    """Make sure that a batch is the one that a folder holds.

    Args:
        folder: the folder.
        home: where in it that batch is described.
        begun: the manifest that it was begun with.
        plan: what is to be run now.
        manifest: what it would begin with now.

    Raises:
        ResultsError: when it is another; shows every difference.
    """
    found = differences.of_versions(begun, manifest["versions"])
    values = parameters_in(home, begun)
    differences.refuse(folder, found + differences.of_plans(begun, values, plan, manifest))


def check_given(folder: Path, begun: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Make sure that what was given, if anything, is what a run was begun with.

    Args:
        folder: the folder that holds the run.
        begun: the manifest that it was begun with.
        given: values by their names in the manifest; None for what was not given.

    Raises:
        ResultsError: when something is not; shows every difference.
    """
    others = [
        differences.Difference("batch", name, begun.get(name), value)
        for name, value in given.items()
        if value is not None and value != begun.get(name)
    ]
    differences.refuse(folder, others)


def parameters_in(home: Path, manifest: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The values with which a batch was begun, by path.

    Raises:
        ResultsError: when they have been damaged.
    """
    if check_parameters(home, manifest) is None:
        return {}
    table = read_parquet(home / PARAMETERS)
    return {name: table.column(name).to_numpy() for name in table.column_names}


def check_parameters(home: Path, manifest: Mapping[str, Any]) -> bytes | None:
    """The content of the file of the values with which a batch was begun; None where it had none.

    Raises:
        ResultsError: when it has been damaged.
    """
    digest = manifest.get("parameters_sha256")
    if digest is None:
        return None
    path = inside(home, PARAMETERS)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ResultsError(f"{path} has been damaged: it is not what its checksum says")
    return content


def _as_parquet(parameters: Mapping[str, NDArray[Any]]) -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table(dict(parameters)), buffer, compression="zstd")
    return buffer.getvalue()
