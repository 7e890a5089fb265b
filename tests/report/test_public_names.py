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


def test_importing_the_room_imports_no_heavy_library() -> None:
    code = (
        "import sys, crisis_sim.report; "
        "print([m for m in ('matplotlib', 'rich', 'numpy', 'mesa') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_drawing_never_imports_pyplot() -> None:
    code = "import sys, crisis_sim.report.curves; print('matplotlib.pyplot' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
