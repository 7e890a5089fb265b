from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crisis_sim.batch import block, read_batch
from crisis_sim.batch import plan as plan_room
from crisis_sim.batch.block import Block, BlockOrder, Watch, attempt
from crisis_sim.cli import (
    BLOCKS_FAILED,
    CHECK_FAILED,
    DONE,
    EXIT_CODES,
    INTERRUPTED,
    MISTAKE,
    TERMINATED,
    files,
    run_command,
)
from crisis_sim.cli.files import template_text
from crisis_sim.report import save
from crisis_sim.scenario import load_scenario
from crisis_sim.version import __version__

ROOT = Path(__file__).parents[1]
COMMANDS = "run compare replay report check scenarios init schema doctor validate hindcast".split()  # noqa: SIM905


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a short crisis, a counterfactual and one that is wrong."""
    text = template_text("short.yaml").replace("horizon_days: 60", "horizon_days: 20")
    for name, content in {
        "short": text,
        "alone": "extends: short.yaml\ntitle: alone\nmediators: null\n",
        "wrong": "extends: short.yaml\ntitel: x\nhorizon_days: -1\n",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Told(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Ask = Callable[..., Told]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    def ask(*arguments: object) -> Told:
        code = run_command([str(argument) for argument in arguments])
        return Told(code, *capsys.readouterr())

    return ask


def start(
    *command: str, program: str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A Python, or another program, of its own."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [program, *command],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


HEAVY = {"mesa", "scipy", "numpy", "pandas", "pyarrow", "matplotlib", "networkx", "SALib"}


@pytest.mark.parametrize(
    "arguments",
    [
        *("--help", "run --help", "--version", "check may_2025", "check wrong.yaml"),
        *("scenarios", "schema", "init new"),
    ],
)
def test_what_must_be_quick_imports_nothing_heavy(arguments: str) -> None:
    code = (
        f"import sys; from crisis_sim.cli import run_command; run_command({arguments.split()!r});"
    )
    told = start("-c", code + f"sys.stderr.write(repr(sorted({HEAVY!r} & set(sys.modules))))")
    assert told.stderr.endswith("[]")


def test_the_module_and_the_program_are_the_same() -> None:
    assert start("-m", "crisis_sim", "--version").stdout.strip() == __version__


def test_every_command_has_help_and_is_named_with_the_exit_codes(ask: Ask) -> None:
    told = ask("--help")
    words = " ".join(told.out.split())
    assert EXIT_CODES in words
    for command in COMMANDS:
        assert f" {command} " in words
        told = ask(command, "--help")
        assert told.code == DONE
        assert f"Usage: crisis-sim {command}" in told.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("chek", 'Did you mean "check"?'),
        ("run", "SCENARIOS is missing"),
        ("run short.yaml --replicats 5", "Did you mean --replicates?"),
        ("run short.yaml --replicates 0", 'Invalid value "0" for --replicates'),
        ("run short.yaml --replicates many", "many"),
        ("run short.yaml --workers 0", 'Invalid value "0" for --workers'),
        ("run gone.yaml", "gone.yaml: error: no such file"),
        ("run short.yaml --set horizon_days=x", "--set:1:14: error: not a number: 'x'"),
        ("run short.yaml --out thesis", "holds other things than results (summary.json)"),
        ("run short.yaml --out thesis --dry-run", "holds other things than results (summary.json)"),
        ("run --resume empty", "holds no results"),
        ("run --resume gone", "is no folder"),
        ("replay short.yaml", "--replicate"),
        ("replay short.yaml --replicate -1", "--replicate"),
        ("replay gone.yaml --replicate 1", "gone.yaml: error: no such file"),
        ("compare gone", "gone is no folder"),
        ("compare .", "holds no results"),
        ("init short.yaml", "short.yaml is there already"),
        ("init no/such/folder/border", "cannot write"),
        ("init two --extends no_lenders", "may_2025.yaml is there already"),
    ],
)
def test_a_persons_mistake_is_told_on_stderr_and_nothing_is_written(
    ask: Ask, here: Path, arguments: str, said: str
) -> None:
    for name in ("empty", "thesis"):
        (here / name).mkdir()
    for name in ("thesis/summary.json", "may_2025.yaml"):
        (here / name).write_text("[]", encoding="utf-8")
    before = {path: path.is_file() and path.read_bytes() for path in here.rglob("*")}
    told = ask(*arguments.split())
    assert told.code == MISTAKE
    assert told.out == ""
    assert said in " ".join(told.err.replace("│", " ").split())
    assert "Traceback" not in told.err
    assert {path: path.is_file() and path.read_bytes() for path in here.rglob("*")} == before


# run


def test_options_may_stand_among_the_scenarios(ask: Ask) -> None:
    seconds = ("--set", "lenders=null", "alone.yaml", "--set", "states.southland.resolve=0.5")
    facts = ask("run", "short.yaml", "--dry-run", *seconds, "--json").data
    assert list(facts["scenarios"]) == ["short", "alone"]


def run_short(ask: Ask, *arguments: object) -> Told:
    return ask("run", "short.yaml", "alone.yaml", "--replicates", 20, "--workers", 1, *arguments)


def test_run_writes_results_and_charts_and_prints_a_table(ask: Ask, here: Path) -> None:
    told = run_short(ask)
    assert told.code == DONE
    folder = here / "results" / "short"
    names = {path.name for path in folder.iterdir()}
    assert {"manifest.json", "outcomes.parquet", "summary.json", "endings.svg"} <= names
    assert "differences.png" in names
    assert "percentage points of all crises" in " ".join(told.out.split())
    assert told.err.startswith("40 crises in ")
    assert read_batch(folder).ensembles.keys() == {"short", "alone"}


def test_a_giant_batch_is_not_read_into_memory_unasked(
    ask: Ask, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crisis_sim.batch.folder.ONE_FILE_CRISES", 39)
    told = run_short(ask)
    assert told.code == DONE
    assert "no summary: so many crises" in told.err
    names = {path.name for path in (here / "results" / "short").iterdir()}
    assert names == {"manifest.json", "outcomes", "paths.parquet"}
    assert ask("compare", Path("results") / "short").code == DONE


@pytest.mark.usefixtures("no_charts")
def test_json_prints_the_summary_and_nothing_else_on_stdout(ask: Ask, here: Path) -> None:
    told = run_short(ask, "--json", "--out", "there")
    assert told.data == json.loads((here / "there" / "summary.json").read_text(encoding="utf-8"))
    assert told.data["scenarios"].keys() == {"short", "alone"}


@pytest.mark.usefixtures("no_charts")
def test_overrides_are_run_and_recorded(
    ask: Ask, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = ("--set", "states.northland.resolve=0.5", "--set", "lenders=null")
    monkeypatch.setattr(sys, "argv", ["crisis-sim", "run", "short.yaml", *overrides])
    run_short(ask, *overrides)
    manifest = read_batch(here / "results" / "short").manifest
    scenario = manifest["scenarios"]["short"]["scenario"]
    assert scenario["states"]["northland"]["resolve"] == 0.5
    assert scenario["lenders"] == {}
    assert manifest["command"].startswith("crisis-sim run short.yaml --set states.northland")


@pytest.mark.usefixtures("no_charts")
def test_a_change_is_compared_with_the_scenario_as_it_is(ask: Ask) -> None:
    words = ("short.yaml", "--set", "states.northland.resolve=0.5", "--replicates", "20", "--json")
    told = ask("run", *words)
    assert list(told.data["scenarios"]) == ["short", "short changed"]
    label = told.data["scenarios"]["short changed"]["label"]
    assert label == "With northland resolve 0.5"
    assert told.data["differences"]["short changed"]["pairs"] == 20
    alone = ask("run", *words, "--alone", "--out", "alone")
    assert list(alone.data["scenarios"]) == ["short"]


@pytest.mark.usefixtures("no_charts")
def test_a_scenario_given_twice_is_two_arms(ask: Ask) -> None:
    told = ask("run", "short.yaml", "short.yaml", "--replicates", "20", "--json")
    assert list(told.data["scenarios"]) == ["short", "short (2)"]


@pytest.mark.usefixtures("no_charts")
def test_a_run_that_is_asked_for_again_is_done_already(ask: Ask) -> None:
    first, again = run_short(ask, "--json"), run_short(ask, "--json")
    assert (again.code, again.data) == (DONE, first.data)
    assert f"{Path('results') / 'short'} holds this run already, and it is finished" in again.err


@pytest.mark.parametrize("typed", ["1e1", "10", "0.01k", "1.0e+1"])
def test_a_number_is_read_as_people_write_it(ask: Ask, typed: str) -> None:
    told = ask("run", "short.yaml", "--replicates", typed, "--dry-run")
    assert "10 replicates of each" in told.out
    assert (
        "10,000 replicates" in ask("run", "short.yaml", "--replicates", "10,000", "--dry-run").out
    )


@pytest.mark.parametrize("typed", ["1.5", "10,00", "1e-3", "k", "1_000", "1e999", "NaN"])
def test_what_is_no_whole_number_is_refused(ask: Ask, typed: str) -> None:
    told = ask("run", "short.yaml", "--replicates", typed, "--dry-run")
    assert (told.code, told.out) == (MISTAKE, "")
    assert f"'{typed}' is not a whole number" in " ".join(told.err.split())


@pytest.mark.usefixtures("no_charts")
def test_a_new_run_replaces_results_and_leaves_no_chart_of_old_ones(ask: Ask, here: Path) -> None:
    run_short(ask)
    folder = here / "results" / "short"
    (folder / "differences.svg").write_text("old", encoding="utf-8")
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    asked = ("run", "short.yaml", "--replicates", 10)
    told = ask(*asked)
    assert told.code == MISTAKE
    assert "batch: replicates: 20 there, 10 now" in told.err
    assert "replace them with --overwrite, or give another folder" in told.err
    assert read_batch(folder).ensembles["short"].replicates == 20
    assert ask(*asked, "--overwrite").code == DONE
    assert read_batch(folder).ensembles["short"].replicates == 10
    assert not (folder / "differences.svg").exists()
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_dry_run_says_what_it_would_do_and_does_nothing(ask: Ask, here: Path) -> None:
    before = sorted(here.rglob("*"))
    told = ask("run", "short.yaml", "alone.yaml", "--replicates", 50_000, "--dry-run")
    assert told.code == DONE
    assert "50,000 replicates of each with seed 1: 100,000 crises of at most 20 days" in told.out
    assert f"into {Path('results') / 'short'}" in told.out
    assert sorted(here.rglob("*")) == before


@pytest.mark.usefixtures("no_charts")
def test_a_dry_run_in_json_has_its_facts_with_a_process_for_every_core(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_short(ask)
    facts = run_short(ask, "--dry-run", "--json").data
    assert (facts["crises"], facts["blocks"], facts["workers"]) == (40, 2, 1)
    assert facts["replaces_results"] is True
    assert facts["seconds_estimated"] >= 0
    monkeypatch.setattr("crisis_sim.batch.workers.cores", lambda: 32)
    many = ("run", "short.yaml", "alone.yaml", "--replicates", 10_000_000, "--dry-run", "--json")
    assert ask(*many).data["blocks"] > 32
    assert ask(*many).data["workers"] == 32
    assert ask(*many, "--workers", 3).data["workers"] == 3


def test_mistakes_of_all_scenarios_are_told_at_once_and_one_of_some_names_them(ask: Ask) -> None:
    told = ask("run", "wrong.yaml", "gone.yaml")
    assert told.code == MISTAKE
    for said in ("unknown key 'titel'", "out of range: -1", "gone.yaml: error: no such file"):
        assert said in told.err
    both, style = ("short.yaml", "alone.yaml", "--set"), "mediators.great_power.style=facilitation"
    told = ask("run", *both, style)
    assert told.code == MISTAKE
    assert "unknown 'great_power' in alone" in told.err
    taken_out = (*both, "mediators.great_power=null")
    assert ask("run", *taken_out, "--dry-run").code == DONE
    assert ask("check", *taken_out).code == DONE


@pytest.mark.usefixtures("no_charts")
def test_failed_blocks_leave_no_summary_where_all_of_a_scenario_failed_and_can_be_tried_again(
    ask: Ask, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path("results") / "short"
    with monkeypatch.context() as patch:
        patch.setattr(block, "attempt", attempt_or_fail)
        told = run_short(ask)
    assert told.code == BLOCKS_FAILED
    assert "no summary: no results for alone" in told.err
    assert told.out == ""
    assert not (folder / "summary.json").exists()
    assert f"to try again what failed: crisis-sim run --resume {folder}" in told.err
    told = ask("run", "--resume", folder)
    assert told.code == DONE
    assert read_batch(folder).ensembles["alone"].replicates == 20
    assert {path.name for path in folder.iterdir()} == {
        *("manifest.json", "outcomes.parquet", "paths.parquet", "summary.json")
    }


def attempt_or_fail(order: BlockOrder, watch: Watch | None = None, first: int = 0) -> object:
    """Do a block, unless it is of the scenario "alone" and not before a replicate."""
    if order.scenario.name == "alone" and order.first >= first:
        return Block(order, error="ZeroDivisionError: no luck")
    return attempt(order, watch)


@pytest.mark.usefixtures("no_charts")
def test_failed_blocks_are_told_and_the_others_kept(
    ask: Ask, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_room, "BLOCK_SIZE", 10)
    monkeypatch.setattr(block, "attempt", partial(attempt_or_fail, first=1))
    told = run_short(ask)
    assert told.code == BLOCKS_FAILED
    assert "failed: alone, replicates 10 to 19: ZeroDivisionError: no luck" in told.err
    assert "how far crises went" in told.out
    assert read_batch(here / "results" / "short").ensembles["alone"].replicates == 10


def interrupt_after(
    blocks: int, monkeypatch: pytest.MonkeyPatch, number: signal.Signals = signal.SIGINT
) -> None:
    calls = []

    def progress(done: int, crises: int) -> None:
        calls.append(done)
        if len(calls) == blocks:
            signal.raise_signal(number)

    @contextmanager
    def interrupting() -> Iterator[Callable[[int, int], None]]:
        if not blocks:
            raise KeyboardInterrupt
        yield progress

    monkeypatch.setattr("crisis_sim.cli.run.progress_bar", interrupting)
    monkeypatch.setattr(plan_room, "BLOCK_SIZE", 10)


@pytest.mark.usefixtures("usual_signals", "no_charts")
def test_ctrl_c_says_what_is_safe(ask: Ask, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_after(2, monkeypatch)
    told = run_short(ask)
    folder = Path("results") / "short"
    assert told.code == INTERRUPTED
    assert f"interrupted: 20 of 40 crises are safe in {folder}.running" in told.err
    go_on = f"crisis-sim run --resume {folder}"
    assert told.err.endswith(f"to go on: {go_on}\n")
    told = ask("compare", folder)
    assert told.code == MISTAKE
    assert f"a run that is not finished: 20 of 40 crises; go on with: {go_on}" in told.err
    again = run_short(ask)
    assert again.code == MISTAKE
    assert f"go on with: {go_on}\nor throw it away and begin anew: --restart" in again.err
    assert "not finished: 20 of 40" in ask("run", "--resume", folder, "--dry-run").out
    assert ask("run", "--resume", folder, "--workers", 1).code == DONE
    run_short(ask, "--out", "undisturbed")
    tables = [read_batch(one).ensembles["alone"].table for one in (folder, Path("undisturbed"))]
    assert tables[0].to_pylist() == tables[1].to_pylist()


@pytest.mark.usefixtures("usual_signals", "no_charts")
def test_a_run_that_was_asked_to_terminate_can_be_thrown_away(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(2, patch, signal.SIGTERM)
        told = run_short(ask)
    assert told.code == TERMINATED
    assert "terminated: 20 of 40 crises are safe" in told.err
    assert run_short(ask, "--restart", "--seed", 2).code == DONE
    assert read_batch(Path("results") / "short").seed == 2


@pytest.mark.usefixtures("usual_signals", "no_charts")
def test_resume_takes_nothing_that_is_not_as_it_was(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(2, patch)
        run_short(ask)
    resume = ("--resume", Path("results") / "short")
    both = ["short.yaml", "alone.yaml"]
    for given, said in (
        (["--seed", 2], "batch: seed: 1 there, 2 now"),
        ([*both, "--replicates", 21], "batch: replicates: 20 there, 21 now"),
        ([*both, "--set", "states.northland.resolve=0.5"], "short: states.northland.resolve: "),
        (["alone.yaml"], "batch: scenarios: short, alone there, alone now"),
        (["--set", "lenders=null"], "--set needs the scenarios"),
        (["--over-fits"], "--over-fits needs the scenarios"),
        ([*both, "--over-fits"], "short: behaviour.decision.answering: "),
        (["--out", "other"], "--out cannot name another folder"),
        (["--restart"], "give one of them"),
    ):
        told = ask("run", *given, *resume)
        assert told.code == MISTAKE
        assert said in told.err
    assert ask("run", *both, "--replicates", 20, *resume).code == DONE
    again = ask("run", *resume)
    assert again.code == DONE
    assert again.err.startswith("40 crises in ")


@pytest.mark.usefixtures("usual_signals", "no_charts")
def test_over_fits_a_run_says_so_whether_or_not_it_was_interrupted(
    ask: Ask, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["short.yaml", "alone.yaml", "--replicates", 2000, "--over-fits", "--out"]
    whole = ask("run", *given, "whole", "--json").data
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        assert ask("run", *given, "cut").code == INTERRUPTED
    assert ask("run", *given, "cut", "--resume", "cut", "--json").data == whole
    told = ask("compare", "cut")
    assert "Over fits: each replicate drew one of " in told.out
    level = whole["scenarios"]["short"]["endings"]["unresolved"]
    assert level["over_fits"]["lower"] < level["estimate"] < level["over_fits"]["upper"]
    assert ask("report", "cut").code == DONE
    assert "over fits " in (here / "cut" / "report.html").read_text(encoding="utf-8")
    first = ask("replay", "short.yaml", "--replicate", 3, "--over-fits")
    assert first.out != ask("replay", "short.yaml", "--replicate", 3).out


@pytest.mark.usefixtures("usual_signals", "no_charts")
def test_ctrl_c_before_the_first_block_leaves_older_results(
    ask: Ask, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_short(ask)
    before = (here / "results" / "short" / "summary.json").read_text(encoding="utf-8")
    interrupt_after(0, monkeypatch)
    told = run_short(ask)
    assert told.code == INTERRUPTED
    assert "nothing was written" in told.err
    assert (here / "results" / "short" / "summary.json").read_text(encoding="utf-8") == before


@pytest.mark.usefixtures("usual_signals")
def test_ctrl_c_while_charts_are_drawn_says_that_the_results_are_safe(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(save, "write_charts", interrupted)
    told = run_short(ask)
    assert told.code == INTERRUPTED
    assert "all crises are safe in" in told.err


# compare


@pytest.mark.usefixtures("no_charts")
def test_compare_takes_several_folders_and_any_reference(ask: Ask) -> None:
    ask("run", "short.yaml", "--replicates", 10, "--out", "one")
    ask("run", "alone.yaml", "--replicates", 10, "--out", "two")
    first = ask("compare", "one", "two", "--json").data
    assert first["reference"] == "short"
    assert first["differences"]["alone"]["pairs"] == 10
    other = ask("compare", "one", "two", "--reference", "alone")
    assert other.code == DONE
    assert "percentage points of all crises" in other.out
    told = ask("compare", "one", "two", "--reference", "alon")
    assert told.code == MISTAKE
    assert "did you mean 'alone'?" in told.err


@pytest.mark.slow
def test_compare_writes_charts_where_it_is_told_to(ask: Ask, here: Path) -> None:
    run_short(ask)
    before = sorted((here / "results").rglob("*"))
    told = ask("compare", Path("results") / "short", "--reference", "alone", "--out", "new/charts")
    assert told.code == DONE
    names = {path.name for path in (here / "new" / "charts").iterdir()}
    assert {"summary.json", "differences.svg"} <= names
    assert sorted((here / "results").rglob("*")) == before


@pytest.mark.usefixtures("no_charts")
def test_compare_overwrites_nothing_but_the_summary_of_the_one_run_compared(
    ask: Ask, here: Path
) -> None:
    run_short(ask, "--out", "one")
    ask("run", "short.yaml", "--replicates", 10, "--out", "two")
    before = (here / "two" / "summary.json").read_text(encoding="utf-8")
    (here / "thesis").mkdir()
    (here / "thesis" / "summary.json").write_text("[]", encoding="utf-8")
    for folders, out, said in (
        (["one"], "two", "two holds a run"),
        (["two", "one"], "two", "two holds a run"),
        (["one"], "thesis", "holds other things than results (summary.json)"),
    ):
        told = ask("compare", *folders, "--out", out)
        assert told.code == MISTAKE
        assert said in told.err
        assert (here / "thesis" / "summary.json").read_text(encoding="utf-8") == "[]"
        assert (here / "two" / "summary.json").read_text(encoding="utf-8") == before
    assert ask("compare", "one", "--reference", "alone", "--out", here / "one").code == DONE
    summary = json.loads((here / "one" / "summary.json").read_text(encoding="utf-8"))
    assert summary["reference"] == "alone"


@pytest.mark.usefixtures("no_charts")
def test_a_new_comparison_replaces_an_old_one_with_its_charts(ask: Ask, here: Path) -> None:
    run_short(ask, "--out", "run")
    ask("run", "short.yaml", "--replicates", 10, "--out", "alone")
    ask("compare", "run", "--out", "report")
    (here / "report" / "differences.svg").write_text("old", encoding="utf-8")
    (here / "report" / "notes.txt").write_text("mine", encoding="utf-8")
    assert ask("compare", "alone", "--out", "report").code == DONE
    assert {path.name for path in (here / "report").iterdir()} == {"summary.json", "notes.txt"}


# replay


@pytest.mark.usefixtures("no_charts")
def test_replay_is_the_replicate_of_the_batch(ask: Ask, here: Path) -> None:
    run_short(ask, "--seed", 3)
    row = read_batch(here / "results" / "short").ensembles["short"].table.to_pylist()[7]
    told = ask("replay", "short.yaml", "--replicate", 7, "--seed", 3, "--json").data
    outcome = told["outcome"]
    assert told["digest"] == load_scenario("short.yaml").digest
    assert row.keys() - outcome.keys() == {"scenario"}
    for name in row.keys() & outcome.keys():
        assert outcome[name] == pytest.approx(row[name]), name
    assert len(told["series"]["hours"]) >= 1
    first = told["entries"][0]["hours"]
    assert "trigger" in [one["kind"] for one in told["entries"] if one["hours"] == first]


def test_replay_tells_a_story_and_draws_a_chart(ask: Ask, here: Path) -> None:
    told = ask("replay", "short.yaml", "--replicate", 7)
    assert told.code == DONE
    assert told.out.startswith("# A border crisis between two neighbours\n")
    folder = here / "results" / "replays"
    assert {path.name for path in folder.iterdir()} == {
        f"short_seed_1_replicate_7{suffix}" for suffix in (".md", ".svg", ".png", ".csv")
    }
    assert (folder / "short_seed_1_replicate_7.md").read_text(encoding="utf-8") == told.out
    assert run_short(ask, "--dry-run").code == DONE, "replays stand in the way of results"


# check, scenarios, init, schema, doctor


def test_check_says_in_a_line_what_is_right(ask: Ask) -> None:
    told = ask("check", "may_2025", "short.yaml")
    assert told.code == DONE
    lines = told.out.splitlines()
    assert lines[0].startswith("may_2025: no mistakes; india and pakistan, 6 mediators, 1 lender,")
    assert lines[1].endswith("20 days")


def test_check_shows_mistakes_on_stdout_and_goes_on(ask: Ask) -> None:
    told = ask("check", "wrong.yaml", "short.yaml")
    assert told.code == MISTAKE
    assert "wrong.yaml:2:1: error: unknown key 'titel'" in told.out
    assert "did you mean 'title'?" in told.out
    assert "short: no mistakes" in told.out
    wrong, short = ask("check", "wrong.yaml", "short.yaml", "--json").data
    assert (wrong["ok"], short["ok"]) == (False, True)
    assert short["digest"] == load_scenario("short.yaml").digest
    assert [(one["line"], one["column"], one["suggestion"]) for one in wrong["mistakes"]] == [
        *((2, 1, "title"), (3, 15, ""))
    ]
    told = ask("check", "short.yaml", "--set", "mediators.great_powr=null")
    assert told.code == MISTAKE
    assert "did you mean 'great_power'?" in told.out


def test_scenarios_lists_what_ships_a_line_each_and_schema_is_json(ask: Ask) -> None:
    told = ask("scenarios")
    names = [line.split()[0] for line in told.out.splitlines()]
    assert "may_2025" in names
    assert names == [one["name"] for one in ask("scenarios", "--json").data]
    assert ask("schema").data["$defs"]["Scenario"]["required"] == ["title", "start", "states"]


def test_init_writes_a_scenario_with_one_of_each_agent_that_does_as_it_says(
    ask: Ask, here: Path
) -> None:
    told = ask("init", "border")
    assert (told.code, told.out) == (DONE, "border.yaml\n")
    assert ask("check", "border.yaml").code == DONE
    scenario = load_scenario("border.yaml")
    for section in ("mediators", "lenders", "channels", "advisers", "events"):
        assert len(getattr(scenario, section)) == 1, section
    text = (here / "border.yaml").read_text(encoding="utf-8")
    assert "crisis-sim run border.yaml" in text
    assert "FILE" not in text
    counterfactual = text[text.index("#   extends:") :].replace("#   ", "")
    (here / "without.yaml").write_text(counterfactual, encoding="utf-8")
    assert load_scenario("without.yaml").lenders == {}


def test_init_begins_a_counterfactual_of_a_shipped_scenario(ask: Ask, here: Path) -> None:
    (here / "mine").mkdir()
    told = ask("init", "mine/what_if", "--extends", "no_lenders")
    assert told.code == DONE
    copies = [Path(line).name for line in told.out.splitlines()]
    assert copies == ["what_if.yaml", "no_lenders.yaml", "may_2025.yaml"]
    original, mine = load_scenario("no_lenders"), load_scenario("mine/what_if.yaml")
    assert mine.title == f"{original.title}, but otherwise"
    assert mine.model_copy(update={"title": original.title}).digest == original.digest
    assert ask("init", "mine/two", "--extends", "no_lenders").out.splitlines() == [
        str(Path("mine") / "two.yaml")
    ]


# Classes of a person's own


@pytest.fixture
def own_classes(here: Path) -> Path:
    """The guide's files of classes, in the folder to work in: what was compiled for their text is found again."""
    for name in ("my_rules.py", "unsc.py"):
        shutil.copy(ROOT / "docs" / "guide" / "examples" / name, here)
    return here


