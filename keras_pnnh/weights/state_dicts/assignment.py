"""Give every variable of a model its tensor: all of them, or none."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

# Counts the batches of training; no output depends on it.
WITHOUT_MEANING = "num_batches_tracked"


class Match(NamedTuple):
    """A tensor of a state dictionary and where it belongs.

    Attributes:
        name: Key in the state dictionary.
        variable: The `keras.Variable`.
        axes: Axes of the tensor in the variable's order, or None as it is.
        part: Function that takes the variable's part out of the tensor, or
            None for all of it.
    """

    name: str
    variable: Any
    axes: tuple[int, ...] | None = None
    part: Callable[[np.ndarray], np.ndarray] | None = None


# PyTorch's kernels are (out, in, height, width), Keras's (height, width, in,
# out).
CONVOLUTION = (2, 3, 1, 0)
DEPTHWISE = (2, 3, 0, 1)  # from (channels, 1, height, width)
DENSE = (1, 0)
EPSILON = 1e-5  # of PyTorch's batch norms


def match_convolution(
    name: str, norm: Any, layer: Any, axes: Any = CONVOLUTION
) -> list[Match]:
    """A convolution without bias and the batch norm after it.

    Args:
        name: Name of the convolution in the checkpoint.
        norm: Name of the norm there.
        layer: A `PlainConv2D` or `PlainDepthwiseConv2D`.
        axes: Of the kernel, see `Match`.

    Raises:
        ValueError: If the layer has no such norm.
    """
    if layer.batch_norm is None:
        raise ValueError(
            "Published networks normalise the output of each convolution. "
            f"Received: layer '{layer.name}' with norm={layer.norm!r}. Leave "
            "`norm` at its default."
        )
    return [
        Match(f"{name}.weight", layer.kernel, axes),
        *match_batch_norm(norm, layer.batch_norm, EPSILON),
    ]


def match_head(name: str, layers: Any, matches: Any) -> Any:
    """The matches with those of the classifier, and what is left over.

    Args:
        name: Name of the classifier in the checkpoint.
        layers: Layers of the model by name.
        matches: What has been matched before.

    Returns:
        A list of `Match`, and the names of tensors that the model, if it ends
        without a classifier, has no use for.
    """
    names = (f"{name}.weight", f"{name}.bias")
    if "head" not in layers:
        return matches, names
    return [*matches, *match_dense(name, layers["head"])], ()


def match_dense(name: str, layer: Any) -> list[Match]:
    """The two tensors of a dense layer."""
    return [
        Match(f"{name}.weight", layer.kernel, DENSE),
        Match(f"{name}.bias", layer.bias),
    ]


def match_norm(prefix: str, norm: Any, epsilon: float) -> list[Match]:
    """Scale and offset of a normalisation.

    Args:
        prefix: `"bn1"` for `"bn1.weight"` and so on.
        norm: A normalisation layer of Keras.
        epsilon: What the checkpoint was trained with.

    Raises:
        ValueError: If the layer adds another epsilon to the variance.
    """
    if norm.epsilon != epsilon:
        raise ValueError(
            "A norm only computes the same with the epsilon that it was "
            f"trained with. Received: '{prefix}' with epsilon {epsilon} for "
            f"layer '{norm.path}' with {norm.epsilon}."
        )
    return [
        Match(f"{prefix}.weight", norm.gamma),
        Match(f"{prefix}.bias", norm.beta),
    ]


def match_batch_norm(prefix: str, norm: Any, epsilon: float) -> list[Match]:
    """The four tensors of a batch normalisation.

    Args:
        prefix: `"bn1"` for `"bn1.weight"` and so on.
        norm: A `keras.layers.BatchNormalization`.
        epsilon: What the checkpoint was trained with.

    Raises:
        ValueError: If the layer adds another epsilon to the variance.
    """
    return [
        *match_norm(prefix, norm, epsilon),
        Match(f"{prefix}.running_mean", norm.moving_mean),
        Match(f"{prefix}.running_var", norm.moving_variance),
    ]


def assign(
    model: Any,
    state_dict: Any,
    matches: Any,
    source: Any,
    spare: Any = (),
    fresh: Any = (),
) -> None:
    """Assign all tensors, after checking that nothing is amiss.

    Args:
        model: The model. It is untouched if an error is raised.
        state_dict: Arrays by name.
        matches: A list of `Match`.
        source: Where the state dictionary comes from, for the error.
        spare: Names that the model has no use for.
        fresh: Variables that keep their initial values.

    Raises:
        ValueError: If a variable gets no tensor or two, a tensor is missing
            or left over, or shapes differ.
    """
    values, problems = [], []
    for match in matches:
        if match.name not in state_dict:
            problems.append(f"'{match.name}' is missing")
            continue
        whole = value = np.asarray(state_dict[match.name])
        if match.part is not None:
            try:
                value = match.part(value)
            except (IndexError, ValueError):
                pass  # its shape tells why
        if match.axes is not None and value.ndim == len(match.axes):
            value = value.transpose(match.axes)
        shape = tuple(match.variable.shape)
        if value.shape != shape:
            problems.append(
                f"'{match.name}' has shape {whole.shape} for {shape}"
            )
        values.append(value)
    used = {match.name for match in matches}
    problems += [
        f"'{name}' is left over"
        for name in state_dict
        if name not in used
        and name not in spare
        and not name.endswith(WITHOUT_MEANING)
    ]
    kept = set(map(id, fresh))
    given = Counter(id(match.variable) for match in matches)
    problems += [
        f"variable '{variable.path}' gets {given[id(variable)]} tensors"
        for variable in model.variables
        if given[id(variable)] != 1 and id(variable) not in kept
    ]
    if problems:
        more = "" if len(problems) <= 3 else f" and {len(problems) - 3} more"
        raise ValueError(
            "A state dictionary must hold each variable of the model exactly "
            f"once, and nothing else. Received: '{source}' for model "
            f"'{model.name}': {'; '.join(problems[:3])}{more}. It was written "
            "for another architecture or number of classes."
        )
    for match, value in zip(matches, values, strict=True):
        match.variable.assign(np.asarray(value, "float32"))
