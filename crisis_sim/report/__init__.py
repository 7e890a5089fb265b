"""Charts, tables, the story of one crisis, and the page that contains all of them.

Statistics are computed in `crisis_sim.outcomes`. `charts` and `replay` draw the charts of a run and of one crisis, in the
style of `crisis_sim.style` (each kind of experiment has its own charts); `save` writes charts and the summary into a folder.
`answers` describes results in sentences and prints them with tables. `story` describes one replicate event by event, and
`real_path` reads the real path of a crisis for comparison. `page` combines all of it into one HTML file, with
`example_crises`, `inline_svg` and `templates/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from crisis_sim.report.answers import answer as answer
    from crisis_sim.report.answers import print_summary as print_summary
    from crisis_sim.report.charts import draw_differences as draw_differences
    from crisis_sim.report.charts import draw_endings as draw_endings
    from crisis_sim.report.charts import draw_incidence as draw_incidence
    from crisis_sim.report.charts import draw_markets as draw_markets
    from crisis_sim.report.replay import draw_replay as draw_replay
    from crisis_sim.report.save import save_chart as save_chart
    from crisis_sim.report.story import tell as tell

#: The names in docs/reference/python.md, imported when first used: Mesa and SciPy are slow to import.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "answers": ["answer", "print_summary"],
        "charts": ["draw_differences", "draw_endings", "draw_incidence", "draw_markets"],
        "replay": ["draw_replay"],
        "save": ["save_chart"],
        "story": ["tell"],
    },
)
