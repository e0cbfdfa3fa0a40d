"""Kernels take in the layer normalisation before them."""

import dataclasses
from typing import Any

import numpy as np

from keras_pnnh.graph import Tensor
from keras_pnnh.pass_through.conversion.operations import (
    Linear,
    Mix,
    Norm,
    Term,
    find_readers,
)


def merge_norms(operations: Any, result: Any) -> list[Any]:
    """Divide after a kernel instead of before it.

    `norm(x) W + b` is `(x C diag(gamma) W) / sigma(x) + (beta W + b)`, where
    `C` takes off the mean: the kernel reads the stream that passes anyway,
    and no normalised copy of it travels beside. Only where the stream goes on,
    and not in half precision, which would lose what the mean hides.

    Args:
        operations: List of operations.
        result: The tensor that the network returns.

    Returns:
        List of operations.
    """
    readers = find_readers(operations, result)
    merged, replaced = [], {}
    for operation in operations:
        if isinstance(operation, Norm):
            following = readers.get(operation.target, [])
            if len(readers[operation.source]) > 1 and all(
                _is_kernel(reader) for reader in following
            ):
                replaced.update((reader, operation) for reader in following)
                continue
        if operation in replaced:
            merged += _divided(operation, replaced[operation])
        else:
            merged.append(operation)
    return merged


def _is_kernel(operation):
    """Whether an operation is a matrix between features, in full precision."""
    if not isinstance(operation, Mix) or len(operation.terms) > 1:
        return False
    linear = operation.terms[0].linear
    if linear is None or linear.kind != "dense":
        return False
    dtype = getattr(linear.dtype, "compute_dtype", linear.dtype)
    return dtype in ("float32", "float64")


def _divided(operation, norm):
    """The kernel on the stream, and the division after it."""
    linear = operation.terms[0].linear
    kernel = linear.kernel.astype("float64")
    bias = np.zeros(kernel.shape[1])
    if linear.bias is not None:
        bias = bias + linear.bias
    if norm.bias is not None:
        bias = bias + norm.bias.astype("float64") @ kernel
    if norm.scale is not None:
        kernel = kernel * norm.scale.astype("float64")[:, None]
    if not norm.rms:
        kernel = kernel - kernel.mean(axis=0)
    made = Tensor(operation.target.shape)
    name = f"{linear.name}_kernel"
    inner = Linear("dense", name, linear.dtype, linear.filters, kernel)
    return [
        Mix(name, linear.dtype, [Term(norm.source, inner)], made),
        dataclasses.replace(
            norm,
            name=linear.name,
            source=made,
            target=operation.target,
            scale=None,
            bias=bias,
            layer=None,
            statistics=norm.source,
        ),
    ]
