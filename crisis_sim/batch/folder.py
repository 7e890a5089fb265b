"""The folder of a run's results, and the folder `OUT.running` of an unfinished run.

A run into `OUT` is first written to `OUT.running`, which contains everything that is needed to resume it:
the manifest from its start, the parameter values of a design (parameters.parquet), and the finished blocks.
The manifest is written last, so a folder without one does not contain a run. In the end the blocks are
joined into tables, their checksums are added to the manifest, and the folder is renamed to `OUT`. If blocks
failed, the others are kept with the results, so that the failed ones can be repeated.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import block as blocks
from crisis_sim.batch import manifest as manifests
from crisis_sim.batch import safe_files as disk
from crisis_sim.batch.block import (
    OUTCOMES_FOLDER,
    PATHS_FOLDER,
    BlockFile,
    BlockOrder,
    Plan,
    block_files,
)
from crisis_sim.batch.ensemble import Batch, Ensemble, encode_texts
from crisis_sim.batch.manifest import has_checksum, is_finished, read_manifest_file, seal, versions
from crisis_sim.batch.own_classes import reload_classes
from crisis_sim.batch.safe_files import LOCK, PARTIAL, WRITER, ResultsError, inside, sync, writing

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

#: Suffix of the folder of an unfinished run.
RUNNING = ".running"
MANIFEST, PARAMETERS = "manifest.json", "parameters.parquet"
OUTCOMES, PATHS = "outcomes.parquet", "paths.parquet"
TABLES = (OUTCOMES_FOLDER, PATHS_FOLDER)
#: Names that belong to a results folder, the manifest first; other files are left alone.
OURS = (MANIFEST, OUTCOMES, PATHS, PARAMETERS, *TABLES, LOCK)
_RESTART = "discard the run and start again with --restart"
#: Maximum number of crises whose outcomes are joined into one file. Larger batches keep their blocks: nothing
#: is written twice, and readers are spared the index of a giant file, which grows by about 5 kB per block.
ONE_FILE_CRISES = 2**24
#: Options for writing tables; page checksums let readers detect damage.
_PARQUET = {"compression": "zstd", "write_page_checksum": True}


def running_folder(folder: Path) -> Path:
    """Return the folder of the unfinished run into a results folder."""
    if folder.is_symlink() or folder.name in ("", ".."):
        folder = folder.resolve()
    home = folder.parent / (folder.name + RUNNING)
    if home.is_symlink():
        raise ResultsError(f"{home} is a link; expected a folder")
    return home


def results_folder(folder: Path) -> Path:
    """Return the results folder of a run, given this folder or that of the unfinished run."""
    return folder.with_suffix("") if folder.suffix == RUNNING else folder


@dataclass(frozen=True)
class UnfinishedRun:
    """An unfinished run on disk.

    Attributes:
        folder: the folder for its results.
        manifest: the manifest from the start of the run, or from the end of an earlier attempt.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def home(self) -> Path:
        """The folder of the unfinished run."""
        return running_folder(self.folder)

    @property
    def identity(self) -> str:
        """The identity of the batch, which marks its blocks."""
        return manifests.identity_of(self.manifest)

    @property
    def crises(self) -> int:
        """The total number of crises of the run."""
        each = self.manifest["replicates"] * (self.manifest["points"] or 1)
        return int(each * len(self.manifest["scenarios"]))

    @property
    def is_complete(self) -> bool:
        """Whether the results are complete and only have to be moved into place."""
        return is_finished(self.manifest) and not self.manifest["failures"]

    @property
    def crises_done(self) -> int:
        """The number of crises on disk."""
        return self.crises if self.is_complete else sum(self.rows().values())

    @classmethod
    def begin(cls, folder: Path, plan: Plan, manifest: dict[str, Any]) -> UnfinishedRun:
        """Write the manifest and parameter values of a new run, replacing any unfinished one."""
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
    def find(cls, folder: Path) -> UnfinishedRun | None:
        """Return the unfinished run into a results folder, or None."""
        folder = results_folder(folder)
        home = running_folder(folder)
        if not inside(home, MANIFEST).exists():
            return None
        try:
            return cls(folder, read_manifest_file(home / MANIFEST))
        except ResultsError as error:
            raise ResultsError(f"{error}; {_RESTART}") from error

    def rows(self) -> dict[int, int]:
        """Return the number of crises in each block on disk, according to the names of the files."""
        return {file.number: file.rows for file in block_files(self.home / OUTCOMES_FOLDER)}

    def rows_by_scenario(self) -> dict[str, int]:
        """Return the number of crises on disk of each scenario."""
        names = list(self.manifest["scenarios"])
        rows = Counter(dict.fromkeys(names, 0))
        for number, count in self.rows().items():
            rows[names[number % len(names)]] += count  # blocks take the scenarios in turn
        return dict(rows)

    def verify(self, plan: Plan, on_message: Callable[[str], None]) -> dict[int, int]:
        """Delete blocks that are damaged or not in the plan, and return the `rows` of the others."""
        folders = [inside(self.home, name, is_folder=True) for name in TABLES]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        self.tidy()
        files_of: dict[int, list[BlockFile]] = {}
        for file in (file for folder in folders for file in block_files(folder)):
            files_of.setdefault(file.number, []).append(file)
        for number, files in sorted(files_of.items()):
            if files[0].path.parent == folders[0]:
                fault = self._fault(files, next(plan.orders([number]), None))
                if not fault:
                    continue
                on_message(f"block {number} is repeated: {fault}")
            disk.remove(*(file.path for file in files))  # a block without outcomes is unfinished
        return self.rows()

    def tidy(self) -> None:
        """Delete partially written files; the folder must be locked."""
        for folder in (self.home, *(self.home / name for name in TABLES)):
            disk.remove(*folder.glob(f"*{PARTIAL}"))

    def _fault(self, files: list[BlockFile], order: BlockOrder | None) -> str | None:
        """Return the fault of a block's files, or None."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if order is None:
            return "the run has no such block"
        expected_files = 2 if order.keeps_paths else 1
        if len(files) > expected_files or files[0].rows != order.rows:
            return "the run expects another block"
        if len(files) < expected_files:
            return "its market paths are missing"
        for file in files:
            try:
                parquet = pq.ParquetFile(pa.BufferReader(file.content()))
            except (ResultsError, OSError, pa.ArrowException) as error:
                return str(error).removeprefix(f"{file.path}: ")
            mark = blocks.mark_of(parquet.schema_arrow)
            if mark.get("identity", "") != self.identity:
                return "it belongs to another run"
            expected = blocks.mark(self.identity, file.path.parent.name, order)
            if mark != expected or parquet.metadata.num_rows != file.rows:
                return "it is another block of the run"
        return None

    def tables(self, name: str) -> Iterator[pa.Table]:
        """Iterate over the blocks of a table, in the order of the plan, with one at a time in memory."""
        finished = self.rows()  # a block without outcomes is unfinished
        for file in block_files(self.home / name):
            if file.number in finished:
                yield disk.table_of(file.path, file.content())

    def message(self) -> str:
        """Return a message with the state of the run, and how to continue it."""
        command = f"crisis-sim run --resume {shlex.quote(str(self.folder))}"
        rules = self.manifest.get("rules", ())
        if not all(
            rule["file"] for rule in rules
        ):  # the command line takes classes from files only
            argument = "roles" if any(rule["agent"] for rule in rules) else "agents"
            command = f"crisis_sim.batch.resume({str(self.folder)!r}, {argument}=...)"
        return (
            f"{self.home} contains an unfinished run: {self.crises_done:,} of {self.crises:,} crises; "
            f"to continue it: {command}"
        )


def plan_of(
    home: Path,
    manifest: Mapping[str, Any],
    agents: Sequence[Any],
    roles: Mapping[str, Any] | None = None,
) -> Plan:
    """Return the plan of a run from its manifest in a folder.

    Custom classes that did not come from files must be given, since a folder does not contain code.
    """
    from crisis_sim.scenario.schema import Scenario

    manifests.raise_if_different(home, manifests.version_differences(manifest, versions()))
    check_sealed(home, manifest)
    if not (agents or roles):
        roles, agents = reload_classes(manifest.get("rules", ()))
    try:
        scenarios = tuple(
            Scenario.model_validate(about["scenario"]) for about in manifest["scenarios"].values()
        )
    except ValueError as error:
        raise ResultsError(f"{home / MANIFEST}: {error}; {_RESTART}") from error
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
    """Raise ResultsError unless a manifest has a checksum, which reveals changes."""
    if not has_checksum(manifest):
        raise ResultsError(
            f"{home / MANIFEST} has no checksum, so that changes to it cannot be detected; {_RESTART}"
        )


def discard(home: Path) -> None:
    """Delete an unfinished run, its manifest first, so that the remains never look like a run."""
    disk.remove(*(home / name for name in OURS))


def check_same(
    home: Path, begun: Mapping[str, Any], plan: Plan, manifest: Mapping[str, Any], *messages: str
) -> None:
    """Raise ResultsError unless a plan and its manifest match the manifest of a run that was `begun` in a folder.

    The `messages` are those of `raise_if_different`.
    """
    differing = manifests.version_differences(begun, manifest["versions"])
    differing += manifests.plan_differences(begun, parameters_in(home, begun), plan, manifest)
    manifests.raise_if_different(home, differing, *messages)


def parameters_in(home: Path, manifest: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Read the parameter values of a run, by path."""
    digest = manifest.get("parameters_sha256")
    if digest is None:
        return {}
    content = disk.read_bytes(home, PARAMETERS)
    disk.check(home / PARAMETERS, disk.digest_of(content) == digest)
    table = disk.table_of(home / PARAMETERS, content)
    return {name: table.column(name).to_numpy() for name in table.column_names}


