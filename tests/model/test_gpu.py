"""The engine for graphics cards; what needs one is left out where there is none."""

from __future__ import annotations

import sys
from typing import Any, cast

import numpy as np
import pytest

from crisis_sim.batch import BatchError, run_to_folder, simulate
from crisis_sim.model import CrisisModel, Journal, gpu
from crisis_sim.model.compiled import driver
from crisis_sim.model.observer import Observer
from crisis_sim.model.schedule import run_every
from crisis_sim.model.state import State
from crisis_sim.scenario import Scenario, load_scenario
from tests.model.conftest import same


def has_card() -> bool:
    try:
        gpu.check_card()
    except gpu.NoCardError:
        return False
    return True


class There(np.ndarray):
    """An array on the stand."""

    def copy_to_host(self, array: Any = None) -> Any:
        if array is None:
            return np.array(self)
        array[...] = self
        return array


class Stand:
    """Stands in for a card: arrays are copied to it and back, and its threads go one after the other."""

    def __init__(self) -> None:
        self.thread = 0

    def to_device(self, array: Any) -> Any:
        return array.copy().view(There)

    def device_array(self, count: int, dtype: Any) -> Any:
        made = np.empty(count, dtype)
        made.view(np.uint8).fill(255)
        return made.view(There)

    def grid(self, _: int) -> int:
        return self.thread

    def jit(self, function: Any) -> Any:
        def launch(*arguments: Any) -> None:
            for self.thread in range(9):
                function(*arguments)

        return {(3, 3): launch}


@pytest.fixture
def with_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three blocks of three threads, for seven desks."""
    card, loop = Stand(), cast(Any, run_every)
    monkeypatch.setattr(gpu, "check_card", lambda: "a stand")
    monkeypatch.setattr(gpu, "_cuda", lambda: card)
    monkeypatch.setattr(gpu, "kernel", gpu.kernel.__wrapped__)
    monkeypatch.setattr(gpu, "run_every", driver(loop.py_func))
    monkeypatch.setattr(gpu, "WORKSPACES", 7)
    monkeypatch.setattr(gpu, "THREADS", 3)


@pytest.mark.slow
@pytest.mark.usefixtures("with_stand")
def test_crises_shared_out_among_desks_are_the_same_and_come_back_whole(
    may_2025: Scenario,
) -> None:
    here = CrisisModel(may_2025, 60, seed=4, keep_paths=20).run()
    there = CrisisModel(may_2025, 60, seed=4, keep_paths=20, engine="gpu").run()
    assert same(here.outcomes(), there.outcomes())
    assert here.events_run == there.events_run
    paths, brought = here.kept_paths(), there.kept_paths()
    assert paths is not None
    assert brought is not None
    assert same(paths, brought)


@pytest.mark.slow
@pytest.mark.usefixtures("with_stand")
def test_day_by_day_it_is_the_same_run(may_2025: Scenario) -> None:
    days: list[float] = []
    there = CrisisModel(may_2025, 20, engine="gpu").run(watch=lambda model: days.append(model.days))
    assert len(days) > 1
    assert same(CrisisModel(may_2025, 20).run().outcomes(), there.outcomes())


@pytest.mark.slow
@pytest.mark.usefixtures("with_stand")
def test_a_batch_for_a_card_is_the_same_batch_and_says_on_what_it_ran() -> None:
    here, there = (simulate("may_2025", 30, engine=engine) for engine in ("cpu", "gpu"))
    assert there.ensembles["may_2025"].table.equals(here.ensembles["may_2025"].table)
    assert (here.manifest["engine"], there.manifest["engine"]) == ("cpu", "gpu")


class Own(State):
    """A class of one's own."""


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


def test_another_engine_is_refused(may_2025: Scenario) -> None:
    with pytest.raises(ValueError, match="'tpu' is unknown; there are cpu, gpu"):
        CrisisModel(may_2025, 1, engine="tpu")


def test_a_batch_with_them_is_refused_and_so_is_one_on_a_cluster(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(gpu, "check_card", lambda: "a stand")
    with pytest.raises(BatchError, match="need the engine cpu"):
        simulate("may_2025", 10, agents=[Observer], engine="gpu")
    with pytest.raises(BatchError, match="engine cpu"):
        run_to_folder("may_2025", tmp_path / "out", 10, scheduler="local", engine="gpu")
    with pytest.raises(BatchError, match="'tpu' is unknown; there are cpu, gpu"):
        simulate("may_2025", 10, engine="tpu")


def test_without_the_library_it_says_what_to_install(
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
def test_a_card_runs_the_same_crises_but_for_last_digits(name: str) -> None:
    scenario, replicates = load_scenario(name), 4000
    here = CrisisModel(scenario, replicates, seed=2, keep_paths=50).run()
    there = CrisisModel(scenario, replicates, seed=2, keep_paths=50, engine="gpu").run()
    alike = np.full(replicates, True)
    other = there.outcomes()
    for column, values in here.outcomes().items():
        if values.dtype.kind == "f":
            alike &= np.isclose(values, other[column], rtol=1e-3, atol=1e-3, equal_nan=True)
        else:
            alike &= values == other[column]
    assert alike.mean() > 0.999  # where a digit tips a decision, a crisis takes another path
    paths, brought = here.kept_paths(), there.kept_paths()
    assert paths is not None
    assert brought is not None
    rungs = [name for name in paths if name.endswith("_rung")]
    assert np.mean([paths[name] == brought[name] for name in rungs]) > 0.999


@needs_a_card
def test_a_card_runs_the_points_of_a_design(may_2025: Scenario) -> None:
    values = {"mediators.us.attention_threshold": np.repeat([0.2, 0.9], 500)}
    here, there = (
        CrisisModel(may_2025, 500, 2, parameters=values, points=2, engine=engine).run().outcomes()
        for engine in ("cpu", "gpu")
    )
    assert np.mean(here["ending"] == there["ending"]) > 0.999
