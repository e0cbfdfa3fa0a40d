"""Copies of a model's layers, to build another model from."""

import keras


class LayerCopies:
    """One copy of each layer, under the layer's name or one close to it.

    Two layers of one name (inside two nested models) would be refused by the
    new model; the second becomes `"<name>_1"`.
    """

    def __init__(self):
        self._copies = {}
        self._names = set()

    def unique_name(self, name):
        """`name`, or `name` with the first number that makes it new."""
        unique, number = name, 0
        while unique in self._names:
            number += 1
            unique = f"{name}_{number}"
        self._names.add(unique)
        return unique

    def copy(self, layer, name=None, **changes):
        """The copy of a layer, made on first use.

        Args:
            layer: A layer, or an operation such as that of `x + y`.
            name: Name of the copy, or a name close to it. Defaults to the
                name of `layer`.
            **changes: Entries of its config to replace.

        Returns:
            The copy. Its weights are new until `load_weights`.
        """
        if layer not in self._copies:
            name = self.unique_name(name or layer.name)
            self._copies[layer] = copy_layer(layer, name=name, **changes)
        return self._copies[layer]

    def call(self, layer, args, kwargs):
        """Call the copy of a layer; fits `graph.replay`."""
        return self.copy(layer)(*args, **kwargs)

    def load_weights(self):
        """Give every copy that was called the weights of its original."""
        for layer, copy in self._copies.items():
            if isinstance(layer, keras.layers.Layer) and layer.weights:
                copy.set_weights([to_numpy(w) for w in layer.weights])
                if hasattr(copy, "finalize_state"):
                    copy.finalize_state()  # an adapted `Normalization`


def copy_layer(layer, **changes):
    """A new layer of the same config, with weights of its own."""
    config = {**layer.get_config(), **changes}
    if type(layer) is keras.layers.Lambda:
        # Safe: the function is that of a live object, not of a file.
        return keras.layers.Lambda.from_config(config, safe_mode=False)
    return type(layer).from_config(config)


def new_convolution(layer_class, **arguments):
    """A convolution whose weights will be set.

    It begins at zero: random numbers would be overwritten, and making them
    takes most of the time (on JAX a compilation for every shape).

    Args:
        layer_class: `Conv2D` or `DepthwiseConv2D` of `keras.layers`.
        **arguments: Of its constructor.
    """
    depthwise = layer_class is keras.layers.DepthwiseConv2D
    kernel = "depthwise" if depthwise else "kernel"
    return layer_class(**arguments, **{f"{kernel}_initializer": "zeros"})


def pack_like(model, inputs, outputs):
    """Lists of inputs and outputs in the structure that `model` has."""
    return (
        keras.tree.pack_sequence_as(_structure(model, "input"), inputs),
        keras.tree.pack_sequence_as(_structure(model, "output"), outputs),
    )


def _structure(model, side):
    # A sequential model knows lists only, and is called on a bare tensor.
    if isinstance(model, keras.Sequential):
        (tensor,) = getattr(model, f"{side}s")
        return tensor
    return getattr(model, side)


def to_numpy(variable):
    """The value of a variable, as an array of its own.

    `Variable.numpy()` does the same and warns on torch with NumPy 2 (Keras
    3.15: its `__array__` has no `copy` argument).
    """
    return keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable))
