"""Wide and shallow plain networks for small images, and their twins.

The shape of the networks that reach a given accuracy on CIFAR-10 in the least
time (K. Jordan 2024, arXiv 2404.00498): few layers, wide, no skips.
"""

from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from keras_pnnh.applications import _checks, _ends
from keras_pnnh.applications._application import Application
from keras_pnnh.applications._checks import (
    CoderTraining,
    DataFormat,
    InternalPath,
    Pooling,
    Preprocessing,
    Shape,
)
from keras_pnnh.applications._conv_layers import ConvLayers
from keras_pnnh.applications._pass_through import blocks_path
from keras_pnnh.applications._variant import Weights, register, variant
from keras_pnnh.layers import Coder, PlainConv2D
from keras_pnnh.layers._checks import resolve_data_format

CodePlacement = Literal["add", "concat"]
Start = Literal["random", "dirac"]

# Up to some eleven layers the study finds no path worth its cost; kernels that
# begin as the identity are (tables `rivals`, `final-small` in docs/study.md).
VARIANTS: dict[str, dict[str, Any]] = {
    "plain_wide11": {
        "filters_per_stage": (80, 184, 280),
        "internal_path": "none",
        "start": "dirac",
    },
    "plain_wide11_small": {
        "filters_per_stage": (32, 92, 144),
        "internal_path": "none",
        "start": "dirac",
    },
}


def stage(
    x: Any, filters: int, convolutions: int, name: str, net: ConvLayers
) -> Any:
    """A convolution that pools, then blocks of two; a last one may be alone."""
    coder = net.coders(filters, filters, 1, f"{name}_coder")[0]
    added = coder if net.code_placement == "add" else None
    x = transition(x, added, filters, f"{name}_conv1", net)
    numbers = range(2, convolutions + 1)
    for number in numbers[:-1:2]:
        x = block(x, coder, filters, name, number, net)
    if len(numbers) % 2:
        x = single(x, added, filters, f"{name}_conv{convolutions}", net)
    return x


def transition(
    x: Any, coder: Coder | None, filters: int, name: str, net: ConvLayers
) -> Any:
    """3x3, maxima of 2x2 pixels: where the width changes."""
    x = net.conv(x, filters, 3, coder=coder, part="encoder", name=name)
    x = net.max_pool(x, 2, 2, f"{name}_pool")
    return net.relu(x, f"{name}_relu")


def block(
    x: Any,
    coder: Coder | None,
    filters: int,
    name: str,
    number: int,
    net: ConvLayers,
) -> Any:
    """3x3, 3x3: encoder, then decoder; the twin's skip spans both."""
    first, second = f"{name}_conv{number}", f"{name}_conv{number + 1}"
    y = net.conv(x, filters, 3, coder=coder, part="encoder", name=first)
    y = net.relu(y, f"{first}_relu")
    y = net.conv(y, filters, 3, coder=coder, part="decoder", name=second)
    if net.internal_path == "residual":
        y = net.add(x, y, f"{second}_add")
    return net.relu(y, f"{second}_relu")


