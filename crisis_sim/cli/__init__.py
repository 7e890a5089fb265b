"""The command line. Each module contains a few commands.

Results go to stdout, messages and progress to stderr. Slow libraries are imported inside the commands that need
them, so that `--help` and `check` are fast.
"""

from __future__ import annotations

# Importing these modules registers their commands.
from crisis_sim.cli import experiment, files, history, run  # noqa: F401
from crisis_sim.cli.app import BLOCKS_FAILED as BLOCKS_FAILED
from crisis_sim.cli.app import CHECK_FAILED as CHECK_FAILED
from crisis_sim.cli.app import DONE as DONE
from crisis_sim.cli.app import EXIT_CODES as EXIT_CODES
from crisis_sim.cli.app import INTERRUPTED as INTERRUPTED
from crisis_sim.cli.app import MISTAKE as MISTAKE
from crisis_sim.cli.app import TERMINATED as TERMINATED
from crisis_sim.cli.app import app as app
from crisis_sim.cli.app import main as main
from crisis_sim.cli.app import run_command as run_command
