from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis_sim.batch.files import ResultsError, inside, sha256_of, write_durably


def test_a_plain_name_is_a_file_in_the_folder_there_or_not(tmp_path: Path) -> None:
    (tmp_path / "marginals.parquet").write_bytes(b"x")
    for name in ("marginals.parquet", "none.parquet"):
        assert inside(tmp_path, name) == tmp_path / name
    assert inside(tmp_path / "no folder", "a").name == "a"


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../manifest.json", "a/b", "a\\b", "C:secret", "", ".", "..",
        "a\0b", "a\nb", "a" * 300, "\udcff\ud800", None, 7, True, ["a"], {"a": 1}, b"a",
    ],
)  # fmt: skip
def test_a_name_that_is_not_plain_is_refused(tmp_path: Path, name: object) -> None:
    with pytest.raises(ResultsError):
        inside(tmp_path, name)


@given(st.text(min_size=1, max_size=30))
def test_whatever_the_name_says_the_file_lies_in_the_folder(name: str) -> None:
    folder = Path("results")
    try:
        path = inside(folder, name)
    except ResultsError:
        return
    assert Path(os.path.normpath(path)).parent == folder


@pytest.mark.parametrize("is_folder", [False, True])
def test_links_are_refused_wherever_they_lead(tmp_path: Path, is_folder: bool) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder", "nowhere"):
        link = tmp_path / f"{name}.link"
        link.symlink_to(tmp_path / name)
        with pytest.raises(ResultsError, match="is a link"):
            inside(tmp_path, link.name, is_folder)


def test_a_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("folder")
    assert inside(tmp_path / "link", "file").read_bytes() == b"x"


def test_files_folders_and_pipes_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert inside(tmp_path, "folder", is_folder=True) == tmp_path / "folder"
    for name, is_folder in [("folder", False), ("pipe", False), ("pipe", True), ("file", True)]:
        with pytest.raises(ResultsError, match="something else"):
            inside(tmp_path, name, is_folder)


def test_the_digest_of_a_file_is_that_of_its_content(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()


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
    write_durably(tmp_path / "one", b"content")
    if Path("/proc/self/fd").exists():
        assert happened == ["file", "name", "folder"]
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
