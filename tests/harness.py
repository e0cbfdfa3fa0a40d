"""Checks that apply to every layer and every model, on every backend."""

import contextlib
import inspect
import json
import math
import os

import keras
import numpy as np
import pytest

# TensorFlow's CPU kernels know channels_last only.
CHANNELS_FIRST_WORKS = keras.backend.backend() != "tensorflow"

INTERNAL_PATHS = ("coder", "residual", "none")


def rest_on_torch(values, everywhere):
    """Parameters of a test: one on every backend, the others on torch only."""
    return [
        value
        if value == everywhere
        else pytest.param(value, marks=pytest.mark.torch_only)
        for value in values
    ]


def check_layer(
    layer_class, init_kwargs, input_shapes, trainable, folder, **call_kwargs
):
    """Shapes, config, `.keras` file, mixed precision and gradients.

    Args:
        layer_class: The class under test.
        init_kwargs: Constructor arguments, none at its default.
        input_shapes: List of the shapes of the positional call arguments,
            batch included.
        trainable: Number of trainable variables that is expected.
        folder: Where files may be written.
        **call_kwargs: Further arguments of each call.
    """
    generator = np.random.default_rng(0)
    inputs = [
        generator.standard_normal(shape).astype("float32")
        for shape in input_shapes
    ]
    layer = layer_class(**init_kwargs, name="tested")
    outputs = layer(*inputs, **call_kwargs)
    assert len(layer.trainable_variables) == trainable
    randomize(layer, seed=1)
    outputs = to_numpy(layer(*inputs, **call_kwargs))
    _check_config(layer, init_kwargs)
    model = _check_shapes(layer, inputs, outputs, call_kwargs)
    _check_file(model, inputs, outputs, folder)
    _check_mixed_precision(layer, init_kwargs, inputs, outputs, call_kwargs)
    for training in (True, False):
        check_gradients(layer, inputs, training=training, **call_kwargs)


def _check_config(layer, init_kwargs):
    config = layer.get_config()
    own = set(inspect.signature(type(layer).__init__).parameters)
    own -= {"self", "kwargs"}
    assert set(config) == own | {"name", "trainable", "dtype"}
    for name, value in init_kwargs.items():
        default = inspect.signature(type(layer)).parameters[name].default
        assert value != default, f"{name} is tested at its default"
        assert config[name] == value
    again = type(layer).from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config


def _check_shapes(layer, inputs, outputs, call_kwargs):
    tensors = [keras.Input(batch_shape=array.shape) for array in inputs]
    results = layer(*tensors, **call_kwargs)
    assert tuple(results.shape) == outputs.shape
    computed = type(layer).compute_output_shape
    if computed is not keras.layers.Layer.compute_output_shape:
        fresh = type(layer).from_config(layer.get_config())
        shapes = [array.shape for array in inputs]
        assert fresh.compute_output_shape(*shapes) == outputs.shape
    return keras.Model(tensors, results)


def _check_file(model, inputs, outputs, folder):
    model.save(folder / "layer.keras")
    loaded = keras.saving.load_model(folder / "layer.keras")
    np.testing.assert_array_equal(to_numpy(loaded(inputs)), outputs)


def _check_mixed_precision(layer, init_kwargs, inputs, outputs, call_kwargs):
    mixed = type(layer)(**init_kwargs, dtype="mixed_bfloat16")
    results = mixed(*inputs, **call_kwargs)
    assert keras.backend.standardize_dtype(results.dtype) == "bfloat16"
    assert all(variable.dtype == "float32" for variable in mixed.variables)
    mixed.set_weights(layer.get_weights())
    results = to_numpy(mixed(*inputs, **call_kwargs))
    # bfloat16 keeps 8 bits, and errors add up in the convolution.
    atol = 0.03 * np.abs(outputs).max()
    np.testing.assert_allclose(results, outputs, rtol=0.03, atol=atol)


