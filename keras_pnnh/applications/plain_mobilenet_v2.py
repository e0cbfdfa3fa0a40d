"""Plain MobileNetV2, its residual twin and its plain baseline."""

import functools
import math

import keras

from keras_pnnh.applications import (
    _builder,
    _defaults,
    _identity_coder,
    _pretrained,
)
from keras_pnnh.applications._application import Application
from keras_pnnh.applications._inverted_residual_block import (
    InvertedResidualBlocks,
)
from keras_pnnh.layers._checks import (
    check_positive_integers,
    resolve_data_format,
)

# Table 2 of https://arxiv.org/abs/1801.04381, at a width of 1.
TABLE_2 = {
    "blocks_per_stage": (1, 2, 3, 4, 3, 3, 1),
    "filters_per_stage": (16, 24, 32, 64, 96, 160, 320),
    "strides_per_stage": (1, 2, 2, 2, 1, 2, 1),
    "stem_filters": 32,
    "last_filters": 1280,
}
# The widths with weights in `keras.applications` and elsewhere.
WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PlainMobileNet(Application):
    """Chain of inverted residuals whose coder does what their skips do.

    MobileNetV2 of Sandler et al. 2018 (arXiv 1801.04381) with the internal
    path of PNNH (arXiv 2402.08645) in place of the skips; the block is a
    reconstruction. `PlainMobileNetV2` builds the published network; this class
    takes any numbers.

    The coder carries values between -6 and 6 and clips what lies beyond, since
    ReLU6 does; `code_gain` moves the bound. Only the first stage, which does
    not expand, has no coder.

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
        include_preprocessing: Whether the model takes pixel values from 0 to
            255 and scales them itself.
        preprocessing: How: `"symmetric"`, to [-1, 1], or `"imagenet"`, by the
            mean and the deviation of ImageNet's channels (RGB only), which
            published weights ask for.
        dropout_rate: Share of pooled features dropped before the classifier
            in training.
        internal_path: What carries the input across the non-linearities:
            `"coder"` (PNNH), `"residual"` (the twin: a skip around every block
            that keeps its shape) or `"none"` (the plain baseline).
        coder: What kind of coder carries the input: `"autoencoder"` (PNNH), or
            `"identity"`: the stream travels in channels beside the learners',
            as `from_residual` does it, and nothing is shared or lost. The
            network computes what its residual twin does, without norms, which
            are folded; published residual weights are loaded into it.
        stem: `"3x3_stride2"`, or `"3x3"` for small images: then neither the
            stem nor the first stage with a stride subsamples.
        expansion: Hidden channels of a block per input channel, in all stages
            but the first, where it is 1.
        norm: Where the batch normalisation of a layer with a coder stands,
            see `layers.PlainDepthwiseConv2D`.
        learner_gain: Initial scale of the learners beside the coder.
        coder_training: `"frozen"`, `"scaled"` (gradient over number of uses)
            or `"free"`.
        coder_initializer: Initial values of the coders, see `layers.Coder`.
        coder_sharing: Whether all blocks of a `"stage"` share a coder (PNNH)
            or each `"block"` has its own.
        code_ratio: Width of the code as a share of the stage's channels, above
            0 and at most 2, `r / d`. What is carried has both signs and wants
            pairs: less than 2 loses some of it.
        code_gain: Initial scale at which the code is carried: what is at most
            `6 / code_gain` passes the ReLU6. The learners that the code is
            added to shrink with it.
        data_format: `"channels_last"` or `"channels_first"`.
        dtype: Dtype policy, e.g. `"mixed_bfloat16"`. The classifier computes
            in float32 under mixed precision.
        name: Name of the model.

    Raises:
        ValueError: For an argument that does not fit.
    """

    def __init__(
        self,
        blocks_per_stage,
        filters_per_stage,
        strides_per_stage,
        stem_filters=32,
        last_filters=1280,
        alpha=1.0,
        include_top=True,
        input_shape=None,
        pooling=None,
        classes=1000,
        classifier_activation="softmax",
        *,
        include_preprocessing=True,
        preprocessing="symmetric",
        dropout_rate=0.0,
        internal_path="coder",
        coder="autoencoder",
        stem="3x3_stride2",
        expansion=6,
        norm=_defaults.NORM,
        learner_gain=_defaults.LEARNER_GAIN,
        coder_training=_defaults.CODER_TRAINING,
        coder_initializer=_defaults.CODER_INITIALIZER,
        coder_sharing=_defaults.CODER_SHARING,
        code_ratio=2.0,
        code_gain=1.0,
        data_format=None,
        dtype=None,
        name=None,
    ):
        _builder.check_stages(blocks_per_stage, filters_per_stage)
        _check_strides(strides_per_stage, blocks_per_stage)
        check_positive_integers(
            stem_filters=stem_filters,
            last_filters=last_filters,
            expansion=expansion,
        )
        check_alpha(alpha)
        _builder.check_head(include_top, pooling, classes, dropout_rate)
        data_format = resolve_data_format(data_format)
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        settings = {
            "internal_path": internal_path,
            "stem": stem,
            "norm": norm,
            "learner_gain": learner_gain,
            "coder_training": coder_training,
            "coder_initializer": coder_initializer,
            "coder_sharing": coder_sharing,
            "code_ratio": code_ratio,
            "code_gain": code_gain,
            "data_format": data_format,
        }
        path = _identity_coder.blocks_path(coder, internal_path, dropout_rate)
        builder = InvertedResidualBlocks(
            **{**settings, "internal_path": path}, dtype=dtype
        )
        if input_shape is None:
            input_shape = _builder.default_input_shape(
                _default_size(stem) if include_top else None, data_format
            )
        strides_of_stages = _strides(strides_per_stage, stem)
        _builder.check_input_shape(
            input_shape, _minimum_size(strides_of_stages, stem), data_format
        )
        _builder.check_preprocessing(preprocessing, input_shape, data_format)

        images = keras.Input(input_shape, name="images")
        x = images
        if include_preprocessing:
            x = _builder.preprocessing(dtype, preprocessing, data_format)(x)
        x = builder.begin(x, scaled(stem_filters, alpha))
        stages = zip(
            blocks_per_stage, filters_per_stage, strides_of_stages, strict=True
        )
        pyramid, reduction = {}, 1 if stem == "3x3" else 2
        for stage, (blocks, filters, strides) in enumerate(stages, 1):
            x = builder.stage(
                x,
                blocks,
                scaled(filters, alpha),
                strides,
                1 if stage == 1 else expansion,
                f"stage{stage}",
            )
            reduction *= strides
            pyramid[f"P{reduction.bit_length() - 1}"] = x
        x = builder.end(x, scaled(last_filters, max(1.0, alpha)))
        outputs = _builder.head(
            x,
            include_top=include_top,
            pooling=pooling,
            classes=classes,
            activation=classifier_activation,
            data_format=data_format,
            dtype=dtype,
            dropout_rate=dropout_rate,
        )
        arguments = {
            "blocks_per_stage": list(blocks_per_stage),
            "filters_per_stage": list(filters_per_stage),
            "strides_per_stage": list(strides_per_stage),
            "stem_filters": stem_filters,
            "last_filters": last_filters,
            "alpha": alpha,
            "include_top": include_top,
            "input_shape": list(input_shape),
            "pooling": pooling,
            "classes": classes,
            "classifier_activation": keras.activations.serialize(
                keras.activations.get(classifier_activation)
            ),
            "include_preprocessing": include_preprocessing,
            "preprocessing": preprocessing,
            "dropout_rate": dropout_rate,
            "expansion": expansion,
            "coder": coder,
            **settings,
            "dtype": keras.dtype_policies.serialize(dtype),
        }
        super().__init__(images, outputs, arguments, name, pyramid)


