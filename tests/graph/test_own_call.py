"""A model whose class does something else than its graph is never read."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_pnnh import audit, fold, graph

pytestmark = pytest.mark.every_backend

X = np.random.default_rng(0).standard_normal((2, 6, 6, 4)).astype("float32")


class Doubling(keras.Model):
    def call(self, inputs, training=None, mask=None):
        return 2.0 * super().call(inputs, training=training)


class Listed(keras.Sequential):
    def call(self, inputs, training=None, mask=None):
        return 1.0 + super().call(inputs, training=training)


class Dunder(keras.Model):
    def __call__(self, *args, **kwargs):
        return 3.0 * super().__call__(*args, **kwargs)


class Inherited(Doubling):
    pass


class Harmless(keras.Model):
    """A class of one's own, without a `call`."""

    def extra(self):
        return 0


def parts():
    images = keras.Input((6, 6, 4))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(images))
    return images, layers.GlobalAveragePooling2D()(x)


def replaced():
    model = keras.Model(*parts())
    model.call = lambda inputs, training=None, mask=None: inputs
    return model


MODELS = {
    "call": lambda: Doubling(*parts()),
    "inherited": lambda: Inherited(*parts()),
    "sequential": lambda: Listed(
        [keras.Input((6, 6, 4)), layers.Conv2D(4, 3), layers.Flatten()]
    ),
    "dunder": lambda: Dunder(*parts()),
    "replaced": replaced,
}


@pytest.mark.parametrize("kind", sorted(MODELS))
@pytest.mark.parametrize("use", [fold, audit, graph.read])
def test_a_call_of_its_own_is_refused(kind, use):
    with pytest.raises(ValueError, match="a class with a `call` of its own"):
        use(MODELS[kind]())


@pytest.mark.parametrize("kind", ["call", "inherited", "sequential"])
def test_inside_another_model_it_is_a_layer(kind):
    inside = MODELS[kind]()
    images = keras.Input((6, 6, 4))
    model = keras.Model(images, layers.Dense(3)(inside(images)))
    assert [call.layer for call in graph.read(model).calls[1:2]] == [inside]
    want, got = (
        keras.ops.convert_to_numpy(one(X, training=False))
        for one in (model, fold(model))
    )
    np.testing.assert_allclose(got, want, rtol=1e-6)


def test_a_class_without_a_call_is_read():
    model = Harmless(*parts())
    assert len(graph.read(model).calls) == 4
    fold(model)


def test_a_layer_whose_call_was_replaced():
    images = keras.Input((6, 6, 4))
    layer = layers.Conv2D(4, 3, name="odd")
    model = keras.Model(images, layer(images))
    layer.call = lambda x: 2 * x
    with pytest.raises(ValueError, match="layer 'odd' .* was replaced"):
        fold(model)


def test_calls_read_the_same_however_they_are_written():
    """By position, by keyword, and in another order."""

    def network(written):
        tokens = keras.Input((5, 8))
        x = written(layers.BatchNormalization(), inputs=tokens)
        mixed = layers.MultiHeadAttention(2, 4)
        x = written(mixed, query=x, value=tokens)
        return keras.Model(tokens, written(layers.Dense(3), inputs=x))

    def by_position(layer, **given):
        return layer(*given.values())

    def by_keyword(layer, **given):
        return layer(**given)

    def reversed_(layer, **given):
        return layer(**dict(reversed(given.items())))

    def given(call):
        # Keras adds a mask of None to some calls.
        return [key for key in call.kwargs if call.kwargs[key] is not None]

    read = [
        [
            (len(call.args), given(call), len(call.inputs))
            for call in graph.read(network(written)).calls[1:]
        ]
        for written in (by_position, by_keyword, reversed_)
    ]
    assert read[0] == read[1] == read[2]
    assert read[0] == [(1, [], 1), (1, ["value"], 2), (1, [], 1)]
    for written in (by_position, by_keyword, reversed_):
        model = network(written)
        attention = graph.read(model).calls[2]
        first, second = attention.inputs
        assert attention.args == (first,)
        assert attention.kwargs["value"] is second
        x = X[..., 0].repeat(2, axis=-1)[:, :5, :8]
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(fold(model)(x)),
            keras.ops.convert_to_numpy(model(x)),
            rtol=1e-6,
        )


def test_a_nested_model_is_given_a_dictionary():
    first, second = keras.Input((3,), name="b"), keras.Input((3,), name="a")
    inside = keras.Model([first, second], layers.Subtract()([first, second]))
    left, right = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([left, right], inside({"a": right, "b": left}))
    given = [np.ones((1, 3), "float32"), np.full((1, 3), 5.0, "float32")]
    got = keras.ops.convert_to_numpy(fold(model)(given))
    np.testing.assert_array_equal(got, np.full((1, 3), -4.0))
