"""Reading the intermediate tensors of a network, and their gradients."""

import inspect
import itertools
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_pnnh import graph
from keras_pnnh.analysis._backend_gradients import no_gradients, tap_gradients
from keras_pnnh.analysis.taps import find_taps


class Probe:
    """Runs a model batch by batch and hands out what happens inside.

    The model is not changed: no weight, no moving statistic, no state of a
    random generator, no node of its graph. One batch with its intermediate
    tensors is held at a time.

    Args:
        model: A functional or sequential `keras.Model`; nested models are
            flattened.
        layers: What to read, see `find_taps`.
        training: Whether layers behave as in training: batch norms use the
            statistics of the batch, dropout drops. An untrained network with
            batch norm shows what it will do only so, since its moving
            statistics are still arbitrary.
        batch_size: Images at a time, at most; the batches are equally large,
            give or take one.

    Attributes:
        taps: What is read, a list of `Tap`.

    Raises:
        ValueError: See `find_taps`.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.analysis import Probe
    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3))
    >>> images = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    >>> probe = Probe(model, "stage2_*relu*")
    >>> for batch in probe.activations(images):
    ...     print({name: tensor.shape for name, tensor in batch.items()})
    {'stage2_block1_relu1': (8, 4, 4, 8), 'stage2_block1_relu2': (8, 4, 4, 8)}
    """

    def __init__(
        self,
        model: keras.Model,
        layers: Any = None,
        *,
        training: bool = False,
        batch_size: int = 64,
    ) -> None:
        self.model = model
        self.taps: list[Any] = find_taps(model, layers)
        self.training = training
        self.batch_size = batch_size
        self._tap_at = {tap.call: tap for tap in self.taps}

    def activations(self, images: Any) -> Any:
        """The tensors at the taps.

        Args:
            images: Array `(n, ...)` as the model takes it, or a list of one
                for each of its inputs.

        Yields:
            For each batch a dictionary from name of tap to a float32 array
            `(batch, ..., channels)`; channels are last, whatever the model.

        Raises:
            ValueError: If the images do not fit the model.
        """
        for arrays in self._batches(images):
            with no_gradients():
                _, found = self._run(self._tensors(arrays))
            yield self._to_numpy(found)

    def gradients(
        self, images: Any, labels: Any = None, loss: Any = None
    ) -> Any:
        """Gradients of a loss with respect to the tensors at the taps.

        Args:
            images: As for `activations`.
            labels: Array `(n, ...)`, or None.
            loss: Function `(labels, outputs) -> loss per image`. With labels
                it defaults to the cross-entropy of integer classes. Without,
                the "loss" is a fixed random projection of the outputs, with
                normal weights: what a loss that pulls every output in some
                direction would send back.

        Yields:
            As `activations`: row `i` belongs to image `i`, since the loss is
            summed over the batch and not averaged.

        Raises:
            ValueError: If the images or labels do not fit the model.
        """
        loss = self._loss(labels, loss)
        rows = [] if labels is None else [np.asarray(labels)]
        for arrays in self._batches(images, rows):
            batch = self._tensors(arrays[: len(self.model.inputs)])
            truth = ops.convert_to_tensor(arrays[-1]) if rows else None

            def run(inputs, perturb, truth=truth):
                outputs, found = self._run(inputs, perturb)
                return loss(truth, outputs), found

            yield self._to_numpy(tap_gradients(run, batch))

    def _run(self, inputs, perturb=lambda name, value: value):
        """Outputs of the model, and the tensors at the taps by name."""
        found, count = {}, itertools.count()

        def call(layer, args, kwargs):
            tap = self._tap_at.get(next(count))
            # Keras, too, puts this above what the model was built with.
            if self.training and _knows_training(layer):
                kwargs = {**kwargs, "training": True}
            outputs = layer(*args, **kwargs)
            if tap is None:
                return outputs
            first, *rest = keras.tree.flatten(outputs)
            found[tap.name] = perturb(tap.name, first)
            return [found[tap.name], *rest]

        # Assignments (moving statistics, seeds) go to the scope and vanish.
        with keras.StatelessScope():
            return graph.replay(self.model, inputs, call), found

    def _batches(self, images, rows=()):
        arrays = images if isinstance(images, (list, tuple)) else [images]
        arrays = [np.asarray(array) for array in arrays]
        self._check(arrays, rows)
        arrays += rows
        count = -(-len(arrays[0]) // self.batch_size)
        return zip(
            *(np.array_split(array, count) for array in arrays), strict=True
        )

    def _check(self, arrays, rows):
        expected = [tuple(tensor.shape[1:]) for tensor in self.model.inputs]
        lengths = {len(array) for array in (*arrays, *rows)}
        if (
            len(arrays) == len(expected)
            and len(lengths) == 1
            and 0 < max(lengths)
        ):
            if all(map(_fits, arrays, expected)):
                return
        raise ValueError(
            "`images` must hold one array for each input of the model, with "
            "equally many rows, at least one, and as many labels. Received: "
            f"arrays of shape {[array.shape for array in (*arrays, *rows)]} "
            f"for model '{self.model.name}' with inputs of shape {expected} "
            "after the batch axis. Resize the images, or build the model for "
            "their size."
        )

    def _tensors(self, arrays):
        return [
            ops.convert_to_tensor(array, tensor.dtype)
            for array, tensor in zip(arrays, self.model.inputs, strict=True)
        ]

    def _to_numpy(self, found):
        arrays = {}
        for tap in self.taps:
            tensor = ops.cast(ops.stop_gradient(found[tap.name]), "float32")
            array = np.asarray(ops.convert_to_numpy(tensor))
            if tap.channels_first:
                array = np.moveaxis(array, 1, -1)
            arrays[tap.name] = array
        return arrays

    def _loss(self, labels, loss):
        """Function `(labels, outputs) -> scalar`."""
        if labels is None:
            return _random_projection
        per_image = loss or _cross_entropy(self.model)
        return lambda truth, outputs: ops.sum(per_image(truth, outputs[0]))


def _random_projection(labels, outputs):
    """Sum of the outputs with fixed normal weights; there are no labels."""
    del labels
    generator = np.random.default_rng(0)
    total = 0.0
    for output in outputs:
        weights = generator.standard_normal(output.shape[1:])
        output = ops.cast(output, "float32")
        total += ops.sum(output * ops.convert_to_tensor(weights, "float32"))
    return total


def _cross_entropy(model):
    """Function `(labels, outputs) -> loss per image` for integer classes."""
    last = graph.read(model).calls[-1].layer
    activation = getattr(last, "activation", None)
    probabilities = isinstance(last, keras.layers.Softmax) or (
        getattr(activation, "__name__", "") == "softmax"
    )

    def loss(labels, outputs):
        outputs = ops.cast(outputs, "float32")
        # Not Keras's loss: on TensorFlow it goes back to the logits behind
        # a softmax, and the softmax's own output would get no gradient.
        logs = (
            ops.log(outputs + keras.config.epsilon())
            if probabilities
            else ops.log_softmax(outputs)
        )
        return -ops.sum(ops.one_hot(labels, logs.shape[-1]) * logs, axis=-1)

    return loss


def _knows_training(layer):
    return "training" in inspect.signature(layer.call).parameters


def _fits(array, expected):
    return array.ndim == len(expected) + 1 and all(
        known in (None, size)
        for known, size in zip(expected, array.shape[1:], strict=True)
    )
