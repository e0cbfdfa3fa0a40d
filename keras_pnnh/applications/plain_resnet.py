"""Plain ResNets, their residual twins and plain baselines.

He et al. 2015, https://arxiv.org/abs/1512.03385: section 4.2 for small images,
table 1 for those of ImageNet.
"""

from collections.abc import Sequence
from typing import Any, Literal

import keras

from keras_pnnh.applications import _checks, _ends, _resnet_blocks
from keras_pnnh.applications._application import Application
from keras_pnnh.applications._checks import (
    CoderTraining,
    DataFormat,
    InternalPath,
    Pooling,
    Preprocessing,
    Shape,
)
from keras_pnnh.applications._pass_through import blocks_path
from keras_pnnh.applications._resnet_blocks import ResNetLayers
from keras_pnnh.applications._variant import Weights, register, variant
from keras_pnnh.layers._checks import resolve_data_format

Block = Literal["basic", "bottleneck", "basic_v2", "bottleneck_v2"]
Stem = Literal["3x3", "7x7_pool"]
Norm = Literal["learner", "kernel"]
CodePlacement = Literal["add", "concat"]


def _small(blocks: int) -> dict[str, Any]:
    """`6 n + 2` weighted layers, `n` blocks in each stage."""
    return {
        "blocks_per_stage": (blocks, blocks, blocks),
        "filters_per_stage": (16, 32, 64),
    }


def _imagenet(block: Block, *blocks_per_stage: int) -> dict[str, Any]:
    return {
        "blocks_per_stage": blocks_per_stage,
        "filters_per_stage": (64, 128, 256, 512),
        "block": block,
        "stem": "7x7_pool",
        "classes": 1000,
    }


VARIANTS: dict[str, dict[str, Any]] = {
    "plain_resnet18": _imagenet("basic", 2, 2, 2, 2),
    "plain_resnet34": _imagenet("basic", 3, 4, 6, 3),
    "plain_resnet50": _imagenet("bottleneck", 3, 4, 6, 3),
    "plain_resnet101": _imagenet("bottleneck", 3, 4, 23, 3),
    "plain_resnet152": _imagenet("bottleneck", 3, 8, 36, 3),
    "plain_resnet20": _small(3),
    "plain_resnet32": _small(5),
    "plain_resnet44": _small(7),
    "plain_resnet56": _small(9),
    "plain_resnet110": _small(18),
}