COUNCIL, CAUTIOUS = "unsc.py:SecurityCouncil", "my_rules.py:Cautious"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("run may_2025 --agents unsc.py", "--agents unsc.py: expected FILE.py:CLASS"),
        ("run may_2025 --agents gone.py:X", "gone.py: error: no such file"),
        (f"run may_2025 --roles {CAUTIOUS}", "expected NAME=FILE.py:CLASS"),
        (f"run may_2025 --roles pakistn={CAUTIOUS}", "did you mean 'pakistan'?"),
        (f"run may_2025 --roles us={CAUTIOUS}", "my_rules.py:Cautious cannot be 'us'"),
        (f"run may_2025 --agents {CAUTIOUS}", "is one of the states, which a scenario names"),
        (f"run may_2025 --roles a={CAUTIOUS} --roles a={CAUTIOUS}", "gives 'a' two classes"),
        ("run may_2025 --compare-without", "to compare without classes of your own, give some"),
        ("run --resume gone --compare-without", "--compare-without needs the scenarios"),
        (f"replay may_2025 --replicate 1 --roles us={CAUTIOUS}", "cannot be 'us'"),
        (f"sweep may_2025 --vary behaviour --roles us={CAUTIOUS}", "cannot be 'us'"),
        (f"schema --agents {COUNCIL}", "--roles and --agents go with --events"),
        (f"schema --events --roles pakistan={COUNCIL}", "cannot be 'pakistan'"),
    ],
)
def test_mistakes_about_classes_of_ones_own_are_told(
    ask: Ask, own_classes: Path, arguments: str, said: str
) -> None:
    told = ask(*arguments.split())
    assert (told.code, told.out) == (MISTAKE, "")
    assert said in told.err
    assert not (own_classes / "results").exists()


