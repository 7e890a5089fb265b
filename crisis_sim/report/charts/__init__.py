"""The charts, one a module: each takes a batch and its summary and returns a figure.

The replay takes the journal of one crisis instead.
They draw what `crisis_sim.outcomes` computed and compute no statistic of their own.
"""

from crisis_sim.report.charts.differences import draw_differences
from crisis_sim.report.charts.endings import draw_endings
from crisis_sim.report.charts.incidence import draw_incidence
from crisis_sim.report.charts.markets import draw_markets
from crisis_sim.report.charts.replay import draw_replay

__all__ = ["draw_differences", "draw_endings", "draw_incidence", "draw_markets", "draw_replay"]
