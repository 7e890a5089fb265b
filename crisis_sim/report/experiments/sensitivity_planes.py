"""Two charts of a sensitivity study: Morris's plane of effects, and the squares of pairs."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from crisis_sim.experiments.sensitivity.naming import names_of
from crisis_sim.report import style, words
from crisis_sim.report.experiments.sensitivity_panels import heights

if TYPE_CHECKING:
    from crisis_sim.experiments.findings import Findings

#: Factors that are named in the plane.
_NAMED = 10
#: Letters of a title where panels stand side by side, and of the words below.
_TITLE, _FOOT = 44, 115
#: Factors of which pairs are drawn, and up to how many of them two panels may stand side by side.
_MOST, _BESIDE = 12, 6


@style.styled
def draw_effects(findings: Findings) -> Figure:
    """Morris's plane: the mean size of a factor's effects, and how much they differ from place to place.

    Far to the right: it matters. High up: it acts differently from place to place, by curvature or
    with other factors. Beside the plane stand the effects themselves.
    """
    summary = findings.summary
    measures = summary["measures"]
    parts = [heights(summary["studies"][one["name"]]) for one in measures]
    figure = style.new_figure(height=16.0 + 72.0 * sum(parts))
    panels = figure.subplots(len(measures), 2, squeeze=False, gridspec_kw={"height_ratios": parts})
    effects = findings.tables["effects"].to_pandas()
    names = names_of([one["path"] for one in summary["factors"]])
    for (plane, strip), measure in zip(panels, measures, strict=True):
        one = summary["studies"][measure["name"]]
        title = words.sentence(measure["words"]).rstrip(".")
        plane.set_title(fill(words.shorten(title, 2 * _TITLE), _TITLE))
        if not one["indices"] or not one["deviation"]:
            style.say_nothing_to_draw(plane, one["why_not"] or "the same at every point")
            plane.set_axis_off()
            strip.set_axis_off()
            continue
        scale, unit = (
            (100.0, "percentage points")
            if measure["unit"] == "share"
            else (1.0, measure["unit"] or "in its own unit")
        )
        _plane(plane, one, scale)
        plane.set_xlabel(f"mean size of the effects, μ* ({unit})")
        plane.set_ylabel(f"their standard deviation, σ ({unit})")
        shown = one["order"][:_NAMED]
        own = effects[effects["measure"] == measure["name"]]
        for place, path in enumerate(shown):
            values = scale * own.loc[own["factor"] == path, "effect"].to_numpy()
            strip.plot(
                values, [place] * len(values), "|", color=style.BLUE, alpha=0.6, markersize=6
            )
            strip.plot([values.mean()], [place], "D", color=style.BLACK, markersize=2.6)
        strip.axvline(0.0, color=style.GREY, linewidth=0.8)
        labels = [f"{words.shorten(names[path], 28)}  {k}" for k, path in enumerate(shown, start=1)]
        strip.set_yticks(range(len(shown)), labels)
        strip.set_ylim(len(shown) - 0.4, -0.6)
        strip.tick_params(axis="y", length=0)
        strip.set_title("Every effect, and their mean")
        strip.set_xlabel(f"elementary effect, over the whole range\n({unit})")
    said = (
        "Left: lines are 95% intervals; on the dashed line effects differ as much as they are large "
        "(σ = μ*): below it a factor acts nearly alike everywhere, above it by curvature or with "
        f"others. Numbers: the first {_NAMED} factors, named on the right; there a bar is an effect in one "
        "trajectory, the diamond their mean."
    )
    figure.supxlabel(fill(said, _FOOT), fontsize=6.0, color=style.GREY)
    return figure


@style.styled
def draw_pairs(findings: Findings) -> Figure:
    """Second-order indices: what each pair explains beyond both alone, a square a pair."""
    summary = findings.summary
    measures = summary["measures"]
    paths = [one["path"] for one in summary["factors"]]
    rows = min(len(paths), _MOST)
    columns = min(2, len(measures)) if rows <= _BESIDE else 1
    lines = -(-len(measures) // columns)
    figure = style.new_figure(height=16.0 + lines * (46.0 + 7.0 * rows))
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    table = findings.tables["pairs"].to_pandas()
    for axes, measure in zip(panels, measures, strict=False):
        title = words.sentence(measure["words"]).rstrip(".")
        axes.set_title(fill(words.shorten(title, 2 * _TITLE), _TITLE - 10))
        own = table[table["measure"] == measure["name"]]
        one = summary["studies"][measure["name"]]
        if own.empty or not one["deviation"]:
            style.say_nothing_to_draw(axes, one["why_not"] or "the same at every point")
            axes.set_axis_off()
            continue
        most = one["order"][:_MOST]
        own = own[own["factor"].isin(most) & own["with"].isin(most)]
        _squares(axes, own, [path for path in paths if path in most])
    for axes in panels[len(measures) :]:
        axes.set_axis_off()
    said = (
        "Second-order index: per cent of the variance between points that the two explain together, "
        "beyond what each explains alone. Blue: the 95% interval lies above zero; no colour: it does not."
    )
    if len(paths) > _MOST:
        said += f" Pairs of the {_MOST} factors that matter most; all stand in the tables."
    figure.supxlabel(fill(said, _FOOT), fontsize=6.0, color=style.GREY)
    return figure


def _plane(axes: Axes, one: dict[str, Any], scale: float) -> None:
    sizes, spreads = one["indices"]["mu_star"], one["indices"]["sigma"]
    for place, path in enumerate(one["order"]):
        x, y = scale * sizes[path]["estimate"], scale * spreads[path]["estimate"]
        named = place < _NAMED
        colour = style.BLUE if named else style.PALE_GREY
        if named:
            for figures, points in ((sizes, "x"), (spreads, "y")):
                limits = [scale * figures[path][key] for key in ("lower", "upper")]
                ends = (limits, [y, y]) if points == "x" else ([x, x], limits)
                axes.plot(*ends, color=colour, linewidth=0.5, alpha=0.5)
            axes.annotate(
                str(place + 1),
                (x, y),
                xytext=(3, 2),
                textcoords="offset points",
                fontsize=6.5,
            )
        axes.plot([x], [y], "o", color=colour, markersize=3.2, zorder=3 if named else 2)
    axes.set_xlim(left=0.0)
    axes.set_ylim(bottom=0.0)
    end = min(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([0, end], [0, end], color=style.GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)


def _squares(axes: Axes, own: Any, paths: list[str]) -> None:
    names = names_of(paths)
    largest = max(float(own["estimate"].max()), 1e-9)
    for _, row in own.iterrows():
        column, line = paths.index(row["factor"]), paths.index(row["with"])
        sure = row["lower"] > 0.0
        strength = 0.25 + 0.6 * max(row["estimate"], 0.0) / largest
        axes.add_patch(
            Rectangle(
                (column - 0.48, line - 1.48),
                0.96,
                0.96,
                facecolor=style.tint(style.SKY_BLUE, strength) if sure else "#FFFFFF",
                edgecolor=style.PALE_GREY,
            )
        )
        axes.text(
            column,
            line - 1,
            f"{100 * row['estimate']:.1f}".replace("-", words.MINUS),
            ha="center",
            va="center",
            fontsize=6.0,
            color=style.ON_COLOUR if sure else style.GREY,
        )
    last = len(paths) - 1
    axes.set_xlim(-0.5, last - 0.5)
    axes.set_ylim(last - 0.5, -0.5)
    labels = [words.shorten(names[path], 22) for path in paths]
    axes.set_xticks(range(last), labels[:-1], rotation=90)
    axes.set_yticks(range(last), labels[1:])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
