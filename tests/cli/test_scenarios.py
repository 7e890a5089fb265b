"""Help, and the commands `scenarios`, `check`, `init` and `schema`."""

from __future__ import annotations

import sys
from pathlib import Path

from crisis_sim.cli import COMMANDS, DONE, EXIT_CODES, MISTAKE
from crisis_sim.model import CrisisModel
from crisis_sim.scenario import load_scenario
from crisis_sim.version import __version__
from tests.cli.conftest import ROOT, start
from tests.conftest import Cli

HEAVY = {"mesa", "scipy", "numpy", "pandas", "pyarrow", "matplotlib", "networkx", "SALib"}
QUICK = "--help|run --help|--version|check may_2025|check wrong.yaml|scenarios|schema|init new"


def test_quick_commands_import_no_slow_library(here: Path) -> None:
    code = f"""
import sys
from crisis_sim.cli import run_command
for command in {QUICK!r}.split("|"):
    run_command(command.split())
    assert not (found := {HEAVY!r} & set(sys.modules)), (command, found)
"""
    (here / "quick.py").write_text(code, encoding="utf-8")
    result = start("python quick.py", here, PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin")
    assert result.returncode == DONE, result.stderr


def test_every_command_has_help_and_exit_codes_are_listed(cli: Cli) -> None:
    result = cli("--help")
    words = " ".join(result.out.split())
    assert EXIT_CODES in words
    for command in " ".join(COMMANDS.values()).split():
        assert f" {command} " in words
        result = cli(command, "--help")
        assert result.code == DONE
        assert f"Usage: crisis-sim {command}" in result.out


def test_the_module_is_the_program_and_its_output_is_escaped(here: Path) -> None:
    (here / "नेपाल.yaml").write_text("titel: नेपाल\n", encoding="utf-8")
    result = start(
        "crisis --version; crisis run; crisis check नेपाल.yaml", here, PYTHONIOENCODING="ascii"
    )
    assert result.stdout.startswith(f"{__version__}\n")
    assert result.returncode == MISTAKE
    assert "SCENARIOS is missing" in result.stderr
    assert "Traceback" not in result.stderr
    assert "\\u0928" in result.stdout
    assert "\x1b" not in result.stdout + result.stderr


def test_check_prints_a_summary_or_the_mistakes_on_stdout(cli: Cli) -> None:
    result = cli("check", "may_2025", "short.yaml")
    assert result.code == DONE
    lines = result.out.splitlines()
    assert lines[0].startswith("may_2025: no mistakes; india and pakistan, 6 mediators, 1 lender,")
    assert lines[1].endswith("20 days")
    result = cli("check", "wrong.yaml", "short.yaml")
    assert result.code == MISTAKE
    assert "wrong.yaml:2:1: error: unknown key 'titel'" in result.out
    assert "did you mean 'title'?" in result.out
    assert "short: no mistakes" in result.out
    wrong, short = cli("check", "wrong.yaml", "short.yaml", "--json").data
    assert (wrong["ok"], short["ok"]) == (False, True)
    assert short["digest"] == load_scenario("short.yaml").digest
    found = [(one["line"], one["column"], one["suggestion"]) for one in wrong["mistakes"]]
    assert found == [(2, 1, "title"), (3, 15, "")]
    result = cli("check", "short.yaml", "--set", "mediators.great_powr=null")
    assert result.code == MISTAKE
    assert "did you mean 'great_power'?" in result.out


def test_scenarios_lists_shipped_ones_and_schema_prints_json(cli: Cli) -> None:
    names = [line.split()[0] for line in cli("scenarios").out.splitlines()]
    assert "may_2025" in names
    assert names == [one["name"] for one in cli("scenarios", "--json").data]
    assert cli("schema").data["$defs"]["Scenario"]["required"] == ["title", "start", "states"]


def test_schema_lists_events_including_those_of_custom_classes(cli: Cli) -> None:
    examples = ROOT / "docs" / "guide" / "examples"
    own = ("--agents", f"{examples}/unsc.py:SecurityCouncil", "--roles")
    result = cli("schema", "--events", *own, f"pakistan={examples}/my_rules.py:Cautious")
    lines = result.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines.index("states") < lines.index("mediators") < lines.index("councils")
    assert "  decide (pakistan by Cautious)" in lines
    assert "    rate: It meets at a steady rate while there is serious violence" in result.out
    usual = cli("schema", "--events", "--json").data
    assert all(one["effect"] and one["when"] for one in usual)
    events = CrisisModel(load_scenario("may_2025")).schedule.events
    assert [(one["role"], one["event"]) for one in usual] == [
        (role, name) for role, name, _ in events
    ]


def test_init_writes_a_valid_template_with_one_agent_of_each_kind(cli: Cli, here: Path) -> None:
    result = cli("init", "border")
    assert (result.code, result.out) == (DONE, "border.yaml\n")
    scenario = load_scenario("border.yaml")
    for section in ("mediators", "lenders", "channels", "advisers", "events"):
        assert len(getattr(scenario, section)) == 1, section
    text = (here / "border.yaml").read_text(encoding="utf-8")
    assert "crisis-sim run border.yaml" in text
    assert "FILE" not in text
    counterfactual = text[text.index("#   extends:") :].replace("#   ", "")
    (here / "without.yaml").write_text(counterfactual, encoding="utf-8")
    assert load_scenario("without.yaml").lenders == {}


def test_init_writes_a_counterfactual_of_a_shipped_scenario(cli: Cli, here: Path) -> None:
    (here / "mine").mkdir()
    result = cli("init", "mine/what_if", "--extends", "no_lenders")
    copies = [Path(line).name for line in result.out.splitlines()]
    assert copies == ["what_if.yaml", "no_lenders.yaml", "may_2025.yaml"]
    original, mine = load_scenario("no_lenders"), load_scenario("mine/what_if.yaml")
    assert mine.title == f"{original.title}, changed"
    assert mine.model_copy(update={"title": original.title}).digest == original.digest
    result = cli("init", "mine/two", "--extends", "no_lenders")
    assert result.out == f"{Path('mine') / 'two.yaml'}\n"
