"""A visitor's session, its runs, and background jobs; a newer job cancels the older."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from crisis_sim.batch import Batch, Ensemble, run_block
from crisis_sim.batch.block import BlockOrder, max_block_size
from crisis_sim.batch.workers import cores
from crisis_sim.dashboard.changes import (
    CHANGED,
    CLOCKS,
    KEPT,
    UNCHANGED,
    Asked,
    Changes,
    Opened,
    as_scenario_file,
    asked_by,
    file_name,
    groups_of,
    open_sent,
    recall,
)
from crisis_sim.dashboard.drawing import (
    archive,
    nearest,
    tell_branch,
    tell_crisis,
    view,
    worth_reading,
    write_results,
)
from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.history.branch import branch
from crisis_sim.history.past import HistoryError
from crisis_sim.history.why import why
from crisis_sim.outcomes.measures import Reading
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.load import over_fits
from crisis_sim.text import clean

if TYPE_CHECKING:
    import pyarrow as pa

    from crisis_sim.model import CrisisModel
    from crisis_sim.scenario.schema import Scenario

#: Jobs of all visitors together that are worked on at a time; the others wait.
AT_ONCE = 2
#: Seconds after which a job that waits looks whether it is still wanted.
PATIENCE = 0.05

turns = threading.BoundedSemaphore(AT_ONCE)


class Superseded(Exception):  # noqa: N818 - no error: the answer is simply no longer wanted
    """A newer request has come, or the visitor has gone."""


class LatestJob:
    """Background jobs; a newer request cancels the older.

    Solara's own (`solara.lab.use_task`) lives in a component and so knows of a browser, has no limit over all visitors, may
    show an old result after a newer request, and keeps the server alive on Ctrl-C until its thread ends.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.newest = 0

    def ask(self, do: Callable[[Job], None]) -> threading.Thread:
        """Have a job done, in a thread of its own, in place of any earlier one; returns at once."""
        thread = threading.Thread(target=Job(self, self.end()).run, args=(do,), daemon=True)
        thread.start()
        return thread

    def end(self) -> int:
        """Cancel the running job; the number that the next job has."""
        with self.lock:
            self.newest += 1
            return self.newest


@dataclass(frozen=True)
class Job:
    """A job in the background, which asks now and then whether it is still wanted."""

    latest: LatestJob
    number: int

    def still_wanted(self) -> None:
        """Go on only if nothing newer has been asked for.

        Raises:
            Superseded: when something has.
        """
        if self.number != self.latest.newest:
            raise Superseded

    def deliver(self, take: Callable[[], None]) -> None:
        """Have something taken, so that nothing old is ever seen after something new.

        Raises:
            Superseded: when it is no longer wanted.
        """
        with self.latest.lock:
            self.still_wanted()
            take()

    def run(self, do: Callable[[Job], None]) -> None:
        """Wait for a turn and do the job, unless it is no longer wanted."""
        try:
            while not turns.acquire(timeout=PATIENCE):
                self.still_wanted()
            try:
                self.still_wanted()
                do(self)
            finally:
                turns.release()
        except Superseded:
            pass


#: Ensembles that are kept: of four thousand replicates each takes about a megabyte.
RUNS_KEPT = 24
#: Replicates of a first look, and how many times as many there must be for one to be worth its while.
LOOK, LOOK_FROM = 500, 4
#: Expected seconds up to which a run is shown only when it is complete, without a first look.
SOON = 0.25
#: Replicates that are worth a thread of their own.
LEAST = 250
#: Seconds between reports of progress.
REPORT_EVERY = 0.02

#: Called repeatedly with the share of the work that is done; an exception from it ends the run.
Watch = Callable[[float], None]


class TooBigError(Exception):
    """A scenario is too big to be run here; the message says so to a person."""


class StoppedError(Exception):
    """Ends a part of a run whose watch has ended the run."""