def PlainMobileNetV2(
    input_shape=None,
    alpha=1.0,
    include_top=True,
    weights=None,
    input_tensor=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name=None,
    **kwargs,
):
    """PlainMobileNetV2 of any width.

    Sandler et al. 2018 (arXiv 1801.04381) without skips, after PNNH (arXiv
    2402.08645); the block is a reconstruction, see `PlainMobileNet`.

    Args:
        input_shape: Shape of one image, at least 32x32 (8x8 with
            `stem="3x3"`). By default 224x224 RGB (32x32).
        alpha: Factor on all channels but those of the last convolution, which
            has at least 1280. The usual ones are 0.35, 0.5, 0.75, 1.0, 1.3 and
            1.4. `create_model("plain_mobilenet_v2_140")` is `alpha=1.4`.
        include_top: Whether to end with pooling and a classifier.
        weights: None for random initialisation, `"imagenet"` for published
            weights where they exist (see `keras_pnnh.list_weights()`), the
            path of a `.weights.h5` file, or `"hf://owner/name@revision"` for
            a repository of the Hugging Face Hub.
        input_tensor: A Keras tensor to use as the image input. It is wired in
            after the weights are loaded.
        pooling: Without the top: None for the feature map, `"avg"` or `"max"`.
        classes: Number of classes. Published weights with another number
            keep their backbone and get a new, random classifier; a warning
            says so. A file of your own must have this number.
        classifier_activation: `"softmax"`, or None for logits.
        name: Name of the model. Defaults to that of the variant, such as
            `"plain_mobilenet_v2_100"`.
        **kwargs: The keyword-only arguments of `PlainMobileNet`, among them
            `internal_path="coder" | "residual" | "none"`.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: For an argument that does not fit, or weights of another
            architecture.
        FileNotFoundError: If `weights` names a file that does not exist.
    """
    check_alpha(alpha)
    variant = variant_name(alpha)
    arguments = {
        "include_top": include_top,
        "input_shape": input_shape,
        "pooling": pooling,
        "classes": classes,
        "classifier_activation": classifier_activation,
        "name": variant if name is None else name,
        **kwargs,
    }
    return _pretrained.build(
        PlainMobileNet,
        variant,
        {**TABLE_2, "alpha": alpha},
        weights,
        input_tensor,
        arguments,
    )


