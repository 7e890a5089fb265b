from __future__ import annotations

import pickle
import shutil
import warnings
from collections.abc import Callable
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


def thrice(number):
    return 3.0 * number


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes the rule `thrice` as a new process would, where it is kept already."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(rules, "_said", set())
    rules._folder.cache_clear()
    assert rules.compiled(thrice)(2.0) == 6.0
    yield tmp_path
    rules._folder.cache_clear()


def the(kept: Path, suffix: str) -> Path:
    (path,) = kept.rglob(f"*{suffix}")
    return path


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def a_folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "something").touch()


def rewrite_index(kept: Path, content: object) -> None:
    path = the(kept, ".nbi")
    with path.open("rb") as file:
        version = pickle.load(file)  # noqa: S301 - our own
    path.write_bytes(pickle.dumps(version) + pickle.dumps(content))


def other_data(kept: Path) -> None:
    """The index leads to what became of the rule for another kind of number."""
    rules.compiled(thrice)(2)
    one, two = sorted(kept.rglob("*.nbc"))
    shutil.copy(two, one)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "data cut short": lambda kept: the(kept, ".nbc").write_bytes(b"\x80\x05"),
    "data empty": lambda kept: the(kept, ".nbc").write_bytes(b""),
    "data garbage": lambda kept: the(kept, ".nbc").write_bytes(b"garbage" * 1000),
    "data with a flipped bit at its start": lambda kept: flip(the(kept, ".nbc"), 100),
    "data with a flipped bit at its end": lambda kept: flip(the(kept, ".nbc"), -100),
    "data a folder": lambda kept: a_folder_instead(the(kept, ".nbc")),
    "data of another kind of number": other_data,
    "index cut short": lambda kept: the(kept, ".nbi").write_bytes(
        the(kept, ".nbi").read_bytes()[:100]
    ),
    "index empty": lambda kept: the(kept, ".nbi").write_bytes(b""),
    "index garbage": lambda kept: the(kept, ".nbi").write_bytes(b"garbage" * 1000),
    "index no pair": lambda kept: rewrite_index(kept, [1, 2, 3]),
    "index a folder": lambda kept: a_folder_instead(the(kept, ".nbi")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_kept_and_damaged_is_said_once_and_compiled_anew(kept: Path, damage: str) -> None:
    DAMAGE[damage](kept)
    with pytest.warns(match="are damaged on disk, and are compiled anew") as said:
        assert rules.compiled(thrice)(2.0) == 6.0
    assert len(said) == 1
    again = rules.compiled(thrice)
    assert again(2.0) == 6.0
    assert sum(again.stats.cache_hits.values()) == 1, "it was not kept anew"


def test_damage_is_said_once_however_much_there_is(kept: Path) -> None:
    for expected in (1, 0):
        flip(the(kept, ".nbc"), 100)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            assert rules.compiled(thrice)(2.0) == 6.0
        assert len(said) == expected


def test_where_the_folder_of_what_is_kept_is_a_file_all_goes_on(kept: Path) -> None:
    folder = the(kept, ".nbi").parent
    shutil.rmtree(folder)
    folder.touch()
    with pytest.warns(match="cannot be kept on disk"):
        assert rules.compiled(thrice)(2.0) == 6.0


def test_a_disk_that_is_full_as_rules_are_kept_is_said(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    the(kept, ".nbi").unlink()
    monkeypatch.setattr(rules._Files, "save", full)
    with pytest.warns(match="cannot be kept on disk.*No space left on device"):
        assert rules.compiled(thrice)(2.0) == 6.0