class Runs:
    """Runs scenarios, each once: the same scenario with the same luck gives the same replicates.

    What is kept is known by all that it hangs on, so any number of visitors may share it.
    """

    def __init__(self, kept: int = RUNS_KEPT) -> None:
        self._kept: OrderedDict[tuple[str, int, int], Ensemble] = OrderedDict()
        self._most = kept
        self._lock = threading.Lock()
        self._seconds: float | None = None  # what the last run took, but for its first look

    def batch(
        self, scenarios: Mapping[str, Scenario], replicates: int, seed: int, watch: Watch
    ) -> Batch:
        """Scenarios side by side on the same luck, each under the name that it is given.

        Raises:
            TooBigError: when so many replicates might not fit into memory.
        """
        ensembles: dict[str, Ensemble] = {}
        for name, scenario in scenarios.items():

            def part(share: float) -> None:
                watch((len(ensembles) + share) / len(scenarios))

            ensembles[name] = self.ensemble(scenario, replicates, seed, part)
        return Batch(ensembles, {"seed": seed})

    def ensemble(self, scenario: Scenario, replicates: int, seed: int, watch: Watch) -> Ensemble:
        """The replicates of a scenario, whatever its name; those that were run before are not run again.

        Raises:
            TooBigError: when so many might not fit into memory.
        """
        most = max_block_size([scenario])
        if replicates > most:
            raise TooBigError(
                f"this scenario is so big that memory may not hold {replicates:,} crises of it at "
                f"once: at most {most:,} (--replicates)"
            )
        first = self._first_of(scenario, replicates, seed)
        if first is not None and first.replicates == replicates:
            return first
        begun = time.perf_counter()
        made = run(scenario, replicates, seed, watch, first)
        with self._lock:
            if replicates != LOOK:
                self._seconds = time.perf_counter() - begun
            if first is not None:
                self._kept.pop((scenario.digest, first.replicates, seed), None)
            self._kept[scenario.digest, replicates, seed] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made

    def first_look(self, scenarios: Iterable[Scenario], replicates: int, seed: int) -> int | None:
        """How many replicates to show before all of them; None where all of them come soon enough.

        The first of many are the same as few, so nothing is run for nothing.
        """
        if replicates < LOOK_FROM * LOOK:
            return None
        missing = sum(self._first_of(one, replicates, seed) is None for one in scenarios)
        soon = self._seconds is not None and missing * self._seconds < SOON
        return None if soon or not missing else LOOK

    def _first_of(self, scenario: Scenario, replicates: int, seed: int) -> Ensemble | None:
        """The replicates that were run before, or the first of them; None where none were."""
        with self._lock:
            for count in (replicates, LOOK):
                key = (scenario.digest, count, seed)
                if key in self._kept and count <= replicates:
                    self._kept.move_to_end(key)
                    return self._kept[key]
        return None


