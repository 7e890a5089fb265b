"""The program: exit codes, standard streams, messages and progress, and how a command is run."""

from __future__ import annotations

import errno
import gc
import io
import json
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from contextvars import copy_context
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, get_args

from cyclopts import (
    App,
    CycloptsError,
    CycloptsPanel,
    MissingArgumentError,
    Parameter,
    RepeatArgumentError,
    convert,
)

from crisis_sim.scenario.errors import RequestError, ScenarioError
from crisis_sim.text import clean, printable_json, printable_lines
from crisis_sim.version import __version__

if TYPE_CHECKING:
    from crisis_sim.batch.workers import ExecutorPlan

# The codes with which commands exit.
DONE, CHECK_FAILED, MISTAKE, BLOCKS_FAILED = 0, 1, 2, 3
#: After Ctrl-C and after a request to terminate: 128 and the signal's number, as shells have it.
INTERRUPTED, TERMINATED = 130, 143

EXIT_CODES = """\
Exit codes: 0 done; 1 done, but a check failed; 2 a mistake in what was asked for; \
3 some blocks of a batch failed; 130 interrupted; 143 terminated."""


# Streams may be closed, full, or without a reader: no command fails, or does less, because of that.

PACKAGE = Path(__file__).parents[1]


@contextmanager
def safe_streams() -> Iterator[list[OSError]]:
    """While a command runs, output to a stream that is closed is dropped.

    A stream that is closed, or whose reader has seen enough, as `head` has, was not meant to be heard. Warnings of our own
    become talk.

    Yields:
        what kept something that was asked for from being written, such as a full disk; filled as it happens.
    """
    _plug()
    unsaid: list[OSError] = []
    outputs = _safe(sys.stdout, unsaid), _safe(sys.stderr, [])
    usual = warnings.showwarning

    def show(message: Any, category: Any, filename: str, *where: Any, **others: Any) -> None:
        if Path(filename).is_relative_to(PACKAGE):
            talk(f"warning: {message}")
        else:
            usual(message, category, filename, *where, **others)

    with redirect_stdout(outputs[0]), redirect_stderr(outputs[1]), warnings.catch_warnings():
        warnings.showwarning = show
        try:
            yield unsaid
        finally:
            for output in outputs:
                output.flush()


def _plug() -> None:
    """Let no file that is opened be taken for a standard stream that the process was started without."""
    while (nowhere := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(nowhere, True)  # nor by a process that is started
    os.close(nowhere)


def _safe(stream: TextIO | None, unsaid: list[OSError]) -> TextIO:
    """A stream to where another one leads, on which nothing fails.

    A terminal that cannot show a dash or a letter gets an escape.
    """
    if stream is None or stream.closed:
        return _Nowhere()
    with suppress(OSError):
        stream.flush()
    try:
        outlet = _Outlet(stream.fileno(), unsaid)
    except (OSError, AttributeError):  # one of Python's own, in memory
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(outlet),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=getattr(stream, "line_buffering", False),
    )


class _Nowhere(io.StringIO):
    """A stream that drops all text."""

    def write(self, text: str) -> int:
        return len(text)


class _Outlet(io.FileIO):
    """A stream for bytes; those that cannot be written are dropped."""

    def __init__(self, number: int, unsaid: list[OSError]) -> None:
        super().__init__(number, "w", closefd=False)
        self._unsaid = unsaid

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EBADF):
                self._unsaid.append(error)
            return memoryview(data).nbytes


# Output: data on stdout, messages and progress on stderr
#
# It may contain text by strangers, such as a title or the name of a file; nothing reaches the
# terminal that could steer it.


