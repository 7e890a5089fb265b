"""Branch one crisis: the same past to a moment, something changed there, and one other history or many futures after it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure
from pydantic import Field

from crisis_sim import style, text
from crisis_sim.batch.block import as_table
from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.experiments.calibrate import as_yaml
from crisis_sim.history import past
from crisis_sim.history.past import Change, History, HistoryError
from crisis_sim.model.crisis import CrisisModel
from crisis_sim.model.record import Entry
from crisis_sim.outcomes import wilson_interval
from crisis_sim.outcomes.summary import Summary, summarise
from crisis_sim.report.charts import date_axis
from crisis_sim.report.replay import draw_rungs, legend_keys, plain_value
from crisis_sim.report.save import scenario_file, write_report
from crisis_sim.report.story import Narrator
from crisis_sim.scenario.introspect import read_part
from crisis_sim.scenario.load import load_scenario
from crisis_sim.scenario.numbers import Part
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import Source, folder_of, parse, read_text, to_node
from crisis_sim.version import __version__

Luck = Literal["same", "fresh"]
#: Futures of each history, unless more or fewer are asked for, and at most.
FUTURES, MOST_FUTURES = 1000, 100_000
#: The file that repeats a branch, and what the two histories are called.
FILE, WAS, GOES = "branch.yaml", "as it was", "changed"
#: Entries of one moment are at most so far apart, hours.
_AT_ONCE = 1 / 60
#: Entries of what a state decides.
_DECISIONS = ("planned", "act", "offered", "agreed")


class _File(Part):
    """A branch as it is written down."""

    scenario: str = Field(
        description="the scenario's file beside this one, or the name of a shipped scenario"
    )
    digest: str = Field("", description="the scenario's digest when the branch was made")
    seed: int = Field(1, ge=0, description="seed of the crisis")
    replicate: int = Field(ge=0, description="number of the crisis")
    changes: tuple[Change, ...] = Field(
        min_length=1, description="what is changed, in order of time"
    )
    luck: Luck = Field(
        "same", description="that of the crisis, or that of many futures after the last change"
    )
    futures: int = Field(FUTURES, ge=1, le=MOST_FUTURES, description="how many")
    classes: tuple[str, ...] = Field((), description="classes of a person's own that take part")
    version: str = Field("", description="the version that wrote it")


@dataclass(frozen=True)
class Branch:
    """A crisis, and what becomes of it after a change.

    Attributes:
        scenario, seed, replicate: which crisis it is.
        changes: all changes, in order; the last is what is compared with the history without it.
        luck, futures: that of the crisis, or that of so many futures after the last change.
        days: when that was made, days from the scenario's start.
        was, goes: the crisis without the last change and with it, on its own luck.
        batch: on fresh luck, the futures without it and with it, in pairs that share their luck; else None.
        forced: likewise in how many futures a state did what it was forced to, by its name.
    """

    scenario: Scenario
    seed: int
    replicate: int
    changes: tuple[Change, ...]
    luck: Luck
    futures: int
    days: float
    was: History = field(repr=False)
    goes: History = field(repr=False)
    batch: Batch | None = field(default=None, repr=False)
    forced: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def summary(self) -> Summary | None:
        """Shares, curves and differences of the futures; None on the crisis's own luck."""
        return None if self.batch is None else summarise(self.batch)

    @cached_property
    def parting(self) -> tuple[Entry | None, Entry | None] | None:
        """The first entries of the two journals that are not the same; None where all are."""
        pairs = zip_longest(self.was.journal.entries, self.goes.journal.entries)
        return next((pair for pair in pairs if not _alike(*pair)), None)

    def told_parting(self) -> str:
        """Where the two histories part, as a sentence."""
        if self.parting is None:
            return "Nothing follows from the change: the two histories are the same."
        at = min(one.hours for one in self.parting if one)
        before, after = (one if one and one.hours < at + _AT_ONCE else None for one in self.parting)
        was, goes = _clause(self.was, before), _clause(self.goes, after)
        if was and goes:
            told = f"{goes}; as it was, {was}"
        elif before and before.kind in _DECISIONS and before.agent in self.scenario.states:
            name = Narrator(self.scenario, 0.0).name(before.agent)
            told = f"{name} holds, where {was.replace(name, 'it', 1)}"
        else:
            told = goes or f"this does not happen: {was}"
        return f"{past.said_at(self.scenario, at / 24)}: {text.sentence(told)}"

    def beside(self) -> list[tuple[str, str, str]]:
        """Both histories from where they part: a date, what happens as it was, and what happens with the change."""
        if self.parting is None:
            return []
        first = round(60 * min(one.hours for one in self.parting if one))
        was, goes = (one.sentences(one.journal.entries) for one in (self.was, self.goes))
        return [
            (past.said_at(self.scenario, at / 1440), was.get(at, ""), goes.get(at, ""))
            for at in sorted({*was, *goes})
            if at >= first
        ]

    def head(self) -> list[str]:
        """Which crisis it is, what was changed, and what the histories come to: a paragraph each."""
        title, at = text.clean(self.scenario.title), past.said_at(self.scenario, self.days)
        changes = []
        for one in self.changes:
            what = [*one.set, *(f"{who}: {choice}" for who, choice in one.force.items())]
            what += [f"event: {text.clean(event.title) or event.struck}" for event in one.inject]
            changes.append(f"Changed at {one.at}: {text.listed(what) or 'nothing'}.")
        told = [
            f"{title}: crisis {self.replicate} of seed {self.seed}, branched on {at} (day {self.days:.2f}).",
            *changes,
            f"As it was: {self.was.gist}",
            f"Changed, on the same luck: {self.goes.gist}",
            self.told_parting(),
        ]
        if self.batch:
            told.append(f"{self.futures:,} futures of each history, in pairs that share their luck.")  # fmt: skip
        if done := [f"{text.label(name)} in {text.count(n)}" for name, n in self.forced.items()]:
            told.append(f"The forced choice was taken by {text.listed(done)} of them.")
        return told

    def plain(self) -> dict[str, Any]:
        """All of it, fit for JSON."""
        return {
            **self._written(self.scenario.name),
            "at_hours": self.days * 24,
            "told": self.head(),
            "beside": [dict(zip(("at", WAS, GOES), row, strict=True)) for row in self.beside()],
            "outcomes": {
                name: {key: plain_value(value) for key, value in one.outcome.items()}
                for name, one in ((WAS, self.was), (GOES, self.goes))
            },
            "forced": dict(self.forced),
            "summary": self.summary,
        }

    def _written(self, scenario: str) -> dict[str, Any]:
        about: dict[str, Any] = {
            "scenario": scenario,
            "digest": self.scenario.digest,
            "version": __version__,
        }
        about |= {name: getattr(self, name) for name in ("seed", "replicate", "luck", "futures")}
        about |= {"classes": [*named]} if (named := _named(**self.was.model.classes)) else {}
        changes = [one.model_dump(mode="json", exclude_defaults=True) for one in self.changes]
        return about | {"changes": changes}

    def write(self, folder: str | Path) -> list[Path]:
        """Write the file that repeats it, its scenario, the two histories, the chart, and the summary of futures.

        Raises:
            HistoryError: when the folder holds something else.
            OSError: when a file cannot be written.
        """
        folder = Path(folder)
        check_folder(folder, FILE)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self.scenario.name}.yaml"
        parts = [
            f"# {text.markdown(self.scenario.title)}, branched",
            *map(text.markdown, self.head()),
        ]
        if rows := [f"| {' | '.join(row)} |" for row in self.beside()]:
            parts.append("\n".join(["| | As it was | Changed |", "| --- | --- | --- |", *rows]))
        parts += ["# Changed, on the same luck", self.goes.story.partition("\n")[2]]
        texts = {
            FILE: as_yaml(self._written(name)),
            name: scenario_file({"scenario": self.scenario.plain()}),
            "branch.md": "\n\n".join(parts),
        }
        for file, content in texts.items():
            (folder / file).write_text(content, encoding="utf-8")
        charts = style.write(self.draw(), folder / "branch")
        more = write_report(self.batch, self.summary, folder) if self.batch and self.summary else []
        return [*(folder / file for file in texts), *charts, *more]

    @style.styled
    def draw(self) -> Figure:
        """The rungs of both histories, one above the other; of futures, how many have a ceasefire in effect by when."""
        two = {"As it was": self.was, "Changed, on the same luck": self.goes}
        panels = len(two) + (self.batch is not None)
        figure = style.new_figure(height=62.0 * panels)
        grid = figure.subplots(panels, 1, sharex=True)
        last = max(float(one.model.crises["now"][0]) for one in two.values())
        top = max(int(one.outcome["peak_rung"]) for one in two.values()) + 1
        for axes, (title, one) in zip(grid, two.items(), strict=False):
            shown = min(top, len(self.scenario.ladder) - 1)
            axes.set_title(title, pad=style.TITLE_PAD_OVER_MARKS)
            draw_rungs(axes, one.journal, one.model.scenario, None, shown)
        if self.batch is not None:
            last = max(last, *self._draw_futures(grid[2], self.batch))
        for axes in grid:
            style.mark_moment(axes, self.days, "branched here")
        keys = legend_keys(self.scenario, None, [])
        figure.legend(handles=keys, loc="outside lower center", ncols=2)
        date_axis(grid[-1], self.scenario.start, 0.0, last)
        return figure

    def _draw_futures(self, axes: Any, batch: Batch) -> Iterator[float]:
        """Draw the share of futures with a ceasefire so far; until when it rises."""
        for place, (name, one) in enumerate(batch.ensembles.items()):
            halts = np.sort(one.column("ceasefire_in_effect_at_hours") / 24)
            days = np.concatenate([[self.days], halts[halts >= self.days]])
            count = np.arange(len(days)) + (halts < self.days).sum()
            low, high = wilson_interval(count, self.futures)
            limits = {"value": count / self.futures, "lower": low, "upper": high}
            style.keep(axes, panel="Futures", of=name, what="ceasefire so far", days=days, **limits)
            line = style.scenario_line(place)
            axes.step(days, 100 * count / self.futures, where="post", label=name, **line)
            band = {"color": line["color"], "alpha": 0.2, "linewidth": 0.0}
            axes.fill_between(days, 100 * low, 100 * high, step="post", **band)
            yield float(days[-1])
        axes.set_ylim(0, 100)
        of = f"% of {text.count(self.futures)} futures with a"
        axes.set_ylabel(f"{of}\nceasefire so far (95% bands)")
        axes.legend(loc="upper left")
        axes.set_title("Futures on fresh luck", pad=style.TITLE_PAD_OVER_MARKS)