def begun_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of the run in a folder, whether finished or not."""
    unfinished = UnfinishedRun.find(folder)
    return unfinished.manifest if unfinished else read_manifest(folder)


def check_options(folder: Path, options: Mapping[str, Any]) -> None:
    """Raise ResultsError if options that are not None differ from those of the run in a folder."""
    begun = begun_manifest(folder)
    new = {name: value for name, value in options.items() if value is not None}
    old = {name: begun.get(name) for name in new}
    manifests.raise_if_different(folder, manifests.differences("batch", old, new))


def read_batch(folder: str | Path, columns: Sequence[str] | None = None) -> Batch:
    """Read a batch from its folder.

    Args:
        columns: the columns of outcomes to read; by default all.

    Raises:
        ResultsError: when the folder does not exist, or contains no results, results in another layout, an
            unfinished run, or files that have been changed or damaged.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    files, scenarios = check_files(folder, manifest), manifest["scenarios"]
    outcomes = read_by_scenario(files.get(OUTCOMES) or files[OUTCOMES_FOLDER], scenarios, columns)
    paths = read_by_scenario(files[PATHS], scenarios) if PATHS in files else {}
    ensembles = {}
    for name, about in scenarios.items():
        ensembles[name] = ensemble = Ensemble(
            name=name,
            title=about["title"],
            horizon_hours=about["horizon_hours"],
            states=tuple(about["states"]),
            table=outcomes[name],
            paths=paths.get(name),
            scenario=about["scenario"],
        )
        expected = about.get("replicates_done", 0)
        if ensemble.replicates != expected:
            raise ResultsError(
                f"{folder} contains {ensemble.replicates:,} crises of {name}; expected {expected:,}, "
                f"according to its {MANIFEST}"
            )
    return Batch(ensembles, manifest)


