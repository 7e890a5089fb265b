from __future__ import annotations

import subprocess
import sys

import pytest

import crisis_sim.report


@pytest.mark.parametrize("name", crisis_sim.report.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert callable(getattr(crisis_sim.report, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="draw_nothing"):
        _ = crisis_sim.report.draw_nothing


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("crisis_sim.report", ("matplotlib", "rich", "numpy", "mesa")),
        ("crisis_sim.report.curves", ("matplotlib.pyplot",)),
    ],
)
def test_importing_a_module_imports_no_heavy_library(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
