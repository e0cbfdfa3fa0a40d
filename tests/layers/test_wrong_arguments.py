"""Constructors of layers: what is no number, no flag, no list gets a sentence.

One rule for all layers; what only one layer can get wrong is tested with it.
"""

import pytest

from keras_pnnh.layers import (
    Coder,
    PlainAttention,
    PlainConv2D,
    PlainDense,
    PlainDepthwiseConv2D,
    SharedKernel,
    TokenEmbedding,
    ZeroPaddingShortcut,
)
from keras_pnnh.pass_through.layers import (
    CarryActivation,
    CarryAttention,
    CarryConv2D,
    CarryDense,
    CarryNormalization,
)

NAN, INFINITY = float("nan"), float("inf")
COUNTS = (0, -1, True, 2.0, "2", None, [2])
NUMBERS = (NAN, INFINITY, True, "1", None, (1.0,))
SHARES = (*NUMBERS, -0.5, 1.5)
FLAGS = ("no", 0, 1.0, None)
PAIRS = (2, [2], [0, 1], [1.0, 1.0], [True, 1], "11", None)
RANGES = (3, [3], [3, 3], [3, 2], [-1, 2], [0.0, 2.0], [0, True], "03", None)
INTEGERS = (0.5, True, "1", None)
NAMES = ("softmaxx", 3, ["relu"])

CASES = [
    (PlainConv2D, {"filters": 4}, "filters", COUNTS),
    (PlainConv2D, {"filters": 4}, "kernel_size", (*COUNTS, 2)),
    (PlainConv2D, {"filters": 4}, "strides", COUNTS),
    (PlainConv2D, {"filters": 4}, "norm", (*NAMES, False)),
    (PlainConv2D, {"filters": 4}, "learner_gain", NUMBERS),
    (PlainConv2D, {"filters": 4}, "momentum", SHARES),
    (PlainConv2D, {"filters": 4}, "epsilon", (*NUMBERS, -1.0)),
    (PlainConv2D, {"filters": 4}, "code_filters", (-1, True, 1.0, "1", 4)),
    (PlainConv2D, {"filters": 4}, "data_format", (*NAMES, "first")),
    (PlainDepthwiseConv2D, {}, "kernel_size", (*COUNTS, 2)),
    (PlainDepthwiseConv2D, {}, "code_filters", (-1, True, 1.0, "1", None)),
    (PlainDepthwiseConv2D, {}, "norm", (*NAMES, "kernel")),
    (PlainDepthwiseConv2D, {}, "learner_gain", NUMBERS),
    (PlainDense, {}, "units", COUNTS),
    (PlainDense, {"units": 4}, "learner_gain", (*NUMBERS, (2.0, 4.0))),
    (PlainAttention, {}, "num_heads", COUNTS),
    (PlainAttention, {"num_heads": 2}, "token_mixing", NAMES),
    (
        PlainAttention,
        {"num_heads": 2},
        "identity_heads",
        (-1, True, 1.0, "1", None, 3, 7),
    ),
    (PlainAttention, {"num_heads": 2}, "learner_gain", NUMBERS),
    (Coder, {}, "filters", COUNTS),
    (Coder, {"filters": 4}, "code_filters", COUNTS[:-2]),
    (Coder, {"filters": 4}, "activation", NAMES),
    (Coder, {"filters": 4}, "initializer", (*NAMES, None)),
    (Coder, {"filters": 4}, "gradient_scale", SHARES),
    (Coder, {"filters": 4}, "code_gain", (*NUMBERS, 0, -1.0)),
    (Coder, {"filters": 4}, "axis", INTEGERS),
    (Coder, {"filters": 4}, "seed", (*INTEGERS, -1)),
    (SharedKernel, {"filters": 4}, "channels", COUNTS),
    (SharedKernel, {"channels": 4, "filters": 4}, "kernel_size", (*COUNTS, 2)),
    (SharedKernel, {"channels": 4, "filters": 4}, "gain", NUMBERS),
    (SharedKernel, {"channels": 4, "filters": 4}, "axis", INTEGERS),
    (SharedKernel, {"channels": 4, "filters": 4}, "code_channels", (-1, 1.0)),
    (TokenEmbedding, {}, "class_token", FLAGS),
    (TokenEmbedding, {}, "data_format", NAMES),
    (ZeroPaddingShortcut, {}, "filters", COUNTS),
]

