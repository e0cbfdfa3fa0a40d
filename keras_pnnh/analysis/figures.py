"""Figures of measures over depth, for several networks on the same axes."""

from typing import Any, NamedTuple

from keras_pnnh.presentation.canvas import new_figure, save_figure
from keras_pnnh.presentation.line_styles import STYLES


class Panel(NamedTuple):
    """How one measure is drawn.

    Attributes:
        field: Field of `LayerSignal`.
        title: What a reader sees above the axes.
        label: Label of the vertical axis.
        everywhere: Whether layers on branches are drawn, too.
        logarithmic: Whether the vertical axis is.
        limits: Limits of the vertical axis, or None.
    """

    field: str
    title: str
    label: str
    everywhere: bool = False
    logarithmic: bool = False
    limits: tuple[float, float] | None = None


PANELS = (
    Panel(
        "survival",
        "Do units survive the ReLU?",
        "share of positive units",
        everywhere=True,
        limits=(0, 1.02),
    ),
    Panel(
        "preservation",
        "Can the input still be read?",
        "R2 of a linear read-out of the input",
        limits=(-0.1, 1.02),
    ),
    Panel(
        "alignment",
        "Are similar inputs still similar?",
        "linear CKA with the input",
        limits=(0, 1.02),
    ),
    Panel(
        "cosine",
        "Do different inputs look alike?",
        "cosine between different images",
        limits=(-0.05, 1.02),
    ),
    Panel(
        "rank",
        "How many directions are in use?",
        "effective rank / channels",
        limits=(0, 1.02),
    ),
    Panel(
        "gradient",
        "Does the gradient arrive?",
        "gradient norm / that of the last layer",
        logarithmic=True,
    ),
)


def curve(report: Any, panel: Any) -> tuple[list[Any], list[Any] | list[Any]]:
    """Depths and values of one line: two lists of equal length.

    Gradient norms are divided by the last layer's and ranks by the width:
    only so do networks compare. What was not measured is left out.
    """
    layers = [
        layer
        for layer in report.layers
        if getattr(layer, panel.field) is not None
        and (layer.nonlinear if panel.everywhere else layer.trunk)
    ]
    values = [getattr(layer, panel.field) for layer in layers]
    if panel.field == "gradient" and values and values[-1] > 0:
        values = [value / values[-1] for value in values]
    if panel.field == "rank":
        values = [
            value / layer.channels
            for value, layer in zip(values, layers, strict=True)
        ]
    return [layer.depth for layer in layers], values


def plot_signals(
    reports: Any, path: Any, predicted: Any = None, panels: Any = PANELS
) -> None:
    """Draw the measures of several networks over depth into a PNG file.

    Args:
        reports: Dictionary from label to `SignalReport`.
        path: Where to write.
        predicted: Dictionary from label to a dictionary from name of layer to
            predicted survival, drawn as broad pale lines; or None.
        panels: What to draw, three in a row at most.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(4.6 * columns, 3.6 * rows)
    from matplotlib.lines import Line2D

    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, axis in zip(panels, axes, strict=False):
        for number, (label, report) in enumerate(reports.items()):
            style = STYLES[number % len(STYLES)]
            draw_curve(axis, *curve(report, panel), label, style)
            if panel.field == "survival" and predicted:
                _draw_theory(axis, report, predicted.get(label), style)
        finish(axis, panel)
    for axis in axes[len(panels) :]:
        axis.axis("off")
    handles, labels = axes[0].get_legend_handles_labels()
    if predicted:
        handles.append(Line2D([], [], color="gray", linewidth=5, alpha=0.4))
        labels.append("theory of survival")
    figure.legend(
        handles, labels, loc="outside upper center", ncols=5, fontsize=11
    )
    save_figure(figure, path)


def draw_curve(
    axis: Any, depths: Any, values: Any, label: str, style: Any
) -> None:
    """One line with about ten markers."""
    color, dashes, marker = style
    axis.plot(
        depths,
        values,
        color=color,
        linestyle=dashes,
        marker=marker,
        markevery=max(1, len(depths) // 10),
        markersize=5,
        linewidth=1.8,
        label=label,
    )


def finish(axis: Any, panel: Any) -> None:
    """Title, labels, limits and grid."""
    axis.set_title(panel.title, fontsize=12)
    axis.set_xlabel("depth (weighted layers)")
    axis.set_ylabel(panel.label)
    if panel.logarithmic:
        axis.set_yscale("log")
    if panel.limits is not None:
        axis.set_ylim(*panel.limits)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(alpha=0.3)


def _draw_theory(axis, report, predicted, style):
    known = [
        (layer.depth, predicted[layer.name])
        for layer in report.layers
        if (predicted or {}).get(layer.name) is not None
    ]
    if known:
        axis.plot(
            *zip(*known, strict=True),
            color=style[0],
            linewidth=5,
            alpha=0.25,
            solid_capstyle="round",
            label="_theory",
        )
