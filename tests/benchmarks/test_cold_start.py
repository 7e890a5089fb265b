from __future__ import annotations

import pytest

from benchmarks.cold_start import ColdStart, Split


class Watch:
    """A clock that goes on only when it is told to."""

    time = 0.0

    def __call__(self):
        return self.time


@pytest.fixture
def watch():
    return Watch()


def test_each_moment_counts_to_the_innermost_phase(watch):
    split = Split(watch)
    with split.phase("writing"):
        watch.time += 1
        with split.phase("model"):
            watch.time += 10
            with split.phase("imports"):
                watch.time += 100
            watch.time += 20
        watch.time += 2
    watch.time += 1_000
    assert split.seconds == {"writing": 3, "model": 30, "imports": 100}


def test_a_function_counts_to_its_phase_whoever_calls_it_and_once(watch):
    split = Split(watch)

    def step(deeper):
        watch.time += 1
        return deeper and counted(deeper - 1)

    counted = split.counting("model", step)
    with split.phase("writing"):
        assert counted(3) == 0
    assert split.seconds == {"writing": 0, "model": 4}


def test_a_phase_that_fails_is_over(watch):
    split = Split(watch)

    def fail():
        watch.time += 5
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        split.counting("reading", fail)()
    with split.phase("model"):
        watch.time += 1
    assert split.seconds == {"reading": 5, "model": 1}


def test_what_a_function_takes_is_caught_only_within(watch):
    class Model:
        def run(self):
            watch.time += 1

    split, run = Split(watch), Model.run
    with split.phase("writing"):
        with split.catching("model", Model, "run"):
            Model().run()
        Model().run()
    assert split.seconds == {"writing": 1, "model": 1}
    assert Model.run is run


def test_imports_and_the_start_of_python_are_no_work():
    phases = {"python": 1, "imports": 2, "reading": 4, "model": 8, "statistics": 16, "writing": 32}
    assert ColdStart("may_2025", 10, 63, phases).work == 60
