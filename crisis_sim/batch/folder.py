"""A folder of results, and the folder `OUT.running` in which a run is made first.

A run into `OUT` is made in `OUT.running`, which holds all that is needed to go on: the manifest that
the run began with, the values of a design in parameters.parquet, and the blocks that are done. The
manifest is written last, so a folder without one never became a run. At the end the blocks become
tables, the manifest holds their checksums, and the folder takes its place by a rename. Where blocks
failed they stay with the results, so that those can be tried again.
"""

from __future__ import annotations

import errno
import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import manifest as differences
from crisis_sim.batch.block import (
    OUTCOMES_FOLDER,
    PATHS_FOLDER,
    BlockOrder,
    block_content,
    blocks_in,
    check_block,
    conform,
    files_by_block,
    mark_for,
    mark_in,
    mark_of,
    marked,
    names_digest,
    read_parquet,
    rows_in,
    union,
)
from crisis_sim.batch.ensemble import Batch, Ensemble, coded
from crisis_sim.batch.files import (
    LOCK,
    PARTIAL,
    WRITER,
    ResultsError,
    as_json,
    cannot_write,
    digest_of,
    hold,
    inside,
    parquet_of,
    read_bytes,
    remove,
    sha256_of,
    sync,
    table_of,
    write_durably,
)
from crisis_sim.batch.manifest import (
    identity_of,
    is_finished,
    is_sealed,
    read_sound,
    seal,
    versions,
)
from crisis_sim.batch.plan import Plan
from crisis_sim.batch.rules import can_be_recalled, recalled

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

#: How the name of a folder ends as long as its run is not finished.
RUNNING = ".running"
#: Where earlier versions kept such a run, inside the folder of its results.
UNFINISHED = "unfinished"
MANIFEST, PARAMETERS = "manifest.json", "parameters.parquet"
OUTCOMES, PATHS = "outcomes.parquet", "paths.parquet"
#: Files of a results folder, the manifest first; other files are left alone.
OURS = (MANIFEST, OUTCOMES, PATHS, PARAMETERS, OUTCOMES_FOLDER, PATHS_FOLDER, UNFINISHED, LOCK)
_ANEW = "throw the run away and begin anew with --restart"
#: Crises of which the outcomes are one file. Beyond that the blocks themselves become the results:
#: nothing is written twice, and no reader has to take in the index of a giant file (which grows by
#: some 5 kB a block) before it sees a row.
ONE_FILE_CRISES = 2**24
#: How tables are written; readers that ask for it then find damaged pages, too.
_PARQUET = {"compression": "zstd", "write_page_checksum": True}


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn an error on writing into a ResultsError that names the folder; most likely the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise ResultsError(
                f"{folder} lies on another disk than the folder that it is in; "
                "give a folder inside it"
            ) from error
        raise cannot_write(folder, error) from error


def running(folder: Path) -> Path:
    """Where a run into a folder is made until it is finished."""
    if folder.is_symlink() or folder.name in ("", ".."):
        folder = folder.resolve()
    home = folder.parent / (folder.name + RUNNING)
    if home.is_symlink():
        raise ResultsError(f"{home} is a link; expected a folder")
    return home


