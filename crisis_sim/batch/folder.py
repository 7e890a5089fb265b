"""A folder of results, and the folder `OUT.running` in which a run is made first.

A run into `OUT` is made in `OUT.running`, which holds all that is needed to go on: the manifest that
the run began with, the values of a design in parameters.parquet, and the blocks that are done. The
manifest is written last, so a folder without one never became a run. At the end the blocks become
tables, the manifest holds their checksums, and the folder takes its place by a rename. Where blocks
failed they stay with the results, so that those can be tried again.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import block as blocks
from crisis_sim.batch import files as disk
from crisis_sim.batch import manifest as manifests
from crisis_sim.batch.block import (
    OUTCOMES_FOLDER,
    PATHS_FOLDER,
    BlockFile,
    BlockOrder,
    Plan,
    block_files,
)
from crisis_sim.batch.ensemble import Batch, Ensemble, encode_texts
from crisis_sim.batch.files import LOCK, PARTIAL, WRITER, ResultsError, inside, sync, writing
from crisis_sim.batch.manifest import has_checksum, is_finished, read_manifest_file, seal, versions
from crisis_sim.batch.rules import can_reload, reload_classes

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

#: How the name of a folder ends as long as its run is not finished.
RUNNING = ".running"
#: Where earlier versions kept such a run, inside the folder of its results.
UNFINISHED = "unfinished"
MANIFEST, PARAMETERS = "manifest.json", "parameters.parquet"
OUTCOMES, PATHS = "outcomes.parquet", "paths.parquet"
TABLES = (OUTCOMES_FOLDER, PATHS_FOLDER)
#: Files of a results folder, the manifest first; other files are left alone.
OURS = (MANIFEST, OUTCOMES, PATHS, PARAMETERS, *TABLES, UNFINISHED, LOCK)
_ANEW = "throw the run away and begin anew with --restart"
#: Crises of which the outcomes are one file. Beyond that the blocks themselves become the results:
#: nothing is written twice, and no reader has to take in the index of a giant file (which grows by
#: some 5 kB a block) before it sees a row.
ONE_FILE_CRISES = 2**24
#: How tables are written; readers that ask for it then find damaged pages, too.
_PARQUET = {"compression": "zstd", "write_page_checksum": True}


def running_folder(folder: Path) -> Path:
    """Where a run into a folder is made until it is finished."""
    if folder.is_symlink() or folder.name in ("", ".."):
        folder = folder.resolve()
    home = folder.parent / (folder.name + RUNNING)
    if home.is_symlink():
        raise ResultsError(f"{home} is a link; expected a folder")
    return home


def results_folder(folder: Path) -> Path:
    """The folder of the results of a run; where that is made may be given, as a shell completes it."""
    return folder.with_suffix("") if folder.suffix == RUNNING else folder


@dataclass(frozen=True)
class UnfinishedRun:
    """A run of which some blocks are on disk.

    Attributes:
        folder: the folder of its results.
        manifest: that with which it was begun, or with which an earlier attempt at it ended.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def home(self) -> Path:
        """The folder in which it is made."""
        return running_folder(self.folder)

    @property
    def identity(self) -> str:
        """The digest that marks its blocks and no others."""
        return manifests.identity_of(self.manifest)

    @property
    def crises(self) -> int:
        """How many crises it will have."""
        each = self.manifest["replicates"] * (self.manifest["points"] or 1)
        return int(each * len(self.manifest["scenarios"]))

    @property
    def is_complete(self) -> bool:
        """Whether it has only to take its place."""
        return is_finished(self.manifest) and not self.manifest["failures"]

    @property
    def crises_done(self) -> int:
        """How many crises are on disk."""
        return self.crises if self.is_complete else sum(self.rows().values())

    @classmethod
    def begin(cls, folder: Path, plan: Plan, manifest: dict[str, Any]) -> UnfinishedRun:
        """Write the manifest and parameter values of a new run, in place of any earlier unfinished one."""
        home = running_folder(folder)
        discard(home)
        for name in TABLES:
            (home / name).mkdir()
        if plan.parameters:
            import pyarrow as pa

            content = disk.parquet_of(pa.table(dict(plan.parameters)))
            disk.write_durably(home / PARAMETERS, content)
            manifest = {**manifest, "parameters_sha256": disk.digest_of(content)}
        manifest = seal(manifest)
        disk.write_durably(home / MANIFEST, disk.as_json(manifest))
        sync(home.parent)
        return cls(folder, manifest)

    @classmethod
    def of(cls, folder: Path) -> UnfinishedRun | None:
        """The unfinished run into a folder of results; None where there is none."""
        folder = results_folder(folder)
        home = running_folder(folder)
        if inside(home, MANIFEST).exists():
            try:
                return cls(folder, read_manifest_file(home / MANIFEST))
            except ResultsError as error:
                raise ResultsError(f"{error}; {_ANEW}") from error
        earlier = inside(folder, UNFINISHED, is_folder=True) / MANIFEST
        if earlier.exists() and _run_of(earlier) != _run_of(folder / MANIFEST):
            raise ResultsError(
                f"{earlier.parent} holds a run that is not finished, begun by an earlier version of "
                f"Crisis Sim: this one cannot go on with it; {_ANEW}{_earlier(folder, earlier.parent)}"
            )
        return None

    def rows(self) -> dict[int, int]:
        """For each block that is there, by its name alone, how many crises it holds."""
        return {one.number: one.rows for one in block_files(self.home / OUTCOMES_FOLDER)}

    def rows_by_scenario(self) -> dict[str, int]:
        """How many crises of each scenario are on disk."""
        names = list(self.manifest["scenarios"])
        rows = Counter(dict.fromkeys(names, 0))
        for number, count in self.rows().items():
            rows[names[number % len(names)]] += count  # block after block for all scenarios in turn
        return dict(rows)

    def done(self, plan: Plan, on_message: Callable[[str], None]) -> dict[int, int]:
        """The blocks that are on disk and sound, by number, with the crises in each.

        Those that are not, or that are none of the plan, are taken away, so that they are done again.
        """
        folders = [inside(self.home, name, is_folder=True) for name in TABLES]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        self.tidy()
        found: dict[int, list[BlockFile]] = {}
        for one in (one for folder in folders for one in block_files(folder)):
            found.setdefault(one.number, []).append(one)
        for number, files in sorted(found.items()):
            if files[0].path.parent == folders[0]:
                wrong = self._wrong_with(files, next(plan.orders([number]), None))
                if not wrong:
                    continue
                on_message(f"block {number} is done again: {wrong}")
            disk.remove(*(one.path for one in files))  # market paths alone were not finished
        return self.rows()

    def tidy(self) -> None:
        """Remove files that were not written to their end; the folder must be locked."""
        for folder in (self.home, *(self.home / name for name in TABLES)):
            disk.remove(*folder.glob(f"*{PARTIAL}"))

    def _wrong_with(self, files: list[BlockFile], order: BlockOrder | None) -> str | None:
        """The fault of a block's files; None where there is none."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if order is None:
            return "there is no such block in what was to be run"
        needed = 2 if order.keeps_paths else 1
        if len(files) > needed or files[0].rows != order.rows:
            return "it is not what was to be run"
        if len(files) < needed:
            return "its market paths are missing"
        for one in files:
            try:
                held = pq.ParquetFile(pa.BufferReader(one.content()))
            except (ResultsError, OSError, pa.ArrowException) as error:
                return str(error).removeprefix(f"{one.path}: ")
            mark = blocks.mark_of(held.schema_arrow)
            if mark.get("identity", "") != self.identity:
                return "it is of another run"
            expected = blocks.mark(self.identity, one.path.parent.name, order)
            if mark != expected or held.metadata.num_rows != one.rows:
                return "it is another block"
        return None

    def tables(self, name: str) -> Iterator[pa.Table]:
        """The blocks of one of the tables, in the order of the plan; one at a time in memory."""
        whole = self.rows()  # market paths alone are of a block that was not finished
        for one in block_files(self.home / name):
            if one.number in whole:
                yield disk.table_of(one.path, one.content())

    def say(self) -> str:
        """That it is not finished, how far it is, and how to go on."""
        go_on = f"go on with: crisis-sim run --resume {shlex.quote(str(self.folder))}"
        rules = self.manifest.get("rules", ())
        if not can_reload(rules):  # no command line can give these
            lacking = "roles" if any(one["agent"] for one in rules) else "agents"
            go_on = f"go on with: crisis_sim.batch.resume({str(self.folder)!r}, {lacking}=...)"
        return (
            f"{self.home} holds a run that is not finished: "
            f"{self.crises_done:,} of {self.crises:,} crises; {go_on}"
        )


def _earlier(folder: Path, home: Path) -> str:
    """How to have results back that lie behind an unfinished run; "" where there are none."""
    if not (folder / MANIFEST).exists():
        return ""
    return f" (the results of an earlier run are there still: remove {home} to have them back)"


def _run_of(path: Path) -> object:
    """The identity of a manifest's run; None where it has none."""
    try:
        return json.loads(path.read_bytes())["run"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def plan_of(
    home: Path,
    manifest: Mapping[str, Any],
    agents: Sequence[Any],
    roles: Mapping[str, Any] | None = None,
) -> Plan:
    """The plan of a run, from its manifest in a folder.

    Classes that it was begun with must be given unless they came from files, since a folder cannot hold code.
    """
    from crisis_sim.scenario.schema import Scenario

    manifests.raise_if_different(home, manifests.version_differences(manifest, versions()))
    check_sealed(home, manifest)
    if not (agents or roles):
        roles, agents = reload_classes(manifest.get("rules", ()))
    try:
        scenarios = tuple(
            Scenario.model_validate(one["scenario"]) for one in manifest["scenarios"].values()
        )
    except ValueError as error:
        raise ResultsError(f"{home / MANIFEST}: {error}; {_ANEW}") from error
    return Plan(
        scenarios,
        manifest["replicates"],
        manifest["seed"],
        manifest["block_size"],
        parameters_in(home, manifest),
        tuple(agents),
        manifest["points"],
        manifest.get("engine", "cpu"),
        dict(roles or {}),
        tuple(manifest.get("without_rules", ())),
    )


def check_sealed(home: Path, manifest: Mapping[str, Any]) -> None:
    """Make sure that changes to a manifest would have been found."""
    if not has_checksum(manifest):
        raise ResultsError(
            f"{home / MANIFEST} has no checksum, so nobody can tell whether it is as it was "
            f"written; {_ANEW}"
        )


def discard(home: Path) -> None:
    """Take an unfinished run away, its manifest first: no half of it looks like a run."""
    disk.remove(*(home / name for name in OURS))


def check_same(
    home: Path, begun: Mapping[str, Any], plan: Plan, manifest: Mapping[str, Any], *words: str
) -> None:
    """Make sure that a batch, which would begin with a manifest now, is the one that was `begun`; `words` as of `refuse`."""
    found = manifests.version_differences(begun, manifest["versions"])
    found += manifests.plan_differences(begun, parameters_in(home, begun), plan, manifest)
    manifests.raise_if_different(home, found, *words)


def parameters_in(home: Path, manifest: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The parameter values that a batch was begun with, by path."""
    digest = manifest.get("parameters_sha256")
    if digest is None:
        return {}
    content = disk.read_bytes(home, PARAMETERS)
    if disk.digest_of(content) != digest:
        raise ResultsError(
            f"{home / PARAMETERS} has been damaged: it is not what its checksum says"
        )
    table = disk.table_of(home / PARAMETERS, content)
    return {name: table.column(name).to_numpy() for name in table.column_names}


def begun_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the run in a folder, be it finished or not."""
    unfinished = UnfinishedRun.of(folder)
    return unfinished.manifest if unfinished else read_manifest(folder)


def check_options(folder: Path, given: Mapping[str, Any]) -> None:
    """Check that options that are `given`, and not None, equal those that the run in a folder was begun with."""
    begun = begun_manifest(folder)
    asked = {name: value for name, value in given.items() if value is not None}
    there = {name: begun.get(name) for name in asked}
    manifests.raise_if_different(folder, manifests.differences("batch", there, asked))


def read_batch(folder: str | Path, columns: Sequence[str] | None = None) -> Batch:
    """Bring back a batch from its folder.

    Args:
        columns: the columns of outcomes to bring back; all where left out.

    Raises:
        ResultsError: when the folder is none, holds no results, results of another layout, a run
            that is not finished, or files that are not those that the run wrote.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    files, scenarios = check_files(folder, manifest), manifest["scenarios"]
    outcomes = read_by_scenario(files.get(OUTCOMES) or files[OUTCOMES_FOLDER], scenarios, columns)
    paths = read_by_scenario(files[PATHS], scenarios) if PATHS in files else {}
    ensembles = {}
    for name, about in scenarios.items():
        ensembles[name] = one = Ensemble(
            name=name,
            title=about["title"],
            horizon_hours=about["horizon_hours"],
            states=tuple(about["states"]),
            table=outcomes[name],
            paths=paths.get(name),
            scenario=about["scenario"],
        )
        done = about.get("replicates_done", 0)
        if one.replicates != done:
            raise ResultsError(
                f"{folder} holds {one.replicates:,} crises of {name}; its {MANIFEST} says {done:,}"
            )
    return Batch(ensembles, manifest)


def read_by_scenario(
    files: list[Path], scenarios: Iterable[str], columns: Sequence[str] | None = None
) -> dict[str, pa.Table]:
    """The rows of each scenario of a table on disk, which is read once; of its columns those that are asked for."""
    import numpy as np

    table = read_parquet(files, None if columns is None else [*columns, "scenario"])
    if "scenario" not in table.column_names:
        raise ResultsError(f"{files[0]} cannot be read: it has no column scenario")
    whose, names = encode_texts(table.column("scenario"))
    table = table.replace_schema_metadata()  # rows that go on elsewhere are no longer that file
    if columns is not None and "scenario" not in columns:
        table = table.drop_columns(["scenario"])
    found = {}
    for name in scenarios:
        rows = np.flatnonzero(whose == (names.index(name) if name in names else -1))
        in_one_place = len(rows) == 0 or rows[-1] - rows[0] + 1 == len(rows)  # no copy is needed
        first = int(rows[0]) if len(rows) else 0
        found[name] = table.slice(first, len(rows)) if in_one_place else table.take(rows)
    return found


def read_parquet(files: list[Path], columns: Sequence[str] | None = None) -> pa.Table:
    """The table that some files are, or those of some columns that it has; damaged pages are noticed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if columns is not None:
            there = pq.read_schema(files[0]).names
            columns = [one for one in dict.fromkeys(columns) if one in there]
        return pq.read_table(
            files[0] if len(files) == 1 else [*map(str, files)],
            columns=columns,
            partitioning=None,
            page_checksum_verification=True,
            pre_buffer=False,  # of use far off; here it costs memory, as threads do
            use_threads=False,
        )
    except (OSError, pa.ArrowException) as error:
        where = files[0] if len(files) == 1 else files[0].parent
        raise ResultsError(f"{where} cannot be read: {error}") from error


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """How the results in a folder came about.

    Raises:
        ResultsError: when the folder is none, holds no results, results of another layout, or a run
            that is not finished.
    """
    folder = Path(folder)
    unfinished = UnfinishedRun.of(folder)
    if unfinished:
        raise ResultsError(unfinished.say() + _earlier(unfinished.folder, unfinished.home))
    if not folder.is_dir():
        raise ResultsError(f"{folder} is no folder; expected one that `crisis-sim run --out` wrote")
    if not inside(folder, MANIFEST).exists():
        raise ResultsError(f"{folder} holds no results: it has no {MANIFEST}")
    return read_manifest_file(folder / MANIFEST, finished=True)


def check_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, list[Path]]:
    """Check the files of results against the checksums in their manifest.

    Gives by name what there is, each with the files that it consists of, in the order of their
    rows. Folders of earlier versions hold no checksums but those in the names of blocks.
    """
    if has_checksum(manifest):
        return {name: _checked(folder, name, of) for name, of in manifest["files"].items()}
    there = [name for name in (OUTCOMES, OUTCOMES_FOLDER, PATHS) if (folder / name).exists()]
    if not {OUTCOMES, OUTCOMES_FOLDER} & set(there):
        raise _missing(folder / OUTCOMES)
    files = {name: _checked(folder, name) for name in there}
    for path, *_ in files.values():
        if blocks.read_mark(path):
            raise ResultsError(
                f"{folder / MANIFEST} has no checksum, though {path.name} is of a run that had"
            )
    return files


def _checked(folder: Path, name: str, checksum: str | None = None) -> list[Path]:
    """The files that a part of the results consists of, once they are found to be the right ones."""
    is_folder = name == OUTCOMES_FOLDER
    path = inside(folder, name, is_folder)
    held = block_files(path) if is_folder else []
    if not (held if is_folder else path.exists()):
        raise _missing(path)
    for one in held:
        one.content()
    try:
        found = blocks.names_digest(held) if is_folder else disk.sha256_of(path)
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}") from error
    if checksum is not None and found != checksum:
        raise ResultsError(
            f"{path} cannot be read: it is not what the checksum in {MANIFEST} says; "
            "it has been damaged or changed, or is of another run"
        )
    return [one.path for one in held] or [path]


