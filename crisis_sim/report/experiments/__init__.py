"""The charts of experiments, where they were: they are drawn by `crisis_sim.experiments.plots`."""

from crisis_sim.experiments.plots import draw_experiment, write_experiment_charts
from crisis_sim.experiments.spec import KINDS as DRAWERS

__all__ = ["DRAWERS", "draw_experiment", "write_experiment_charts"]
