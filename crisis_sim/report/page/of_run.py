"""The page on a run: one scenario or several side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from crisis_sim.outcomes import summarise
from crisis_sim.outcomes.advice import advise
from crisis_sim.report import words
from crisis_sim.report.page import captions, provenance, tables
from crisis_sim.report.page import question as head
from crisis_sim.report.page.assumptions import assumptions, differences
from crisis_sim.report.page.blocks import Block, Bullets, Chart, Heading, Page, Paragraph, Section
from crisis_sim.report.page.stories import tell_chosen
from crisis_sim.report.page.svg import chart
from crisis_sim.report.save import CHARTS, draw_all
from crisis_sim.scenario.schema import Scenario

if TYPE_CHECKING:
    from crisis_sim.batch.ensemble import Batch

#: Charts that belong to a section of their own; the others come first.
_APART = ("differences", "endings", "markets")


#: Steps after the scenarios are summarised: each chart, and the stories.
_STEPS = len(CHARTS) + 1


def page_of_run(
    batch: Batch,
    reference: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Page:
    """Everything that a page says of a run.

    Args:
        batch: the replicates.
        reference: the scenario to compare with; the first where left out.
        progress: called with how many scenarios and charts are done, and of how many.

    Raises:
        UnknownReferenceError: when there is no such scenario.
        UnknownValueError: when a column holds a word that it may not hold.
    """
    many = len(batch.ensembles)
    total = many + _STEPS
    summary = summarise(batch, reference, progress=lambda done, _: progress(done, total))
    name = summary["reference"]
    scenarios = {one: _read(ensemble.scenario) for one, ensemble in batch.ensembles.items()}
    drawn = {}
    for place, (chart_name, picture) in enumerate(_charts(batch, summary), start=1):
        drawn[chart_name] = picture
        progress(many + place, total)
    stories = list(_stories(batch, name, scenarios[name]))
    progress(total, total)
    sections = [
        Section("charts", "How often, and how quickly", list(_main(drawn, summary))),
        *_compared(drawn, summary),
        Section("endings", "How crises end", list(_endings(drawn, summary))),
        Section(
            "stories",
            "A few crises, told",
            stories,
            new_page=True,
        ),
        Section(
            "assumptions", "What was assumed", list(_assumed(batch, name, scenarios)), new_page=True
        ),
        Section(
            "sure", "How sure this is, and what would make it surer", [Bullets(_advice(summary))]
        ),
        Section("again", "How to have it again", list(provenance.of_run(batch.manifest))),
    ]
    title = batch.ensembles[name].title
    return Page(
        title=words.clean(title),
        question=head.question(title, bool(summary["differences"])),
        answer=head.answer(summary),
        more=list(head.more(summary)),
        notices=list(_notices(batch)),
        figures=head.key_figures(summary),
        sections=sections,
        made_by=provenance.made_by(batch.manifest),
    )


def _charts(batch: Batch, summary: Mapping[str, Any]) -> Iterator[tuple[str, Chart]]:
    for name, figure in draw_all(batch, summary):
        said = captions.caption(name, batch, summary)
        yield (
            name,
            chart(figure, f"chart-{name}", captions.TITLES[name], said, captions.READING[name]),
        )


def _main(drawn: Mapping[str, Chart], summary: Mapping[str, Any]) -> Iterator[Block]:
    yield from (one for name, one in drawn.items() if name not in _APART)
    yield tables.outcomes(summary)


def _compared(drawn: Mapping[str, Chart], summary: Mapping[str, Any]) -> Iterator[Section]:
    if "differences" in drawn:
        blocks: list[Block] = [drawn["differences"], tables.differences(summary)]
        yield Section("compared", "What would change it", blocks)


def _endings(drawn: Mapping[str, Chart], summary: Mapping[str, Any]) -> Iterator[Block]:
    yield drawn["endings"]
    yield tables.endings(summary)
    if "markets" in drawn:
        yield drawn["markets"]


def _stories(batch: Batch, reference: str, scenario: Scenario | None) -> Iterator[Block]:
    told = tell_chosen(batch, reference, scenario)
    if told.stories:
        yield Paragraph(
            f"Each is one of the simulated crises of “{words.label(reference)}”, chosen by a rule that it states: first "
            "what most crises are like, then the extremes. None of them is a forecast."
        )
    if told.lacking:
        yield Paragraph(told.lacking)
    yield from told.stories
    if not told.stories and not told.lacking:
        yield Paragraph("There is no crisis to tell of.")


def _assumed(
    batch: Batch, reference: str, scenarios: Mapping[str, Scenario | None]
) -> Iterator[Block]:
    scenario = scenarios[reference]
    if scenario is None:
        yield Paragraph(
            "Another version of Crisis Sim made these results, and this one cannot read its scenarios; they stand, as they "
            "were run, at the end of this page."
        )
        return
    yield Heading(f"“{words.label(reference)}”")
    yield from assumptions(scenario)
    others = {name: one for name, one in scenarios.items() if one is not None and name != reference}
    if others:
        yield Heading("What the other scenarios change")
    for place, (name, other) in enumerate(others.items()):
        yield Paragraph(
            f"“{words.label(name)}”: {words.sentence(other.description or other.title)}"
        )
        yield differences(scenario, other, f"differs-{place}")


def _advice(summary: Mapping[str, Any]) -> Sequence[str]:
    """The summary's advice, which calls scenarios as the page does."""
    called = {name: f"“{words.label(name)}”" for name in summary["scenarios"]}
    if len(set(called.values())) < len(called):  # two names read alike
        return list(summary["advice"])
    return advise(
        {
            **summary,
            "reference": called[summary["reference"]],
            **{
                part: {called[name]: figures for name, figures in summary[part].items()}
                for part in ("scenarios", "differences")
            },
        }
    )


def _notices(batch: Batch) -> Iterator[str]:
    failures = batch.manifest.get("failures") or ()
    if failures:
        lost = sum(int(one["replicates"]) for one in failures)
        yield (
            f"{words.count(lost)} crises could not be run and are missing here "
            f"({words.plural(len(failures), 'block')} of them failed); the manifest at the end says which."
        )


def _read(plain: Mapping[str, Any]) -> Scenario | None:
    """A scenario of the results; None where this version cannot read it."""
    try:
        return Scenario.model_validate(plain)
    except ValidationError:
        return None
