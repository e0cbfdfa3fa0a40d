import re

import keras
import numpy as np
import pytest
from harness import INTERNAL_PATHS
from keras import layers

import keras_pnnh
from keras_pnnh import applications
from keras_pnnh.applications.plain_resnet import PlainResNet
from keras_pnnh.auditing import (
    AuditReport,
    audit,
    compare,
)
from keras_pnnh.folding import fold
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.layers import Coder, PlainConv2D


def small(**kwargs):
    return PlainResNet((1, 2), (4, 6), input_shape=(8, 8, 3), **kwargs)


def test_a_folded_coder_model_is_plain():
    report = audit(fold(small()))
    assert isinstance(report, AuditReport)
    assert report.plain
    assert report.merges == report.forks == report.shared == ()
    assert "plain: yes" in str(report)
    report.raise_if_not_plain()


@pytest.mark.parametrize("folded", [True, False])
def test_a_residual_twin_is_not_plain_and_says_where(folded):
    model = small(internal_path="residual")
    report = audit(fold(model) if folded else model)
    assert not report.plain
    assert report.merges == tuple(
        f"stage{stage}_block{block}_add"
        for stage, block in ((1, 1), (2, 1), (2, 2))
    )
    assert report.forks == (
        "stem_relu",
        "stage1_block1_relu2",
        "stage2_block1_relu2",
    )
    assert (
        "plain: no, paths merge at layer 'stage1_block1_add' (and 2 more)"
        in str(report)
    )
    with pytest.raises(ValueError, match="merge at layer 'stage1_block1_add'"):
        report.raise_if_not_plain()


def test_a_model_with_coders_says_fold_it_first():
    report = audit(small())
    assert not report.plain
    assert report.shared == ("stage1_coder", "stage2_coder")
    assert report.merges[0] == "stage1_block1_conv1"
    assert "share 'stage1_coder' (and 1 more): fold it first" in str(report)
    with pytest.raises(ValueError, match="keras_pnnh.fold"):
        report.raise_if_not_plain()


def test_a_chain_with_pass_through_channels_is_not_called_plain():
    twin = fold(small(internal_path="residual"))
    chain, _ = keras_pnnh.from_residual(twin)
    report = audit(chain)
    assert report.chain and report.pass_through and not report.plain
    assert report.merges == report.forks == ()
    assert "plain: no, pass-through: one chain of this library's" in str(report)
    assert "pass-through" in compare({"chain": report})
    report.raise_if_no_chain()
    with pytest.raises(ValueError, match="keras_pnnh.write_out"):
        report.raise_if_not_plain()
    written = audit(keras_pnnh.write_out(chain))
    assert written.plain and not written.pass_through
    for report in (audit(twin), audit(small())):
        assert not report.chain and not report.pass_through


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("depth", "internal_path"),
    [(20, "coder"), (20, "residual"), (20, "none"), (56, "coder")],
)
def test_depth_parameters_and_macs_of_the_cifar_networks(depth, internal_path):
    build = getattr(applications, f"PlainResNet{depth}")
    model = build(internal_path=internal_path)
    convolutions = (depth - 2) // 3  # in each stage
    channels = [(3, 16)] + [(16, 16)] * convolutions
    channels += [(16, 32)] + [(32, 32)] * (convolutions - 1)
    channels += [(32, 64)] + [(64, 64)] * (convolutions - 1)
    parameters = sum(9 * cin * cout + cout for cin, cout in channels)
    pixels = {16: 32 * 32, 32: 16 * 16, 64: 8 * 8}
    macs = sum(9 * cin * cout * pixels[cout] for cin, cout in channels)
    folded = fold(model)
    for network in (model, folded):
        report = audit(network)
        assert report.depth == depth
        assert report.parameters == network.count_params()
        assert report.folded_parameters == parameters + 64 * 10 + 10
        assert report.macs == macs + 64 * 10
    assert report.parameters == report.folded_parameters


