"""Additions take in the convolutions before them."""

import dataclasses
from typing import Any

from keras_pnnh.graph import Tensor
from keras_pnnh.pass_through.conversion.operations import (
    Linear,
    Mix,
    Term,
    channels_of,
    find_readers,
    pixels_of,
    with_channels,
)


def merge_convolutions(operations: Any, result: Any, axis: int) -> list[Any]:
    """One `Mix` for an addition and the linear functions that it adds.

    The last convolution of a learner and the projection of a shortcut become
    the kernel `[P | W]` of one layer, so that what passes through until then is
    what the shortcut reads, not what it makes. A projection with strides is a
    subsampling, to be done when the learner strides, and a projection.

    Args:
        operations: List of operations.
        result: The tensor that the network returns.
        axis: Axis of the channels of images, 1 or 3.

    Returns:
        List of operations.
    """
    makers = {operation.target: operation for operation in operations}
    readers = find_readers(operations, result)
    merged, taken = [], set()
    for operation in operations:
        if isinstance(operation, Mix) and not _is_linear(operation):
            inner = [
                makers[term.source]
                if len(readers[term.source]) == 1
                and _is_linear(makers.get(term.source))
                else None
                for term in operation.terms
            ]
            together = _stride_together(inner, axis)
            terms = []
            for term, maker in zip(operation.terms, inner, strict=True):
                parts = [] if maker is None else _parts(maker, axis, together)
                if not parts:
                    terms.append(term)
                    continue
                *before, last = parts
                taken.add(maker)
                merged.extend(before)
                terms.append(dataclasses.replace(last, offset=term.offset))
            operation = dataclasses.replace(operation, terms=terms)
        merged.append(operation)
    return [operation for operation in merged if operation not in taken]


def _is_linear(operation):
    return isinstance(operation, Mix) and operation.terms[0].linear is not None


def _stride_together(makers, axis):
    """Whether all terms are one strided layer."""
    if not all(maker and maker.spatial for maker in makers):
        return False
    steps = {
        (pixels_of(term.source, axis), term.linear.strides)
        for maker in makers
        for term in maker.terms
    }
    return len(steps) == 1


def _parts(maker, axis, together):
    """What a linear function becomes: operations, and the term at the end.

    Nothing for one that must run before, at another size of the image.
    """
    (term,) = maker.terms
    linear = term.linear
    if together or not maker.spatial:
        return [term]
    pointwise = linear.kernel_size == (1, 1) and linear.kind == "conv"
    if not pointwise or linear.padding not in ("same", ((0, 0), (0, 0))):
        return []
    channels = channels_of(term.source, axis)
    between = Tensor(with_channels(maker.target, axis, channels))
    name = f"{linear.name}_subsample"
    subsampling = Linear(
        "identity",
        name,
        linear.dtype,
        channels,
        strides=linear.strides,
        spatial=True,
    )
    before = Mix(name, maker.dtype, [Term(term.source, subsampling)], between)
    linear = dataclasses.replace(linear, strides=(1, 1), spatial=False)
    return [before, Term(between, linear)]
