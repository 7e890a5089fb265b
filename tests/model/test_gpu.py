"""The engine for graphics cards; tests that need a card are skipped without one."""

from __future__ import annotations

import sys
from typing import Any, cast

import numpy as np
import pytest

from crisis_sim.batch import BatchError, run_to_folder, simulate
from crisis_sim.model import CrisisModel, Journal, gpu
from crisis_sim.model.compiling import driver
from crisis_sim.model.event_loop import run_every
from crisis_sim.model.observer import Observer
from crisis_sim.model.states import State
from crisis_sim.scenario import Scenario, load_scenario
from tests.model.conftest import same


def has_card() -> bool:
    try:
        gpu.check_card()
    except gpu.NoCardError:
        return False
    return True


class CardArray(np.ndarray):
    """An array on the simulated card."""

    def copy_to_host(self, array: Any = None) -> Any:
        if array is None:
            return np.array(self)
        array[...] = self
        return array


class FakeCard:
    """Simulates a card: arrays are copied to it and back, and its threads run one after another."""

    def __init__(self) -> None:
        self.thread = 0

    def to_device(self, array: Any) -> Any:
        return array.copy().view(CardArray)

    def device_array(self, count: int, dtype: Any) -> Any:
        made = np.empty(count, dtype)
        made.view(np.uint8).fill(255)
        return made.view(CardArray)

    def grid(self, _: int) -> int:
        return self.thread

    def jit(self, function: Any) -> Any:
        def launch(*arguments: Any) -> None:
            for self.thread in range(9):
                function(*arguments)

        return {(3, 3): launch}


@pytest.fixture
def with_fake_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three blocks of three threads, for seven workspaces."""
    card, loop = FakeCard(), cast(Any, run_every)
    monkeypatch.setattr(gpu, "check_card", lambda: "a card")
    monkeypatch.setattr(gpu, "_cuda", lambda: card)
    monkeypatch.setattr(gpu, "kernel", gpu.kernel.__wrapped__)
    monkeypatch.setattr(gpu, "run_every", driver(loop.py_func))
    monkeypatch.setattr(gpu, "WORKSPACES", 7)
    monkeypatch.setattr(gpu, "THREADS", 3)


@pytest.mark.slow
@pytest.mark.usefixtures("with_fake_card")
@pytest.mark.parametrize("watched", [False, True])
def test_crises_on_a_card_are_the_same_and_are_copied_back(
    may_2025: Scenario, watched: bool
) -> None:
    days: list[float] = []
    watch = (lambda model: days.append(model.days)) if watched else None
    on_cpu = CrisisModel(may_2025, 60, seed=4, keep_paths=20).run()
    on_card = CrisisModel(may_2025, 60, seed=4, keep_paths=20, engine="gpu").run(watch)
    assert (len(days) > 1) is watched
    assert same(on_cpu.outcomes(), on_card.outcomes())
    assert on_cpu.events_run == on_card.events_run
    paths, brought = on_cpu.kept_paths(), on_card.kept_paths()
    assert paths is not None
    assert brought is not None
    assert same(paths, brought)


@pytest.mark.slow
@pytest.mark.usefixtures("with_fake_card")
def test_a_batch_on_a_card_is_the_same_and_records_its_engine() -> None:
    on_cpu, on_card = (simulate("may_2025", 30, engine=engine) for engine in ("cpu", "gpu"))
    assert on_card.ensembles["may_2025"].table.equals(on_cpu.ensembles["may_2025"].table)
    assert (on_cpu.manifest["engine"], on_card.manifest["engine"]) == ("cpu", "gpu")


class Own(State):
    """A class of the user."""


@pytest.mark.parametrize(
    "further",
    [
        {"agents": [Observer]},
        {"roles": {"states": Own}},
        {"journal": Journal()},
        {"policies": {"India": lambda _: None}},
    ],
)
def test_own_classes_policies_and_a_journal_need_the_cpu(
    may_2025: Scenario, further: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="need the engine cpu"):
        CrisisModel(may_2025, 1, engine="gpu", **further)


def test_an_unknown_engine_is_refused(may_2025: Scenario) -> None:
    with pytest.raises(ValueError, match="unknown engine 'tpu'; expected cpu or gpu"):
        CrisisModel(may_2025, 1, engine="tpu")


def test_a_batch_with_own_classes_or_on_a_cluster_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(gpu, "check_card", lambda: "a card")
    with pytest.raises(BatchError, match="run on the engine cpu only"):
        simulate("may_2025", 10, agents=[Observer], engine="gpu")
    with pytest.raises(BatchError, match="engine cpu"):
        run_to_folder("may_2025", tmp_path / "out", 10, scheduler="local", engine="gpu")
    with pytest.raises(BatchError, match="unknown engine 'tpu'; expected cpu or gpu"):
        simulate("may_2025", 10, engine="tpu")


def test_a_missing_library_is_reported_with_its_installation(
    may_2025: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numba_cuda", None)
    with pytest.raises(BatchError, match=r"pip install 'crisis-sim\[gpu\]'"):
        simulate("may_2025", 10, engine="gpu")
    with pytest.raises(gpu.NoCardError, match=r"pip install 'crisis-sim\[gpu\]'"):
        CrisisModel(may_2025, 1, engine="gpu")


needs_a_card = pytest.mark.skipif(not has_card(), reason="there is no graphics card")


@needs_a_card
@pytest.mark.parametrize("name", ["may_2025", "no_mediators", "since_1945"])
def test_a_card_runs_the_same_crises_up_to_last_digits(name: str) -> None:
    scenario, replicates = load_scenario(name), 4000
    on_cpu = CrisisModel(scenario, replicates, seed=2, keep_paths=50).run()
    on_card = CrisisModel(scenario, replicates, seed=2, keep_paths=50, engine="gpu").run()
    alike = np.full(replicates, True)
    other = on_card.outcomes()
    for column, values in on_cpu.outcomes().items():
        if values.dtype.kind == "f":
            alike &= np.isclose(values, other[column], rtol=1e-3, atol=1e-3, equal_nan=True)
        else:
            alike &= values == other[column]
    assert alike.mean() > 0.999  # a last digit may change a decision, and so a crisis
    paths, brought = on_cpu.kept_paths(), on_card.kept_paths()
    assert paths is not None
    assert brought is not None
    rungs = [name for name in paths if name.endswith("_rung")]
    assert np.mean([paths[name] == brought[name] for name in rungs]) > 0.999


@needs_a_card
def test_a_card_runs_the_points_of_a_design(may_2025: Scenario) -> None:
    values = {"mediators.us.attention_threshold": np.repeat([0.2, 0.9], 500)}
    on_cpu, on_card = (
        CrisisModel(may_2025, 500, 2, parameters=values, points=2, engine=engine).run().outcomes()
        for engine in ("cpu", "gpu")
    )
    assert np.mean(on_cpu["ending"] == on_card["ending"]) > 0.999