def results_of(folder: Path) -> Path:
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
        return running(self.folder)

    @property
    def identity(self) -> str:
        """The digest that marks its blocks and no others."""
        return identity_of(self.manifest)

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
        home = running(folder)
        discard(home)
        (home / OUTCOMES_FOLDER).mkdir()
        (home / PATHS_FOLDER).mkdir()
        if plan.parameters:
            import pyarrow as pa

            content = parquet_of(pa.table(dict(plan.parameters)))
            write_durably(home / PARAMETERS, content)
            manifest = {**manifest, "parameters_sha256": digest_of(content)}
        manifest = seal(manifest)
        write_durably(home / MANIFEST, as_json(manifest))
        sync(home.parent)
        return cls(folder, manifest)

    @classmethod
    def of(cls, folder: Path) -> UnfinishedRun | None:
        """The unfinished run into a folder of results; None where there is none."""
        folder = results_of(folder)
        home = running(folder)
        if inside(home, MANIFEST).exists():
            try:
                return cls(folder, read_sound(home / MANIFEST))
            except ResultsError as error:
                raise ResultsError(f"{error}; {_ANEW}") from error
        earlier = inside(folder, UNFINISHED, is_folder=True) / MANIFEST
        if earlier.exists() and _run_of(earlier) != _run_of(folder / MANIFEST):
            results = folder / MANIFEST
            raise ResultsError(
                f"{earlier.parent} holds a run that is not finished, begun by an earlier version of "
                f"Crisis Sim: this one cannot go on with it; {_ANEW}"
                + (EARLIER.format(earlier.parent) if results.exists() else "")
            )
        return None

    def rows(self) -> dict[int, int]:
        """For each block that is there, by its name alone, how many crises it holds."""
        files = files_by_block(self.home / OUTCOMES_FOLDER)
        return {number: rows_in(paths[0]) for number, paths in files.items()}

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
        for name in (OUTCOMES_FOLDER, PATHS_FOLDER):
            inside(self.home, name, is_folder=True).mkdir(exist_ok=True)
        self.tidy()
        outcomes, paths = (
            files_by_block(self.home / name) for name in (OUTCOMES_FOLDER, PATHS_FOLDER)
        )
        for number in paths.keys() - outcomes.keys():
            remove(*paths[number])  # of a block that was not finished
        for number, own in outcomes.items():
            files = [*own, *paths.get(number, [])]
            wrong = self._wrong_with(files, next(plan.orders([number]), None))
            if wrong:
                remove(*files)
                on_message(f"block {number} is done again: {wrong}")
        return self.rows()

    def tidy(self) -> None:
        """Remove files that were not written to their end; the folder must be locked."""
        for folder in (self.home, self.home / OUTCOMES_FOLDER, self.home / PATHS_FOLDER):
            remove(*folder.glob(f"*{PARTIAL}"))

    def _wrong_with(self, files: list[Path], order: BlockOrder | None) -> str | None:
        """The fault of a block's files; None where there is none."""
        if order is None:
            return "there is no such block in what was to be run"
        needed = 2 if order.keeps_paths else 1
        if len(files) > needed or rows_in(files[0]) != order.rows:
            return "it is not what was to be run"
        if len(files) < needed:
            return "its market paths are missing"
        return next(filter(None, (self._wrong(path, order) for path in files)), None)

    def _wrong(self, path: Path, order: BlockOrder) -> str | None:
        """The fault of one file of a block; None where there is none."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            file = pq.ParquetFile(pa.BufferReader(block_content(path)))
        except (ResultsError, OSError, pa.ArrowException) as error:
            return str(error)
        mark = mark_of(file.schema_arrow)
        if mark.get("identity", "") != self.identity:
            return "it is of another run"
        expected = mark_for(order, path.parent.name, self.identity)
        if mark != expected or file.metadata.num_rows != rows_in(path):
            return "it is another block"
        return None

    def tables(self, name: str) -> Iterator[pa.Table]:
        """The blocks of one of the tables, in the order of the plan; one at a time in memory."""
        whole = self.rows()  # market paths alone are of a block that was not finished
        for number, (path, *_) in files_by_block(self.home / name).items():
            if number in whole:
                check_block(path)
                yield read_parquet(path)

    def say(self) -> str:
        """That it is not finished, how far it is, and how to go on."""
        go_on = f"go on with: crisis-sim run --resume {shlex.quote(str(self.folder))}"
        rules = self.manifest.get("rules", ())
        if not can_be_recalled(rules):  # no command line can give these
            lacking = "roles" if any(one["agent"] for one in rules) else "agents"
            go_on = f"go on with: crisis_sim.batch.resume({str(self.folder)!r}, {lacking}=...)"
        return (
            f"{self.home} holds a run that is not finished: "
            f"{self.crises_done:,} of {self.crises:,} crises; {go_on}"
        )


EARLIER = " (the results of an earlier run are there still: remove {} to have them back)"


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

    differences.refuse(home, differences.of_versions(manifest, versions()))
    check_sealed(home, manifest)
    if not (agents or roles):
        roles, agents = recalled(manifest.get("rules", ()))
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
    if not is_sealed(manifest):
        raise ResultsError(
            f"{home / MANIFEST} has no checksum, so nobody can tell whether it is as it was "
            f"written; {_ANEW}"
        )


def discard(home: Path) -> None:
    """Take an unfinished run away, its manifest first: no half of it looks like a run."""
    remove(*(home / name for name in OURS))


def check_same(
    home: Path, begun: Mapping[str, Any], plan: Plan, manifest: Mapping[str, Any], *words: str
) -> None:
    """Make sure that a batch, which would begin with a manifest now, is the one that was `begun`; `words` as of `refuse`."""
    found = differences.of_versions(begun, manifest["versions"])
    values = parameters_in(home, begun)
    differences.refuse(home, found + differences.of_plans(begun, values, plan, manifest), *words)


def parameters_in(home: Path, manifest: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The parameter values that a batch was begun with, by path."""
    content = check_parameters(home, manifest)
    if content is None:
        return {}
    table = table_of(home / PARAMETERS, content)
    return {name: table.column(name).to_numpy() for name in table.column_names}


