"""Interrupted runs, and resuming them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crisis_sim.batch import (
    BatchError,
    ResultsError,
    read_batch,
    read_manifest,
    resume,
    run_to_folder,
    simulate,
)
from crisis_sim.batch import folder as results_folder
from crisis_sim.batch import manifest as versions
from crisis_sim.batch.folder import MANIFEST, OUTCOMES, OUTCOMES_FOLDER, PATHS, running_folder
from crisis_sim.batch.workers import TERMINATED
from tests.batch.crises import (
    RESULTS,
    SCENARIOS,
    Counter,
    EnoughError,
    Saboteur,
    crisis,
    cut_short,
    fail,
    names,
    rows,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Any]:
    return rows(simulate(SCENARIOS, 60))


def test_readers_of_an_unfinished_run_are_told_how_to_continue_it(tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    cut_short(folder, 3)
    assert names(tmp_path) == ["cut.running"]
    for read in (read_batch, read_manifest):
        for name in (folder, running_folder(folder)):
            with pytest.raises(ResultsError) as error:
                read(name)
            assert str(error.value) == (
                f"{folder}.running contains an unfinished run: 30 of 120 crises; "
                f"to continue it: crisis-sim run --resume {folder}"
            )


@pytest.mark.parametrize("given", ["cut", "cut.running"])
def test_only_missing_blocks_are_run_and_the_result_is_the_same(
    tmp_path: Path, undisturbed: dict[str, Any], given: str
) -> None:
    folder, counts = tmp_path / "cut", list[int]()
    cut_short(folder, 5, resume=True)  # this starts a new run
    manifest = resume(tmp_path / given, progress=lambda done, crises: counts.append(done))
    assert counts == [50, 60, 70, 80, 90, 100, 110, 120]
    assert rows(folder) == undisturbed
    assert names(folder) == RESULTS
    assert names(tmp_path) == ["cut"]
    assert {about["replicates_done"] for about in manifest["scenarios"].values()} == {60}
    again = partial(run_to_folder, SCENARIOS, folder, 60, resume=True)
    assert manifest == read_manifest(folder) == again(block_size=10) == again() == resume(folder)


def test_a_design_is_resumed_with_its_parameter_values(tmp_path: Path) -> None:
    resolve = {"states.north.resolve": np.linspace(0.1, 0.9, 60)}
    design = {"points": 6, "replicates": 10, "parameters": resolve}
    cut_short(tmp_path / "cut", 2, crisis(), **design)
    assert resume(tmp_path / "cut")["points"] == 6
    assert names(tmp_path / "cut") == [MANIFEST, OUTCOMES, "parameters.parquet"]
    assert rows(tmp_path / "cut") == rows(simulate(crisis(), **design))  # type: ignore[arg-type]


def test_custom_agents_are_needed_to_resume(tmp_path: Path) -> None:
    cut_short(tmp_path, 2, crisis(), agents=[Counter])
    with pytest.raises(ResultsError, match=r"crisis_sim\.batch\.resume\(.*, agents=\.\.\.\)"):
        read_batch(tmp_path)
    with pytest.raises(ResultsError, match=r"agents_added: \['tests.batch.crises.Counter'\] there"):
        resume(tmp_path)
    resume(tmp_path, agents=[Counter])
    assert min(read_batch(tmp_path).ensembles["quarrel"].column("acts_counted")) > 0


def test_a_new_run_discards_an_unfinished_one_only_on_request(tmp_path: Path) -> None:
    cut_short(tmp_path, 3)
    with pytest.raises(ResultsError, match=r"30 of 120 crises.*\nor discard it.*--restart"):
        run_to_folder(crisis(), tmp_path, 10)
    with pytest.raises(ResultsError, match="give another name"):
        run_to_folder(crisis(), tmp_path / "one.running", 10)
    run_to_folder(crisis(), tmp_path, 10, restart=True)
    assert rows(tmp_path).keys() == {"quarrel"}
    assert names(tmp_path) == RESULTS


def test_older_results_are_kept_until_new_ones_are_complete(
    tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    folder = tmp_path / "results"
    run_to_folder(crisis("old"), folder, 5)
    (folder / "notes.txt").write_text("precious", encoding="utf-8")
    cut_short(folder, 3)
    with pytest.raises(ResultsError, match=r"30 of 120.*results of an earlier run still exist"):
        read_batch(folder)
    assert names(folder) == [*RESULTS[:1], "notes.txt", *RESULTS[1:]]
    resume(folder)
    assert rows(folder) == undisturbed
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "precious"


def test_failed_blocks_are_repeated_and_other_files_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    run = partial(run_to_folder, crisis(), folder, 30, block_size=10)
    manifest = run(seed=4, agents=[Saboteur(12, fail)])
    (failure,) = manifest["failures"]
    assert (failure["scenario"], failure["block"]) == ("quarrel", 1)
    assert (failure["first_replicate"], failure["replicates"], failure["seed"]) == (10, 10, 4)
    assert failure["error"] == "ZeroDivisionError: no leverage to divide by"
    assert manifest["scenarios"]["quarrel"]["replicates_done"] == 20
    batch = read_batch(folder)
    assert batch.manifest == manifest
    assert batch.ensembles["quarrel"].column("replicate").tolist() == [*range(10), *range(20, 30)]
    (folder / "notes.txt").write_text("precious", encoding="utf-8")
    go_on = partial(resume, folder, agents=[Saboteur(-1, fail)])

    def stop(done: int, crises: int) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        go_on(progress=stop)
    with pytest.raises(ResultsError, match="20 of 30 crises"):
        read_batch(folder)
    counts: list[int] = []
    assert go_on(progress=lambda done, crises: counts.append(done))["failures"] == []
    assert counts == [20, 30]
    assert rows(folder) == rows(simulate(crisis(), 30, seed=4))
    assert names(folder) == [*RESULTS[:1], "notes.txt", *RESULTS[1:]]


def test_a_giant_batch_keeps_its_blocks(
    tmp_path: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results_folder, "ONE_FILE_CRISES", 100)
    folder = tmp_path / "giant"
    run = partial(run_to_folder, SCENARIOS, folder, 60, block_size=10)
    manifest = run(agents=[Saboteur(12, fail)])
    assert [one["block"] for one in manifest["failures"]] == [2, 3]
    assert [len(one[0]) for one in rows(folder).values()] == [50, 50]
    resume(folder, agents=[Saboteur(-1, fail)])
    assert rows(folder) == undisturbed
    assert names(folder) == [MANIFEST, OUTCOMES_FOLDER, PATHS]
    assert len(names(folder / OUTCOMES_FOLDER)) == 12
    run_to_folder(crisis(), folder, 10)
    assert names(folder) == RESULTS


@pytest.mark.parametrize(("is_there", "moved"), [(False, 0), (True, 0), (True, 1), (True, 2)])
def test_a_run_killed_while_it_is_moved_into_place_is_moved_on_resuming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool, moved: int
) -> None:
    folder, calls = tmp_path / "results", iter(range(moved))
    if is_there:
        run_to_folder(crisis("old"), folder, 5)

    def replace(path: Path, to: Path, known: Any = Path.replace) -> Path:
        """Move files out of the folder of the run until the limit is reached."""
        leaves = running_folder(folder) in (path, path.parent) and path.suffix != ".partial"
        if leaves and next(calls, None) is None:
            raise EnoughError
        moved_to: Path = known(path, to)
        return moved_to

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        patched.setattr(Path, "rename", replace)
        with pytest.raises(EnoughError):
            run_to_folder(crisis(), folder, 20)
    with pytest.raises(ResultsError, match="20 of 20 crises"):
        read_batch(folder)
    resume(folder, progress=lambda done, crises: pytest.fail("a block was run again"))
    assert names(folder) == RESULTS
    assert len(rows(folder)["quarrel"][0]) == 20
    assert names(tmp_path) == ["results"]


def test_a_folder_may_be_a_link_or_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "link"
    link.symlink_to("disk/results")  # does not exist yet
    cut_short(link, 2, crisis())
    assert names(tmp_path / "disk") == ["results.running"]
    resume(link)
    assert names(tmp_path / "disk" / "results") == RESULTS
    assert link.is_symlink()
    monkeypatch.chdir(link)
    run_to_folder(crisis(), ".", 10)
    assert len(rows(Path())["quarrel"][0]) == 10
    assert names(tmp_path / "disk") == ["results"]


def test_a_different_batch_cannot_be_resumed(tmp_path: Path) -> None:
    path = "states.north.resolve"
    resolve = np.linspace(0.1, 0.9, 60)
    other = np.where(np.arange(60) == 7, 0.5, resolve)
    cut_short(tmp_path, 2, crisis("one"), parameters={path: resolve})
    run = partial(run_to_folder, folder=tmp_path, resume=True)
    longer = {"replicates": 61, "parameters": {path: np.full(61, 0.5)}}
    bare = {key: {} for key in ("mediators", "lenders", "channels", "advisers")}
    cases: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({}, {"seed": 2}, "batch: seed: 1 there, 2 now"),
        ({}, longer, "batch: replicates: 60 there, 61 now"),
        ({}, {"points": 2, "replicates": 30}, "batch: points: nothing there, 2 now"),
        ({"name": "two"}, {}, "batch: scenarios: one there, two now"),
        ({"horizon_days": 9}, {}, "one: horizon_days: 8.0 there, 9.0 now"),
        ({"lenders": {}}, {}, "one: lenders.bank.borrower: south there, nothing now"),
        (bare, {}, r"and \d+ more"),
        ({}, {"parameters": {path: other}}, f"parameters: {path}, value 7: 0.19"),
        ({}, {"parameters": {}}, f"parameters: {path}: values given there, nothing now"),
    ]
    for changes, options, message in cases:
        scenario = crisis(**{"name": "one", **changes})
        settings: dict[str, Any] = {"replicates": 60, "parameters": {path: resolve}, **options}
        with pytest.raises(ResultsError, match=f"\n  {message}"):
            run(scenario, **settings)
    run(crisis("one"), replicates=60, parameters={path: resolve})


@pytest.mark.parametrize("name", ["numpy", "code"])
def test_other_code_or_libraries_cannot_resume_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    cut_short(tmp_path, 2)
    there = versions.versions()
    later = {**there, name: "later"}
    for module in ("manifest", "folder"):
        monkeypatch.setattr(f"crisis_sim.batch.{module}.versions", lambda: later)
    for go_on in (partial(run_to_folder, SCENARIOS, replicates=60, resume=True), resume):
        with pytest.raises(ResultsError, match=f"versions: {name}: {there[name]} there, later now"):
            go_on(folder=tmp_path)


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize(
    ("number", "times", "raised"),
    [
        (signal.SIGINT, 1, KeyboardInterrupt),
        (signal.SIGTERM, 1, SystemExit),
        (signal.SIGINT, 2, KeyboardInterrupt),
    ],
)
def test_a_signal_stops_a_run_after_the_current_block_and_a_second_at_once(
    tmp_path: Path,
    undisturbed: dict[str, Any],
    number: signal.Signals,
    times: int,
    raised: type[BaseException],
) -> None:
    folder, messages = tmp_path / "cut", []

    def progress(done: int, crises: int) -> None:
        for _ in range(times if done == 40 else 0):
            signal.raise_signal(number)

    run = partial(run_to_folder, SCENARIOS, folder, 60, block_size=10, progress=progress)
    with pytest.raises(raised) as error:
        run(on_message=messages.append)
    assert raised is KeyboardInterrupt or error.value.code == TERMINATED
    assert times == 2 or messages == [
        "stopping after the current blocks; interrupt again to stop at once"
    ]
    with pytest.raises(ResultsError, match="40 of 120 crises"):
        read_batch(folder)
    resume(folder)
    assert rows(folder) == undisturbed


# Processes that really die

HEAD = """
import sys
from pathlib import Path
from crisis_sim.batch import folder as results_folder, run_to_folder, workers
from tests.batch.crises import SCENARIOS, Dawdler, crisis

