"""Networks of a benchmark as points: how fast, for which cost or accuracy."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keras_pnnh.presentation.canvas import new_figure
from keras_pnnh.presentation.line_styles import STYLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Small, so that its letters are legible on a telephone.
SIZE = (4.6, 4.4)


def draw_accuracy(
    latencies: Mapping[str, float], accuracies: Mapping[str, float], axis: str
) -> "Figure":
    """Accuracy over the time of one image; a line joins the frontier.

    Args:
        latencies: Dictionary from network to seconds.
        accuracies: Dictionary from network to percent. Those that are missing
            are not drawn.
        axis: What the percent are of, in words.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    places = {
        label: (1e3 * seconds, accuracies[label])
        for label, seconds in latencies.items()
        if label in accuracies
    }
    figure, plot = _scatter(places, latencies)
    best = frontier(list(places.values()))
    plot.step(*zip(*best, strict=True), where="post", color="0.5", zorder=0)
    plot.set_xlim(left=0)
    plot.set_xlabel("time of one image, ms")
    plot.set_ylabel(axis)
    return figure


def draw_cost(
    latencies: Mapping[str, float], macs: Mapping[str, int]
) -> "Figure":
    """The time of one image over multiply-accumulates.

    A line goes through the first network: who is below it does more
    multiplications a second.

    Args:
        latencies: Dictionary from network to seconds.
        macs: Dictionary from network to its multiply-accumulates.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    places = {
        label: (macs[label] / 1e6, 1e3 * seconds)
        for label, seconds in latencies.items()
    }
    figure, plot = _scatter(places, latencies)
    x, y = next(iter(places.values()))
    far = 1.1 * max(place[0] for place in places.values())
    plot.plot([0, far], [0, far * y / x], color="0.5", linewidth=1, zorder=0)
    plot.set_xlim(0, far)
    plot.set_ylim(bottom=0)
    plot.set_xlabel("multiply-accumulates of one image, millions")
    plot.set_ylabel("time of one image, ms")
    return figure


def frontier(
    points: Sequence[tuple[float, float]],
) -> list[tuple[float, float]]:
    """Those that no other point beats: less to the right, and more upward.

    Example:

    >>> from keras_pnnh.deployment.benchmark_figures import frontier
    >>> frontier([(3, 90), (1, 80), (2, 79), (3, 91)])
    [(1, 80), (3, 91)]
    """
    best: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda point: (point[0], -point[1])):
        if not best or point[1] > best[-1][1]:
            best.append(point)
    return best


def legend_below(figure: "Figure") -> Any:
    """Put the legend where it hides nothing."""
    figure.legend(loc="outside lower left", frameon=False)


def _scatter(places, labels):
    """Each network with the mark that it has in every figure."""
    figure = new_figure(*SIZE)
    plot = figure.subplots()
    for number, label in enumerate(labels):
        color, _, marker = STYLES[number % len(STYLES)]
        # After six they begin again, larger.
        size = 6 + 3 * (number // len(STYLES))
        if label in places:
            plot.plot(
                *places[label], color=color, marker=marker, linestyle="",
                markersize=size, label=label,
            )  # fmt: skip
    plot.grid(alpha=0.3)
    legend_below(figure)
    return figure, plot
