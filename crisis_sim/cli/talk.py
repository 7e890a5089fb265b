"""What commands say: data on stdout, talk and progress on stderr.

All of it may hold what a stranger wrote, such as a title or the name of a file; nothing reaches the
terminal that could steer it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from crisis_sim.cli.codes import MISTAKE
from crisis_sim.scenario.printable import printable_json, printable_lines


@contextmanager
def progress_bar(what: str = "crises") -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr while things are done, named by what is counted; none where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from crisis_sim.model.compiled import are_kept

    if not are_kept():
        talk("compiling the rules of the model: some twenty seconds, once for each installation")
    columns = (BarColumn(), MofNCompleteColumn(), what, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def counted(number: int, noun: str, plural: str = "s") -> str:
    """So many things, in words."""
    return f"{number:,} {noun}{'' if number == 1 else plural}"


def in_words(seconds: float) -> str:
    """A time, as people say it."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min"


def print_json(data: Any) -> None:
    """Print data on stdout, to be read by a program."""
    sys.stdout.write(f"{printable_json(json.dumps(data, indent=2, ensure_ascii=False))}\n")


def say(text: str) -> None:
    """Print what was asked for."""
    sys.stdout.write(f"{printable_lines(text)}\n")


def talk(text: str) -> None:
    """Say something about what is going on."""
    sys.stderr.write(f"{printable_lines(text)}\n")


def refuse(message: str) -> int:
    """Say what was wrong in what a person asked for, and give the code to exit with."""
    talk(message)
    return MISTAKE
