"""Branch one crisis: the same past to a moment, something changed there, and one other history or many futures after it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from pydantic import Field, ValidationError

from crisis_sim import style, text
from crisis_sim.batch.block import outcome_table
from crisis_sim.batch.ensemble import Batch, Ensemble
from crisis_sim.experiments.calibrate import as_yaml
from crisis_sim.history import past
from crisis_sim.history.past import Change, HistoryError
from crisis_sim.model.crisis import CrisisModel
from crisis_sim.outcomes import wilson_interval
from crisis_sim.outcomes.summary import Summary, summarise
from crisis_sim.report.curves import date_axis
from crisis_sim.report.replay import draw_rungs, legend_keys
from crisis_sim.report.save import scenario_file
from crisis_sim.report.story import Narrator, gist_of, tell
from crisis_sim.scenario.errors import ScenarioError
from crisis_sim.scenario.introspect import Slot, explain
from crisis_sim.scenario.load import load_scenario
from crisis_sim.scenario.numbers import Part
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.source import folder_of, parse, read_text
from crisis_sim.version import __version__

if TYPE_CHECKING:
    from crisis_sim.model.journal import Entry

Luck = Literal["same", "fresh"]
#: Futures of each history, unless more or fewer are asked for, and at most.
FUTURES, MOST_FUTURES = 1000, 100_000
#: The file that repeats a branch, and the columns of two histories.
FILE, WAS, GOES = "branch.yaml", "as it was", "changed"
#: Entries of one moment are at most so far apart, hours.
_AT_ONCE = 1 / 60
#: Entries of a decision by a state, which it may leave.
_DECISIONS = ("planned", "act", "offered", "agreed")


class _File(Part):
    """A branch as it is written down."""

    scenario: str = Field(
        description="the scenario's file, beside this one, or the name of a shipped scenario"
    )
    digest: str = Field("", description="the digest of the scenario when the branch was made")
    seed: int = Field(1, ge=0, description="seed of the crisis")
    replicate: int = Field(ge=0, description="number of the crisis")
    changes: tuple[Change, ...] = Field(
        min_length=1, description="what is changed, in order of time"
    )
    luck: Luck = Field(
        "same", description="the crisis's own luck after the last change, or that of many futures"
    )
    futures: int = Field(
        FUTURES, ge=1, le=MOST_FUTURES, description="how many futures, on fresh luck"
    )
    version: str = Field("", description="the version that wrote it")


class _Earlier(NamedTuple):
    """A branch that was read from its file."""

    scenario: Scenario
    seed: int
    replicate: int
    changes: tuple[Change, ...]
    luck: Luck
    futures: int


@dataclass(frozen=True)
class Branch:
    """A crisis, and what becomes of it after a change.

    Attributes:
        scenario, seed, replicate: which crisis it is.
        changes: all changes, in order; the last is what is compared with the history without it.
        luck, futures: the crisis's own luck after the last change, or that of so many futures.
        days: when the last change was made, days from the scenario's start.
        was: the crisis without the last change, run to its end.
        goes: the same with it, on the crisis's own luck.
        batch: on fresh luck the futures without the change and with it, in pairs that share their luck; else None.
        forced: on fresh luck, by state, in how many futures a forced choice was taken.
    """

    scenario: Scenario
    seed: int
    replicate: int
    changes: tuple[Change, ...]
    luck: Luck
    futures: int
    days: float
    was: CrisisModel = field(repr=False)
    goes: CrisisModel = field(repr=False)
    batch: Batch | None = field(default=None, repr=False)
    forced: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def summary(self) -> Summary | None:
        """Shares, curves and differences of the futures; None on the crisis's own luck."""
        return None if self.batch is None else summarise(self.batch)

    @property
    def at(self) -> str:
        """The moment of the last change, in words."""
        return past.said_at(self.scenario, self.days)

    @cached_property
    def parting(self) -> tuple[Entry | None, Entry | None] | None:
        """The first entries of the two journals, without the change and with it, that are not the same; None if all are."""
        was, goes = (one.journal.entries for one in (self.was, self.goes) if one.journal)
        for k in range(max(len(was), len(goes))):
            one, other = (each[k] if k < len(each) else None for each in (was, goes))
            if not _alike(one, other):
                return one, other
        return None

    def told_parting(self) -> str:
        """Where the two histories part, as a sentence."""
        if self.parting is None:
            return "Nothing follows from the change: the two histories are the same."
        at = min(one.hours for one in self.parting if one)
        now = [one if one and one.hours < at + _AT_ONCE else None for one in self.parting]
        was, goes = (_said(*each) for each in zip((self.was, self.goes), now, strict=True))
        if was and goes:
            told = f"{goes}; as it was, {was}"
        elif now[0] and now[0].kind in _DECISIONS and now[0].agent in self.scenario.states:
            spec = self.scenario.states[now[0].agent]
            name = text.with_article(text.clean(spec.title) or text.label(now[0].agent))
            told = f"{name} holds, where {was.replace(name, 'it', 1)}"
        else:
            told = goes or f"this does not happen: {was}"
        return f"{past.said_at(self.scenario, at / 24)}: {text.sentence(told)}"

    def beside(self) -> list[tuple[str, str, str]]:
        """Both histories from where they part: date, what happens as it was, and what happens with the change."""
        if self.parting is None:
            return []
        first = min(one.hours for one in self.parting if one)
        columns = [_sentences(one) for one in (self.was, self.goes)]
        minutes = sorted({minute for one in columns for minute in one if minute >= first * 60 - 1})
        return [
            (
                past.said_at(self.scenario, minute / 1440),
                columns[0].get(minute, ""),
                columns[1].get(minute, ""),
            )
            for minute in minutes
        ]

    def told_changes(self) -> list[str]:
        """What was changed, a line a change."""
        lines = []
        for one in self.changes:
            what = [*one.set, *(f"{who}: {choice}" for who, choice in one.force.items())]
            what += [
                f"event: {event.title or event.struck} ({event.at:%Y-%m-%d %H:%M})"
                for event in one.inject
            ]
            lines.append(f"{one.at}: {text.listed(what) or 'nothing'}")
        return lines

    def head(self) -> str:
        """Which crisis it is and what was changed, and what the two histories come to."""
        gists = [gist_of(one.journal, self.scenario, _row(one)) for one in (self.was, self.goes) if one.journal]  # fmt: skip
        return "\n".join(
            [
                f"{text.clean(self.scenario.title)}: crisis {self.replicate} of seed {self.seed}, "
                f"branched on {self.at} (day {self.days:.2f})",
                *(f"Changed at {one}" for one in self.told_changes()),
                "",
                f"As it was: {gists[0]}",
                f"Changed, on the same luck: {gists[1]}",
                "",
                self.told_parting(),
            ]
        )

    def told_forced(self) -> str:
        """In how many futures forced choices were taken."""
        parts = [
            f"{text.label(name)} in {text.count(n)} of {text.count(self.futures)}"
            for name, n in self.forced.items()
        ]
        return (
            f"The forced choice was open, and was taken: {text.listed(parts)} futures."
            if parts
            else ""
        )

    def as_markdown(self) -> str:
        """The two histories side by side, and the changed one as a story."""
        mark = text.markdown
        rows = [f"| {at} | {was} | {goes} |" for at, was, goes in self.beside()]
        head = ["| | As it was | Changed |", "| --- | --- | --- |"] if rows else []
        parts = ["# A crisis branched", *map(mark, filter(None, self.head().split("\n")))]
        story = (
            tell(self.goes.journal, self.goes.scenario, _row(self.goes))
            if self.goes.journal
            else ""
        )
        return "\n\n".join(
            [
                *parts,
                "\n".join([*head, *rows]),
                f"# Changed, on the same luck\n{story.partition(chr(10))[2]}",
            ]
        )

    def plain(self) -> dict[str, Any]:
        """All of it, fit for JSON."""
        parting = None if self.parting is None else {
            name: one and {"hours": one.hours, "kind": one.kind, "agent": one.agent, "detail": one.detail}
            for name, one in zip((WAS, GOES), self.parting, strict=True)
        }  # fmt: skip
        return {
            **self._written(self.scenario.name),
            "at_hours": self.days * 24,
            "parting": parting,
            "told": self.told_parting(),
            "outcomes": {
                name: {key: _plain(one) for key, one in _row(model).items()}
                for name, model in ((WAS, self.was), (GOES, self.goes))
            },
            "forced": dict(self.forced),
            "summary": self.summary,
        }

    def _written(self, scenario: str) -> dict[str, Any]:
        changes = [one.model_dump(mode="json", exclude_defaults=True) for one in self.changes]
        return {
            "scenario": scenario,
            "digest": self.scenario.digest,
            "seed": self.seed,
            "replicate": self.replicate,
            "changes": changes,
            "luck": self.luck,
            **({"futures": self.futures} if self.luck == "fresh" else {}),
            "version": __version__,
        }

    def write(self, folder: str | Path) -> list[Path]:
        """Write the file that repeats it, its scenario, the two histories and the chart; of futures their summary, too.

        Raises:
            HistoryError: when the folder holds something else.
            OSError: when a file cannot be written.
        """
        from crisis_sim.report import write_report

        folder = Path(folder)
        check_folder(folder, FILE)
        name = f"{self.scenario.name}.yaml"
        about = {"scenario": self.scenario.plain()}
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / FILE, folder / name, folder / "branch.md"]
        files[0].write_text(as_yaml(self._written(name)), encoding="utf-8")
        files[1].write_text(scenario_file(about), encoding="utf-8")
        files[2].write_text(self.as_markdown(), encoding="utf-8")
        for suffix in (".svg", ".png"):
            files.append(folder / f"branch{suffix}")
            style.save(self.draw(), files[-1])
        if self.batch is not None and self.summary is not None:
            files += write_report(self.batch, self.summary, folder)
        return files

    @style.styled
    def draw(self) -> Figure:
        """The rungs of both histories, one above the other; of futures, how many have a ceasefire in effect by when."""
        models = [self.was, self.goes]
        heads = ["As it was", "Changed, on the same luck"]
        panels = 2 + (self.batch is not None)
        figure = style.new_figure(height=62.0 * panels)
        grid = figure.subplots(panels, 1, sharex=True)
        last = max(float(one.crises["now"][0]) for one in models)
        top = max(int(one.crises["peak_rung"][0]) for one in models) + 1
        for axes, model, head in zip(grid, models, heads, strict=False):
            if model.journal:
                draw_rungs(
                    axes,
                    model.journal,
                    model.scenario,
                    None,
                    min(top, len(model.scenario.ladder) - 1),
                )
            axes.set_title(head, pad=style.TITLE_PAD_OVER_MARKS)
        if self.batch is not None:
            last = max(last, *(self._draw_futures(grid[2])))
        for axes in grid:
            style.mark_moment(axes, self.days, "branched here")
        keys = legend_keys(self.scenario, None, [])
        figure.legend(handles=keys, loc="outside lower center", ncols=2)
        date_axis(grid[-1], self.scenario.start, 0.0, last)
        return figure

    def _draw_futures(self, axes: Any) -> Iterable[float]:
        assert self.batch is not None  # noqa: S101 - who calls it has looked
        for place, (name, one) in enumerate(self.batch.ensembles.items()):
            halts = np.sort(one.column("ceasefire_in_effect_at_hours") / 24)
            days = np.concatenate([[self.days], halts[halts >= self.days]])
            count = np.arange(len(days)) + (halts < self.days).sum()
            low, high = wilson_interval(count, self.futures)
            line = style.scenario_line(place)
            axes.step(days, 100 * count / self.futures, where="post", label=name, **line)
            axes.fill_between(
                days,
                100 * low,
                100 * high,
                step="post",
                color=line["color"],
                alpha=0.2,
                linewidth=0,
            )
            yield float(days[-1])
        axes.set_ylim(0, 100)
        axes.set_ylabel(
            f"% of {text.count(self.futures)} futures with a\nceasefire in effect so far (95% bands)"
        )
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
        scenario: a scenario or its file, or an earlier branch or its file, to be branched again, or, without `at`, repeated.
        replicate, seed: which crisis it is; of an earlier branch they are known.
        at: when: a day from the start, a date, or a milestone such as `first_strike`, just after it.
        set: values from then on, such as `mediators.us.trust.india=0.9`.
        force: what somebody does as soon as it can, by name: a state's option, or what a third party can do.
        inject: events, as mappings such as a scenario has.
        luck: `same`, the crisis's own; `fresh`, that of many futures, paired without the change and with it.
        futures: how many; they make `fresh` the usual luck.
        roles, agents: classes of a person's own, as `CrisisModel` takes them.

    Raises:
        HistoryError: when the crisis cannot be changed so then.
        ScenarioError: when a scenario, a value or an event has mistakes.
    """
    changes: tuple[Change, ...] = ()
    earlier: Branch | _Earlier | Scenario
    if isinstance(scenario, (Branch, Scenario)):
        earlier = scenario
    else:
        earlier = read_branch(Path(scenario)) or load_scenario(scenario)
    if isinstance(earlier, Scenario):
        whole = earlier
    else:
        whole, seed, replicate, changes = (
            earlier.scenario,
            earlier.seed,
            earlier.replicate,
            earlier.changes,
        )
        if at is None:  # it is repeated
            luck = luck or ("fresh" if futures else earlier.luck)
            futures = futures or earlier.futures
    if replicate is None:
        raise HistoryError("which crisis is to be branched? give its number (replicate)")
    if at is not None:
        what = {"at": at, "set": tuple(set), "force": dict(force or {}), "inject": tuple(inject)}
        changes += (Change.model_validate(what),)
    elif not changes or set or force or inject:
        raise HistoryError(
            "when is the crisis to be changed? give a day, a date or a milestone (at)"
        )
    if futures is not None and not 1 <= futures <= MOST_FUTURES:
        raise HistoryError(f"expected 1 to {MOST_FUTURES:,} futures, not {futures}")
    luck = luck or ("fresh" if futures else "same")
    return _made(
        whole,
        seed,
        replicate,
        changes,
        luck,
        futures or FUTURES,
        {"roles": roles, "agents": agents},
    )


def _made(
    scenario: Scenario,
    seed: int,
    replicate: int,
    changes: tuple[Change, ...],
    luck: Luck,
    futures: int,
    classes: Mapping[str, Any],
) -> Branch:
    goes, days = past.begin(scenario, seed, replicate, **classes), 0.0
    for one in changes:
        was, before = goes.copied().run(), days
        days = past.moment_of(was, one.at)
        if days < before:
            raise HistoryError(
                f"{one.at} is before the last change, {past.said_at(scenario, before)}"
            )
        unchanged = past.run_to(goes, days).copied()
        goes = past.change(goes, one)
    batch: Batch | None = None
    forced: dict[str, int] = {}
    states = [name for name in changes[-1].force if name in scenario.states]
    if luck == "fresh":
        batch, forced = _futures(unchanged, goes, futures, states)
    goes = goes.copied().run()
    for name in states:
        if luck == "same" and not _taken(goes, name).all():
            raise HistoryError(past.never_open(unchanged, name, changes[-1].force[name]))
    return Branch(scenario, seed, replicate, changes, luck, futures, days, was, goes, batch, forced)


def _futures(
    was: CrisisModel, goes: CrisisModel, futures: int, states: Sequence[str]
) -> tuple[Batch, dict[str, int]]:
    """Futures without the change and with it, in pairs; and in how many of them each state did what was forced."""
    ensembles: dict[str, Ensemble] = {}
    forced: dict[str, int] = {}
    for name, one in ((WAS, was), (GOES, goes)):
        model = one.branch(futures)
        model.run()
        outcomes = model.outcomes() | {"replicate": np.arange(futures)}
        scenario = model.scenario
        table = outcome_table(name, outcomes, scenario.state_names)
        ensembles[name] = Ensemble(
            name, scenario.title, scenario.horizon_hours, scenario.state_names, table, scenario=scenario.plain()
        )  # fmt: skip
        forced = {state: int(_taken(model, state).sum()) for state in states}
    return Batch(ensembles, {"seed": was.seed_, "replicates": futures}), forced


def _taken(model: CrisisModel, state: str) -> Any:
    return model.crises["states"][:, model.scenario.state_names.index(state)]["forced"] < 0


def read_branch(path: Path) -> _Earlier | None:
    """A branch as it was written; None where the file is no branch.

    Raises:
        ScenarioError: when it is one, and has mistakes.
        HistoryError: when its scenario is another by now.
    """
    if not path.is_file() or "changes:" not in (content := read_text(path, str(path))):
        return None
    top, mistakes = parse(str(path), content, "branch", "scenario, replicate and changes")
    if "changes" not in top.entries():
        return None
    try:
        file = _File.model_validate(top.plain())
    except ValidationError as error:
        raise ScenarioError([*mistakes, *explain(error, top, Slot(_File))]) from None
    if mistakes:
        raise ScenarioError(mistakes)
    beside = folder_of(path) / Path(file.scenario).name
    scenario = load_scenario(beside if beside.is_file() else file.scenario)
    if file.digest and scenario.digest != file.digest:
        raise HistoryError(
            f"{file.scenario} has changed since {path} was written: it would be another crisis"
        )
    return _Earlier(scenario, file.seed, file.replicate, file.changes, file.luck, file.futures)


def check_folder(folder: Path, file: str) -> None:
    """Make sure that nothing but an earlier result of the same kind is overwritten.

    Raises:
        HistoryError: when the folder holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise HistoryError(f"{folder} is a file; give a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / file).exists():
        raise HistoryError(f"{folder} holds other things than such a result ({file}); give a new folder")  # fmt: skip


def _row(model: CrisisModel) -> dict[str, Any]:
    return {name: column[0] for name, column in model.outcomes().items()}


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if value == "" or value != value else value


def _alike(one: Entry | None, other: Entry | None) -> bool:
    if one is None or other is None:
        return False
    same = (one.kind, one.agent, one.detail) == (other.kind, other.agent, other.detail)
    return same and abs(one.hours - other.hours) < _AT_ONCE


def _said(model: CrisisModel, entry: Entry | None) -> str:
    """An entry as a clause; "" where there is none."""
    if entry is None or model.journal is None:
        return ""
    narrator = Narrator(model.scenario, model.scenario.trigger_hours)
    entries = model.journal.entries
    narrator.tell(entries[: entries.index(entry)])
    return " ".join(narrator.tell([entry])).rstrip(".")


def _sentences(model: CrisisModel) -> dict[int, str]:
    """What happens in a history by the minute, as sentences."""
    entries = sorted(model.journal.entries, key=lambda one: one.hours) if model.journal else []
    narrator = Narrator(model.scenario, model.scenario.trigger_hours)
    moments: dict[int, list[Entry]] = {}
    for one in entries:
        moments.setdefault(round(one.hours * 60), []).append(one)
    return {minute: " ".join(narrator.tell(several)) for minute, several in moments.items()}
