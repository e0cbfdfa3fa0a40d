"""What the layers with pass-through channels share."""

from typing import Any

from keras_pnnh.layers import PlainLayer


class PassThroughLayer(PlainLayer):
    """A layer that computes on some channels while others pass through.

    What a shortcut carried in a residual network passes through the layers of
    a chain in channels of its own ("reserve and merge", reconstruction, on
    PNNH, arXiv 2402.08645). What the layer does is said by a list of
    dictionaries, each for a range of channels.

    The names of the subclasses (`CarryConv2D`, ...), of their arguments and of
    their variables (`kernel_0`, `bias_0`, `scale_0`) stand in saved files, so
    they stay as they are. Everything else calls these channels *pass-through
    channels*.

    Args:
        ranges: List of dictionaries, not empty.

    Example:

    >>> import keras
    >>> from keras_pnnh import pass_through
    >>> x = keras.Input((8, 8, 4))
    >>> y = keras.layers.Conv2D(4, 3, padding="same")(x)
    >>> model = keras.Model(x, keras.layers.Add()([x, y]))
    >>> chain, certificate = pass_through.from_residual(model)
    >>> base = pass_through.layers.PassThroughLayer
    >>> any(isinstance(layer, base) for layer in chain.layers)
    True
    """

    slices_and_joins = True
    _ranges_name = "pieces"
    _channel_axis = -1

    def __init__(self, ranges: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        listed = isinstance(ranges, (list, tuple)) and len(ranges) > 0
        if listed and all(isinstance(entry, dict) for entry in ranges):
            return
        one = self._ranges_name.removesuffix("s")
        raise ValueError(
            f"A layer needs at least one {one}: a list of dictionaries. "
            f"Received: {self._ranges_name}={ranges!r}. See "
            f"`{type(self).__name__}` for what a {one} is."
        )

    @property
    def pass_through_channels(self) -> int:
        """Number of output channels that no weights write."""
        raise NotImplementedError

    def count_macs(
        self, inputs_shape: tuple[Any, ...], outputs_shape: tuple[Any, ...]
    ) -> int:
        """Multiply-accumulates for one input; what passes costs none.

        Args:
            inputs_shape: Shape of the inputs, of known sizes but for the batch.
            outputs_shape: Shape of the outputs.
        """
        return 0

    @staticmethod
    def plan_written_out(
        network: Any, in_range: bool = False
    ) -> dict[str, Any] | None:
        """The ordinary layers in the place of those of a chain.

        Args:
            network: `graph.Graph`.
            in_range: Whether what passes has a range, which images fit.

        Returns:
            Dictionary from a layer to a list of what is made in its place,
            each with its `macs` and `parameters`; None if the chain cannot be
            written out.
        """
        from keras_pnnh.pass_through import writing_out

        try:
            return writing_out.plan_written_out(
                network, writing_out.Ranges(None) if in_range else None
            )
        except writing_out.NotWrittenOutError:
            return None

    def _check_inputs(self, inputs_shape, needed):
        """Raise if the layer reads channels that do not exist."""
        channels = inputs_shape[self._channel_axis]
        if needed > channels:
            raise ValueError(
                f"The {self._ranges_name} of layer '{self.name}' read {needed} "
                f"channels. Received: inputs with {channels} channels. Give "
                "the layer before it as many, or read fewer."
            )

    def _channels(self, x, start, stop):
        """A range of channels of a tensor."""
        if (start, stop) == (0, x.shape[self._channel_axis]):
            return x
        if self._channel_axis == 1:
            return x[:, start:stop]
        return x[..., start:stop]


def check_range(name: str, span: Any) -> None:
    """Raise unless a range of channels is one.

    Raises:
        ValueError: If it is no pair of integers, is empty or begins below 0.
    """
    if not is_pair_of_integers(span) or not 0 <= span[0] < span[1]:
        span = list(span) if isinstance(span, tuple) else span
        raise ValueError(
            f"`{name}` is a range of channels, [start, stop]. Received: "
            f"{name}={span!r}. Give it a start of at least 0 and a larger stop."
        )


def is_pair_of_integers(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and all(type(number) is int for number in value)
    )
