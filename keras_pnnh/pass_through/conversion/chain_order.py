"""In which order a network's operations run as one chain."""

import dataclasses
from typing import Any, NamedTuple

from keras_pnnh.graph import Tensor
from keras_pnnh.pass_through.conversion.operations import (
    Linear,
    Mix,
    Term,
    Whole,
    channels_of,
    pixels_of,
    unsupported,
    with_channels,
)


class Step(NamedTuple):
    """One layer of the chain: tensors side by side before and after it.

    Tensors that are in both are pass-through channels.
    """

    operations: tuple[Any, ...]
    before: tuple[Tensor, ...]
    after: tuple[Tensor, ...]


def schedule(operations: Any, source: Any, result: Any, axis: int) -> list[Any]:
    """The layers of the chain.

    Everything that is still needed travels side by side, so it has one size
    of image. An operation that changes the size waits until every tensor that
    is alive is read by such operations only; they run as one layer.

    Args:
        operations: List of operations in an order in which they can run.
        source: The tensor that the network reads.
        result: The tensor that it returns.
        axis: Axis of the channels of images, 1 or 3.

    Returns:
        List of `Step`s.

    Raises:
        ValueError: For branches that do not change the image's size together,
            or a layer that cannot run beside pass-through channels.
    """
    waiting = list(operations)
    heights = _heights(operations)
    alive, steps = (source,), []
    while waiting:
        ready = [
            operation
            for operation in waiting
            if all(tensor in alive for tensor in operation.sources)
        ]
        # The longest way to go first: what is short waits in few channels.
        ready.sort(key=lambda operation: -heights[operation])
        beside = [
            operation
            for operation in ready
            if not operation.spatial and not isinstance(operation, Whole)
        ]
        if beside:
            running = beside[:1]
        else:
            running = _run_together(ready, waiting, alive, heights, axis)
        for operation in running:
            if operation in waiting:
                waiting.remove(operation)
        needed = {tensor for rest in waiting for tensor in rest.sources}
        needed.add(result)
        made = [operation.target for operation in running]
        kept = [tensor for tensor in alive if tensor in needed]
        after = tuple(tensor for tensor in made + kept if tensor in needed)
        steps.append(Step(tuple(running), alive, after))
        alive = after
    return steps


def _heights(operations):
    """Operations on the longest way from each one to the result."""
    heights, above = {}, {}
    for operation in reversed(operations):
        heights[operation] = 1 + above.get(operation.target, 0)
        for source in operation.sources:
            above[source] = max(above.get(source, 0), heights[operation])
    return heights


def _run_together(ready, waiting, alive, heights, axis):
    """The operations of a layer that changes the size of the image."""
    first = ready[0]
    if isinstance(first, Whole):
        reading = [rest for rest in waiting if first.source in rest.sources]
        if len(alive) > 1 or len(reading) > 1:
            raise unsupported(
                first.name,
                type(first.layer).__name__,
                "reads a whole tensor while another branch is still on its way",
                "Convert the parts of the model around it.",
            )
        return ready
    running = []
    for tensor in alive:
        for reader in [r for r in waiting if tensor in r.sources]:
            if reader in running:
                continue
            if reader not in ready or isinstance(reader, Whole):
                raise _mismatch(first, reader)
            if _size_after(reader, axis) != _size_after(first, axis):
                reader = _first_part(reader, first, waiting, heights, axis)
            running.append(reader)
    running.sort(key=lambda operation: -heights[operation])
    return running


def _first_part(reader, first, waiting, heights, axis):
    """As much of a subsampling as is due; the rest waits."""
    (term, *more) = reader.terms
    linear = term.linear
    step = _strides(first)
    if more or linear is None or step is None or linear.kind != "identity":
        raise _mismatch(first, reader)
    divides = all(a % b == 0 for a, b in zip(linear.strides, step, strict=True))
    padded = linear.padding not in ("same", ((0, 0), (0, 0)))
    if padded or not divides or linear.strides == step:
        raise _mismatch(first, reader)
    channels = channels_of(term.source, axis)
    between = Tensor(with_channels(first.target, axis, channels))
    rest = tuple(a // b for a, b in zip(linear.strides, step, strict=True))
    later = dataclasses.replace(linear, strides=rest)
    waiting.remove(reader)
    waiting.append(
        dataclasses.replace(reader, terms=[Term(between, later, term.offset)])
    )
    heights[waiting[-1]] = heights[reader]
    now = Linear(
        "identity",
        f"{linear.name}_part",
        linear.dtype,
        channels,
        strides=step,
        spatial=True,
    )
    part = Mix(now.name, reader.dtype, [Term(term.source, now)], between)
    heights[part] = heights[reader] + 1
    return part


def _strides(operation):
    strides = {term.linear.strides for term in operation.terms if term.linear}
    return next(iter(strides)) if len(strides) == 1 else None


def _size_after(operation, axis):
    """Pixels that are left, or the strides where that is not known."""
    pixels = pixels_of(operation.target, axis)
    return _strides(operation) if None in pixels else pixels


def _mismatch(first, other):
    return unsupported(
        first.name,
        "which changes the size of the image",
        f"runs while '{other.name}' still needs the image as it was",
        "Branches must change the size of the image together.",
    )
