"""The command line: parse, call, print; one module for each command or few.

What a person asked for goes to stdout, talk and progress to stderr. Libraries that take long to
import are imported inside the commands that need them: `--help` and `check` answer at once.
"""

from __future__ import annotations

# Importing a module makes the program know its commands.
from crisis_sim.cli import experiment, files, run  # noqa: F401
from crisis_sim.cli.app import (
    BLOCKS_FAILED,
    CHECK_FAILED,
    DONE,
    EXIT_CODES,
    INTERRUPTED,
    MISTAKE,
    TERMINATED,
    app,
    collect_seldom,
    main,
    run_command,
)

__all__ = [
    "BLOCKS_FAILED",
    "CHECK_FAILED",
    "DONE",
    "EXIT_CODES",
    "INTERRUPTED",
    "MISTAKE",
    "TERMINATED",
    "app",
    "collect_seldom",
    "main",
    "run_command",
]
