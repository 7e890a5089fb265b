"""A folder of results: how a run takes its place there, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import manifest as differences
from crisis_sim.batch.block import conform, union
from crisis_sim.batch.ensemble import Batch, Ensemble, coded
from crisis_sim.batch.files import (
    LOCK,
    PARTIAL,
    WRITER,
    ResultsError,
    as_json,
    cannot_write,
    hold,
    inside,
    remove,
    sha256_of,
    sync,
    write_durably,
)
from crisis_sim.batch.manifest import identity_of, is_sealed, read_sound, seal
from crisis_sim.batch.unfinished import (
    EARLIER,
    MANIFEST,
    OURS,
    OUTCOMES,
    OUTCOMES_FOLDER,
    PARAMETERS,
    PATHS,
    PATHS_FOLDER,
    RUNNING,
    UNFINISHED,
    UnfinishedRun,
    blocks_in,
    check_block,
    check_parameters,
    discard,
    mark_in,
    marked,
    names_digest,
    read_parquet,
    results_of,
    running,
    writing,
)

if TYPE_CHECKING:
    import pyarrow as pa

#: Crises of which the outcomes are one file. Beyond that the blocks themselves become the results:
#: nothing is written twice, and no reader has to take in the index of a giant file (which grows by
#: some 5 kB a block) before it sees a row.
ONE_FILE_CRISES = 2**24
#: How tables are written; readers that ask for it then find damaged pages, too.
_PARQUET = {"compression": "zstd", "write_page_checksum": True}


def begun_in(folder: Path) -> dict[str, Any]:
    """The manifest of the run in a folder, be it finished or not."""
    unfinished = UnfinishedRun.of(folder)
    return unfinished.manifest if unfinished else read_manifest(folder)


def check_given(folder: Path, given: Mapping[str, Any]) -> None:
    """Make sure that what is `given`, and not None, is what the run in a folder was begun with."""
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
                f"its {MANIFEST} speaks of {about['replicates_done']:,}"
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
    """Make sure that the files of results are those for which their manifest was written.

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
    """Make results of which blocks failed an unfinished run again; the folder is held."""
    home = running(folder)
    writer = (home / WRITER).read_bytes()
    remove(home)
    results_of(home).rename(home)
    write_durably(home / WRITER, writer)
    sync(home.parent)
    return UnfinishedRun(folder, manifest)


def take_place(home: Path, manifest: Mapping[str, Any]) -> None:
    """Make the folder of a run that is finished that of its results: by a rename, in one step.

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
    """Write a Parquet file, a row group for each table, and tell its checksum."""
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
