"""Feature maps of a model, by level of the pyramid or by name of a layer."""

import difflib
from collections.abc import Sequence

import keras

from keras_pnnh import graph


def features(
    model: keras.Model, names: str | Sequence[str] | None = None
) -> keras.Model:
    """A model of the feature maps inside a model.

    Args:
        model: A functional `keras.Model`, with or without its top. Levels
            are known of the applications of this library.
        names: What to return: levels, `"P2"` for a map that is `2 ** 2`
            times smaller than the image, and names of layers, such as
            `"stage2_block1_relu1"`. Defaults to all levels.

    Returns:
        A `keras.Model` that shares its layers with `model` and returns a
        dictionary with the keys `names`.

    Raises:
        ValueError: If there is no such level or layer, or a layer has several
            outputs (the coder of a stage is called by all of its layers).

    Example:

    >>> from keras_pnnh.applications import PlainResNet20, features
    >>> backbone = PlainResNet20(include_top=False, input_shape=(32, 32, 3))
    >>> maps = features(backbone, ["P1", "P2"])
    >>> {level: tensor.shape for level, tensor in maps.output.items()}
    {'P1': (None, 16, 16, 32), 'P2': (None, 8, 8, 64)}
    """
    levels = getattr(model, "pyramid_outputs", {})
    names = list(levels) if names is None else names
    if not names:
        raise ValueError(
            "`names` must list levels or layers. Received: "
            f"names={names} for model '{model.name}', which has "
            f"{_listed(levels)}. Name its layers, as in "
            f"`features(model, ['{model.layers[-1].name}'])`."
        )
    names = [names] if isinstance(names, str) else list(names)
    outputs = graph.layer_outputs(model)
    chosen = {
        name: levels[name] if name in levels else _output(model, name, outputs)
        for name in names
    }
    return keras.Model(model.input, chosen, name=f"{model.name}_features")


def _output(model, name, outputs):
    if name not in outputs:
        near = difflib.get_close_matches(str(name), outputs, cutoff=0.0)
        levels = getattr(model, "pyramid_outputs", {})
        raise ValueError(
            "`names` must be levels or names of layers. Received: "
            f"names with {name!r} for model '{model.name}', which has "
            f"{_listed(levels)}; nearest layers: {', '.join(near)}."
        )
    if len(outputs[name]) > 1:
        raise ValueError(
            "A feature is the one output of a layer. Received: names with "
            f"{name!r}, which has {len(outputs[name])} outputs in model "
            f"'{model.name}'. Name a layer that reads what you want."
        )
    return outputs[name][0]


def _listed(levels):
    return f"the levels {', '.join(levels)}" if levels else "no levels"
