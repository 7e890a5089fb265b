from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from crisis_sim.cli import DONE, MISTAKE
from crisis_sim.experiments import read_experiment
from crisis_sim.experiments.factors import ranges
from crisis_sim.scenario.load import load_scenario
from tests.conftest import Cli

SWEEP = ("sweep", "may_2025", "--vary", "mediators.us.attention_days=0.5:4:3:log", "--workers", "1")


def test_a_sweep_from_the_command_line_answers_on_stdout_and_leaves_a_folder(cli: Cli) -> None:
    result = cli(*SWEEP, "--outcome", "agreement", "--replicates", "5", "--out", "out")
    assert result.code == DONE
    assert "- Ending by agreement, of all crises: " in result.out
    assert "15 crises" in result.err
    findings = read_experiment("out")
    days = findings.tables["points"].column("mediators.us.attention_days").to_pylist()
    assert days == pytest.approx([0.5, 2**0.5, 4])
    for name in ("curves.svg", "curves.png", "differences.svg", "manifest.json", "summary.json"):
        assert Path("out", name).stat().st_size > 0


def test_a_dry_run_prints_the_plan_and_writes_nothing(cli: Cli) -> None:
    result = cli(*SWEEP, "--replicates", "100", "--out", "out", "--dry-run")
    assert "300 crises of may_2025, seed 1" in result.out
    command = ("experiment", "mediation_delay", "--replicates", "10", "--dry-run", "--json")
    assert cli(*command, "--out", "out").data["crises"] == 130
    assert not Path("out").exists()


def test_the_shipped_experiments_are_listed_and_editors_get_a_schema(cli: Cli) -> None:
    listed = cli("experiments").out
    assert "mediation_delay" in listed
    assert all(one["name"] in listed for one in cli("experiments", "--json").data)
    schema = cli("schema", "--experiment").data
    assert "sweep" in schema["properties"]["kind"]["enum"]
    sweep = schema["$defs"]["SweepSpec"]
    assert "vary" in sweep["required"]
    assert sweep["properties"]["replicates"]["minimum"] == 1


DAYS = "mediators.us.attention_days"


@pytest.mark.parametrize(
    "command",
    [
        ("run", "may_2025", "--set", f"{DAYS}=1", "--set", f"{DAYS}=2"),
        ("replay", "may_2025", "--replicate", "1", "--replicate", "2"),
        ("run", "may_2025", "--seed", "11", "--seed=22"),
        ("sweep", "may_2025", "--vary", f"{DAYS}=1:2:3", "--vary", f" {DAYS} =1,2"),
        ("sensitivity", "may_2025", "--factor", f"{DAYS}=1:2", "--factor", f"{DAYS}=1:4"),
        ("tune", "may_2025", "--target", "war=0.1", "--vary", f"{DAYS}=1:2", "--vary", DAYS),
        ("tune", "may_2025", "--vary", DAYS, "--maximise", "war=0.1", "--maximise", "war=0.2"),
        ("attribute", "may_2025", "--parts", "one:lenders", "one:mediators.us"),
        ("compare", "folder", "--reference", "one", "--reference", "two"),
        ("dashboard", "may_2025", "--set", f"{DAYS}=1", "--set", f"{DAYS}=2"),
    ],
    ids=" ".join,
)
def test_a_repeated_value_is_a_mistake_that_names_both(cli: Cli, command: tuple[str, ...]) -> None:
    result = cli(*command)
    assert (result.code, result.out) == (MISTAKE, "")
    words = "".join(mark for mark in result.err if mark not in "│\n").split()
    for value in (command[-1], command[-2 if command[0] == "attribute" else -3]):
        assert re.sub("^--[a-z]+=", "", value).strip() in " ".join(words)
    assert not list(Path().iterdir())


SETTINGS = (
    "vary.lenders.imf.conditionality={values: [0, 1]}",
    "outcomes=[agreement]",
    "replicates=5",
)


@pytest.mark.usefixtures("no_charts")
def test_an_experiment_is_run_by_keys_from_its_file_and_from_its_folder(cli: Cli) -> None:
    first = cli("experiment", "sweep", "may_2025", *SETTINGS, "--out", "out", "--json").data
    assert (first["kind"], read_experiment("out").summary["points"]) == ("sweep", 2)
    again = cli("experiment", "out/experiment.yaml", "--out", "again", "--json").data
    assert again == {**first, "name": "experiment"}
    Path("out/manifest.json").unlink()  # as after an interruption
    assert cli("experiment", "--resume", "out", "--json").data == first


