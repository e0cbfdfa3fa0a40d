"""Plain vision Transformers, their residual twins and plain baselines."""

from typing import Any, Literal, get_args

import keras

from keras_pnnh.applications import _checks, _ends, _vit_blocks
from keras_pnnh.applications._application import Application
from keras_pnnh.applications._checks import (
    CoderTraining,
    DataFormat,
    InternalPath,
    Preprocessing,
    Shape,
)
from keras_pnnh.applications._pass_through import blocks_path
from keras_pnnh.applications._variant import Weights, register, variant
from keras_pnnh.applications._vit_blocks import TokenLayers
from keras_pnnh.layers._checks import (
    check_positive_integers,
    resolve_data_format,
)

TokenPooling = Literal["token", "avg", "max"]
TokenMixing = Literal["shaped", "identity_heads"]


def _numbers(heads: int) -> dict[str, Any]:
    """Heads of 64 channels, an MLP of four times the width."""
    return {
        "num_layers": 12,
        "num_heads": heads,
        "hidden_dim": 64 * heads,
        "mlp_dim": 256 * heads,
        "patch_size": 16,
    }


VARIANTS: dict[str, dict[str, Any]] = {
    # Touvron et al. 2020, https://arxiv.org/abs/2012.12877, table 1.
    "plain_vit_tiny16": _numbers(3),
    "plain_vit_small16": _numbers(6),
    # Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929, table 1.
    "plain_vit_base16": _numbers(12),
}


