"""Plain vision Transformers, their residual twins and plain baselines."""

from typing import NamedTuple

import keras

from keras_pnnh.applications import _builder, _defaults, _identity_coder
from keras_pnnh.applications._application import Application, constructor
from keras_pnnh.applications._vit_blocks import TransformerBlocks
from keras_pnnh.layers._checks import (
    check_positive_integers,
    resolve_data_format,
)

POOLING = (None, "token", "avg", "max")


class PlainViTVariant(NamedTuple):
    """Numbers that tell one variant from another."""

    num_layers: int
    num_heads: int
    hidden_dim: int
    mlp_dim: int
    patch_size: int


VARIANTS = {
    # Touvron et al. 2020, https://arxiv.org/abs/2012.12877, table 1.
    "plain_vit_tiny16": PlainViTVariant(12, 3, 192, 768, 16),
    "plain_vit_small16": PlainViTVariant(12, 6, 384, 1536, 16),
    # Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929, table 1.
    "plain_vit_base16": PlainViTVariant(12, 12, 768, 3072, 16),
}


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PlainViT(Application):
    """Vision Transformer without skips, whose coders carry its tokens.

    The network of Dosovitskiy et al. 2020 (arXiv 2010.11929), a pre-norm
    Transformer on patches, with the internal path of PNNH (arXiv 2402.08645)
    in place of the skips. PNNH names Transformers and no layout, so the block
    is a reconstruction, one chain of

    `norm -> attention -> norm -> dense -> GELU -> dense`.

    - Attention: values and output are learner plus coder; the tokens are
      mixed by `alpha I + beta softmax`, see `layers.PlainAttention`.
    - MLP: the coder puts `+u` and `-u` into the hidden layer and takes the
      difference behind it, which is exact: `gelu(u) - gelu(-u) = u`.
    - The norms stand in the chain, not on a branch: they rescale what is
      carried for each token, so that a learner's share of the signal does not
      shrink with depth as it does beside a skip.

    One coder for all attention layers and one for all MLPs, both exact at the
    start. Without a coder the same layers are the ordinary ViT
    (`internal_path="residual"`), in which timm's weights fit, or what is left
    of it without its skips (`"none"`).

    `PlainViTTiny16` and its siblings build the published variants; this class
    takes any numbers.

    Args:
        num_layers: Number of blocks.
        num_heads: Heads of each attention layer; they divide `hidden_dim`.
        hidden_dim: Width of the tokens.
        mlp_dim: Width of the MLP's hidden layer; beside a coder at least twice
            `hidden_dim`.
        patch_size: Height and width of a patch: 16 for ImageNet, 4 for images
            of 32x32 pixels.
        include_top: Whether to end with a classifier, which reads the class
            token, or the average of the tokens if there is none.
        input_shape: Shape of one image; `patch_size` must divide height and
            width. Defaults to RGB of 14x14 patches, or of 8x8 if patches are
            smaller than 8.
        pooling: Without the top: None for all tokens, `"token"` for the class
            token, `"avg"` or `"max"` over the tokens of the patches.
        classes: Number of classes.
        classifier_activation: `"softmax"`, or None for logits.
        include_preprocessing: Whether the model takes pixel values from 0 to
            255 and scales them itself.
        preprocessing: How: `"symmetric"`, to [-1, 1], or `"imagenet"`, by the
            mean and deviation of ImageNet's channels (DeiT).
        class_token: Whether a token for the class goes with those of the
            patches.
        internal_path: What carries the tokens across the layers: `"coder"`
            (PNNH), `"residual"` (the twin: skips) or `"none"` (the plain
            baseline).
        coder: What kind of coder carries the input: `"autoencoder"` (PNNH), or
            `"identity"`: the stream travels in channels beside the learners',
            as `from_residual` does it, and nothing is shared or lost. The
            network computes what its residual twin does, without norms, which
            are folded; published residual weights are loaded into it.
        token_mixing: How the tokens pass an attention layer with a coder:
            `"shaped"` (`alpha I + beta softmax`), `"identity_heads"` (in as
            many further heads, which mix nothing and make values and outputs
            twice as wide) or `"softmax"` (not at all, for comparison).
        learner_gain: Initial scale of the learners beside the coder.
        coder_training: `"frozen"`, `"scaled"` (gradient over number of blocks;
            an adaptive optimizer undoes it) or `"free"`.
        coder_initializer: `"closed_form"` (unit matrices and their pairs) or
            `"orthogonal"` (random rotations and their pairs); both are exact.
        dropout_rate: Share of the features that is dropped in training, behind
            the embedding and before the classifier. Not inside the blocks,
            where it would drop what the coder carries.
        data_format: `"channels_last"` or `"channels_first"`, of the images.
        dtype: Dtype policy, e.g. `"mixed_bfloat16"`. Softmaxes compute in
            float32 under mixed precision.
        name: Name of the model.

    Weights of another image size can be loaded: the positions are resampled,
    see `layers.TokenEmbedding`.

    Raises:
        ValueError: For an argument that does not fit.
    """

    def __init__(
        self,
        num_layers,
        num_heads,
        hidden_dim,
        mlp_dim,
        patch_size=16,
        include_top=True,
        input_shape=None,
        pooling=None,
        classes=1000,
        classifier_activation="softmax",
        *,
        include_preprocessing=True,
        preprocessing="symmetric",
        class_token=True,
        internal_path="coder",
        coder="autoencoder",
        token_mixing=_defaults.TOKEN_MIXING,
        learner_gain=_defaults.LEARNER_GAIN,
        coder_training=_defaults.CODER_TRAINING,
        coder_initializer=_defaults.CODER_INITIALIZER,
        dropout_rate=0.0,
        data_format=None,
        dtype=None,
        name=None,
    ):
        numbers = {
            "num_layers": num_layers,
            "num_heads": num_heads,
            "hidden_dim": hidden_dim,
            "mlp_dim": mlp_dim,
            "patch_size": patch_size,
        }
        check_positive_integers(**numbers)
        _check_pooling(pooling, class_token)
        # Of `pooling` it knows less than there is here.
        _builder.check_head(include_top, None, classes, dropout_rate)
        data_format = resolve_data_format(data_format)
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        if input_shape is None:
            input_shape = _builder.default_input_shape(
                _default_size(patch_size), data_format
            )
        settings = {
            **numbers,
            "class_token": class_token,
            "internal_path": internal_path,
            "token_mixing": token_mixing,
            "learner_gain": learner_gain,
            "coder_training": coder_training,
            "coder_initializer": coder_initializer,
            "dropout_rate": dropout_rate,
            "data_format": data_format,
        }
        path = _identity_coder.blocks_path(coder, internal_path, dropout_rate)
        builder = TransformerBlocks(
            **{**settings, "internal_path": path}, dtype=dtype
        )
        _builder.check_input_shape(input_shape, patch_size, data_format)
        _check_patches(input_shape, patch_size, data_format)
        _builder.check_preprocessing(preprocessing, input_shape, data_format)

        images = keras.Input(input_shape, name="images")
        x = images
        if include_preprocessing:
            x = _builder.preprocessing(dtype, preprocessing, data_format)(x)
        x = builder.embed(x)
        x = builder.trunk(x)
        pyramid = builder.pyramid(
            x, _grid(input_shape, patch_size, data_format)
        )
        outputs = builder.pool(x, include_top, pooling)
        if include_top:
            outputs = _builder.classifier(
                outputs, classes, classifier_activation, dtype
            )
        arguments = {
            "include_top": include_top,
            "input_shape": list(input_shape),
            "pooling": pooling,
            "classes": classes,
            "classifier_activation": keras.activations.serialize(
                keras.activations.get(classifier_activation)
            ),
            "include_preprocessing": include_preprocessing,
            "preprocessing": preprocessing,
            "coder": coder,
            **settings,
            "dtype": keras.dtype_policies.serialize(dtype),
        }
        super().__init__(images, outputs, arguments, name, pyramid)


