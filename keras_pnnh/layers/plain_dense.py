"""The plain dense layer: learner and coder in one kernel."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_pnnh import theory
from keras_pnnh.layers._checks import check_number, check_positive_integers
from keras_pnnh.layers._initial_values import kernel_values
from keras_pnnh.layers.plain_layer import PlainLayer
from keras_pnnh.layers.values import numbers


@keras.saving.register_keras_serializable(package="keras_pnnh")
class PlainDense(PlainLayer):
    """Dense layer that adds a learner and a coder.

    Computes `x @ (learner_scale L + coder_scale C) + bias`, the argument of
    the non-linearity in PNNH's layer `x' = phi(learner(x) + coder(x))` (arXiv
    2402.08645) for tokens in place of pixels (reconstruction). `L` is this
    layer's own kernel, `C` a matrix shared by all blocks that `Coder` hands
    out. The sum is one kernel in training, too, and folds to a
    `keras.layers.Dense` (`keras_pnnh.fold`).

    Called without a coder the layer is a dense layer: that of the plain
    baseline and of the residual twin.

    Args:
        units: Channels of the output.
        learner_gain: Initial `learner_scale` of the units that have a coder
            beside them. The others start at 1, and so does `coder_scale`.

    Call arguments:
        inputs: `(..., channels)`.
        coder_kernel: Matrix `(channels, units)` of the coder, or smaller: what
            is carried occupies the leading channels and units.

    Output shape: `(..., units)`.

    Raises:
        ValueError: For a coder that does not fit.

    Example:

    >>> import keras
    >>> from keras_pnnh.layers import PlainDense
    >>> PlainDense(8)(keras.Input((9, 4))).shape
    (None, 9, 8)
    """

    folds = True

    def __init__(
        self, units: int, learner_gain: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(units=units)
        check_number("learner_gain", learner_gain)
        self.units = units
        self.learner_gain = learner_gain
        self.learner_scale = None
        self.coder_scale = None

    def build(
        self,
        inputs_shape: tuple[Any, ...],
        coder_kernel_shape: tuple[Any, ...] | None = None,
    ) -> None:
        channels = inputs_shape[-1]
        self._check_coder(coder_kernel_shape, channels)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(channels, self.units),
            initializer=kernel_values("glorot_uniform"),
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.units,), initializer="zeros"
        )
        if coder_kernel_shape is None:
            return
        coded = coder_kernel_shape[1]
        gains = np.where(np.arange(self.units) < coded, self.learner_gain, 1.0)
        self.learner_scale = self.add_weight(
            name="learner_scale",
            shape=(self.units,),
            initializer=lambda shape, dtype: ops.convert_to_tensor(
                gains, dtype
            ),
        )
        self.coder_scale = self.add_weight(
            name="coder_scale", shape=(coded,), initializer="ones"
        )

    def _check_coder(self, coder_kernel_shape, channels):
        if coder_kernel_shape is None:
            return
        rows, columns = coder_kernel_shape
        if rows > channels or columns > self.units:
            raise ValueError(
                f"The coder of layer '{self.name}' must fit into its kernel of "
                f"{channels} input channels and {self.units} units. Received: "
                f"a coder matrix of shape {(rows, columns)}. Make the code "
                "narrower or the layer wider."
            )
        if self.built and self.coder_scale is None:
            raise ValueError(
                f"Layer '{self.name}' was built without a coder and has no "
                "scale for one. Received: a coder matrix of shape "
                f"{(rows, columns)}. Pass it in the first call, too."
            )

    def call(self, inputs: Any, coder_kernel: Any = None) -> Any:
        kernel = ops.convert_to_tensor(self.kernel)
        if self.learner_scale is not None:
            kernel = kernel * self.learner_scale
        if coder_kernel is not None:
            self._check_coder(coder_kernel.shape, kernel.shape[0])
            coder_kernel = ops.convert_to_tensor(coder_kernel)
            kernel = kernel + self._embed(coder_kernel * self.coder_scale)
        return ops.matmul(inputs, kernel) + self.bias

    def _embed(self, matrix):
        rows, columns = self.kernel.shape
        spare = (rows - matrix.shape[0], columns - matrix.shape[1])
        if not any(spare):
            return matrix
        return ops.pad(matrix, [(0, spare[0]), (0, spare[1])])

    def compute_output_shape(
        self,
        inputs_shape: tuple[Any, ...],
        coder_kernel_shape: tuple[Any, ...] | None = None,
    ) -> tuple[Any, ...]:
        return (*inputs_shape[:-1], self.units)

    def fold_into(self, name: str) -> list[keras.layers.Layer]:
        dense = keras.layers.Dense(
            self.units,
            dtype=self.dtype_policy,
            trainable=self.trainable,
            name=name,
        )
        return [dense]

    def folded_weights(self, coder_kernel: Any = None) -> list[np.ndarray]:
        kernel = numbers(self.kernel)
        if self.learner_scale is not None:
            kernel = kernel * numbers(self.learner_scale)
        if coder_kernel is not None:
            coder = coder_kernel * numbers(self.coder_scale)
            kernel = kernel + theory.pad_channels(coder, *kernel.shape)
        return [kernel, numbers(self.bias)]

    def count_folded_parameters(self) -> int:
        return (self.kernel.shape[0] + 1) * self.units

    def count_macs(
        self, inputs_shape: tuple[Any, ...], outputs_shape: tuple[Any, ...]
    ) -> int:
        return math.prod(outputs_shape[1:]) * self.kernel.shape[0]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "learner_gain": self.learner_gain,
        }