def run(
    scenario: Scenario, replicates: int, seed: int, watch: Watch, first: Ensemble | None = None
) -> Ensemble:
    """Run a scenario's replicates, the same that `crisis-sim run` has, on all cores: rules let other threads run.

    Those in `first` were run before; the others are run and put after them.
    """
    import pyarrow as pa

    done = first.replicates if first else 0
    parts = max(min(cores(), (replicates - done) // LEAST), 1)
    bounds = [done + (replicates - done) * part // parts for part in range(parts + 1)]
    shares, stop = [0.0] * parts, threading.Event()

    def run_part(part: int) -> pa.Table:
        def day(model: CrisisModel) -> None:
            shares[part] = model.days / scenario.horizon_days
            if parts == 1:
                watch(shares[0])
            if stop.is_set():
                raise StoppedError

        start = bounds[part]
        order = BlockOrder(scenario, start, bounds[part + 1] - start, seed)
        return run_block(order, day).table

    tables = [first.table] if first else []
    if parts == 1:
        tables.append(run_part(0))
    else:
        with ThreadPoolExecutor(parts) as pool:
            running = [pool.submit(run_part, part) for part in range(parts)]
            try:
                while wait(running, timeout=REPORT_EVERY).not_done:
                    watch(sum(shares) / parts)
            except BaseException:
                stop.set()
                raise
            tables += [one.result() for one in running]
    return Ensemble(
        name=scenario.name,
        title=scenario.title,
        horizon_hours=scenario.horizon_hours,
        states=scenario.state_names,
        table=pa.concat_tables(tables),
        scenario=scenario.plain(),
    )


#: Seconds between two reports of progress.
PROGRESS_EVERY = 0.25
#: Files that a session remembers, for others that extend them.
MAX_FILES = 20
#: Futures of each history, where the picked crisis is changed or a step of it undone.
FUTURES = 200


@dataclass(frozen=True)
class Shown:
    """The state that the page shows; a new one replaces the old one as a whole.

    Attributes:
        view: what was drawn last (`crisis_sim.dashboard.drawing.view`); None before the first.
        crises: those that are worth reading.
        progress: how far the run in hand is, 0 to 1; None when none is.
        mistake: what was wrong in what was asked for last; "" when nothing was.
        crisis: the crisis that was picked, told; None while none is.
        past: what was asked about its past last: `told` and `shares`, or a `mistake`, or that it is `going` on; else None.
        seconds: how long it took from the request to what was drawn last.
        first_look: whether what was drawn last is of the first crises alone, and the others are being run.
    """

    view: Mapping[str, Any] | None = None
    crises: tuple[Mapping[str, Any], ...] = ()
    progress: float | None = None
    mistake: str = ""
    crisis: Mapping[str, Any] | None = None
    past: Mapping[str, Any] | None = None
    seconds: float | None = None
    first_look: bool = False


@dataclass
class Session:
    """One visitor's scenario, changes and picked crisis; independent of any browser.

    What is asked of it is done in the background, and `on_change` is called whenever there is something new to show.

    Args:
        opened: the scenario to begin with.
        runs: where replicates are run and kept; sessions may share it.
        replicates: how many of each scenario.
        seed: of their luck.
        on_change: called, in any thread, when `shown` is new.
        on_progress: called instead when nothing of it is new but the progress.
        kept: changes of the variant that is compared with; none for the scenario as it is.

    Attributes:
        epoch: rises whenever sliders have to stand elsewhere than they were put.
        fits: whether behaviour is drawn from all sets of parameters that fit the record.
        awaited: the name of a file without which nothing can be run, for the page's address is about it; "" for none.
    """

    opened: Opened
    runs: Runs
    replicates: int
    seed: int
    on_change: Callable[[], None] = lambda: None
    on_progress: Callable[[], None] = lambda: None
    changes: Changes = field(default_factory=Changes)
    kept: Changes = field(default_factory=Changes)
    clock: str = CLOCKS[0]
    epoch: int = 0
    awaited: str = ""
    fits: bool = False
    shown: Shown = field(default_factory=Shown)

    def __post_init__(self) -> None:
        self._runner, self._teller, self._historian = LatestJob(), LatestJob(), LatestJob()
        self._lock = threading.Lock()
        self._files: dict[str, bytes] = {}
        self._batch: Batch | None = None
        self._read: list[tuple[Ensemble, Reading]] = []
        self._asked = Asked()
        self._sent = self._wished = ""
        self._picked: int | None = None
        self._told: tuple[Scenario, int] | None = None
        self._take(self.opened)

    def _take(self, opened: Opened) -> None:
        self._base(opened, self.fits)
        self._files = {**self._files, **opened.files}
        while len(self._files) > MAX_FILES:
            self._files.pop(next(iter(self._files)))
        self.changes, self.kept, self._picked = Changes(), Changes(), None
        self.epoch += 1

    def _base(self, opened: Opened, fits: bool) -> None:
        """Begin from a scenario, or from it over fits; ScenarioError where it leaves none of their parameters open."""
        self.scenario = over_fits(opened.scenario) if fits else opened.scenario
        self.opened, self.fits = opened, fits
        self.whole = ScenarioEditor(self.scenario)
        self.groups = groups_of(self.scenario)
        self._sliders = {one.path: one for group in self.groups for one in group.sliders}
        self._switches = {group.path for group in self.groups if group.switched}

    def recall(self, query: str) -> None:
        """Make the changes that the page's address asks for, before the start; mistakes in it are shown."""
        self._asked = asked_by(query)
        self.awaited = self._asked.file
        if not self.awaited:
            self._recall()

    def start(self) -> None:
        """Run the scenario, and show the results."""
        if not self.awaited:
            mistake = self.shown.mistake
            self._ask()
            if mistake:
                self._show(mistake=mistake)

    def reopen(self, files: Mapping[str, bytes]) -> None:
        """Open the awaited file of all that the visitor's tab has kept, by their names, and make the changes asked for."""
        if not self.awaited:
            return
        name, self.awaited = self.awaited, ""
        self._files = {**self._files, **files}
        if name in files:
            self._try_to_open(name, files[name])
        else:
            told = f"error: the address is about the file {clean(name)}, which is not kept in this tab: open it again"
            self._show(mistake=told)
        if self._sent or not self.shown.mistake:
            self._recall()
        self.start()

    def move(self, path: str, value: float) -> None:
        """Give a number another value, within its limits; unknown paths are ignored."""
        slider = self._sliders.get(path)
        if slider is None or not math.isfinite(value):
            return
        low, high = slider.limits
        self._change(self.changes.move(path, min(max(value, low), high)))

    def back(self, path: str = "") -> None:
        """Put a slider, or all sliders and switches, back to where the scenario has them."""
        self.epoch += 1
        self._change(self.changes.back(path) if path else Changes())

    def switch(self, path: str, on: bool) -> None:
        """Put an agent in or take it out; agents without a switch are ignored."""
        if path in self._switches:
            self._change(self.changes.switch(path, on))

    def keep(self, on: bool) -> None:
        """Keep the variant as it is now, to compare others with it; or compare with the scenario as it is again."""
        self.kept = self.changes if on else Changes()
        self._ask()

    def fit(self, on: bool) -> None:
        """Draw behaviour from all sets of parameters that fit the record, or leave it as the scenario has it."""
        if on == self.fits:
            return
        try:
            self._base(self.opened, on)
        except ScenarioError as error:
            self._show(mistake=str(error))
            return
        self.epoch += 1
        self._ask()

    def count(self, clock: str) -> None:
        """Count time from another origin: `from_first_strike` or `from_trigger`."""
        if clock in CLOCKS and clock != self.clock:
            self.clock = clock
            self._ask()

    def open(self, name: str, content: bytes) -> None:
        """Open a scenario file in place of the current one; where it has mistakes, these are shown."""
        if self._try_to_open(name, content):
            self._ask()

    def dismiss_error(self) -> None:
        """Take a mistake off the page."""
        self._show(mistake="")

    def pick(self, number: float, which: str = "") -> None:
        """Have a crisis told: of one of the scenarios compared, of the last where there is none of that name."""
        if not float(number).is_integer():
            return
        replicate = int(number)
        if not 0 <= replicate < self.replicates:
            last = f"{self.replicates - 1:,}"
            self._show(mistake=f"error: there is no crisis {replicate}: expected 0 to {last}")
            return
        self._picked = replicate
        try:
            arms = self._arms()
        except ScenarioError:  # which `_ask` has told of
            return
        which = which if which in arms else list(arms)[-1]
        scenario = arms[which]
        other = next((one for one in arms if one != which), "")

        def do(job: Job) -> None:
            told = tell_crisis(scenario, replicate, self.seed)
            told |= {"replicate": replicate, "which": which, "other": other}

            def take() -> None:
                self._historian.end()
                self._told = (scenario, replicate)
                self._set(crisis=told, past=None)

            job.deliver(take)

        self._teller.ask(lambda job: self._attempt(do, job))

    def branch(self, at: str, forced: str) -> None:
        """Have said what would have come of the told crisis, had somebody done something from a moment on: `us=engage`."""
        who, _, choice = forced.partition("=")

        def tell(scenario: Scenario, replicate: int) -> dict[str, Any]:
            force = {who: choice}
            return tell_branch(
                branch(scenario, replicate, at, force=force, futures=FUTURES, seed=self.seed)
            )

        self._look_back(tell)

    def why(self, outcome: str) -> None:
        """Have said what brought about an outcome of the told crisis, or kept it from coming."""

        def tell(scenario: Scenario, replicate: int) -> dict[str, Any]:
            found = why(scenario, replicate, outcome, futures=FUTURES, seed=self.seed)
            return {"told": found.answer(), "shares": []}

        self._look_back(tell)

    def _look_back(self, tell: Callable[[Scenario, int], dict[str, Any]]) -> None:
        told = self._told
        if told is None:
            return

        def do(job: Job) -> None:
            try:
                found = tell(*told)
            except (HistoryError, ScenarioError) as error:
                found = {"mistake": f"error: {error}"}
            job.deliver(lambda: self._set(past=found))

        self._show(past={"going": True})
        self._historian.ask(lambda job: self._attempt(do, job))

    def pick_at(self, day: float) -> None:
        """Have the crisis told whose ceasefire came nearest to a day on the chart."""
        if self._batch is not None and math.isfinite(day):
            found = nearest(list(self._batch.ensembles.values())[-1], self.clock, day)
            if found is not None:
                self.pick(found)

    def end(self) -> None:
        """Put an end to all that is going on: the visitor has gone."""
        for jobs in (self._runner, self._teller, self._historian):
            jobs.end()

    @property
    def address(self) -> str:
        """The query of the page's address that restores this session."""
        if self.awaited:  # what it asks for is still to come
            return self._asked.query
        clock = "" if self.clock == CLOCKS[0] else self.clock
        sets, kept = (tuple(one.as_set(everything=True)) for one in (self.changes, self.kept))
        return Asked(sets, kept, clock, self._sent, self.fits).query

    def name(self, wished: str) -> None:
        """Have the changed scenario's file called so, if it can be."""
        self._wished = wished
        self.on_change()

    def file(self) -> tuple[str, str]:
        """The changed scenario as a file: its name and its text."""
        name = file_name(self._wished, self.opened)
        return name, as_scenario_file(self.opened, self.changes, self.groups, name)

    def _recall(self) -> None:
        unfit = []
        if self._asked.fits:
            try:
                self._base(self.opened, True)
            except ScenarioError as error:
                unfit = [str(error)]
        (self.changes, wrong), (self.kept, also) = (
            recall(one, self._sliders, self._switches)
            for one in (self._asked.sets, self._asked.kept)
        )
        self.clock = self._asked.clock or self.clock
        self._set(mistake="\n".join([*unfit, *self._asked.mistakes, *wrong, *also]))

    def _try_to_open(self, name: str, content: bytes) -> bool:
        try:
            opened = open_sent(name, content, self._files)
        except ScenarioError as error:
            self._show(mistake=str(error))
            return False
        self._take(opened)
        self._sent, self._told = opened.file, None
        self._historian.end()
        self._show(mistake="", crisis=None, past=None, view=None, crises=())
        return True

    def _change(self, changes: Changes) -> None:
        if changes != self.changes:
            self.changes = changes
            self._ask()
        else:
            self.on_change()

    def current(self) -> Scenario:
        """The scenario with the changes made; ScenarioError where they leave none."""
        return list(self._arms().values())[-1]

    def results(self) -> bytes:
        """Charts and data of what is shown, as a ZIP archive."""
        return archive(partial(write_results, self._batch)) if self._batch else b""

    def _arms(self) -> dict[str, Scenario]:
        """The scenarios that are compared, by name: first what is compared with; one alone where both are the same."""

        def name(changes: Changes) -> str:
            kept = KEPT if changes == self.kept else CHANGED
            return kept if changes else UNCHANGED

        return {
            name(one): one.made_in(self.whole) if one else self.scenario
            for one in (self.kept, self.changes)
        }

    def _ask(self) -> None:
        """Run and draw the current scenario in the background."""
        began, clock = time.monotonic(), self.clock
        try:
            scenarios = self._arms()
        except ScenarioError as error:
            self._runner.end()
            self._show(mistake=str(error), progress=None)
            return
        self._show(progress=0.0, mistake="")

        def draw(job: Job, replicates: int, watch: Watch, **news: Any) -> None:
            batch = self.runs.batch(scenarios, replicates, self.seed, watch)
            job.still_wanted()
            drawn = view(batch, clock, self._readings(batch))
            crises = tuple(worth_reading(batch, clock))

            def take() -> None:
                self._batch = batch
                seconds = time.monotonic() - began
                self._set(view=drawn, crises=crises, seconds=seconds, **news)

            job.deliver(take)

        def do(job: Job) -> None:
            watch = self._watch(job)
            few = self.runs.first_look(scenarios.values(), self.replicates, self.seed)
            if few is not None:
                done = few / self.replicates
                draw(job, few, lambda share: watch(done * share), first_look=True)
                self.on_change()
            draw(job, self.replicates, watch, first_look=False, progress=None)
            # Not before: it would take time from what is waited for.
            if self._picked is not None:
                self.pick(self._picked)

        self._runner.ask(lambda job: self._attempt(do, job))

    def _readings(self, batch: Batch) -> dict[str, Reading]:
        """Readings of what is compared with, which stay the same from move to move."""
        name, first = next(iter(batch.ensembles.items()))
        for ensemble, reading in self._read:
            if ensemble is first:
                return {name: reading}
        made = Reading.of(first)
        self._read = [*self._read[-1:], (first, made)]  # of the first look and of all
        return {name: made}

    def _watch(self, job: Job) -> Watch:
        """Ends a run that is no longer wanted, and reports now and then how far it has come."""
        last = time.monotonic()

        def watch(share: float) -> None:
            nonlocal last
            job.still_wanted()
            if time.monotonic() - last > PROGRESS_EVERY:
                last = time.monotonic()
                job.deliver(lambda: self._set(progress=share))
                self.on_progress()

        return watch

    def _attempt(self, do: Callable[[Job], None], job: Job) -> None:
        """Do a job and report its end; errors are shown to the visitor, who must not wait for ever."""
        try:
            do(job)
        except Superseded:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is
            told = f"error: this cannot be run: {type(error).__name__}: {error}"
            if isinstance(error, TooBigError):
                told = f"error: {error}"
            job.deliver(lambda: self._set(mistake=told, progress=None, past=None))
        # Not within `deliver`: who is told may ask for something else at once.
        self.on_change()
        self.on_progress()

    def _set(self, **news: Any) -> None:
        with self._lock:
            self.shown = replace(self.shown, **news)

    def _show(self, **news: Any) -> None:
        self._set(**news)
        self.on_change()
        if "progress" in news:
            self.on_progress()
