"""A copy that is not what its original is, is refused by the layer's name."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_pnnh import as_sequential, fold


class Lossy(layers.Layer):
    """Its config forgets what the keyword `forgotten` changed."""

    def __init__(self, forgotten=None, **kwargs):
        super().__init__(**kwargs)
        self.take(forgotten)

    def take(self, forgotten):
        raise NotImplementedError

    def get_config(self):
        return super().get_config()


class Gain(Lossy):
    def take(self, forgotten):
        self.gain = forgotten or 1.0

    def call(self, x):
        return self.gain * x


class HiddenGain(Gain):
    """The gain is no attribute of its own name: only the numbers tell."""

    def take(self, forgotten):
        self._gain = forgotten or 1.0

    def call(self, x):
        return self._gain * x


class HighClip(Gain):
    """Equal to its copy on everything that a probe would try."""

    def take(self, forgotten):
        self.most = forgotten or 1e9

    def call(self, x):
        return keras.ops.minimum(x, self.most)


class Padded(Lossy):
    def take(self, forgotten):
        self.pad = layers.ZeroPadding1D(1) if forgotten else None
        self.conv = layers.Conv1D(4, 3)

    def build(self, shape):
        self.conv.build(shape)

    def call(self, x):
        x = x if len(x.shape) == 3 else x[:, None]
        return self.conv(x if self.pad is None else self.pad(x))


class Function(Lossy):
    def take(self, forgotten):
        self._function = keras.activations.get(forgotten or "relu")

    def call(self, x):
        return self._function(x)


class Units(Lossy):
    def take(self, forgotten):
        self._units = forgotten or 4

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self._units))

    def call(self, x):
        return keras.ops.matmul(x, self.kernel)


class InsideAnother(Gain):
    """What is lost is a layer's inside of another."""

    def take(self, forgotten):
        self.inside = HiddenGain(forgotten)

    def call(self, x):
        return self.inside(x)


def model_with(layer, shape=(6, 4)):
    images = keras.Input(shape)
    return keras.Model(images, layers.Dense(2)(layer(images)))


FORGOTTEN = [
    (Gain, 3.0, "gain=1.0 in place of 3.0"),
    (HiddenGain, 3.0, "makes other numbers"),
    (HighClip, 5000.0, "most=.* in place of 5000.0"),
    (Padded, True, "pad=None in place of"),
    (Function, "tanh", "makes other numbers"),
    (Units, 7, r"weights of the shapes \[\(4, 7\)\], whose copy has"),
    (InsideAnother, 3.0, "makes other numbers"),
]


@pytest.mark.parametrize(("kind", "value", "why"), FORGOTTEN)
@pytest.mark.parametrize("copy", [fold, as_sequential])
def test_a_config_that_forgets_is_refused(kind, value, why, copy):
    model = model_with(kind(value, name="odd"))
    with pytest.raises(ValueError, match=f"Received: layer 'odd' .*{why}"):
        copy(model)


@pytest.mark.parametrize("kind", [entry[0] for entry in FORGOTTEN])
def test_a_config_that_has_nothing_to_forget_is_copied(kind):
    model = model_with(kind(name="odd"))
    x = 9 * np.random.default_rng(0).standard_normal((2, 6, 4))
    want, got = (
        keras.ops.convert_to_numpy(one(x.astype("float32")))
        for one in (model, fold(model))
    )
    np.testing.assert_array_equal(got, want)


class Drawing(layers.Layer):
    """Draws in inference, too: two results say nothing."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x), seed=self.seeds)


class Tokens(layers.Layer):
    """Reads places in a table."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.table = layers.Embedding(5, 4)

    def build(self, shape):
        self.table.build(shape)

    def call(self, x):
        return self.table(x)


class Two(layers.Layer):
    def call(self, first, second, factor=1.0):
        return factor * first - second


def test_what_others_write_is_copied():
    tokens = keras.Input((6,), dtype="int32")
    x = Tokens()(tokens)
    x = Two()(x, second=keras.ops.flip(x, 1), factor=2.0)
    model = keras.Model(tokens, x)
    given = np.random.default_rng(0).integers(0, 5, (3, 6))
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(fold(model)(given)),
        keras.ops.convert_to_numpy(model(given)),
    )
    fold(model_with(Drawing()))


class Required(layers.Layer):
    """Its copy cannot be called."""

    def __init__(self, scale=None, **kwargs):
        super().__init__(**kwargs)
        self._scale = scale

    def call(self, x):
        if self._scale is None:
            raise RuntimeError("no scale")
        return self._scale * x

    def get_config(self):
        return super().get_config()


@pytest.mark.parametrize("copy", [fold, as_sequential])
def test_a_copy_that_cannot_be_called(copy):
    with pytest.raises(ValueError, match="Received: .*odd.*no scale"):
        copy(model_with(Required(2.0, name="odd")))


class NoConfig(layers.Layer):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    "layer",
    [
        NoConfig(lambda x: x + 1),
        layers.Activation(lambda x: 2 * x),
        layers.Dense(4, activation=lambda x: 2 * x),
        layers.Dense(4, kernel_initializer=lambda shape, dtype: 0),
    ],
)
def test_a_layer_that_cannot_be_copied(layer):
    try:
        model = model_with(layer)
    except TypeError:
        pytest.skip("the backend refuses this layer")
    with pytest.raises(ValueError) as error:
        fold(model)
    assert "`get_config`" in str(error.value)
    assert f"Received: layer '{layer.name}'" in str(error.value)
