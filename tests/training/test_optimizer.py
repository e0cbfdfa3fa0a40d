import dataclasses

import keras
import numpy as np
import pytest

from keras_pnnh.applications import PlainViT
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
    optimizer = make_optimizer(recipe, 10, variables)
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
    variable = keras.Variable(np.array([1.0], "float32"))
    # A step so long that the rate is the peak in both updates.
    optimizer = make_optimizer(recipe, 10**7, [variable])
    for _ in range(2):
        optimizer.apply([keras.ops.ones(1)], [variable])
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
    optimizer = make_optimizer(recipe, 10**7, variables)
    assert isinstance(optimizer, keras.optimizers.AdamW)
    optimizer.apply([keras.ops.zeros(v.shape) for v in variables], variables)
    for path, found in values(model).items():
        factor = 0.9 if path.endswith("/kernel") else 1.0
        np.testing.assert_allclose(
            found, factor * before[path], rtol=1e-5, err_msg=path
        )
