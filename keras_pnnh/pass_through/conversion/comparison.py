"""A model and its conversion, called on the same inputs."""

from typing import Any, NamedTuple

import keras
import numpy as np

from keras_pnnh import graph
from keras_pnnh.pass_through.conversion.results import (
    call_model,
    compute_logits,
    hides_logits,
)

# Relative differences that are rounding, by the precision of the source.
TOLERANCES = {"float64": 1e-6, "float32": 1e-4, "float16": 3e-2}
HALF_TOLERANCE = 0.2  # bfloat16, with 8 bits
_AMPLIFIED = 16  # times what the last bit of the input changes, at most
_UNSTABLE = 10  # tolerances by which the last bit changes an image that is
BATCH = 16  # images at a time
PROBE_SIZE = 64  # pixels, where a model leaves the size open


class Comparison(NamedTuple):
    """What calling a model and its conversion shows.

    `images` and the differences are those of the inputs on which the source
    is stable: finite, and not changed by the last bit of its input.
    """

    exact: bool
    images: int
    left_out: int
    largest_difference: float
    largest_relative_difference: float
    top1_agreement: float
    tolerance: float
    source_rounding: float | None  # None: it was not needed


def compare(model: keras.Model, conversion: Any, probe: Any) -> Comparison:
    """Call both, and compare the results and the logits.

    Logits are the numbers before a final softmax or sigmoid, which hides
    differences. Where the two differ by more than rounding, the source is also
    compared with itself on inputs that are changed in the last bit: weights of
    noise amplify that in deep networks, and no other order of the same sums
    gives the source's own results.

    Args:
        model: The source.
        conversion: The model that should equal it.
        probe: Array, a batch of inputs.

    Returns:
        A `Comparison`.
    """
    tolerance = tolerance_of(model)
    hidden = hides_logits(model)
    expected, received = (
        _measures(one, probe, hidden) for one in (model, conversion)
    )
    told = _finite(expected)
    apart = _relative(expected, received)
    allowed = np.full(len(probe), tolerance)
    rounding = None
    if (apart[told] > tolerance).any():
        changed = _last_bit_changed(probe)
        shaken = _relative(expected, _measures(model, changed, hidden))
        told &= shaken <= _UNSTABLE * tolerance
        allowed = np.maximum(tolerance, _AMPLIFIED * shaken)
        rounding = float(shaken[told].max(initial=0))
    logits, others = expected[-1][told], received[-1][told]
    return Comparison(
        exact=bool(told.any() and (apart[told] <= allowed[told]).all()),
        images=int(told.sum()),
        left_out=int((~told).sum()),
        largest_difference=_largest(np.abs(logits - others)),
        largest_relative_difference=_largest(apart[told]),
        top1_agreement=float(
            np.mean(np.argmax(logits, -1) == np.argmax(others, -1))
        )
        if told.any()
        else 0.0,
        tolerance=tolerance,
        source_rounding=rounding,
    )


def relative_difference(expected: Any, received: Any) -> float:
    """Largest difference, relative to the largest number of the image.

    Counted over the images on which `expected` is finite.
    """
    told = _finite([expected])
    return _largest(_relative([expected[told]], [received[told]]))


def tolerance_of(model: keras.Model) -> Any:
    """The relative difference that is rounding, for the least precise layer."""
    used = {
        getattr(call.layer, "compute_dtype", None)
        for call in graph.read(model).calls[1:]
    }
    if "bfloat16" in used:
        return HALF_TOLERANCE
    for dtype in ("float16", "float32", "float64"):
        if dtype in used:
            return TOLERANCES[dtype]
    return TOLERANCES["float32"]


