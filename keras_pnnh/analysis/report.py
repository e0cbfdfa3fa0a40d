"""A network and its twins: measures, figures and a page."""

from pathlib import Path
from typing import Any

from keras_pnnh.analysis.figures import plot_signals
from keras_pnnh.analysis.html_report import write_html
from keras_pnnh.analysis.mean_field import predict_survival
from keras_pnnh.analysis.preflight import preflight

CAPTION = (
    "What arrives in each layer. Survival is drawn after every "
    "non-linearity, with what theory predicts for random weights as a broad "
    "pale line; the other measures where no path leads around the layer."
)


def write_report(
    models: Any,
    images: Any,
    folder: Any,
    *,
    title: str = "Signal over depth",
    **more: Any,
) -> dict[Any, Any]:
    """Analyse networks side by side and write what was found.

    Args:
        models: Dictionary from label to a functional or sequential
            `keras.Model`.
        images: Array `(n, ...)` that all of them take.
        folder: Where `report.html` and `signals.png` go; made if absent.
        title: Heading of the page.
        **more: Further arguments of `preflight`, such as `training=False`
            for trained networks.

    Returns:
        Dictionary from label to `Preflight`.

    Raises:
        ValueError: If there is no model, or see `measure_signal`.

    Example:

    >>> import pathlib
    >>> import tempfile
    >>> import numpy as np
    >>> from keras_pnnh.analysis import write_report
    >>> from keras_pnnh.applications import PlainResNet
    >>> models = {
    ...     path: PlainResNet(
    ...         (1,), (4,), input_shape=(8, 8, 3), internal_path=path
    ...     )
    ...     for path in ("coder", "none")
    ... }
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = write_report(models, images, folder)
    ...     sorted(path.name for path in pathlib.Path(folder).iterdir())
    ['report.html', 'signals.png']
    >>> sorted(found)
    ['coder', 'none']
    """
    if not models:
        raise ValueError(
            "A report needs at least one model. Received: models={}. Pass "
            "`{'mine': model}`."
        )
    folder = Path(folder)
    results, predicted = {}, {}
    for label, model in models.items():
        results[label] = preflight(model, images, maximum_images=None, **more)
        predicted[label] = predict_survival(model, images)
    figure = folder / "signals.png"
    signals = {label: result.signal for label, result in results.items()}
    plot_signals(signals, figure, predicted)
    write_html(folder / "report.html", title, results, {CAPTION: figure})
    return results