def worked_example():
    x = keras.Input((4, 4, 2), name="x")  # 32
    y = layers.Conv2D(3, 3, padding="same", use_bias=False, name="conv1")(x)
    y = layers.BatchNormalization(name="norm")(y)  # 48, in place
    y = layers.ReLU(name="relu1")(y)  # 48, in place
    z = layers.DepthwiseConv2D(3, padding="same", name="conv2")(y)  # 48
    z = layers.ReLU(name="relu2")(z)  # in place
    z = layers.Add(name="add")([z, y])  # in place of either
    z = layers.MaxPooling2D(name="pool")(z)  # (2, 2, 3): 12
    z = layers.Flatten(name="flatten")(z)
    return keras.Model(x, layers.Dense(5, name="head")(z))


@pytest.mark.every_backend
def test_a_model_worked_out_by_hand():
    report = audit(worked_example())
    assert [tuple(row) for row in report.layers] == [
        # name, output, stored, multiply-accumulates, live
        ("x", (4, 4, 2), 0, 0, 32),
        ("conv1", (4, 4, 3), 9 * 2 * 3, 16 * 9 * 2 * 3, 32 + 48),
        ("norm", (4, 4, 3), 4 * 3, 0, 48),
        ("relu1", (4, 4, 3), 0, 0, 48),
        ("conv2", (4, 4, 3), 9 * 3 + 3, 16 * 9 * 3, 48 + 48),
        ("relu2", (4, 4, 3), 0, 0, 48 + 48),
        ("add", (4, 4, 3), 0, 0, 48 + 48),
        ("pool", (2, 2, 3), 0, 0, 48 + 12),
        ("flatten", (12,), 0, 0, 12),
        ("head", (5,), 12 * 5 + 5, 12 * 5, 12 + 5),
    ]
    assert report.macs == 16 * 54 + 16 * 27 + 60
    assert report.parameters == 54 + 12 + 30 + 65
    assert report.folded_parameters == 54 + 3 + 30 + 65
    assert (report.peak_activation, report.peak_layer) == (96, "conv2")
    assert report.depth == 3
    assert (report.merges, report.forks) == (("add",), ("relu1",))


def live(model):
    return {row.name: row.live for row in audit(model).layers}


def test_only_the_last_reader_works_in_place():
    x = keras.Input((10,), name="x")
    early = layers.ReLU(name="early")(x)
    late = layers.Activation("tanh", name="late")(x)
    model = keras.Model(x, layers.Add(name="add")([early, late]))
    assert live(model) == {"x": 10, "early": 20, "late": 20, "add": 20}


def test_results_live_to_the_end():
    x = keras.Input((10,), name="x")
    y = layers.Dense(20, name="dense")(x)
    model = keras.Model(x, [y, layers.ReLU(name="relu")(y)])
    assert live(model) == {"x": 10, "dense": 30, "relu": 40}


def test_what_grows_is_not_in_place():
    x = keras.Input((4, 1), name="x")
    wide = keras.Input((4, 3), name="wide")
    y = layers.Multiply(name="multiply")([x, wide])
    assert live(keras.Model([x, wide], y))["multiply"] == 16
    outer = layers.Multiply(name="multiply")(
        [x, keras.ops.transpose(x, (0, 2, 1))]
    )
    assert live(keras.Model(x, outer))["multiply"] == 4 + 4 + 16


def test_a_plain_convolution_pads_a_copy():
    x = keras.Input((8, 8, 2), name="x")
    y = PlainConv2D(3, strides=2, name="conv")(x)
    assert live(keras.Model(x, y))["conv"] == 128 + 10 * 10 * 2
    # The output is larger than the input that is gone by then.
    y = PlainConv2D(12, strides=2, name="conv")(x)
    assert live(keras.Model(x, y))["conv"] == 10 * 10 * 2 + 4 * 4 * 12


