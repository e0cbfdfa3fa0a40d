"""The operators of an OpenVINO file."""

from xml.etree import ElementTree

from keras_pnnh.auditing.file_graph import FileGraph, Operator

# No operators: what goes in, what comes out, and weights.
INPUT, OUTPUT, CONSTANT = "Parameter", "Result", "Const"


def read_openvino(content: bytes) -> FileGraph:
    """The graph of an OpenVINO file, whose name ends in ".xml".

    Args:
        content: The file's bytes.

    Returns:
        A `FileGraph`.

    Raises:
        ValueError: If it is none, or an operator holds a graph of its own.
    """
    network = ElementTree.fromstring(content)
    if network.tag != "net" or network.find("layers") is None:
        raise ValueError(f"its outermost element is <{network.tag}>")
    came_from = {}
    for edge in network.iterfind("edges/edge"):
        end = edge.get("to-layer"), edge.get("to-port")
        came_from[end] = f"{edge.get('from-layer')}:{edge.get('from-port')}"
    operators, inputs, constants = [], [], set()
    for layer in network.iterfind("layers/layer"):
        if layer.find("body") is not None:
            raise ValueError(
                f"operator '{layer.get('name')}' ({layer.get('type')}) holds "
                "a graph of its own, which is not read"
            )
        number, kind = layer.get("id"), layer.get("type", "")
        outputs = tuple(
            f"{number}:{port.get('id')}"
            for port in layer.iterfind("output/port")
        )
        if kind == INPUT:
            inputs += outputs
        elif kind == CONSTANT:
            constants.update(outputs)
        elif kind != OUTPUT:
            ports = layer.iterfind("input/port")
            read = tuple(came_from[number, port.get("id")] for port in ports)
            name = layer.get("name", "")
            operators.append(Operator(kind, name, read, outputs))
    if not operators:
        raise ValueError("it holds no operators")
    return FileGraph(
        _in_order(operators, inputs, constants), tuple(inputs), constants
    )


def _in_order(operators, inputs, constants):
    """So that each stands behind what it reads."""
    known, waiting, ordered = {*inputs, *constants}, operators, []
    while waiting:
        ready = [op for op in waiting if known.issuperset(op.inputs)]
        if not ready:
            raise ValueError(f"operator '{waiting[0].name}' reads nothing")
        known.update(name for op in ready for name in op.outputs)
        ordered += ready
        waiting = [op for op in waiting if op not in ready]
    return ordered
