"""Talk goes to stderr: stdout is for results."""

from __future__ import annotations

import sys


def talk(words: str) -> None:
    """Say on stderr what is going on."""
    print(words, file=sys.stderr, flush=True)
