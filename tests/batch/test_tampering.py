"""Results folders that were damaged, mixed up or edited."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crisis_sim.batch import (
    ResultsError,
    read_batch,
    read_manifest,
    resume,
    run_to_folder,
)
from crisis_sim.batch import folder as results_folder
from crisis_sim.batch.block import read_mark
from crisis_sim.batch.folder import (
    MANIFEST,
    OUTCOMES,
    OUTCOMES_FOLDER,
    PATHS,
    UnfinishedRun,
    running_folder,
)
from crisis_sim.batch.safe_files import as_json
from tests.batch.crises import SCENARIOS, crisis, cut_short, rows

VALUES = {"states.north.resolve": [0.5] * 60}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders, by name, to copy and to damage."""
    home = tmp_path_factory.mktemp("kept")
    for name, seed in (("finished", 1), ("of another seed", 2)):
        run_to_folder(SCENARIOS, home / name, 60, seed, block_size=10, parameters=VALUES)
    for name, seed in (("cut", 1), ("cut of another seed", 2)):
        cut_short(home / name, 5, seed=seed, parameters=VALUES)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(results_folder, "ONE_FILE_CRISES", 100)
        run_to_folder(SCENARIOS, home / "giant", 60, block_size=10, parameters=VALUES)
    return home


def copy_of(folder: Path, to: Path) -> Path:
    for one, copied in ((folder, to), (running_folder(folder), running_folder(to))):
        shutil.rmtree(copied, ignore_errors=True)
        if one.exists():
            shutil.copytree(one, copied)
    return to


