"""What is checked of every family's arguments, and the choices there are."""

import difflib
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args, get_origin

import keras

from keras_pnnh.layers._checks import DataFormat as DataFormat

InternalPath = Literal["coder", "pass_through", "residual", "none"]
Preprocessing = Literal["symmetric", "imagenet", "none"]
CoderTraining = Literal["frozen", "scaled", "free"]
Pooling = Literal["avg", "max"]
# Height and width may be None.
Shape = Sequence[int | None]

PREPROCESSINGS = get_args(Preprocessing)
POOLINGS = (None, *get_args(Pooling))
FLOATS = ("float16", "bfloat16", "float32", "float64")


def check_arguments(
    name: str,
    signature: inspect.Signature,
    args: Sequence,
    kwargs: dict[str, Any],
) -> dict[str, Any]:
    """The arguments that were given to a constructor, by name.

    Raises:
        TypeError: If it has no such argument, or lacks one.
    """
    try:
        return signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        names = list(signature.parameters)
        unknown = [key for key in kwargs if key not in names]
        near = [
            f"`{match}`"
            for key in unknown
            for match in difflib.get_close_matches(key, names, 2, 0.5)
        ]
        given = [repr(value) for value in args]
        given += [f"{key}={value!r}" for key, value in kwargs.items()]
        raise TypeError(
            f"`{name}` is called with its own arguments: {error}. Received: "
            f"{name}({', '.join(given)}). "
            + (f"Nearest: {', '.join(near)}. " if near else "")
            + f"`help({name})` explains all of them."
        ) from None


def check_choice(name: str, value: Any, choices: Sequence) -> None:
    if not any(type(value) is type(c) and value == c for c in choices):
        raise ValueError(
            f"`{name}` must be one of {tuple(choices)}. "
            f"Received: {name}={value!r}."
        )


def check_choices(constructor: Callable, arguments: dict[str, Any]) -> None:
    """Whether arguments with a `Literal` annotation have one of its values."""
    for name, parameter in inspect.signature(constructor).parameters.items():
        if get_origin(parameter.annotation) is Literal:
            check_choice(name, arguments[name], get_args(parameter.annotation))


def check_flag(name: str, value: Any, repair: str = "") -> None:
    if not isinstance(value, bool):
        raise ValueError(
            f"`{name}` must be True or False. Received: {name}={value!r}."
            + repair
        )


def check_number(
    name: str, value: Any, rule: str, most: float = math.inf
) -> None:
    """More than 0 and at most `most`; `rule` says so in words."""
    if not is_number(value) or not 0 < value <= most or value == math.inf:
        raise ValueError(f"{rule} Received: {name}={value!r}.")


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def check_stages(blocks_per_stage: Any, filters_per_stage: Any) -> None:
    given = (blocks_per_stage, filters_per_stage)
    if not all(map(_are_positive_integers, given)) or len(
        blocks_per_stage
    ) != len(filters_per_stage):
        raise ValueError(
            "`blocks_per_stage` and `filters_per_stage` must be equally long, "
            "non-empty lists of positive integers. Received: blocks_per_stage="
            f"{blocks_per_stage}, filters_per_stage={filters_per_stage}."
        )
    if list(filters_per_stage) != sorted(filters_per_stage):
        raise ValueError(
            "A stage cannot be narrower than the one before: its coder would "
            "have to drop channels. Received: filters_per_stage="
            f"{filters_per_stage}."
        )


def _are_positive_integers(numbers):
    """Whether it is a list or tuple of at least one, and of nothing else."""
    return (
        isinstance(numbers, (list, tuple))
        and len(numbers) > 0
        and all(is_integer(number) and number > 0 for number in numbers)
    )


def check_head(
    include_top: Any,
    pooling: Any,
    classes: Any,
    classifier_activation: Any,
    poolings: Sequence = POOLINGS,
) -> None:
    check_flag(
        "include_top",
        include_top,
        f" Weights are named by `weights={include_top!r}`."
        if isinstance(include_top, str)
        else "",
    )
    check_choice("pooling", pooling, poolings)
    if not is_integer(classes) or classes < 1:
        raise ValueError(
            "`classes` must be a positive integer. "
            f"Received: classes={classes!r}."
        )
    try:
        keras.activations.get(classifier_activation)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "`classifier_activation` must be None or an activation of Keras. "
            f"Received: classifier_activation={classifier_activation!r}. Take "
            "'softmax', or None for logits."
        ) from error


