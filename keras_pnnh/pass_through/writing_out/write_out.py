"""A chain with pass-through channels, written out in ordinary layers."""

import functools
import math
from typing import Any

import keras

from keras_pnnh import graph
from keras_pnnh.folding.fold import fold
from keras_pnnh.graph.layer_copies import (
    LayerCopies,
    new_convolution,
    pack_like,
)
from keras_pnnh.pass_through.conversion.comparison import check_batch
from keras_pnnh.pass_through.writing_out.plan import plan_written_out
from keras_pnnh.pass_through.writing_out.ranges import MARGIN, measure_ranges

_MADE_AT_ZERO = (
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.DepthwiseConv2D,
)


def write_out(
    model: keras.Model,
    name: str | None = None,
    images: Any = None,
    margin: float = MARGIN,
) -> keras.Model:
    """The same function with standard layers in place of `Carry*` layers.

    Every pass-through channel becomes a row of ordinary kernels. A stream of
    both signs passes a ReLU as a pair, `relu(x) - relu(-x)`; a clip at 6 is
    two ReLUs. This costs multiplications: `audit(model).written_out_macs`
    counts them beforehand.

    With `images` it costs fewer and no further layer: a shift, and below a clip
    a scale, of each channel puts the stream where the rectifier leaves it
    alone, and the kernels around undo both. That is exact as long as no value
    leaves the range that the images fit; beyond it values are clipped.
    `certify_written_out` counts them on any images. Transformers have pairs
    all the same.

    Args:
        model: A functional or sequential `keras.Model`, such as the chain of
            `from_residual`. What `fold` folds is folded, too.
        name: Name of the result. Defaults to the name of `model`.
        images: Some dozens of inputs of the kind that the network will meet,
            by which the range of each channel is fitted; None for pairs.
        margin: How far a range goes beyond the values of the images on either
            side, relative to their width.

    Returns:
        An uncompiled functional `keras.Model`, equal to `model` up to
        rounding, with `images` within their range. For a network on images
        it holds standard Keras layers only, and loads where `keras_pnnh` is
        not installed; in a Transformer the norms and the mixing of tokens
        stay layers of this library. A model without pass-through channels
        comes back folded.

    Raises:
        ValueError: If the model cannot be folded, is no chain, or has
            pass-through channels that no ordinary layers pass on (the layer
            and the reason are named), or if `images` are no inputs of it.

    Example:

    >>> import keras
    >>> import keras_pnnh
    >>> x = keras.Input((8, 8, 4))
    >>> y = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    >>> y = keras.layers.Conv2D(4, 3, padding="same")(y)
    >>> block = keras.Model(x, keras.layers.Add()([x, y]))
    >>> chain, certificate = keras_pnnh.from_residual(block)
    >>> keras_pnnh.audit(chain).pass_through_channels
    4
    >>> written_out = keras_pnnh.write_out(chain)
    >>> [type(layer).__name__ for layer in written_out.layers]
    ['InputLayer', 'Conv2D', 'ReLU', 'Conv2D']
    """
    if not isinstance(margin, (int, float)) or not 0 <= margin < math.inf:
        raise ValueError(
            "`margin` is a part of the width of a range, 0 or more. Received: "
            f"margin={margin!r}. Leave it at {MARGIN}, or raise it where "
            "values are clipped."
        )
    if images is not None:
        images = check_batch(model, images, "images")
    folded = fold(model, name)
    ranges = None
    if images is not None:
        ranges = measure_ranges(folded, images, margin)
    chain = graph.read(folded)
    plan = plan_written_out(chain, ranges)
    if not plan:
        return folded
    writer = _Writer(plan)
    inputs = [writer.copies.copy(chain.calls[0].layer).output]
    outputs = graph.replay(folded, inputs, writer.call)
    inputs, outputs = pack_like(folded, inputs, outputs)
    written = keras.Model(inputs, outputs, name=folded.name)
    writer.load_weights()
    return written


class _Writer:
    """Calls ordinary layers in the place of those of the plan."""

    def __init__(self, plan):
        self.copies = LayerCopies()
        self._plan = plan
        self._weights = []  # pairs of a layer and what makes its arrays

    def call(self, layer, args, kwargs):
        if layer not in self._plan:
            return self.copies.call(layer, args, kwargs)
        (x,) = args
        for standard in self._plan[layer]:
            make = standard.layer_class
            if make in _MADE_AT_ZERO:
                make = functools.partial(new_convolution, make)
            name = self.copies.unique_name(standard.name)
            part = make(**standard.arguments, name=name)
            x = part(x)
            if standard.weights is not None:
                self._weights.append((part, standard.weights))
        return x

    def load_weights(self):
        self.copies.load_weights()
        for layer, weights in self._weights:
            layer.set_weights(weights())
