"""Where a chain stops to equal its source."""

from typing import Any

import keras

from keras_pnnh import graph
from keras_pnnh.folding.norms import norms_to_fold
from keras_pnnh.pass_through.conversion.comparison import relative_difference


def first_difference(
    model: keras.Model, taps: Any, steps: Any, probe: Any, tolerance: float
) -> Any:
    """Name of the first layer of a chain that differs.

    Args:
        model: The source.
        taps: Model with the result of every step.
        steps: List of `Step`s.
        probe: Array, a batch of inputs.
        tolerance: Relative difference that is rounding.

    Returns:
        Name, or that of the last layer if none before it can be compared.
    """
    expected = _results(model, probe)
    results = keras.tree.flatten(taps(probe, training=False))
    for step, result in zip(steps, results, strict=True):
        first = step.operations[0]
        if first.name not in expected or first.target not in step.after[:1]:
            continue
        want = expected[first.name]
        # Pass-through channels come last, on the axis that is longer, if any.
        got = keras.ops.convert_to_numpy(result)
        got = got[tuple(map(slice, want.shape))]
        if relative_difference(want, got) > tolerance:
            return first.name
    return steps[-1].operations[0].name


def _results(model, probe):
    """What the layers of a model make, as the chain names it.

    A convolution stands for the norm that folds into it. Without layers whose
    name occurs twice, and those that have a non-linearity inside: in a chain
    that is a layer of its own.
    """
    network = graph.read(model)
    owners = {
        norm.name: layer.name for layer, norm in norms_to_fold(network).items()
    }
    values, skipped = {}, set()

    def call(layer, args, kwargs):
        outputs = layer(*args, **kwargs)
        name = owners.get(layer.name, layer.name)
        if name in values and layer.name not in owners:
            skipped.add(name)
        if getattr(layer, "activation", None) not in (
            None,
            keras.activations.linear,
        ) and not isinstance(layer, keras.layers.Activation):
            skipped.add(name)
        if keras.ops.is_tensor(outputs):
            values[name] = keras.ops.convert_to_numpy(outputs)
        return outputs

    graph.replay(model, [keras.ops.convert_to_tensor(probe)], call)
    return {name: values[name] for name in values.keys() - skipped}