def read_by_scenario(
    files: list[Path], scenarios: Iterable[str], columns: Sequence[str] | None = None
) -> dict[str, pa.Table]:
    """Read a table from disk (by default with all columns), and return the rows of each scenario."""
    import numpy as np

    table = read_parquet(files, None if columns is None else [*columns, "scenario"])
    if "scenario" not in table.column_names:
        raise ResultsError(f"{files[0]} cannot be read: it has no column scenario")
    codes, names = encode_texts(table.column("scenario"))
    table = (
        table.replace_schema_metadata()
    )  # the mark of the file does not apply to its rows elsewhere
    if columns is not None and "scenario" not in columns:
        table = table.drop_columns(["scenario"])
    tables = {}
    for name in scenarios:
        rows = np.flatnonzero(codes == (names.index(name) if name in names else -1))
        contiguous = len(rows) == 0 or rows[-1] - rows[0] + 1 == len(rows)  # no copy is needed
        first = int(rows[0]) if len(rows) else 0
        tables[name] = table.slice(first, len(rows)) if contiguous else table.take(rows)
    return tables


def read_parquet(files: list[Path], columns: Sequence[str] | None = None) -> pa.Table:
    """Read files that form a table, or those of `columns` that exist; page checksums are verified."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if columns is not None:
            existing = pq.read_schema(files[0]).names
            columns = [column for column in dict.fromkeys(columns) if column in existing]
        return pq.read_table(
            files[0] if len(files) == 1 else [*map(str, files)],
            columns=columns,
            partitioning=None,
            page_checksum_verification=True,
            pre_buffer=False,  # for remote files; it needs more memory, as threads do
            use_threads=False,
        )
    except (OSError, pa.ArrowException) as error:
        path = files[0] if len(files) == 1 else files[0].parent
        raise ResultsError(f"{path} cannot be read: {error}") from error


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Read the manifest of the results in a folder.

    Raises:
        ResultsError: when the folder does not exist, or contains no results, results in another layout, or an
            unfinished run.
    """
    folder = Path(folder)
    unfinished = UnfinishedRun.find(folder)
    if unfinished:
        message = unfinished.message()
        if (unfinished.folder / MANIFEST).exists():
            message += (
                " (the results of an earlier run still exist: to get them back, "
                f"delete {unfinished.home})"
            )
        raise ResultsError(message)
    if not folder.is_dir():
        raise ResultsError(f"{folder} is not a folder; expected one from `crisis-sim run --out`")
    if not inside(folder, MANIFEST).exists():
        raise ResultsError(f"{folder} contains no results: it has no {MANIFEST}")
    return read_manifest_file(folder / MANIFEST, finished=True)


