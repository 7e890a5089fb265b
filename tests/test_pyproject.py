"""What pyproject.toml says of the package is so."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
#: What the package needs, and what an extra part of it does.
DECLARED = {
    canonicalize_name(Requirement(text).name)
    for text in (
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["cluster"],
        *PROJECT["project"]["optional-dependencies"]["dashboard"],
    )
}
#: pydantic-core is the other half of pydantic, which pins it.
COME_ALONG = {"pydantic_core"}


def imported_by(file: Path) -> set[str]:
    """The packages that a module imports, whether at its head or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def test_every_library_that_is_imported_is_declared() -> None:
    imported = set().union(*map(imported_by, (ROOT / "crisis_sim").rglob("*.py")))
    others = imported - sys.stdlib_module_names - COME_ALONG - {"crisis_sim"}
    homes = {
        name: {canonicalize_name(home) for home in found}
        for name, found in packages_distributions().items()
    }
    assert {"mesa", "numpy"} <= others
    undeclared = {name for name in others if not DECLARED & homes.get(name, set())}
    assert undeclared == set()


SOURCE = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]


@pytest.mark.parametrize("path", SOURCE)
def test_what_a_source_distribution_includes_is_there(path: str) -> None:
    assert (ROOT / path.removeprefix("/")).exists()


def test_a_source_distribution_has_what_its_contributing_guide_works_with() -> None:
    assert {"/Makefile", "/benchmarks", "/CONTRIBUTING.md", "/tests"} <= set(SOURCE)