def check_dropout_rate(dropout_rate: Any, internal_path: str) -> None:
    if not is_number(dropout_rate) or not 0 <= dropout_rate < 1:
        raise ValueError(
            "`dropout_rate` must be at least 0 and less than 1. "
            f"Received: dropout_rate={dropout_rate!r}."
        )
    if dropout_rate and internal_path == "pass_through":
        raise ValueError(
            "A network with pass-through channels has no dropout. Received: "
            f"internal_path={internal_path!r} with dropout_rate="
            f"{dropout_rate}. Leave `dropout_rate` out, or take "
            "`include_top=False` and a head of your own."
        )


def resolve_input_shape(
    input_shape: Any,
    default_size: int | None,
    minimum: int,
    preprocessing: Any,
    data_format: str,
) -> Shape:
    """The shape of one image, RGB of the default size for None.

    Three axes, known channels, at least `minimum` pixels a side, and what the
    preprocessing can take.
    """
    if input_shape is None:
        input_shape = _default_input_shape(default_size, data_format)
    _check_input_shape(input_shape, minimum, data_format)
    check_preprocessing(preprocessing, input_shape, data_format)
    return input_shape


def _check_input_shape(input_shape, minimum, data_format):
    if not isinstance(input_shape, (list, tuple)) or len(input_shape) != 3:
        raise ValueError(
            "`input_shape` is the shape of one image and has 3 axes, without "
            f"the batch. Received: input_shape={input_shape}."
        )
    if not all(s is None or is_integer(s) and s > 0 for s in input_shape):
        raise ValueError(
            "`input_shape` holds positive integers, and None for a height or "
            f"width that varies. Received: input_shape={tuple(input_shape)}."
        )
    if data_format == "channels_first":
        channels, *sizes = input_shape
    else:
        *sizes, channels = input_shape
    if channels is None:
        raise ValueError(
            "The number of channels must be known. Received: input_shape="
            f"{tuple(input_shape)} with data_format={data_format!r}."
        )
    if any(size is not None and size < minimum for size in sizes):
        raise ValueError(
            f"Images must be at least {minimum}x{minimum} pixels. Received: "
            f"input_shape={tuple(input_shape)} with "
            f"data_format={data_format!r}. Resize the images first."
        )


def check_preprocessing(
    preprocessing: Any, input_shape: Shape, data_format: str
) -> None:
    check_choice("preprocessing", preprocessing, PREPROCESSINGS)
    channels = input_shape[0 if data_format == "channels_first" else -1]
    if preprocessing == "imagenet" and channels != 3:
        raise ValueError(
            "`preprocessing='imagenet'` is defined for RGB images. Received: "
            f"input_shape={tuple(input_shape)} with {channels} channel(s). "
            "Give the images 3 channels or take `preprocessing='symmetric'`."
        )


def check_name(name: Any) -> None:
    if name is not None and (not isinstance(name, str) or not name):
        raise ValueError(
            "`name` must be None or a string that is not empty. "
            f"Received: name={name!r}."
        )


def _default_input_shape(size, data_format):
    if data_format == "channels_first":
        return (3, size, size)
    return (size, size, 3)


def resolve_dtype(dtype: Any) -> Any:
    """The dtype policy, Keras's global one for None."""
    try:
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
    except (TypeError, ValueError) as error:
        raise _wrong_dtype(dtype) from error
    if policy.compute_dtype not in FLOATS:
        raise _wrong_dtype(dtype)
    return policy


def _wrong_dtype(dtype):
    return ValueError(
        "`dtype` must be None or a dtype policy of floating-point numbers. "
        f"Received: dtype={dtype!r}. Try 'float32' or 'mixed_bfloat16'."
    )