def check_parameters(home: Path, manifest: Mapping[str, Any]) -> bytes | None:
    """The content of the file of the parameter values of a batch, checked; None where it had none."""
    digest = manifest.get("parameters_sha256")
    if digest is None:
        return None
    content = read_bytes(home, PARAMETERS)
    if digest_of(content) != digest:
        raise ResultsError(
            f"{home / PARAMETERS} has been damaged: it is not what its checksum says"
        )
    return content


def begun_in(folder: Path) -> dict[str, Any]:
    """The manifest of the run in a folder, be it finished or not."""
    unfinished = UnfinishedRun.of(folder)
    return unfinished.manifest if unfinished else read_manifest(folder)


def check_given(folder: Path, given: Mapping[str, Any]) -> None:
    """Check that options that are `given`, and not None, equal those that the run in a folder was begun with."""
    begun = begun_in(folder)
    others = [
        differences.Difference("batch", name, begun.get(name), value)
        for name, value in given.items()
        if value is not None and value != begun.get(name)
    ]
    differences.refuse(folder, others)


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
    files = check_files(folder, manifest)
    outcomes = _by_scenario(files.get(OUTCOMES) or files[OUTCOMES_FOLDER], columns)
    paths = _by_scenario(files[PATHS]) if PATHS in files else None
    ensembles = {}
    for name, about in manifest["scenarios"].items():
        ensembles[name] = one = Ensemble(
            name=name,
            title=about["title"],
            horizon_hours=about["horizon_hours"],
            states=tuple(about["states"]),
            table=outcomes(name),
            paths=None if paths is None else paths(name),
            scenario=about["scenario"],
        )
        if one.replicates != about["replicates_done"]:
            raise ResultsError(
                f"{folder} holds {one.replicates:,} crises of {name}; "
                f"its {MANIFEST} says {about['replicates_done']:,}"
            )
    return Batch(ensembles, manifest)


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """How the results in a folder came about.

    Raises:
        ResultsError: when the folder is none, holds no results, results of another layout, or a run
            that is not finished.
    """
    folder = Path(folder)
    unfinished = UnfinishedRun.of(folder)
    if unfinished:
        has_results = (unfinished.folder / MANIFEST).exists()
        earlier = EARLIER.format(unfinished.home) if has_results else ""
        raise ResultsError(unfinished.say() + earlier)
    if not folder.is_dir():
        raise ResultsError(f"{folder} is no folder; expected one that `crisis-sim run --out` wrote")
    if not inside(folder, MANIFEST).exists():
        raise ResultsError(f"{folder} holds no results: it has no {MANIFEST}")
    return read_sound(folder / MANIFEST, finished=True)


def check_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, list[Path]]:
    """Check the files of results against the checksums in their manifest.

    Gives by name what there is, each with the files that it consists of, in the order of their
    rows. Folders of earlier versions hold no checksums but those in the names of blocks.
    """
    if is_sealed(manifest):
        return {name: _checked(folder, name, of) for name, of in manifest["files"].items()}
    there = [name for name in (OUTCOMES, OUTCOMES_FOLDER, PATHS) if (folder / name).exists()]
    if not {OUTCOMES, OUTCOMES_FOLDER} & set(there):
        raise _missing(folder / OUTCOMES)
    files = {name: _checked(folder, name) for name in there}
    for path in (of[0] for of in files.values()):
        if mark_in(path):
            raise ResultsError(
                f"{folder / MANIFEST} has no checksum, though {path.name} is of a run that had"
            )
    return files