def single(
    x: Any, coder: Coder | None, filters: int, name: str, net: ConvLayers
) -> Any:
    """One 3x3, where an even number of convolutions leaves one."""
    y = net.conv(x, filters, 3, coder=coder, part="encoder", name=name)
    if net.internal_path == "residual":
        y = net.add(x, y, f"{name}_add")
    return net.relu(y, f"{name}_relu")


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PlainWide(Application):
    """Chain of few and wide convolutions for small images.

    Three stages (or as many as there are widths) of 3x3 convolutions, the first
    of a stage followed by max pooling; global average pooling and a classifier.
    After K. Jordan 2024 (arXiv 2404.00498), whose networks have a GELU, another
    stem, and the pooling before the norm. `PlainWide11` and
    `PlainWide11Small` are variants of it; this class takes any numbers.

    Args:
        filters_per_stage: Channels of each stage. The stem has half of the
            first number.
        include_top: Whether to end with pooling and a classifier.
        input_shape: Shape of one image; each stage halves height and width.
            Height and width may be None. Defaults to RGB of 32x32 pixels with
            the top, of any size without.
        pooling: Without the top: None for the feature map, `"avg"` or `"max"`.
        classes: Number of classes.
        classifier_activation: `"softmax"`, or None for logits.
        convolutions_per_stage: 3x3 convolutions of a stage.
        preprocessing: What the model does to pixel values from 0 to 255, see
            `PlainResNet`.
        internal_path: What carries the input across the non-linearities:
            `"coder"`, `"residual"` (skips over two convolutions),
            `"pass_through"` (the same, converted exactly to a chain) or
            `"none"`.
        start: Initial values of the kernels after the stem: `"random"`, or
            `"dirac"`: the first filters hand their channel on and may unlearn
            it (S. Zagoruyko and N. Komodakis 2017, arXiv 1706.00388).
        coder_training: `"frozen"`, `"scaled"` or `"free"`, see `PlainResNet`.
        code_placement: Whether what is carried is added to the output of
            every convolution (`"add"`) or concatenated with it inside the
            blocks of two (`"concat"`).
        data_format: `"channels_last"` or `"channels_first"`.
        dtype: Dtype policy, e.g. `"mixed_bfloat16"`. The classifier computes
            in float32 under mixed precision.
        name: Name of the model.

    Raises:
        ValueError: For an argument that does not fit.

    Example:

    >>> from keras_pnnh.applications import PlainWide
    >>> model = PlainWide((4, 8), input_shape=(8, 8, 3), classes=3)
    >>> model.output_shape
    (None, 3)
    """

    def __init__(
        self,
        filters_per_stage: Sequence[int],
        include_top: bool = True,
        input_shape: Shape | None = None,
        pooling: Pooling | None = None,
        classes: int = 10,
        classifier_activation: Any = "softmax",
        *,
        convolutions_per_stage: int = 3,
        preprocessing: Preprocessing = "symmetric",
        internal_path: InternalPath = "coder",
        start: Start = "random",
        coder_training: CoderTraining = "frozen",
        code_placement: CodePlacement = "add",
        data_format: DataFormat | None = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        stages = len(filters_per_stage)
        _checks.check_stages(
            (convolutions_per_stage,) * stages, filters_per_stage
        )
        _checks.check_head(include_top, pooling, classes, classifier_activation)
        _checks.check_choices(PlainWide, locals())
        _checks.check_name(name)
        data_format = resolve_data_format(data_format)
        dtype = _checks.resolve_dtype(dtype)
        input_shape = _checks.resolve_input_shape(
            input_shape,
            32 if include_top else None,
            2**stages,
            preprocessing,
            data_format,
        )
        net = ConvLayers(
            internal_path=blocks_path(internal_path),
            data_format=data_format,
            dtype=dtype,
            code_placement=code_placement,
            coder_training=coder_training,
        )
        images = keras.Input(input_shape, name="images")
        x = _ends.preprocess(images, preprocessing, data_format, dtype)
        stem = max(1, filters_per_stage[0] // 2)
        x = net.bare_conv(x, stem, 3, norm="learner", name="stem_conv")
        x = net.relu(x, "stem_relu")
        pyramid = {"P0": x}
        for number, filters in enumerate(filters_per_stage, 1):
            x = stage(x, filters, convolutions_per_stage, f"stage{number}", net)
            pyramid[f"P{number}"] = x
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
        if start == "dirac":
            for layer in self.layers:
                if isinstance(layer, PlainConv2D) and layer.name != "stem_conv":
                    begin_as_identity(layer)


def begin_as_identity(layer: PlainConv2D) -> None:
    """The first filters of a layer's kernel hand their channel on.

    Raises:
        ValueError: If the layer has no kernel of its own.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.layers import PlainConv2D
    >>> from keras_pnnh.applications.plain_wide import begin_as_identity
    >>> layer = PlainConv2D(3)
    >>> layer.build((None, 8, 8, 2))
    >>> begin_as_identity(layer)
    >>> np.asarray(layer.kernel)[1, 1].round(1)[:, :2]
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    if layer.kernel is None:
        raise ValueError(
            "A layer must have a kernel of its own to begin as the identity. "
            f"Received: layer '{layer.name}', whose kernel is handed to it."
        )
    values = np.array(ops.convert_to_numpy(layer.kernel))
    kept = min(values.shape[2:])
    centre = values.shape[0] // 2
    values[..., :kept] = 0
    values[centre, centre, range(kept), range(kept)] = 1
    layer.kernel.assign(values)


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
    filters_per_stage: Sequence[int] | None = None,
    convolutions_per_stage: int | None = None,
    preprocessing: Preprocessing | None = None,
    internal_path: InternalPath | None = None,
    start: Start | None = None,
    coder_training: CoderTraining | None = None,
    code_placement: CodePlacement | None = None,
    data_format: DataFormat | None = None,
    dtype: Any = None,
    revision: str | None = None,
    cache_dir: str | None = None,
    token: str | bool | None = None,
    local_files_only: bool | None = None,
    force_download: bool | None = None,
) -> keras.Model:
    """Wide plain network with 11 weighted layers, for small images.

    After K. Jordan 2024 (arXiv 2404.00498), see `PlainWide`. By default nothing
    carries the input: kernels begin as the identity instead, which at this
    depth is as good. Folded (`keras_pnnh.fold`) it costs what its residual
    twin costs, `internal_path="residual"`.

    Args:
        include_top: Whether to end with pooling and a classifier.
        {weights}
        input_shape: Shape of one image, at least 8x8. By default 32x32 RGB.
        pooling: Without the top: None for the feature map, `"avg"` or `"max"`.
        {classes_and_activation}
        name: Name of the model. Defaults to that of the variant.
        {hub}

    The other keywords are those of `PlainWide`. None is what the weights say,
    and without weights the default of the variant.

    {returns}

    Example:

    >>> from keras_pnnh.applications import {name}
    >>> {name}(include_top=False, pooling="avg").output_shape
    {output_shape}
    """
    ...


def _variant(variant_name: str, name: str):
    numbers = VARIANTS[variant_name]
    construct = variant(
        _signature,
        name,
        PlainWide,
        lambda given: (variant_name, numbers),
        promised=("convolutions_per_stage",),
        classes=10,
        published="cifar10",
        output_shape=(None, numbers["filters_per_stage"][-1]),
    )
    register(variant_name, construct)
    return construct


PlainWide11 = _variant("plain_wide11", "PlainWide11")
PlainWide11Small = _variant("plain_wide11_small", "PlainWide11Small")
