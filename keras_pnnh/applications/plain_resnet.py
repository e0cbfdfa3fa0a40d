"""Plain ResNets, their residual twins and plain baselines."""

from typing import NamedTuple

import keras

from keras_pnnh.applications import _builder, _defaults, _identity_coder
from keras_pnnh.applications._application import Application, constructor
from keras_pnnh.applications._basic_block import BasicBlocks
from keras_pnnh.applications._bottleneck_block import BottleneckBlocks
from keras_pnnh.layers._checks import resolve_data_format

BLOCKS = {"basic": BasicBlocks, "bottleneck": BottleneckBlocks}


class PlainResNetVariant(NamedTuple):
    """Numbers that tell one variant from another."""

    blocks_per_stage: tuple[int, ...]
    filters_per_stage: tuple[int, ...]
    block: str = "basic"
    stem: str = "3x3"
    shortcut: str = "zero_padding"


def _imagenet(block, *blocks_per_stage):
    filters = (64, 128, 256, 512)
    return PlainResNetVariant(
        blocks_per_stage, filters, block, "7x7_pool", "projection"
    )


# He et al. 2015, https://arxiv.org/abs/1512.03385.
VARIANTS = {
    # Section 4.2: 6 n + 2 weighted layers.
    **{
        f"plain_resnet{6 * n + 2}": PlainResNetVariant((n, n, n), (16, 32, 64))
        for n in (3, 5, 7, 9, 18)
    },
    # Table 1.
    "plain_resnet18": _imagenet("basic", 2, 2, 2, 2),
    "plain_resnet34": _imagenet("basic", 3, 4, 6, 3),
    "plain_resnet50": _imagenet("bottleneck", 3, 4, 6, 3),
    "plain_resnet101": _imagenet("bottleneck", 3, 4, 23, 3),
    "plain_resnet152": _imagenet("bottleneck", 3, 8, 36, 3),
}


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
        include_preprocessing: Whether the model takes pixel values from 0 to
            255 and scales them itself.
        preprocessing: How: `"symmetric"`, to [-1, 1], or `"imagenet"`, by the
            mean and the deviation of ImageNet's channels (RGB only), which
            published weights ask for.
        internal_path: What carries the input across the non-linearities:
            `"coder"` (PNNH), `"residual"` (the twin: skips with zero padding,
            see `shortcut`) or `"none"` (the plain baseline).
        coder: What kind of coder carries the input: `"autoencoder"` (PNNH), or
            `"identity"`: the stream travels in channels beside the learners',
            as `from_residual` does it, and nothing is shared or lost. The
            network computes what its residual twin does, without norms, which
            are folded; published residual weights are loaded into it.
        block: `"basic"` (two 3x3 convolutions) or `"bottleneck"` (1x1, 3x3
            and a 1x1 with four times the channels).
        stem: `"3x3"` for small images, or `"7x7_pool"`, which divides height
            and width by 4.
        shortcut: Where the twin's skips change shape: `"zero_padding"` (option
            A of He et al.) or `"projection"` (option B).
        activation_order: Of the twin's blocks: `"post"`, with the last ReLU
            behind the addition, or `"pre"`, with norm and ReLU before each
            convolution and none on the skip (v2, He et al. 2016, arXiv
            1603.05027). Strides stay in the first block of a stage, where
            `keras.applications.ResNet50V2` has them in the last.
        norm: Where the batch normalisation of a layer with a coder stands,
            see `layers.PlainConv2D`.
        learner_gain: Initial scale of the learners that are added to a code or
            to what is decoded from it; with `code_placement="beside"` that is
            the last one of a block.
        coder_training: `"frozen"`, `"scaled"` (gradient over number of uses)
            or `"free"`.
        coder_initializer: Initial values of the coders, see `layers.Coder`.
        coder_sharing: Whether all blocks of a `"stage"` share a coder (PNNH)
            or each `"block"` has its own.
        code_placement: Where a code travels inside a block: `"added"` to the
            learner's output, so that every layer has a path, or `"beside"`
            it, in channels of its own: one path across all non-linearities of
            the block, which is as wide inside as learner and code together.
            The first folds to the size of the residual twin, the second, in
            full width, to twice that, and is more accurate
            (`docs/study.md`, question 6).
        code_ratio: Width of the code as a share of the stage's channels, above
            0 and at most 1, `r / d`.
        learner_ratio: Width of the learners inside a block, all but the last,
            as a share of what it is in a ResNet. Other than 1 only with
            `"beside"`, and there on every internal path, so that the twin can
            have the same learners.
        shared_learners: Numbers of the convolutions in a block whose learner's
            kernel all blocks of a stage share, too (`layers.SharedKernel`):
            `(2,)` shares every second 3x3 of basic blocks, `(1, 3)` the 1x1
            pairs of bottlenecks. Norms are never shared. On every internal
            path, so that the twin can have as few parameters.
        dropout_rate: Share of the pooled features that is dropped in training.
            Not inside the blocks, where it would drop what the coder carries.
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
        include_top=True,
        input_shape=None,
        pooling=None,
        classes=10,
        classifier_activation="softmax",
        *,
        include_preprocessing=True,
        preprocessing="symmetric",
        internal_path="coder",
        coder="autoencoder",
        block="basic",
        stem="3x3",
        shortcut="zero_padding",
        activation_order="post",
        norm=_defaults.NORM,
        learner_gain=_defaults.LEARNER_GAIN,
        coder_training=_defaults.CODER_TRAINING,
        coder_initializer=_defaults.CODER_INITIALIZER,
        coder_sharing=_defaults.CODER_SHARING,
        code_placement=_defaults.CODE_PLACEMENT,
        code_ratio=1.0,
        learner_ratio=1.0,
        shared_learners=_defaults.SHARED_LEARNERS,
        dropout_rate=0.0,
        data_format=None,
        dtype=None,
        name=None,
    ):
        _builder.check_stages(blocks_per_stage, filters_per_stage)
        _builder.check_head(include_top, pooling, classes, dropout_rate)
        data_format = resolve_data_format(data_format)
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        if input_shape is None:
            input_shape = _builder.default_input_shape(
                _default_size(stem) if include_top else None, data_format
            )
        _builder.check_choice("block", block, BLOCKS)
        settings = {
            "internal_path": internal_path,
            "stem": stem,
            "shortcut": shortcut,
            "activation_order": activation_order,
            "norm": norm,
            "learner_gain": learner_gain,
            "coder_training": coder_training,
            "coder_initializer": coder_initializer,
            "coder_sharing": coder_sharing,
            "code_placement": code_placement,
            "code_ratio": code_ratio,
            "learner_ratio": learner_ratio,
            "shared_learners": shared_learners,
            "data_format": data_format,
        }
        path = _identity_coder.blocks_path(coder, internal_path, dropout_rate)
        builder = BLOCKS[block](
            **{**settings, "internal_path": path}, dtype=dtype
        )
        _builder.check_input_shape(
            input_shape, _minimum_size(stem, blocks_per_stage), data_format
        )

        images = keras.Input(input_shape, name="images")
        x = images
        _builder.check_preprocessing(preprocessing, input_shape, data_format)
        if include_preprocessing:
            x = _builder.preprocessing(dtype, preprocessing, data_format)(x)
        x = builder.begin(x, filters_per_stage[0])
        stages = zip(blocks_per_stage, filters_per_stage, strict=True)
        pyramid = {}
        first_level = 2 if stem == "7x7_pool" else 0
        for stage, (blocks, filters) in enumerate(stages, 1):
            strides = 1 if stage == 1 else 2
            x = builder.stage(x, blocks, filters, strides, f"stage{stage}")
            pyramid[f"P{first_level + stage - 1}"] = x
        x = builder.end(x)
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
            "include_top": include_top,
            "input_shape": list(input_shape),
            "pooling": pooling,
            "classes": classes,
            "classifier_activation": keras.activations.serialize(
                keras.activations.get(classifier_activation)
            ),
            "include_preprocessing": include_preprocessing,
            "preprocessing": preprocessing,
            "block": block,
            "dropout_rate": dropout_rate,
            "coder": coder,
            **settings,
            "shared_learners": list(shared_learners),
            "dtype": keras.dtype_policies.serialize(dtype),
        }
        super().__init__(images, outputs, arguments, name, pyramid)


