"""The networks that the speed runs compare: three stages, one shape, any path.

`wide` is the wide and shallow shape of the fastest plain networks (K.
Jordan, arXiv 2404.00498): each stage is one convolution that changes the width
and pools, and then `convolutions - 1` of the same width. What carries the input
across the non-linearities is the argument `path`.
"""

import keras

from keras_pnnh.applications import create_model
from keras_pnnh.applications.plain_wide import begin_as_identity
from keras_pnnh.layers import Coder, PlainConv2D, ZeroPaddingShortcut

PATHS = ("none", "dirac", "add", "add+dirac", "concat", "slow", "skip")
# Beside each 3x3 convolution in training, of one kernel with it when folded: a
# 1x1 convolution with a norm of its own (X. Ding et al. 2021, DBB, arXiv
# 2103.13425), and a norm alone where the width stays (RepVGG, 2101.03697).
BRANCHES = ("1x1", "1x1+identity")


def build(family, **arguments):
    """A network without a softmax, by the name of its family."""
    if family == "wide":
        return wide(**arguments)
    if family == "fused":
        return fused(**arguments)
    return create_model(family, classifier_activation=None, **arguments)


def wide(
    widths,
    convolutions=2,
    stem=None,
    path="none",
    learner_width=1.0,
    norm="learner",
    gain=0.3,
    branches=None,
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
        branches: One of `BRANCHES` beside each convolution but the stem.
        classes: Number of classes.
        size: Height and width of the images.
    """
    net = _Wide(path, norm, gain, learner_width, branches)
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


def fused(widths, blocks, expansion, path="concat", classes=10, size=32):
    """Blocks of a 3x3 that widens and a 1x1 that narrows (fused MBConv).

    Args:
        widths: Channels of the stages, those of the stream.
        blocks: Blocks of a stage; the first of a later one has the stride 2.
        expansion: Width of the learner inside a block, in widths of the stream.
        path: `"concat"`: a code as wide as the stream, in channels of its own
            inside the blocks. `"skip"`: the residual twin. `"none"`.
        classes: Number of classes.
        size: Height and width of the images.
    """
    images = keras.Input((size, size, 3), name="images")
    x = keras.layers.Rescaling(1 / 64, -2, name="rescaling")(images)
    x = PlainConv2D(widths[0], name="stem")(x)
    x = keras.layers.ReLU(name="stem_relu")(x)
    for stage, width in enumerate(widths, 1):
        coder = Coder(width, name=f"stage{stage}_coder")
        for number in range(1, blocks + 1):
            strides = 2 if stage > 1 and number == 1 else 1
            name = f"stage{stage}_block{number}"
            x = _fused_block(x, width, expansion, strides, path, coder, name)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dense(classes, dtype="float32", name="head")(x)
    return keras.Model(images, x, name=f"fused_{path}")


def _fused_block(x, width, expansion, strides, path, coder, name):
    inner, code = expansion * width, width if path == "concat" else 0
    widen = PlainConv2D(
        inner + code, strides=strides, code_filters=code, name=f"{name}_conv1"
    )
    narrow = PlainConv2D(width, 1, code_channels=code, name=f"{name}_conv2")
    y = widen(x, coder(x, part="encoder")) if code else widen(x)
    y = keras.layers.ReLU(name=f"{name}_relu1")(y)
    y = narrow(y, coder(y, part="decoder")) if code else narrow(y)
    if path == "skip":
        shortcut = ZeroPaddingShortcut(width, strides, name=f"{name}_skip")
        y = keras.layers.Add(name=f"{name}_add")([shortcut(x), y])
    return keras.layers.ReLU(name=f"{name}_relu2")(y)


class _Wide:
    """Makes the layers of one network."""

    def __init__(self, path, norm, gain, learner_width, branches):
        self.path, self.norm, self.gain = path, norm, gain
        self.learner_width, self.branches = learner_width, branches
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
        if coder is not None:
            return layer(x, coder_kernel=coder(x, part=part))
        if self.branches and name != "stem":
            return keras.layers.Add(name=f"{name}_sum")(
                [layer(x), *self.beside(x, filters, name)]
            )
        return layer(x)

    def beside(self, x, filters, name):
        """What is computed beside a convolution in training."""
        yield PlainConv2D(filters, 1, norm=self.norm, name=f"{name}_1x1")(x)
        if self.branches == "1x1+identity" and x.shape[-1] == filters:
            yield keras.layers.BatchNormalization(
                momentum=0.9, epsilon=1e-5, name=f"{name}_identity"
            )(x)

    def relu(self, x, name):
        return keras.layers.ReLU(name=f"{name}_relu")(x)
