"""Branches of a crisis: the same past up to a moment, a change there, and one changed history or many futures after it."""

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
from crisis_sim.experiments import phrases
from crisis_sim.experiments.targets import as_yaml
from crisis_sim.history import one_crisis
from crisis_sim.history.one_crisis import Change, History, HistoryError
from crisis_sim.model.crisis import CrisisModel
from crisis_sim.model.journal import Entry
from crisis_sim.outcomes import wilson_interval
from crisis_sim.outcomes.summary import Summary, summarise
from crisis_sim.report.charts import date_axis
from crisis_sim.report.replay import draw_rungs, legend_keys, plain_value
from crisis_sim.report.save import scenario_file, write_report
from crisis_sim.report.story import Narrator, titles
from crisis_sim.scenario.introspect import read_part
from crisis_sim.scenario.load import load_scenario
from crisis_sim.scenario.numbers import PATTERN, Part, read_moment
from crisis_sim.scenario.schema import Scenario
from crisis_sim.scenario.yaml_text import Source, folder_of, parse, read_text, to_node
from crisis_sim.version import __version__

Luck = Literal["same", "fresh"]
#: Default and maximum number of futures of each history.
FUTURES, MOST_FUTURES = 1000, 100_000
#: The file that repeats a branch, and the names of the two histories.
FILE, ORIGINAL, CHANGED = "branch.yaml", "as it was", "changed"
#: Entries within this time count as simultaneous, hours.
_SIMULTANEOUS = 1 / 60
#: Kinds of entries that are decisions of states.
_DECISIONS = ("planned", "act", "offered", "agreed")


class _File(Part):
    """The file of a branch."""

    scenario: str = Field(
        description="the scenario's file next to this one, or the name of a shipped scenario"
    )
    digest: str = Field("", description="the scenario's digest when the branch was made")
    seed: int = Field(1, ge=0, description="seed of the crisis")
    replicate: int = Field(ge=0, description="number of the crisis")
    changes: tuple[Change, ...] = Field(min_length=1, description="the changes, in order of time")
    luck: Luck = Field(
        "same", description="random numbers after the last change: same, or fresh for many futures"
    )
    futures: int = Field(FUTURES, ge=1, le=MOST_FUTURES, description="number of futures")
    classes: tuple[str, ...] = Field((), description="the user's own classes")
    version: str = Field("", description="version of Crisis Sim")