def _missing(path: Path) -> ResultsError:
    return ResultsError(f"{path} is missing, though there is a {MANIFEST}")


def check_folder(folder: str | Path) -> bool:
    """Whether a folder holds results that a new batch would replace."""
    folder = Path(folder)
    if folder.suffix == RUNNING:
        raise ResultsError(
            f"{folder}: names that end in {RUNNING} are those of runs that are not finished; "
            "give another name"
        )
    try:
        names = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise disk.cannot_write(folder, error) from error
    ours = (folder / MANIFEST, folder / UNFINISHED / MANIFEST, running_folder(folder) / MANIFEST)
    known = (LOCK, UNFINISHED)
    foreign = [name for name in names if not name.endswith(PARTIAL) and name not in known]
    if foreign and not any(path.exists() for path in ours):
        raise ResultsError(
            f"{folder} holds other things than results ({foreign[0]}); "
            "give a new folder, or one that holds results"
        )
    return MANIFEST in names


@contextmanager
def locked(folder: Path) -> Iterator[tuple[Path, str]]:
    """Hold a folder for one run: gives where that is made, and the token of `hold`."""
    check_folder(folder)
    home = running_folder(folder)
    with ExitStack() as stack:
        with writing(folder):
            token = stack.enter_context(disk.lock_folder(home, home.with_name(f"{home.name}.lock")))
            if folder.exists():  # see before a long run whether its files can go there
                probe = home / f"{token}{PARTIAL}"
                try:
                    probe.touch()
                    probe = probe.replace(folder / probe.name)
                finally:
                    probe.unlink()
        yield home, token


