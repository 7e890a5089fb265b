"""The command line.

Results go to stdout, messages and progress to stderr. So that `--help` and `check` are fast, a command's module is
imported when the command is used, and slow libraries are imported inside the commands that need them.
"""

from __future__ import annotations

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

#: The commands by module.
COMMANDS = {
    "run": "run compare report dashboard",
    "history": "replay branch why nowcast play",
    "scenarios": "scenarios check init schema",
    "experiment": "experiments experiment attribute sweep sensitivity tune posterior",
    "assess": "validate hindcast doctor",
}
for _module, _names in COMMANDS.items():
    for _name in _names.split():
        app.command(f"crisis_sim.cli.{_module}:{_name}", help_format="markdown")