@dataclass(frozen=True)
class Branch:
    """A crisis with and without a change.

    Attributes:
        scenario, seed, replicate: the crisis.
        changes: all changes, in order; the last is compared with the history without it.
        luck: `same` for the random numbers of the crisis, `fresh` for those of many futures.
        futures: number of futures.
        days: time of the last change, days from the scenario's start.
        original, changed: the crisis without and with the last change, on its own random numbers.
        batch: with new random numbers, paired futures without and with the change; else None.
        forced: with new random numbers, number of futures in which each forced state made its choice.
    """

    scenario: Scenario
    seed: int
    replicate: int
    changes: tuple[Change, ...]
    luck: Luck
    futures: int
    days: float
    original: History = field(repr=False)
    changed: History = field(repr=False)
    batch: Batch | None = field(default=None, repr=False)
    forced: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def summary(self) -> Summary | None:
        """Shares, curves and differences of the futures; None with `luck` of `same`."""
        return None if self.batch is None else summarise(self.batch)

    @cached_property
    def divergence(self) -> tuple[Entry | None, Entry | None] | None:
        """The first entries of the two journals that differ; None if none do."""
        pairs = zip_longest(self.original.journal.entries, self.changed.journal.entries)
        return next((pair for pair in pairs if not _same_entry(*pair)), None)

    @property
    def _divergence_hours(self) -> float:
        return min(entry.hours for entry in self.divergence or () if entry)

    def divergence_text(self) -> str:
        """Describe the first difference between the two histories in a sentence."""
        if self.divergence is None:
            return "The change has no effect: the two histories are the same."
        hours = self._divergence_hours
        before, after = (
            entry if entry and entry.hours < hours + _SIMULTANEOUS else None
            for entry in self.divergence
        )
        original, changed = _clause(self.original, before), _clause(self.changed, after)
        if original and changed:
            clause = f"{changed}; in the original, {original}"
        elif before and before.kind in _DECISIONS and before.agent in self.scenario.states:
            name = Narrator(self.scenario, 0.0).name(before.agent)
            clause = f"{name} waits; in the original, {original.replace(name, 'it', 1)}"
        else:
            clause = changed or f"this does not happen: {original}"
        return f"{one_crisis.date_text(self.scenario, hours / 24)}: {text.sentence(clause)}"

    def side_by_side(self) -> list[tuple[str, str, str]]:
        """Return both histories from their first difference on: date, original events, changed events."""
        if self.divergence is None:
            return []
        first = round(60 * self._divergence_hours)
        original, changed = (x.sentences(x.journal.entries) for x in (self.original, self.changed))
        return [
            (
                one_crisis.date_text(self.scenario, at / 1440),
                original.get(at, ""),
                changed.get(at, ""),
            )
            for at in sorted({*original, *changed})
            if at >= first
        ]

    def head(self) -> list[str]:
        """Describe the crisis, the changes and the two histories, in a paragraph each."""
        title, date = (
            text.clean(self.scenario.title),
            one_crisis.date_text(self.scenario, self.days),
        )
        changes = [_change_sentence(self.scenario, change) for change in self.changes]
        paragraphs = [
            f"{title}: crisis {self.replicate} of seed {self.seed}, branched on {date} (day {self.days:.2f}).",
            *changes,
            f"Original: {self.original.gist}",
            f"Changed, with the same random numbers: {self.changed.gist}",
            self.divergence_text(),
        ]
        if self.batch:
            paragraphs.append(
                f"{self.futures:,} futures of each history, in pairs with the same random numbers."
            )
        if self.forced:
            counts = [
                f"{_name(self.scenario, name)} in {text.count(n)}"
                for name, n in self.forced.items()
            ]
            paragraphs.append(f"The forced choice was taken by {text.listed(counts)} of them.")
        return paragraphs

    def plain(self) -> dict[str, Any]:
        """Return all results for JSON."""
        names, histories = (ORIGINAL, CHANGED), (self.original, self.changed)
        return {
            **self._description(self.scenario.name),
            "at_hours": self.days * 24,
            "told": self.head(),
            "beside": [dict(zip(("at", *names), row, strict=True)) for row in self.side_by_side()],
            "outcomes": {
                name: {key: plain_value(value) for key, value in history.outcome.items()}
                for name, history in zip(names, histories, strict=True)
            },
            "forced": dict(self.forced),
            "summary": self.summary,
        }

    def _description(self, scenario: str) -> dict[str, Any]:
        description: dict[str, Any] = {
            "scenario": scenario,
            "digest": self.scenario.digest,
            "version": __version__,
            **{name: getattr(self, name) for name in ("seed", "replicate", "luck", "futures")},
        }
        if classes := _class_names(**self.original.model.classes):
            description["classes"] = [*classes]
        changes = [change.model_dump(mode="json", exclude_defaults=True) for change in self.changes]
        return description | {"changes": changes}

    def write(self, folder: str | Path) -> list[Path]:
        """Write the file that repeats the branch, its scenario, the two histories, the chart, and the summary of futures.

        Raises:
            HistoryError: if the folder contains other files.
            OSError: if a file cannot be written.
        """
        folder = Path(folder)
        check_folder(folder, FILE)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self.scenario.name}.yaml"
        parts = [
            f"# {text.markdown(self.scenario.title)}, branched",
            *map(text.markdown, self.head()),
        ]
        if rows := [f"| {' | '.join(row)} |" for row in self.side_by_side()]:
            parts.append("\n".join(["| | Original | Changed |", "| --- | --- | --- |", *rows]))
        parts += ["# Changed, with the same random numbers", self.changed.story.partition("\n")[2]]
        texts = {
            FILE: as_yaml(self._description(name)),
            name: scenario_file({"scenario": self.scenario.plain()}),
            "branch.md": "\n\n".join(parts),
        }
        for file, content in texts.items():
            (folder / file).write_text(content, encoding="utf-8")
        files = [*(folder / file for file in texts), *style.write(self.draw(), folder / "branch")]
        if self.batch and self.summary:
            files += write_report(self.batch, self.summary, folder)
        return files

    @style.styled
    def draw(self) -> Figure:
        """Draw the rungs of both histories, and the share of futures with a ceasefire over time."""
        histories = {
            "Original": self.original,
            "Changed, with the same random numbers": self.changed,
        }
        panels = len(histories) + (self.batch is not None)
        figure = style.new_figure(height=62.0 * panels)
        grid = figure.subplots(panels, 1, sharex=True)
        last = max(float(x.model.crises["now"][0]) for x in histories.values())
        top = max(int(x.outcome["peak_rung"]) for x in histories.values()) + 1
        for axes, (title, history) in zip(grid, histories.items(), strict=False):
            axes.set_title(title, pad=style.TITLE_PAD_OVER_MARKS)
            rungs = min(top, len(self.scenario.ladder) - 1)
            draw_rungs(axes, history.journal, history.model.scenario, None, rungs)
        if self.batch is not None:
            last = max(last, *self._draw_futures(grid[2], self.batch))
        for axes in grid:
            style.mark_moment(axes, self.days, "branched here")
        keys = legend_keys(self.scenario, None, [])
        figure.legend(handles=keys, loc="outside lower center", ncols=2)
        date_axis(grid[-1], self.scenario.start, 0.0, last)
        return figure

    def _draw_futures(self, axes: Any, batch: Batch) -> Iterator[float]:
        """Draw the share of futures with a ceasefire so far; yield the last day of each curve."""
        for position, (name, ensemble) in enumerate(batch.ensembles.items()):
            halts = np.sort(ensemble.column("ceasefire_in_effect_at_hours") / 24)
            days = np.concatenate([[self.days], halts[halts >= self.days]])
            count = np.arange(len(days)) + (halts < self.days).sum()
            low, high = wilson_interval(count, self.futures)
            limits = {"value": count / self.futures, "lower": low, "upper": high}
            style.keep(axes, panel="Futures", of=name, what="ceasefire so far", days=days, **limits)
            line = style.scenario_line(position)
            axes.step(days, 100 * count / self.futures, where="post", label=name, **line)
            band = {"color": line["color"], "alpha": 0.2, "linewidth": 0.0}
            axes.fill_between(days, 100 * low, 100 * high, step="post", **band)
            yield float(days[-1])
        axes.set_ylim(0, 100)
        futures = text.count(self.futures)
        axes.set_ylabel(f"% of {futures} futures with a\nceasefire so far (95% bands)")
        axes.legend(loc="upper left")
        axes.set_title("Futures with new random numbers", pad=style.TITLE_PAD_OVER_MARKS)


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
    """Change a crisis at a moment, and return the changed history or many futures.

    Args:
        scenario: a scenario or its file; or an earlier branch or its file, to branch again, or to repeat without `at`.
        replicate: number of the crisis; that of an earlier branch is known.
        at: the moment: a day from the start, a date, or a milestone such as `first_strike`, just after it.
        set: values from then on, such as `mediators.us.trust.india=0.9`.
        force: choices of agents as soon as they are possible, by name: an option of a state, or an event of a third party.
        inject: events, as mappings like those in a scenario.
        luck: `same` for the random numbers of the crisis; `fresh` for new ones in many futures, in pairs without and with
            the change.
        futures: number of futures; if given, the default luck is `fresh`.
        seed: seed of the crisis.
        roles, agents: your own classes, as `CrisisModel` takes them.

    Raises:
        HistoryError: if the change is impossible.
        ScenarioError: if a scenario, a value or an event has mistakes.
    """
    earlier, read = _earlier_branch(scenario)
    changes = earlier.changes if earlier else ()
    if earlier:
        seed, replicate = earlier.seed, earlier.replicate
        if isinstance(earlier, Branch):
            roles, agents = (earlier.original.model.classes[name] for name in ("roles", "agents"))
        elif earlier.classes != _class_names(roles, agents):
            classes = f"with {text.listed(earlier.classes)}" if earlier.classes else "without any"
            raise HistoryError(f"{scenario} was made {classes}: give the same --roles and --agents")
    if earlier and at is None:  # repeat it
        luck = luck or ("fresh" if futures else earlier.luck)
        futures = futures or earlier.futures
    if replicate is None:
        raise HistoryError("the number of the crisis (replicate) is missing")
    if at is not None:
        what = {"at": at, "set": tuple(set), "force": dict(force or {}), "inject": tuple(inject)}
        changes += (read_part(Change, to_node(what, Source.of("branch", "").start)),)
    elif not changes or set or force or inject:
        raise HistoryError("the moment of the change (at) is missing: give a day, a date or a milestone")  # fmt: skip
    if futures is not None and not 1 <= futures <= MOST_FUTURES:
        raise HistoryError(f"expected 1 to {MOST_FUTURES:,} futures, not {futures}")
    model = one_crisis.begin(read, seed, replicate, roles=roles, agents=agents)
    return _branched(model, changes, luck or ("fresh" if futures else "same"), futures or FUTURES)


