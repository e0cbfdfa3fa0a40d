"""Whether a chain and what was written out of it are equal, on images."""

import dataclasses
from typing import Any

import keras
import numpy as np

from keras_pnnh import graph
from keras_pnnh.folding.fold import fold
from keras_pnnh.pass_through.conversion.certificate import (
    Certificate,
    certify,
)
from keras_pnnh.pass_through.conversion.comparison import check_batch, compare
from keras_pnnh.pass_through.writing_out.plan import plan_written_out
from keras_pnnh.pass_through.writing_out.ranges import Ranges, watch

# Of the width of a range: what is beyond by less is rounding.
_ROUNDING = 1e-5


def certify_written_out(
    model: keras.Model, written_out: keras.Model, images: Any
) -> Certificate:
    """Compare a chain and what `write_out` made of it, on images.

    Where the range of each channel was fitted on images, values of others may
    leave it, and are clipped: the certificate counts them, and says whether
    the images without any are equal.

    Args:
        model: The chain with pass-through channels.
        written_out: What `write_out` made of it, also if it was saved and
            loaded since.
        images: A batch of inputs.

    Returns:
        A `Certificate`, of which the source is `model`.

    Raises:
        ValueError: If `written_out` is no such network, or `images` are no
            inputs of it.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> import keras_pnnh
    >>> x = keras.Input((8, 8, 4))
    >>> y = keras.layers.Conv2D(4, 3, padding="same")(x)
    >>> y = keras.layers.Conv2D(4, 3, padding="same")(keras.layers.ReLU(6)(y))
    >>> block = keras.Model(x, keras.layers.Add()([x, y]))
    >>> chain, certificate = keras_pnnh.from_residual(block)
    >>> images = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 4))
    >>> plain = keras_pnnh.write_out(chain, images=images)
    >>> for factor in (1, 10):
    ...     certificate = keras_pnnh.pass_through.certify_written_out(
    ...         chain, plain, factor * images
    ...     )
    ...     print(certificate.outcome, certificate.clipped > 0)
    exact within a range False
    not exact True
    """
    images = check_batch(model, images, "images")
    watched = _in_range(model, written_out)
    outside, first = _count_outside(written_out, watched, images)

    def find_end(probe, tolerance):
        return first or graph.read(written_out).calls[-1].layer.name

    certificate = certify(model, model, written_out, images, find_end)
    if not watched:
        return certificate
    inside = images[outside == 0]
    return dataclasses.replace(
        certificate,
        clipped=int(outside.sum()),
        clipped_images=int((outside > 0).sum()),
        exact_in_range=len(inside) > 0
        and compare(model, written_out, inside).exact,
    )


def _in_range(model, written_out):
    """Dictionary from a layer to the channels of which it clips no value."""
    layers = {
        call.layer.name: call.layer for call in graph.read(written_out).calls
    }
    chain = graph.read(fold(model))
    for ranges in (Ranges(None), None):
        plan = [
            new
            for made in plan_written_out(chain, ranges).values()
            for new in made
        ]
        if all(_is(layers.get(new.name), new) for new in plan):
            return {
                layers[new.name]: list(new.in_range)
                for new in plan
                if new.in_range
            }
    raise ValueError(
        "`written_out` must be what `write_out` made of the chain. Received: "
        f"model '{written_out.name}', which has other layers than "
        f"'{model.name}' written out. Pass `write_out(model, images=images)`."
    )


def _is(layer, planned):
    if type(layer) is not planned.layer_class:
        return False
    return layer.count_params() == planned.parameters


def _count_outside(written_out, watched, images):
    """Values outside of their range for each image; the first layer with any.

    A value is what one channel passes at one pixel.
    """
    outside, first = np.zeros(len(images), int), []

    def see(layer, inputs, start):
        values = keras.ops.convert_to_numpy(inputs)
        axis = 1 if _channels_first(written_out) else -1
        values = np.take(values, watched[layer], axis)
        most = np.inf if layer.max_value is None else float(layer.max_value)
        width = values.max(initial=0) if most == np.inf else most
        beyond = (values < -_ROUNDING * width) | (
            values > most + _ROUNDING * width
        )
        counts = beyond.reshape(len(values), -1).sum(1)
        outside[start : start + len(values)] += counts
        if counts.any():
            first.append(layer.name)

    if watched:
        watch(written_out, watched, images, see)
    return outside, first[0] if first else None


def _channels_first(model):
    return any(
        getattr(call.layer, "data_format", None) == "channels_first"
        for call in graph.read(model).calls
    )
