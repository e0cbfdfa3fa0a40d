"""The operators of an ONNX file."""

from typing import Any

from keras_pnnh.auditing.file_graph import FileGraph, Operator


def read_onnx(content: Any) -> FileGraph:
    """The graph of an ONNX file.

    Args:
        content: The file's bytes.

    Returns:
        A `FileGraph`.

    Raises:
        ValueError: If an operator holds a graph of its own (`If`, `Loop`).
        ModuleNotFoundError: If the package onnx is not installed.
    """
    import onnx
    import onnx.inliner

    model = onnx.ModelProto.FromString(content)
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    graph = model.graph
    if not graph.node:
        raise ValueError("it holds no operators")
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {tensor.values.name for tensor in graph.sparse_initializer}
    operators = []
    for node in graph.node:
        if any(item.HasField("g") or item.graphs for item in node.attribute):
            raise ValueError(
                f"operator '{node.name}' ({node.op_type}) holds a graph of its "
                "own, which is not read"
            )
        if node.op_type == "Constant":
            constants.update(node.output)
            continue
        operators.append(
            Operator(
                node.op_type,
                node.name or node.output[0],
                tuple(node.input),
                tuple(node.output),
            )
        )
    inputs = tuple(
        item.name for item in graph.input if item.name not in constants
    )
    return FileGraph(operators, inputs, constants)
