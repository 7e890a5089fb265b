"""The program: exit codes, standard streams, messages, progress bars, and running a command."""

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

# Exit codes of commands.
DONE, CHECK_FAILED, MISTAKE, BLOCKS_FAILED = 0, 1, 2, 3
#: After Ctrl-C and after SIGTERM: 128 plus the signal's number, as in shells.
INTERRUPTED, TERMINATED = 130, 143

EXIT_CODES = """\
Exit codes: 0 success; 1 a check failed; 2 a mistake in the command or in a file; \
3 some blocks of a batch failed; 130 interrupted; 143 terminated."""


# Standard streams that are closed, full, or without a reader do not make a command fail.

PACKAGE = Path(__file__).parents[1]


@contextmanager
def safe_streams() -> Iterator[list[OSError]]:
    """Drop output to streams that are closed or no longer read, as by `head`; print our warnings as messages.

    Yields:
        A list to which other errors of stdout, such as a full disk, are added.
    """
    _reserve_descriptors()
    errors: list[OSError] = []
    outputs = _safe(sys.stdout, errors), _safe(sys.stderr, [])
    default = warnings.showwarning

    def show(message: Any, category: Any, filename: str, *args: Any, **options: Any) -> None:
        if Path(filename).is_relative_to(PACKAGE):
            print_message(f"warning: {message}")
        else:
            default(message, category, filename, *args, **options)

    with redirect_stdout(outputs[0]), redirect_stderr(outputs[1]), warnings.catch_warnings():
        warnings.showwarning = show
        try:
            yield errors
        finally:
            for output in outputs:
                output.flush()


def _reserve_descriptors() -> None:
    """Open the null device for missing standard streams, so that no other file gets their descriptors."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(descriptor, True)  # for child processes, too
    os.close(descriptor)


def _safe(stream: TextIO | None, errors: list[OSError]) -> TextIO:
    """Return a stream with the same target that never fails, and escapes characters that it cannot encode."""
    if stream is None or stream.closed:
        return _NullStream()
    with suppress(OSError):
        stream.flush()
    try:
        raw = _SafeFile(stream.fileno(), errors)
    except (OSError, AttributeError):  # a stream in memory
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=getattr(stream, "line_buffering", False),
    )


class _NullStream(io.StringIO):
    """A stream that drops all text."""

    def write(self, text: str) -> int:
        return len(text)


class _SafeFile(io.FileIO):
    """A binary stream that drops what cannot be written."""

    def __init__(self, descriptor: int, errors: list[OSError]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._errors = errors

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EBADF):
                self._errors.append(error)
            return memoryview(data).nbytes


# Output. Titles and file names may be by strangers, so control characters are escaped.


@contextmanager
def progress_bar(unit: str = "crises") -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar if stderr is a terminal; yield a function of the done and the total number of units."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from crisis_sim.model.compiling import is_cached

    if not is_cached():
        print_message("compiling the model, once per installation: about twenty seconds")
    columns = (BarColumn(), MofNCompleteColumn(), unit, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(unit, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def file_name(label: str) -> str:
    """Return a scenario's name as a file name, without spaces."""
    return label.replace(" ", "_")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 block", "2 blocks"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_seconds(seconds: float) -> str:
    """Return a duration in seconds or minutes: "12.3 s", "5 min"."""
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def elapsed(start: float) -> str:
    """Return the time since `start`, a value of `time.perf_counter`, like `format_seconds`."""
    return format_seconds(time.perf_counter() - start)


def console() -> Any:
    """Return a console for tables on stdout, as wide as its terminal or as `COLUMNS` says."""
    from rich.console import Console

    has_width = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(width=None if has_width else WIDTH)


def print_plan(
    facts: dict[str, Any],
    lines: Iterable[str],
    executor: ExecutorPlan | None,
    folder: Path,
    replaces: bool,
    as_json: bool,
) -> None:
    """Print the plan of a run, by an executor or (if None) on a graphics card: its facts as JSON, or its lines."""
    size, seconds = (1, None) if executor is None else (executor.size, round(executor.seconds, 1))
    facts |= {"workers": size, "seconds_estimated": seconds}
    facts |= {"folder": str(folder), "replaces_results": replaces}
    workers, time_needed = counted(size, "worker"), format_seconds(seconds or 0.0)
    place = f"about {time_needed} with {workers}" if executor else "on a graphics card"
    existing = ", which contains results (--overwrite replaces them)" if replaces else ""
    text = "\n".join([*lines, place, f"into {folder}{existing}"])
    print_result(as_json, facts, lambda: print_output(text))


def print_result(as_json: bool, data: Any, show: Callable[[], object]) -> None:
    """Print the result of a command on stdout: `data` (or what it returns) as JSON, or else by calling `show`."""
    if as_json:
        text = json.dumps(data() if callable(data) else data, indent=2, ensure_ascii=False)
        sys.stdout.write(f"{printable_json(text)}\n")
    else:
        show()
    sys.stdout.flush()