PASSED = {"inputs": [0, 4]}
HEADS = {**PASSED, "num_heads": 1, "key_dim": 1}
NORM = {**PASSED, "epsilon": 1e-6}
DENSE = {**PASSED, "kind": "dense", "outputs": [0, 4]}
CONV = {**DENSE, "kind": "conv"}
LISTS = (None, [], {}, "ab", 3, [1], [None], [[]])

ENTRIES = [
    (CarryConv2D, CONV, "kind", (*NAMES, None)),
    (CarryConv2D, CONV, "inputs", RANGES),
    (CarryConv2D, CONV, "outputs", RANGES),
    (CarryConv2D, CONV, "kernel_size", PAIRS),
    (CarryConv2D, CONV, "strides", PAIRS),
    (CarryConv2D, CONV, "dilation_rate", PAIRS),
    (CarryConv2D, CONV, "padding", ("valid", 1, [1, 1], [[1, 1], [1]], None)),
    (CarryConv2D, CONV, "groups", COUNTS),
    (CarryConv2D, CONV, "use_bias", FLAGS),
    (CarryDense, DENSE, "kind", (*NAMES, "conv")),
    (CarryDense, DENSE, "inputs", RANGES),
    (CarryDense, DENSE, "use_bias", FLAGS),
    (CarryActivation, PASSED, "inputs", RANGES),
    (CarryActivation, PASSED, "activation", (*NAMES, "softmax")),
    (
        CarryActivation,
        {**PASSED, "activation": "relu"},
        "arguments",
        ({"alpha": 1.0}, {"threshold": "1"}, {"threshold": NAN}, [1], "ab"),
    ),
    (CarryAttention, HEADS, "inputs", RANGES),
    (CarryAttention, HEADS, "num_heads", COUNTS[:-2]),
    (CarryAttention, HEADS, "key_dim", COUNTS),
    (CarryAttention, HEADS, "causal", FLAGS),
    (CarryNormalization, NORM, "epsilon", ("1", -1.0, NAN, True, [])),
    (CarryNormalization, NORM, "statistics", RANGES[:-1]),
    (CarryNormalization, NORM, "rms", FLAGS),
    (CarryNormalization, NORM, "use_scale", FLAGS),
    (CarryNormalization, NORM, "use_bias", FLAGS),
]


def is_a_sentence(error, name):
    """Whether the message says rule and value of an argument."""
    rule, separator, received = str(error).partition("Received: ")
    return separator and rule.strip().endswith(".") and name in received


@pytest.mark.parametrize(
    ("layer", "base", "name", "values"),
    CASES,
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_wrong_values_of_arguments(layer, base, name, values):
    for value in values:
        with pytest.raises(ValueError) as error:
            layer(**{**base, name: value})
        assert is_a_sentence(error.value, f"{name}="), value


@pytest.mark.parametrize(
    ("layer", "base", "name", "values"),
    ENTRIES,
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_wrong_values_inside_of_blocks_and_pieces(layer, base, name, values):
    for value in values:
        with pytest.raises(ValueError) as error:
            layer([{**base, name: value}])
        assert is_a_sentence(error.value, name), value


@pytest.mark.parametrize("layer", [CarryConv2D, CarryDense, CarryActivation])
def test_no_list_of_dictionaries(layer):
    for value in LISTS:
        with pytest.raises(ValueError, match="a list of dictionaries"):
            layer(value)


@pytest.mark.parametrize(
    ("layer", "entry"),
    [
        (CarryConv2D, {**CONV, "bias": True}),
        (CarryDense, {"inputs": [0, 4]}),
        (CarryActivation, {"activation": "relu"}),
        (CarryAttention, {**HEADS, "heads": 2}),
        (CarryNormalization, {**NORM, 3: 4}),
    ],
)
def test_unknown_and_missing_keys(layer, entry):
    with pytest.raises(ValueError, match="with some of the keys.*Received"):
        layer([entry])


@pytest.mark.parametrize("initializer", ["he_norm", 3, None, ["zeros"]])
def test_initializers(initializer):
    with pytest.raises(ValueError, match="`kernel_initializer` must.*Receiv"):
        CarryDense([DENSE], initializer)
