"""The program that commands belong to: its exit codes, the options they share, and how one is run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

from cyclopts import App, CycloptsError, CycloptsPanel, Parameter
from cyclopts.validators import Number

from crisis_sim.cli.codes import DONE, EXIT_CODES, INTERRUPTED, MISTAKE
from crisis_sim.cli.streams import safe_streams
from crisis_sim.cli.talk import refuse, talk
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.printable import printable_lines
from crisis_sim.version import __version__

RESULTS = Path("results")
#: Objects that the collector of garbage lets come before it looks. Some hundred thousand are made
#: by imports alone, and none of them is garbage: looking at them costs a tenth of the start-up.
OBJECTS_BEFORE_COLLECTION = 200_000


def _told(error: CycloptsError) -> Any:
    """A mistake in what was typed, which may be a stranger's: without what would steer a terminal."""
    text = str(error)
    safe = printable_lines(text)
    return CycloptsPanel(error if safe == text else safe)


app = App(
    name="crisis-sim",
    help="Run an interstate crisis thousands of times: how often, and how quickly, does a "
    "ceasefire come, and what would have changed that?",
    help_epilogue=EXIT_CODES,
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    error_formatter=_told,
)

MANY = "Scenario files, or names of shipped ones"
Many = Annotated[str, Parameter(help=f"{MANY}.", required=True)]
One = Annotated[str, Parameter(help="A scenario file, or the name of a shipped one.")]
Overrides = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        help="Change a value, such as mediators.us.leverage.india=0.2, or take something out, "
        "such as lenders.imf=null. May be given again.",
        metavar="PATH=VALUE",
        negative=(),
        show_default=False,
    ),
]
Json = Annotated[
    bool,
    Parameter(name="--json", help="Print JSON on stdout.", negative=(), show_default=False),
]
#: As of `crisis_sim.batch.plan.MOST`, which takes long to import.
MOST_REPLICATES = 100_000_000_000
Natural = Number(gte=0)
Positive = Number(gte=1)
Replicates = Number(gte=1, lte=MOST_REPLICATES)
Replicate = Number(gte=0, lt=MOST_REPLICATES)
Seed = Annotated[
    int, Parameter(help="With a replicate's number, it fixes all its luck.", validator=Natural)
]
Workers = Annotated[
    int | None,
    Parameter(
        help="Cores to use at most; as many as there are. Results are the same for any number.",
        validator=Positive,
        show_default=False,
    ),
]
Folder = Annotated[Path | None, Parameter(show_default=False)]


def main() -> NoReturn:
    """Run the command that was typed, and exit with its code."""
    collect_seldom()
    code = run_command(sys.argv[1:])
    gc.freeze()  # nor does it look at them all once more on the way out
    sys.exit(code)


def collect_seldom() -> None:
    """Have garbage looked for less often: for a process that makes many objects, few of them garbage, and ends."""
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)


def run_command(arguments: Sequence[str]) -> int:
    """Run a command and give its exit code; a person's mistake is told on stderr, and so is what cannot be written."""
    with safe_streams() as unsaid:
        code = _attempt(arguments)
        sys.stdout.flush()
        if unsaid:  # the work is done, but what was asked for has not been said
            told = refuse(f"error: cannot write to the standard output: {unsaid[0].strerror}")
            code = code or told
        return code


def _attempt(arguments: Sequence[str]) -> int:
    if any("\0" in argument for argument in arguments):  # no shell can give one, but a program can
        return refuse("error: a zero byte has no place on a command line")
    try:
        code = app(arguments, exit_on_error=False)
    except CycloptsError:  # which has told of itself
        return MISTAKE
    except ScenarioError as error:
        return refuse(str(error))
    except OSError as error:  # such as a full disk
        return refuse(f"error: {error}")
    except KeyboardInterrupt:
        talk("interrupted")
        return INTERRUPTED
    return code if isinstance(code, int) else DONE
