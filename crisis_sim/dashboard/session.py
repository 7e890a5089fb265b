"""The state of a visitor's session, and the background jobs that run, change and explain crises."""

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
    Changes,
    Opened,
    Query,
    as_scenario_file,
    file_name,
    groups_of,
    open_upload,
    parse_query,
    restore,
)
from crisis_sim.dashboard.view_data import (
    archive,
    branch_view,
    crisis_view,
    example_crises,
    nearest,
    view,
    write_results,
)
from crisis_sim.experiments.factors import ScenarioEditor
from crisis_sim.history.branch import branch
from crisis_sim.history.one_crisis import HistoryError
from crisis_sim.history.why import why
from crisis_sim.outcomes.measures import Reading
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.fits import over_fits
from crisis_sim.text import clean

if TYPE_CHECKING:
    import pyarrow as pa

    from crisis_sim.model import CrisisModel
    from crisis_sim.scenario.schema import Scenario

#: Maximum number of jobs of all visitors that run at the same time.
MAX_JOBS = 2
#: Seconds between two checks of a waiting job for cancellation.
PATIENCE = 0.05

job_slots = threading.BoundedSemaphore(MAX_JOBS)


class Superseded(Exception):  # noqa: N818 - a signal, not an error
    """Ends a job after a newer request, or after the visitor left."""


