"""What is padded in Keras is padded by the convolution in a file."""

import itertools

import keras
import numpy as np
import pytest

import keras_pnnh
from keras_pnnh.auditing import audit
from keras_pnnh.deployment import padding
from keras_pnnh.deployment.formats import FORMATS

BACKEND = keras.backend.backend()


def reads(size, pad, kernel, stride):
    """Which rows each step reads, by taps of the kernel that are not zero."""
    count = (size + sum(pad) - kernel) // stride + 1
    return [
        [step * stride - pad[0] + tap for tap in range(kernel)]
        for step in range(count)
    ]


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 7])
def test_same_reads_the_rows_that_were_padded_by_hand(kernel):
    found = 0
    pads = list(itertools.product(range(4), range(4)))
    for size, stride, pad in itertools.product(range(7, 17), (1, 2, 3), pads):
        expected = reads(size, pad, kernel, stride)
        own = padding.own_same(size, kernel, stride, pad)
        if own is None:
            continue
        found += 1
        length = kernel + own.front + own.back
        steps = -(-size // stride)
        # What "same" means to TensorFlow.
        total = max((steps - 1) * stride + length - size, 0)
        assert (own.before, own.after) == (total // 2, total - total // 2)
        got = reads(size, (total // 2, total - total // 2), length, stride)
        got = [row[own.front : length - own.back] for row in got[:steps]]
        assert got == expected
        sized = padding.alike(pad, size, kernel, stride)
        assert sized.before == sized.after
        for both in (padding.alike(pad), sized):
            length = kernel + both.front + both.back
            got = reads(size, (both.before, both.after), length, stride)
            got = [row[both.front : length - both.back] for row in got]
            assert got == expected
    assert found > 20
    assert padding.own_same(224, 7, 2, (3, 3)) == (3, 3, 0, 1)
    assert padding.own_same(56, 3, 2, (1, 1)) == (1, 1, 0, 1)
    assert padding.own_same(57, 3, 2, (1, 1)) == (1, 1, 0, 0)
    # MobileNetV2 of `keras.applications` pads by hand what "same" pads.
    assert padding.own_same(112, 3, 2, (0, 1)) == (0, 1, 0, 0)
    # A ResNet's, converted: the kernel stays as it is where it can.
    assert padding.alike((1, 0), 56, 3, 2) == (1, 1, 0, 0)
    assert padding.alike((1, 0), 57, 3, 2) == (1, 1, 0, 1)
    assert padding.alike((1, 0)) == (1, 1, 0, 1)


def network(size, kernel, stride, pad, shared=False, groups=2):
    image = keras.Input((*size, 3))
    x = keras.layers.Conv2D(4, 1, activation="relu")(image)
    x = padded = keras.layers.ZeroPadding2D(pad)(x)
    common = {"strides": stride, "bias_initializer": "random_normal"}
    x = keras.layers.Conv2D(6, kernel, **common, activation="relu")(x)
    x = keras.layers.ZeroPadding2D(pad)(x)
    x = keras.layers.DepthwiseConv2D(
        kernel, depth_multiplier=2, activation="relu", **common
    )(x)
    if pad == 1:
        x = keras.layers.ZeroPadding2D(1)(x)
        x = keras.layers.MaxPooling2D(3, 1)(x)
    x = keras.layers.Conv2D(8, 3, strides=2, groups=groups, padding="same")(x)
    x = keras.layers.GlobalMaxPooling2D()(x)
    outputs = [x]
    if shared:
        outputs.append(keras.layers.GlobalMaxPooling2D()(padded))
        return keras.Model(image, keras.layers.Concatenate()(outputs))
    return keras.Model(image, x)


CASES = [
    ((16, 16), 3, 2, 1),
    ((15, 16), 3, 2, 1),
    ((17, 14), 7, 2, 3),
    ((16, 8), 3, 2, ((0, 1), (0, 1))),
    ((12, 12), 5, 1, 2),
    ((17, 17), 3, 3, 1),
    ((16, 12), 3, 2, ((1, 0), (1, 0))),
]
# What TensorFlow's graph gets for ONNX is not run by TensorFlow.
RUNTIMES = {"torch": ["torch", "litert"]}


@pytest.mark.parametrize("runtime", RUNTIMES.get(BACKEND, ["litert"]))
@pytest.mark.parametrize("case", CASES)
def test_the_function_stays(case, runtime):
    model = network(*case)
    absorbed = padding.absorb_padding(model, runtime)
    names = {type(layer).__name__ for layer in absorbed.layers}
    left = case[0] == (17, 17) or (case[3] == 1 and runtime == "litert")
    assert "ZeroPadding2D" not in names or left
    images = np.random.default_rng(0).normal(size=(2, *case[0], 3))
    np.testing.assert_allclose(
        absorbed.predict(images, verbose=0),
        model.predict(images, verbose=0),
        rtol=1e-4,
        atol=1e-5,
    )


def test_a_padded_copy_with_other_readers_stays():
    model = network((16, 16), 3, 2, ((1, 1), (1, 1)), shared=True)
    absorbed = padding.absorb_padding(model, "litert")
    names = [type(layer).__name__ for layer in absorbed.layers]
    assert names.count("ZeroPadding2D") == 1


HERE = [name for name, form in FORMATS.items() if BACKEND in form.backends]


@pytest.mark.parametrize("format", HERE)
@pytest.mark.parametrize("case", [CASES[1], CASES[3]])
def test_no_file_holds_a_padded_copy(case, format, tmp_path):
    if FORMATS[format].quantized:
        pytest.skip("it is written like the float one")
    path = tmp_path / f"net{FORMATS[format].suffix}"
    report = keras_pnnh.export(network(*case, groups=1), path, format)
    assert report.relative_difference < 1e-5
    if format == "litert" and case[3] == 1:
        assert audit(path).operators["PAD"] == 1  # the maximum's
    elif format in ("onnx", "litert"):
        assert not {"Pad", "PAD", "PADV2"} & audit(path).operators.keys()
    elif format == "torch":
        import torch

        nodes = torch.export.load(path).graph.nodes
        assert not [node for node in nodes if "pad" in str(node.target)]


def test_padding_holds_no_memory_any_more():
    model = keras_pnnh.fold(
        keras_pnnh.applications.PlainResNet18(
            weights=None, input_shape=(64, 64, 3), classes=4
        )
    )
    before = audit(model)
    litert = audit(padding.absorb_padding(model, "litert"))
    assert litert.plain
    left = [row.name for row in litert.layers if "pad" in row.name]
    assert left == ["stem_pad"]  # before a maximum
    if BACKEND == "torch":
        after = audit(padding.absorb_padding(model, "torch"))
        assert not any("pad" in row.name for row in after.layers)
        assert after.peak_activation < 0.8 * before.peak_activation
