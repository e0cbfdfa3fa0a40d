"""Where in a network the memory goes: live activations over its depth."""

from typing import TYPE_CHECKING, Any

from keras_pnnh.presentation.canvas import new_figure, save_figure
from keras_pnnh.presentation.line_styles import STYLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_memory(reports: Any, path: Any) -> None:
    """Draw what each network holds while it runs into a PNG file.

    A step for every layer: the floats that are alive while it runs, for one
    image (`audit` says how they are counted). The horizontal axis is the share
    of the layers with a kernel that have run, so that networks with and
    without projections stand below each other. A dot marks each peak.

    Args:
        reports: Dictionary from label to `AuditReport`, such as
            `{"plain": audit(fold(model)), "twin": audit(twin)}`.
        path: Where to write.

    Raises:
        ValueError: If there is no report.
        ModuleNotFoundError: If matplotlib is not installed.
        OSError: If the file cannot be written.

    Example:

    >>> import pathlib
    >>> import tempfile
    >>> import keras_pnnh
    >>> model = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3)
    ... )
    >>> reports = {"chain": keras_pnnh.audit(keras_pnnh.fold(model))}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "memory.png")
    ...     keras_pnnh.auditing.plot_memory(reports, path)
    ...     path.is_file()
    True
    """
    if not reports:
        raise ValueError(
            "A figure needs at least one report. Received: "
            f"reports={reports}. Pass `{{'plain': audit(model)}}`."
        )
    figure = draw_memory(reports, 8, 4.2)
    figure.axes[0].legend()
    save_figure(figure, path)


def draw_memory(reports: Any, width: float, height: float) -> "Figure":
    """The figure of `plot_memory`, without a legend.

    Args:
        reports: As there.
        width: In inches.
        height: In inches.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    figure = new_figure(width, height)
    axis = figure.subplots()
    for number, (label, report) in enumerate(reports.items()):
        color, dashes, marker = STYLES[number % len(STYLES)]
        places, live = curve(report)
        axis.step(
            places,
            live,
            where="mid",
            color=color,
            linestyle=dashes,
            linewidth=1.6,
            label=f"{label}: at most {max(live):,}",
        )
        peak = live.index(max(live))
        axis.plot(places[peak], live[peak], color=color, marker=marker)
    axis.set_xlabel("depth (share of the weighted layers)")
    axis.set_ylabel("live activations of one image (floats)")
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    return figure


def curve(report: Any) -> tuple[list[Any], list[Any]]:
    """Depths from 0 to 1 and live floats: two lists, one entry a call."""
    # A network without kernels has no depth; its layers stand at 0.
    weighted = max(1, sum(row.macs > 0 for row in report.layers))
    places, done = [], 0
    for row in report.layers:
        done += row.macs > 0
        places.append(done / weighted)
    return places, [row.live for row in report.layers]