def _earlier_branch(scenario: Any) -> tuple[_File | Branch | None, Scenario]:
    """Return the earlier branch, if `scenario` is one, and the scenario."""
    if isinstance(scenario, Branch):
        return scenario, scenario.scenario
    if isinstance(scenario, Scenario):
        return None, scenario
    return read_branch(Path(scenario)) or (None, load_scenario(scenario))


def _class_names(roles: Mapping[str, Any] | None, agents: Sequence[Any]) -> tuple[str, ...]:
    return (
        *(f"{who}={kind.__name__}" for who, kind in (roles or {}).items()),
        *(kind.__name__ for kind in agents),
    )


def _branched(model: CrisisModel, changes: tuple[Change, ...], luck: Luck, futures: int) -> Branch:
    """Apply changes one after another to a crisis at its beginning."""
    scenario, replicate, days = model.scenario, int(model.replicate[0]), 0.0
    for change in changes:
        before, days = days, one_crisis.moment_of(model.copied().run(), change.at)
        if days < before:
            last = one_crisis.date_text(scenario, before)
            raise HistoryError(f"{change.at} is before the last change, on {last}")
        unchanged = one_crisis.run_to(model, days)
        model = one_crisis.change(unchanged, change)
    states = [name for name in changes[-1].force if name in scenario.states]
    original, changed = (History.at(x.copied().run()) for x in (unchanged, model))
    numbers = model.seed_, replicate
    result = Branch(scenario, *numbers, changes, luck, futures, days, original, changed)
    if luck == "fresh":
        batch, forced = _futures(unchanged, model, futures, states)
        return replace(result, batch=batch, forced=forced)
    for name in states:
        if not _was_forced(changed.model, name).all():
            raise HistoryError(one_crisis.never_possible(unchanged, name, changes[-1].force[name]))
    return result