def check_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, list[Path]]:
    """Check the files of results against the checksums in their manifest.

    In folders of earlier versions only the names of blocks contain checksums.

    Returns:
        The files of each part of the results, by its name, in the order of their rows.
    """
    if has_checksum(manifest):
        return {name: _checked(folder, name, digest) for name, digest in manifest["files"].items()}
    names = [name for name in (OUTCOMES, OUTCOMES_FOLDER, PATHS) if (folder / name).exists()]
    if not {OUTCOMES, OUTCOMES_FOLDER} & set(names):
        raise _missing(folder / OUTCOMES)
    files = {name: _checked(folder, name) for name in names}
    for path, *_ in files.values():
        if blocks.read_mark(path):
            raise ResultsError(
                f"{folder / MANIFEST} has no checksum, but {path.name} is from a run that had one"
            )
    return files


def _checked(folder: Path, name: str, checksum: str | None = None) -> list[Path]:
    """Check a part of the results, and return its files."""
    is_folder = name == OUTCOMES_FOLDER
    path = inside(folder, name, is_folder)
    files = block_files(path) if is_folder else []
    if not (files if is_folder else path.exists()):
        raise _missing(path)
    for file in files:
        file.content()
    try:
        digest = blocks.names_digest(files) if is_folder else disk.sha256_of(path)
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}") from error
    disk.check(path, checksum in (None, digest))
    return [file.path for file in files] or [path]