def reopen(folder: Path, manifest: dict[str, Any]) -> UnfinishedRun:
    """Turn results with failed blocks back into an unfinished run; the folder is locked."""
    home = running_folder(folder)
    writer = (home / WRITER).read_bytes()
    disk.remove(home)
    results_folder(home).rename(home)
    disk.write_durably(home / WRITER, writer)
    sync(home.parent)
    return UnfinishedRun(folder, manifest)


def move_into_place(home: Path, manifest: Mapping[str, Any]) -> None:
    """Rename the folder of a finished run to that of its results, in one step.

    Where that is there already, its older results are taken away, the manifest first, and all that
    was made goes into it, the manifest last: at no moment is there a manifest beside what it does
    not describe. What was cut short may be done once more.
    """
    folder = results_folder(home)
    kept = {MANIFEST, *manifest["files"]}
    if manifest["failures"]:
        kept |= {*TABLES}  # so that what failed can be tried again
    disk.remove(*(home / name for name in (WRITER, *OURS) if name not in kept))
    if not folder.exists():
        home.rename(folder)
    else:
        for name in OURS:
            if name not in kept or (home / name).exists():  # else it has its place already
                disk.remove(folder / name)
                sync(folder)
        for path in sorted(home.iterdir(), key=lambda path: path.name == MANIFEST):
            path.replace(folder / path.name)
            sync(folder)
        home.rmdir()
    sync(folder.parent)


