"""Gradients with respect to intermediate tensors, one function a backend.

Each takes the inputs and a function `run(inputs, perturb) -> (loss, taps)`
that passes every tap through `perturb(name, value)` on the way, and returns a
dictionary from name to gradient. Keras has no public name for this.
"""

import contextlib
from typing import Any

import keras


def _tensorflow(run, inputs):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss, taps = run(inputs, _leave)
    zero = tf.UnconnectedGradients.ZERO
    return tape.gradient(loss, taps, unconnected_gradients=zero)


def _torch(run, inputs):
    import torch

    # A frozen model would leave no trace to follow back.
    inputs = [
        tensor.requires_grad_(tensor.is_floating_point()) for tensor in inputs
    ]
    loss, taps = run(inputs, _leave)
    gradients = torch.autograd.grad(
        loss, list(taps.values()), allow_unused=True, materialize_grads=True
    )
    return dict(zip(taps, gradients, strict=True))


def _jax(run, inputs):
    import jax
    import jax.numpy as jnp

    # JAX differentiates by arguments only: a zero is added to every tap, and
    # the gradient by that zero is the gradient by the tap.
    shapes = jax.eval_shape(lambda: run(inputs, _leave)[1])
    zeros = {
        name: jnp.zeros(value.shape, value.dtype)
        for name, value in shapes.items()
    }

    def loss(zeros):
        return run(inputs, lambda name, value: value + zeros[name])[0]

    return jax.grad(loss)(zeros)


def _leave(name, value):
    return value


_BACKENDS = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}


def tap_gradients(run: Any, inputs: Any) -> Any:
    """Gradients of the loss with respect to every tap, by name."""
    return _BACKENDS[keras.backend.backend()](run, inputs)


def no_gradients() -> Any:
    """A context that keeps torch from storing what a backward pass needs."""
    if keras.backend.backend() != "torch":
        return contextlib.nullcontext()
    import torch

    return torch.no_grad()
