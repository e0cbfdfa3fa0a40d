"""What cannot be converted is named, with the reason."""

import keras
import numpy as np
import pytest
from keras import layers
from residual_sources import conv, head, network

from keras_pnnh.pass_through import from_residual


def with_block(block, shape=(8, 8, 4)):
    images = keras.Input(shape, name="images")
    return keras.Model(images, head(block(images)), name="mine")


def refused(model, message):
    with pytest.raises(ValueError, match=message) as error:
        from_residual(model)
    # Rule, what was received, repair.
    rule, rest = str(error.value).split(" Received: ")
    assert len(rule) > 20
    assert rest.rstrip().endswith(".")


def test_an_unbuilt_model():
    model = keras.Sequential([layers.Conv2D(3, 3)], name="mine")
    refused(model, "Sequential 'mine', which has none. Build it")


def test_a_model_that_is_no_graph():
    class Mine(keras.Model):
        def call(self, inputs):
            return inputs

    refused(Mine(), "on the graph of a functional model.*Mine")
    with pytest.raises(ValueError, match="functional model.*Received: str"):
        from_residual("resnet50")


def test_two_inputs_and_two_results():
    first, second = keras.Input((8, 8, 4)), keras.Input((8, 8, 4))
    x = layers.Add()([first, second])
    refused(
        keras.Model([first, second], x, name="mine"), "'mine' with 2 inputs"
    )
    model = keras.Model(first, [conv(first, 4), conv(first, 2)], name="mine")
    refused(model, "'mine' with 2 outputs")


def test_layers_shared_across_blocks():
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    x = keras.Input((8, 8, 4))
    y = layers.Add()([shared(x), x])
    y = layers.Add()([shared(y), y])
    refused(keras.Model(x, head(y)), "'shared', which is called more than once")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(value):
    model = network([("basic", 4, 1)])
    norm = next(
        layer
        for layer in model.layers[::-1]
        if isinstance(layer, layers.BatchNormalization)
    )
    norm.moving_variance.assign(norm.moving_variance * value)
    refused(model, f"layer '{norm.name}' with NaN or infinity in '.*variance'")


@keras.saving.register_keras_serializable(package="test")
def own_activation(x):
    return x * keras.ops.sin(x)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Activation(own_activation, name="odd"),
        layers.Conv2D(4, 1, activation=own_activation, name="odd"),
        layers.Activation(lambda x: x, name="odd"),
    ],
)
def test_an_unknown_activation(layer):
    model = with_block(lambda x: layers.Add()([x, conv(layer(x), 4)]))
    refused(model, "layer 'odd' with activation .*Use one such as")


def squeeze_and_excite(x):
    y = conv(x, 4)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    gate = layers.Conv2D(4, 1, activation="sigmoid")(gate)
    return layers.Add()([layers.Multiply(name="excite")([y, gate]), x])


def test_a_gate():
    refused(
        with_block(squeeze_and_excite),
        r"layer 'excite' \(Multiply\), which multiplies two branches",
    )


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (
            lambda x: layers.Maximum(name="most")([x, conv(x, 4)]),
            r"'most' \(Maximum\), which reads 2 tensors of the shapes",
        ),
        (
            lambda x: layers.Concatenate(1, name="below")([x, conv(x, 4)]),
            r"'below' \(Concatenate\), which reads 2 tensors",
        ),
        (
            lambda x: layers.Add(name="sum")(
                [x, layers.GlobalMaxPooling2D(keepdims=True)(x)]
            ),
            r"'sum' \(Add\), which adds tensors of the shapes",
        ),
        (
            lambda x: layers.Add()(
                [x, layers.GroupNormalization(2, name="across")(x)]
            ),
            r"'across' \(GroupNormalization\), which .* still on its way",
        ),
        (
            lambda x: layers.Add()([x, layers.Softmax(name="shares")(x)]),
            r"'shares' \(Softmax\), which .* another branch is still",
        ),
        (
            lambda x: layers.Add()(
                [
                    x,
                    layers.Conv2DTranspose(4, 3, 2, padding="same")(
                        conv(x, 4, 3, 2, name="down")
                    ),
                ]
            ),
            "layer 'down' .*'add.*' still needs the image as it was",
        ),
        (
            lambda x: layers.Add()(
                [x, layers.BatchNormalization(name="live")(x, training=True)]
            ),
            r"'live' \(BatchNormalization\), which was called with training",
        ),
        (
            lambda x: layers.Add()(
                [
                    x,
                    layers.MaxPooling2D(
                        1, data_format="channels_first", name="turned"
                    )(conv(x, 4)),
                ]
            ),
            "'turned' .* data format 'channels_first' where others",
        ),
    ],
)
def test_topologies_that_are_no_chain(block, message):
    refused(with_block(block), message)