def publish(
    run: UnfinishedRun, ended: Mapping[str, Any], schemas: Mapping[str, pa.Schema]
) -> dict[str, Any]:
    """Make the blocks of a run, which `ended` with a manifest, results of the columns in `schemas`; gives their manifest.

    Blocks of a giant batch stay as they are.
    """
    home, files = run.home, dict[str, str]()
    values = parameters_in(home, ended)  # not damaged since
    with writing(run.folder):
        for name, schema in schemas.items():
            there = block_files(home / name) if name == OUTCOMES_FOLDER else []
            if there and run.crises > ONE_FILE_CRISES:
                files[name] = blocks.names_digest(there)
            else:
                path = home / f"{name}.parquet"
                columns = blocks.with_mark(schema, run.identity, name)
                files[path.name] = _write_table(path, columns, run.tables(name))
        if values:
            files[PARAMETERS] = ended["parameters_sha256"]
        sealed = seal({**ended, "files": files})
        disk.write_durably(home / MANIFEST, disk.as_json(sealed))
        move_into_place(home, sealed)
    return sealed


def _write_table(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> str:
    """Write a Parquet file, a row group for each table; its checksum."""
    import pyarrow.parquet as pq

    path.unlink(missing_ok=True)  # it may be a link that leads out of the folder
    try:
        with pq.ParquetWriter(path, schema, **_PARQUET) as writer:
            for table in tables:
                writer.write_table(blocks.conform(table, schema))
        sync(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return disk.sha256_of(path)