def check_gradients(model, inputs, training=True, **call_kwargs):
    """Every trainable variable has a finite gradient that is not zero.

    But for the bias of an attention's keys: it adds the same to all logits of
    a query, and the softmax takes it off again.
    """
    gradients = compute_gradients(model, inputs, training, **call_kwargs)
    for path, gradient in gradients.items():
        assert np.isfinite(gradient).all(), f"{path}: not finite"
        if not path.endswith("key/bias"):
            assert np.abs(gradient).max() > 0, f"{path}: zero"


def compute_gradients(model, inputs, training=True, **call_kwargs):
    """Gradients of a random projection of the outputs, by variable path.

    Args:
        model: A built layer or model.
        inputs: List of positional arguments of the call.
        training: Passed on if the call knows it.
        **call_kwargs: Further arguments of the call.
    """
    if "training" in inspect.signature(model.call).parameters:
        call_kwargs["training"] = training
    shape = tuple(model(*inputs, **call_kwargs).shape)
    weights = np.random.default_rng(2).standard_normal(shape).astype("float32")
    variables = model.trainable_variables
    if not variables:
        return {}

    def loss(outputs):
        outputs = keras.ops.cast(outputs, "float32")
        return keras.ops.sum(keras.ops.multiply(outputs, weights))

    gradients = _GRADIENTS[keras.backend.backend()](
        model, variables, inputs, call_kwargs, loss
    )
    return {
        variable.path: to_numpy(gradient)
        for variable, gradient in zip(variables, gradients, strict=True)
    }


def _tensorflow_gradients(model, variables, inputs, call_kwargs, loss):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        value = loss(model(*inputs, **call_kwargs))
    values = [variable.value for variable in variables]
    return tape.gradient(value, values, unconnected_gradients="zero")


def _jax_gradients(model, variables, inputs, call_kwargs, loss):
    import jax

    def value(trainable):
        state = [v.value for v in model.non_trainable_variables]
        outputs, _ = model.stateless_call(
            trainable, state, *inputs, **call_kwargs
        )
        return loss(outputs)

    return jax.grad(value)([variable.value for variable in variables])


def _torch_gradients(model, variables, inputs, call_kwargs, loss):
    import torch

    values = [variable.value for variable in variables]
    gradients = torch.autograd.grad(
        loss(model(*inputs, **call_kwargs)), values, allow_unused=True
    )
    return [
        torch.zeros_like(value) if gradient is None else gradient
        for value, gradient in zip(values, gradients, strict=True)
    ]


_GRADIENTS = {
    "tensorflow": _tensorflow_gradients,
    "jax": _jax_gradients,
    "torch": _torch_gradients,
}


def to_numpy(tensor):
    """Values of a tensor, half precision as float32."""
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))


@contextlib.contextmanager
def kernels_from_numpy():
    """Initial kernels of the usual scale, drawn in NumPy.

    JAX compiles a generator for every shape: 16 s for a MobileNetV2.
    """
    initializer = keras.initializers.VarianceScaling
    original, generator = initializer.__call__, np.random.default_rng(0)

    def draw(self, shape, dtype=None, **kwargs):
        scale = np.sqrt(self.scale / max(1, math.prod(shape[:-1])))
        value = scale * generator.standard_normal(shape)
        return keras.ops.convert_to_tensor(value, dtype or "float32")

    initializer.__call__ = draw
    try:
        yield
    finally:
        initializer.__call__ = original


def randomize(model, seed):
    """Random values for all variables: initial ones hide mistakes."""
    generator = np.random.default_rng(seed)
    for variable in model.variables:
        if variable.path.endswith("variance"):
            value = generator.uniform(0.5, 2.0, variable.shape)
        else:
            scale = 0.3 if len(variable.shape) > 1 else 1.0
            value = scale * generator.standard_normal(variable.shape)
        variable.assign(value.astype("float32"))


@contextlib.contextmanager
def limited_file_size(size):
    """No file can grow beyond `size` bytes, as on a full disk."""
    resource = __import__("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def files_in(folder):
    """Names of all files in a folder, hidden ones included."""
    return sorted(os.listdir(folder))