def make_probe(model: keras.Model, probe: Any) -> Any:
    """The user's batch, checked, or one at the scales of real inputs.

    Normalised images, pixels of 0 to 255, and far beyond, of both signs: clips
    are reached, also behind a `Rescaling`. Every image has a seed of its own.
    """
    (given,) = model.inputs
    shape = tuple(given.shape[1:])
    if probe is None:
        sizes = [PROBE_SIZE if size is None else size for size in shape]
        if "float" not in given.dtype:
            return _whole_numbers(model, given.dtype, sizes)
        half = tolerance_of(model) > TOLERANCES["float32"]
        beyond = 10 if half else 1000  # half precision overflows
        kinds = [
            lambda rng: rng.standard_normal(sizes),
            lambda rng: 10 * rng.standard_normal(sizes),
            lambda rng: beyond * rng.standard_normal(sizes),
            lambda rng: rng.uniform(0, 1, sizes),
            lambda rng: rng.uniform(-1, 1, sizes),
            lambda rng: rng.uniform(0, 255, sizes),
            lambda rng: rng.uniform(0, 255, sizes),
            lambda rng: np.full(sizes, 255.0),
        ]
        made = [
            make(np.random.default_rng(seed)) for seed, make in enumerate(kinds)
        ]
        return np.stack(made).astype("float32")
    return check_batch(model, probe, "probe")


def check_batch(model: keras.Model, images: Any, name: str) -> Any:
    """Images as an array, if they are a batch of inputs of a model.

    Args:
        model: A model with one input.
        images: What was given.
        name: What it is called.

    Raises:
        ValueError: If they are no batch, or not finite.
    """
    shape = tuple(model.inputs[0].shape[1:])
    try:
        batch = keras.ops.convert_to_numpy(images)
    except (TypeError, ValueError):
        batch = np.empty(0)
    fits = batch.ndim == len(shape) + 1 and all(
        known in (None, size)
        for known, size in zip(shape, batch.shape[1:], strict=True)
    )
    fits = fits and batch.dtype.kind in "biuf"
    if not fits or not len(batch) or not np.isfinite(batch).all():
        raise ValueError(
            f"`{name}` must be a batch of finite inputs of the model. "
            f"Received: {type(images).__name__} of shape {batch.shape}, model "
            f"'{model.name}' with inputs of shape {shape}. Pass a few images."
        )
    return batch


def _whole_numbers(model, dtype, sizes):
    """Random places in the smallest table that the model looks up."""
    tables = [
        call.layer.input_dim
        for call in graph.read(model).calls
        if isinstance(call.layer, keras.layers.Embedding)
    ]
    most = min(tables, default=2 if dtype == "bool" else 128)
    return np.random.default_rng(0).integers(0, most, (8, *sizes))


def _measures(model, inputs, hidden):
    """Results, and the logits that they hide."""
    calls = [call_model, compute_logits] if hidden else [call_model]
    return [
        np.concatenate(
            [
                call(model, inputs[start : start + BATCH])
                for start in range(0, len(inputs), BATCH)
            ]
        ).astype("float64")
        for call in calls
    ]


def _finite(arrays):
    """For each image whether all numbers are finite."""
    return np.all(
        [np.isfinite(_flat(array)).all(axis=1) for array in arrays], axis=0
    )


def _flat(array):
    return np.asarray(array, "float64").reshape(len(array), -1)


def _relative(expected, received):
    """For each image the largest difference, relative to its largest number.

    NaN is not close to anything, and neither is another shape.
    """
    found = np.zeros(len(expected[0]))
    for want, got in zip(expected, received, strict=True):
        if want.shape != got.shape:
            return np.full(len(want), np.inf)
        want, got = _flat(want), _flat(got)
        with np.errstate(invalid="ignore"):
            apart = np.abs(got - want).max(axis=1)
        scale = np.abs(want).max(axis=1)
        apart = apart / np.maximum(scale, np.finfo("float32").tiny)
        found = np.maximum(found, np.where(np.isnan(apart), np.inf, apart))
    return found


def _largest(numbers):
    return float(np.max(numbers, initial=0))


def _last_bit_changed(probe):
    """Every number up or down by as little as it can be."""
    if not np.issubdtype(probe.dtype, np.floating):
        return probe
    ways = np.random.default_rng(0).choice([-np.inf, np.inf], probe.shape)
    return np.nextafter(probe, ways.astype(probe.dtype))
