"""The commands `run`, `compare` and `replay`, with interruptions and mistakes."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from crisis_sim.batch import block, read_batch
from crisis_sim.batch.block import Block, BlockOrder, Watch, attempt
from crisis_sim.cli import BLOCKS_FAILED, DONE, INTERRUPTED, MISTAKE, TERMINATED, run_command
from crisis_sim.report import save
from crisis_sim.scenario import load_scenario
from tests.cli.conftest import FILES, ROOT
from tests.conftest import Cli, Result

RESULTS = Path("results") / "short"
BOTH = ("short.yaml", "alone.yaml")


def run_short(cli: Cli, *arguments: object) -> Result:
    return cli("run", *BOTH, "--replicates", 20, "--workers", 1, *arguments)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of both scenarios, without charts."""
    folder = tmp_path_factory.mktemp("written")
    for name, content in FILES.items():
        (folder / f"{name}.yaml").write_text(content, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(save, "write_charts", lambda *_: [])
        patch.chdir(folder)
        assert run_command(["run", *BOTH, "--replicates", "20", "--workers", "1"]) == DONE
    return folder / RESULTS


@pytest.fixture
def ran(written: Path, here: Path) -> Path:
    """The same folder in the working directory."""
    return Path(shutil.copytree(written, here / RESULTS)).relative_to(here)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("chek", 'Did you mean "check"?'),
        ("run", "SCENARIOS is missing"),
        ("run short.yaml --replicats 5", "Did you mean --replicates?"),
        ("run short.yaml --replicates 0", 'Invalid value "0" for --replicates'),
        ("run short.yaml --replicates many", "many"),
        ("run short.yaml --workers 0", 'Invalid value "0" for --workers'),
        ("run gone.yaml", "gone.yaml: error: no such file"),
        ("run short.yaml --set horizon_days=x", "--set:1:14: error: not a number: 'x'"),
        ("run short.yaml --out thesis", "contains other files than results (summary.json)"),
        (
            "run short.yaml --out thesis --dry-run",
            "contains other files than results (summary.json)",
        ),
        ("run --resume empty", "contains no results"),
        ("run --resume gone", "is not a folder"),
        ("replay short.yaml", "--replicate"),
        ("replay short.yaml --replicate -1", "--replicate"),
        ("replay gone.yaml --replicate 1", "gone.yaml: error: no such file"),
        ("compare gone", "gone is not a folder"),
        ("compare .", "contains no results"),
        ("init short.yaml", "short.yaml exists already"),
        ("init no/such/folder/border", "cannot write"),
        ("init two --extends no_lenders", "may_2025.yaml exists already"),
        *(
            (f"run short.yaml --dry-run --replicates {typed}", f"'{typed}' is not a whole number")
            for typed in ("1.5", "10,00", "1e-3", "k", "1_000", "1e999", "NaN")
        ),
    ],
)
def test_mistakes_are_reported_on_stderr_and_nothing_is_written(
    cli: Cli, here: Path, arguments: str, message: str
) -> None:
    for name in ("empty", "thesis"):
        (here / name).mkdir()
    for name in ("thesis/summary.json", "may_2025.yaml"):
        (here / name).write_text("[]", encoding="utf-8")
    before = {path: path.is_file() and path.read_bytes() for path in here.rglob("*")}
    result = cli(*arguments.split())
    assert (result.code, result.out) == (MISTAKE, "")
    assert message in " ".join(result.err.replace("│", " ").split())
    assert "Traceback" not in result.err
    assert {path: path.is_file() and path.read_bytes() for path in here.rglob("*")} == before


def test_run_writes_results_and_charts_and_prints_a_table(cli: Cli) -> None:
    result = run_short(cli)
    assert result.code == DONE
    names = {path.name for path in RESULTS.iterdir()}
    assert {"manifest.json", "outcomes.parquet", "summary.json", "endings.svg"} <= names
    assert "differences.png" in names
    assert "percentage points of all crises" in " ".join(result.out.split())
    assert result.err.startswith("40 crises in ")
    assert read_batch(RESULTS).ensembles.keys() == {"short", "alone"}


