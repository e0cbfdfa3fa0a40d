"""Chains and residual twins as files of 8-bit integers for one image.

What `npu_estimate.py` and `microcontroller.py` look at: the same networks, with
kernels drawn alike, so that nothing but the skips differs.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

import keras_pnnh
from keras_pnnh.applications import (
    PlainMobileNetV2,
    PlainResNet20,
    PlainWide11Small,
)
from keras_pnnh.deployment import ExportReport

SMALL = {"input_shape": (32, 32, 3), "stem": "3x3", "classes": 10}
# Name to class, arguments, and the internal path of the chain.
NETWORKS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "plain_wide11_small": (PlainWide11Small, {}, "none"),
    "plain_resnet20": (PlainResNet20, {}, "coder"),
    "plain_mobilenet_v2_050": (
        PlainMobileNetV2,
        {"alpha": 0.5, **SMALL},
        "coder",
    ),
}


class Written(NamedTuple):
    """A file, and what it is."""

    network: str
    form: str  # "chain" or "twin"
    internal_path: str
    path: Path
    report: ExportReport


def write_twins(folder: str | Path, images: np.ndarray) -> Iterator[Written]:
    """Write chain and twin of each network.

    Args:
        folder: Where to.
        images: `(n, 32, 32, 3)` array that calibrates.

    Yields:
        `Written`, one after the other.
    """
    for name, (build, settings, chain_path) in NETWORKS.items():
        for form, internal_path in (
            ("chain", chain_path),
            ("twin", "residual"),
        ):
            model = draw_kernels(build(internal_path=internal_path, **settings))
            file = Path(folder) / f"{name}_{form}.tflite"
            report = keras_pnnh.export(
                model,
                file,
                "litert_int8",
                representative=images,
                batch_size=1,
            )
            yield Written(name, form, internal_path, file, report)


def draw_kernels(model):
    """The folded network with kernels of He et al. (2015).

    A chain's begin as an identity and a small learner, which compress better
    than the twin's: not what is to be compared.
    """
    folded = keras_pnnh.fold(model)
    generator = np.random.default_rng(0)
    for layer in folded.layers:
        if hasattr(layer, "kernel"):
            shape = layer.kernel.shape
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            fan_in = math.prod(shape[:2] if depthwise else shape[:-1])
            drawn = generator.normal(0, math.sqrt(2 / fan_in), shape)
            layer.kernel.assign(drawn)
    return folded
