"""Where a chain stops to equal its source."""

import keras

from keras_pnnh import graph
from keras_pnnh.conversion.residual.certificate import differences


def first_difference(folded, network, taps, steps, probe, tolerance):
    """Name of the first layer of a chain that differs.

    Args:
        folded: The source.
        network: Its `graph.Graph`, which the steps were made from.
        taps: Model with the result of every step.
        steps: List of `Step`s.
        probe: Array, a batch of inputs.
        tolerance: Relative difference that is rounding.

    Returns:
        Name, or that of the last layer if no tensor of both differs.
    """
    expected = _tensors(folded, network, probe)
    results = keras.tree.flatten(taps(probe, training=False))
    for step, result in zip(steps, results, strict=True):
        target = step.operations[0].target
        if target not in expected or target not in step.after[:1]:
            continue
        want = expected[target]
        # What is carried comes behind, on the axis that is longer, if any.
        got = keras.ops.convert_to_numpy(result)
        got = got[tuple(map(slice, want.shape))]
        if differences(want, got)[1] > tolerance:
            return step.operations[0].name
    return steps[-1].operations[0].name


def _tensors(model, network, probe):
    """The value of every tensor of a model, by its edge."""
    (source, *calls) = network.calls
    values = {source.outputs[0]: probe}
    waiting = iter(calls)

    def call(layer, args, kwargs):
        outputs = layer(*args, **kwargs)
        made = next(waiting)
        for tensor, value in zip(
            made.outputs, keras.tree.flatten(outputs), strict=True
        ):
            values[tensor] = keras.ops.convert_to_numpy(value)
        return outputs

    graph.replay(model, [keras.ops.convert_to_tensor(probe)], call)
    return values
