"""What the room asks of others and costs them."""

from __future__ import annotations

import subprocess
import sys

import crisis_sim.outcomes


def test_importing_the_room_imports_no_heavy_library() -> None:
    heavy = ("scipy", "pandas", "pyarrow", "mesa", "matplotlib")
    code = f"import sys, crisis_sim.outcomes; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there() -> None:
    assert sorted(crisis_sim.outcomes.__all__) == crisis_sim.outcomes.__all__
    for name in crisis_sim.outcomes.__all__:
        assert getattr(crisis_sim.outcomes, name).__doc__
