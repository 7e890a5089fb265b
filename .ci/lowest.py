"""Print the oldest version of each library that pyproject.toml allows, as constraints for pip."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest(text: str) -> str | None:
    """A requirement's lower bound as a constraint, or None if it has no such bound."""
    wanted = Requirement(text)
    bounds = [one.version for one in wanted.specifier if one.operator == ">="]
    if not bounds:
        return None
    marker = f" ; {wanted.marker}" if wanted.marker else ""
    return f"{wanted.name}=={bounds[0]}{marker}"


def main() -> None:
    """Print a line for each library that runs need and that tests need."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["cluster"], *extras["dashboard"], *extras["test"]]
    print("\n".join(sorted(filter(None, map(lowest, wanted)))))


if __name__ == "__main__":
    main()