def test_blocks_and_tables_are_marked_with_their_batch_and_position(
    kept: Path, tmp_path: Path
) -> None:
    manifest = read_manifest(kept / "finished")
    identity = manifest["identity"]
    assert read_manifest(kept / "of another seed")["identity"] != identity
    run_to_folder(SCENARIOS, tmp_path, 60, 1, block_size=10, parameters=VALUES)
    assert sorted(manifest["files"]) == [OUTCOMES, "parameters.parquet", PATHS]
    for name, checksum in manifest["files"].items():
        content = (kept / "finished" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == checksum, "other tools compute another one"
        assert (tmp_path / name).read_bytes() == content, "the same batch gives other files"
        if name != "parameters.parquet":
            table = name.removesuffix(".parquet")
            assert read_mark(tmp_path / name) == {"identity": identity, "table": table}
    place = {"block": 3, "scenario": "two", "first_replicate": 10, "replicates": 10}
    assert read_mark(block(running_folder(kept / "cut"), "paths", 3)) == (
        {"identity": identity, "table": "paths", "first_point": 0, "points": 1} | place
    )


def block(home: Path, table: str, number: int) -> Path:
    (path,) = (home / table).glob(f"{number:08}-*")
    return path


def from_another_run(home: Path, other: Path, number: int, besides: bool = False) -> None:
    for table in ("outcomes", "paths"):
        if not besides:
            block(home, table, number).unlink()
        shutil.copy(block(other, table, number), home / table)


def beyond_the_plan(home: Path, other: Path, number: int) -> None:
    one = block(home, "outcomes", 1)
    shutil.copy(one, one.with_name(one.name.replace("00000001", f"{number:08}")))


def under_another_number(home: Path, other: Path, number: int) -> None:
    for table in ("outcomes", "paths"):
        block(home, table, number).unlink()
        second = block(home, table, number + 1)
        second.rename(second.with_name(f"{number:08}{second.name[8:]}"))


def swap_tables(home: Path, other: Path, number: int) -> None:
    outcomes, paths = (block(home, table, number) for table in ("outcomes", "paths"))
    outcomes.rename(home / "paths" / outcomes.name)
    paths.rename(home / "outcomes" / paths.name)


def flip_a_bit(home: Path, other: Path, number: int) -> None:
    path = block(home, "paths", number)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lose_paths(home: Path, other: Path, number: int) -> None:
    block(home, "paths", number).unlink()


def link(home: Path, other: Path, number: int) -> None:
    path = block(home, "outcomes", number)
    path.rename(home / "elsewhere")
    path.symlink_to(home / "elsewhere")


CHECKSUM = "its content does not match its checksum"
#: The number of a block (the first five exist), the damage to it, and the message.
SPOILT_BLOCKS: list[list[tuple[int, Callable[..., None], str]]] = [
    [
        (1, flip_a_bit, CHECKSUM),
        (2, from_another_run, "it belongs to another run"),
        (3, swap_tables, ""),
        (4, link, ""),
        (99, beyond_the_plan, "the run has no such block"),
    ],
    [
        (0, under_another_number, "it is another block of the run"),
        (2, partial(from_another_run, besides=True), "the run expects another block"),
        (3, lose_paths, "its market paths are missing"),
    ],
]


@pytest.mark.parametrize("spoilt", SPOILT_BLOCKS)
def test_foreign_and_damaged_blocks_are_reported_and_repeated(
    kept: Path, tmp_path: Path, spoilt: list[tuple[int, Callable[..., None], str]]
) -> None:
    folder = copy_of(kept / "cut", tmp_path / "cut")
    home, other = running_folder(folder), running_folder(kept / "cut of another seed")
    for number, spoil, _ in reversed(spoilt):
        spoil(home, other, number)
    if len(spoilt) == 3:  # market paths alone are not a block, and are not reported
        from_another_run(home, other, 4)
        block(home, "outcomes", 4).unlink()
    messages: list[str] = []
    resume(folder, on_message=messages.append)
    again = [one for one in messages if "is repeated" in one]
    for message, (number, _, why) in zip(again, spoilt, strict=True):
        assert message.startswith(f"block {number} is repeated: {why}")
    assert rows(folder) == rows(kept / "finished")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Iterate over the paths of values at most three deep: a resolved scenario has very many."""
    if path:
        yield path
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys if len(path) < 3 else ():
        yield from places(value[key], (*path, key))


def edited(path: Path) -> Iterator[None]:
    """Write a manifest in which each field in turn is gone, reversed or another."""
    content, count = path.read_text(encoding="utf-8"), 0
    for *above, key in places(json.loads(content)):
        for value in ("gone", "reversed", None, 2.5, "x", {}):
            manifest = json.loads(content)
            holder = reduce(getitem, above, manifest)
            if value == "gone":
                del holder[key]
            elif value != "reversed":
                holder[key] = value
            elif isinstance(holder[key], dict):
                holder[key] = dict(reversed(holder[key].items()))
            elif isinstance(holder[key], (str, list)):
                holder[key] = holder[key][::-1]
            if json.dumps(manifest) != json.dumps(json.loads(content)):
                path.write_text(json.dumps(manifest), encoding="utf-8")
                count += 1
                yield
    assert count > 200


def test_any_edit_of_a_manifest_is_refused(kept: Path, tmp_path: Path) -> None:
    for name, read in (("finished", read_manifest), ("cut", UnfinishedRun.find)):
        folder = copy_of(kept / name, tmp_path / name)
        for _ in edited((folder if name == "finished" else running_folder(folder)) / MANIFEST):
            with pytest.raises(ResultsError) as error:
                read(folder)
            assert str(folder) in str(error.value)
        for look in (read_batch, resume):
            with pytest.raises(ResultsError):
                look(folder)
    run_to_folder(SCENARIOS, folder, 60, block_size=10, parameters=VALUES, restart=True)
    assert rows(folder) == rows(kept / "finished")


def without_checksum(path: Path, **changes: Any) -> None:
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for name in ("identity", "files", "checksum"):
        manifest.pop(name, None)
    path.write_bytes(as_json({**manifest, **changes}))


def test_a_manifest_that_lost_its_checksum_is_refused(kept: Path, tmp_path: Path) -> None:
    for name in ("finished", "giant"):
        folder = copy_of(kept / name, tmp_path / name)
        without_checksum(folder / MANIFEST, seed=3)
        with pytest.raises(ResultsError, match="has no checksum"):
            read_batch(folder)
    folder = copy_of(kept / "cut", tmp_path / "cut")
    without_checksum(running_folder(folder) / MANIFEST, seed=3)
    for go_on in (resume, lambda at: run_to_folder(SCENARIOS, at, 60, 3, resume=True)):
        with pytest.raises(ResultsError, match=r"has no checksum.*--restart"):
            go_on(folder)


def _of_another_seed(path: Path, other: Path) -> None:
    shutil.copy(other, path)


def _lost_rows(path: Path, other: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.slice(0, table.num_rows - 3), path)


def _linked(path: Path, other: Path) -> None:
    path.unlink()
    path.symlink_to(other)


SPOILT: list[Callable[[Path, Path], None]] = [
    _of_another_seed,
    _lost_rows,
    lambda path, other: os.truncate(path, path.stat().st_size - 1),
    lambda path, other: path.unlink(),
    _linked,
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_files_of_other_runs_and_damaged_files_are_refused(
    kept: Path, tmp_path: Path, spoil: Callable[[Path, Path], None]
) -> None:
    for name in (OUTCOMES, PATHS, "parameters.parquet"):
        folder = copy_of(kept / "finished", tmp_path / "spoilt")
        spoil(folder / name, kept / "of another seed" / name)
        if spoil is _of_another_seed and name == "parameters.parquet":
            assert rows(folder) == rows(kept / "finished")  # it is the same there
            continue
        for read in (read_batch, resume):
            with pytest.raises(ResultsError, match=name):
                read(folder)


def test_missing_and_additional_blocks_of_a_giant_batch_are_refused(
    kept: Path, tmp_path: Path
) -> None:
    deeds: list[Callable[[list[Path]], object]] = [
        lambda blocks: blocks[3].unlink(),
        lambda blocks: os.truncate(blocks[3], 500),
        lambda blocks: shutil.copy(blocks[3], blocks[3].with_name("00000099" + blocks[3].name[8:])),
        lambda blocks: blocks[3].rename(blocks[3].with_name("00000099" + blocks[3].name[8:])),
        lambda blocks: [block.unlink() for block in blocks],
    ]
    for deed in deeds:
        folder = copy_of(kept / "giant", tmp_path / "giant")
        deed(sorted((folder / OUTCOMES_FOLDER).iterdir()))
        with pytest.raises(ResultsError, match="outcomes"):
            read_batch(folder)
    assert rows(kept / "giant") == rows(kept / "finished")


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_flipped_bit_is_harmless_or_reported(
    kept: Path, tmp_path: Path, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["finished", "giant", "cut"]))
    folder = copy_of(kept / name, tmp_path / "flipped")
    home = running_folder(folder) if name == "cut" else folder
    files = sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    file = home / data.draw(st.sampled_from(files))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    with contextlib.suppress(ResultsError):
        if name == "cut":
            resume(folder)
        assert rows(folder) == rows(kept / "finished")


def test_nothing_is_written_or_deleted_through_a_link(kept: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("thesis", encoding="utf-8")
    folder = copy_of(kept / "cut", tmp_path / "cut")
    (running_folder(folder) / OUTCOMES).symlink_to(precious)
    resume(folder)
    (tmp_path / "cut.running.lock").symlink_to(precious)
    with pytest.raises(ResultsError, match="cannot write results"):
        run_to_folder(crisis(), folder, 10)
    assert precious.read_text(encoding="utf-8") == "thesis"


def test_an_unfinished_run_behind_a_link_is_left_alone(kept: Path, tmp_path: Path) -> None:
    elsewhere = copy_of(running_folder(kept / "cut"), tmp_path / "elsewhere")
    before = sorted(elsewhere.rglob("*"))
    folder = copy_of(kept / "finished", tmp_path / "finished")
    running_folder(folder).symlink_to(elsewhere)
    for deed in (
        read_batch,
        resume,
        lambda at: run_to_folder(crisis(), at, 10),
        lambda at: run_to_folder(crisis(), at, 10, restart=True),
    ):
        with pytest.raises(ResultsError, match="is a link"):
            deed(folder)
    assert sorted(elsewhere.rglob("*")) == before


def as_before(folder: Path) -> Path:
    """Turn a folder into one of the version before checksums."""
    for path in folder.rglob("*.parquet"):
        table = pq.read_table(path, partitioning=None)
        pq.write_table(
            table.replace_schema_metadata(), path, compression="zstd", write_page_checksum=True
        )
        if path.parent != folder:
            head = path.name.rpartition("-")[0]
            checksum = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            path.rename(path.with_name(f"{head}-{checksum}.parquet"))
    without_checksum(folder / MANIFEST)
    return folder


@pytest.mark.parametrize("name", ["finished", "giant"])
def test_finished_folders_of_earlier_versions_are_read(
    kept: Path, tmp_path: Path, name: str
) -> None:
    folder = as_before(copy_of(kept / name, tmp_path / name))
    assert rows(folder) == rows(kept / "finished")
    if name == "finished":
        _lost_rows(folder / OUTCOMES, folder)
        with pytest.raises(ResultsError, match="contains 57 crises of two"):
            read_batch(folder)


@pytest.mark.slow
def test_edits_of_a_manifest_without_checksum_are_harmless_or_reported(
    kept: Path, tmp_path: Path
) -> None:
    folder = as_before(copy_of(kept / "finished", tmp_path / "old"))
    for count, _ in enumerate(edited(folder / MANIFEST)):
        with contextlib.suppress(ResultsError):
            read_manifest(folder)
            if count % 5 == 0:  # reading tables takes longer
                read_batch(folder)
