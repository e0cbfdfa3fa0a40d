"""What a file holds is read from the file, operator by operator."""

import keras
import numpy as np
import pytest

import keras_pnnh
from keras_pnnh.auditing import audit
from keras_pnnh.auditing.file_graph import FileGraph, Operator, find_joins

onnx = pytest.importorskip("onnx")
BACKEND = keras.backend.backend()


def graph(*nodes):
    """Nodes such as "b = CONV_2D(a, w)"; w, v are weights, a is the input."""
    operators = []
    for node in nodes:
        output, call = node.split(" = ")
        kind, inputs = call.rstrip(")").split("(")
        operators.append(
            Operator(kind, output, tuple(inputs.split(", ")), (output,))
        )
    return FileGraph(operators, ("a",), {"w", "v"})


CASES = {
    "chain": (["b = Conv(a, w)", "c = Add(b, v)", "d = Gemm(c, w)"], 0, 0),
    "shortcut": (
        ["b = Conv(a, w)", "c = Conv(b, w)", "d = Add(c, b)"],
        1,
        0,
    ),
    "GELU": (
        ["b = Conv(a, w)", "c = Erf(b)", "d = Add(c, v)", "e = Mul(b, d)"],
        0,
        1,
    ),
    "norm": (
        ["b = MatMul(a, w)", "c = ReduceMean(b)", "d = Sub(b, c)"],
        0,
        1,
    ),
    "slices": (
        [
            "b = SLICE(a, v)",
            "c = CONV_2D(b, w)",
            "d = SLICE(a, v)",
            "e = CONCATENATION(c, d)",
        ],
        1,
        0,
    ),
    "gate": (
        ["b = ReduceMean(a)", "c = Gemm(b, w)", "d = Mul(a, c)"],
        1,
        0,
    ),
    # The second join's paths all pass the first.
    "GELU after a shortcut": (
        [
            "b = Conv(a, w)",
            "c = Add(a, b)",
            "d = Sigmoid(c)",
            "e = Mul(c, d)",
        ],
        1,
        1,
    ),
    "a shortcut over two joins": (
        [
            "b = Conv(a, w)",
            "c = Sigmoid(b)",
            "d = Mul(b, c)",
            "e = Add(a, d)",
        ],
        1,
        1,
    ),
    "kernel computed of constants": (
        ["k = Transpose(w)", "b = Conv(a, k)", "c = Relu(b)"],
        0,
        0,
    ),
    "the same tensor twice": (["b = Conv(a, w)", "c = Mul(b, b)"], 0, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_joins_that_bypass_weights_count(case):
    nodes, bypassing, activation = CASES[case]
    joins = find_joins(graph(*nodes))
    assert len(joins.bypassing) == bypassing
    assert joins.activation == activation
    assert joins.shape == joins.inner_products == 0
    weighted = ("Conv", "CONV", "Gemm", "MatMul")
    assert joins.weighted == sum(
        node.split(" = ")[1].startswith(weighted) for node in nodes
    )


def test_attention_and_shapes_are_apart():
    joins = find_joins(
        graph(
            "q = MatMul(a, w)",
            "k = MatMul(a, w)",
            "v1 = MatMul(a, w)",
            "s = MatMul(q, k)",
            "p = Softmax(s)",
            "y = MatMul(p, v1)",
            "size = Shape(a)",
            "batch = Gather(size, v)",
            "whole = Concat(batch, size)",
            "z = Reshape(y, whole)",
            "end = Add(z, v)",
        )
    )
    assert joins == ([], 0, 2, 1, 3)


@pytest.mark.parametrize("attention", ["MatMul", "BATCH_MATMUL"])
def test_what_is_carried_around_attention_counts(attention):
    """As a Vision Transformer with its pass-through channels written out."""
    joins = find_joins(
        graph(
            "x = MatMul(a, w)",
            "q = Slice(x, v)",
            "k = Slice(x, v)",
            f"s = {attention}(q, k)",
            "p = Softmax(s)",
            "carried = Slice(x, v)",
            "y = Concat(p, carried)",
        )
    )
    assert [join.kind for join in joins.bypassing] == ["Concat"]
    assert joins.inner_products == 1 and joins.activation == 0


def residual():
    x = image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    for _ in range(2):
        y = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        y = keras.layers.Conv2D(4, 3, padding="same")(y)
        x = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(2)(x), name="net")


FORMATS = {"torch": ["onnx"], "tensorflow": ["onnx", "litert"], "jax": []}


@pytest.mark.every_backend
@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS[BACKEND])
def test_files_of_a_residual_network_and_its_forms(format, tmp_path):
    source = residual()
    chain, _ = keras_pnnh.from_residual(source)
    suffix = ".onnx" if format == "onnx" else ".tflite"
    reports = {}
    for name, model in (
        ("source", source),
        ("chain", chain),
        ("written", keras_pnnh.write_out(chain)),
    ):
        path = tmp_path / f"{name}{suffix}"
        keep = {"verify": False, "keep_pass_through": True}
        keras_pnnh.export(model, path, format, **keep)
        reports[name] = audit(path)
    add = {"onnx": "Add", "litert": "ADD"}[format]
    assert reports["source"].join_kinds == {add: 2}
    assert not reports["source"].plain and not reports["chain"].plain
    assert len(reports["chain"].joins) > 2  # more than the skips it replaces
    assert reports["written"].plain and not reports["written"].joins
    assert reports["written"].weighted == 6
    assert "plain: yes" in str(reports["written"])
    with pytest.raises(ValueError, match=f"2 joins .* \\(2 {add}\\)"):
        reports["source"].raise_if_not_plain()
    reports["written"].raise_if_not_plain()


def small_file(path):
    """A convolution as ONNX, written by hand."""
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, [1, 1, 1, 1], [2.0])
    image = helper.make_tensor_value_info("a", TensorProto.FLOAT, [1, 1, 4, 4])
    result = helper.make_tensor_value_info("b", TensorProto.FLOAT, None)
    node = helper.make_node("Conv", ["a", "w"], ["b"])
    onnx.save(
        helper.make_model(
            helper.make_graph([node], "net", [image], [result], [weights])
        ),
        path,
    )
    return path


def test_what_is_no_file_of_ours_is_refused(tmp_path):
    path = small_file(tmp_path / "net.onnx")
    assert audit(str(path)).operators == {"Conv": 1}
    whole = path.read_bytes()
    for name, content, message in (
        ("net.pt2", whole, "'.onnx|.onnx or .tflite"),
        ("half.onnx", whole[: len(whole) // 2], "cannot be read"),
        ("empty.onnx", b"", "no operators"),
        ("net.tflite", whole, "TFL3"),
        ("half.tflite", b"\x1c\x00\x00\x00TFL3" + bytes(9), "cannot be read"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=message):
            audit(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        audit(tmp_path / "none.onnx")


def test_random_bytes_end_in_a_sentence(tmp_path):
    generator = np.random.default_rng(0)
    whole = small_file(tmp_path / "net.onnx").read_bytes()
    path = tmp_path / "broken.onnx"
    for _ in range(100):
        damaged = bytearray(whole)
        for place in generator.integers(0, len(whole), 5):
            damaged[place] = generator.integers(256)
        path.write_bytes(damaged)
        try:
            audit(path)
        except ValueError as error:
            assert "Export it again" in str(error)
