from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from crisis_sim.batch import files
from crisis_sim.batch.block import BlockOrder, attempt, schemas
from crisis_sim.batch.manifest import open_manifest
from crisis_sim.batch.plan import Plan
from crisis_sim.batch.unfinished import UnfinishedRun, encoded, marked, running, write_block
from tests.batch.crises import crisis

PLAN = Plan((crisis(),), 40, seed=1, block_size=20)
ORDERS = list(PLAN.orders())
SCHEMAS = dict(zip(("outcomes", "paths"), schemas(crisis()), strict=True))


@pytest.fixture
def store(tmp_path: Path) -> UnfinishedRun:
    """Both blocks of a small plan."""
    running(tmp_path / "run").mkdir()
    store = UnfinishedRun.begin(tmp_path / "run", PLAN, open_manifest(PLAN))
    for order in ORDERS:
        keep(store, order)
    return store


def keep(store: UnfinishedRun, order: BlockOrder) -> None:
    write_block(store.home, encoded(attempt(order), marked(SCHEMAS, store.identity)))


def test_sound_blocks_come_back_in_order(store: UnfinishedRun) -> None:
    assert store.rows() == {0: 20, 1: 20}
    assert list(store.check(ORDERS, has_paths=True)) == []
    tables = list(store.tables("outcomes"))
    assert [table.column("replicate")[0].as_py() for table in tables] == [0, 20]
    assert tables[0].to_pylist() == attempt(ORDERS[0]).table.to_pylist()


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def swap(path: Path) -> None:
    """A block under the number of another."""
    path.rename(path.with_name(path.name.replace("00000001", "00000000")))


@pytest.mark.parametrize("folder", ["outcomes", "paths"])
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (flip_a_bit, "its content is not what its checksum says"),
        (cut, "its content is not what its checksum says"),
        (empty, "its content is not what its checksum says"),
    ],
)
def test_a_damaged_block_is_found_and_taken_away(
    store: UnfinishedRun, folder: str, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(sorted((store.home / folder).iterdir())[1])
    assert list(store.check(ORDERS, has_paths=True)) == [(1, said)]
    assert store.rows() == {0: 20}
    assert list(store.check(ORDERS, has_paths=True)) == []


def test_a_block_without_its_market_paths_is_done_again(store: UnfinishedRun) -> None:
    min((store.home / "paths").iterdir()).unlink()
    assert list(store.check(ORDERS, has_paths=True)) == [(0, "its market paths are missing")]


def test_two_blocks_under_one_number_are_both_done_again(store: UnfinishedRun) -> None:
    swap(max((store.home / "outcomes").iterdir()))
    assert list(store.check(ORDERS, has_paths=True)) == [(0, "it is not what was to be run")]


def test_market_paths_of_a_block_that_was_not_finished_are_no_block(store: UnfinishedRun) -> None:
    min((store.home / "outcomes").iterdir()).unlink()
    assert store.rows() == {1: 20}
    assert len(list(store.tables("paths"))) == 1
    keep(store, ORDERS[0])
    assert list(store.check(ORDERS, has_paths=True)) == []


def test_what_was_never_whole_is_cleared_away(store: UnfinishedRun) -> None:
    scrap = store.home / "outcomes" / "00000002-20-0123456789abcdef.parquet.0123.partial"
    scrap.write_bytes(b"half")
    assert store.rows() == {0: 20, 1: 20}
    store.tidy()
    assert not scrap.exists()


def test_a_file_is_on_disk_before_it_has_its_name_and_its_name_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    sync, rename = os.fsync, Path.replace

    def note_sync(opened: int) -> None:
        happened.append("folder" if Path(f"/proc/self/fd/{opened}").is_dir() else "file")
        sync(opened)

    def note_rename(path: Path, to: Path) -> Path:
        happened.append("name")
        return rename(path, to)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    files.write_durably(tmp_path / "one", b"content")
    if Path("/proc/self/fd").exists():
        assert happened == ["file", "name", "folder"]
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