def branch(
    scenario: str | os.PathLike[str] | Scenario | Branch,
    replicate: int | None = None,
    at: str | float | None = None,
    *,
    set: Sequence[str] = (),  # noqa: A002 - as on the command line
    force: Mapping[str, str] | None = None,
    inject: Sequence[Any] = (),
    luck: Luck | None = None,
    futures: int | None = None,
    seed: int = 1,
    roles: Mapping[str, Any] | None = None,
    agents: Sequence[Any] = (),
) -> Branch:
    """Go back in one crisis to a moment, change something, and see one other history, or many futures.

    Args:
        scenario: a scenario or its file; or an earlier branch or its file, to be branched again, or repeated without `at`.
        replicate, seed: which crisis it is; an earlier branch knows.
        at: when: a day from the start, a date, or a milestone such as `first_strike`, just after it.
        set: values from then on, such as `mediators.us.trust.india=0.9`.
        force: what somebody does as soon as it can, by name: an option of a state, or what a third party can do.
        inject: events, as mappings such as a scenario has.
        luck: `same`, that of the crisis; `fresh`, that of many futures, in pairs without the change and with it.
        futures: how many; with a number, `fresh` is the usual luck.
        roles, agents: classes of a person's own, as `CrisisModel` takes them.

    Raises:
        HistoryError: when the crisis cannot be changed so then.
        ScenarioError: when a scenario, a value or an event has mistakes.
    """
    earlier, whole = _known(scenario)
    changes = earlier.changes if earlier else ()
    if earlier:
        seed, replicate = earlier.seed, earlier.replicate
        if isinstance(earlier, Branch):
            roles, agents = (earlier.was.model.classes[name] for name in ("roles", "agents"))
        elif earlier.classes != _named(roles, agents):
            made = f"with {text.listed(earlier.classes)}" if earlier.classes else "without any"
            raise HistoryError(f"{scenario} was made {made}: give the same --roles and --agents")
    if earlier and at is None:  # it is repeated
        luck = luck or ("fresh" if futures else earlier.luck)
        futures = futures or earlier.futures
    if replicate is None:
        raise HistoryError("which crisis is to be branched? give its number (replicate)")
    if at is not None:
        what = {"at": at, "set": tuple(set), "force": dict(force or {}), "inject": tuple(inject)}
        changes += (read_part(Change, to_node(what, Source.of("branch", "").start)),)
    elif not changes or set or force or inject:
        raise HistoryError("when is the crisis to be changed? give a day, a date or a milestone (at)")  # fmt: skip
    if futures is not None and not 1 <= futures <= MOST_FUTURES:
        raise HistoryError(f"expected 1 to {MOST_FUTURES:,} futures, not {futures}")
    model = past.begin(whole, seed, replicate, roles=roles, agents=agents)
    return _branched(model, changes, luck or ("fresh" if futures else "same"), futures or FUTURES)