def trunk(
    images: Any,
    blocks_per_stage: Sequence[int],
    filters_per_stage: Sequence[int],
    block: Block,
    stem: Stem,
    code_ratio: float,
    shared_learners: Sequence[int],
    net: ResNetLayers,
) -> tuple[Any, dict[str, Any]]:
    """From the images to the last ReLU; the feature maps by level.

    The stem has no internal path: what comes in is no rectified signal.
    """
    large, v2 = stem == "7x7_pool", block.endswith("_v2")
    x = net.bare_conv(
        images,
        filters_per_stage[0],
        7 if large else 3,
        2 if large else 1,
        norm=None if v2 else "learner",
        name="stem_conv",
    )
    if not v2:
        x = net.relu(x, "stem_relu")
    if large:
        # Zeros pad a rectified signal without changing its maxima; "same"
        # would put them at the end alone. A signal that is not rectified they
        # clip at the border, as in `keras.applications.ResNet50V2`.
        x = net.zero_pad(x, 1, "stem_pad")
        x = net.max_pool(x, 3, 2, "stem_pool")
    pyramid = {}
    stages = zip(blocks_per_stage, filters_per_stage, strict=True)
    for stage, (blocks, filters) in enumerate(stages, 1):
        x = _resnet_blocks.stage(
            x,
            block,
            blocks,
            filters,
            strides=1 if stage == 1 else 2,
            code_filters=max(1, round(code_ratio * filters)),
            shared=shared_learners,
            name=f"stage{stage}",
            net=net,
        )
        pyramid[f"P{stage + (1 if large else -1)}"] = x
    if v2:
        x = net.relu(net.batch_norm(x, "post_norm"), "post_relu")
    return x, pyramid


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PlainResNet(Application):
    """Chain of convolutions whose coder does what skips do in a ResNet.

    The networks of He et al. 2015 (arXiv 1512.03385; table 1 for ImageNet,
    section 4.2 for CIFAR-10) with the internal path of PNNH (arXiv
    2402.08645) in place of the skips; the blocks are a reconstruction.
    `PlainResNet20` and its siblings build the published variants; this class
    takes any numbers.

    Args:
        blocks_per_stage: Number of blocks in each stage.
        filters_per_stage: Channels of each stage, of its 3x3 convolutions.
            Every stage after the first starts with a stride of 2.
        include_top: Whether to end with pooling and a classifier.
        input_shape: Shape of one image, which must leave 2 pixels to the last
            stage (8x8 for `PlainResNet20`). Height and width may be None.
            Defaults to RGB of 32x32 pixels (224x224 with the large stem) with
            the top, of any size without.
        pooling: Without the top: None for the feature map, `"avg"` or `"max"`.
        classes: Number of classes.
        classifier_activation: `"softmax"`, or None for logits.
        preprocessing: What the model does to pixel values from 0 to 255:
            `"symmetric"` scales them to [-1, 1], `"imagenet"` by the mean and
            the deviation of ImageNet's channels (RGB only), `"none"` leaves
            them to you.
        internal_path: What carries the input across the non-linearities:
            `"coder"` (a small autoencoder that the blocks of a stage share),
            `"pass_through"` (channels of their own, converted exactly from
            the residual network, without norms), `"residual"` (the twin:
            skip connections) or `"none"` (the plain baseline).
        block: `"basic"` (two 3x3 convolutions) or `"bottleneck"` (1x1, 3x3
            and a 1x1 with four times the channels). `"basic_v2"` and
            `"bottleneck_v2"` have norm and ReLU before each convolution (He
            et al. 2016, arXiv 1603.05027) and are for residual networks, as
            they are or as `"pass_through"`.
        stem: `"3x3"` for small images, or `"7x7_pool"`, which divides height
            and width by 4. As in the paper, skips of a residual network that
            change shape pad with zeros in the first and are 1x1 convolutions
            in the second.
        norm: What is normalised where a coder is added: the output of the
            layer's own kernel (`"learner"`), or that kernel itself
            (`"kernel"`), which costs one convolution in training, too.
        coder_training: `"frozen"`, `"scaled"` (trained with its gradient over
            the number of blocks that share it) or `"free"`.
        code_placement: Whether what is carried is added to the output of a
            layer (`"add"`: as large as the residual twin once folded) or
            concatenated with it (`"concat"`: up to twice as large, and more
            accurate).
        code_ratio: Channels that carry inside a block, as a share of the
            stage's, above 0 and at most 1.
        learner_ratio: Channels that do not, likewise; other than 1 only with
            `"concat"`. Residual twin and baseline take it, too.
        shared_learners: Numbers of the convolutions in a block whose kernel
            all blocks of a stage share: `(2,)` shares every second 3x3 of
            basic blocks, `(1, 3)` the 1x1 pairs of bottlenecks.
        data_format: `"channels_last"` or `"channels_first"`.
        dtype: Dtype policy, e.g. `"mixed_bfloat16"`. The classifier computes
            in float32 under mixed precision.
        name: Name of the model.

    Raises:
        ValueError: For an argument that does not fit.

    Example:

    >>> from keras_pnnh.applications import PlainResNet
    >>> model = PlainResNet((1, 1), (4, 8), input_shape=(8, 8, 3), classes=3)
    >>> model.output_shape
    (None, 3)
    """

    def __init__(
        self,
        blocks_per_stage: Sequence[int],
        filters_per_stage: Sequence[int],
        include_top: bool = True,
        input_shape: Shape | None = None,
        pooling: Pooling | None = None,
        classes: int = 10,
        classifier_activation: Any = "softmax",
        *,
        preprocessing: Preprocessing = "symmetric",
        internal_path: InternalPath = "coder",
        block: Block = "basic",
        stem: Stem = "3x3",
        norm: Norm = "learner",
        coder_training: CoderTraining = "frozen",
        code_placement: CodePlacement = "add",
        code_ratio: float = 1.0,
        learner_ratio: float = 1.0,
        shared_learners: Sequence[int] = (),
        data_format: DataFormat | None = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        _checks.check_stages(blocks_per_stage, filters_per_stage)
        _checks.check_head(include_top, pooling, classes, classifier_activation)
        _checks.check_choices(PlainResNet, locals())
        _check_code(code_placement, code_ratio, learner_ratio)
        _resnet_blocks.check_block(block, internal_path, shared_learners)
        _checks.check_name(name)
        data_format = resolve_data_format(data_format)
        dtype = _checks.resolve_dtype(dtype)
        input_shape = _checks.resolve_input_shape(
            input_shape,
            _default_size(stem) if include_top else None,
            _minimum_size(stem, blocks_per_stage),
            preprocessing,
            data_format,
        )
        net = ResNetLayers(
            internal_path=blocks_path(internal_path),
            data_format=data_format,
            dtype=dtype,
            norm=norm,
            code_placement=code_placement,
            coder_training=coder_training,
            projection=stem == "7x7_pool",
            learner_ratio=learner_ratio,
        )
        images = keras.Input(input_shape, name="images")
        x, pyramid = trunk(
            _ends.preprocess(images, preprocessing, data_format, dtype),
            blocks_per_stage,
            filters_per_stage,
            block,
            stem,
            code_ratio,
            shared_learners,
            net,
        )
        outputs = _ends.head(
            x,
            include_top=include_top,
            pooling=pooling,
            classes=classes,
            classifier_activation=classifier_activation,
            data_format=data_format,
            dtype=dtype,
        )
        super().__init__(images, outputs, pyramid, locals())


def _check_code(code_placement, code_ratio, learner_ratio):
    _checks.check_number(
        "code_ratio",
        code_ratio,
        "`code_ratio` is a width as a share of a stage's and must be a number "
        "more than 0 and at most 1.",
        most=1,
    )
    _checks.check_number(
        "learner_ratio",
        learner_ratio,
        "`learner_ratio` is a width as a share of a stage's and must be a "
        "number more than 0.",
    )
    if learner_ratio != 1 and code_placement == "add":
        raise ValueError(
            "A learner that the code is added to is as wide as the stage. "
            f"Received: learner_ratio={learner_ratio} with "
            f"code_placement={code_placement!r}. Take "
            "`code_placement='concat'`."
        )


def _default_size(stem):
    return 32 if stem == "3x3" else 224


def _minimum_size(stem, blocks_per_stage):
    """Images that leave at least 2 pixels to the last stage."""
    total_stride = 2 ** (len(blocks_per_stage) - 1)
    return 2 * total_stride * (1 if stem == "3x3" else 4)


def _signature(
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: Any = None,
    input_shape: Shape | None = None,
    pooling: Pooling | None = None,
    classes: int | None = None,
    classifier_activation: Any = "softmax",
    name: str | None = None,
    *,
    blocks_per_stage: Sequence[int] | None = None,
    filters_per_stage: Sequence[int] | None = None,
    preprocessing: Preprocessing | None = None,
    internal_path: InternalPath | None = None,
    block: Block | None = None,
    stem: Stem | None = None,
    norm: Norm | None = None,
    coder_training: CoderTraining | None = None,
    code_placement: CodePlacement | None = None,
    code_ratio: float | None = None,
    learner_ratio: float | None = None,
    shared_learners: Sequence[int] | None = None,
    data_format: DataFormat | None = None,
    dtype: Any = None,
    revision: str | None = None,
    cache_dir: str | None = None,
    token: str | bool | None = None,
    local_files_only: bool | None = None,
    force_download: bool | None = None,
) -> keras.Model:
    """Plain ResNet with {depth} weighted layers.

    The network of He et al. 2015 (arXiv 1512.03385) without skips, after PNNH
    (arXiv 2402.08645); the blocks are a reconstruction, see `PlainResNet`.
    Folded (`keras_pnnh.fold`) it has as many parameters and multiplications as
    its residual twin, `internal_path="residual"`, less the skips' own.

    Args:
        include_top: Whether to end with pooling and a classifier.
        {weights}
        input_shape: Shape of one image, at least {minimum}x{minimum}. By
            default {size}x{size} RGB.
        pooling: Without the top: None for the feature map, `"avg"` or `"max"`.
        {classes_and_activation}
        name: Name of the model. Defaults to that of the variant.
        {hub}

    The other keywords are those of `PlainResNet`. None is what the weights
    say, and without weights the default of the variant.

    {returns}

    Example:

    >>> from keras_pnnh.applications import {name}
    >>> backbone = {name}(include_top=False)
    >>> list(backbone.pyramid_outputs)[-1]
    '{level}'
    """
    ...


def _variant(depth: int):
    """The function `PlainResNet<depth>`, like those of `keras.applications`."""
    name = f"plain_resnet{depth}"
    numbers = VARIANTS[name]
    stem, blocks = numbers.get("stem", "3x3"), numbers["blocks_per_stage"]
    construct = variant(
        _signature,
        f"PlainResNet{depth}",
        PlainResNet,
        lambda given: (name, numbers),
        promised=("blocks_per_stage",),
        depth=depth,
        classes=numbers.get("classes", 10),
        published="cifar10" if stem == "3x3" else "imagenet",
        size=_default_size(stem),
        minimum=_minimum_size(stem, blocks),
        level="P2" if stem == "3x3" else "P5",
    )
    register(name, construct)
    return construct


PlainResNet18 = _variant(18)
PlainResNet34 = _variant(34)
PlainResNet50 = _variant(50)
PlainResNet101 = _variant(101)
PlainResNet152 = _variant(152)
PlainResNet20 = _variant(20)
PlainResNet32 = _variant(32)
PlainResNet44 = _variant(44)
PlainResNet56 = _variant(56)
PlainResNet110 = _variant(110)