def variant_name(alpha):
    """`"plain_mobilenet_v2_"` and the width in percent, three digits."""
    percent = f"{round(100 * alpha, 6):g}".replace(".", "_")
    return f"plain_mobilenet_v2_{percent.zfill(3)}"


def _constructor(alpha):
    @functools.wraps(PlainMobileNetV2)
    def construct(**arguments):
        return PlainMobileNetV2(alpha=alpha, **arguments)

    return construct


CONSTRUCTORS = {variant_name(alpha): _constructor(alpha) for alpha in WIDTHS}


def scaled(filters, alpha):
    """`alpha * filters`, rounded to a multiple of 8 of at least 90 %."""
    wanted = alpha * filters
    multiple = max(8, int(wanted + 4) // 8 * 8)
    return multiple + 8 if multiple < 0.9 * wanted else multiple


def check_alpha(alpha):
    number = isinstance(alpha, (int, float)) and not isinstance(alpha, bool)
    if not number or not 0 < alpha < math.inf:
        raise ValueError(
            "`alpha` is a factor on the number of channels and must be a "
            f"positive number. Received: alpha={alpha!r}. The usual ones are "
            f"{', '.join(map(str, WIDTHS))}."
        )


def _check_strides(strides_per_stage, blocks_per_stage):
    if (
        not isinstance(strides_per_stage, (list, tuple))
        or len(strides_per_stage) != len(blocks_per_stage)
        or not all(strides in (1, 2) for strides in strides_per_stage)
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


def _minimum_size(strides_of_stages, stem):
    """Images that leave a pixel to the last stage."""
    return math.prod(strides_of_stages) * (1 if stem == "3x3" else 2)