workers.POOL_START_SECONDS = 0.0

if __name__ == "__main__":
"""
SCRIPT = f"""{HEAD}
    folder, (replicates, count, results_folder.ONE_FILE_CRISES) = sys.argv[1], map(int, sys.argv[2:5])
    workers.MOST_THREADS = 1 if "processes" in sys.argv else count
    print("begins", flush=True)
    run_to_folder(
        SCENARIOS, Path(folder), replicates, block_size=100, workers=count, resume=True,
        progress=lambda done, crises: print(done, flush=True),
    )
"""
SLOW_SCRIPT = f"""{HEAD}
    notes = Path(sys.argv[1])
    run_to_folder(
        crisis(), notes / "results", 40, block_size=10, workers=2, agents=[Dawdler(notes, 600)],
        on_message=lambda words: print(words, flush=True),
    )
"""
MANY = 10_000_000


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "run.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def start(script: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_lines(run: subprocess.Popen[str], lines: int) -> None:
    assert run.stdout is not None
    assert all(run.stdout.readline() for _ in range(lines))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends signals")
@pytest.mark.parametrize(
    ("workers", "one_file", "kind"), [(2, MANY, "threads"), (2, 0, "processes")]
)
def test_a_run_killed_repeatedly_has_the_same_result(
    tmp_path: Path, script: Path, workers: int, one_file: int, kind: str
) -> None:
    chance = random.Random(7 + workers)
    folder, replicates, kills = tmp_path / "results", 1200, 0
    # As it begins, in a block, and as it publishes, after all crises.
    for lines in (1, 2, 5, 3, MANY):
        run = start(script, folder, replicates, workers, one_file, kind)
        assert run.stdout
        for line in islice(run.stdout, lines):
            if line == f"{2 * replicates}\n":
                break
        try:
            run.wait(timeout=chance.uniform(0.0, 0.1))
        except subprocess.TimeoutExpired:
            os.kill(run.pid, signal.SIGKILL)
            kills += 1
        run.communicate(timeout=60)
        assert _gone(run.pid), "a worker outlives its parent"
    assert kills >= 4
    run = start(script, folder, replicates, workers, one_file, kind)
    _, talk = run.communicate(timeout=300)
    assert run.returncode == 0, talk
    assert rows(folder) == rows(simulate(SCENARIOS, replicates))
    assert not running_folder(folder).exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends signals to a process group")
@pytest.mark.parametrize(
    ("number", "workers", "kind"),
    [
        (signal.SIGINT, 1, "alone"),
        (signal.SIGTERM, 2, "threads"),
        (signal.SIGINT, 2, "processes"),
        (signal.SIGTERM, 2, "processes"),
    ],
)
def test_a_signal_to_all_processes_leaves_sound_blocks_and_no_worker(
    tmp_path: Path, script: Path, workers: int, kind: str, number: signal.Signals
) -> None:
    folder = tmp_path / "results"
    run = start(script, folder, MANY, workers, MANY, kind)
    wait_for_lines(run, 6)  # by the fifth block the workers, if any, are at work
    os.killpg(run.pid, number)  # as a terminal does on Ctrl-C, and a batch system at its limit
    _, talk = run.communicate(timeout=60)
    expected = -signal.SIGINT if number == signal.SIGINT else TERMINATED
    assert run.returncode == expected, talk
    assert "crises.py" not in talk, "a worker was interrupted in the middle of a block"
    with pytest.raises(ResultsError, match=r"[\d,]+ of 20,000,000 crises"):
        read_batch(folder)
    assert not list(running_folder(folder).rglob("*.partial"))
    assert _gone(run.pid)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends signals")
def test_a_second_interruption_does_not_wait_for_workers(tmp_path: Path, script: Path) -> None:
    script.write_text(SLOW_SCRIPT, encoding="utf-8")
    notes = tmp_path / "notes"
    notes.mkdir()
    run = start(script, notes)
    while len(list(notes.glob("quarrel *"))) < 2:
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    wait_for_lines(run, 1)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert run.returncode == -signal.SIGINT
    assert _gone(run.pid)


@pytest.mark.skipif(os.name == "nt", reason="needs the kernel's locks")
def test_a_second_run_into_a_folder_is_refused_with_the_process_of_the_first(
    tmp_path: Path, script: Path
) -> None:
    folder = tmp_path / "results"
    run = start(script, folder, MANY, 1, MANY)
    wait_for_lines(run, 2)
    try:
        for options in ({}, {"resume": True}, {"restart": True}):
            with pytest.raises(BatchError, match=rf"in use: process {run.pid} on .* since 20"):
                run_to_folder(crisis(), folder, 10, **options)
    finally:
        run.kill()
        run.communicate(timeout=60)
    run_to_folder(crisis(), folder, 10, restart=True)  # the lock has died with its process
    assert names(folder) == RESULTS


def _gone(group: int) -> bool:
    """Return whether all processes of a group end within a few seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