def _futures(
    original: CrisisModel, changed: CrisisModel, futures: int, states: Sequence[str]
) -> tuple[Batch, dict[str, int]]:
    """Return paired futures, and the number of changed futures in which each state made its forced choice."""
    ensembles: dict[str, Ensemble] = {}
    for name, crisis in ((ORIGINAL, original), (CHANGED, changed)):
        model, scenario = crisis.branch(futures).run(), crisis.scenario
        outcomes = model.outcomes() | {"replicate": np.arange(futures)}
        table = as_table(name, outcomes, scenario.state_names)
        ensembles[name] = Ensemble(
            name, scenario.title, scenario.horizon_hours, scenario.state_names, table, None, scenario.plain()
        )  # fmt: skip
    forced = {state: int(_was_forced(model, state).sum()) for state in states}
    return Batch(ensembles, {"seed": original.seed_, "replicates": futures}), forced


def _was_forced(model: CrisisModel, state: str) -> Any:
    """Return, for each crisis, whether the state has made its forced choice."""
    return model.crises["states"][:, model.scenario.state_names.index(state)]["forced"] < 0


def read_branch(path: Path) -> tuple[_File, Scenario] | None:
    """Read the file of a branch, and its scenario; return None for other files.

    Raises:
        ScenarioError: if the file has mistakes.
        HistoryError: if the scenario has changed.
    """
    if not path.is_file() or "changes:" not in (content := read_text(path, str(path))):
        return None
    top, mistakes = parse(str(path), content, "branch", "scenario, replicate and changes")
    if "changes" not in top.entries():
        return None
    file = read_part(_File, top, mistakes)
    neighbour = folder_of(path) / Path(file.scenario).name
    scenario = load_scenario(neighbour if neighbour.is_file() else file.scenario)
    if file.digest and scenario.digest != file.digest:
        raise HistoryError(f"{file.scenario} has changed since {path} was written: it would be another crisis")  # fmt: skip
    return file, scenario