def test_a_coder_costs_nothing_but_its_parameters():
    coder = Coder(4, name="coder")
    x = keras.Input((6, 6, 4), name="x")
    matrix = coder(x, part="encoder")
    y = PlainConv2D(4, name="conv")(x, matrix)
    report = audit(keras.Model(x, y))
    assert report.macs == 36 * 9 * 16
    assert report.peak_activation == 2 * 144
    assert report.layers[1] == ("coder", (4, 4), 32, 0, 144)
    assert report.layers[2].live == 288
    # As a branch it is two 1x1 convolutions.
    report = audit(keras.Model(x, coder(x)))
    assert report.macs == 36 * (4 * 4 + 4 * 4)
    assert report.folded_parameters == report.parameters == 32


def test_a_coder_does_not_keep_its_input_alive():
    """It only looks at the shape, so the activation may overwrite it."""
    x = keras.Input((6, 6, 4), name="x")
    y = layers.ReLU(name="relu")(x)
    matrix = Coder(4, name="coder")(x, part="encoder")
    y = PlainConv2D(4, name="conv")(y, matrix)
    assert live(keras.Model(x, y)) == {
        "x": 144,
        "relu": 144,
        "coder": 144,
        "conv": 288,
    }


def shared_by_two_matrices():
    coder = Coder(4, name="coder")
    shared = PlainConv2D(4, name="shared")
    x = y = keras.Input((6, 6, 4), name="x")
    for part in ("encoder", "decoder", "encoder"):
        y = layers.ReLU()(shared(y, coder(y, part=part)))
    return keras.Model(x, y)


def nested():
    inner_input = keras.Input((8, 8, 3))
    y = layers.DepthwiseConv2D(3, depth_multiplier=2)(inner_input)
    y = layers.BatchNormalization()(y)
    y = layers.Conv2D(3, 3, padding="same", groups=3, name="conv")(y)
    inner = keras.Model(inner_input, layers.ZeroPadding2D(1)(y))
    x = keras.Input((8, 8, 3))
    return keras.Model(x, keras.ops.relu(inner(inner(x))) * 2)


@pytest.mark.parametrize(
    "build",
    [
        worked_example,
        shared_by_two_matrices,
        nested,
        *(
            lambda path=path: small(internal_path=path)
            for path in INTERNAL_PATHS
        ),
        lambda: small(norm="kernel"),
    ],
)
def test_folding_changes_what_the_audit_says_it_changes(build):
    model = build()
    before, folded = audit(model), fold(model)
    after = audit(folded)
    assert before.folded_parameters == folded.count_params()
    assert after.parameters == after.folded_parameters == folded.count_params()
    assert after.macs == before.macs
    assert after.depth == before.depth
    assert after.peak_activation == before.peak_activation


def test_nested_and_shared_layers():
    report = audit(nested())
    assert report.depth == 4
    macs = 36 * 9 * 6 + 36 * 9 * 2 * 3
    assert report.macs == 2 * macs
    assert sum(row.parameters for row in report.layers) == report.parameters


def test_a_fork_without_a_merge_is_not_plain():
    x = keras.Input((4,), name="x")
    y = layers.Dense(3, name="dense")(x)
    model = keras.Model(x, [layers.ReLU()(y), layers.Softmax()(y)])
    report = audit(model)
    assert (report.plain, report.forks, report.merges) == (
        False,
        ("dense",),
        (),
    )
    assert "plain: no, paths part at layer 'dense'" in str(report)
    with pytest.raises(ValueError, match="part at layer 'dense'"):
        report.raise_if_not_plain()


def test_a_result_that_is_read_on_is_a_fork():
    x = keras.Input((4,), name="x")
    y = layers.Dense(3, name="dense")(x)
    assert audit(keras.Model(x, [y, layers.ReLU()(y)])).forks == ("dense",)


def test_a_tensor_added_to_itself_is_a_merge_and_a_fork():
    x = keras.Input((4,), name="x")
    report = audit(keras.Model(x, layers.Add(name="double")([x, x])))
    assert (report.merges, report.forks) == (("double",), ("x",))


def test_depth_is_that_of_the_longest_path():
    x = keras.Input((4,))
    y = layers.Dense(4)(layers.Dense(4)(x))
    z = layers.Dense(4)(layers.Add()([y, layers.Dense(4)(x)]))
    assert audit(keras.Model(x, z)).depth == 3


