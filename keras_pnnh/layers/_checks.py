"""The argument checks that the layers share."""

import math
from typing import Any, Literal, get_args

import keras

DataFormat = Literal["channels_last", "channels_first"]
DATA_FORMATS = get_args(DataFormat)


def resolve_data_format(data_format: Any) -> DataFormat:
    """`data_format`, or Keras's setting for None."""
    if data_format is None:
        return keras.config.image_data_format()
    if data_format not in DATA_FORMATS:
        raise ValueError(
            f"`data_format` must be None or one of {DATA_FORMATS}. "
            f"Received: data_format={data_format!r}."
        )
    return data_format


def count_channels(
    inputs: Any, axis: int, most: int, taker: str, repair: str
) -> Any:
    """Channels of `inputs`, which must be known and at most `most`."""
    channels = inputs.shape[axis]
    if channels is None or channels > most:
        raise ValueError(
            f"{taker} takes at most as many channels on axis {axis}. "
            f"Received: inputs of shape {tuple(inputs.shape)}. {repair}"
        )
    return channels


def check_positive_integers(**arguments: Any) -> None:
    for name, value in arguments.items():
        integer = isinstance(value, int) and not isinstance(value, bool)
        if not integer or value < 1:
            raise ValueError(
                f"`{name}` must be a positive integer. "
                f"Received: {name}={value!r}."
            )


def check_integer(name: str, value: Any, least: float = -math.inf) -> None:
    """An integer of at least `least`."""
    integer = isinstance(value, int) and not isinstance(value, bool)
    if integer and value >= least:
        return
    bound = "" if least == -math.inf else f" of at least {least}"
    raise ValueError(
        f"`{name}` must be an integer{bound}. Received: {name}={value!r}."
    )


def check_number(
    name: str, value: Any, least: float = -math.inf, most: float = math.inf
) -> None:
    """A finite number between two bounds."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and math.isfinite(value) and least <= value <= most:
        return
    bounds = ""
    if least > -math.inf:
        bounds = f" of at least {least}"
    if most < math.inf:
        bounds = f" between {least} and {most}"
    raise ValueError(
        f"`{name}` must be a finite number{bounds}. Received: {name}={value!r}."
    )


def check_flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError(
            f"`{name}` must be True or False. Received: {name}={value!r}."
        )


def resolve_activation(activation: Any) -> Any:
    """The function of a name, of a config or of itself."""
    try:
        return keras.activations.get(activation)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "`activation` must be None or an activation of Keras. Received: "
            f"activation={activation!r}. Take one of `keras.activations`."
        ) from error


def resolve_initializer(name: str, initializer: Any) -> Any:
    """The initialiser of a name, of a config or of itself."""
    if initializer is not None:
        try:
            return keras.initializers.get(initializer)
        except (TypeError, ValueError):
            pass
    raise ValueError(
        f"`{name}` must be an initialiser of Keras. Received: "
        f"{name}={initializer!r}. Take one of `keras.initializers`."
    )


def check_room(name: str, code: Any, whole: Any, size: Any = math.inf) -> None:
    """A code's channels leave at least one of `size` to the learner."""
    integer = isinstance(code, int) and not isinstance(code, bool)
    if integer and 0 <= code < size:
        return
    raise ValueError(
        f"`{name}` must be 0 or a positive integer less than the number of "
        f"{whole}, so that the learner has some. Received: {name}={code!r}"
        + ("." if size == math.inf else f" with {size} {whole}.")
    )
