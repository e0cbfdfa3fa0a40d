"""The formats that networks are exported in; one file each."""

import difflib

from keras_pnnh.deployment.formats import (
    litert,
    litert_int8,
    onnx,
    onnx_int8,
    openvino_int8,
    openvino_ir,
    saved_model,
    torch_program,
)
from keras_pnnh.deployment.formats.format import Format

FORMATS: dict[str, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (
        saved_model,
        litert,
        litert_int8,
        onnx,
        onnx_int8,
        openvino_ir,
        openvino_int8,
        torch_program,
    )
}


def list_formats() -> list[str]:
    """Names of the formats that `export` writes.

    Example:

    >>> from keras_pnnh.deployment import list_formats
    >>> "onnx" in list_formats()
    True
    """
    return list(FORMATS)


def get_format(name: str) -> Format:
    """The row of a format.

    Raises:
        ValueError: If there is none of that name.
    """
    if name not in FORMATS:
        near = difflib.get_close_matches(str(name).lower(), FORMATS, n=2)
        meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(
            f"`format` must be one of {list(FORMATS)}. Received: "
            f"format={name!r}.{meant}"
        )
    return FORMATS[name]
