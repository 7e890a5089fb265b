"""Trials on disk: Optuna's journal, a file to which each trial is added once it is known.

The file is a study that Optuna and its dashboard read. It has whole generations only, but for a
last one that a crash has cut short; that one is dropped when the search goes on, and made again.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from crisis_sim.batch.errors import ResultsError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

NAME = "journal.log"
_LOCK = ".lock"
#: What a trial notes of itself: the generation that it belongs to.
GENERATION = "generation"


class Journal:
    """The trials of a search in a folder.

    Args:
        folder: the experiment's folder; None to keep no journal.
        name: the study's name.
        resume: keep the whole generations that are there; else begin anew.

    Raises:
        ResultsError: when there is a journal that cannot be read.
    """

    def __init__(self, folder: Path | None, name: str, *, resume: bool = False) -> None:
        self.trials: list[FrozenTrial] = []
        self._study: Study | None = None
        if folder is None:
            return
        path = folder / NAME
        if resume and path.exists():
            try:
                self.trials = _read(path, name)
            except (ValueError, KeyError) as error:
                raise ResultsError(f"{path} cannot be read: {error}") from error
        # Written anew, so that neither half a generation nor half a line is left in it.
        aside = path.with_name(f"{NAME}.partial")
        aside.unlink(missing_ok=True)
        _opened(aside, name).add_trials(self.trials)
        aside.replace(path)
        Path(f"{path}{_LOCK}").unlink(missing_ok=True)  # of a process that was killed
        self._study = _opened(path, name)

    def add(self, trials: Sequence[FrozenTrial]) -> None:
        """Write a generation's trials down."""
        if self._study is not None:
            self._study.add_trials(trials)


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


def _opened(path: Path, name: str) -> Study:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    backend = JournalFileBackend(str(path), JournalFileOpenLock(str(path)))
    return optuna.create_study(
        storage=JournalStorage(backend), study_name=name, load_if_exists=True
    )


def _read(path: Path, name: str) -> list[FrozenTrial]:
    """The trials of the generations that are whole, in their order."""
    whole: list[FrozenTrial] = []
    generation: list[FrozenTrial] = []
    for trial in _opened(path, name).get_trials(deepcopy=False):
        if generation and trial.user_attrs[GENERATION] != generation[0].user_attrs[GENERATION]:
            generation = []
        generation.append(trial)
        if len(generation) == trial.user_attrs["of"]:
            whole += generation
            generation = []
    return whole
