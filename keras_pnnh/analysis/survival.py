"""Surviving neurons of a network: measured, and predicted."""

from typing import Any, NamedTuple

from keras_pnnh.analysis.mean_field import predict_survival
from keras_pnnh.analysis.signal import measure_signal
from keras_pnnh.presentation.text_table import as_table


class LayerSurvival(NamedTuple):
    """Survival after one non-linearity.

    Attributes:
        name: Name of the layer.
        depth: Layers with a kernel on the longest path to here.
        measured: Share of units that are positive.
        dead: Share of channels that are positive nowhere.
        predicted: Share of positive units that theory expects of random
            weights, or None if it expects nothing.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis import measure_survival
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> first = measure_survival(model, images).layers[0]
    >>> first.name, first.depth, 0 < first.measured < 1
    ('stem_relu', 1, True)
    """

    name: str
    depth: int
    measured: float
    dead: float
    predicted: float | None


class SurvivalReport(NamedTuple):
    """What `measure_survival` found; `print` shows a table.

    Attributes:
        model: Name of the model.
        images: Number of images it was measured on.
        layers: A `LayerSurvival` for each non-linearity, in the order in which
            they run.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis import measure_survival
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> report = measure_survival(model, images)
    >>> report.images, [layer.depth for layer in report.layers]
    (8, [1, 2, 3, 4, 5])
    """

    model: str
    images: int
    layers: tuple[LayerSurvival, ...]

    def __str__(self) -> str:
        title = f"{self.model}, {self.images} images"
        return f"{title}\n{as_table(LayerSurvival._fields, self.layers)}"


def measure_survival(
    model: Any, images: Any, *, training: bool = True, **options: Any
) -> SurvivalReport:
    """Count the surviving neurons after every non-linearity.

    Args:
        model: A functional or sequential `keras.Model`.
        images: Array `(n, ...)` as the model takes it.
        training: Whether batch norms use the statistics of the batch, as the
            prediction assumes.
        **options: Further arguments of `measure_signal`.

    Returns:
        A `SurvivalReport`: what was measured, and what theory predicts for
        random weights (see `predict_survival`). A trained network leaves the
        prediction; so does a new one whose images are far from it, such as
        constant ones.

    Raises:
        ValueError: See `measure_signal`.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis import measure_survival
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> for layer in measure_survival(model, images).layers[:2]:
    ...     print(layer.name, 0 < layer.measured < 1, 0 < layer.predicted < 1)
    stem_relu True True
    stage1_block1_relu1 True True
    """
    options = {"gradients": False, "training": training, **options}
    report = measure_signal(model, images, **options)
    predicted = predict_survival(model, images)
    return SurvivalReport(
        report.model,
        report.images,
        tuple(
            LayerSurvival(
                layer.name,
                layer.depth,
                layer.survival,
                layer.dead,
                predicted.get(layer.name),
            )
            for layer in report.layers
            if layer.nonlinear
        ),
    )
