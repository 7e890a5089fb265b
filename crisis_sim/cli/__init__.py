"""The command line: parse, call, print; one module for each command or few.

What a person asked for goes to stdout, talk and progress to stderr. Libraries that take long to
import are imported inside the commands that need them: `--help` and `check` answer at once.
"""

from __future__ import annotations

# Importing a module makes the program know its commands.
from crisis_sim.cli import experiment, files, history, run  # noqa: F401
from crisis_sim.cli.app import BLOCKS_FAILED as BLOCKS_FAILED
from crisis_sim.cli.app import CHECK_FAILED as CHECK_FAILED
from crisis_sim.cli.app import DONE as DONE
from crisis_sim.cli.app import EXIT_CODES as EXIT_CODES
from crisis_sim.cli.app import INTERRUPTED as INTERRUPTED
from crisis_sim.cli.app import MISTAKE as MISTAKE
from crisis_sim.cli.app import TERMINATED as TERMINATED
from crisis_sim.cli.app import app as app
from crisis_sim.cli.app import collect_seldom as collect_seldom
from crisis_sim.cli.app import main as main
from crisis_sim.cli.app import run_command as run_command
