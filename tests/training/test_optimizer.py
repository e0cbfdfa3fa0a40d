import dataclasses

import keras
import numpy as np
import pytest

from keras_pnnh.applications import PlainViT
from keras_pnnh.pass_through import from_residual
from keras_pnnh.training.optimizer import make_optimizer


def values(model):
    return {
        variable.path: keras.ops.convert_to_numpy(variable)
        for variable in model.trainable_variables
    }


@pytest.mark.parametrize("norm", ["learner", "kernel"])
def test_only_kernels_decay(norm, make_model, tiny_recipe):
    recipe = dataclasses.replace(
        tiny_recipe, weight_decay=0.5, learning_rate=0.2, warmup_epochs=0.0
    )
    # Free, so that the coder's matrices are trainable.
    model = make_model(coder_training="free", norm=norm)
    for variable in model.trainable_variables:
        variable.assign(keras.ops.full(variable.shape, 2.0))
    variables = model.trainable_variables
    before = values(model)
    optimizer = make_optimizer(recipe, 10, model)
    optimizer.apply([keras.ops.zeros(v.shape) for v in variables], variables)
    names = set()
    for variable in variables:
        found = keras.ops.convert_to_numpy(variable)
        expected = before[variable.path]
        if variable.name == "kernel":
            expected = expected * (1 - 0.2 * 0.5)
        np.testing.assert_allclose(
            found, expected, rtol=1e-6, err_msg=variable.path
        )
        names.add(variable.name)
    assert names >= {"kernel", "gamma", "beta", "bias", "encoder", "decoder"}
    assert "coder_scale" in names


def test_nesterov_momentum(tiny_recipe):
    recipe = dataclasses.replace(
        tiny_recipe, weight_decay=0.0, learning_rate=0.1, warmup_epochs=0.0
    )
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((1,)), layer])
    (variable,) = model.trainable_variables
    # A step so long that the rate is the peak in both updates.
    optimizer = make_optimizer(recipe, 10**7, model)
    for _ in range(2):
        optimizer.apply([keras.ops.ones((1, 1))], [variable])
    # v1 = -0.1, w1 = 1 + 0.9 v1 - 0.1; v2 = 0.9 v1 - 0.1.
    expected = 1 - 0.09 - 0.1 - 0.9 * 0.19 - 0.1
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(variable), expected, rtol=1e-6
    )


def test_adamw_decays_the_kernels_of_a_transformer_alone(tiny_recipe):
    recipe = dataclasses.replace(
        tiny_recipe,
        optimizer="adamw",
        weight_decay=0.5,
        learning_rate=0.2,
        warmup_epochs=0.0,
    )
    model = PlainViT(1, 2, 4, 8, 4, input_shape=(8, 8, 3), classes=3)
    variables = model.trainable_variables
    before = values(model)
    optimizer = make_optimizer(recipe, 10**7, model)
    assert isinstance(optimizer, keras.optimizers.AdamW)
    optimizer.apply([keras.ops.zeros(v.shape) for v in variables], variables)
    for path, found in values(model).items():
        factor = 0.9 if path.endswith("/kernel") else 1.0
        np.testing.assert_allclose(
            found, factor * before[path], rtol=1e-5, err_msg=path
        )


def test_biases_and_scales_of_a_converted_chain_do_not_decay(tiny_recipe):
    """`bias_0`, and the factors of a norm that no convolution takes in."""
    recipe = dataclasses.replace(
        tiny_recipe, weight_decay=0.5, learning_rate=0.2, warmup_epochs=0.0
    )
    images = keras.Input((8, 8, 4))
    x = keras.layers.BatchNormalization()(images)
    x = keras.layers.Conv2D(4, 3, padding="same")(keras.layers.ReLU()(x))
    x = keras.layers.Add()([x, images])
    x = keras.layers.GlobalAveragePooling2D()(x)
    twin = keras.Model(images, keras.layers.Dense(3)(x))
    model, _ = from_residual(twin)
    for variable in model.trainable_variables:
        variable.assign(keras.ops.full(variable.shape, 2.0))
    variables = model.trainable_variables
    before = values(model)
    optimizer = make_optimizer(recipe, 10, model)
    optimizer.apply([keras.ops.zeros(v.shape) for v in variables], variables)
    kept = {
        variable.path.rpartition("/")[2]
        for variable in variables
        if np.array_equal(
            keras.ops.convert_to_numpy(variable), before[variable.path]
        )
    }
    assert {"bias", "bias_0", "kernel_0"} <= kept  # that of a scale
    decayed = [path for path in before if path not in kept]
    assert any(len(before[path].shape) == 4 for path in decayed)
    for path, found in values(model).items():
        factor = 0.9 if found.ndim > 1 else 1.0
        np.testing.assert_allclose(found, factor * before[path], rtol=1e-6)


@pytest.mark.parametrize("name", ["sgd", "adamw", "lamb"])
def test_four_steps_of_16_are_one_of_64(name, tiny_recipe):
    """With schedule, warm-up, clipping, decay and average of the weights."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(192, 5)).astype("float32")
    y = generator.normal(size=(192, 2)).astype("float32")
    results = []
    for batch_size, steps in ((64, 1), (16, 4)):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((5,)),
                keras.layers.Dense(8, activation="tanh"),
                keras.layers.Dense(2),
            ]
        )
        recipe = dataclasses.replace(
            tiny_recipe,
            optimizer=name,
            batch_size=batch_size,
            accumulation=steps,
            scaled_batch=32,
            learning_rate=0.01,
            clip=0.5,
            average=0.6,
        )
        optimizer = make_optimizer(recipe, 192 // batch_size, model)
        model.compile(optimizer, "mse")
        model.fit(
            x, y, batch_size=batch_size, epochs=2, shuffle=False, verbose=0
        )
        assert optimizer.get_config()["ema_momentum"] == 0.6
        # The average, which `fit` puts into the model, and the rest.
        variables = [*model.variables, *optimizer.variables]
        kept = [
            keras.ops.convert_to_numpy(variable)
            for variable in variables
            if "gradient_accumulator" not in variable.path
            and "iteration" not in variable.path
        ]
        results.append(kept)
    assert len(results[0]) == len(results[1])
    for found, wanted in zip(*results, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
