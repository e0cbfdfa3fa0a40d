"""Calls that hand weights to other layers, and the layers that take them."""

from typing import Any

from keras_pnnh.graph import Call, Tensor
from keras_pnnh.layers import HandedWeights, PlainLayer


def handed_out(
    layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> HandedWeights | None:
    """The weights that a call makes for the layers that add or use them.

    Args:
        layer: The layer that is called.
        args: Positional arguments of the call.
        kwargs: Keyword arguments of the call.

    Returns:
        `HandedWeights`, or None for a call that makes an activation, such as
        that of a coder that reconstructs its input.
    """
    if not isinstance(layer, PlainLayer):
        return None
    return layer.handed_out(*args, **kwargs)


def hands_out_weights(call: Call) -> bool:
    """Whether a call makes weights of other layers, no activation."""
    return handed_out(call.layer, call.args, call.kwargs) is not None


def folds(layer: Any) -> bool:
    """Whether a layer says what it folds to.

    What a subclass with a `call` of its own computes is unknown, unless it
    says `folds` again.
    """
    if not isinstance(layer, PlainLayer) or not layer.folds:
        return False
    for owner in type(layer).__mro__:
        if "folds" in vars(owner):
            return True
        if "call" in vars(owner):
            return False
    return False


def handed_to(layer: Any, kwargs: dict[str, Any]) -> dict[str, HandedWeights]:
    """The weights that a plain layer is called with, by argument, checked.

    Raises:
        ValueError: If it is called with anything else that cannot be folded.
    """
    handed = {}
    for name, value in kwargs.items():
        if value is None or (name == "training" and not value):
            continue
        if name == "training":
            raise ValueError(
                "Only a norm with fixed statistics can be folded. Received: "
                f"layer '{layer.name}' called with training={value!r}. Build "
                "the model without that argument."
            )
        if not isinstance(value, HandedWeights):
            raise ValueError(
                f"What a `{type(layer).__name__}` is handed must come from a "
                "`Coder` or a `SharedKernel`, or it cannot be folded. "
                f"Received: layer '{layer.name}' called with {name}={value!r}. "
                "Pass it `coder(x, part='encoder')`, "
                "`coder(x, part='decoder')` or `shared_kernel(x)`."
            )
        handed[name] = value
    return handed


def handed_key(call: Call, producers: dict[Tensor, Call]) -> tuple[Any, ...]:
    """What tells apart the layers that a layer folds to in several calls."""
    if not folds(call.layer):
        return ()
    key = []
    for name, value in call.kwargs.items():
        if isinstance(value, Tensor):
            maker = producers[value]
            given = handed_out(maker.layer, maker.args, maker.kwargs)
            key.append((name, value if given is None else given))
    return tuple(sorted(key, key=lambda pair: pair[0]))
