from __future__ import annotations

import subprocess
import sys

import pytest

import crisis_sim

HEAVY = ("mesa", "scipy", "numpy", "pandas", "pyarrow", "matplotlib", "networkx")


def test_every_public_name_is_there_once_and_in_order() -> None:
    assert all(getattr(crisis_sim, name) and name in dir(crisis_sim) for name in crisis_sim.__all__)
    assert list(crisis_sim.__all__) == sorted(set(crisis_sim.__all__))


def test_an_unknown_name_is_an_attribute_error_that_lists_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"no 'simulat'; it has .*simulate"):
        _ = crisis_sim.simulat


def test_importing_the_package_imports_no_heavy_library() -> None:
    code = f"import sys, crisis_sim; print(sorted({{*{HEAVY!r}}} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_run_imports_no_library_that_it_does_not_need() -> None:
    late = "{'pandas', 'networkx', 'scipy.spatial', 'matplotlib'} & {*sys.modules}"
    code = f"import sys\nimport crisis_sim.model, crisis_sim.batch.run\nprint({late})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"
