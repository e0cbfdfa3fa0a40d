"""Networks with options that only the study varied, from the library's blocks.

`create` takes what `keras_pnnh.create_model` takes, and besides:

- `norm`: also `"sum"` and None, see `layers.PlainConv2D`
- `learner_gain`: initial scale of the learners that a coder is added to
- `coder_initializer`: see `layers.Coder`
- `coder_sharing`: `"stage"`, or `"block"`, a coder for each block
- `token_mixing`: also `"softmax"`: the tokens do not pass the attention

The records in `evidence/` have the names of their time: `"added"` and
`"beside"` for `code_placement="add"` and `"concat"`.
"""

import dataclasses

import keras

from keras_pnnh.applications import (
    _ends,
    create_model,
    plain_mobilenet_v2,
    plain_resnet,
    plain_vit,
)
from keras_pnnh.applications._mobilenet_blocks import MobileNetLayers
from keras_pnnh.applications._resnet_blocks import ResNetLayers
from keras_pnnh.applications._vit_blocks import TokenLayers, pool

OPTIONS = ("learner_gain", "coder_initializer", "coder_sharing")


def create(model, **arguments):
    """A network of the library, or one with the study's options.

    Args:
        model: Name for `create_model`.
        **arguments: Its arguments, and the study's.
    """
    special = (
        any(name in arguments for name in OPTIONS)
        or arguments.get("norm", "learner") not in ("learner", "kernel")
        or arguments.get("token_mixing") == "softmax"
    )
    if not special:
        return create_model(model, **arguments)
    if model.startswith("plain_resnet"):
        return resnet(**{**plain_resnet.VARIANTS[model], **arguments})
    if model.startswith("plain_mobilenet"):
        return mobilenet(model, **arguments)
    return vit(**{**plain_vit.VARIANTS[model], **arguments})


class StudyNetwork(keras.Model):
    """A functional model that says what it was made with."""

    def __init__(self, inputs, outputs, family, arguments):
        super().__init__(inputs, outputs, name=arguments.pop("name"))
        self._arguments = {
            "family": family,
            **{
                key: list(value) if isinstance(value, tuple) else value
                for key, value in arguments.items()
            },
        }

    def get_config(self):
        return {"name": self.name, **self._arguments}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        make = {"resnet": resnet, "mobilenet": mobilenet, "vit": vit}
        return make[config["family"]](
            **{key: config[key] for key in config if key != "family"}
        )


@dataclasses.dataclass(frozen=True)
class StudyLayers(ResNetLayers):
    """Layers whose coders may belong to one block."""

    coder_sharing: str = "stage"

    def coders(self, filters, code_filters, blocks, name):
        if self.coder_sharing == "stage" or self.internal_path != "coder":
            return super().coders(filters, code_filters, blocks, name)
        stage = name.removesuffix("_coder")
        return [
            self.coder(filters, code_filters, 1, f"{stage}_block{block}_coder")
            for block in range(1, blocks + 1)
        ]


def resnet(
    blocks_per_stage,
    filters_per_stage,
    input_shape=(32, 32, 3),
    classes=10,
    classifier_activation="softmax",
    name=None,
    block="basic",
    code_ratio=1.0,
    shared_learners=(),
    **settings,
):
    """A ResNet for small images; settings are fields of `StudyLayers`."""
    arguments = {**locals(), **settings}
    del arguments["settings"]
    common = _common()
    net = StudyLayers(**{"internal_path": "coder", **common, **settings})
    images = keras.Input(input_shape, name="images")
    x, _ = plain_resnet.trunk(
        _ends.preprocess(images, "symmetric", **common),
        blocks_per_stage,
        filters_per_stage,
        block,
        "3x3",
        code_ratio,
        shared_learners,
        net,
    )
    outputs = _head(x, classes, classifier_activation)
    return StudyNetwork(images, outputs, "resnet", arguments)


def mobilenet(
    model,
    input_shape=(32, 32, 3),
    classes=10,
    classifier_activation="softmax",
    name=None,
    stem="3x3",
    expansion=6,
    **settings,
):
    """A MobileNetV2; settings are fields of `MobileNetLayers`."""
    arguments = {**locals(), **settings}
    del arguments["settings"]
    common = _common()
    net = MobileNetLayers(**{"internal_path": "coder", **common, **settings})
    images = keras.Input(input_shape, name="images")
    x, _ = plain_mobilenet_v2.trunk(
        _ends.preprocess(images, "symmetric", **common),
        **plain_mobilenet_v2.TABLE_2,
        alpha=int(model.rpartition("_")[2]) / 100,
        stem=stem,
        expansion=expansion,
        net=net,
    )
    outputs = _head(x, classes, classifier_activation)
    return StudyNetwork(images, outputs, "mobilenet", arguments)


def vit(
    num_layers,
    num_heads,
    hidden_dim,
    mlp_dim,
    patch_size,
    input_shape=(32, 32, 3),
    classes=10,
    classifier_activation="softmax",
    name=None,
    **settings,
):
    """A Transformer; settings are fields of `TokenLayers`."""
    arguments = {**locals(), **settings}
    del arguments["settings"]
    common = _common()
    net = TokenLayers(
        **{"internal_path": "coder", "dtype": common["dtype"], **settings}
    )
    images = keras.Input(input_shape, name="images")
    x = plain_vit.trunk(
        _ends.preprocess(images, "symmetric", **common),
        num_layers,
        num_heads,
        hidden_dim,
        mlp_dim,
        patch_size,
        class_token=True,
        dropout_rate=0.0,
        data_format=common["data_format"],
        net=net,
    )
    x = pool(x, "token", True, net)
    outputs = _ends.classifier(
        x, classes, classifier_activation, common["dtype"]
    )
    return StudyNetwork(images, outputs, "vit", arguments)


def _common():
    return {
        "data_format": keras.config.image_data_format(),
        "dtype": keras.config.dtype_policy(),
    }


def _head(x, classes, classifier_activation):
    return _ends.head(
        x,
        include_top=True,
        pooling=None,
        classes=classes,
        classifier_activation=classifier_activation,
        **_common(),
    )
