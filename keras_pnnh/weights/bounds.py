"""What a foreign description of a network may ask for, before it is built.

A `config.json` of a few bytes can describe a network that fills all memory or
takes hours to build. What describes a network brings its weights along, so it
cannot have more parameters than their file has bytes.
"""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import h5py

# The largest network here has 152 weighted layers and sides of 4,096 channels.
LARGEST_NUMBER = 1_000_000
LONGEST_LIST = 1_000
MOST_BLOCKS = 2_000
MOST_PIXELS = 300_000_000  # times channels
# The most that a file unpacks to, as a multiple of its size.
MOST_UNPACKED = 20
ROOM = 1 << 20  # bytes, for small files
# Depth of a weight file: the time that HDF5 takes grows with its square.
DEEPEST = 100
MOST_OBJECTS = 100_000


def check_config(config: Any, path: Any) -> None:
    """Raise unless a network of this description is built in a short time.

    Args:
        config: Arguments of a network, from a file.
        path: Where they are from, for the error.

    Raises:
        ValueError: If they are no arguments, too large, or too many.
    """
    if not isinstance(config, dict):
        raise _refusal(path, f"a {type(config).__name__} in place of them")
    for key, value in config.items():
        for leaf in _leaves(value, depth=4):
            if leaf is _TOO_DEEP or leaf is _TOO_LONG:
                raise _refusal(path, f"{key} with {leaf}")
            number = isinstance(leaf, (int, float))
            if number and not abs(leaf) <= LARGEST_NUMBER:
                raise _refusal(path, f"{key} with the number {leaf}")
            if isinstance(leaf, str) and len(leaf) > LONGEST_LIST:
                raise _refusal(path, f"{key} with {len(leaf)} characters")
        sizes = value if isinstance(value, (list, tuple)) else ()
        if key == "input_shape" and len(sizes) != 3 and value is not None:
            raise _refusal(path, f"images of shape {value!r:.99}")
        if key == "input_shape" and _pixels(value) > MOST_PIXELS:
            raise _refusal(path, f"images of shape {value}")
        if key.endswith("_per_stage") or key.startswith("num_"):
            numbers = [n for n in _leaves(value, 4) if isinstance(n, int)]
            # Widths are large, numbers of blocks are not.
            if "filters" not in key and sum(numbers) > MOST_BLOCKS:
                raise _refusal(path, f"{key} with {sum(numbers)} in all")


@contextlib.contextmanager
def building(
    path: Any, kinds: tuple[type[Exception], ...] = (Exception,)
) -> Iterator[None]:
    """Errors of building what a file describes become one that names it.

    Args:
        path: Where the description is from.
        kinds: Errors that do not explain themselves.

    Raises:
        ValueError: In place of them.
    """
    try:
        yield
    # Values of foreign types fail anywhere, each with an error of its own.
    except kinds as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            "A description of a network must be one that can be built. "
            f"Received: '{path}', of which it cannot: "
            f"{type(error).__name__}: {reason} Update keras_pnnh, or ask its "
            "author to publish it again."
        ) from error


def check_widths(config: dict[str, Any], size: int, path: Any) -> None:
    """Raise unless a network's layers can have weights in a file of this size.

    A stage of width `n` has a kernel of at least `n * n` numbers, any other
    layer of width `n` one of at least `n`.

    Args:
        config: Arguments that describe the network.
        size: Bytes of the file.
        path: Where the description is from.

    Raises:
        ValueError: If a width or the number of classes is too large for it.
    """
    for key, value in config.items():
        for number in _leaves(value, depth=4):
            if not isinstance(number, int):
                continue
            least = 0
            if key in ("filters_per_stage", "hidden_dim"):
                least = number**2
            elif "filters" in key or key in ("classes", "mlp_dim"):
                least = number
            if least > size + ROOM:
                raise _refusal(
                    path, f"{key} with {number} beside weights of {size} bytes"
                )


def check_unpacked(file: h5py.File, size: int) -> None:
    """Raise unless an HDF5 file unpacks to a small multiple of its size.

    Args:
        file: An open weight file.
        size: Its bytes.

    Raises:
        ValueError: If it does not.
    """
    unpacked = objects = 0

    def add(name, item):
        nonlocal unpacked, objects
        objects += 1
        # Parents come before their children, so no long name is walked.
        if name.count("/") >= DEEPEST or objects > MOST_OBJECTS:
            raise ValueError(
                "A weight file must be one of a network. Received: "
                f"'{file.filename}', with groups inside of {DEEPEST} others "
                f"or more than {MOST_OBJECTS:,} groups and arrays. Do not use "
                "it."
            )
        if isinstance(item, h5py.Dataset):
            unpacked += item.size * _bytes_of(item)

    file.visititems(add)
    if unpacked > MOST_UNPACKED * size + ROOM:
        raise ValueError(
            "A weight file must not unpack to much more than it is. Received: "
            f"'{file.filename}' of {size:,} bytes, which says that it holds "
            f"{unpacked:,}. Do not use it."
        )


def _bytes_of(item):
    try:
        return item.dtype.itemsize
    # A damaged type, such as a float of 23 bits of exponent.
    except (TypeError, ValueError) as error:
        raise OSError(f"'{item.name}': {error}") from error


_TOO_DEEP, _TOO_LONG = "lists inside of lists", "a very long list"


def _leaves(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, (list, tuple)):
        yield value
    elif depth == 0:
        yield _TOO_DEEP
    elif len(value) > LONGEST_LIST:
        yield _TOO_LONG
    else:
        for item in value:
            yield from _leaves(item, depth - 1)


def _pixels(shape):
    sizes = [size for size in _leaves(shape, 4) if isinstance(size, int)]
    return math.prod(sizes)


def _refusal(path, what):
    return ValueError(
        "A description of a network must be that of one that could have been "
        f"trained. Received: '{path}', which says {what}. Do not use it."
    )
