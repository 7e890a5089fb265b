from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.scenario.files import BASE, Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a scenario file into a folder that has `base.yaml`, and return its path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    write("base.yaml", BASE)
    return write
