"""What follows an act in a confrontation, as heat maps: the record, the simulation, and both where the kind changes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from crisis_sim.model.observer import ACTS, NEXT
from crisis_sim.report import style
from crisis_sim.validation.run import Validation

#: A share from which the ground is so dark that figures upon it are white.
DARK_FROM = 0.55


@style.styled
def draw_transitions(validation: Validation) -> Figure:
    """Side by side: the share of acts of each kind (down) that were followed by each kind, or by the end (across).

    The upper maps count all acts, the lower ones only those that were followed by something else: these do not hang on how
    often fighting that goes on counts as a new act.
    """
    real, simulated = tables(validation)
    figure = style.new_figure(width=style.DOUBLE_COLUMN, height=120.0)
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for axes, table, title in (
        (panels[0, 0], real, "Record (MIE)"),
        (panels[0, 1], simulated, "Simulation"),
        (panels[1, 0], changes(real), "Record, where the kind changes"),
        (panels[1, 1], changes(simulated), "Simulation, where the kind changes"),
    ):
        _map(axes, table)
        axes.set_title(title)
    for axes in panels[1]:
        axes.set_xlabel("followed next by, % of the row")
    for axes in panels[:, 0]:
        axes.set_ylabel("act")
    return figure


def tables(validation: Validation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The record's shares and the simulated ones, shape (acts, 1 + acts), the end first."""
    by_id = {one.fact.id: one for one in validation.facts["From act to act"]}
    ids = [[f"next_{act}_{following}" for following in NEXT] for act in ACTS]
    real = np.array([[by_id[name].fact.value for name in row] for row in ids])
    simulated = np.array([[by_id[name].measured.estimate.estimate for name in row] for row in ids])
    return real, simulated


def changes(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of those acts alone that another kind, or the end, follows; NaN for what is left out."""
    changed = table.copy()
    changed[np.arange(len(ACTS)), 1 + np.arange(len(ACTS))] = np.nan
    total = np.nansum(changed, axis=1, keepdims=True)
    return np.asarray(changed / np.where(total > 0, total, np.nan))


def _map(axes: Axes, table: NDArray[np.float64]) -> None:
    axes.imshow(table, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    for (row, column), value in np.ndenumerate(table):
        if not np.isnan(value):
            axes.text(
                column,
                row,
                f"{100 * value:.0f}",
                ha="center",
                va="center",
                fontsize=7.0,
                color="#FFFFFF" if value >= DARK_FROM else style.BLACK,
            )
    axes.set_xticks(range(len(NEXT)), NEXT)
    axes.set_yticks(range(len(ACTS)), ACTS)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
