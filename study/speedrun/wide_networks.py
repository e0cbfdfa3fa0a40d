"""The networks that the speed runs compare: three stages, one shape, any path.

`wide` is the wide and shallow shape of the fastest plain networks (K.
Jordan, arXiv 2404.00498): each stage is one convolution that changes the width
and pools, and then `convolutions - 1` of the same width. What carries the input
across the non-linearities is the argument `path`.
"""

import keras

from keras_pnnh.applications import create_model
from keras_pnnh.applications.plain_wide import begin_as_identity
from keras_pnnh.layers import Coder, PlainConv2D

PATHS = ("none", "dirac", "add", "add+dirac", "concat", "slow", "skip")


def build(family, **arguments):
    """A network without a softmax, by the name of its family."""
    if family == "wide":
        return wide(**arguments)
    return create_model(family, classifier_activation=None, **arguments)


def wide(
    widths,
    convolutions=2,
    stem=None,
    path="none",
    learner_width=1.0,
    norm="learner",
    gain=0.3,
    classes=10,
    size=32,
):
    """Stem, three stages of `convolutions` 3x3 convolutions, pooling, classes.

    Args:
        widths: Channels of the stages, those of the stream.
        convolutions: Convolutions of a stage; the first one pools.
        stem: Channels of the stem; half of the first stage's by default.
        path: One of `PATHS`. `"add"` adds the coder to every convolution,
            `"concat"` carries a code in channels of its own across two,
            `"skip"` adds the input behind two (behind one where one is left).
        learner_width: Width of the learner inside a block, as a share of the
            stream's.
        norm: Of the convolutions, see `PlainConv2D`.
        gain: Initial scale of the learners beside a path.
        classes: Number of classes.
        size: Height and width of the images.
    """
    net = _Wide(path, norm, gain, learner_width)
    images = keras.Input((size, size, 3), name="images")
    x = keras.layers.Rescaling(1 / 64, -2, name="rescaling")(images)
    x = net.relu(net.convolution(x, stem or widths[0] // 2, "stem"), "stem")
    for stage, width in enumerate(widths, 1):
        x = net.stage(x, width, convolutions, f"stage{stage}")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dense(classes, dtype="float32", name="head")(x)
    model = keras.Model(images, x, name=f"wide_{path}")
    if "dirac" in path:
        for layer in model.layers:
            if isinstance(layer, PlainConv2D) and layer.name != "stem":
                begin_as_identity(layer)
    return model


class _Wide:
    """Makes the layers of one network."""

    def __init__(self, path, norm, gain, learner_width):
        self.path, self.norm, self.gain = path, norm, gain
        self.learner_width = learner_width
        self.adds = path in ("add", "add+dirac", "slow")

    def stage(self, x, width, convolutions, name):
        coder = None
        if self.adds or self.path == "concat":
            rate = 1 / convolutions if self.path == "slow" else 0.0
            coder = Coder(width, gradient_scale=rate, name=f"{name}_coder")
        first = coder if self.adds else None
        x = self.convolution(x, width, f"{name}_conv1", first)
        x = keras.layers.MaxPooling2D(name=f"{name}_pool")(x)
        x = self.relu(x, f"{name}_conv1")
        number = 2
        while number <= convolutions:
            names = [f"{name}_conv{number}", f"{name}_conv{number + 1}"]
            if number == convolutions:
                x = self.single(x, width, coder, names[0])
            else:
                x = self.block(x, width, coder, *names)
            number += 2
        return x

    def single(self, x, width, coder, name):
        y = self.convolution(x, width, name, coder if self.adds else None)
        if self.path == "skip":
            y = keras.layers.Add(name=f"{name}_add")([x, y])
        return self.relu(y, name)

    def block(self, x, width, coder, first, second):
        inner = round(self.learner_width * width)
        code = width if self.path == "concat" else 0
        y = self.convolution(x, inner + code, first, coder, code=code)
        y = self.relu(y, first)
        y = self.convolution(y, width, second, coder, "decoder", read=code)
        if self.path == "skip":
            y = keras.layers.Add(name=f"{second}_add")([x, y])
        return self.relu(y, second)

    def convolution(
        self, x, filters, name, coder=None, part="encoder", code=0, read=0
    ):
        beside = coder is not None and not code
        layer = PlainConv2D(
            filters,
            norm=self.norm,
            learner_gain=self.gain if beside else 1.0,
            code_filters=code,
            code_channels=read,
            name=name,
        )
        if coder is None:
            return layer(x)
        return layer(x, coder_kernel=coder(x, part=part))

    def relu(self, x, name):
        return keras.layers.ReLU(name=f"{name}_relu")(x)
