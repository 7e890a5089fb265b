from __future__ import annotations

from pathlib import Path

import pytest

from tests.hindcast.made_up_crises import made_up


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with twenty made-up crises and their outcomes."""
    return made_up(tmp_path)