def _default_size(stem):
    return 32 if stem == "3x3" else 224


def _minimum_size(stem, blocks_per_stage):
    """Images that leave at least 2 pixels to the last stage."""
    total_stride = 2 ** (len(blocks_per_stage) - 1)
    return 2 * total_stride * (1 if stem == "3x3" else 4)


def _constructor(variant):
    """The function `PlainResNet<depth>`, like those of `keras.applications`."""
    numbers = VARIANTS[variant]
    depth = variant.removeprefix("plain_resnet")
    published = "cifar10" if numbers.stem == "3x3" else "imagenet"
    size = _default_size(numbers.stem)
    minimum = _minimum_size(numbers.stem, numbers.blocks_per_stage)
    classes = 10 if published == "cifar10" else 1000
    documentation = f"""PlainResNet with {depth} weighted layers.

    He et al. 2015 (arXiv 1512.03385) without skips, after PNNH (arXiv
    2402.08645); the block is a reconstruction, see `PlainResNet`.

    Args:
        include_top: Whether to end with pooling and a classifier.
        weights: None for random initialisation, `"{published}"` for published
            weights where they exist (see `keras_pnnh.list_weights()`), the
            path of a `.weights.h5` file, or `"hf://owner/name@revision"` for
            a repository of the Hugging Face Hub.
        input_tensor: A Keras tensor to use as the image input. It is wired in
            after the weights are loaded.
        input_shape: Shape of one image, at least {minimum}x{minimum}. By
            default {size}x{size} RGB.
        pooling: Without the top: None for the feature map, `"avg"` or `"max"`.
        classes: Number of classes. Published weights with another number
            keep their backbone and get a new, random classifier; a warning
            says so. A file of your own must have this number.
        classifier_activation: `"softmax"`, or None for logits.
        name: Name of the model.
        **kwargs: The keyword-only arguments of `PlainResNet`, among them
            `internal_path="coder" | "residual" | "none"`; and for weights
            from the Hub `revision`, `cache_dir`, `token`, `local_files_only`
            and `force_download`, as its client understands them.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: For an argument that does not fit, or weights of another
            architecture.
        FileNotFoundError: If `weights` names a file that does not exist.
    """
    return constructor(
        PlainResNet,
        variant,
        f"PlainResNet{depth}",
        numbers._asdict(),
        documentation,
        classes,
    )


PlainResNet18 = _constructor("plain_resnet18")
PlainResNet34 = _constructor("plain_resnet34")
PlainResNet50 = _constructor("plain_resnet50")
PlainResNet101 = _constructor("plain_resnet101")
PlainResNet152 = _constructor("plain_resnet152")
PlainResNet20 = _constructor("plain_resnet20")
PlainResNet32 = _constructor("plain_resnet32")
PlainResNet44 = _constructor("plain_resnet44")
PlainResNet56 = _constructor("plain_resnet56")
PlainResNet110 = _constructor("plain_resnet110")
