"""Short names of factors, for sentences and charts."""

from __future__ import annotations

from collections.abc import Sequence


def names_of(paths: Sequence[str]) -> dict[str, str]:
    """Each path without its section: `us.leverage.india`; whole where two would be called the same."""
    short = {path: path.split(".", 1)[-1] for path in paths}
    called = list(short.values())
    return {path: name if called.count(name) == 1 else path for path, name in short.items()}