@pytest.mark.parametrize(
    ("settings", "crises"),
    [
        (["mediation_delay", "replicates=7", f"vary.{DAYS}={{points: 3}}"], 21),
        (["attribute", "may_2025", "parts.us=mediators.us", "parts.gulf=[mediators.uae]"], 8_000),
        # Two crises at each point of four samples: one point, and one more for every parameter with a slider.
        (
            ["sensitivity", "may_2025", "--replicates", "2", "samples=4", "tornado=0"],
            8 * (1 + len(ranges({}, load_scenario("may_2025")))),
        ),
        (["tune", "may_2025", f"vary.{DAYS}={{}}", "objective.maximise=war", "trials=3"], None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_keys_may_lead_into_mappings_and_replace_those_of_a_file(
    cli: Cli, settings: list[str], crises: int | None
) -> None:
    told = cli("experiment", *settings, "--dry-run", "--json").data["crises"]
    assert told == crises or crises is None


AIM = ["--target", "agreement=0.5"]
RESOLVE = "states.south.resolve"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["attribute", "may_2025", "--parts", "lendrs"], "did you mean 'lenders'?"),
        (["sensitivity", "may_2025", "--vary", "states.india.resolve=0.4"], "PATH=LOW:HIGH"),
        (["experiment"], "NAME is missing"),
        (["experiment", "mediation_dely"], "did you mean 'mediation_delay'?"),
        (["experiment", "--resume", "nowhere"], "contains no experiment"),
        (["experiment", "mediation_delay", "--resume", "x", "--restart"], "give one of them"),
        (["experiment", "swep", "may_2025"], "did you mean 'sweep'?"),
        (["experiment", "sweep"], "crisis-sim experiment sweep SCENARIO KEY=VALUE..."),
        (["experiment", "sweep", *SETTINGS], "needs a scenario"),
        (["experiment", "sweep", "may_2025"], "'vary' is missing"),
        (["experiment", "sweep", "may_2025", *SETTINGS, "replicats=5"], "did you mean 'replicates'?"),
        (["experiment", "sweep", "may_2025", *SETTINGS, "seed"], "'seed' sets nothing"),
        (["experiment", "sweep", "may_2025", *SETTINGS, "replicates=6"], "overwrites 'replicates=5'"),
        (["experiment", "sweep", "may_2025", f"vary.{DAYS}={{low: 3, high: 3}}"], "argument:1:43: error: an empty"),
        (["experiment", "sweep", "may_2025", f"vary.{DAYS}={{low: [3"], "not valid YAML"),
        (["experiment", "mediation_delay", "--set", "lenders.imf=null"], "an experiment's file has the key 'set' for it"),
        (["sweep", "may_2025", "--vary", DAYS[:-1]], "attention_days'?"),
        (["sweep", "may_2025", "--vary", f"{DAYS}=1:x:3"], "LOW:HIGH:STEPS"),
        ([*SWEEP, "--sample", "0"], "out of range: 0"),
        (["tune", "may_2025", *AIM], "--target needs --vary"),
        (["tune", "may_2025", "--vary", f"{RESOLVE}=1", *AIM], "PATH=LOW:HIGH"),
        (["tune", "may_2025", "--vary", RESOLVE, "--target", "agreement"], "MEASURE=VALUE"),
        (["tune", "may_2025", "--vary", RESOLVE, "--target", "agreement=0.5:0.4"], "MEASURE=VALUE:LOW:HIGH"),
        (["tune", "may_2025", "--vary", RESOLVE, "--maximise", "agreement=much"], "MEASURE=VALUE"),
        (["tune", "mediation_delay"], "is an experiment of kind sweep, not tune"),
        (["tune", "mediation_delay", "--trials", "3"], "unknown key 'trials'"),
        (["tune", "tune_may_2025_mediation", "--set", "a=1"], "--set is for scenarios"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)  # fmt: skip
def test_a_mistake_is_reported_with_the_nearest_name_and_nothing_is_written(
    cli: Cli, arguments: list[str], said: str
) -> None:
    result = cli(*arguments)
    assert result.code == MISTAKE
    assert said in result.err
    assert "Traceback" not in result.err
    assert list(Path().iterdir()) == []


PARTS = "{gulf: [mediators.saudi_arabia, mediators.uae], lenders.imf.conditionality=0: lenders.imf.conditionality=0}"
#: The options of a short command, and the keys that ask the same.
SHORT = {
    "attribute": (
        "--parts gulf:mediators.saudi_arabia,mediators.uae lenders.imf.conditionality=0 --outcome war --set horizon_days=18",
        [f"parts={PARTS}", "outcomes=[war]", "set=[horizon_days=18]"],
    ),
    "sweep": (
        f"--vary {DAYS}=0.1:5:log --vary lenders.imf.conditionality --sample 8 --threshold 0.5",
        [f"vary.{DAYS}={{low: 0.1, high: 5, scale: log}}", "vary.lenders.imf.conditionality={}", "sample.points=8",
         "threshold=0.5"],
    ),
    "sensitivity": (
        f"--factor states.india.resolve=0.4:1 --vary {DAYS}=log --method sobol --samples 16 --second-order "
        "--tornado 10 --seed 4",
        ["vary.states.india.resolve={low: 0.4, high: 1}", f"vary.{DAYS}={{scale: log}}",
         "method=sobol", "samples=16", "second_order=true", "tornado=10", "seed=4"],
    ),
    "tune": (
        f"--vary {DAYS}=0.1:5:log --target war=0.1:0:0.2 --trials 9 --sampler tpe",
        [f"vary.{DAYS}={{low: 0.1, high: 5, scale: log}}",
         "targets=[{measure: war, value: 0.1, interval: [0, 0.2]}]", "trials=9", "sampler=tpe"],
    ),
    "posterior": (
        f"--vary {DAYS}=0.1:5 --target war=0.1 --particles 30 --generations 2 --replicates 50",
        [f"vary.{DAYS}={{low: 0.1, high: 5}}", "targets=[{measure: war, value: 0.1}]",
         "particles=30", "generations=2", "replicates=50"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SHORT)
def test_a_command_equals_its_keys(cli: Cli, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "crisis_sim.cli.experiment.carry_out", lambda one, *_: asked.append(one) or DONE
    )
    options, keys = SHORT[kind]
    assert cli(kind, "may_2025", *shlex.split(options)).code == DONE
    assert cli("experiment", kind, "may_2025", *keys).code == DONE
    short, whole = asked
    assert short.digest == whole.digest
    assert short.kind == short.name == kind
