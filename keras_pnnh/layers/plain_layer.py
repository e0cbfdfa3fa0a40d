"""What the library asks of a layer, and the layer itself answers."""

from typing import Any

import keras
import numpy as np

from keras_pnnh.layers.handed_weights import HandedWeights
from keras_pnnh.layers.parts import frozen_parts


class PlainLayer(keras.layers.Layer):
    """A layer that says how it folds, what it costs and what theory expects.

    `fold`, `audit`, weight decay and `analysis` know no class of layers but
    Keras's own. All others they ask the questions below, so a new layer of
    a plain network is written in one place, inside this package or outside.
    The answers here are those of a layer with nothing to say: override what
    applies.

    A layer that becomes standard layers has `folds = True`, `fold_into` and
    `folded_weights`. A subclass with a `call` of its own must say `folds`
    again: what its base class folds to is not what it computes.

    Attributes:
        folds: Whether `fold` puts other layers in its place.
        absorbs_norm: Whether a `BatchNormalization` that alone reads it may
            fold into it, too: the last of the layers that it becomes must be
            a `Conv2D` or a `DepthwiseConv2D`.
        not_decayed: Names of those attributes that hold variables which weight
            decay leaves alone. Variables with one axis, such as biases and
            scales, need not be named.
        writes_in_place: Whether it may write its output over its input.
        slices_and_joins: Whether channels pass by what it computes, so that an
            exported file holds slices and joins in its place.
        pass_through_channels: Number of output channels that are those of the
            input, untouched.
        inner_layers: Names of those attributes that hold layers. Which of them
            are frozen is saved with the layer, if they are made with
            `trainable=self.trains(name)`.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> import keras_pnnh
    >>> from keras_pnnh.layers import PlainLayer
    >>> class Scaled(PlainLayer):
    ...     "A 1x1 convolution by one number for each channel."
    ...     folds = True
    ...     def build(self, inputs_shape):
    ...         shape = inputs_shape[-1:]
    ...         self.factor = self.add_weight(shape=shape, initializer="ones")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    ...     def fold_into(self, name):
    ...         return [keras.layers.DepthwiseConv2D(1, name=name)]
    ...     def folded_weights(self):
    ...         kernel = keras.ops.convert_to_numpy(self.factor)
    ...         return [kernel[None, None, :, None], np.zeros_like(kernel)]
    >>> model = keras.Sequential([keras.Input((8, 8, 3)), Scaled(name="a")])
    >>> keras_pnnh.fold(model).get_layer("a").__class__.__name__
    'DepthwiseConv2D'
    """

    folds: bool = False
    absorbs_norm: bool = False
    not_decayed: tuple[str, ...] = ()
    writes_in_place: bool = False
    slices_and_joins: bool = False

    inner_layers: tuple[str, ...] = ()
    _frozen_parts: tuple[str, ...] = ()

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor, and `frozen_parts` if there are any:
        layers inside this one that are frozen while it is not.
        """
        config = super().get_config()
        frozen = frozen_parts(self) if self.built else self._frozen_parts
        return {**config, "frozen_parts": list(frozen)} if frozen else config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        frozen = config.pop("frozen_parts", ())
        layer = super().from_config(config)
        layer._frozen_parts = tuple(frozen)
        return layer

    def trains(self, name: str) -> bool:
        """Whether one of `inner_layers`, when it is made, is to be trained."""
        return self.trainable and name not in self._frozen_parts

    @property
    def pass_through_channels(self) -> int:
        return 0

    # `*args: Any` and `**kwargs: Any` let an override name its arguments.

    def handed_out(self, *args: Any, **kwargs: Any) -> HandedWeights | None:
        """The weights that a call makes for other layers.

        Args:
            *args: What the layer is called with; of tensors only the shape
                counts.
            **kwargs: Further arguments of the call.

        Returns:
            `HandedWeights`, or None if the call makes an activation.
        """
        return None

    def fold_into(self, name: str) -> list[keras.layers.Layer]:
        """New layers that, one after the other, compute what this one does.

        Args:
            name: Name of the last of them, which takes the weights. Names of
                others begin with it.
        """
        raise NotImplementedError(
            f"`{type(self).__name__}` has `folds = True`, so it needs a method "
            "`fold_into(name)` that returns a list of layers."
        )

    def folded_weights(self, *args: Any, **handed: Any) -> list[np.ndarray]:
        """Weights of the last layer of `fold_into`, best in float64.

        Args:
            **handed: The weights that the call was given, in float64, by the
                names of the arguments.
        """
        raise NotImplementedError(
            f"`{type(self).__name__}` has `folds = True`, so it needs a method "
            "`folded_weights(**handed)` that returns a list of arrays."
        )

    def count_folded_parameters(self) -> int:
        """Parameters of the layers of `fold_into`."""
        return self.count_params()

    def count_macs(
        self, inputs_shape: tuple[Any, ...], outputs_shape: tuple[Any, ...]
    ) -> int | None:
        """Multiply-accumulates for one input, once folded.

        Args:
            inputs_shape: Shape of the inputs, of known sizes but for the batch.
            outputs_shape: Shape of the outputs.

        Returns:
            The count, without biases; None, the default, if it is not known,
            which `audit` refuses for a layer with a kernel.
        """
        return None

    def padded_floats(self, inputs_shape: tuple[Any, ...]) -> int:
        """Floats of a padded copy of one input that the layer makes, or 0."""
        return 0

    def inner_floats(
        self, inputs_shape: tuple[Any, ...]
    ) -> tuple[int, int] | None:
        """Floats that the layer holds inside for one input.

        Returns:
            Those beside the input, and those that may take the input's place;
            None if it holds nothing.
        """
        return None

    def draw_outputs(
        self,
        inputs: np.ndarray | None,
        generator: np.random.Generator,
        *args: Any,
        **handed: Any,
    ) -> np.ndarray | None:
        """What theory expects of the outputs, over random weights and inputs.

        Args:
            inputs: Independent draws of what a unit of each channel holds,
                `(channels, draws)`; None if that is not known.
            generator: For the draws of the outputs.
            **handed: As for `folded_weights`.

        Returns:
            Draws of the outputs, `(channels, draws)`; None, the default, if
            they are not known.
        """
        return None
