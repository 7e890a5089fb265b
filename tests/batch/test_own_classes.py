"""Custom classes: loading from files, checks, records, and running in workers."""

from __future__ import annotations

import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from crisis_sim.batch import BatchError, ResultsError, read_batch, resume, run_to_folder, simulate
from crisis_sim.batch.block import BlockOrder, make_plan, run_block
from crisis_sim.batch.own_classes import (
    ClassReference,
    check_rules,
    classes_in_words,
    labelled_with_classes,
    load_class,
    load_reference,
    to_reference,
)
from crisis_sim.model.observer import Observer
from crisis_sim.outcomes import join
from crisis_sim.scenario import ScenarioError, load_scenario
from tests.batch.crises import EnoughError, rows

EXAMPLES = Path(__file__).parents[2] / "docs" / "guide" / "examples"
SCENARIO = load_scenario("may_2025")
LABEL = "may_2025 with SecurityCouncil"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the guide's files of classes, whose compiled rules are cached by their text."""
    for name in ("my_rules.py", "unsc.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
        monkeypatch.delitem(sys.modules, Path(name).stem, raising=False)  # another test's
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def council(here: Path) -> Any:
    return load_class("unsc.py:SecurityCouncil")


@pytest.fixture
def cautious(here: Path) -> Any:
    return load_class("my_rules.py:Cautious")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        *((b"", name) for name in ("gone.py:X", "unscc.py:X", ".:X", "unsc.py:SecurityCouncl")),
        (b"from crisis_sim import Agent", "own.py:Agent"),
        *(
            (text, "own.py:X")
            for text in (
                *(
                    b"class X: pass",
                    b"\n\ndef f(:\n",
                    b"x = 1\n    y = 2\n",
                    b"class X:\n    a = b\n",
                ),
                *(b"import sys\nsys.exit(0)", b"import unsc", b"\xff"),
            )
        ),
    ],
)
def test_mistakes_in_files_of_classes_are_reported_with_their_position(
    here: Path, text: bytes, named: str, snapshot: SnapshotAssertion
) -> None:
    (here / "own.py").write_bytes(text)
    with pytest.raises(ScenarioError) as error:
        load_class(named)
    assert str(error.value).replace(str(here), "HERE") == snapshot


@pytest.mark.parametrize("named", ["unsc.py", ":X", "unsc.py:", "unsc.py:a class"])
def test_a_class_is_named_with_its_file(here: Path, named: str) -> None:
    with pytest.raises(BatchError, match=r"expected FILE\.py:CLASS, such as my_rules\.py:Cautious"):
        load_class(named)


def test_classes_must_fit_the_roles_that_they_are_given(cautious: Any, council: Any) -> None:
    for roles, agents, message in (
        ({"pakistn": cautious}, (), "no agent 'pakistn' for Cautious to replace; .* did you mean 'pakistan'"),
        ({"us": cautious}, (), r"my_rules\.py:Cautious cannot be 'us': .* crisis_sim\..*Mediator"),
        ({"states": council}, (), r"unsc\.py:SecurityCouncil cannot be 'states'"),
        ({}, (cautious,), r"my_rules\.py:Cautious has the role states, whose agents are named in a scenario"),
        ({}, (ClassReference,), "ClassReference has no role"),
    ):  # fmt: skip
        with pytest.raises(BatchError, match=message):
            check_rules([SCENARIO], roles, agents)
        with pytest.raises(BatchError, match=message):
            make_plan(SCENARIO, 5, 1, None, None, agents=agents, roles=roles)
    check_rules([SCENARIO], {"pakistan": cautious, "states": cautious}, (council, Observer))
    others = load_scenario("no_mediators")
    with pytest.raises(BatchError, match="no agent 'us'"):
        check_rules([others], {"us": cautious}, ())


def test_labels_list_custom_classes_and_added_agents(cautious: Any, council: Any) -> None:
    both = labelled_with_classes(SCENARIO, {"pakistan": cautious}, (council, Observer))
    assert both.name == "may_2025 with pakistan by Cautious and SecurityCouncil"
    assert both.title == f"{SCENARIO.title}, with pakistan by Cautious and SecurityCouncil"
    assert labelled_with_classes(both, {"pakistan": cautious}, (council,)) is both
    assert labelled_with_classes(SCENARIO, {"northland": cautious}, ()) is SCENARIO
    assert labelled_with_classes(SCENARIO, {}, (Observer,)) is SCENARIO, (
        "it has no part in the crisis"
    )
    assert classes_in_words({"states": cautious}, ()) == "states by Cautious"