def test_a_plan_names_scenarios_after_classes_and_compares_with_those_without(
    ask: Ask, own_classes: Path
) -> None:
    classes = ("--agents", COUNCIL, "--roles", f"pakistan={CAUTIOUS}")
    label = "may_2025 with pakistan by Cautious and SecurityCouncil"
    facts = ask("run", "may_2025", *classes, "--dry-run", "--json").data
    assert list(facts["scenarios"]) == [label]
    assert facts["folder"] == str(Path("results") / label.replace(" ", "_"))
    facts = ask("run", "may_2025", *classes, "--compare-without", "--dry-run", "--json").data
    assert list(facts["scenarios"]) == ["may_2025", label]


@pytest.mark.slow
@pytest.mark.usefixtures("no_charts")
def test_with_and_without_a_class_stand_side_by_side_in_one_run_or_from_two_folders(
    ask: Ask, own_classes: Path
) -> None:
    run = ("run", "may_2025", "--replicates", 20, "--agents", COUNCIL, "--workers", 1)
    label = "may_2025 with SecurityCouncil"
    both = ask(*run, "--compare-without", "--json").data
    assert list(both["scenarios"]) == ["may_2025", label]
    assert both["differences"][label]["paired"]
    ask(*run, "--out", "with")
    ask("run", "may_2025", "--replicates", 20, "--out", "without", "--workers", 1)
    apart = ask("compare", "without", "with", "--json").data
    assert apart["differences"] == both["differences"]
    assert ask("run", "--resume", "with").code == DONE


