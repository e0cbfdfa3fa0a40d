"""Copies of a model's layers, to build another model from."""

from typing import Any

import keras

from keras_pnnh.graph.copy_checks import check_copy, in_words, is_foreign


class LayerCopies:
    """One copy of each layer, under the layer's name or one close to it.

    Two layers of one name (inside two nested models) would be refused by the
    new model; the second becomes `"<name>_1"`.
    """

    def __init__(self) -> None:
        self._copies = {}
        self._calls = {}  # of a layer of another package: its arguments
        self._names = set()

    def unique_name(self, name: str) -> Any:
        """`name`, or `name` with the first number that makes it new."""
        unique, number = name, 0
        while unique in self._names:
            number += 1
            unique = f"{name}_{number}"
        self._names.add(unique)
        return unique

    def copy(self, layer: Any, name: str | None = None, **changes: Any) -> Any:
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

    def call(self, layer: Any, args: Any, kwargs: Any) -> Any:
        """Call the copy of a layer; fits `graph.replay`."""
        self.note_call(layer, args, kwargs)
        return call_copy(layer, self.copy(layer), args, kwargs)

    def note_call(self, layer: Any, args: Any, kwargs: Any) -> None:
        """Keep what a layer is called with, to compare its copy on the like."""
        if is_foreign(layer):
            self._calls.setdefault(layer, (args, kwargs))

    def load_weights(self) -> None:
        """Give every copy that was called the weights of its original.

        Raises:
            ValueError: If a copy is not what its original is.
        """
        for layer, copy in self._copies.items():
            if not isinstance(layer, keras.layers.Layer):
                continue
            if layer.weights:
                load_copy(layer, copy)
            check_copy(layer, copy, *self._calls.get(layer, (None, None)))


def copy_layer(layer: Any, **changes: Any) -> Any:
    """A new layer of the same config, with weights of its own.

    Raises:
        ValueError: If the layer cannot be made from its config.
    """
    try:
        config = {**layer.get_config(), **changes}
        if type(layer) is keras.layers.Lambda:
            # Safe: the function is that of a live object, not of a file.
            return keras.layers.Lambda.from_config(config, safe_mode=False)
        return type(layer).from_config(config)
    # Whatever the code of a class raises.
    except Exception as error:
        raise ValueError(
            "A layer is copied by its `get_config`, from which it must be made "
            f"again. Received: layer '{layer.name}' of class "
            f"{type(layer).__name__}, which cannot: {in_words(error)}. Give "
            "that class a `get_config` that returns the arguments of its "
            "constructor, and use named functions that are registered with "
            "`keras.saving.register_keras_serializable`."
        ) from error


def call_copy(layer: Any, copy: Any, args: Any, kwargs: Any) -> Any:
    """What the copy of a layer makes.

    Raises:
        ValueError: If the copy of another package's layer cannot be called as
            its original was.
    """
    if not is_foreign(layer):
        return copy(*args, **kwargs)
    try:
        return copy(*args, **kwargs)
    # Whatever the code of a class raises.
    except Exception as error:
        raise ValueError(
            "The copy of a layer is called as its original was. Received: "
            f"layer '{layer.name}' of class {type(layer).__name__}, whose copy "
            f"cannot: {in_words(error)}. Give that class a `get_config` that "
            "returns every argument of its constructor."
        ) from error


def load_copy(layer: Any, copy: Any) -> None:
    """Give a copy the weights of its original.

    Raises:
        ValueError: If the copy has weights of another number or shape.
    """
    shapes, others = (
        [tuple(weight.shape) for weight in one.weights] for one in (layer, copy)
    )
    if shapes != others:
        raise ValueError(
            "The copy of a layer has the weights of its original. Received: "
            f"layer '{layer.name}' of class {type(layer).__name__} with "
            f"weights of the shapes {shapes}, whose copy has {others}. Give "
            "that class a `get_config` that returns every argument of its "
            "constructor."
        )
    copy.set_weights([to_numpy(weight) for weight in layer.weights])
    if hasattr(copy, "finalize_state"):
        copy.finalize_state()  # an adapted `Normalization`


def new_convolution(layer_class: Any, **arguments: Any) -> Any:
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


def pack_like(model: keras.Model, inputs: Any, outputs: Any) -> tuple[Any, Any]:
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


def to_numpy(variable: Any) -> Any:
    """The value of a variable, as an array of its own.

    `Variable.numpy()` does the same and warns on torch with NumPy 2 (Keras
    3.15: its `__array__` has no `copy` argument).
    """
    return keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable))
