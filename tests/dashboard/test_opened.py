from __future__ import annotations

from pathlib import Path

import pytest

from crisis_sim.dashboard.opened import MAX_NAME, open_reference, open_sent
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.source import MAX_BYTES
from tests.dashboard.quarrel import QUARREL, write_quarrel


def mistakes(name: str, content: bytes) -> str:
    with pytest.raises(ScenarioError) as caught:
        open_sent(name, content, {})
    return str(caught.value)


def test_a_scenario_comes_with_the_files_that_it_stands_in(tmp_path: Path) -> None:
    write_quarrel(tmp_path)
    over = tmp_path / "over.yaml"
    over.write_text("extends: quarrel.yaml\ntitle: Otherwise\n")
    opened = open_reference(over)
    assert list(opened.files) == ["over.yaml", "quarrel.yaml"]
    assert opened.files["quarrel.yaml"].decode() == QUARREL
    assert opened.file == "over.yaml"


def test_a_sent_file_may_extend_a_shipped_one_or_one_that_is_known() -> None:
    assert open_sent("a.yaml", b"extends: may_2025.yaml\ntitle: A\n", {}).scenario.title == "A"
    known = {"quarrel.yaml": QUARREL.encode()}
    opened = open_sent("b.yaml", b"extends: quarrel.yaml\ntitle: B\n", known)
    assert list(opened.files) == ["b.yaml", "quarrel.yaml"]


def test_mistakes_in_a_sent_file_say_where_by_its_own_name() -> None:
    told = mistakes("mine.yaml", b"extends: may_2025.yaml\nmediators:\n  us: {leverge: 2}\n")
    assert told.startswith("mine.yaml:3:8: error: unknown key 'leverge'")
    assert "did you mean 'leverage'?" in told


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", b"title: A", "a.txt: error: this is no scenario file"),
        ("a\x1b[2J.yaml", b"", "the file's name cannot be a scenario's name"),
        ("a" * MAX_NAME + ".yaml", b"", "the file's name cannot be a scenario's name"),
        ("", b"", "this is no scenario file"),
        ("a.yaml", b" " * (MAX_BYTES + 1), "too big for a scenario"),
        ("a.yaml", b"", "the file is empty"),
        ("a.yaml", b"title: \xff\n", "a.yaml:1:8: error: byte 0xff is not UTF-8"),
        ("a.yaml", b"extends: ../../etc/passwd\n", "extends files of its own folder only"),
        ("a.yaml", b"extends: /etc/passwd\n", "extends files of its own folder only"),
        ("a.yaml", b"extends: nowhere.yaml\n", "a.yaml:1:10: error: no file 'nowhere.yaml' here"),
        ("a.yaml", b"extends: a.yaml\n", "a circle of files"),
        ("a.yaml", b"x: !!python/object:os.system {}\n", "error: "),
        ("a.yaml", b"[" * 5000, "error: "),
    ],
)
def test_a_hostile_file_gets_a_kind_answer(name: str, content: bytes, told: str) -> None:
    found = mistakes(name, content)
    assert told in found
    assert "Traceback" not in found
    assert "crisis-sim-" not in found  # the folder in which it was read


@pytest.mark.parametrize("name", ["../../up.yaml", "C:\\down\\up.yaml", "/etc/up.yaml"])
def test_a_path_in_a_sent_name_leads_nowhere(name: str) -> None:
    assert open_sent(name, QUARREL.encode(), {}).file == "up.yaml"
