"""What makes a functional graph an application: its config of plain values."""

import keras

from keras_pnnh.applications import _identity_coder, _pretrained


class Application(keras.Model):
    """A functional model that is rebuilt from its constructor's arguments.

    Its config holds numbers and strings, no graph: a graph config would lose
    what a shared coder means, and tie saved files to Keras's own format.

    Args:
        inputs: Keras tensor of the images.
        outputs: Keras tensor or tensors of the results.
        arguments: The constructor's arguments but `name`, all of them plain
            values that JSON can hold.
        name: Name of the model.
        pyramid: Dictionary from `"P<n>"` to the last tensor whose height and
            width are those of the image over `2 ** n`.

    With `coder="identity"` among the arguments, inputs and outputs are those of
    the residual twin, and the model is the chain that it is converted to.
    """

    def __init__(self, inputs, outputs, arguments, name, pyramid=None):
        pyramid = pyramid or {}
        if arguments["coder"] == "identity":
            twin = keras.Model(inputs, outputs)
            chain = _identity_coder.convert(twin, pyramid)
            self._assemble(chain, arguments, name)
        else:
            self._begin(inputs, outputs, arguments, name, pyramid)

    def _begin(self, inputs, outputs, arguments, name, pyramid):
        super().__init__(inputs=inputs, outputs=outputs, name=name)
        self._arguments = arguments
        self._pyramid = pyramid

    def _assemble(self, chain, arguments, name):
        result, *maps = chain.model.outputs
        pyramid = dict(zip(chain.levels, maps, strict=True))
        self._begin(chain.model.input, result, arguments, name, pyramid)

    @classmethod
    def of_chain(cls, chain, arguments, name):
        """The network with `coder="identity"` that has been converted before.

        Args:
            chain: A `_identity_coder.Chain`.
            arguments: As in the constructor.
            name: Name of the model.
        """
        model = cls.__new__(cls)
        model._assemble(chain, arguments, name)
        return model

    @property
    def pyramid_outputs(self):
        """Feature maps by level, as detectors of keras-hub ask for them.

        `P<n>` is `2 ** n` times smaller than the image; see `features`.
        """
        return dict(self._pyramid)

    @property
    def data_format(self):
        """Where the channels are, which keras-hub asks for."""
        return self._arguments["data_format"]

    def get_config(self):
        return {
            **self._arguments,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        trainable = config.pop("trainable", True)
        model = cls(**config)
        model.trainable = trainable
        return model


def constructor(model_class, variant, name, numbers, documentation, classes):
    """A function that builds one variant, like those of `keras.applications`.

    Args:
        model_class: An `Application`.
        variant: Name of the variant, e.g. `"plain_resnet50"`.
        name: Name of the function, e.g. `"PlainResNet50"`.
        numbers: Arguments of `model_class` that make the variant.
        documentation: Docstring of the function.
        classes: Default number of classes.
    """

    def construct(
        include_top=True,
        weights=None,
        input_tensor=None,
        input_shape=None,
        pooling=None,
        classes=classes,
        classifier_activation="softmax",
        name=variant,
        **kwargs,
    ):
        arguments = {
            "include_top": include_top,
            "input_shape": input_shape,
            "pooling": pooling,
            "classes": classes,
            "classifier_activation": classifier_activation,
            "name": name,
            **kwargs,
        }
        return _pretrained.build(
            model_class, variant, numbers, weights, input_tensor, arguments
        )

    construct.__name__ = construct.__qualname__ = name
    construct.__doc__ = documentation
    return construct
