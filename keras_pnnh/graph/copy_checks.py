"""Whether the copy of a layer computes what the layer does.

A layer is copied by its config, and a config may say less than the layer is: an
argument that `get_config` forgets becomes another layer without a word. So a
layer of another package is compared with its copy, in what it holds and in what
it makes of some inputs.
"""

import inspect
import re
from typing import Any

import keras
import numpy as np

# Their layers are tested to come back from their configs as they were.
_TESTED_PACKAGES = ("keras", "keras_pnnh")
_OPEN_SIZE = 32  # where a layer leaves a size open
_SIMPLE = (type(None), bool, int, float, complex, str, bytes)


def check_copy(layer: Any, copy: Any, args: Any, kwargs: Any) -> None:
    """Raise unless a copy is what its original is.

    Args:
        layer: A layer, built.
        copy: Its copy, with the same weights.
        args: What the layer was called with, tensors or what has their shape;
            None for a call that is not known.
        kwargs: Likewise.

    Raises:
        ValueError: If the two differ: the layer and the difference are named.
    """
    difference = _difference(layer, copy)
    if difference is None and args is not None and is_foreign(layer):
        difference = _difference_of_results(layer, copy, args, kwargs)
    if difference is not None:
        raise ValueError(
            "A layer is copied by its `get_config`, which must say all that "
            f"the layer is. Received: layer '{layer.name}' of class "
            f"{type(layer).__name__}, whose copy {difference}. Give that class "
            "a `get_config` that returns every argument of its constructor as "
            "it was given."
        )


def in_words(error: Any) -> str:
    """An error of somebody else's code on one line, without escape codes."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split())
    return f"{type(error).__name__}: {text}"[:500]


def is_foreign(layer: Any) -> bool:
    """Whether a layer, or one inside of it, is of another package."""
    if not isinstance(layer, keras.layers.Layer):
        return False
    package = type(layer).__module__.partition(".")[0]
    return package not in _TESTED_PACKAGES or any(
        is_foreign(part) for part in parts_of(layer)
    )


def parts_of(layer: Any) -> list[Any]:
    """The layers that a layer holds itself, in lists and dictionaries too."""
    return [
        part
        for value in _attributes(layer).values()
        for part in _leaves(value)
        if isinstance(part, keras.layers.Layer)
    ]


def layers_within(layer: Any) -> list[Any]:
    """A layer and all that it holds, at any depth, each once."""
    found = {id(layer): layer}
    waiting = [layer]
    while waiting:
        for part in parts_of(waiting.pop()):
            if id(part) not in found:
                found[id(part)] = part
                waiting.append(part)
    return list(found.values())


def _attributes(layer):
    """What a layer holds by name; PyTorch keeps modules apart."""
    held = vars(layer)
    return {**held, **held.get("_modules", {})}


def _leaves(value):
    """What lists and dictionaries hold, at any depth.

    Not by `keras.tree`, which sorts the keys of dictionaries: on TensorFlow a
    model that was fitted has one whose keys are layers.
    """
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple, set)):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def _difference(layer, copy):
    """What a copy holds that its original does not, in words, or None."""
    if not isinstance(layer, keras.layers.Layer):
        return None
    if type(layer) is not type(copy):
        return f"is of class {type(copy).__name__}"
    package = type(layer).__module__.partition(".")[0]
    known = package in _TESTED_PACKAGES
    if isinstance(layer, (keras.layers.Lambda, keras.Model)):
        return None  # the function itself is copied; a model has its graph
    ours = set(vars(keras.layers.Layer()))
    for name, value in _attributes(layer).items():
        if name in ours or name.startswith("_"):
            continue
        received = _attributes(copy).get(name)
        if known and not inspect.isfunction(value):
            continue
        if not _same(value, received):
            return f"has {name}={received!r} in place of {value!r}"
    for part, other in zip(parts_of(layer), parts_of(copy), strict=False):
        difference = _difference(part, other)
        if difference is not None:
            return f"holds a layer '{part.name}' that {difference}"
    return None


def _same(value, other):
    """Whether two attributes agree, as far as it can be told."""
    if isinstance(value, _SIMPLE):
        same = type(value) is type(other) and value == other
        return same or value != value  # NaN
    if inspect.isfunction(value):
        # A function in the body of `__init__` is another one each time.
        code = getattr(other, "__code__", None)
        return value is other or value.__code__ is code
    if isinstance(value, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(value, other)
    if isinstance(value, dict):
        return isinstance(other, dict) and (
            value.keys() == other.keys()
            and all(_same(value[key], other[key]) for key in value)
        )
    if isinstance(value, (list, tuple)):
        return isinstance(other, (list, tuple)) and (
            len(value) == len(other) and all(map(_same, value, other))
        )
    if isinstance(value, keras.layers.Layer):
        return type(value) is type(other)
    return (value is None) == (other is None)


def _difference_of_results(layer, copy, args, kwargs):
    """What a copy makes of some inputs that its original does not, or None."""
    generator = np.random.default_rng(0)
    args, kwargs = keras.tree.map_structure(
        lambda item: _numbers(item, layer, generator), (args, kwargs)
    )
    if "training" in inspect.signature(layer.call).parameters:
        kwargs = {**kwargs, "training": False}
    try:
        want, again = (_made(layer, args, kwargs) for _ in range(2))
    # It may not take these numbers or sizes: then nothing can be told.
    except Exception:
        return None
    try:
        got = _made(copy, args, kwargs)
    except Exception as error:
        return f"fails on what the layer computes: {in_words(error)}"
    if len(got) != len(want):
        return f"makes {len(got)} tensors, not {len(want)}"
    for expected, repeated, received in zip(want, again, got, strict=True):
        if not np.array_equal(expected, repeated, equal_nan=True):
            continue  # the layer draws: two results say nothing
        if expected.shape != received.shape:
            return f"makes {received.shape} where it makes {expected.shape}"
        expected, received = (
            np.asarray(array, "float64") for array in (expected, received)
        )
        room = 1e-5 * np.abs(expected).max(initial=0, where=expected < np.inf)
        if not np.allclose(
            received, expected, rtol=1e-4, atol=room, equal_nan=True
        ):
            return "makes other numbers of the same inputs"
    return None


def _made(layer, args, kwargs):
    return [
        keras.ops.convert_to_numpy(keras.ops.stop_gradient(made))
        for made in keras.tree.flatten(layer(*args, **kwargs))
    ]


def _numbers(item, layer, generator):
    """Numbers in the place of a tensor: small and large, of both signs."""
    if not hasattr(item, "shape") or isinstance(item, np.ndarray):
        return item
    if not isinstance(item, keras.KerasTensor) and keras.ops.is_tensor(item):
        return item
    batch, *sizes = item.shape
    shape = [batch or 4, *(size or _OPEN_SIZE for size in sizes)]
    dtype = getattr(item, "dtype", layer.compute_dtype)
    if "float" not in dtype:
        # Places in a table, or booleans: 0 and 1 are always there.
        return generator.integers(0, 2, shape).astype(dtype)
    scales = np.array([1.0, 10.0, 255.0, 1000.0])
    scales = np.resize(scales, shape[0]).reshape(-1, *[1] * len(sizes))
    numbers = (scales * generator.standard_normal(shape)).astype("float32")
    return keras.ops.cast(numbers, dtype)
