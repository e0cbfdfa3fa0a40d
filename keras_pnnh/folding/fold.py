"""From the training form of a network to the chain that is deployed."""

from typing import Any

import keras

from keras_pnnh import graph
from keras_pnnh.folding.handed import folds, handed_out, handed_to
from keras_pnnh.folding.norms import norms_to_fold
from keras_pnnh.folding.standard_convolutions import (
    kernel_and_bias,
    linear_copy,
    with_norm,
)
from keras_pnnh.graph.layer_copies import (
    LayerCopies,
    copy_layer,
    pack_like,
)
from keras_pnnh.layers import HandedWeights


def fold(model: keras.Model, name: str | None = None) -> Any:
    """The same function as a chain of standard layers.

    Learner, coder and batch normalisation of a `PlainConv2D` become one
    `Conv2D` with bias (PNNH, arXiv 2402.08645: both are linear before the same
    non-linearity), those of a `PlainDepthwiseConv2D` one `DepthwiseConv2D`.
    A `PlainDense` becomes a `Dense`, a `PlainAttention` one without a coder;
    any other `PlainLayer` says itself what it folds to. Ordinary `Conv2D` and
    `DepthwiseConv2D` layers absorb the `BatchNormalization` that alone reads
    them, so any functional model can be folded; pooling may stand between the
    two while the norm's scale is positive. A norm after a convolution with an
    activation stays.

    The result equals the model in inference, up to rounding, and is for
    inference: without its norms it trains differently. The original is left
    untouched. A model with nothing to fold comes back as an equal copy, so
    folding twice is the same as folding once.

    Args:
        model: A functional or sequential `keras.Model`. Nested models are
            flattened into the result.
        name: Name of the result. Defaults to the name of `model`.

    Returns:
        An uncompiled functional `keras.Model`. Layers keep their names; a
        convolution with strides is preceded by a `ZeroPadding2D` called
        `"<name>_pad"`. For a convolutional network whose internal path is the
        coder it holds standard Keras layers only, and loads where `keras_pnnh`
        is not installed; a residual twin keeps its `ZeroPaddingShortcut`, a
        Transformer its `PlainAttention` and `TokenEmbedding`.

    Raises:
        ValueError: If the model has no graph, if a plain layer is handed
            something else than the weights of a `Coder` or a `SharedKernel`
            or normalises with the batch's statistics (`training=True`), or if
            such weights are used outside a plain layer.

    Example:

    >>> import keras_pnnh
    >>> model = keras_pnnh.applications.PlainResNet(
    ...     (1, 1), (4, 8), input_shape=(8, 8, 3)
    ... )
    >>> chain = keras_pnnh.fold(model)
    >>> sorted({type(layer).__module__.split(".")[0] for layer in chain.layers})
    ['keras']
    """
    source = graph.read(model)
    folder = _Folder(norms_to_fold(source))
    inputs = [
        folder.copies.copy(call.layer).output
        for call in source.calls[: len(model.inputs)]
    ]
    outputs = graph.replay(model, inputs, folder.call)
    _refuse_weights(outputs, f"the outputs of model '{model.name}'")
    inputs, outputs = pack_like(model, inputs, outputs)
    folded = keras.Model(inputs, outputs, name=name or model.name)
    folder.load_weights()
    return folded


class _Folder:
    """Calls the folded layer in place of the original."""

    def __init__(self, norms):
        self.copies = LayerCopies()
        self._norms = norms
        self._absorbed = set(norms.values())
        self._folded = {}

    def call(self, layer, args, kwargs):
        weights = handed_out(layer, args, kwargs)
        if weights is not None:
            return weights
        if layer in self._absorbed:
            return args[0]
        if folds(layer):
            return self._call_folded(layer, args[0], handed_to(layer, kwargs))
        _refuse_weights((args, kwargs), f"layer '{layer.name}'")
        if layer in self._norms:
            return self._call_folded(layer, args[0], {})
        return self.copies.call(layer, args, kwargs)

    def _call_folded(self, layer, x, handed):
        # A shared layer is another one with other weights handed to it.
        key = (layer, tuple(sorted(handed.items(), key=lambda item: item[0])))
        if key not in self._folded:
            self._folded[key] = self._new_layers(layer)
        for part in self._folded[key]:
            x = part(x)
        return x

    def _new_layers(self, layer):
        """The layers that take the place of one."""
        name = self.copies.unique_name(layer.name)
        if not folds(layer):
            return [linear_copy(layer, name)]
        *before, last = layer.fold_into(name)
        return [self._with_new_name(part) for part in before] + [last]

    def _with_new_name(self, layer):
        name = self.copies.unique_name(layer.name)
        return layer if name == layer.name else copy_layer(layer, name=name)

    def load_weights(self):
        self.copies.load_weights()
        for (layer, handed), (*_, last) in self._folded.items():
            if folds(layer):
                given = {name: each.numbers() for name, each in handed}
                weights = layer.folded_weights(**given)
            else:
                weights = kernel_and_bias(layer)
            if layer in self._norms:
                depthwise = isinstance(last, keras.layers.DepthwiseConv2D)
                norm = self._norms[layer]
                weights = with_norm(weights, norm, depthwise)
            last.set_weights(weights)


def _refuse_weights(items, user):
    for item in keras.tree.flatten(items):
        if isinstance(item, HandedWeights):
            raise ValueError(
                "A coder's matrix and a shared kernel can be folded into a "
                f"plain layer only. Received: {item} in {user}. Hand it to the "
                "plain layer directly, or call the coder without `part`."
            )