def trunk(
    images: Any,
    num_layers: int,
    num_heads: int,
    hidden_dim: int,
    mlp_dim: int,
    patch_size: int,
    class_token: bool,
    dropout_rate: float,
    data_format: DataFormat,
    net: TokenLayers,
) -> Any:
    """From the images to the last norm: all tokens."""
    x = _vit_blocks.embed(
        images, hidden_dim, patch_size, class_token, data_format, net
    )
    x = net.dropout(x, dropout_rate, "embedding_dropout")
    # One coder for all attention layers, which have no non-linearity inside,
    # and one for all MLPs.
    attention_coder = net.coder(
        hidden_dim, hidden_dim, "linear", num_layers, "attention_coder"
    )
    mlp_coder = net.coder(
        hidden_dim, 2 * hidden_dim, "gelu", num_layers, "mlp_coder"
    )
    for block in range(1, num_layers + 1):
        name = f"block{block}"
        x = _vit_blocks.attention_block(
            x, num_heads, attention_coder, name, net
        )
        x = _vit_blocks.mlp_block(x, mlp_dim, mlp_coder, name, net)
    return net.norm(x, "norm")


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PlainViT(Application):
    """Vision Transformer without skips, whose coders carry its tokens.

    The network of Dosovitskiy et al. 2020 (arXiv 2010.11929), a pre-norm
    Transformer on patches, with the internal path of PNNH (arXiv 2402.08645)
    in place of the skips. The paper mentions Transformers without giving a
    block, so this design is ours, one chain of

    `norm -> attention -> norm -> dense -> GELU -> dense`.

    - Attention: values and output are learner plus coder; the tokens are
      mixed by `alpha I + beta softmax`, see `layers.PlainAttention`.
    - MLP: the coder puts `+u` and `-u` into the hidden layer and takes the
      difference after it, which is exact: `gelu(u) - gelu(-u) = u`.
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
        mlp_dim: Width of the MLP's hidden layer; with a coder at least twice
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
        preprocessing: What the model does to pixel values from 0 to 255:
            `"symmetric"` scales them to [-1, 1], `"imagenet"` by the mean and
            the deviation of ImageNet's channels (RGB only, DeiT), `"none"`
            leaves them to you.
        class_token: Whether a token for the class goes with those of the
            patches.
        internal_path: What carries the tokens across the layers: `"coder"`
            (two small autoencoders that all blocks share), `"pass_through"`
            (channels of their own, converted exactly from the residual
            network), `"residual"` (the twin: skips) or `"none"` (the plain
            baseline).
        token_mixing: How the tokens pass an attention layer with a coder:
            `"shaped"` (`alpha I + beta softmax`) or `"identity_heads"` (in as
            many further heads, which mix nothing and make values and outputs
            twice as wide).
        coder_training: `"frozen"`, `"scaled"` (gradient over number of blocks;
            an adaptive optimizer undoes it) or `"free"`.
        dropout_rate: Share of the features that is dropped in training, after
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

    Example:

    >>> from keras_pnnh.applications import PlainViT
    >>> model = PlainViT(
    ...     num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=16, patch_size=4,
    ...     input_shape=(8, 8, 3), classes=3,
    ... )
    >>> model.output_shape
    (None, 3)
    """

    any_size = False

    def __init__(
        self,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        patch_size: int = 16,
        include_top: bool = True,
        input_shape: Shape | None = None,
        pooling: TokenPooling | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        *,
        preprocessing: Preprocessing = "symmetric",
        class_token: bool = True,
        internal_path: InternalPath = "coder",
        token_mixing: TokenMixing = "shaped",
        coder_training: CoderTraining = "frozen",
        dropout_rate: float = 0.0,
        data_format: DataFormat | None = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        check_positive_integers(
            num_layers=num_layers,
            num_heads=num_heads,
            hidden_dim=hidden_dim,
            mlp_dim=mlp_dim,
            patch_size=patch_size,
        )
        _checks.check_choices(PlainViT, locals())
        _check_widths(num_heads, hidden_dim, mlp_dim, internal_path)
        _checks.check_flag("class_token", class_token)
        _checks.check_head(
            include_top,
            pooling,
            classes,
            classifier_activation,
            (None, *get_args(TokenPooling)),
        )
        _check_pooling(pooling, class_token)
        _checks.check_dropout_rate(dropout_rate, internal_path)
        _checks.check_name(name)
        data_format = resolve_data_format(data_format)
        dtype = _checks.resolve_dtype(dtype)
        input_shape = _checks.resolve_input_shape(
            input_shape,
            _default_size(patch_size),
            patch_size,
            preprocessing,
            data_format,
        )
        _check_patches(input_shape, patch_size, data_format)
        net = TokenLayers(
            internal_path=blocks_path(internal_path),
            dtype=dtype,
            token_mixing=token_mixing,
            coder_training=coder_training,
        )
        images = keras.Input(input_shape, name="images")
        x = trunk(
            _ends.preprocess(images, preprocessing, data_format, dtype),
            num_layers,
            num_heads,
            hidden_dim,
            mlp_dim,
            patch_size,
            class_token,
            dropout_rate,
            data_format,
            net,
        )
        pyramid, level = {}, patch_size.bit_length() - 1
        if patch_size == 2**level:
            grid = _grid(input_shape, patch_size, data_format)
            pyramid[f"P{level}"] = _vit_blocks.feature_map(
                x, grid, class_token, data_format, net
            )
        if include_top:
            x = _vit_blocks.pool(
                x, "token" if class_token else "avg", class_token, net
            )
            x = net.dropout(x, dropout_rate, "head_dropout")
            x = _ends.classifier(x, classes, classifier_activation, dtype)
        elif pooling is not None:
            x = _vit_blocks.pool(x, pooling, class_token, net)
        super().__init__(images, x, pyramid, locals())


def _check_widths(num_heads, hidden_dim, mlp_dim, internal_path):
    if hidden_dim % num_heads:
        raise ValueError(
            "The heads share the channels, so `num_heads` must divide "
            f"`hidden_dim`. Received: num_heads={num_heads}, "
            f"hidden_dim={hidden_dim}."
        )
    if internal_path == "coder" and mlp_dim < 2 * hidden_dim:
        raise ValueError(
            "The coder's pairs travel in the hidden layer of the MLP, so "
            "`mlp_dim` must be at least twice `hidden_dim`. Received: "
            f"mlp_dim={mlp_dim}, hidden_dim={hidden_dim}. Try "
            f"{4 * hidden_dim}."
        )


def _default_size(patch_size):
    return patch_size * (8 if patch_size < 8 else 14)


def _check_pooling(pooling, class_token):
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


def _signature(
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: Any = None,
    input_shape: Shape | None = None,
    pooling: TokenPooling | None = None,
    classes: int | None = None,
    classifier_activation: Any = "softmax",
    name: str | None = None,
    *,
    num_layers: int | None = None,
    num_heads: int | None = None,
    hidden_dim: int | None = None,
    mlp_dim: int | None = None,
    patch_size: int | None = None,
    preprocessing: Preprocessing | None = None,
    class_token: bool | None = None,
    internal_path: InternalPath | None = None,
    token_mixing: TokenMixing | None = None,
    coder_training: CoderTraining | None = None,
    dropout_rate: float | None = None,
    data_format: DataFormat | None = None,
    dtype: Any = None,
    revision: str | None = None,
    cache_dir: str | None = None,
    token: str | bool | None = None,
    local_files_only: bool | None = None,
    force_download: bool | None = None,
) -> keras.Model:
    """Plain vision Transformer: {num_layers} blocks of width {hidden_dim}.

    Dosovitskiy et al. 2020 (arXiv 2010.11929), patches of
    {patch_size}x{patch_size} pixels, without skips, after PNNH (arXiv
    2402.08645); the block is ours, see `PlainViT`. Folded (`keras_pnnh.fold`)
    it has as many parameters and multiplications as its residual twin,
    `internal_path="residual"`.

    Args:
        include_top: Whether to end with a classifier.
        {weights}
        input_shape: Shape of one image, of whole patches. By default 224x224
            RGB; with `patch_size=4`, the form for small images, 32x32.
            Weights of another size are resampled.
        pooling: Without the top: None for all tokens, `"token"` for the class
            token, `"avg"` or `"max"` over the patches.
        {classes_and_activation}
        name: Name of the model. Defaults to that of the variant.
        {hub}

    The other keywords are those of `PlainViT`, among them numbers to replace,
    such as `patch_size=4`. None is what the weights say, and without weights
    the default of the variant.

    {returns}

    Example:

    >>> from keras_pnnh.applications import {name}
    >>> model = {name}(patch_size=4, num_layers=1, classes=10)
    >>> model.input_shape
    (None, 32, 32, 3)
    """
    ...


def _variant(size: str):
    """The function `PlainViT<size>`, like those of `keras.applications`."""
    name = f"plain_vit_{size.lower()}"
    numbers = VARIANTS[name]
    construct = variant(
        _signature,
        f"PlainViT{size}",
        PlainViT,
        lambda given: (name, numbers),
        promised=("num_layers", "hidden_dim"),
        num_layers=numbers["num_layers"],
        hidden_dim=numbers["hidden_dim"],
        patch_size=numbers["patch_size"],
    )
    register(name, construct)
    return construct


PlainViTTiny16 = _variant("Tiny16")
PlainViTSmall16 = _variant("Small16")
PlainViTBase16 = _variant("Base16")