def test_a_class_is_pickled_as_a_reference_to_its_file(here: Path, council: Any) -> None:
    order = BlockOrder(SCENARIO, 0, 5, 1, agents=[council, Observer])
    sent = pickle.loads(pickle.dumps(order))  # noqa: S301 - our own
    assert sent.agents == (to_reference(council), Observer)
    assert isinstance(sent.agents[0], ClassReference)
    assert load_reference(sent.agents[0]) is council
    with (here / "unsc.py").open("a") as file:
        file.write("# another text\n")
    with pytest.raises(BatchError, match=r"unsc\.py has changed since the run began"):
        run_block(sent)


def test_a_plan_may_include_scenarios_without_the_classes(council: Any) -> None:
    plan = make_plan([SCENARIO], 5, 1, None, None, agents=[council], compare_without=True)
    assert [one.name for one in plan.scenarios] == ["may_2025", LABEL]
    assert [len(order.agents) for order in plan.orders()] == [0, 1]
    with pytest.raises(
        BatchError, match="compare_without leaves out agents and roles, but none are given"
    ):
        make_plan([SCENARIO], 5, 1, None, None, compare_without=True)


@pytest.mark.slow
def test_runs_with_and_without_a_class_use_the_same_random_numbers(
    here: Path, council: Any
) -> None:
    batch = simulate("may_2025", 100, agents=[council], compare_without=True)
    assert list(batch.ensembles) == ["may_2025", LABEL]
    alone = simulate("may_2025", 100)
    plain = alone.ensembles["may_2025"].table
    same = batch.ensembles["may_2025"].table.select(plain.column_names)
    assert same.to_pylist() == plain.to_pylist()
    apart = simulate("may_2025", 100, agents=[council])
    assert rows(batch)[LABEL] == rows(apart)[LABEL]
    assert list(join(alone, apart).ensembles) == ["may_2025", LABEL]
    begun = [one.column("first_strike_at_hours").tolist() for one in batch.ensembles.values()]
    assert str(begun[0]) == str(begun[1]), "it meets after serious violence alone"


@pytest.mark.slow
def test_a_custom_class_gives_the_same_results_in_processes(
    here: Path, cautious: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crisis_sim.batch.workers.POOL_START_SECONDS", 0.0)
    monkeypatch.setattr("crisis_sim.batch.workers.MOST_THREADS", 1)  # so there are processes
    options: Any = {"roles": {"states": cautious}}
    alone = simulate("may_2025", 60, block_size=60, **options)
    pooled = simulate("may_2025", 60, block_size=20, workers=2, **options)
    assert rows(alone) == rows(pooled)
    (ensemble,) = alone.ensembles.values()
    assert np.isnan(ensemble.column("first_strike_at_hours")).all()


@pytest.mark.slow
def test_a_run_is_resumed_only_with_the_same_text_of_its_classes(here: Path, council: Any) -> None:
    def stop(done: int, crises: int) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        run_to_folder("may_2025", "out", 40, block_size=20, agents=[council], progress=stop)
    with pytest.raises(ResultsError, match="to continue it: crisis-sim run --resume out"):
        read_batch("out")
    text = Path("unsc.py").read_text(encoding="utf-8")
    Path("unsc.py").write_text(text.replace("2.0", "3.0"), encoding="utf-8")
    with pytest.raises(
        ResultsError,
        match=r"rules: with unsc\.py:SecurityCouncil: text \w{12} there, text \w{12} now",
    ):
        resume("out")
    with pytest.raises(ResultsError, match=r"rules: with .*, nothing now"):
        run_to_folder("may_2025", "out", 40, resume=True)
    Path("unsc.py").write_text(text, encoding="utf-8")
    manifest = resume("out")
    assert manifest["agents_added"] == ["unsc.py:SecurityCouncil"]
    (rule,) = manifest["rules"]
    assert Path(rule["file"]).samefile("unsc.py")
    assert rows(Path("out")) == rows(simulate("may_2025", 40, agents=[council]))
    other = run_to_folder("may_2025", "other", 40)
    assert other["identity"] != manifest["identity"]