def _known(scenario: Any) -> tuple[_File | Branch | None, Scenario]:
    """The earlier branch that is meant, if it is one, and the scenario."""
    if isinstance(scenario, Branch):
        return scenario, scenario.scenario
    if isinstance(scenario, Scenario):
        return None, scenario
    return read_branch(Path(scenario)) or (None, load_scenario(scenario))


def _named(roles: Mapping[str, Any] | None, agents: Sequence[Any]) -> tuple[str, ...]:
    """Classes of a person's own in words."""
    return (
        *(f"{who}={kind.__name__}" for who, kind in (roles or {}).items()),
        *(one.__name__ for one in agents),
    )


def _branched(model: CrisisModel, changes: tuple[Change, ...], luck: Luck, futures: int) -> Branch:
    """A crisis that stands at its beginning, with changes made one after the other."""
    whole, replicate, days = model.scenario, int(model.replicate[0]), 0.0
    for one in changes:
        before, days = days, past.moment_of(model.copied().run(), one.at)
        if days < before:
            raise HistoryError(f"{one.at} is before the last change, on {past.said_at(whole, before)}")  # fmt: skip
        unchanged = past.run_to(model, days)
        model = past.change(unchanged, one)
    states = [name for name in changes[-1].force if name in whole.states]
    was, goes = (History.at(each.copied().run()) for each in (unchanged, model))
    made = Branch(whole, model.seed_, replicate, changes, luck, futures, days, was, goes)
    if luck == "fresh":
        batch, forced = _futures(unchanged, model, futures, states)
        return replace(made, batch=batch, forced=forced)
    for name in states:
        if not _taken(goes.model, name).all():
            raise HistoryError(past.never_open(unchanged, name, changes[-1].force[name]))
    return made


