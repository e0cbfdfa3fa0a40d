"""A layer is idle by its type or by what it returns, never by a probe."""

import keras
import pytest
from conversion_checks import noise, relative_difference
from keras import layers, ops
from residual_sources import conv, head, trained_like

from keras_pnnh.pass_through import from_residual


def beside_a_skip(layer):
    images = keras.Input((8, 8, 4))
    x = layers.Add()([layer(conv(images, 4)), images])
    return trained_like(keras.Model(images, head(x)))


class DropPath(layers.Layer):
    def call(self, x, training=False):
        if not training:
            return x
        return x * keras.random.bernoulli((1, 1, 1, 1))


class OtherDropPath(layers.Layer):
    """Written with another layer inside, as some do."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.drop = layers.Dropout(0.1, noise_shape=(None, 1, 1, 1))

    def call(self, x, training=None):
        return self.drop(x, training=training)


class OwnDropout(layers.Dropout):
    """A subclass that changes nothing."""


@pytest.mark.parametrize(
    "layer",
    [
        DropPath,
        OtherDropPath,
        lambda **names: OwnDropout(0.1, **names),
        lambda **names: layers.SpatialDropout2D(0.1, **names),
        lambda **names: layers.RandomRotation(0.1, **names),
    ],
)
def test_what_is_idle_is_left_out(layer):
    model = beside_a_skip(layer(name="idle"))
    plain, certificate = from_residual(model)
    assert certificate.exact
    assert "idle" not in {layer.name for layer in plain.layers}


class Tripling(layers.Dropout):
    def call(self, x, training=False):
        return 3.0 * x


class LoudNoise(layers.GaussianNoise):
    def call(self, x, training=False):
        return -x


class NearlyIdentity(layers.Identity):
    def call(self, x):
        return x + 1.0


class FarClip(layers.Layer):
    """Passes all that a probe of normal numbers would try."""

    def call(self, x, training=False):
        return ops.clip(x, -50.0, 50.0)


@pytest.mark.parametrize(
    "layer",
    [
        lambda **names: Tripling(0.1, **names),
        lambda **names: LoudNoise(0.1, **names),
        NearlyIdentity,
        FarClip,
    ],
)
def test_what_only_seems_idle_is_converted(layer):
    model = beside_a_skip(layer(name="seems"))
    plain, certificate = from_residual(model)
    assert certificate.exact
    without = beside_a_skip(layers.Identity())
    without.set_weights(model.get_weights())
    apart = []
    for images in (noise(model), 1000 * noise(model)):
        assert relative_difference(model, plain, images) < 1e-5
        apart.append(relative_difference(model, without, images))
    assert max(apart) > 1e-2


class Gate(layers.Layer):
    def call(self, x, training=False):
        return ops.where(x > 3000.0, 0.0 * x, x)


class Shuffled(layers.Dropout):
    def call(self, x, training=False):
        return ops.flip(x, axis=-1)


class Doubled(layers.Identity):
    """Its `call` says nothing."""

    def __call__(self, x):
        return super().__call__(x) * 2.0


@pytest.mark.parametrize(
    "layer", [Gate, Doubled, lambda **names: Shuffled(0.1, **names)]
)
def test_what_no_chain_computes_is_refused_by_its_name(layer):
    with pytest.raises(ValueError, match=r"layer 'seems' \(\w+\), which"):
        from_residual(beside_a_skip(layer(name="seems")))


def test_layers_that_are_called_by_keyword():
    def network(call):
        images = keras.Input((8, 8, 4))
        x = call(layers.Conv2D(4, 3, padding="same"), images)
        x = call(layers.BatchNormalization(), x)
        y = call(layers.ReLU(), call(layers.Conv2D(4, 3, padding="same"), x))
        x = call(layers.Add(), [x, y])
        x = call(layers.GlobalAveragePooling2D(), x)
        return trained_like(keras.Model(images, call(layers.Dense(3), x)))

    kinds = []
    for call in (
        lambda layer, x: layer(x),
        lambda layer, x: layer(inputs=x),
    ):
        model = network(call)
        plain, certificate = from_residual(model)
        assert certificate.exact
        kinds.append([type(layer) for layer in plain.layers])
        assert relative_difference(model, plain, noise(model)) < 1e-5
    assert kinds[0] == kinds[1]


def attention_by_keyword(**order):
    tokens = keras.Input((6, 8))
    y = layers.LayerNormalization()(inputs=tokens)
    y = layers.MultiHeadAttention(2, 4)(**{name: y for name in order})
    x = layers.Add()([y, tokens])
    x = layers.GlobalAveragePooling1D()(x)
    return trained_like(keras.Model(tokens, layers.Dense(3)(inputs=x)))


def test_attention_that_is_called_by_keyword():
    model = attention_by_keyword(value=1, query=1, key=1)
    _, certificate = from_residual(model)
    assert certificate.exact and certificate.pass_through_channels == 8


class Lossy(layers.Layer):
    """Its config says "valid", whatever it was made with."""

    def __init__(self, filters, padding=None, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.pad = layers.ZeroPadding2D(1) if padding is None else None
        self.conv = layers.Conv2D(filters, 3)

    def build(self, shape):
        self.conv.build(shape)

    def call(self, x):
        return self.conv(x if self.pad is None else self.pad(x))

    def get_config(self):
        entries = {"filters": self.filters, "padding": "valid"}
        return {**super().get_config(), **entries}


def test_a_composite_whose_config_is_lossy_is_opened_as_it_is():
    model = beside_a_skip(Lossy(4))
    plain, certificate = from_residual(model)
    assert certificate.exact
    assert relative_difference(model, plain, noise(model)) < 1e-5


class HiddenFactor(layers.Layer):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self._factor = factor

    def call(self, x):
        return self._factor * x

    def get_config(self):
        return super().get_config()


def test_a_copy_that_forgets_is_refused():
    images = keras.Input((8, 8, 4))
    x = layers.Add()([conv(images, 4), images])
    x = HiddenFactor(2.0, name="odd")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(images, layers.Dense(3)(x))
    with pytest.raises(ValueError, match="layer 'odd' of class HiddenFactor"):
        from_residual(model)


class Doubling(keras.Model):
    def call(self, inputs, training=None, mask=None):
        return 2.0 * super().call(inputs, training=training)


def test_a_model_with_a_call_of_its_own():
    images = keras.Input((8, 8, 4))
    x = layers.Add()([conv(images, 4), images])
    inside = Doubling(images, x, name="mine")
    with pytest.raises(ValueError, match="Doubling 'mine', a class with"):
        from_residual(inside)
    # Inside another model it is opened, and its own code with it.
    images = keras.Input((8, 8, 4))
    model = trained_like(keras.Model(images, head(inside(images))))
    plain, certificate = from_residual(model)
    assert certificate.exact
    assert relative_difference(model, plain, noise(model)) < 1e-5