@contextmanager
def progress_bar(what: str = "crises") -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, which counts `what`; none where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from crisis_sim.model.compiled import are_kept

    if not are_kept():
        talk("compiling the rules of the model: about twenty seconds, once for each installation")
    columns = (BarColumn(), MofNCompleteColumn(), what, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def file_name(label: str) -> str:
    """A scenario's label as a name for files: without spaces."""
    return label.replace(" ", "_")


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 block", "2 blocks"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def in_words(seconds: float) -> str:
    """A time, as people say it."""
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def since(began: float) -> str:
    """The time since a moment of `time.perf_counter`, as people say it."""
    return in_words(time.perf_counter() - began)


def console() -> Any:
    """Where tables are printed: stdout, as wide as its terminal, or as `COLUMNS` says."""
    from rich.console import Console

    known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(width=None if known else WIDTH)


def print_plan(
    facts: dict[str, Any],
    lines: Iterable[str],
    crew: ExecutorPlan | None,
    folder: Path,
    replaces: bool,
    as_json: bool,
) -> None:
    """Print what would be run, by a crew or else on a graphics card, without running it: its facts as JSON, or in lines."""
    size, seconds = (1, None) if crew is None else (crew.size, round(crew.seconds, 1))
    facts |= {"workers": size, "seconds_estimated": seconds}
    facts |= {"folder": str(folder), "replaces_results": replaces}
    workers = counted(size, "worker")
    how = f"about {in_words(crew.seconds)} with {workers}" if crew else "on a graphics card"
    there = ", which holds results (--overwrite replaces them)" if replaces else ""
    answer(as_json, facts, lambda: say("\n".join([*lines, how, f"into {folder}{there}"])))


def answer(as_json: bool, data: Any, show: Callable[[], object]) -> None:
    """Print what was asked for, on stdout: as it is shown to a person, or `data`, or what gives it, for a program."""
    if as_json:
        text = json.dumps(data() if callable(data) else data, indent=2, ensure_ascii=False)
        sys.stdout.write(f"{printable_json(text)}\n")
    else:
        show()
    sys.stdout.flush()


def list_shipped(shipped: Iterable[dict[str, Any]], keys: Sequence[str], as_json: bool) -> int:
    """Print what comes with Crisis Sim, one per line with some of its keys; the exit code."""
    rows = [*shipped]
    wide = [max((len(clean(row[key])) for row in rows), default=0) for key in keys[:-1]]
    lines = (
        "  ".join(f"{clean(row[key]):{width}}" for key, width in zip(keys, [*wide, 0], strict=True))
        for row in rows
    )
    answer(as_json, rows, lambda: say("\n".join(lines)))
    return DONE


def stopped(stop: BaseException) -> tuple[str, int]:
    """In a word how a command was stopped, and the exit code: after Ctrl-C, or after a request to terminate."""
    interrupted = isinstance(stop, KeyboardInterrupt)
    return ("interrupted", INTERRUPTED) if interrupted else ("terminated", TERMINATED)


def say(text: str) -> None:
    """Print data, on stdout."""
    sys.stdout.write(f"{printable_lines(text)}\n")


def talk(text: str) -> None:
    """Print a message, on stderr."""
    sys.stderr.write(f"{printable_lines(text)}\n")


def refuse(message: str) -> int:
    """Print an error in a request, and return the exit code for it."""
    talk(message)
    return MISTAKE


# The program that commands belong to, and how one is run.

#: Columns of a table that is printed into a file or a pipe: it has no width of its own, and rich would
#: take it for a narrow terminal.
WIDTH = 100
#: Objects that the collector of garbage lets come before it looks. Some hundred thousand are made
#: by imports alone, and none of them is garbage: looking at them costs a tenth of the start-up.
OBJECTS_BEFORE_COLLECTION = 200_000


def _told(error: CycloptsError) -> Any:
    """The message of a mistake on the command line, without characters that would steer a terminal."""
    text = str(error)
    if isinstance(error, RepeatArgumentError) and error.token.value:
        option, typed = str(error.token.keyword), error.root_input_tokens or []
        values = [
            word.removeprefix(f"{option}=")
            for before, word in pairwise(["", *typed])
            if before == option or word.startswith(f"{option}=")
        ]
        text = f"{option} is given twice: {' and '.join(values)}; expected one."
    if isinstance(error, MissingArgumentError) and error.argument and not error.argument.tokens:
        option, command = error.argument.name, " ".join(error.command_chain or ())
        if option not in (error.root_input_tokens or ()):
            text = f"{option} is missing; `crisis-sim {command} --help` says what it takes."
    safe = printable_lines(text)
    return CycloptsPanel(error if safe == str(error) else safe)


def _read(kind: Any, tokens: Sequence[Any]) -> Any:
    """A typed word as a value of a kind; whole numbers may be written as people do: 10000, 10,000, 10k, 1e4.

    Raises:
        CoercionError, ValueError: when it is none of that kind; a fraction is no whole number.
    """
    if int in (kind, *get_args(kind)):
        tokens = [token.evolve(value=_whole(token.value)) for token in tokens]
    return convert(kind, tokens)


_WHOLE = re.compile(
    r"([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e\+?\d{1,2})?)([km]?)", re.IGNORECASE | re.ASCII
)


def _whole(text: str) -> str:
    """A whole number as its digits; k and m stand for thousands and millions."""
    if found := _WHOLE.fullmatch(text):
        times = {"": 1, "k": 10**3, "m": 10**6}[found[2].lower()]
        number = Fraction(found[1].replace(",", "")) * times
        if number.denominator == 1:
            return str(number.numerator)
    raise ValueError(f"'{text}' is not a whole number.")


app = App(
    name="crisis-sim",
    default_parameter=Parameter(converter=_read, negative=()),
    help="Run an interstate crisis thousands of times: how often, and how quickly, does a "
    "ceasefire come, and what would have changed that?",
    help_epilogue=EXIT_CODES,
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    error_formatter=_told,
)


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
    """Run a command and return its exit code; mistakes, and output that cannot be written, are reported on stderr."""
    with safe_streams() as unsaid:
        code = _attempt(arguments)
        sys.stdout.flush()
        if unsaid:  # the work is done, but what was asked for has not been said
            told = refuse(f"error: cannot write to the standard output: {unsaid[0].strerror}")
            code = code or told
        return code


def _attempt(arguments: Sequence[str]) -> int:
    if any("\0" in argument for argument in arguments):  # no shell can give one, but a program can
        return refuse("error: a command line cannot contain a zero byte")
    try:
        code = copy_context().run(app, arguments, exit_on_error=False)
    except CycloptsError:  # which has told of itself
        return MISTAKE
    except ScenarioError as error:
        return refuse(str(error))
    except (RequestError, OSError) as error:  # the latter of a full disk, for example
        return refuse(f"error: {error}")
    except KeyboardInterrupt:
        talk("interrupted")
        return INTERRUPTED
    return code if isinstance(code, int) else DONE