def check_folder(folder: Path, file: str) -> None:
    """Check that a folder is new, empty, or contains an earlier result of the same kind.

    Raises:
        HistoryError: if the folder contains other files.
    """
    if folder.exists() and not folder.is_dir():
        raise HistoryError(f"{folder} is a file; give a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / file).exists():
        raise HistoryError(f"{folder} contains files other than such a result ({file}); give a new folder")  # fmt: skip


#: Clauses on the forced choices of third parties and states; other options of states are rungs.
_FORCED = {
    "engage": "engages",
    "open": "opens",
    "break": "breaks off",
    "speak": "speaks up",
    "wait": "waits",
    "halt": "offers a halt as soon as it can",
}


def _change_sentence(scenario: Scenario, change: Change) -> str:
    """Describe a change in a sentence, such as "The change: on day 15, the United States engages."."""
    clauses = []
    for name, choice in change.force.items():
        other = f"chooses “{choice}” as soon as it can" if name in scenario.states else choice
        clauses.append(f"{_name(scenario, name)} {_FORCED.get(choice, other)}")
    for override in change.set:
        path, _, value = override.partition("=")
        clauses.append(f"{phrases.with_titles(path, scenario)} is set to {value.strip()}")
    for event in change.inject:
        title = text.clean(event.title) or f"{_name(scenario, event.struck)} is harmed"
        date = one_crisis.date_text(scenario, scenario.hours_from_start(event.at) / 24)
        clauses.append(f"an event is added on {date} (“{title}”)")
    change_text = text.listed(clauses) or "nothing is changed"
    return f"The change: {_when(scenario, change.at)}, {change_text}."


def _when(scenario: Scenario, at: float | str) -> str:
    """Describe the moment of a change: a day, a date or a milestone."""
    written = str(at).strip()
    if PATTERN.fullmatch(written):
        days = scenario.hours_from_start(read_moment(written)) / 24
        return f"on {one_crisis.date_text(scenario, days)}"
    try:
        return f"on day {float(written):g}"
    except ValueError:
        return f"just after the milestone {written}"


def _name(scenario: Scenario, agent: str) -> str:
    """Return an agent's name as used within a sentence."""
    return text.with_article(text.clean(titles(scenario).get(agent, "")) or text.label(agent))


def _clause(history: History, entry: Entry | None) -> str:
    """Return a journal's entry as a clause; "" for None."""
    if entry is None:
        return ""
    entries = history.journal.entries
    sentences = history.sentences([entry], entries[: entries.index(entry)])
    return " ".join(sentences.values()).rstrip(".")


def _same_entry(a: Entry | None, b: Entry | None) -> bool:
    if a is None or b is None:
        return False
    same = (a.kind, a.agent, a.detail) == (b.kind, b.agent, b.detail)
    return same and abs(a.hours - b.hours) < _SIMULTANEOUS