@pytest.mark.slow
def test_replays_and_experiments_take_classes_of_ones_own(ask: Ask, own_classes: Path) -> None:
    told = ask("replay", "may_2025", "--replicate", 3, "--agents", COUNCIL)
    assert told.code == DONE
    assert "with SecurityCouncil" in told.out.splitlines()[0]
    stories = [path.name for path in Path("results/replays").iterdir()]
    assert "may_2025_with_SecurityCouncil_seed_1_replicate_3.md" in stories
    vary = ("--vary", "mediators.us.leverage.india=0,1", "--replicates", 10, "--agents", COUNCIL)
    told = ask("sweep", "may_2025", *vary, "--workers", 1)
    assert told.code == DONE, told.err
    folder = Path("results/sweep_with_SecurityCouncil")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["title"].endswith(", with SecurityCouncil")
    assert [rule["class"] for rule in manifest["rules"]] == [COUNCIL]
    assert ask("sweep", "may_2025", *vary, "--resume", folder).code == DONE
    assert ask("experiment", "--resume", folder).code == DONE
    with (own_classes / "unsc.py").open("a", encoding="utf-8") as file:
        file.write("# another text\n")
    told = ask("experiment", "--resume", folder)
    assert told.code == MISTAKE
    assert f"rules: with {COUNCIL}: text " in told.err


