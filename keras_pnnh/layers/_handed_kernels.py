"""Whether the kernels that a `PlainConv2D` is handed by others fit it."""

from typing import Any


def check_coder(layer: Any, shape: Any) -> None:
    """The coder's matrix has the size of its channels, and comes in time.

    Args:
        layer: A `PlainConv2D`.
        shape: Of the matrix, `(channels, filters)`; None for no matrix.
    """
    if shape is None:
        if layer.code_channels or layer.code_filters:
            raise ValueError(
                f"Layer '{layer.name}' has channels that only a coder reads or "
                "writes, so it needs one in every call. Received: "
                "coder_kernel=None. Pass it `coder(x, part=...)`."
            )
        return
    rows, columns = shape = tuple(shape)
    for given, what, name in (
        (rows, "rows", "code_channels"),
        (columns, "columns", "code_filters"),
    ):
        if getattr(layer, name) not in (0, given):
            raise ValueError(
                f"The coder of layer '{layer.name}' must have "
                f"{getattr(layer, name)} {what}, the layer's `{name}`. "
                f"Received: a coder matrix of shape {shape}. Give the layer "
                "the coder's `code_filters`, or hand over another part of it."
            )
    channels = layer.kernel_shape[2]
    if rows > channels or columns > layer.filters:
        raise ValueError(
            f"The coder of layer '{layer.name}' must fit into its kernel of "
            f"{channels} input channels and {layer.filters} filters. "
            f"Received: a coder matrix of shape {shape}. "
            "Make the code narrower or the layer wider."
        )
    if layer.built and layer.scales_coder and layer.coder_scale is None:
        raise ValueError(
            f"Layer '{layer.name}' was built without a coder and has no "
            f"scale for one. Received: a coder matrix of shape {shape}. "
            "Pass it in the first call, too."
        )


def check_learner(layer: Any, shape: Any) -> None:
    """The kernel fits, and the layer has none or only its own.

    Args:
        layer: A `PlainConv2D`.
        shape: Of the kernel; None for no kernel.
    """
    if shape is None:
        if layer.built and layer.kernel is None:
            raise ValueError(
                f"Layer '{layer.name}' was built with a learner's kernel "
                "handed to it and has none of its own. Received: "
                "learner_kernel=None. Pass it in every call."
            )
        return
    if tuple(shape) != layer.learner_shape:
        raise ValueError(
            f"The learner's kernel of layer '{layer.name}' must have shape "
            f"{layer.learner_shape}. Received: learner_kernel of shape "
            f"{tuple(shape)}. Call the `SharedKernel` with "
            "the tensor that the layer reads."
        )
    if layer.kernel is not None:
        raise ValueError(
            f"Layer '{layer.name}' was built with a kernel of its own. "
            "Received: a learner_kernel beside it. Pass it in the first "
            "call, too."
        )