def _checked(folder: Path, name: str, checksum: str | None = None) -> list[Path]:
    """The files that a part of the results consists of, once they are found to be the right ones."""
    is_folder = name == OUTCOMES_FOLDER
    path = inside(folder, name, is_folder)
    files = blocks_in(path) if is_folder else [path] if path.exists() else []
    if not files:
        raise _missing(path)
    try:
        if is_folder:
            for block in files:
                check_block(block)
        found = names_digest(files) if is_folder else sha256_of(path)
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}") from error
    if checksum is not None and found != checksum:
        raise ResultsError(
            f"{path} cannot be read: it is not what the checksum in {MANIFEST} says; "
            "it has been damaged or changed, or is of another run"
        )
    return files


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
        raise cannot_write(folder, error) from error
    ours = (folder / MANIFEST, folder / UNFINISHED / MANIFEST, running(folder) / MANIFEST)
    foreign = [
        name for name in names if not name.endswith(PARTIAL) and name not in (LOCK, UNFINISHED)
    ]
    if foreign and not any(path.exists() for path in ours):
        raise ResultsError(
            f"{folder} holds other things than results ({foreign[0]}); "
            "give a new folder, or one that holds results"
        )
    return MANIFEST in names


@contextmanager
def held(folder: Path) -> Iterator[tuple[Path, str]]:
    """Hold a folder for one run: gives where that is made, and the token of `hold`."""
    check_folder(folder)
    home = running(folder)
    with ExitStack() as stack:
        with writing(folder):
            token = stack.enter_context(hold(home, home.with_name(f"{home.name}.lock")))
            if folder.exists():  # see before a long run whether its files can go there
                probe = home / f"{token}{PARTIAL}"
                try:
                    probe.touch()
                    probe = probe.replace(folder / probe.name)
                finally:
                    probe.unlink()
        yield home, token


def write_batch(batch: Batch, folder: str | Path) -> None:
    """Write a batch that is in memory.

    Raises:
        ResultsError: when the folder holds other things than results, or cannot be written, or the
            batch's manifest is of other scenarios.
    """
    folder = Path(folder)
    manifest = _manifest_of(batch)
    ensembles = list(batch.ensembles.values())
    states = [state for one in ensembles for state in one.states]
    tables = {OUTCOMES_FOLDER: [one.table for one in ensembles]}
    paths = [one.paths for one in ensembles if one.paths is not None]
    if paths:
        tables[PATHS_FOLDER] = paths
    schemas = marked(
        {name: union((one.schema for one in each), states) for name, each in tables.items()},
        identity_of(manifest),
    )
    with held(folder) as (home, _):
        unfinished = UnfinishedRun.of(folder)
        if unfinished:
            raise ResultsError(unfinished.say())
        try:
            with writing(folder):
                files = {
                    f"{name}.parquet": _write_table(home / f"{name}.parquet", schemas[name], each)
                    for name, each in tables.items()
                }
                sealed = seal({**manifest, "files": files})
                write_durably(home / MANIFEST, as_json(sealed))
        except BaseException:
            discard(home)
            raise
        with writing(folder):
            take_place(home, sealed)


def _manifest_of(batch: Batch) -> dict[str, Any]:
    """A batch's manifest with as many replicates as there are now: some may have been left out."""
    known = batch.manifest.get("scenarios", {})
    done = {one.name: one.replicates for one in batch.ensembles.values()}
    if sorted(done) != sorted(known):
        raise ResultsError(
            f"the manifest of the batch is of other scenarios than it holds: {', '.join(known)}; "
            f"expected {', '.join(done)}"
        )
    scenarios = {name: {**known[name], "replicates_done": done[name]} for name in known}
    return {**batch.manifest, "scenarios": scenarios}


#: The column that says which scenario a row is of.
_SCENARIO = "scenario"


