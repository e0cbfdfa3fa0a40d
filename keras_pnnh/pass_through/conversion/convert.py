"""From a trained residual network to a plain chain."""

from typing import Any

import keras

from keras_pnnh import graph
from keras_pnnh.folding.fold import fold
from keras_pnnh.graph.layer_copies import (
    LayerCopies,
    pack_like,
)
from keras_pnnh.pass_through.conversion.certificate import (
    Certificate,
    certify,
)
from keras_pnnh.pass_through.conversion.chain_order import schedule
from keras_pnnh.pass_through.conversion.comparison import make_probe
from keras_pnnh.pass_through.conversion.composites import open_composites
from keras_pnnh.pass_through.conversion.emission import Emitter
from keras_pnnh.pass_through.conversion.first_difference import first_difference
from keras_pnnh.pass_through.conversion.merge_norms import merge_norms
from keras_pnnh.pass_through.conversion.merge_scales import merge_scales
from keras_pnnh.pass_through.conversion.merge_sums import merge_convolutions
from keras_pnnh.pass_through.conversion.reader import (
    data_format_of,
    read_operations,
)
from keras_pnnh.pass_through.conversion.source_checks import check_source


def from_residual(
    model: keras.Model,
    probe: Any = None,
    name: str | None = None,
    require_exact: bool = True,
) -> tuple[keras.Model, Certificate]:
    """The same function as one chain of this library's layers, exactly.

    The chain is pass-through, not plain: an exported file of it holds slices
    and joins, unless `write_out` makes it a chain of standard layers, at a
    cost that `audit` counts beforehand.

    "Reserve and merge" (reconstruction, on PNNH, arXiv 2402.08645): what a
    shortcut carries passes through the layers in channels of its own, and the
    last convolution of the block adds it, kernel `[P | W]`. Every layer of the
    result reads one tensor and every tensor is read by one layer. Batch norms
    fold into the convolutions, computed in float64. The multiplications stay
    those of the residual network; pass-through channels cost memory,
    and `write_out` writes them out in ordinary convolutions, which costs
    multiplications (`audit` counts both).

    Works on the graph, not on names: branches of convolutions (also depthwise,
    separable and grouped), dense layers, self-attention, norms, elementwise
    non-linearities, zero padding, cropping and pooling, from wherever they
    part to wherever they are added or put side by side. Clips such as that of
    ReLU6 act on the learner's channels only. In a pre-norm
    Transformer the norms' centring and gain fold into the kernels after them,
    which read the stream itself; what they return is divided by its deviation.
    The result is for inference: dropout is left out.

    Args:
        model: A functional or sequential `keras.Model` with one input and one
            result, left untouched. Nested models are flattened.
        probe: Batch of inputs to compare on. By default 8 at the scales of
            real inputs: normalised, pixels of 0 to 255, and beyond.
        name: Name of the result. Defaults to the name of `model`.
        require_exact: Whether a chain that differs from its source by more
            than rounding is an error; False returns it with a certificate that
            says so.

    Returns:
        Pair of the chain, an uncompiled functional `keras.Model`, and its
        `Certificate`. A layer's name is that of the source's layer whose
        output its first channels are.

    Raises:
        ValueError: If the chain is not equal to its source, or if the model
            has no graph or a `call` of its own, is not built or is quantised,
            has several inputs or results, calls a layer with weights twice,
            has a layer that its config does not describe, weights that are
            not finite or an activation that is not Keras's, or has a topology
            that no chain computes: the layer and the reason are named.

    Example:

    >>> import keras
    >>> import keras_pnnh
    >>> x = keras.Input((8, 8, 4))
    >>> y = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    >>> y = keras.layers.Conv2D(4, 3, padding="same")(y)
    >>> block = keras.Model(x, keras.layers.Add()([x, y]))
    >>> chain, certificate = keras_pnnh.from_residual(block)
    >>> keras_pnnh.audit(chain).chain, certificate.exact
    (True, True)
    >>> certificate.pass_through_channels  # those that the sum still needs
    4
    """
    check_source(model, graph.read(model))
    probe = make_probe(model, probe)
    opened = open_composites(model)
    if opened is not model:
        check_source(opened, graph.read(opened))
    plain, steps, tensors = build_chain(opened, name or model.name)
    taps = keras.Model(plain.inputs[0], tensors)

    def find_end(probe, tolerance):
        return first_difference(opened, taps, steps, probe, tolerance)

    certificate = certify(model, opened, plain, probe, find_end)
    if require_exact:
        certificate.raise_if_not_exact()
    return plain, certificate


def build_chain(
    model: keras.Model, name: str | None = None
) -> tuple[Any, list[Any], list[Any]]:
    """The chain of `from_residual`, not compared with its source.

    Args:
        model: A model whose layers hold no layers of other packages.
        name: Name of the result. Defaults to the name of `model`.

    Returns:
        The chain, the list of its `Step`s and the Keras tensor behind each.

    Example:

    >>> import keras
    >>> from keras_pnnh import pass_through
    >>> x = keras.Input((8, 8, 4))
    >>> y = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    >>> y = keras.layers.Conv2D(4, 3, padding="same")(y)
    >>> block = keras.Model(x, keras.layers.Add()([x, y]))
    >>> chain, *rest = pass_through.conversion.build_chain(block)
    >>> [type(layer).__name__ for layer in chain.layers]
    ['InputLayer', 'CarryConv2D', 'CarryActivation', 'CarryConv2D']
    """
    folded = fold(model)
    network = graph.read(folded)
    data_format = data_format_of(network)
    axis = 1 if data_format == "channels_first" else 3
    operations, result = read_operations(network, data_format)
    operations = merge_scales(operations, result)
    operations = merge_norms(operations, result)
    operations = merge_convolutions(operations, result, axis)
    source = network.calls[0].outputs[0]
    steps = schedule(operations, source, result, axis)
    copies = LayerCopies()
    inputs = x = copies.copy(network.calls[0].layer).output
    emitter = Emitter(copies, data_format, axis)
    tensors = []
    for step in steps:
        x = emitter.emit(step, x)
        tensors.append(x)
    packed = pack_like(model, [inputs], [x])
    plain = keras.Model(*packed, name=name or model.name)
    emitter.load_weights()
    return plain, steps, tensors
