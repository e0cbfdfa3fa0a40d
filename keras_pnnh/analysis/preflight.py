"""Will it train? Looked at before any training."""

from typing import Any, NamedTuple

import numpy as np

from keras_pnnh.analysis.faults import RULES, Fault
from keras_pnnh.analysis.internal_path import has_internal_path
from keras_pnnh.analysis.signal import SignalReport, measure_signal

# Faults that stop training by themselves; the others make it harder.
FATAL = {"not finite", "dead layer", "collapse", "exploding gradient"}


class Preflight(NamedTuple):
    """What `preflight` found; `print` shows a summary.

    Attributes:
        verdict: `"ready"`, `"at risk"` or `"will not train"`.
        score: Share of the input's variance that a linear read-out finds in
            the last layer of the trunk where that is known, at least 0, and 0
            for a fatal fault. It ranks networks of one task.
        faults: What is wrong, each fault where it begins.
        signal: The measures that it rests on.
        half_verdict: The verdict on the first half of the images.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis import preflight
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> found = preflight(model, images)
    >>> found.verdict in ("ready", "at risk", "will not train")
    True
    >>> found.signal.images, 0 <= found.score <= 1
    (8, True)
    """

    verdict: str
    score: float
    faults: tuple[Fault, ...]
    signal: SignalReport
    half_verdict: str

    @property
    def certain(self) -> bool:
        """Whether half of the images give the same verdict."""
        return self.verdict == self.half_verdict

    def __str__(self) -> str:
        half = self.signal.images // 2
        doubt = (
            ""
            if self.certain
            else f", uncertain: {self.half_verdict} on {half} of the "
            f"{self.signal.images} images, so use more"
        )
        lines = [
            f"{self.signal.model}: {self.verdict}{doubt} "
            f"(input preserved to the end: {100 * self.score:.1f} %)",
            *(f"  {fault}" for fault in self.faults),
        ]
        return "\n".join(lines)


def preflight(
    model: Any,
    images: Any,
    labels: Any = None,
    *,
    maximum_images: int | None = 128,
    **options: Any,
) -> Preflight:
    """Say before training whether signal and gradient survive the depth.

    Some images are sent through the network as it would be trained, that
    is with the statistics of the batch in its norms. Nothing is changed.

    Args:
        model: A functional or sequential `keras.Model` before training.
        images: Array `(n, ...)` as the model takes it.
        labels: Integer classes for the gradient of the cross-entropy; None
            takes that of a random projection of the outputs.
        maximum_images: How many images are used, the first; None for all.
        **options: Further arguments of `measure_signal`.

    Returns:
        A `Preflight`. "ready" means that none of the known faults was found;
        the data, the learning rate and the classifier are not looked at. The
        verdict is uncertain if half of the images give another one.

    Raises:
        ValueError: See `measure_signal`.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from keras_pnnh.analysis import preflight
    >>> layers = keras.layers
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)),
    ...     layers.Conv2D(4, 3, kernel_initializer="zeros"),  # a mistake
    ...     layers.ReLU(name="relu"),
    ...     layers.Flatten(),
    ...     layers.Dense(10),
    ... ])
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> found = preflight(model, images)
    >>> found.verdict, found.faults[0].kind, found.faults[0].layer
    ('will not train', 'dead layer', 'relu')
    """
    images = np.asarray(images)[:maximum_images]
    if labels is not None:
        labels = np.asarray(labels)[:maximum_images]
    options = {"training": True, **options}
    signal = measure_signal(model, images, labels, **options)
    has_path = has_internal_path(model)
    faults = _faults(signal, has_path)
    verdict = half_verdict = _verdict(faults)
    half = len(images) // 2
    if half >= 4:
        some = None if labels is None else labels[:half]
        less = measure_signal(model, images[:half], some, **options)
        half_verdict = _verdict(_faults(less, has_path))
    score = 0.0 if verdict == "will not train" else _score(signal)
    return Preflight(verdict, score, faults, signal, half_verdict)


def _faults(signal, has_path):
    found = [rule(signal.layers, has_path) for rule in RULES]
    return tuple(fault for fault in found if fault is not None)


def _verdict(faults):
    if any(fault.kind in FATAL for fault in faults):
        return "will not train"
    return "at risk" if faults else "ready"


def _score(signal):
    known = [
        layer.preservation
        for layer in signal.trunk()
        if layer.preservation is not None
    ]
    return max(known[-1], 0.0) if known else 0.0
