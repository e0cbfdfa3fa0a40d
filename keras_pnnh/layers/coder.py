"""The coder: the autoencoder that all layers of a stage share."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_pnnh.layers._checks import (
    check_integer,
    check_number,
    check_positive_integers,
    count_channels,
    resolve_activation,
)
from keras_pnnh.layers.coder_initializers import CODER_INITIALIZERS
from keras_pnnh.layers.handed_weights import HandedWeights
from keras_pnnh.layers.plain_layer import PlainLayer
from keras_pnnh.layers.pretexts import find_pretext
from keras_pnnh.layers.values import numbers
from keras_pnnh.theory import rectified_normal

PARTS = ("reconstruction", "encoder", "code", "decoder")


@keras.saving.register_keras_serializable(package="keras_pnnh")
class Coder(PlainLayer):
    """Autoencoder `D(phi(E(x)))` that carries a stage's input along.

    The coder of PNNH (arXiv 2402.08645): one object per stage, shared by all
    of its layers, whose task is to keep the input while the learners change
    it. How its halves are spread over the layers is a reconstruction: in a
    block of two convolutions the first adds the encoder to its own kernel and
    the second the decoder, so the block's own ReLU is the coder's.

    A network never runs the coder as a branch. It calls
    `coder(x, part="encoder")` for the matrix that fits `x` and hands it to a
    `PlainConv2D`. Called without `part`, the coder reconstructs its input,
    which is what it is pretrained and measured on.

    Args:
        filters: Channels of the stage, the width `d` of what is carried.
        code_filters: Width `r` of the code. Defaults to `filters`, enough for
            a perfect coder of rectified inputs; signed inputs need
            `2 * filters`; less loses at least the share `1 - r / d` of the
            variance (`theory.explained_variance_bound`).
        activation: The non-linearity between encoder and decoder.
        initializer: `"closed_form"` (the perfect or best coder for the two
            widths), `"selection"` (the first channels, others dropped),
            `"orthogonal_pairs"` (`E = [Q, -Q]`, `D = [Q', -Q']`) or `"random"`
            (an orthogonal encoder and its transpose).
        gradient_scale: Factor on the gradient of the coder's weights, from 0
            to 1. All layers of a stage add their gradients up in the coder;
            one over the number of its uses undoes that. 0, the default,
            freezes the coder for good: its weights are created non-trainable,
            so that `model.trainable = True` does not thaw them. An adaptive
            optimizer such as Adam divides any factor but 0 out again.
        code_gain: Factor on the initial encoder, which the decoder undoes.
            Below 1 it keeps the code away from an activation's upper bound:
            pairs carry values up to `6 / code_gain` through a ReLU6.
        axis: Channel axis of the inputs.
        seed: Seed of the random initialisers.

    Call arguments:
        inputs: Tensor with at most `filters` channels. Missing channels count
            as zeros, which is how a stage widens (He et al. 2015, option A).
        part: `"reconstruction"`, or `"encoder"`, `"code"`, `"decoder"` for a
            matrix: into the code, from code to code (the identity, for layers
            between the two), and out of it.

    Output shape:
        `"reconstruction"`: as the input, with `filters` channels.
        `"encoder"`: `(channels of inputs, code_filters)`.
        `"code"`: `(code_filters, code_filters)`.
        `"decoder"`: `(code_filters, filters)`.

    Raises:
        ValueError: For a width, initialiser, gradient scale or gain out of
            range, or inputs wider than `filters`.

    Example:

    >>> import keras
    >>> from keras_pnnh.layers import Coder, PlainConv2D
    >>> x = keras.Input((8, 8, 16))
    >>> coder = Coder(16)
    >>> y = PlainConv2D(16)(x, coder(x, part="encoder"))
    >>> y = keras.layers.ReLU()(y)
    >>> y = PlainConv2D(16)(y, coder(y, part="decoder"))
    >>> y.shape
    (None, 8, 8, 16)
    """

    not_decayed = ("encoder", "decoder")

    def __init__(
        self,
        filters: int,
        code_filters: int | None = None,
        activation: str = "relu",
        initializer: str = "closed_form",
        gradient_scale: float = 0.0,
        axis: int = -1,
        seed: int = 0,
        code_gain: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        code_filters = filters if code_filters is None else code_filters
        check_positive_integers(filters=filters, code_filters=code_filters)
        if initializer not in list(CODER_INITIALIZERS):
            raise ValueError(
                f"`initializer` must be one of {sorted(CODER_INITIALIZERS)}. "
                f"Received: initializer={initializer!r}."
            )
        check_number("gradient_scale", gradient_scale, least=0, most=1)
        check_number("code_gain", code_gain)
        if code_gain <= 0:
            raise ValueError(
                "`code_gain` must be a positive number. "
                f"Received: code_gain={code_gain}."
            )
        check_integer("axis", axis)
        check_integer("seed", seed, least=0)
        self.filters = filters
        self.code_filters = code_filters
        self.activation = resolve_activation(activation)
        self.initializer = initializer
        self.gradient_scale = gradient_scale
        self.axis = axis
        self.seed = seed
        self.code_gain = code_gain

    def build(self, inputs_shape: tuple[Any, ...]) -> None:
        widths = (self.filters, self.code_filters)
        self.encoder = self._add_matrix("encoder", widths, self.code_gain)
        self.decoder = self._add_matrix(
            "decoder", widths[::-1], 1 / self.code_gain
        )

    def _add_matrix(self, name, shape, gain):
        def initial_value(shape, dtype):
            initialize = CODER_INITIALIZERS[self.initializer]
            pair = initialize(self.filters, self.code_filters, self.seed)
            value = pair[("encoder", "decoder").index(name)]
            return ops.convert_to_tensor(gain * value, dtype)

        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initial_value,
            trainable=self.gradient_scale > 0,
        )

    def call(self, inputs: Any, part: str = "reconstruction") -> Any:
        if part not in PARTS:
            raise ValueError(
                f"`part` must be one of {PARTS}. Received: part={part!r}."
            )
        if part == "code":
            return ops.eye(self.code_filters, dtype=self.compute_dtype)
        if part == "decoder":
            return self._with_scaled_gradient(self.decoder)
        channels = count_channels(
            *(inputs, self.axis, self.filters),
            taker=f"A coder of {self.filters} filters",
            repair="Use one coder per stage, as wide as the stage.",
        )
        encoder = self._with_scaled_gradient(self.encoder)[:channels]
        if part == "encoder":
            return encoder
        code = ops.matmul(ops.moveaxis(inputs, self.axis, -1), encoder)
        decoder = self._with_scaled_gradient(self.decoder)
        outputs = ops.matmul(self.activation(code), decoder)
        return ops.moveaxis(outputs, -1, self.axis)

    def handed_out(self, inputs: Any, part: str = "reconstruction") -> Any:
        if part == "reconstruction":
            return None
        return HandedWeights(self, part, inputs.shape[self.axis])

    def handed_numbers(self, part: str, channels: int) -> Any:
        """A matrix that the coder hands out, in float64."""
        if part == "encoder":
            return numbers(self.encoder)[:channels]
        if part == "code":
            return np.eye(self.code_filters)
        return numbers(self.decoder)

    def count_macs(
        self, inputs_shape: tuple[Any, ...], outputs_shape: tuple[Any, ...]
    ) -> Any:
        channels = inputs_shape[self.axis]
        positions = math.prod(inputs_shape[1:]) // channels
        return positions * self.code_filters * (channels + self.filters)

    def _with_scaled_gradient(self, weight):
        # Not `convert_to_tensor`: on TensorFlow it hands out the variable.
        weight = ops.cast(weight, self.compute_dtype)
        if self.gradient_scale in (0, 1):
            return weight
        constant = ops.stop_gradient(weight)
        # The difference is exactly zero, so the value is untouched.
        return constant + self.gradient_scale * (weight - constant)

    def reconstruction_error(self, samples: int = 65536, seed: int = 0) -> Any:
        """Mean squared error per channel on the rectified normal.

        Args:
            samples: How many inputs `max(0, n)`, `n ~ N(0, I)`, to draw.
            seed: Seed of the draw.

        Returns:
            The error, to be compared with
            `theory.reconstruction_error_bound(filters, code_filters)`.
        """
        inputs = self._rectified_normal((samples, self.filters), seed)
        outputs = ops.moveaxis(self(self._to_axis(inputs)), self.axis, -1)
        outputs = ops.convert_to_numpy(ops.cast(outputs, "float32"))
        outputs = outputs.reshape(inputs.shape)
        return float(np.mean(np.square(outputs - inputs), dtype="float64"))

    def pretrain(
        self,
        steps: int = 3000,
        batch_size: int = 512,
        learning_rate: float = 0.01,
        seed: int = 0,
        pretext: str = "rectified_normal",
    ) -> Any:
        """Fit the coder to its pretext task, to reconstruct what is drawn.

        Adam with a cosine decay on the mean squared error (PNNH: the coder
        reconstructs a rectified normal; the optimizer is our choice). Works
        on frozen coders, too: pretraining is what happens before they freeze.

        Args:
            steps: Optimizer steps.
            batch_size: Samples per step.
            learning_rate: Peak learning rate of Adam.
            seed: Seed of the samples.
            pretext: What to draw: `"rectified_normal"` (PNNH), `"normal"`,
                `"uniform"` (between 0 and 1), or a function
                `(shape, generator) -> array`, e.g. one that picks activations
                of a network; `shape` is `(batch_size, filters)`, `generator`
                a NumPy one.

        Returns:
            The reconstruction error afterwards, on the rectified normal
            whatever the pretext.

        Raises:
            ValueError: For an unknown pretext.
        """
        draw = find_pretext(pretext)
        config = {**self.get_config(), "gradient_scale": 1.0, "axis": -1}
        trainee = Coder.from_config({**config, "trainable": True})
        model = keras.Sequential([keras.Input((self.filters,)), trainee])
        if self.built:
            trainee.set_weights(self.get_weights())
        decay = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        model.compile(keras.optimizers.Adam(decay), "mse")

        def batches():
            generator = np.random.default_rng(seed)
            while True:
                shape = (batch_size, self.filters)
                inputs = draw(shape, generator).astype("float32")
                yield inputs, inputs

        # Without `shuffle=False` Keras warns that it cannot shuffle them.
        model.fit(batches(), steps_per_epoch=steps, shuffle=False, verbose=0)
        if not self.built:
            self.build((None, self.filters))
        self.set_weights(trainee.get_weights())
        return self.reconstruction_error(seed=seed + 1)

    @staticmethod
    def _rectified_normal(shape, seed):
        return rectified_normal.sample(shape, seed).astype("float32")

    def _to_axis(self, inputs):
        """Samples `(n, channels)` with the channels on `self.axis`."""
        if self.axis in (-1, 1):
            return inputs
        spatial = (1,) * (self.axis - 1 if self.axis > 0 else -self.axis - 1)
        if self.axis > 0:
            return inputs.reshape(inputs.shape[:1] + spatial + inputs.shape[1:])
        return inputs.reshape(inputs.shape + spatial)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "code_filters": self.code_filters,
            "activation": keras.activations.serialize(self.activation),
            "initializer": self.initializer,
            "gradient_scale": self.gradient_scale,
            "axis": self.axis,
            "seed": self.seed,
            "code_gain": self.code_gain,
        }
