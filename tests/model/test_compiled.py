from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import crisis_sim.model
from crisis_sim.model import compiled as rules
from crisis_sim.model.arrays import Real

HERE = Path(crisis_sim.model.__path__[0])


def test_a_rule_computes_in_the_precision_of_its_numbers() -> None:
    @rules.rule
    def thrice(number):
        return number * Real(3) - Real(0.3)

    @rules.compiled
    def of_all(numbers):
        out = np.empty_like(numbers)
        for one in range(numbers.size):
            out[one] = thrice(numbers[one])
        return out

    tenth = np.full(1, 0.1, Real)
    assert of_all(tenth)[0] == tenth[0] * Real(3) - Real(0.3)
    assert of_all(tenth).dtype == Real


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The model's files in a folder of their own, beside which nothing is kept yet."""
    for path in HERE.glob("*.py"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(rules, "__file__", str(tmp_path / "compiled.py"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    rules._folder.cache_clear()
    yield tmp_path
    rules._folder.cache_clear()


def kept_in() -> Path:
    rules._folder.cache_clear()
    folder = rules._folder()
    assert folder is not None
    return folder


def test_what_is_compiled_is_kept_anew_when_any_rule_changes(elsewhere: Path) -> None:
    before = kept_in()
    assert before.parent == elsewhere / "__pycache__"
    assert kept_in() == before
    with (elsewhere / "mediator.py").open("a") as file:
        file.write("# changed\n")
    after = kept_in()
    assert after != before
    assert not before.exists()


def test_it_is_known_whether_rules_are_kept_on_disk(elsewhere: Path) -> None:
    assert not rules.are_kept()
    (kept_in() / "model").mkdir()
    (kept_in() / "model" / "turn.take_turns-1.py311.nbi").touch()
    assert rules.are_kept()


def test_where_the_package_cannot_be_written_they_are_kept_in_the_users_cache(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (elsewhere / "__pycache__").write_text("no folder")
    user = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(rules.platformdirs, "user_cache_path", lambda name: user / name)
    assert kept_in().parent == user / "crisis-sim"


def test_the_folder_that_numba_is_told_to_keep_things_in_comes_first(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chosen = tmp_path_factory.mktemp("chosen")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(chosen))
    assert kept_in().parent == chosen


def test_where_nothing_can_be_kept_on_disk_rules_are_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "_folder", lambda: None)

    @rules.compiled
    def twice(number):
        return 2 * number

    assert twice(2.5) == 5.0
    assert not rules.are_kept()
