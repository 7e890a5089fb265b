"""What people look at: charts, tables and the story of one crisis.

It computes nothing: `crisis_sim.outcomes` says what the replicates say, and this room shows it.
`charts/` holds the charts, one a module, all in the look of `style`; `save` writes them and the
summary into a results folder. `answers` puts the answer into words, and `tables` prints it with the
outcomes and the differences. `story` tells the journal of one replicate turn by turn, in the
sentences of `sentences`, and `replay` keeps it. `page/` makes one file of all of it, to be mailed
and read in a browser. `real_path` reads what really happened, to stand beside it, and `words` puts
numbers and names into words for all of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crisis_sim.report.answers import answer
    from crisis_sim.report.charts.differences import draw_differences
    from crisis_sim.report.charts.endings import draw_endings
    from crisis_sim.report.charts.incidence import draw_incidence
    from crisis_sim.report.charts.markets import draw_markets
    from crisis_sim.report.charts.replay import draw_replay
    from crisis_sim.report.page.write import write_page
    from crisis_sim.report.replay import replay_data, write_replay
    from crisis_sim.report.save import write_charts, write_report
    from crisis_sim.report.story import tell
    from crisis_sim.report.style import save as save_chart
    from crisis_sim.report.tables import print_summary

__all__ = [
    "answer",
    "draw_differences",
    "draw_endings",
    "draw_incidence",
    "draw_markets",
    "draw_replay",
    "print_summary",
    "replay_data",
    "save_chart",
    "tell",
    "write_charts",
    "write_page",
    "write_replay",
    "write_report",
]

#: Where each public name lives: the module, and its name there. They are fetched when first used,
#: for matplotlib and rich take a while to import.
_HOMES = {
    "answer": ("answers", "answer"),
    "draw_differences": ("charts.differences", "draw_differences"),
    "draw_endings": ("charts.endings", "draw_endings"),
    "draw_incidence": ("charts.incidence", "draw_incidence"),
    "draw_markets": ("charts.markets", "draw_markets"),
    "draw_replay": ("charts.replay", "draw_replay"),
    "print_summary": ("tables", "print_summary"),
    "replay_data": ("replay", "replay_data"),
    "save_chart": ("style", "save"),
    "tell": ("story", "tell"),
    "write_charts": ("save", "write_charts"),
    "write_page": ("page.write", "write_page"),
    "write_replay": ("replay", "write_replay"),
    "write_report": ("save", "write_report"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)