class OwnAttention(layers.MultiHeadAttention):
    pass


class Gate(layers.Layer):
    """Holds layers; what it does with them is no graph."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(4)

    def call(self, x):
        if keras.ops.shape(x)[0] is None:
            raise TypeError("no batch")
        return self.dense(x)

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


def attend(layer, **arguments):
    def block(x):
        y = layers.LayerNormalization()(x)
        outputs = layer(y, y, **arguments)
        return layers.Add()([x, keras.tree.flatten(outputs)[0]])

    return block


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (
            attend(
                layers.MultiHeadAttention(2, 2, name="told"),
                attention_mask=np.tri(5, dtype="bool")[None],
            ),
            r"'told' .* called with \['attention_mask'\]. Only self-attention",
        ),
        (
            attend(
                layers.MultiHeadAttention(2, 2, name="told"),
                return_attention_scores=True,
            ),
            r"'told' .* called with \['return_attention_scores'\]",
        ),
        (
            attend(layers.MultiHeadAttention(2, 2, use_gate=True, name="open")),
            "'open' .* has a window or a gate",
        ),
        (
            attend(OwnAttention(2, 2, name="own")),
            r"'own' \(OwnAttention\), which does what its own class says",
        ),
        (
            lambda x: layers.Add()(
                [x, layers.MultiHeadAttention(2, 2, name="two")(x, x[:, 1:])]
            ),
            "'two' .* queries here and keys there",
        ),
        (
            lambda x: layers.Add()([x, layers.Softmax(name="all")(x)]),
            r"'all' \(Softmax\), which .* another branch is still",
        ),
        (
            lambda x: Gate(name="gate")(x),
            r"'gate' \(Gate\), which holds layers and cannot be opened: no ba",
        ),
    ],
)
def test_transformers_that_are_no_chain(block, message):
    tokens = keras.Input((5, 4))
    x = layers.GlobalAveragePooling1D()(block(tokens))
    refused(keras.Model(tokens, layers.Dense(3)(x)), message)


@pytest.mark.parametrize(
    "probe",
    [
        np.zeros((8, 8, 3)),
        np.zeros((2, 9, 8, 3)),
        np.zeros((0, 8, 8, 3)),
        np.full((1, 8, 8, 3), np.nan),
    ],
)
def test_a_probe_that_does_not_fit(probe):
    model = network([("basic", 4, 1)])
    with pytest.raises(ValueError, match="finite inputs.*Pass a few images"):
        from_residual(model, probe=probe.astype("float32"))


def quantised(mode):
    vector = keras.Input((8,))
    x = layers.Add()([layers.Dense(8, name="dense")(vector), vector])
    model = keras.Model(vector, layers.Dense(3)(x))
    model.quantize(mode)
    return model


@pytest.mark.torch_only
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_a_quantised_model(mode):
    refused(quantised(mode), rf"'dense' .* is quantised \({mode}\)")


def test_a_result_that_is_the_input():
    images = keras.Input((8, 8, 4))
    model = keras.Model(images, images, name="mine")
    refused(model, "'mine', whose result is its input")


@pytest.mark.parametrize(
    "layer",
    [
        layers.Embedding(9, 4, mask_zero=True, name="told"),
        lambda x: layers.Masking(name="told")(layers.Embedding(9, 4)(x)),
    ],
)
def test_masks(layer):
    tokens = keras.Input((6,), dtype="int32")
    x = layer(tokens)
    x = layers.Add()([x, layers.Dense(4)(x)])
    model = keras.Model(tokens, layers.GlobalAveragePooling1D()(x))
    refused(model, "'told' .* makes a mask")


def test_whole_numbers_are_looked_up():
    tokens = keras.Input((6,), dtype="int32")
    x = layers.Embedding(9, 4)(tokens)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 2)(x, x)])
    model = keras.Model(tokens, layers.GlobalAveragePooling1D()(x))
    _, certificate = from_residual(model)
    assert certificate.exact and certificate.images == 8


def test_a_size_that_stays_open():
    images = keras.Input((None, None, 4))
    x = layers.Add()([conv(images, 4), images])
    x = layers.Lambda(lambda x: 3 * x, output_shape=(None, None, 4))(x)
    model = keras.Model(images, layers.GlobalAveragePooling2D()(x))
    with pytest.raises(ValueError, match="`keras.Input` of a known") as error:
        from_residual(model)
    assert "input_shape" not in str(error.value)
