"""Trials on disk: Optuna's journal, a file to which each trial is added once it is known.

The file is a study that Optuna and its dashboard read. Beside what they read, each line holds its
number and a digest of itself, of the line before it, and so of all lines before, back to the
experiment's own digest: none can be missing, changed, or another experiment's, unseen. The file has
whole generations only, but for a last one that a crash has cut short; that one is dropped when the
search goes on, and made again, as is all that comes after a line that is not sound.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.storages.journal import BaseJournalBackend

from crisis_sim.batch.durable import inside, write_durably
from crisis_sim.batch.errors import ResultsError
from crisis_sim.experiments.sealed import believed, canonical_digest, read_bytes

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

NAME = "journal.log"
#: What a trial notes of itself: the generation that it belongs to.
GENERATION = "generation"
#: What a line holds beside what Optuna reads: its number from 0 on, and its digest.
LINE, DIGEST = "line", "sha256"


class Journal:
    """The trials of a search in a folder.

    Args:
        folder: the experiment's folder; None to keep no journal.
        name: the study's name.
        digest: the experiment's digest.
        resume: keep the whole generations that are there; else begin anew.
        tell: told of lines that are not sound.

    Raises:
        ResultsError: when there is a journal that cannot be read.
    """

    def __init__(
        self,
        folder: Path | None,
        name: str,
        digest: str,
        *,
        resume: bool = False,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.trials: list[FrozenTrial] = []
        self._study: Study | None = None
        if folder is None:
            return
        path = inside(folder, NAME)
        if resume and path.exists():
            content = read_bytes(folder, NAME)
            logs, rest = sound_lines(content, digest)
            if b"\n" in rest:  # the last line alone may have been cut short by a crash
                tell(
                    f"{path}: line {len(logs) + 1} is not what its digest says: "
                    "it and what follows is done again"
                )
            with believed(folder):
                self.trials = _whole(_study(_Chain(logs), name))
        # Written anew, so that neither half a generation nor half a line is left in it.
        chain = _Chain([], digest)
        _study(chain, name).add_trials(self.trials)
        write_durably(path, chain.content)
        chain.path = path
        self._study = _study(chain, name)

    def add(self, trials: Sequence[FrozenTrial]) -> None:
        """Write a generation's trials down."""
        if self._study is not None:
            self._study.add_trials(trials)


def sound_lines(content: bytes, digest: str) -> tuple[list[dict[str, Any]], bytes]:
    """What a journal's lines say as far as they are sound, and the rest.

    Args:
        content: the journal.
        digest: that of the experiment it must belong to.
    """
    logs: list[dict[str, Any]] = []
    rest = content
    while rest:
        line, end, after = rest.partition(b"\n")
        try:
            log = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not end or not isinstance(log, dict):
            break
        said = log.pop(DIGEST, None)
        if said != _link(digest, log) or log.pop(LINE, None) != len(logs):
            break
        digest, rest = said, after
        logs.append(log)
    return logs, rest


@contextmanager
def quiet() -> Iterator[None]:
    """Within it Optuna says nothing but what is wrong, and warns of nothing that is experimental."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


class _Chain(BaseJournalBackend):
    """Optuna's journal in memory and, once there is a `path`, in a file.

    Args:
        logs: what is in it.
        digest: of its last line; where it has none, of the experiment.
    """

    def __init__(self, logs: list[dict[str, Any]], digest: str = "") -> None:
        self.path: Path | None = None
        self.content = b""
        self._logs, self._digest = logs, digest

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        return self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        added = b""
        for log in logs:
            numbered = {**log, LINE: len(self._logs)}
            self._digest = _link(self._digest, numbered)
            line = json.dumps({**numbered, DIGEST: self._digest}, separators=(",", ":"))
            added += line.encode() + b"\n"
            self._logs.append(json.loads(json.dumps(log)))
        if self.path is None:
            self.content += added
            return
        try:
            with self.path.open("ab") as file:
                file.write(added)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ResultsError(f"cannot write {self.path}: {error.strerror or error}") from error


def _link(before: str, log: dict[str, Any]) -> str:
    """The digest of a line: of what it says, and of the line before it."""
    return canonical_digest({"before": before, "log": log})


def _study(chain: _Chain, name: str) -> Study:
    import optuna
    from optuna.storages import JournalStorage

    return optuna.create_study(storage=JournalStorage(chain), study_name=name, load_if_exists=True)


def _whole(study: Study) -> list[FrozenTrial]:
    """The trials of the generations that are whole, in their order."""
    whole: list[FrozenTrial] = []
    generation: list[FrozenTrial] = []
    for trial in study.get_trials(deepcopy=False):
        if generation and trial.user_attrs[GENERATION] != generation[0].user_attrs[GENERATION]:
            generation = []
        generation.append(trial)
        if len(generation) == trial.user_attrs["of"]:
            whole += generation
            generation = []
    return whole