def _missing(path: Path) -> ResultsError:
    return ResultsError(f"{path} is missing, although {MANIFEST} exists")


def check_folder(folder: str | Path) -> bool:
    """Return whether a batch would replace results in a folder; ResultsError if it must not be written there."""
    folder = Path(folder)
    if folder.suffix == RUNNING:
        raise ResultsError(
            f"{folder}: the suffix {RUNNING} is for unfinished runs; give another name"
        )
    try:
        names = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise disk.cannot_write(folder, error) from error
    others = [name for name in names if name != LOCK and not name.endswith(PARTIAL)]
    if others and MANIFEST not in names and not (running_folder(folder) / MANIFEST).exists():
        raise ResultsError(
            f"{folder} contains other files than results ({others[0]}); "
            "give a new folder, or one that contains results"
        )
    return MANIFEST in names


@contextmanager
def locked(folder: Path) -> Iterator[tuple[Path, str]]:
    """Lock a results folder for one run; yield the folder of the unfinished run and the token of `lock_folder`."""
    check_folder(folder)
    home = running_folder(folder)
    with ExitStack() as stack:
        with writing(folder):
            token = stack.enter_context(disk.lock_folder(home, home.with_name(f"{home.name}.lock")))
            if folder.exists():  # before a long run, check that files can be moved there
                probe = home / f"{token}{PARTIAL}"
                try:
                    probe.touch()
                    probe = probe.replace(folder / probe.name)
                finally:
                    probe.unlink()
        yield home, token


def reopen(folder: Path, manifest: dict[str, Any]) -> UnfinishedRun:
    """Turn results with failed blocks back into an unfinished run; the folder must be locked."""
    home = running_folder(folder)
    writer = (home / WRITER).read_bytes()
    disk.remove(home)
    results_folder(home).rename(home)
    disk.write_durably(home / WRITER, writer)
    sync(home.parent)
    return UnfinishedRun(folder, manifest)


def move_into_place(home: Path, manifest: Mapping[str, Any]) -> None:
    """Rename the folder of a finished run to that of its results.

    If that exists already, its older results are deleted, the manifest first, and the new files are moved there, the
    manifest last: at no time does a manifest describe the wrong files. An interrupted call can be repeated.
    """
    folder = results_folder(home)
    kept = {MANIFEST, *manifest["files"]}
    if manifest["failures"]:
        kept |= {*TABLES}  # so that failed blocks can be repeated
    disk.remove(*(home / name for name in (WRITER, *OURS) if name not in kept))
    if not folder.exists():
        home.rename(folder)
    else:
        for name in OURS:
            if name not in kept or (home / name).exists():  # otherwise it has been moved already
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
    """Join the blocks of a run into results, and move these into place; a very large batch keeps its blocks.

    The manifest `ended` is from `close_manifest`; the result is the manifest of the results.
    """
    home, files = run.home, dict[str, str]()
    values = parameters_in(home, ended)  # raises if they have been damaged
    with writing(run.folder):
        for name, schema in schemas.items():
            existing = block_files(home / name) if name == OUTCOMES_FOLDER else []
            if existing and run.crises > ONE_FILE_CRISES:
                files[name] = blocks.names_digest(existing)
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
    """Write a Parquet file with a row group for each table, and return its checksum."""
    import pyarrow.parquet as pq

    path.unlink(missing_ok=True)  # it may be a link to a file elsewhere
    try:
        with pq.ParquetWriter(path, schema, **_PARQUET) as writer:
            for table in tables:
                writer.write_table(blocks.conform(table, schema))
        sync(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return disk.sha256_of(path)
