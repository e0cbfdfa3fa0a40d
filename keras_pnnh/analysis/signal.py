"""What arrives in each layer of a network, measured."""

from typing import Any, NamedTuple

import numpy as np

from keras_pnnh.analysis import measures
from keras_pnnh.analysis.probe import Probe
from keras_pnnh.analysis.sampling import input_at, sample_activations
from keras_pnnh.analysis.taps import channels_last
from keras_pnnh.presentation.text_table import as_table


class LayerSignal(NamedTuple):
    """Measures of one layer; `analysis.measures` defines them.

    Attributes:
        name: Name of the layer.
        depth: Layers with a kernel on the longest path to here.
        trunk: Whether no path leads around it.
        nonlinear: Whether it leaves a non-linearity.
        channels: Number of its channels.
        survival: Share of units that are positive.
        dead: Share of channels that are positive nowhere.
        mean: Mean of all activations.
        variance: Variance of all activations.
        preservation: R2 of a linear read-out of the input; None if there is no
            input to read, or too few images and positions: half of them must
            be twice the channels.
        alignment: Linear CKA with the input; None if there is no input to
            read.
        cosine: Mean cosine between different images.
        rank: Effective rank, at most `channels`.
        gradient: Norm of the gradient of one image; None if not asked for.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis import measure_signal
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> first = measure_signal(model, images, training=True).layers[0]
    >>> first.name, first.channels, 0 < first.survival < 1
    ('stem_relu', 4, True)
    """

    name: str
    depth: int
    trunk: bool
    nonlinear: bool
    channels: int
    survival: float
    dead: float
    mean: float
    variance: float
    preservation: float | None
    alignment: float | None
    cosine: float
    rank: float
    gradient: float | None


class SignalReport(NamedTuple):
    """What `measure_signal` found; `print` shows a table.

    Attributes:
        model: Name of the model.
        images: Number of images it was measured on.
        layers: A `LayerSignal` for each layer, in the order in which they run.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis import measure_signal
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> report = measure_signal(model, images, training=True)
    >>> report.images, len(report.layers), len(report.trunk())
    (8, 5, 5)
    """

    model: str
    images: int
    layers: tuple[LayerSignal, ...]

    def trunk(self) -> tuple[LayerSignal, ...]:
        """The layers that everything passes through."""
        return tuple(layer for layer in self.layers if layer.trunk)

    def __str__(self) -> str:
        shown = (
            *("name", "depth", "survival", "dead", "preservation"),
            *("alignment", "cosine", "rank", "gradient"),
        )
        rows = [
            [getattr(layer, field) for field in shown] for layer in self.layers
        ]
        title = f"{self.model}, {self.images} images"
        return f"{title}\n{as_table(shown, rows)}"


def measure_signal(
    model: Any,
    images: Any,
    labels: Any = None,
    *,
    layers: Any = None,
    training: bool = False,
    gradients: bool = True,
    batch_size: int = 64,
    memory: Any = 256 << 20,
    seed: int = 0,
) -> SignalReport:
    """Measure every layer of a model on a set of images.

    Args:
        model: A functional or sequential `keras.Model`; it is not changed.
        images: Array `(n, ...)` as the model takes it. 64 images show the
            shape of a curve; the read-out is fitted to half of them.
        labels: Integer classes `(n,)` for the gradient of the cross-entropy.
            None takes that of a random projection of the outputs.
        layers: What to read, see `find_taps`.
        training: Whether batch norms use the statistics of the batch: say
            True for a network that has not been trained.
        gradients: Whether to measure them, too; more than half of the time.
        batch_size: Images at a time.
        memory: Bytes for the activations that are kept, see
            `sample_activations`.
        seed: Seed of the positions that are kept.

    Returns:
        A `SignalReport`.

    Raises:
        ValueError: If the model cannot be read, or the images do not fit or
            are less than four.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis import measure_signal
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> report = measure_signal(model, images, training=True)
    >>> [(layer.name, layer.depth) for layer in report.layers[:2]]
    [('stem_relu', 1), ('stage1_block1_relu1', 2)]
    >>> all(0 < layer.rank <= layer.channels for layer in report.layers)
    True
    """
    images = np.asarray(images)
    if len(images) < 4:
        raise ValueError(
            "Measures compare images with each other and need four at least. "
            f"Received: {len(images)}. 64 or more make good curves."
        )
    probe = Probe(model, layers, training=training, batch_size=batch_size)
    norms = _gradient_norms(probe, images, labels) if gradients else {}
    samples = sample_activations(
        probe.activations(images), len(images), memory, seed
    )
    inputs = channels_last(images, probe.taps)
    return SignalReport(
        model.name,
        len(images),
        tuple(
            _measure(tap, samples.pop(tap.name), inputs, norms.get(tap.name))
            for tap in probe.taps
        ),
    )


def _measure(tap, sample, inputs, gradient):
    values = sample.values
    return LayerSignal(
        name=tap.name,
        depth=tap.depth,
        trunk=tap.trunk,
        nonlinear=tap.nonlinear,
        channels=values.shape[-1],
        gradient=gradient,
        **_numbers(values, input_at(inputs, sample)),
    )


def _numbers(values, known):
    numbers = {
        "survival": measures.survival_share,
        "dead": measures.dead_share,
        "mean": measures.activation_mean,
        "variance": measures.activation_variance,
        "cosine": measures.mean_cosine,
        "rank": measures.effective_rank,
        "preservation": lambda values: _preservation(values, known),
        "alignment": lambda values: (
            None if known is None else measures.linear_cka(values, known)
        ),
    }
    if not np.isfinite(values).all():
        # No measure means anything any more; the reader sees it as NaN.
        return dict.fromkeys(numbers, float("nan"))
    return {name: measure(values) for name, measure in numbers.items()}


def _preservation(values, known):
    # Below this, errors of the fit would pass for loss of the input.
    rows = values.size // values.shape[-1] // 2
    if known is None or rows < 2 * values.shape[-1]:
        return None
    return measures.ridge_r2(values, known)


def _gradient_norms(probe, images, labels):
    squares = {tap.name: 0.0 for tap in probe.taps}
    for batch in probe.gradients(images, labels):
        for name, array in batch.items():
            squares[name] += len(array) * measures.gradient_norm(array) ** 2
    return {
        name: (total / len(images)) ** 0.5 for name, total in squares.items()
    }