def _futures(
    was: CrisisModel, goes: CrisisModel, futures: int, states: Sequence[str]
) -> tuple[Batch, dict[str, int]]:
    """Futures without the change and with it, in pairs; and in how many of the latter each state did what was forced."""
    ensembles: dict[str, Ensemble] = {}
    for name, one in ((WAS, was), (GOES, goes)):
        model, scenario = one.branch(futures).run(), one.scenario
        outcomes = model.outcomes() | {"replicate": np.arange(futures)}
        table = as_table(name, outcomes, scenario.state_names)
        ensembles[name] = Ensemble(
            name, scenario.title, scenario.horizon_hours, scenario.state_names, table, None, scenario.plain()
        )  # fmt: skip
    forced = {state: int(_taken(model, state).sum()) for state in states}
    return Batch(ensembles, {"seed": was.seed_, "replicates": futures}), forced


def _taken(model: CrisisModel, state: str) -> Any:
    """In which crises a state has done what it was forced to."""
    return model.crises["states"][:, model.scenario.state_names.index(state)]["forced"] < 0


def read_branch(path: Path) -> tuple[_File, Scenario] | None:
    """A branch as it was written, and its scenario; None where the file is no branch.

    Raises:
        ScenarioError: when it is one, and has mistakes.
        HistoryError: when its scenario is another by now.
    """
    if not path.is_file() or "changes:" not in (content := read_text(path, str(path))):
        return None
    top, mistakes = parse(str(path), content, "branch", "scenario, replicate and changes")
    if "changes" not in top.entries():
        return None
    file = read_part(_File, top, mistakes)
    beside = folder_of(path) / Path(file.scenario).name
    scenario = load_scenario(beside if beside.is_file() else file.scenario)
    if file.digest and scenario.digest != file.digest:
        raise HistoryError(f"{file.scenario} has changed since {path} was written: it would be another crisis")  # fmt: skip
    return file, scenario


def check_folder(folder: Path, file: str) -> None:
    """Make sure that nothing but an earlier result of the same kind is overwritten.

    Raises:
        HistoryError: when the folder holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise HistoryError(f"{folder} is a file; give a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / file).exists():
        raise HistoryError(f"{folder} holds other things than such a result ({file}); give a new folder")  # fmt: skip


def _clause(history: History, entry: Entry | None) -> str:
    """An entry as a clause; "" where there is none."""
    if entry is None:
        return ""
    entries = history.journal.entries
    told = history.sentences([entry], entries[: entries.index(entry)])
    return " ".join(told.values()).rstrip(".")


def _alike(one: Entry | None, other: Entry | None) -> bool:
    if one is None or other is None:
        return False
    same = (one.kind, one.agent, one.detail) == (other.kind, other.agent, other.detail)
    return same and abs(one.hours - other.hours) < _AT_ONCE
