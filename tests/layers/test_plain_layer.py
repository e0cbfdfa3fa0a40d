"""A plain layer written outside the package: every room asks it, none knows it.

The acceptance test of `PlainLayer`: folded, audited, trained without decay on
its scale, analysed and saved with no edit in the package.
"""

import keras
import numpy as np
import pytest
from folding import folded_equals, images, outputs_of, randomize
from keras import ops

import keras_pnnh
from keras_pnnh import analysis, auditing, theory
from keras_pnnh.folding import fold
from keras_pnnh.layers import Coder, PlainConv2D, PlainLayer
from keras_pnnh.training import Recipe
from keras_pnnh.training.optimizer import make_optimizer


@keras.saving.register_keras_serializable(package="tests")
class PlainPointwise(PlainLayer):
    """`(scale L + C) x + bias`, a 1x1 convolution of learner and coder."""

    folds = True
    absorbs_norm = True
    not_decayed = ("scale",)
    data_format = "channels_last"

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, inputs_shape, coder_kernel_shape=None):
        shape = (inputs_shape[-1], self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape)
        # Two axes on purpose: a rule that counts axes would take it for one.
        self.scale = self.add_weight(
            name="scale", shape=(1, self.filters), initializer="ones"
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer="zeros"
        )

    def call(self, inputs, coder_kernel=None):
        kernel = self.kernel * self.scale
        if coder_kernel is not None:
            kernel = kernel + coder_kernel
        return ops.matmul(inputs, kernel) + self.bias

    def compute_output_shape(self, inputs_shape, coder_kernel_shape=None):
        return (*inputs_shape[:-1], self.filters)

    def fold_into(self, name):
        return [keras.layers.Conv2D(self.filters, 1, name=name)]

    def folded_weights(self, coder_kernel=0.0):
        kernel = ops.convert_to_numpy(self.kernel * self.scale) + coder_kernel
        return [kernel[None, None], ops.convert_to_numpy(self.bias)]

    def count_folded_parameters(self):
        return (self.kernel.shape[0] + 1) * self.filters

    def count_macs(self, inputs_shape, outputs_shape):
        return int(np.prod(outputs_shape[1:])) * inputs_shape[-1]

    def draw_outputs(self, inputs, generator, coder_kernel=None):
        kernel = ops.convert_to_numpy(self.kernel * self.scale)
        outputs = theory.draw_normal(kernel, inputs, generator)
        if coder_kernel is not None:
            outputs += coder_kernel.T @ inputs
        return outputs

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


def network(norm=True, width=4):
    coder = Coder(width, name="coder")
    x = inputs = keras.Input((6, 6, width), name="images")
    for number in (1, 2, 3):
        x = PlainPointwise(width, name=f"point{number}")(
            x, coder(x, part="encoder")
        )
        if norm:
            x = keras.layers.BatchNormalization(name=f"norm{number}")(x)
        x = keras.layers.ReLU(name=f"relu{number}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = keras.layers.Dense(3, name="head")(x)
    return keras.Model(inputs, outputs, name="points")


@pytest.mark.parametrize("norm", [False, True])
def test_it_folds(norm):
    folded = folded_equals(network(norm), images(2, 6, 6, 4))
    assert [type(layer).__name__ for layer in folded.layers[:3]] == [
        "InputLayer",
        "Conv2D",
        "ReLU",
    ]
    assert "keras_pnnh" not in folded.to_json()


def test_it_is_audited_as_what_it_folds_to():
    model = network()
    report = auditing.audit(model)
    folded = auditing.audit(fold(model))
    assert folded.plain and not report.plain
    assert report.macs == folded.macs == 3 * 6 * 6 * 4 * 4 + 4 * 3
    assert report.folded_parameters == folded.parameters
    assert report.depth == folded.depth == 4


def test_its_scale_does_not_decay():
    model = network()
    recipe = Recipe(
        epochs=1,
        batch_size=8,
        learning_rate=0.2,
        warmup_epochs=0.0,
        weight_decay=0.5,
    )
    optimizer = make_optimizer(recipe, 10**7, model)
    variables = model.trainable_variables
    before = [ops.convert_to_numpy(each).copy() for each in variables]
    optimizer.apply([ops.zeros(each.shape) for each in variables], variables)
    for variable, old in zip(variables, before, strict=True):
        factor = 0.9 if variable.name == "kernel" else 1.0
        np.testing.assert_allclose(
            ops.convert_to_numpy(variable), factor * old, rtol=1e-5
        )
    assert "scale" in {variable.name for variable in variables}


def test_it_is_analysed():
    model = network(width=64)
    report = analysis.measure_survival(model, images(64, 6, 6, 64))
    assert [layer.name for layer in report.layers] == [
        "relu1",
        "relu2",
        "relu3",
    ]
    for layer in report.layers:
        assert layer.predicted == pytest.approx(layer.measured, abs=0.05)


def test_it_is_trained_saved_and_loaded(tmp_path):
    model = network()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True))
    model.fit(images(8, 6, 6, 4), np.arange(8) % 3, verbose=0)
    model.save(tmp_path / "points.keras")
    loaded = keras.models.load_model(tmp_path / "points.keras")
    x = images(2, 6, 6, 4)
    np.testing.assert_allclose(
        outputs_of(fold(loaded), x), outputs_of(model, x), rtol=1e-5, atol=1e-5
    )


def test_a_subclass_with_another_call_is_not_folded():
    """What its base class folds to is not what it computes."""

    class Doubled(PlainConv2D):
        def call(self, inputs, coder_kernel=None, learner_kernel=None):
            return 2 * super().call(inputs, coder_kernel, learner_kernel)

    class Renamed(PlainConv2D):
        """Computes what its base class does."""

    x = keras.Input((6, 6, 4))
    y = Renamed(4, name="renamed")(Doubled(4, name="doubled")(x))
    model = keras.Model(x, y)
    randomize(model)
    folded = fold(model)
    assert isinstance(folded.get_layer("doubled"), Doubled)
    assert type(folded.get_layer("renamed")) is keras.layers.Conv2D
    inputs = images(2, 6, 6, 4)
    np.testing.assert_allclose(
        outputs_of(folded, inputs),
        outputs_of(model, inputs),
        rtol=1e-4,
        atol=1e-3,
    )


def test_such_a_subclass_cannot_take_a_coder():
    class Doubled(PlainConv2D):
        def call(self, inputs, coder_kernel=None, learner_kernel=None):
            return 2 * super().call(inputs, coder_kernel, learner_kernel)

    x = keras.Input((6, 6, 4))
    coder = Coder(4, name="coder")
    y = Doubled(4, name="doubled")(x, coder(x, part="encoder"))
    with pytest.raises(ValueError, match="encoder of 'coder' in layer 'doub"):
        fold(keras.Model(x, y))


def test_a_layer_of_unknown_cost_is_refused_with_the_repair():
    class Silent(PlainPointwise):
        def count_macs(self, inputs_shape, outputs_shape):
            return None

    x = keras.Input((6, 6, 4))
    model = keras.Model(x, Silent(4, name="silent")(x))
    with pytest.raises(ValueError, match="'silent'.*PlainLayer.*count_macs"):
        auditing.audit(model)


def test_a_layer_that_says_it_folds_but_not_how_is_named():
    class Empty(PlainLayer):
        folds = True

        def call(self, inputs):
            return inputs

    x = keras.Input((6, 6, 4))
    with pytest.raises(NotImplementedError, match="`Empty` has `folds"):
        keras_pnnh.fold(keras.Model(x, Empty()(x)))
