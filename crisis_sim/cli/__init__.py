"""The command line: parse, call, print; one module for each command or few.

What a person asked for goes to stdout, talk and progress to stderr. Libraries that take long to
import are imported inside the commands that need them: `--help` and `check` answer at once.
"""

from __future__ import annotations

# Importing a command's module makes the program know it.
from crisis_sim.cli import (  # noqa: F401
    attribute,
    compare,
    dashboard,
    doctor,
    experiment,
    files,
    posterior,
    replay,
    report,
    run,
    sensitivity,
    sweep,
    tune,
    validate,
)
from crisis_sim.cli.app import app, collect_seldom, main, run_command
from crisis_sim.cli.codes import (
    BLOCKS_FAILED,
    CHECK_FAILED,
    DONE,
    EXIT_CODES,
    INTERRUPTED,
    MISTAKE,
    TERMINATED,
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
