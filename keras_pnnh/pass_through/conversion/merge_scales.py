"""Kernels take in the factor per channel after them."""

import dataclasses
from typing import Any

from keras_pnnh.pass_through.conversion.operations import (
    Mix,
    Term,
    find_readers,
)


def merge_scales(operations: Any, result: Any) -> list[Any]:
    """A convolution and the scale that alone reads it become one.

    Batch norms after convolutions have been folded before; here are those
    after dense layers, and factors such as that of a scaled branch.

    Args:
        operations: List of operations.
        result: The tensor that the network returns.

    Returns:
        List of operations.
    """
    readers, makers = find_readers(operations, result), {}
    merged = []
    for operation in operations:
        linear = _only_linear(operation)
        if linear is not None and linear.kind == "scale":
            maker = makers.get(operation.terms[0].source)
            if maker and len(readers[maker.target]) == 1:
                merged.remove(maker)
                operation = _scaled(maker, operation)
        if _only_linear(operation) is not None:
            makers[operation.target] = operation
        merged.append(operation)
    return merged


def _only_linear(operation):
    """The weights of an operation that is nothing else, or None."""
    if not isinstance(operation, Mix) or len(operation.terms) > 1:
        return None
    linear = operation.terms[0].linear
    kinds = ("conv", "dense", "depthwise", "scale")
    return linear if linear is not None and linear.kind in kinds else None


def _scaled(maker, operation):
    (term,) = maker.terms
    inner, outer = term.linear, operation.terms[0].linear
    scale = outer.kernel.astype("float64")
    shape = scale.shape
    if inner.kind == "depthwise":  # channels, and how many each becomes
        shape = inner.kernel.shape[2:]
    bias = outer.bias
    if inner.bias is not None:
        bias = inner.bias * scale + (0 if bias is None else bias)
    linear = dataclasses.replace(
        inner,
        name=operation.name,
        kernel=inner.kernel * scale.reshape(shape),
        bias=bias,
        layer=None,
    )
    return dataclasses.replace(
        operation, terms=[Term(term.source, linear, term.offset)]
    )