class LatestJob:
    """Background jobs; a newer job cancels the older.

    Used instead of `solara.lab.use_task`, which needs a browser component, does not limit the jobs of all visitors, may
    show an old result after a newer request, and keeps the server alive on Ctrl-C until its thread ends.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.newest = 0

    def start(self, work: Callable[[Job], None]) -> threading.Thread:
        """Start a job in a new thread, and cancel the previous job."""
        thread = threading.Thread(target=Job(self, self.cancel()).run, args=(work,), daemon=True)
        thread.start()
        return thread

    def cancel(self) -> int:
        """Cancel the running job; return the number of the next job."""
        with self.lock:
            self.newest += 1
            return self.newest


@dataclass(frozen=True)
class Job:
    """A background job, which checks repeatedly whether it was cancelled."""

    latest: LatestJob
    number: int

    def check_current(self) -> None:
        """Raise Superseded if the job was cancelled."""
        if self.number != self.latest.newest:
            raise Superseded

    def deliver(self, update: Callable[[], None]) -> None:
        """Call a function with the job's result, unless the job was cancelled; an old result never replaces a newer one.

        Raises:
            Superseded: if the job was cancelled.
        """
        with self.latest.lock:
            self.check_current()
            update()

    def run(self, work: Callable[[Job], None]) -> None:
        """Wait for a free slot and do the work, unless the job is cancelled."""
        try:
            while not job_slots.acquire(timeout=PATIENCE):
                self.check_current()
            try:
                self.check_current()
                work(self)
            finally:
                job_slots.release()
        except Superseded:
            pass


#: Maximum number of cached ensembles, of about a megabyte each with 4,000 replicates.
CACHE_SIZE = 24
#: Replicates of a preview, and the minimum of all replicates as a multiple of it.
PREVIEW, PREVIEW_FACTOR = 500, 4
#: Expected seconds of a run below which there is no preview.
SKIP_PREVIEW = 0.25
#: Minimum number of replicates for each thread.
MIN_PER_THREAD = 250
#: Seconds between reports of progress.
REPORT_EVERY = 0.02

#: Called repeatedly with the completed share of the work; an exception that it raises ends the run.
Watch = Callable[[float], None]


class TooBigError(Exception):
    """A scenario needs too much memory."""


class StoppedError(Exception):
    """Ends a thread of a run that was stopped."""


class Runs:
    """Runs scenarios and caches their replicates, by the scenario's digest, their number and the seed.

    All visitors share it.
    """

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._cache: OrderedDict[tuple[str, int, int], Ensemble] = OrderedDict()
        self._size = size
        self._lock = threading.Lock()
        self._seconds: float | None = None  # duration of the last run, without its preview

    def batch(
        self, scenarios: Mapping[str, Scenario], replicates: int, seed: int, watch: Watch
    ) -> Batch:
        """Run scenarios with the same random numbers; return them under the given names.

        Raises:
            TooBigError: if the replicates might not fit into memory.
        """
        ensembles: dict[str, Ensemble] = {}
        for name, scenario in scenarios.items():

            def watch_part(share: float) -> None:
                watch((len(ensembles) + share) / len(scenarios))

            ensembles[name] = self.ensemble(scenario, replicates, seed, watch_part)
        return Batch(ensembles, {"seed": seed})

    def ensemble(self, scenario: Scenario, replicates: int, seed: int, watch: Watch) -> Ensemble:
        """Return the replicates of a scenario, from the cache as far as possible.

        Raises:
            TooBigError: if the replicates might not fit into memory.
        """
        most = max_block_size([scenario])
        if replicates > most:
            raise TooBigError(
                f"{replicates:,} crises of this scenario might not fit into memory: expected at most "
                f"{most:,} (--replicates)"
            )
        cached = self._cached(scenario, replicates, seed)
        if cached is not None and cached.replicates == replicates:
            return cached
        began = time.perf_counter()
        ensemble = run(scenario, replicates, seed, watch, cached)
        with self._lock:
            if replicates != PREVIEW:
                self._seconds = time.perf_counter() - began
            if cached is not None:
                self._cache.pop((scenario.digest, cached.replicates, seed), None)
            self._cache[scenario.digest, replicates, seed] = ensemble
            while len(self._cache) > self._size:
                self._cache.popitem(last=False)
        return ensemble

    def preview(self, scenarios: Iterable[Scenario], replicates: int, seed: int) -> int | None:
        """Return the number of replicates to show first, or None if all of them are expected soon.

        They are the first of all replicates, so that nothing runs twice.
        """
        if replicates < PREVIEW_FACTOR * PREVIEW:
            return None
        missing = sum(self._cached(scenario, replicates, seed) is None for scenario in scenarios)
        is_soon = self._seconds is not None and missing * self._seconds < SKIP_PREVIEW
        return None if is_soon or not missing else PREVIEW

    def _cached(self, scenario: Scenario, replicates: int, seed: int) -> Ensemble | None:
        """Return the cached replicates, or the first of them; None if there are none."""
        with self._lock:
            for count in (replicates, PREVIEW):
                key = (scenario.digest, count, seed)
                if key in self._cache and count <= replicates:
                    self._cache.move_to_end(key)
                    return self._cache[key]
        return None


def run(
    scenario: Scenario, replicates: int, seed: int, watch: Watch, first: Ensemble | None = None
) -> Ensemble:
    """Run the same replicates as `crisis-sim run`, in threads on all cores.

    Args:
        first: the first of the replicates, if they were run before.
    """
    import pyarrow as pa

    done = first.replicates if first else 0
    parts = max(min(cores(), (replicates - done) // MIN_PER_THREAD), 1)
    bounds = [done + (replicates - done) * part // parts for part in range(parts + 1)]
    shares, stop = [0.0] * parts, threading.Event()

    def run_part(part: int) -> pa.Table:
        def watch_day(model: CrisisModel) -> None:
            shares[part] = model.days / scenario.horizon_days
            if parts == 1:
                watch(shares[0])
            if stop.is_set():
                raise StoppedError

        start = bounds[part]
        order = BlockOrder(scenario, start, bounds[part + 1] - start, seed)
        return run_block(order, watch_day).table

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
            tables += [future.result() for future in running]
    return Ensemble(
        name=scenario.name,
        title=scenario.title,
        horizon_hours=scenario.horizon_hours,
        states=scenario.state_names,
        table=pa.concat_tables(tables),
        scenario=scenario.plain(),
    )


#: Seconds between two updates of the progress bar.
PROGRESS_EVERY = 0.25
#: Maximum number of files that a session remembers, for files that extend them.
MAX_FILES = 20
#: Number of futures of each history of a changed crisis.
FUTURES = 200


@dataclass(frozen=True)
class Content:
    """The content of the page.

    Attributes:
        view: the results (`crisis_sim.dashboard.view_data.view`); None before the first.
        crises: the example crises.
        progress: completed share of the run, 0 to 1; None if nothing runs.
        mistake: the mistake in the last request, or "".
        crisis: the picked crisis (`crisis_sim.dashboard.view_data.crisis_view`), or None.
        past: the answer about its past: `told` and `shares`, or a `mistake`, or `going` while it runs; None if there is
            none.
        seconds: time from the request to the results.
        preview: True while the results are of the first crises only, and the others run.
    """

    view: Mapping[str, Any] | None = None
    crises: tuple[Mapping[str, Any], ...] = ()
    progress: float | None = None
    mistake: str = ""
    crisis: Mapping[str, Any] | None = None
    past: Mapping[str, Any] | None = None
    seconds: float | None = None
    preview: bool = False


@dataclass
class Session:
    """A visitor's scenario, changes and picked crisis, independent of a browser.

    Requests run in the background; `on_change` is called whenever there is new content.

    Args:
        opened: the first scenario.
        runs: the cache of replicates; sessions may share it.
        replicates: number of replicates of each scenario.
        seed: seed of the replicates.
        on_change: called in any thread when `shown` is new.
        on_progress: called instead if only the progress is new.
        kept: changes of the variant kept for comparison; none for the unchanged scenario.

    Attributes:
        epoch: increases whenever the session moves sliders.
        fits: True if behaviour is drawn from all parameter sets that fit the historical record.
        awaited: the name of a file that the page's address refers to and that the browser has not sent yet, or "".
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
    shown: Content = field(default_factory=Content)

    def __post_init__(self) -> None:
        self._runner, self._reader, self._historian = LatestJob(), LatestJob(), LatestJob()
        self._lock = threading.Lock()
        self._files: dict[str, bytes] = {}
        self._batch: Batch | None = None
        self._cached_readings: list[tuple[Ensemble, Reading]] = []
        self._query = Query()
        self._uploaded = self._file_name = ""
        self._picked: int | None = None
        self._crisis: tuple[Scenario, int] | None = None
        self._use(self.opened)

    def _use(self, opened: Opened) -> None:
        self._set_base(opened, self.fits)
        self._files = {**self._files, **opened.files}
        while len(self._files) > MAX_FILES:
            self._files.pop(next(iter(self._files)))
        self.changes, self.kept, self._picked = Changes(), Changes(), None
        self.epoch += 1

    def _set_base(self, opened: Opened, fits: bool) -> None:
        """Set the unchanged scenario; raise ScenarioError if `fits` and it sets all parameters of the table of fits."""
        self.scenario = over_fits(opened.scenario) if fits else opened.scenario
        self.opened, self.fits = opened, fits
        self.editor = ScenarioEditor(self.scenario)
        self.groups = groups_of(self.scenario)
        self._sliders = {slider.path: slider for group in self.groups for slider in group.sliders}
        self._switches = {group.path for group in self.groups if group.switched}

    def restore(self, query: str) -> None:
        """Make the changes in the page's address, before `start`; mistakes in it are shown."""
        self._query = parse_query(query)
        self.awaited = self._query.file
        if not self.awaited:
            self._restore()

    def start(self) -> None:
        """Run the scenario, and show the results."""
        if not self.awaited:
            mistake = self.shown.mistake
            self._run()
            if mistake:
                self._show(mistake=mistake)

    def reopen(self, files: Mapping[str, bytes]) -> None:
        """Open the awaited file from the files that the browser's tab has stored, and make the changes in the address."""
        if not self.awaited:
            return
        name, self.awaited = self.awaited, ""
        self._files = {**self._files, **files}
        if name in files:
            self._open(name, files[name])
        else:
            mistake = f"error: the address refers to the file {clean(name)}, which this tab has not stored: open it again"
            self._show(mistake=mistake)
        if self._uploaded or not self.shown.mistake:
            self._restore()
        self.start()

    def move(self, path: str, value: float) -> None:
        """Change a number, within its limits; unknown paths are ignored."""
        slider = self._sliders.get(path)
        if slider is None or not math.isfinite(value):
            return
        low, high = slider.limits
        self._change(self.changes.move(path, min(max(value, low), high)))

    def back(self, path: str = "") -> None:
        """Reset a slider, or all sliders and switches."""
        self.epoch += 1
        self._change(self.changes.back(path) if path else Changes())

    def switch(self, path: str, on: bool) -> None:
        """Add or remove an agent; agents without a switch are ignored."""
        if path in self._switches:
            self._change(self.changes.switch(path, on))

    def keep(self, on: bool) -> None:
        """Compare with the current variant from now on, or with the unchanged scenario."""
        self.kept = self.changes if on else Changes()
        self._run()

    def fit(self, on: bool) -> None:
        """Draw behaviour from all parameter sets that fit the historical record, or use the scenario's."""
        if on == self.fits:
            return
        try:
            self._set_base(self.opened, on)
        except ScenarioError as error:
            self._show(mistake=str(error))
            return
        self.epoch += 1
        self._run()

    def count(self, clock: str) -> None:
        """Count time from `from_first_strike` or `from_trigger`."""
        if clock in CLOCKS and clock != self.clock:
            self.clock = clock
            self._run()

    def open(self, name: str, content: bytes) -> None:
        """Open a scenario file, or show its mistakes."""
        if self._open(name, content):
            self._run()

    def dismiss_error(self) -> None:
        """Remove the mistake from the page."""
        self._show(mistake="")

    def pick(self, number: float, which: str = "") -> None:
        """Show a crisis of one of the compared scenarios, by default of the last."""
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
        except ScenarioError:  # `_run` has shown it
            return
        which = which if which in arms else list(arms)[-1]
        scenario = arms[which]
        other = next((name for name in arms if name != which), "")

        def work(job: Job) -> None:
            crisis = crisis_view(scenario, replicate, self.seed)
            crisis |= {"replicate": replicate, "which": which, "other": other}

            def update() -> None:
                self._historian.cancel()
                self._crisis = (scenario, replicate)
                self._set(crisis=crisis, past=None)

            job.deliver(update)

        self._reader.start(lambda job: self._attempt(work, job))

    def branch(self, at: str, forced: str) -> None:
        """Show the futures of the picked crisis in which an agent makes a choice, such as `us=engage`, from a moment on."""
        who, _, choice = forced.partition("=")

        def answer(scenario: Scenario, replicate: int) -> dict[str, Any]:
            force = {who: choice}
            return branch_view(
                branch(scenario, replicate, at, force=force, futures=FUTURES, seed=self.seed)
            )

        self._ask_about_past(answer)

    def why(self, outcome: str) -> None:
        """Explain why an outcome occurred in the picked crisis, or did not."""

        def answer(scenario: Scenario, replicate: int) -> dict[str, Any]:
            explanation = why(scenario, replicate, outcome, futures=FUTURES, seed=self.seed)
            return {"told": explanation.answer(), "shares": []}

        self._ask_about_past(answer)

    def _ask_about_past(self, answer: Callable[[Scenario, int], dict[str, Any]]) -> None:
        crisis = self._crisis
        if crisis is None:
            return

        def work(job: Job) -> None:
            try:
                past = answer(*crisis)
            except (HistoryError, ScenarioError) as error:
                past = {"mistake": f"error: {error}"}
            job.deliver(lambda: self._set(past=past))

        self._show(past={"going": True})
        self._historian.start(lambda job: self._attempt(work, job))

    def pick_at(self, day: float) -> None:
        """Show the crisis with the ceasefire nearest to a day on the chart."""
        if self._batch is not None and math.isfinite(day):
            replicate = nearest(list(self._batch.ensembles.values())[-1], self.clock, day)
            if replicate is not None:
                self.pick(replicate)

    def end(self) -> None:
        """Cancel all jobs: the visitor has left."""
        for jobs in (self._runner, self._reader, self._historian):
            jobs.cancel()

    @property
    def address(self) -> str:
        """The query of the page's address that restores this session."""
        if self.awaited:  # not restored yet
            return self._query.encoded
        clock = "" if self.clock == CLOCKS[0] else self.clock
        sets, kept = (
            tuple(changes.overrides(everything=True)) for changes in (self.changes, self.kept)
        )
        return Query(sets, kept, clock, self._uploaded, self.fits).encoded

    def name(self, wished: str) -> None:
        """Rename the changed scenario's file, if the name is valid."""
        self._file_name = wished
        self.on_change()

    def file(self) -> tuple[str, str]:
        """Return name and text of a file of the changed scenario."""
        name = file_name(self._file_name, self.opened)
        return name, as_scenario_file(self.opened, self.changes, self.groups, name)

    def _restore(self) -> None:
        mistakes = [*self._query.mistakes]
        if self._query.fits:
            try:
                self._set_base(self.opened, True)
            except ScenarioError as error:
                mistakes.insert(0, str(error))
        self.changes, wrong = restore(self._query.sets, self._sliders, self._switches)
        self.kept, wrong_kept = restore(self._query.kept, self._sliders, self._switches)
        self.clock = self._query.clock or self.clock
        self._set(mistake="\n".join([*mistakes, *wrong, *wrong_kept]))

    def _open(self, name: str, content: bytes) -> bool:
        """Open a file; return False if it has mistakes, which are shown."""
        try:
            opened = open_upload(name, content, self._files)
        except ScenarioError as error:
            self._show(mistake=str(error))
            return False
        self._use(opened)
        self._uploaded, self._crisis = opened.file, None
        self._historian.cancel()
        self._show(mistake="", crisis=None, past=None, view=None, crises=())
        return True

    def _change(self, changes: Changes) -> None:
        if changes != self.changes:
            self.changes = changes
            self._run()
        else:
            self.on_change()

    def current(self) -> Scenario:
        """Return the changed scenario; raise ScenarioError if the changes do not fit together."""
        return list(self._arms().values())[-1]

    def results(self) -> bytes:
        """Return charts and data of the results as a ZIP archive."""
        return archive(partial(write_results, self._batch)) if self._batch else b""

    def _arms(self) -> dict[str, Scenario]:
        """Return the compared scenarios by name, the reference first; a single scenario if both are equal."""

        def name(changes: Changes) -> str:
            kept = KEPT if changes == self.kept else CHANGED
            return kept if changes else UNCHANGED

        return {
            name(changes): changes.apply(self.editor) if changes else self.scenario
            for changes in (self.kept, self.changes)
        }

    def _run(self) -> None:
        """Run the current scenario and show its results, in the background."""
        began, clock = time.monotonic(), self.clock
        try:
            scenarios = self._arms()
        except ScenarioError as error:
            self._runner.cancel()
            self._show(mistake=str(error), progress=None)
            return
        self._show(progress=0.0, mistake="")

        def draw(job: Job, replicates: int, watch: Watch, **content: Any) -> None:
            batch = self.runs.batch(scenarios, replicates, self.seed, watch)
            job.check_current()
            results = view(batch, clock, self._readings(batch))
            crises = tuple(example_crises(batch, clock))

            def update() -> None:
                self._batch = batch
                seconds = time.monotonic() - began
                self._set(view=results, crises=crises, seconds=seconds, **content)

            job.deliver(update)

        def work(job: Job) -> None:
            watch = self._watch(job)
            few = self.runs.preview(scenarios.values(), self.replicates, self.seed)
            if few is not None:
                done = few / self.replicates
                draw(job, few, lambda share: watch(done * share), preview=True)
                self.on_change()
            draw(job, self.replicates, watch, preview=False, progress=None)
            # Last, so as not to delay the results.
            if self._picked is not None:
                self.pick(self._picked)

        self._runner.start(lambda job: self._attempt(work, job))

    def _readings(self, batch: Batch) -> dict[str, Reading]:
        """Return the reading of the reference, which often remains the same, from a cache."""
        name, reference = next(iter(batch.ensembles.items()))
        for ensemble, reading in self._cached_readings:
            if ensemble is reference:
                return {name: reading}
        reading = Reading.of(reference)
        self._cached_readings = [*self._cached_readings[-1:], (reference, reading)]
        return {name: reading}

    def _watch(self, job: Job) -> Watch:
        """Return a function that ends a cancelled run, and reports its progress."""
        last = time.monotonic()

        def watch(share: float) -> None:
            nonlocal last
            job.check_current()
            if time.monotonic() - last > PROGRESS_EVERY:
                last = time.monotonic()
                job.deliver(lambda: self._set(progress=share))
                self.on_progress()

        return watch

    def _attempt(self, work: Callable[[Job], None], job: Job) -> None:
        """Do a job, or show its error, and report its end."""
        try:
            work(job)
        except Superseded:
            raise
        except Exception as error:  # noqa: BLE001 - the visitor must not wait forever
            message = f"error: this cannot be run: {type(error).__name__}: {error}"
            if isinstance(error, TooBigError):
                message = f"error: {error}"
            job.deliver(lambda: self._set(mistake=message, progress=None, past=None))
        # Outside of `deliver`, because these functions may start another job.
        self.on_change()
        self.on_progress()

    def _set(self, **content: Any) -> None:
        with self._lock:
            self.shown = replace(self.shown, **content)

    def _show(self, **content: Any) -> None:
        self._set(**content)
        self.on_change()
        if "progress" in content:
            self.on_progress()
