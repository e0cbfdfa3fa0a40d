"""The operators of a LiteRT (TensorFlow Lite) file."""

from typing import Any

from keras_pnnh.auditing.file_graph import FileGraph, Operator

IDENTIFIER = b"TFL3"
# They run other graphs of the file.
CONTROL = {
    "CALL",
    "CALL_ONCE",
    "IF",
    "STABLEHLO_CASE",
    "STABLEHLO_COMPOSITE",
    "STABLEHLO_WHILE",
    "WHILE",
}


def read_litert(content: Any) -> FileGraph:
    """The graph of a LiteRT file.

    Args:
        content: The file's bytes.

    Returns:
        A `FileGraph`.

    Raises:
        ValueError: If it is no such file, or an operator runs another graph.
        ModuleNotFoundError: If the package ai-edge-litert is not installed.
    """
    from ai_edge_litert import schema_py_generated as schema

    if content[4:8] != IDENTIFIER:
        raise ValueError(f"it lacks the identifier {IDENTIFIER.decode()}")
    model = schema.Model.GetRootAs(content, 0)
    if not model.SubgraphsLength():
        raise ValueError("it holds no graph")
    graph = model.Subgraphs(0)
    names = {
        value: name
        for name, value in vars(schema.BuiltinOperator).items()
        if not name.startswith("_")
    }
    kinds = [
        _kind(model.OperatorCodes(index), names)
        for index in range(model.OperatorCodesLength())
    ]
    operators = []
    for index in range(graph.OperatorsLength()):
        node = graph.Operators(index)
        kind = kinds[node.OpcodeIndex()]
        outputs = _tensors(node.OutputsAsNumpy())
        if kind in CONTROL:
            raise ValueError(
                f"operator {index} ({kind}) runs another graph, which is not "
                "read"
            )
        name = graph.Tensors(int(outputs[0])).Name() if outputs else b""
        operators.append(
            Operator(
                kind,
                (name or b"").decode(errors="replace"),
                _tensors(node.InputsAsNumpy()),
                outputs,
            )
        )
    made = {name for operator in operators for name in operator.outputs}
    inputs = _tensors(graph.InputsAsNumpy())
    constants = {
        str(index)
        for index in range(graph.TensorsLength())
        if str(index) not in made and str(index) not in inputs
    }
    return FileGraph(operators, inputs, constants)


def _kind(code, names):
    # Files from before 2020 have the first field only.
    number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
    if names.get(number) == "CUSTOM":
        return (code.CustomCode() or b"CUSTOM").decode(errors="replace")
    return names.get(number, f"operator {number}")


def _tensors(indices):
    """Numbers of tensors as names; -1 means none."""
    if isinstance(indices, int):  # flatbuffers: 0 for an absent list
        return ()
    return tuple(str(index) if index >= 0 else "" for index in indices)
