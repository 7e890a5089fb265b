from __future__ import annotations

import subprocess
import sys

import pytest

import crisis_sim

HEAVY = ("mesa", "scipy", "numpy", "pandas", "pyarrow", "matplotlib", "networkx")


@pytest.mark.parametrize("name", crisis_sim.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(crisis_sim, name)
    assert name in dir(crisis_sim)


def test_the_names_are_listed_once_and_in_order() -> None:
    assert list(crisis_sim.__all__) == sorted(set(crisis_sim.__all__))


def test_an_unknown_name_is_an_attribute_error_that_lists_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"no 'simulat'; it has .*simulate"):
        _ = crisis_sim.simulat


def test_importing_the_package_imports_no_heavy_library() -> None:
    code = f"import sys, crisis_sim; print(sorted({{*{HEAVY!r}}} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