def _default_size(patch_size):
    return patch_size * (8 if patch_size < 8 else 14)


def _check_pooling(pooling, class_token):
    _builder.check_choice("pooling", pooling, POOLING)
    if pooling == "token" and not class_token:
        raise ValueError(
            "`pooling='token'` needs a class token. Received: "
            "class_token=False. Take `pooling='avg'`."
        )


def _sides(input_shape, data_format):
    """Height and width of an image."""
    first = data_format == "channels_first"
    return input_shape[1:] if first else input_shape[:-1]


def _grid(input_shape, patch_size, data_format):
    """Numbers of patches along height and width."""
    return [side // patch_size for side in _sides(input_shape, data_format)]


def _check_patches(input_shape, patch_size, data_format):
    sizes = _sides(input_shape, data_format)
    if any(size is None or size % patch_size for size in sizes):
        raise ValueError(
            "Every patch has a position of its own, so height and width must "
            "be known multiples of `patch_size`. Received: input_shape="
            f"{tuple(input_shape)} with data_format={data_format!r}, "
            f"patch_size={patch_size}. Resize or crop the images."
        )


def _constructor(variant):
    """The function `PlainViT<size>`, like those of `keras.applications`."""
    numbers = VARIANTS[variant]
    name = "PlainViT" + variant.removeprefix("plain_vit_").capitalize()
    documentation = f"""{name}: patches of {numbers.patch_size}x\
{numbers.patch_size} pixels, {numbers.num_layers} blocks of width \
{numbers.hidden_dim}.

    Dosovitskiy et al. 2020 (arXiv 2010.11929) without skips, after PNNH (arXiv
    2402.08645); the block is a reconstruction, see `PlainViT`.

    Args:
        include_top: Whether to end with a classifier.
        weights: None for random initialisation, `"imagenet"` for published
            weights where they exist (see `keras_pnnh.list_weights()`), or the
            path of a `.weights.h5` file.
        input_tensor: A Keras tensor to use as the image input. It is wired in
            after the weights are loaded.
        input_shape: Shape of one image, of whole patches. By default 224x224
            RGB; with `patch_size=4`, the form for small images, 32x32.
            Weights of another size are resampled.
        pooling: Without the top: None for all tokens, `"token"` for the class
            token, `"avg"` or `"max"` over the patches.
        classes: Number of classes. Published weights with another number
            keep their backbone and get a new, random classifier; a warning
            says so. A file of your own must have this number.
        classifier_activation: `"softmax"`, or None for logits.
        name: Name of the model.
        **kwargs: The keyword-only arguments of `PlainViT`, among them
            `internal_path="coder" | "residual" | "none"`, and numbers to
            replace, such as `patch_size=4`.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: For an argument that does not fit, or weights of another
            architecture.
        FileNotFoundError: If `weights` names a file that does not exist.
    """
    return constructor(
        PlainViT, variant, name, numbers._asdict(), documentation, 1000
    )


PlainViTTiny16 = _constructor("plain_vit_tiny16")
PlainViTSmall16 = _constructor("plain_vit_small16")
PlainViTBase16 = _constructor("plain_vit_base16")
