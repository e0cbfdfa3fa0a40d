"""A path across both non-linearities of a block, beside the learners.

`x' = phi(L2 phi(L1 x) + D phi(E x))`: the code has channels of its own, so a
block is as wide inside as learner and code together. Still one chain: `[E, L1]`
is one convolution, `[D; L2]` the next.

The library's `PlainResNet(code_placement="concat")` came out of what this
network showed, and computes the same except that its second convolutions learn
a scale of the coder, 1 at the start. The records of some tables were made with
this one.
"""

import keras

from keras_pnnh.layers import Coder, PlainConv2D

CIFAR_WIDTHS = (16, 32, 64)


class BlockPathResNet(keras.Model):
    """ResNet for small images with one path per block.

    Args:
        input_shape: Shape of one image, channels last.
        blocks_per_stage: Blocks of two 3x3 convolutions.
        learner_ratio: Width of the learner inside a block, in parts of the
            stage's.
        code_ratio: Width of the code, likewise.
        coder_initializer: See `layers.Coder`; the coder stays frozen.
        learner_gain: Initial gain of a block's second learner, the one that
            is added to what is carried.
        classes: Number of classes.
        classifier_activation: `"softmax"`, or None for logits.
    """

    def __init__(
        self,
        input_shape=(32, 32, 3),
        blocks_per_stage=(3, 3, 3),
        learner_ratio=1.0,
        code_ratio=1.0,
        coder_initializer="closed_form",
        learner_gain=0.3,
        classes=10,
        classifier_activation="softmax",
        **kwargs,
    ):
        images = keras.Input(input_shape, name="images")
        x = keras.layers.Rescaling(1 / 127.5, -1, name="preprocessing")(images)
        x = PlainConv2D(CIFAR_WIDTHS[0], 3, name="stem_conv")(x)
        x = keras.layers.ReLU(name="stem_relu")(x)
        stages = zip(blocks_per_stage, CIFAR_WIDTHS, strict=True)
        for stage, (blocks, filters) in enumerate(stages, 1):
            coder = Coder(
                filters,
                round(code_ratio * filters),
                initializer=coder_initializer,
                name=f"stage{stage}_coder",
            )
            for block in range(1, blocks + 1):
                x = _block(
                    x,
                    coder,
                    inner_filters=round(learner_ratio * filters),
                    strides=2 if stage > 1 and block == 1 else 1,
                    learner_gain=learner_gain,
                    name=f"stage{stage}_block{block}",
                )
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
        outputs = keras.layers.Dense(
            classes, activation=classifier_activation, name="head"
        )(x)
        super().__init__(images, outputs, **kwargs)
        self._arguments = {
            "input_shape": list(input_shape),
            "blocks_per_stage": list(blocks_per_stage),
            "learner_ratio": learner_ratio,
            "code_ratio": code_ratio,
            "coder_initializer": coder_initializer,
            "learner_gain": learner_gain,
            "classes": classes,
            "classifier_activation": classifier_activation,
        }

    def get_config(self):
        return {"name": self.name, **self._arguments}


def _block(x, coder, inner_filters, strides, learner_gain, name):
    inner = PlainConv2D(inner_filters, 3, strides, name=f"{name}_conv1")(x)
    inner = keras.layers.ReLU(name=f"{name}_relu1")(inner)
    learned = PlainConv2D(
        coder.filters, 3, learner_gain=learner_gain, name=f"{name}_conv2"
    )(inner)
    # A convolution with strides and symmetric padding has its centre there.
    carried = coder(x[:, ::strides, ::strides])
    x = keras.layers.Add(name=f"{name}_add")([learned, carried])
    return keras.layers.ReLU(name=f"{name}_relu2")(x)