@pytest.mark.usefixtures("no_charts")
def test_finished_results_are_reused_and_only_replaced_on_request(cli: Cli, ran: Path) -> None:
    again = run_short(cli, "--json")
    assert again.data == json.loads((ran / "summary.json").read_text(encoding="utf-8"))
    assert again.data["scenarios"].keys() == {"short", "alone"}
    assert f"{ran} already contains the results of this run" in again.err
    facts = run_short(cli, "--dry-run", "--json").data
    assert (facts["crises"], facts["blocks"], facts["workers"]) == (40, 2, 1)
    assert facts["replaces_results"] is True
    for name, text in (("differences.svg", "old"), ("notes.txt", "mine")):
        (ran / name).write_text(text, encoding="utf-8")
    asked = ("run", "short.yaml", "--replicates", 10)
    result = cli(*asked)
    assert result.code == MISTAKE
    assert "batch: replicates: 20 there, 10 now" in result.err
    assert "replace them with --overwrite, or give another folder" in result.err
    assert read_batch(ran).ensembles["short"].replicates == 20
    assert cli(*asked, "--overwrite").code == DONE
    assert read_batch(ran).ensembles["short"].replicates == 10
    assert not (ran / "differences.svg").exists()
    assert (ran / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.usefixtures("no_charts")
def test_a_giant_batch_is_read_into_memory_only_on_request(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crisis_sim.batch.folder.ONE_FILE_CRISES", 39)
    result = run_short(cli)
    assert result.code == DONE
    assert "no summary: so many crises" in result.err
    names = {path.name for path in (here / RESULTS).iterdir()}
    assert names == {"manifest.json", "outcomes", "paths.parquet"}
    assert cli("compare", RESULTS).code == DONE


@pytest.mark.usefixtures("no_charts")
def test_a_changed_scenario_is_compared_with_the_original(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("run", "short.yaml", "--set", "states.northland.resolve=0.5", "--set", "lenders=null")
    monkeypatch.setattr(sys, "argv", ["crisis-sim", *words])
    result = cli(*words, "--replicates", "20", "--json", "--out", "there").data
    assert (
        result["scenarios"]["short changed"]["label"] == "With northland resolve 0.5 and no lenders"
    )
    assert result["differences"]["short changed"]["pairs"] == 20
    manifest = read_batch("there").manifest
    scenario = manifest["scenarios"]["short changed"]["scenario"]
    assert scenario["states"]["northland"]["resolve"] == 0.5
    assert scenario["lenders"] == {}
    assert manifest["command"].startswith("crisis-sim run short.yaml --set states.northland")


def test_a_dry_run_prints_the_plan_and_writes_nothing(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(here.rglob("*"))
    result = cli("run", *BOTH, "--replicates", 50_000, "--dry-run")
    assert result.code == DONE
    assert "50,000 replicates of each with seed 1: 100,000 crises of at most 20 days" in result.out
    assert f"into {RESULTS}" in result.out

    def plan(*arguments: str) -> dict[str, object]:
        facts: dict[str, object] = cli("run", *arguments, "--dry-run", "--json").data
        return facts | {"names": [*facts["scenarios"]]}  # type: ignore[misc]

    amid = ("short.yaml", "--set", "lenders=null", "alone.yaml", "--set", "horizon_days=9")
    assert plan(*amid)["names"] == ["short", "alone"]
    assert plan("short.yaml", "short.yaml")["names"] == ["short", "short (2)"]
    assert plan("short.yaml", "--set", "lenders=null", "--alone")["names"] == ["short"]
    for typed in ("1e1", "10", "0.01k", "1.0e+1"):
        assert plan("short.yaml", "--replicates", typed)["replicates"] == 10
    assert plan("short.yaml", "--replicates", "10,000")["replicates"] == 10_000
    monkeypatch.setattr("crisis_sim.batch.workers.cores", lambda: 32)
    many = plan(*BOTH, "--replicates", "10M")
    assert (int(str(many["blocks"])) > 32, many["workers"]) == (True, 32)
    assert plan(*BOTH, "--replicates", "10M", "--workers", "3")["workers"] == 3
    assert sorted(here.rglob("*")) == before


def test_mistakes_of_all_scenarios_are_reported_together(cli: Cli) -> None:
    result = cli("run", "wrong.yaml", "gone.yaml")
    assert result.code == MISTAKE
    for message in ("unknown key 'titel'", "out of range: -1", "gone.yaml: error: no such file"):
        assert message in result.err
    result = cli("run", *BOTH, "--set", "mediators.great_power.style=facilitation")
    assert result.code == MISTAKE
    assert "unknown 'great_power' in alone" in result.err
    taken_out = (*BOTH, "--set", "mediators.great_power=null")
    assert cli("run", *taken_out, "--dry-run").code == cli("check", *taken_out).code == DONE


def attempt_or_fail(order: BlockOrder, watch: Watch | None = None, first: int = 0) -> object:
    """Run a block, unless it is of the scenario "alone" and starts at `first` or later."""
    if order.scenario.name == "alone" and order.first >= first:
        return Block(order, error="ZeroDivisionError: no luck")
    return attempt(order, watch)


@pytest.mark.usefixtures("no_charts")
def test_failed_blocks_are_reported_and_can_be_repeated(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = here / RESULTS
    monkeypatch.setattr(block, "BLOCK_SIZE", 10)
    with monkeypatch.context() as patch:
        patch.setattr(block, "attempt", attempt_or_fail)
        result = run_short(cli)
        assert (result.code, result.out) == (BLOCKS_FAILED, "")
        assert "no summary: no results for alone" in result.err
        assert not (folder / "summary.json").exists()
        patch.setattr(block, "attempt", partial(attempt_or_fail, first=1))
        result = cli("run", "--resume", RESULTS, "--workers", 1)
    assert result.code == BLOCKS_FAILED
    assert "failed: alone, replicates 10 to 19: ZeroDivisionError: no luck" in result.err
    assert "how far crises went" in result.out
    assert read_batch(folder).ensembles["alone"].replicates == 10
    assert f"to repeat the failed blocks: crisis-sim run --resume {RESULTS}" in result.err
    assert cli("run", "--resume", RESULTS).code == DONE
    assert read_batch(folder).ensembles["alone"].replicates == 20
    names = {"manifest.json", "outcomes.parquet", "paths.parquet", "summary.json"}
    assert {path.name for path in folder.iterdir()} == names


@contextmanager
def interrupted(blocks: int, number: signal.Signals = signal.SIGINT) -> Iterator[None]:
    """A context in which runs get a signal after some blocks."""
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

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crisis_sim.cli.run.progress_bar", interrupting)
        patch.setattr(block, "BLOCK_SIZE", 10)
        yield


@pytest.mark.usefixtures("usual_signals", "no_charts")
def test_after_ctrl_c_only_the_same_run_can_be_resumed(cli: Cli, written: Path) -> None:
    with interrupted(2):
        result = run_short(cli)
    assert result.code == INTERRUPTED
    assert f"interrupted: 20 of 40 crises are saved in {RESULTS}.running" in result.err
    go_on = f"crisis-sim run --resume {RESULTS}"
    assert result.err.endswith(f"to continue: {go_on}\n")
    resume = ("--resume", RESULTS)
    for given, message in (
        (["compare", RESULTS], f"an unfinished run: 20 of 40 crises; to continue it: {go_on}"),
        (["run", *BOTH, "--replicates", 20], f"{go_on}\nor discard it and start again: --restart"),
        (["run", "--seed", 2, *resume], "batch: seed: 1 there, 2 now"),
        (["run", *BOTH, "--replicates", 21, *resume], "batch: replicates: 20 there, 21 now"),
        (
            ["run", *BOTH, "--set", "states.northland.resolve=0.5", *resume],
            "short: states.northland",
        ),
        (["run", "alone.yaml", *resume], "batch: scenarios: short, alone there, alone now"),
        (["run", "--set", "lenders=null", *resume], "--set needs the names of the scenarios"),
        (["run", "--over-fits", *resume], "--over-fits needs the names of the scenarios"),
        (["run", *BOTH, "--over-fits", *resume], "short: behaviour.decision.answering: "),
        (["run", "--out", "other", *resume], "--out cannot be another folder"),
        (["run", "--restart", *resume], "give one of them"),
    ):
        result = cli(*given)
        assert result.code == MISTAKE
        assert message in result.err
    assert "an unfinished run: 20 of 40" in cli("run", *resume, "--dry-run").out
    assert cli("run", *BOTH, "--replicates", 20, *resume).code == DONE
    again = cli("run", *resume)
    assert again.code == DONE
    assert again.err.startswith("40 crises in ")
    tables = [read_batch(one).ensembles["alone"].table for one in (RESULTS, written)]
    assert tables[0].to_pylist() == tables[1].to_pylist()


@pytest.mark.usefixtures("usual_signals", "no_charts")
def test_a_terminated_run_can_be_discarded(cli: Cli) -> None:
    with interrupted(2, signal.SIGTERM):
        result = run_short(cli)
    assert result.code == TERMINATED
    assert "terminated: 20 of 40 crises are saved" in result.err
    assert run_short(cli, "--restart", "--seed", 2).code == DONE
    assert read_batch(RESULTS).seed == 2


@pytest.mark.usefixtures("usual_signals")
def test_ctrl_c_before_the_first_block_or_during_charts_keeps_results(
    cli: Cli, ran: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (ran / "summary.json").read_text(encoding="utf-8")
    with interrupted(0):
        result = run_short(cli)
    assert result.code == INTERRUPTED
    assert "nothing was written" in result.err
    assert (ran / "summary.json").read_text(encoding="utf-8") == before

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(save, "write_charts", stop)
    result = run_short(cli)
    assert result.code == INTERRUPTED
    assert "all crises are saved in" in result.err


@pytest.mark.slow
@pytest.mark.usefixtures("usual_signals", "no_charts")
def test_a_run_over_fits_has_the_same_results_after_an_interruption(cli: Cli, here: Path) -> None:
    given = ["run", *BOTH, "--replicates", 2000, "--over-fits", "--out"]
    whole = cli(*given, "whole", "--json").data
    with interrupted(1):
        assert cli(*given, "cut").code == INTERRUPTED
    assert cli(*given, "cut", "--resume", "cut", "--json").data == whole
    result = cli("compare", "cut")
    assert "Over fits: each replicate drew one of " in result.out
    level = whole["scenarios"]["short"]["endings"]["unresolved"]
    assert level["over_fits"]["lower"] < level["estimate"] < level["over_fits"]["upper"]
    assert cli("report", "cut").code == DONE
    assert "over fits " in (here / "cut" / "report.html").read_text(encoding="utf-8")
    first = cli("replay", "short.yaml", "--replicate", 3, "--over-fits")
    assert first.out != cli("replay", "short.yaml", "--replicate", 3).out


# compare


@pytest.mark.usefixtures("no_charts")
def test_compare_takes_several_folders_and_overwrites_only_its_own_files(
    cli: Cli, here: Path, ran: Path
) -> None:
    cli("run", "short.yaml", "--replicates", 10, "--out", "two")
    cli("run", "alone.yaml", "--replicates", 10, "--out", "one")
    first = cli("compare", "two", "one", "--json").data
    assert first["reference"] == "short"
    assert first["differences"]["alone"]["pairs"] == 10
    other = cli("compare", "two", "one", "--reference", "alone")
    assert other.code == DONE
    assert "percentage points of all crises" in other.out
    (here / "thesis").mkdir()
    (here / "thesis" / "summary.json").write_text("[]", encoding="utf-8")
    kept = [here / "two" / "summary.json", here / "thesis" / "summary.json"]
    before = [path.read_bytes() for path in kept]
    for arguments, message in (
        (["two", "one", "--reference", "alon"], "did you mean 'alone'?"),
        ([ran, "--out", "two"], "two contains a run"),
        (["two", "one", "--out", "two"], "two contains a run"),
        ([ran, "--out", "thesis"], "contains other files than results (summary.json)"),
    ):
        result = cli("compare", *arguments)
        assert result.code == MISTAKE
        assert message in result.err
        assert [path.read_bytes() for path in kept] == before
    assert cli("compare", ran, "--reference", "alone", "--out", here / ran).code == DONE
    assert json.loads((ran / "summary.json").read_text(encoding="utf-8"))["reference"] == "alone"
    # A new comparison replaces an old one with its charts.
    cli("compare", ran, "--out", "report")
    for name in ("differences.svg", "notes.txt"):
        (here / "report" / name).write_text("mine", encoding="utf-8")
    assert cli("compare", "two", "--out", "report").code == DONE
    assert {path.name for path in (here / "report").iterdir()} == {"summary.json", "notes.txt"}


@pytest.mark.slow
def test_compare_writes_charts_to_a_given_folder(cli: Cli, here: Path, ran: Path) -> None:
    before = sorted((here / "results").rglob("*"))
    assert cli("compare", ran, "--reference", "alone", "--out", "new/charts").code == DONE
    names = {path.name for path in (here / "new" / "charts").iterdir()}
    assert {"summary.json", "differences.svg"} <= names
    assert sorted((here / "results").rglob("*")) == before


# replay


def test_replay_shows_a_replicate_of_the_batch_as_story_and_chart(
    cli: Cli, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = cli("replay", "short.yaml", "--replicate", 7)
    assert result.code == DONE
    assert result.out.startswith("# A border crisis between two neighbours\n")
    folder, name = Path("results") / "replays", "short_seed_1_replicate_7"
    files = {f"{name}{suffix}" for suffix in (".md", ".svg", ".png", ".csv")}
    assert {path.name for path in folder.iterdir()} == files
    assert (folder / f"{name}.md").read_text(encoding="utf-8") == result.out
    assert run_short(cli, "--dry-run").code == DONE, "replays block results"
    monkeypatch.setattr("crisis_sim.report.replay.write_replay", lambda *_: [folder])
    crisis = cli("replay", "short.yaml", "--replicate", 7, "--json").data
    assert crisis["digest"] == load_scenario("short.yaml").digest
    row = read_batch(written).ensembles["short"].table.to_pylist()[7]
    assert row.keys() - crisis["outcome"].keys() == {"scenario"}
    for column in row.keys() & crisis["outcome"].keys():
        assert crisis["outcome"][column] == pytest.approx(row[column]), column
    assert len(crisis["series"]["hours"]) >= 1
    first = crisis["entries"][0]["hours"]
    assert "trigger" in [one["kind"] for one in crisis["entries"] if one["hours"] == first]


# Custom classes


@pytest.fixture
def own_classes(here: Path) -> Path:
    """The guide's files of classes in the working directory; compiled rules are cached by their text."""
    for name in ("my_rules.py", "unsc.py"):
        shutil.copy(ROOT / "docs" / "guide" / "examples" / name, here)
    return here


COUNCIL, CAUTIOUS = "unsc.py:SecurityCouncil", "my_rules.py:Cautious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("run may_2025 --agents unsc.py", "--agents unsc.py: expected FILE.py:CLASS"),
        ("run may_2025 --agents gone.py:X", "gone.py: error: no such file"),
        (f"run may_2025 --roles {CAUTIOUS}", "expected NAME=FILE.py:CLASS"),
        (f"run may_2025 --roles pakistn={CAUTIOUS}", "did you mean 'pakistan'?"),
        (f"run may_2025 --roles us={CAUTIOUS}", "my_rules.py:Cautious cannot be 'us'"),
        (
            f"run may_2025 --agents {CAUTIOUS}",
            "has the role states, whose agents are named in a scenario",
        ),
        (f"run may_2025 --roles a={CAUTIOUS} --roles a={CAUTIOUS}", "gives 'a' two classes"),
        (
            "run may_2025 --compare-without",
            "compare_without leaves out agents and roles, but none are given",
        ),
        (
            "run --resume gone --compare-without",
            "--compare-without needs the names of the scenarios",
        ),
        (f"replay may_2025 --replicate 1 --roles us={CAUTIOUS}", "cannot be 'us'"),
        (f"sweep may_2025 --vary behaviour --roles us={CAUTIOUS}", "cannot be 'us'"),
        (f"schema --agents {COUNCIL}", "--roles and --agents need --events"),
        (f"schema --events --roles pakistan={COUNCIL}", "cannot be 'pakistan'"),
    ],
)
def test_mistakes_about_custom_classes_are_reported(
    cli: Cli, own_classes: Path, arguments: str, message: str
) -> None:
    result = cli(*arguments.split())
    assert (result.code, result.out) == (MISTAKE, "")
    assert message in result.err
    assert not (own_classes / "results").exists()


@pytest.mark.usefixtures("own_classes")
def test_scenarios_are_named_after_custom_classes(cli: Cli) -> None:
    given = ("run", "may_2025", "--agents", COUNCIL, "--roles", f"pakistan={CAUTIOUS}", "--dry-run")
    label = "may_2025 with pakistan by Cautious and SecurityCouncil"
    facts = cli(*given, "--json").data
    assert list(facts["scenarios"]) == [label]
    assert facts["folder"] == str(Path("results") / label.replace(" ", "_"))
    facts = cli(*given, "--compare-without", "--json").data
    assert list(facts["scenarios"]) == ["may_2025", label]


@pytest.mark.slow
@pytest.mark.usefixtures("no_charts", "own_classes")
def test_a_class_is_compared_in_one_run_or_from_two_folders(cli: Cli) -> None:
    run = ("run", "may_2025", "--replicates", 20, "--workers", 1)
    label = "may_2025 with SecurityCouncil"
    both = cli(*run, "--agents", COUNCIL, "--compare-without", "--json").data
    assert list(both["scenarios"]) == ["may_2025", label]
    assert both["differences"][label]["paired"]
    cli(*run, "--agents", COUNCIL, "--out", "with")
    cli(*run, "--out", "without")
    assert cli("compare", "without", "with", "--json").data["differences"] == both["differences"]
    assert cli("run", "--resume", "with").code == DONE


@pytest.mark.slow
def test_replays_and_experiments_take_custom_classes(cli: Cli, own_classes: Path) -> None:
    result = cli("replay", "may_2025", "--replicate", 3, "--agents", COUNCIL)
    assert result.code == DONE
    assert "with SecurityCouncil" in result.out.splitlines()[0]
    assert Path("results/replays/may_2025_with_SecurityCouncil_seed_1_replicate_3.md").exists()
    vary = ("--vary", "mediators.us.leverage.india=0,1", "--replicates", 10, "--agents", COUNCIL)
    result = cli("sweep", "may_2025", *vary, "--workers", 1)
    assert result.code == DONE, result.err
    folder = Path("results/sweep_with_SecurityCouncil")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["title"].endswith(", with SecurityCouncil")
    assert [rule["class"] for rule in manifest["rules"]] == [COUNCIL]
    assert cli("sweep", "may_2025", *vary, "--resume", folder).code == DONE
    assert cli("experiment", "--resume", folder).code == DONE
    with (own_classes / "unsc.py").open("a", encoding="utf-8") as file:
        file.write("# another text\n")
    result = cli("experiment", "--resume", folder)
    assert result.code == MISTAKE
    assert f"rules: with {COUNCIL}: text " in result.err
