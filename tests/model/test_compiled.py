from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.registry import CPUDispatcher

import crisis_sim.model
from crisis_sim.model.compiled import are_kept, compiled


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(crisis_sim.model.__path__, "crisis_sim.model."):
        yield importlib.import_module(found.name)


def rules(module: ModuleType) -> dict[str, Any]:
    own = {name: one for name, one in vars(module).items() if isinstance(one, CPUDispatcher)}
    return {name: one for name, one in own.items() if one.py_func.__module__ == module.__name__}


@pytest.mark.parametrize("module", list(modules()), ids=lambda module: module.__name__)
def test_a_compiled_rule_uses_rules_and_constants_of_its_own_file_only(module: ModuleType) -> None:
    """What Numba keeps on disk is made anew when the rule's own file changes, and only then."""
    for name, rule in rules(module).items():
        for used in rule.py_func.__code__.co_names:
            there = getattr(module, used, None)
            if isinstance(there, CPUDispatcher):
                assert there.py_func.__module__ == module.__name__, f"{name} calls {used}"
            elif isinstance(there, ModuleType):
                assert there is np, f"{name} uses something of {used}"


def test_there_are_compiled_rules_to_look_at() -> None:
    assert sum(len(rules(module)) for module in modules()) > 20


def test_a_rule_computes_in_the_precision_of_its_arrays() -> None:
    tenth = np.full(1, 0.1, np.float32)

    @compiled
    def thrice(numbers: np.ndarray) -> np.ndarray:
        out = np.empty_like(numbers)
        for one in range(numbers.size):
            out[one] = numbers[one] * np.float32(3) - np.float32(0.3)
        return out

    assert thrice(tenth)[0] == tenth[0] * np.float32(3) - np.float32(0.3)


def test_where_nothing_can_be_kept_on_disk_rules_are_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    translate = numba.njit

    def without_a_place(*args: Any, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return translate(*args, **options)

    monkeypatch.setattr(numba, "njit", without_a_place)

    @compiled
    def twice(number: float) -> float:
        return 2 * number

    assert twice(2.5) == 5.0


def test_it_is_known_whether_rules_are_kept_on_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rule = SimpleNamespace(stats=SimpleNamespace(cache_path=str(tmp_path)))
    monkeypatch.setattr("crisis_sim.model.choice.weigh", rule)
    assert not are_kept()
    (tmp_path / "choice.weigh-1.py311.nbi").touch()
    assert are_kept()
