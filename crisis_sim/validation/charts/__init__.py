"""The charts of the validation, one a module: each takes a `Validation` and returns a figure.

They draw what was compared and compute no statistic of their own.
"""

from crisis_sim.validation.charts.cases import draw_cases
from crisis_sim.validation.charts.facts import draw_facts
from crisis_sim.validation.charts.survival import draw_survival
from crisis_sim.validation.charts.transitions import draw_transitions

__all__ = ["draw_cases", "draw_facts", "draw_survival", "draw_transitions"]
