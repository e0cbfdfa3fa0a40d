"""What makes a functional graph an application: its config of plain values."""

import inspect
from typing import Any, Self

import keras

from keras_pnnh import graph
from keras_pnnh.applications import (
    _checks,
    _layer_states,
    _old_configs,
    _pass_through,
)


class Application(keras.Model):
    """A functional model that is rebuilt from its constructor's arguments.

    Its config holds numbers and strings, no graph: a graph config would lose
    what a shared coder means, and tie saved files to Keras's own format. Which
    layers are frozen or quantised stands in it, too.

    A family is a subclass that makes inputs and outputs in its constructor
    and ends it with
    `super().__init__(images, outputs, pyramid, locals())`.

    Args:
        inputs: Keras tensor of the images.
        outputs: Keras tensor or tensors of the results.
        pyramid: Dictionary from `"P<n>"` to the last tensor whose height and
            width are those of the image over `2 ** n`.
        arguments: Values by name, among them all arguments of the family's
            constructor; they become the config.

    With `internal_path="pass_through"` inputs and outputs are those of the
    residual twin, and the model is the chain that it is converted to.

    Example:

    >>> import keras
    >>> from keras_pnnh.applications import Application
    >>> class Pooled(Application):
    ...     def __init__(self, size, internal_path="none", name=None):
    ...         images = keras.Input((size, size, 3))
    ...         x = keras.layers.GlobalAveragePooling2D()(images)
    ...         super().__init__(images, x, {}, locals())
    >>> Pooled(8).get_config()["size"]
    8
    """

    any_size = True  # whether it takes images of any size without its head

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Keras's legacy `.h5` files name a class without its package.
        keras.saving.get_custom_objects().setdefault(cls.__name__, cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if args or kwargs:  # Keras itself calls it with none
            signature = inspect.signature(cls)
            _checks.check_arguments(cls.__name__, signature, args, kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        pyramid: dict[str, Any],
        arguments: dict[str, Any],
    ) -> None:
        if arguments["internal_path"] == "pass_through":
            inputs, outputs, pyramid = _pass_through.convert(
                inputs, outputs, pyramid
            )
        super().__init__(inputs=inputs, outputs=outputs, name=arguments["name"])
        self._arguments = {
            name: _plain(name, arguments[name])
            for name in _arguments_of(type(self))
            if name != "name" and name in arguments
        }
        self._pyramid = pyramid

    @property
    def pyramid_outputs(self) -> dict[str, Any]:
        """Feature maps by level, as detectors of keras-hub ask for them.

        `P<n>` is `2 ** n` times smaller than the image; see `features`.
        """
        return dict(self._pyramid)

    @property
    def pyramid_level_inputs(self) -> dict[str, str]:
        """Names of the layers with these maps, as keras-cv asks for them.

        Without the maps of a Transformer, which no layer of the model has.
        """
        return {
            level: name
            for level, tensor in self._pyramid.items()
            for name, outputs in graph.layer_outputs(self).items()
            if any(output is tensor for output in outputs)
        }

    @property
    def data_format(self) -> str:
        """Where the channels are, which keras-hub asks for."""
        return str(self._arguments["data_format"])

    def get_config(self) -> dict[str, Any]:
        return {
            **self._arguments,
            "name": self.name,
            "trainable": self.trainable,
            **_layer_states.describe(self),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> Any:
        config = cls.translate_config(_names_for_functions(config))
        trainable = config.pop("trainable", True)
        states = {
            key: config.pop(key) for key in _layer_states.KEYS if key in config
        }
        model = cls(**config)
        _layer_states.restore(model, trainable, states)
        return model

    @classmethod
    def translate_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        """A config, or a part of one, in the names and values of today.

        Raises:
            ValueError: For a value of an earlier version that no argument
                expresses any more.
        """
        family = next(
            (
                base
                for base in cls.__mro__
                if base.__name__ in _old_configs.LEFT
            ),
            cls,
        )
        current = _old_configs.translate(family.__name__, config)
        # What a subclass adds means what the subclass says.
        added = set(_arguments_of(cls)) - set(_arguments_of(family))
        return {**current, **{key: config[key] for key in added & set(config)}}


def _arguments_of(cls):
    """Arguments of a family's constructor, and of those that it extends."""
    families = [c for c in cls.__mro__[::-1] if issubclass(c, Application)]
    return [
        name
        for family in families[1:]
        for name in inspect.signature(family).parameters
    ]


def _names_for_functions(config):
    """Undo what Keras does when it reads `.h5` files.

    It puts functions of its own in place of strings that are their names, such
    as `keras.layers.add` for `"add"`.
    """
    return {
        key: value.__name__ if inspect.isfunction(value) else value
        for key, value in config.items()
    }


def _plain(name, value):
    """A value that JSON can hold."""
    if name == "dtype":
        return keras.dtype_policies.serialize(value)
    if name == "classifier_activation":
        return keras.activations.serialize(keras.activations.get(value))
    return list(value) if isinstance(value, (list, tuple)) else value
