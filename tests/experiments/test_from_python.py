from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "from_python.py"


def test_the_script_asks_its_questions_and_prints_their_answers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runpy.run_path(str(SCRIPT))["main"](replicates=10)
    printed = capsys.readouterr().out
    assert "How much does it cost to wait?\n- Ceasefire within 96 hours" in printed
    assert "Was it the back-channel, the purse or Washington?\n- " in printed
    assert printed.count("ceasefire_within_96_hours") == 5  # a row a point