class Unknown(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 4))

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel)

    def compute_output_shape(self, shape):
        return (*shape[:-1], 4)


@pytest.mark.parametrize(
    ("build", "class_name"),
    [
        (lambda x: Unknown(name="layer")(x), "Unknown"),
        (lambda x: layers.LSTM(3, name="layer")(x), "LSTM"),
        (lambda x: layers.Dot(1, name="layer")([x, x]), "Dot"),
        (
            lambda x: layers.GroupQueryAttention(2, 2, 1, name="layer")(x, x),
            "GroupedQueryAttention",
        ),
        (lambda x: keras.ops.matmul(x, keras.ops.transpose(x)), "Matmul"),
    ],
)
def test_a_product_of_unknown_cost_is_refused(build, class_name):
    x = keras.Input(batch_shape=(3, 3, 3))
    with pytest.raises(ValueError, match=f"class {class_name}, which is not"):
        audit(keras.Model(x, build(x)))


def test_the_input_shape_fills_in_open_sizes():
    closed = audit(small(include_top=False))
    model = PlainResNet((1, 2), (4, 6), include_top=False)
    before = list(map(to_numpy, model.weights))
    assert audit(model, input_shape=(8, 8, 3))[2:] == closed[2:]
    for now, then in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(to_numpy(now), then)
    assert model.output_shape == (None, None, None, 6)
    with pytest.raises(ValueError, match="'images'.*input_shape="):
        audit(model)


@pytest.mark.parametrize(
    "shape", [(8, 8, 4), (8, 8), (8, None, 3), (1, 8, 8, 3)]
)
def test_an_input_shape_that_does_not_fit_is_refused(shape):
    model = PlainResNet((1, 2), (4, 6), include_top=False)
    with pytest.raises(ValueError, match="must agree with the model"):
        audit(model, input_shape=shape)


def test_several_inputs_take_several_shapes():
    x, y = keras.Input((None, 3), name="x"), keras.Input((None, 3), name="y")
    model = keras.Model([x, y], layers.Concatenate(1, name="both")([x, y]))
    report = audit(model, input_shape=[(4, 3), (5, 3)])
    assert report.layers[-1].output_shape == (9, 3)
    assert report.peak_activation == 2 * 27
    with pytest.raises(ValueError, match="one shape per input"):
        audit(model, input_shape=[(4, 3)])


def test_comparison_has_a_column_for_each_model():
    reports = {
        "plain": audit(fold(small())),
        "residual twin": audit(fold(small(internal_path="residual"))),
    }
    lines = compare(reports).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split("  ")[-2:] == ["plain", "residual twin"]
    cells = [re.split(r"\s{2,}", line) for line in lines[1:]]
    rows = {name: values for name, *values in cells}
    assert rows["plain"] == ["yes", "no"]
    assert rows["layers where paths merge"] == ["0", "3"]
    macs = f"{reports['plain'].macs:,}"
    assert rows["multiply-accumulates"] == [macs, macs]
    with pytest.raises(ValueError, match="at least one report"):
        compare({})


@pytest.mark.slow
def test_resnet50_has_the_known_peak():
    """1.806 M floats with skips: the count behind the published claim."""
    report = audit(keras.applications.ResNet50(weights=None))
    assert report.peak_activation == 2 * 56 * 56 * 256 + 56 * 56 * 64
    assert report.depth == 50
    assert report.merges[0] == "conv2_block1_add"
    assert len(report.merges) == 16


def test_multi_head_attention_counts_as_its_kernels_and_pairs():
    tokens = keras.Input((5, 4))
    others = keras.Input((7, 3))
    layer = layers.MultiHeadAttention(2, 3, 6)
    model = keras.Model([tokens, others], layer(tokens, others))
    kernels = 5 * 4 * 6 + 7 * 3 * 6 + 7 * 3 * 12 + 5 * 12 * 4
    assert audit(model).macs == kernels + 5 * 7 * 2 * (3 + 6)
