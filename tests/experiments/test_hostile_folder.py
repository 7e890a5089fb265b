"""A folder that somebody else has made, that a disk has damaged, or that another process writes to."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crisis_sim.batch.files import (
    CHECKSUM,
    ResultsError,
    as_json,
    canonical_digest,
    digest_of,
    hold,
    sealed,
    table_of,
)
from crisis_sim.experiments import read_experiment, run_experiment
from crisis_sim.experiments import run as folders
from crisis_sim.experiments.sampler import read_generation
from crisis_sim.experiments.search import whole_ends
from crisis_sim.report.page import write_page
from tests.experiments import examples
from tests.experiments.examples import same

CANARY = "the secret of a canary"


def made(kind: str) -> Any:
    return examples.made(kind, **({"trials": 8, "replicates": 10} if kind == "tune" else {}))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a finished experiment of a kind, written once."""
    home = tmp_path_factory.mktemp("written")

    def folder(kind: str) -> Path:
        if not (home / kind).exists():
            run_experiment(made(kind), home / kind)
        return home / kind

    return folder


@pytest.fixture
def copied(written: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    def folder(kind: str) -> Path:
        return Path(shutil.copytree(written(kind), tmp_path / kind))

    return folder


def unfinished(folder: Path) -> Path:
    (folder / "manifest.json").unlink()
    return folder


def edit(path: Path, **changes: Any) -> None:
    """Change a file of JSON, and its checksum with it: one who lies can count, too."""
    content = {**json.loads(path.read_text()), **changes}
    content.pop(CHECKSUM, None)
    path.write_bytes(as_json(sealed(content)))


@pytest.mark.parametrize("name", ["/etc/hostname", "../canary.yaml", "canary.txt", "link.yaml"])
@pytest.mark.parametrize("is_old", [False, True])
def test_no_file_from_elsewhere_gets_into_the_page_by_its_name(
    copied: Callable[[str], Path], name: str, is_old: bool
) -> None:
    folder = copied("tune")
    for path in (folder.parent / "canary.yaml", folder / "canary.txt"):
        path.write_text(CANARY)
    (folder / "link.yaml").symlink_to(folder.parent / "canary.yaml")
    manifest = json.loads((folder / "manifest.json").read_text())
    files = [*manifest["files"], name]
    if is_old:
        for key in ("sha256", "batches", CHECKSUM):
            manifest.pop(key)
        (folder / "manifest.json").write_bytes(as_json({**manifest, "files": files}))
    else:
        sha256 = {**manifest["sha256"], name: digest_of(CANARY.encode())}
        edit(folder / "manifest.json", files=files, sha256=sha256)
    with pytest.raises(ResultsError):
        write_page(folder)
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize(
    "name",
    ["experiment.yaml", "resolved.json", "summary.json", "manifest.json", "measures.parquet", "design"],
)  # fmt: skip
@pytest.mark.parametrize("how", ["link", "pipe"])
def test_what_is_no_file_of_the_folders_own_is_not_read(
    copied: Callable[[str], Path], name: str, how: str
) -> None:
    folder = copied("sweep")
    path, elsewhere = folder / name, folder.parent / "elsewhere"
    path.rename(elsewhere)
    os.mkfifo(path) if how == "pipe" else path.symlink_to(elsewhere)
    if name == "design":  # of it the page tells a few crises only, and can do without
        write_page(folder)
        assert "expected a folder" in (folder / "report.html").read_text()
        return
    with pytest.raises(ResultsError):
        write_page(folder)


def test_a_lock_is_never_written_through_a_link(copied: Callable[[str], Path]) -> None:
    folder = copied("sweep")
    precious = folder.parent / "precious"
    precious.write_text("ten years of work")
    (folder / "run.lock").symlink_to(precious)
    with pytest.raises(ResultsError, match="cannot write"):
        run_experiment(made("sweep"), folder, resume=True)
    assert precious.read_text() == "ten years of work"


def flips(content: bytes, times: int) -> Iterator[tuple[int, bytes]]:
    """A file's bytes with one bit turned, and the place of the byte."""
    for bit in range(0, len(content) * 8, max(len(content) * 8 // times, 1)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bit // 8, bytes(flipped)


@pytest.mark.parametrize(
    "name",
    ["resolved.json", "summary.json", "manifest.json", "measures.parquet", "experiment.yaml"],
)
def test_a_flipped_bit_in_a_finished_folder_is_found_or_harmless(
    copied: Callable[[str], Path], name: str
) -> None:
    folder = copied("sweep")
    before = read_experiment(folder)
    for _, flipped in flips((folder / name).read_bytes(), 60):
        (folder / name).write_bytes(flipped)
        with suppress(ResultsError):
            after = read_experiment(folder)
            assert same(after, before)
            assert after.manifest == before.manifest
            assert after.experiment.digest == before.experiment.digest


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just([{}]),
    st.just({}), st.just({"a": [None]}),
)  # fmt: skip


@pytest.mark.slow
@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_whatever_a_folder_of_json_says_it_is_read_or_refused(
    written: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    folder = Path(shutil.copytree(written("sweep"), tmp_path_factory.mktemp("edited") / "a"))
    name = data.draw(st.sampled_from(["manifest.json", "resolved.json", "summary.json"]))
    content = json.loads((folder / name).read_text())
    key = data.draw(st.sampled_from(sorted(content)))
    if data.draw(st.booleans()):
        content[key] = data.draw(JUNK)
    else:
        del content[key]
    content.pop(CHECKSUM, None)
    if name == "resolved.json":
        own = {k: v for k, v in content.items() if k not in ("digest", "begun")}
        content["digest"] = canonical_digest(own)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"][name] = digest_of(as_json(sealed(content)))
    edit(folder / "manifest.json", **manifest)
    (folder / name).write_bytes(as_json(sealed(content)))
    with suppress(ResultsError):
        read_experiment(folder)
        if name == "summary.json":  # a page takes a second, so only where it reads most
            write_page(folder)


@pytest.mark.parametrize("kind", ["sweep", "tune", "posterior"])
def test_an_experiment_is_not_gone_on_with_under_other_code(
    copied: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = copied(kind)
    now = folders._versions(kind)
    later = {**now, folders.CODE: "another", "numpy": "99"}
    monkeypatch.setattr(folders, "_versions", lambda _: later)
    words = r"begun otherwise.*(\n.*)*numpy: .* there, 99 now\n.*code_of_experiments: .* now"
    for one in (folder, unfinished(folder)):
        with pytest.raises(ResultsError, match=words):
            run_experiment(made(kind), one, resume=True)


def test_what_an_earlier_version_left_unfinished_is_refused_and_what_it_finished_is_read(
    copied: Callable[[str], Path],
) -> None:
    folder = copied("sweep")
    before = read_experiment(folder)
    for name, keys in (
        ("manifest.json", ("sha256", "batches", "agents_added", CHECKSUM)),
        ("resolved.json", ("begun", CHECKSUM)),
    ):
        content = json.loads((folder / name).read_text())
        for key in keys:
            content.pop(key)
        (folder / name).write_bytes(as_json(content))
    assert read_experiment(folder).summary == before.summary
    with pytest.raises(ResultsError, match="earlier version"):
        run_experiment(made("sweep"), unfinished(folder), resume=True)


def test_a_second_process_is_told_that_a_folder_is_in_use(copied: Callable[[str], Path]) -> None:
    folder = copied("sweep")
    with (
        hold(folder, folder / "run.lock"),
        pytest.raises(ResultsError, match="is in use: process"),
    ):
        run_experiment(made("sweep"), folder)
    assert read_experiment(folder).crises == 20


@pytest.mark.parametrize("name", ["generation_000.parquet", "generation_000.json"])
def test_a_flipped_bit_in_a_generation_is_found_or_harmless(
    copied: Callable[[str], Path], name: str
) -> None:
    home = copied("posterior") / "design"
    about = {"experiment": made("posterior").digest, "generation": 0}
    parquet = home / "generation_000.parquet"
    scores = np.asarray(table_of(parquet, parquet.read_bytes()).column("scores").to_pylist())
    before = read_generation(home, about, scores)
    assert before is not None
    for _, flipped in flips((home / name).read_bytes(), 400):
        (home / name).write_bytes(flipped)
        with suppress(ResultsError):
            after = read_generation(home, about, scores)
            assert after is not None
            for one, other in zip(before, after, strict=True):
                np.testing.assert_array_equal(one, other)


def test_a_journal_with_a_flipped_bit_or_cut_short_keeps_what_was_before_it(
    copied: Callable[[str], Path],
) -> None:
    folder = copied("tune")
    content = (folder / "journal.log").read_bytes()
    ends = [tuple(end) for end in json.loads((folder / "journal.json").read_text())["ends"]]
    assert len(ends) == 2  # the study, and its generation
    assert whole_ends(content, ends) == ends
    for place, flipped in flips(content, 500):
        kept = [end for end in ends if end[0] <= place]
        assert whole_ends(flipped, ends) == whole_ends(content[:place], ends) == kept


@pytest.mark.parametrize(
    ("kind", "file"), [("tune", "journal.log"), ("posterior", "design/generation_001.parquet")]
)
def test_damage_is_told_and_done_again_to_the_same(
    copied: Callable[[str], Path], kind: str, file: str
) -> None:
    folder = copied(kind)
    before = read_experiment(folder)
    path = unfinished(folder) / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    told: list[str] = []
    after = run_experiment(made(kind), folder, resume=True, on_message=told.append)
    assert "is done again" in " ".join(told)
    assert same(after, before)
