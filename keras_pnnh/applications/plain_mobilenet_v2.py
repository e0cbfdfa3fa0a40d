"""Plain MobileNetV2, its residual twin and its plain baseline.

Sandler et al. 2018, https://arxiv.org/abs/1801.04381.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

from keras_pnnh.applications import _checks, _ends, _mobilenet_blocks
from keras_pnnh.applications._application import Application
from keras_pnnh.applications._checks import (
    CoderTraining,
    DataFormat,
    InternalPath,
    Pooling,
    Preprocessing,
    Shape,
)
from keras_pnnh.applications._mobilenet_blocks import MobileNetLayers, scaled
from keras_pnnh.applications._pass_through import blocks_path
from keras_pnnh.applications._variant import Weights, register, variant
from keras_pnnh.layers._checks import (
    check_positive_integers,
    resolve_data_format,
)

Stem = Literal["3x3_stride2", "3x3"]

# Table 2 of the paper, at a width of 1.
TABLE_2: dict[str, Any] = {
    "blocks_per_stage": (1, 2, 3, 4, 3, 3, 1),
    "filters_per_stage": (16, 24, 32, 64, 96, 160, 320),
    "strides_per_stage": (1, 2, 2, 2, 1, 2, 1),
    "stem_filters": 32,
    "last_filters": 1280,
}
# The widths with weights in `keras.applications` and elsewhere.
WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)


def trunk(
    images: Any,
    blocks_per_stage: Sequence[int],
    filters_per_stage: Sequence[int],
    strides_per_stage: Sequence[int],
    stem_filters: int,
    last_filters: int,
    alpha: float,
    stem: Stem,
    expansion: int,
    net: MobileNetLayers,
) -> tuple[Any, dict[str, Any]]:
    """From the images to the last ReLU6; the feature maps by level.

    Neither stem nor last convolution has an internal path: the first reads
    images, the last is wider than its input, and no skip of the twin leads
    there.
    """
    small = stem == "3x3"
    x = net.bare_conv(
        images,
        scaled(stem_filters, alpha),
        3,
        1 if small else 2,
        norm="learner",
        name="stem_conv",
    )
    x = net.relu(x, "stem_relu")
    pyramid, reduction = {}, 1 if small else 2
    stages = zip(
        blocks_per_stage,
        filters_per_stage,
        _strides(strides_per_stage, stem),
        strict=True,
    )
    for stage, (blocks, filters, strides) in enumerate(stages, 1):
        x = _mobilenet_blocks.stage(
            x,
            blocks,
            scaled(filters, alpha),
            strides,
            expansion=1 if stage == 1 else expansion,
            name=f"stage{stage}",
            net=net,
        )
        reduction *= strides
        pyramid[f"P{reduction.bit_length() - 1}"] = x
    x = net.bare_conv(
        x,
        scaled(last_filters, max(1.0, alpha)),
        1,
        norm="learner",
        name="last_conv",
    )
    return net.relu(x, "last_relu"), pyramid


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PlainMobileNet(Application):
    """Chain of inverted residuals whose coder does what their skips do.

    MobileNetV2 of Sandler et al. 2018 (arXiv 1801.04381) with the internal
    path of PNNH (arXiv 2402.08645) in place of the skips; the block is a
    reconstruction. `PlainMobileNetV2` builds the published network; this class
    takes any numbers.

    The coder carries values between -6 and 6 and clips what lies beyond, since
    ReLU6 does. Only the first stage, which does not expand, has no coder.

    Args:
        blocks_per_stage: Number of blocks in each stage.
        filters_per_stage: Channels that leave a block, for each stage.
        strides_per_stage: Stride of the first block of each stage.
        stem_filters: Channels of the first convolution.
        last_filters: Channels of the last one, which `alpha` never lessens.
        alpha: Factor on all channels; the results are multiples of 8.
        include_top: Whether to end with pooling and a classifier.
        input_shape: Shape of one image, which must leave a pixel to the last
            stage (32x32 for `PlainMobileNetV2`). Height and width may be None.
            Defaults to RGB of 224x224 pixels (32x32 with the small stem) with
            the top, of any size without.
        pooling: Without the top: None for the feature map, `"avg"` or `"max"`.
        classes: Number of classes.
        classifier_activation: `"softmax"`, or None for logits.
        preprocessing: What the model does to pixel values from 0 to 255:
            `"symmetric"` scales them to [-1, 1], `"imagenet"` by the mean and
            the deviation of ImageNet's channels (RGB only), `"none"` leaves
            them to you.
        dropout_rate: Share of pooled features dropped before the classifier
            in training.
        internal_path: What carries the input across the non-linearities:
            `"coder"` (a small autoencoder that the blocks of a stage share),
            `"pass_through"` (channels of their own, converted exactly from
            the residual network, without norms), `"residual"` (the twin: a
            skip around every block that keeps its shape) or `"none"` (the
            plain baseline).
        stem: `"3x3_stride2"`, or `"3x3"` for small images: then neither the
            stem nor the first stage with a stride subsamples.
        expansion: Hidden channels of a block per input channel, in all stages
            but the first, where it is 1.
        coder_training: `"frozen"`, `"scaled"` (trained with its gradient over
            the number of blocks that share it) or `"free"`.
        data_format: `"channels_last"` or `"channels_first"`.
        dtype: Dtype policy, e.g. `"mixed_bfloat16"`. The classifier computes
            in float32 under mixed precision.
        name: Name of the model.

    Raises:
        ValueError: For an argument that does not fit.

    Example:

    >>> from keras_pnnh.applications import PlainMobileNet
    >>> model = PlainMobileNet(
    ...     (1, 2), (8, 8), (1, 2), stem_filters=8, last_filters=16, stem="3x3",
    ...     input_shape=(8, 8, 3), classes=3,
    ... )
    >>> model.output_shape
    (None, 3)
    """

    def __init__(
        self,
        blocks_per_stage: Sequence[int],
        filters_per_stage: Sequence[int],
        strides_per_stage: Sequence[int],
        stem_filters: int = 32,
        last_filters: int = 1280,
        alpha: float = 1.0,
        include_top: bool = True,
        input_shape: Shape | None = None,
        pooling: Pooling | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        *,
        preprocessing: Preprocessing = "symmetric",
        dropout_rate: float = 0.0,
        internal_path: InternalPath = "coder",
        stem: Stem = "3x3_stride2",
        expansion: int = 6,
        coder_training: CoderTraining = "frozen",
        data_format: DataFormat | None = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        _checks.check_stages(blocks_per_stage, filters_per_stage)
        _check_strides(strides_per_stage, blocks_per_stage)
        check_positive_integers(
            stem_filters=stem_filters,
            last_filters=last_filters,
            expansion=expansion,
        )
        check_alpha(alpha)
        _checks.check_head(include_top, pooling, classes, classifier_activation)
        _checks.check_choices(PlainMobileNet, locals())
        _checks.check_dropout_rate(dropout_rate, internal_path)
        _checks.check_name(name)
        data_format = resolve_data_format(data_format)
        dtype = _checks.resolve_dtype(dtype)
        input_shape = _checks.resolve_input_shape(
            input_shape,
            _default_size(stem) if include_top else None,
            _minimum_size(strides_per_stage, stem),
            preprocessing,
            data_format,
        )
        net = MobileNetLayers(
            internal_path=blocks_path(internal_path),
            data_format=data_format,
            dtype=dtype,
            coder_training=coder_training,
        )
        images = keras.Input(input_shape, name="images")
        x, pyramid = trunk(
            _ends.preprocess(images, preprocessing, data_format, dtype),
            blocks_per_stage,
            filters_per_stage,
            strides_per_stage,
            stem_filters,
            last_filters,
            alpha,
            stem,
            expansion,
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
            dropout_rate=dropout_rate,
        )
        super().__init__(images, outputs, pyramid, locals())


def variant_name(alpha: float) -> str:
    """`"plain_mobilenet_v2_"` and the width in percent, three digits."""
    percent = f"{round(100 * alpha, 6):g}".replace(".", "_")
    return f"plain_mobilenet_v2_{percent.zfill(3)}"


def check_alpha(alpha: float) -> None:
    _checks.check_number(
        "alpha",
        alpha,
        "`alpha` is a factor on the number of channels and must be a positive "
        f"number. The usual ones are {', '.join(map(str, WIDTHS))}.",
    )


def _check_strides(strides_per_stage, blocks_per_stage):
    if (
        not isinstance(strides_per_stage, (list, tuple))
        or len(strides_per_stage) != len(blocks_per_stage)
        or not all(
            _checks.is_integer(strides) and strides in (1, 2)
            for strides in strides_per_stage
        )
    ):
        raise ValueError(
            "`strides_per_stage` must hold a 1 or a 2 for each of the "
            f"{len(blocks_per_stage)} stages. Received: strides_per_stage="
            f"{strides_per_stage}."
        )


def _strides(strides_per_stage, stem):
    """The strides that are taken: with the small stem one less."""
    strides = list(strides_per_stage)
    if stem == "3x3":
        first = next((i for i, s in enumerate(strides) if s > 1), None)
        if first is not None:
            strides[first] = 1
    return strides


def _default_size(stem):
    return 32 if stem == "3x3" else 224


def _minimum_size(strides_per_stage, stem):
    """Images that leave a pixel to the last stage."""
    strides = _strides(strides_per_stage, stem)
    return math.prod(strides) * (1 if stem == "3x3" else 2)


def _signature(
    input_shape: Shape | None = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: Any = None,
    pooling: Pooling | None = None,
    classes: int | None = None,
    classifier_activation: Any = "softmax",
    name: str | None = None,
    *,
    blocks_per_stage: Sequence[int] | None = None,
    filters_per_stage: Sequence[int] | None = None,
    strides_per_stage: Sequence[int] | None = None,
    stem_filters: int | None = None,
    last_filters: int | None = None,
    preprocessing: Preprocessing | None = None,
    dropout_rate: float | None = None,
    internal_path: InternalPath | None = None,
    stem: Stem | None = None,
    expansion: int | None = None,
    coder_training: CoderTraining | None = None,
    data_format: DataFormat | None = None,
    dtype: Any = None,
    revision: str | None = None,
    cache_dir: str | None = None,
    token: str | bool | None = None,
    local_files_only: bool | None = None,
    force_download: bool | None = None,
) -> keras.Model:
    """PlainMobileNetV2 of any width.

    Sandler et al. 2018 (arXiv 1801.04381) without skips, after PNNH (arXiv
    2402.08645); the block is a reconstruction, see `PlainMobileNet`. Folded
    (`keras_pnnh.fold`) it has as many parameters and multiplications as its
    residual twin, `internal_path="residual"`.

    Args:
        input_shape: Shape of one image, at least 32x32 (8x8 with
            `stem="3x3"`). By default 224x224 RGB (32x32).
        alpha: Factor on all channels but those of the last convolution, which
            has at least 1280. The usual ones are 0.35, 0.5, 0.75, 1.0, 1.3 and
            1.4. `create_model("plain_mobilenet_v2_140")` is `alpha=1.4`.
        include_top: Whether to end with pooling and a classifier.
        {weights}
        pooling: Without the top: None for the feature map, `"avg"` or `"max"`.
        {classes_and_activation}
        name: Name of the model. Defaults to that of the variant, such as
            `"plain_mobilenet_v2_100"`.
        {hub}

    The other keywords are those of `PlainMobileNet`. None is what the weights
    say, and without weights the default of the network.

    {returns}

    Example:

    >>> from keras_pnnh.applications import PlainMobileNetV2
    >>> backbone = PlainMobileNetV2(alpha=0.35, include_top=False)
    >>> backbone.name
    'plain_mobilenet_v2_035'
    """
    ...


def _choose(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    alpha = given.pop("alpha", 1.0)
    check_alpha(alpha)
    return variant_name(alpha), {**TABLE_2, "alpha": alpha}


PlainMobileNetV2 = variant(
    _signature,
    "PlainMobileNetV2",
    PlainMobileNet,
    _choose,
    promised=("alpha",),
)


def _of_width(width: float) -> Callable[..., keras.Model]:
    """The constructor of a name that says the width."""
    model = variant_name(width)

    def construct(**arguments: Any) -> keras.Model:
        alpha = arguments.pop("alpha", None)
        if alpha not in (None, width):
            raise ValueError(
                f"The name of a MobileNetV2 says its width, '{model}' that "
                f"`alpha` is {width}. Received: alpha={alpha!r}. Leave it out, "
                "or take `PlainMobileNetV2(alpha=...)`."
            )
        return PlainMobileNetV2(alpha=width, **arguments)

    construct.__name__ = model
    construct.__doc__ = PlainMobileNetV2.__doc__
    construct.__signature__ = inspect.signature(  # type: ignore[attr-defined]
        PlainMobileNetV2
    )
    return construct


for _width in WIDTHS:
    register(variant_name(_width), _of_width(_width))