def test_all_that_can_happen_is_listed_with_classes_of_ones_own(
    ask: Ask, own_classes: Path
) -> None:
    told = ask("schema", "--events", "--agents", COUNCIL, "--roles", f"pakistan={CAUTIOUS}")
    lines = told.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines.index("states") < lines.index("mediators") < lines.index("councils")
    assert "  decide (pakistan by Cautious)" in lines
    assert "    rate: It meets at a steady rate while there is serious violence" in told.out
    usual = ask("schema", "--events", "--json").data
    assert all(one["effect"] and one["when"] for one in usual)
    from crisis_sim.model import CrisisModel

    events = CrisisModel(load_scenario("may_2025")).schedule.events
    assert [(one["role"], one["event"]) for one in usual] == [
        (role, name) for role, name, _ in events
    ]


def test_doctor_finds_this_machine_well(ask: Ask) -> None:
    told = ask("doctor")
    assert told.code == DONE, told.out
    assert "trial run: 64 crises in" in told.out
    assert "FAILED" not in told.out


def test_doctor_ends_with_1_when_a_check_failed(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise OSError("disk full")

    monkeypatch.setattr(files, "_writable", broken)
    monkeypatch.setattr(files, "_trial_run", lambda: "")
    told = ask("doctor")
    assert told.code == CHECK_FAILED
    assert "FAILED  folder to work in: OSError: disk full" in told.out
    data = ask("doctor", "--json").data
    assert {one["name"]: one["ok"] for one in data}["folder to work in"] is False


# Streams


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    assert in_a_pipe("schema", "head -n 1") == ["{", f"ended with {DONE}"]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["", "--json"])
def test_a_run_that_nobody_reads_is_done_to_its_charts(here: Path, form: str) -> None:
    read = in_a_pipe(f"run short.yaml --replicates 40 --out results {form}", "true")
    assert read == [f"ended with {DONE}"]
    assert (here / "results" / "endings.svg").exists()


def in_a_pipe(words: str, reader: str) -> list[str]:
    """What a reader lets through of what a command prints, and the command's exit code."""
    command = f"{{ {sys.executable} -m crisis_sim {words}; echo ended with $? >&2; }} | {reader}"
    told = start("-c", command, program="sh")
    assert "rror" not in told.stderr
    return [line for line in (told.stdout + told.stderr).splitlines() if " crises in " not in line]


def test_nothing_that_goes_into_a_pipe_is_coloured(here: Path) -> None:
    for arguments in (["--help"], ["check", "wrong.yaml"], ["run"]):
        told = start("-m", "crisis_sim", *arguments)
        assert "\x1b" not in told.stdout + told.stderr


def test_letters_that_a_terminal_lacks_are_escaped(here: Path) -> None:
    (here / "नेपाल.yaml").write_text("titel: नेपाल\n", encoding="utf-8")
    told = start("-m", "crisis_sim", "check", "नेपाल.yaml", PYTHONIOENCODING="ascii")
    assert told.returncode == MISTAKE
    assert "Traceback" not in told.stderr
    assert "\\u0928" in told.stdout
