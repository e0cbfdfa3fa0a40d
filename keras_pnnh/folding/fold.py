"""From the training form of a network to the chain that is deployed."""

import keras
from keras.layers import Conv2D, DepthwiseConv2D

from keras_pnnh import graph
from keras_pnnh.folding.folded_kernels import folded_kernel
from keras_pnnh.folding.folding_plan import (
    PLAIN_CONVOLUTIONS,
    CoderMatrix,
    LearnerKernel,
    handed_out,
    norms_to_fold,
)
from keras_pnnh.folding.token_layers import (
    TOKEN_LAYERS,
    bind_token_call,
    folded_token_layer,
    folded_token_weights,
)
from keras_pnnh.graph.layer_copies import (
    LayerCopies,
    new_convolution,
    pack_like,
)
from keras_pnnh.layers import PlainDepthwiseConv2D


def fold(model, name=None):
    """The same function as a chain of standard layers.

    Learner, coder and batch normalisation of a `PlainConv2D` become one
    `Conv2D` with bias (PNNH, arXiv 2402.08645: both are linear before the same
    non-linearity), those of a `PlainDepthwiseConv2D` one `DepthwiseConv2D`.
    Ordinary `Conv2D` and `DepthwiseConv2D` layers absorb the
    `BatchNormalization` that alone reads them, so any functional model can be
    folded. A norm behind a convolution with an activation stays. A
    `PlainDense` becomes a `Dense`, a `PlainAttention` one without a coder.

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
        `"<name>_pad"`. Of a convolutional network whose internal path is the
        coder it holds standard Keras layers only, and loads where `keras_pnnh`
        is not installed; a residual twin keeps its `ZeroPaddingShortcut`, a
        Transformer its `PlainAttention` and `TokenEmbedding`.

    Raises:
        ValueError: If the model has no graph, if a `PlainConv2D` adds
            something else than a coder's matrix, learns another kernel than
            its own or a shared one, or normalises with the batch's statistics
            (`training=True`), or if a coder's matrix or a shared kernel is
            used outside a `PlainConv2D`.
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
        self._convolutions = {}

    def call(self, layer, args, kwargs):
        weights = handed_out(layer, args, kwargs)
        if weights is not None:
            return weights
        if layer in self._absorbed:
            return args[0]
        if type(layer) in PLAIN_CONVOLUTIONS:
            inputs, handed = _plain_arguments(layer, *args, **kwargs)
            return self._convolve(layer, inputs, handed)
        if type(layer) in TOKEN_LAYERS:
            inputs, matrices = bind_token_call(layer, args, kwargs)
            return self._convolve(layer, inputs, matrices)
        _refuse_weights((args, kwargs), f"layer '{layer.name}'")
        if layer in self._norms:
            return self._convolve(layer, args[0], ())
        return self.copies.call(layer, args, kwargs)

    def _convolve(self, layer, x, handed):
        # A shared layer is one convolution for each coder it is called with.
        key = (layer, handed)
        if key not in self._convolutions:
            self._convolutions[key] = self._new_convolution(layer)
        for part in self._convolutions[key]:
            x = part(x)
        return x

    def _new_convolution(self, layer):
        """The layers that take the place of one convolution."""
        name = self.copies.unique_name(layer.name)
        if type(layer) in TOKEN_LAYERS:
            return (folded_token_layer(layer, name),)
        common = {
            "data_format": layer.data_format,
            "dtype": layer.dtype_policy,
            "trainable": layer.trainable,
        }
        if type(layer) not in PLAIN_CONVOLUTIONS:
            arguments = {
                "kernel_size": layer.kernel_size,
                "strides": layer.strides,
                "padding": layer.padding,
                "dilation_rate": layer.dilation_rate,
                "name": name,
                **common,
            }
            if isinstance(layer, DepthwiseConv2D):
                arguments["depth_multiplier"] = layer.depth_multiplier
                return (new_convolution(DepthwiseConv2D, **arguments),)
            arguments["groups"] = layer.groups
            arguments["filters"] = layer.filters
            return (new_convolution(Conv2D, **arguments),)
        padded = layer.strides > 1 and layer.kernel_size > 1
        arguments = {
            "kernel_size": layer.kernel_size,
            "strides": layer.strides,
            "padding": "same" if layer.strides == 1 else "valid",
            "name": name,
            **common,
        }
        if type(layer) is PlainDepthwiseConv2D:
            convolution = new_convolution(DepthwiseConv2D, **arguments)
        else:
            arguments["filters"] = layer.filters
            convolution = new_convolution(Conv2D, **arguments)
        if not padded:
            return (convolution,)
        pad = keras.layers.ZeroPadding2D(
            layer.kernel_size // 2,
            data_format=layer.data_format,
            dtype=layer.dtype_policy,
            name=self.copies.unique_name(f"{name}_pad"),
        )
        return (pad, convolution)

    def load_weights(self):
        self.copies.load_weights()
        for (layer, handed), parts in self._convolutions.items():
            if type(layer) in TOKEN_LAYERS:
                weights = folded_token_weights(layer, handed)
            else:
                norm = self._norms.get(layer)
                weights = folded_kernel(layer, *handed, norm=norm)
            parts[-1].set_weights(weights)


def _plain_arguments(
    layer, inputs, coder_kernel=None, learner_kernel=None, training=None
):
    """Inputs, and what a `PlainConv2D` is handed by others, checked."""
    if training:
        raise ValueError(
            "Only a norm with fixed statistics can be folded. Received: layer "
            f"'{layer.name}' called with training={training!r}. Build the "
            "model without that argument."
        )
    if coder_kernel is not None and not isinstance(coder_kernel, CoderMatrix):
        raise ValueError(
            "What a `PlainConv2D` adds to its kernel must come from a `Coder`, "
            f"or it cannot be folded. Received: layer '{layer.name}' called "
            f"with {coder_kernel!r}. Pass it `coder(x, part='encoder')` or "
            "`coder(x, part='decoder')`."
        )
    if not isinstance(learner_kernel, (LearnerKernel, type(None))):
        raise ValueError(
            "The learner's kernel of a `PlainConv2D` must be its own or come "
            "from a `SharedKernel`, or it cannot be folded. Received: layer "
            f"'{layer.name}' called with {learner_kernel!r}. Pass it "
            "`shared_kernel(x)`."
        )
    return inputs, (coder_kernel, learner_kernel)


def _refuse_weights(items, user):
    for item in keras.tree.flatten(items):
        if isinstance(item, (CoderMatrix, LearnerKernel)):
            raise ValueError(
                "A coder's matrix and a shared kernel can be folded into a "
                f"plain layer only. Received: {item} in {user}. Hand it to the "
                "plain layer directly, or call the coder without `part`."
            )