def _by_scenario(
    files: list[Path], columns: Sequence[str] | None = None
) -> Callable[[str], pa.Table]:
    """Read a table, once however many scenarios there are; gives each one's rows by its name."""
    import numpy as np

    path = files[0] if len(files) == 1 else list(map(str, files))
    only = None if columns is None else list(dict.fromkeys((*columns, _SCENARIO)))
    table = read_parquet(path, columns=only)
    if _SCENARIO not in table.column_names:
        raise ResultsError(f"{files[0]} cannot be read: it has no column {_SCENARIO}")
    whose, names = coded(table.column(_SCENARIO))
    table = table.replace_schema_metadata()  # rows that go on elsewhere are no longer that file
    if columns is not None and _SCENARIO not in columns:
        table = table.drop_columns([_SCENARIO])
    order = np.argsort(whose, kind="stable")
    ends = np.cumsum(np.bincount(whose, minlength=len(names)))

    def rows_of(scenario: str) -> pa.Table:
        place = names.index(scenario) if scenario in names else 0
        rows = order[ends[place - 1] : ends[place]] if place else order[:0]
        first = int(rows[0]) if len(rows) else 0
        if len(rows) == 0 or rows[-1] - first + 1 == len(rows):  # in one place: no copy is needed
            return table.slice(first, len(rows))
        return table.take(rows)

    return rows_of


def reopened(folder: Path, manifest: dict[str, Any]) -> UnfinishedRun:
    """Turn results with failed blocks back into an unfinished run; the folder is locked."""
    home = running(folder)
    writer = (home / WRITER).read_bytes()
    remove(home)
    results_of(home).rename(home)
    write_durably(home / WRITER, writer)
    sync(home.parent)
    return UnfinishedRun(folder, manifest)


def take_place(home: Path, manifest: Mapping[str, Any]) -> None:
    """Rename the folder of a finished run to that of its results, in one step.

    Where that is there already, its older results are taken away, the manifest first, and all that
    was made goes into it, the manifest last: at no moment is there a manifest beside what it does
    not describe. What was cut short may be done once more.
    """
    folder = results_of(home)
    kept = {MANIFEST, *manifest["files"]}
    if manifest["failures"]:
        kept |= {OUTCOMES_FOLDER, PATHS_FOLDER}  # so that what failed can be tried again
    remove(*(home / name for name in (WRITER, *OURS) if name not in kept))
    if not folder.exists():
        home.rename(folder)
    else:
        for name in OURS:
            if name not in kept or (home / name).exists():  # else it has its place already
                remove(folder / name)
                sync(folder)
        for path in sorted(home.iterdir(), key=lambda path: path.name == MANIFEST):
            path.replace(folder / path.name)
            sync(folder)
        home.rmdir()
    sync(folder.parent)


def _write_table(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> str:
    """Write a Parquet file, a row group for each table; its checksum."""
    import pyarrow.parquet as pq

    path.unlink(missing_ok=True)  # it may be a link that leads out of the folder
    try:
        with pq.ParquetWriter(path, schema, **_PARQUET) as writer:
            for table in tables:
                writer.write_table(conform(table, schema))
        sync(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return sha256_of(path)


def publish(
    run: UnfinishedRun, manifest: dict[str, Any], schemas: Mapping[str, pa.Schema]
) -> dict[str, Any]:
    """Make the blocks of a run, all there but for those that failed, the results of its folder.

    Gives the manifest of the results with the checksums of their files. All columns of each table
    are in `schemas`, marked.
    """
    files = {}
    with writing(run.folder):
        for name, schema in schemas.items():
            if name == OUTCOMES_FOLDER and run.crises > ONE_FILE_CRISES:
                files[name] = names_digest(blocks_in(run.home / name))
            else:
                path = run.home / f"{name}.parquet"
                files[path.name] = _write_table(path, schema, run.tables(name))
        if check_parameters(run.home, run.manifest) is not None:
            files[PARAMETERS] = run.manifest["parameters_sha256"]
        sealed = seal({**manifest, "files": files})
        write_durably(run.home / MANIFEST, as_json(sealed))
        take_place(run.home, sealed)
    return sealed
