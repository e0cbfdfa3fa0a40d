"""Random networks through `fold` and `from_residual`."""

import keras
import numpy as np
from conversion_checks import noise
from outcomes import RIGHT, WRONG, of_error
from random_networks import random_network

import keras_pnnh

TOLERANCE = 1e-4
# Every second network has something that no chain of convolutions may compute.
FOREIGN = (
    "gate",
    "group_norm",
    "softmax",
    "twice",
    "upsampling",
    "operation",
    "max_of_two",
    "concatenation",
)


def prepare(folder):
    """Nothing is shared by the trials."""


def trial(seed, shared):
    """One network: folded, and converted or refused."""
    generator = np.random.default_rng(seed)
    model = random_network(seed)
    kind = "residual"
    if generator.random() < 0.5:
        kind = str(generator.choice(FOREIGN))
        model = with_something_foreign(model, kind)
    images = noise(model)
    wanted = outputs(model, images)
    try:
        note = check(keras_pnnh.fold(model), images, wanted, "fold")
    except ValueError as error:
        note = f"fold refuses a sound network: {error}"
    if note:
        return WRONG, f"{kind}: {note}"
    try:
        chain, _ = keras_pnnh.from_residual(model)
    except Exception as error:
        outcome, note = of_error(error)
        return outcome, f"{kind}: {note}"
    note = check(chain, images, wanted, "from_residual")
    return (WRONG, f"{kind}: {note}") if note else (RIGHT, kind)


def outputs(model, images):
    return keras.ops.convert_to_numpy(model(images))


def check(model, images, wanted, what):
    """What differs, in words, or None."""
    found = outputs(model, images)
    scale = np.abs(wanted).max()
    difference = np.abs(found - wanted).max() / scale
    if found.shape == wanted.shape and difference <= TOLERANCE:
        return None
    return f"{what} differs by {difference:.2g} of the largest output"


def with_something_foreign(model, kind):
    """The network's feature map, and something else after it."""
    layers = keras.layers
    head = next(
        layer
        for layer in reversed(model.layers)
        if len(layer.output.shape) == 4
    )
    x = head.output
    channels = x.shape[-1]
    if kind == "gate":
        pooled = layers.GlobalAveragePooling2D(keepdims=True)(x)
        x = layers.Multiply()([x, layers.Dense(channels, "sigmoid")(pooled)])
    elif kind == "group_norm":
        x = layers.GroupNormalization(1)(x)
    elif kind == "softmax":
        x = layers.Softmax()(x)
    elif kind == "twice":
        conv = layers.Conv2D(channels, 3, padding="same")
        x = layers.Add()([conv(conv(x)), x])
    elif kind == "upsampling":
        x = layers.UpSampling2D(2)(x)
    elif kind == "operation":
        x = keras.ops.abs(x) + x
    elif kind == "max_of_two":
        x = layers.Maximum()([x, layers.Conv2D(channels, 1)(x)])
    else:
        x = layers.Concatenate()([x, layers.Conv2D(4, 1)(x)])
    x = layers.Dense(3)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(model.inputs, x)