def print_shipped(shipped: Iterable[dict[str, Any]], keys: Sequence[str], as_json: bool) -> int:
    """Print a list of shipped scenarios or experiments, one per line with these keys; return the exit code."""
    rows = [*shipped]
    widths = [max((len(clean(row[key])) for row in rows), default=0) for key in keys[:-1]]
    columns = [*zip(keys, [*widths, 0], strict=True)]
    lines = ("  ".join(f"{clean(row[key]):{width}}" for key, width in columns) for row in rows)
    print_result(as_json, rows, lambda: print_output("\n".join(lines)))
    return DONE


def stop_reason(stop: BaseException) -> tuple[str, int]:
    """Return a word and the exit code for a command that was stopped by Ctrl-C or SIGTERM."""
    interrupted = isinstance(stop, KeyboardInterrupt)
    return ("interrupted", INTERRUPTED) if interrupted else ("terminated", TERMINATED)


def print_output(text: str) -> None:
    """Print a result on stdout."""
    sys.stdout.write(f"{printable_lines(text)}\n")


def print_message(text: str) -> None:
    """Print a message on stderr."""
    sys.stderr.write(f"{printable_lines(text)}\n")


def _report_mistake(message: str) -> int:
    """Print an error message, and return the exit code for mistakes."""
    print_message(message)
    return MISTAKE


# The program.

#: The width of tables in files and pipes, in characters.
WIDTH = 100
#: New objects between garbage collections. Imports create hundreds of thousands of objects, none of them garbage;
#: Python's default would spend a tenth of the start-up on them.
OBJECTS_BEFORE_COLLECTION = 200_000


def _format_error(error: CycloptsError) -> Any:
    """Return the message for a mistake on the command line, with control characters escaped."""
    text = str(error)
    if isinstance(error, RepeatArgumentError) and error.token.value:
        option, words = str(error.token.keyword), error.root_input_tokens or []
        values = [
            word.removeprefix(f"{option}=")
            for previous, word in pairwise(["", *words])
            if previous == option or word.startswith(f"{option}=")
        ]
        text = f"{option} is given twice: {' and '.join(values)}; expected one value."
    if isinstance(error, MissingArgumentError) and error.argument and not error.argument.tokens:
        option, command = error.argument.name, " ".join(error.command_chain or ())
        if option not in (error.root_input_tokens or ()):
            text = f"{option} is missing; `crisis-sim {command} --help` describes it."
    safe = printable_lines(text)
    return CycloptsPanel(error if safe == str(error) else safe)


def _convert(kind: Any, tokens: Sequence[Any]) -> Any:
    """Convert words of the command line to a type; integers may be written as 10000, 10,000, 10k or 1e4.

    Raises:
        CoercionError, ValueError: when a word cannot be converted.
    """
    if int in (kind, *get_args(kind)):
        tokens = [token.evolve(value=_digits(token.value)) for token in tokens]
    return convert(kind, tokens)


_INTEGER = re.compile(
    r"([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e\+?\d{1,2})?)([km]?)", re.IGNORECASE | re.ASCII
)


def _digits(text: str) -> str:
    """Return the digits of an integer; k and m stand for thousands and millions."""
    if match := _INTEGER.fullmatch(text):
        factor = {"": 1, "k": 10**3, "m": 10**6}[match[2].lower()]
        number = Fraction(match[1].replace(",", "")) * factor
        if number.denominator == 1:
            return str(number.numerator)
    raise ValueError(f"'{text}' is not a whole number.")


app = App(
    name="crisis-sim",
    default_parameter=Parameter(converter=_convert, negative=()),
    help="Simulate an interstate crisis thousands of times: how often and how soon does it end in a "
    "ceasefire, and what would change that?",
    help_format="plaintext",  # Markdown, the default, is slow to import
    help_epilogue=EXIT_CODES,
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    error_formatter=_format_error,
)


def main() -> NoReturn:
    """Run the command of this process, and exit with its code."""
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    # Crisis Sim has no plugins for pydantic, which would search all installed packages for them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    code = run_command(sys.argv[1:])
    gc.freeze()  # spares a last collection
    sys.exit(code)


def run_command(arguments: Sequence[str]) -> int:
    """Run a command, report mistakes and unwritable output on stderr, and return the exit code."""
    with safe_streams() as errors:
        code = _run(arguments)
        sys.stdout.flush()
        if errors:
            mistake = _report_mistake(
                f"error: cannot write to the standard output: {errors[0].strerror}"
            )
            code = code or mistake
        return code


def _run(arguments: Sequence[str]) -> int:
    if "\0" in "".join(arguments):  # impossible in a shell, but not in a program
        return _report_mistake("error: a command line cannot contain a zero byte")
    if not arguments or arguments[0] in app.help_flags:
        app.resolved_commands()  # imports all commands, for the first lines of their docstrings
    try:
        code = copy_context().run(app, arguments, exit_on_error=False)
    except CycloptsError:  # cyclopts has printed the message
        return MISTAKE
    except ScenarioError as error:
        return _report_mistake(str(error))
    except (RequestError, OSError) as error:  # an OSError may come from a full disk
        return _report_mistake(f"error: {error}")
    except KeyboardInterrupt:
        print_message("interrupted")
        return INTERRUPTED
    return code if isinstance(code, int) else DONE
