"""The networks that `keras-pnnh bench` compares, and the record of it."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_pnnh import environment
from keras_pnnh.applications import create_model
from keras_pnnh.auditing import AuditReport, audit
from keras_pnnh.data_format import data_format_of, input_shape
from keras_pnnh.deployment.benchmark import FORMATS, benchmark
from keras_pnnh.folding import fold
from keras_pnnh.weights.registry import WEIGHTS

PLAIN = "plain, folded"
UNFOLDED = "plain, not folded"
TWIN = "residual twin, folded"
ALONE = "its convolutions alone"

# Networks of Keras that have the same depth and widths.
KERAS_APPLICATIONS = {
    "plain_resnet50": "ResNet50",
    "plain_resnet101": "ResNet101",
    "plain_resnet152": "ResNet152",
    "plain_mobilenet_v2_100": "MobileNetV2",
}

WEIGHTED = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.Dense,
)
POOLINGS = (
    keras.layers.MaxPooling2D,
    keras.layers.GlobalAveragePooling2D,
)


def measure(
    model_name: str,
    image_size: int | None = None,
    formats: Sequence[str] = FORMATS,
    beside: Sequence[str] = (),
    alone: bool = False,
    progress: Callable[[dict[str, Any]], Any] = lambda record: None,
    **settings: Any,
) -> tuple[dict[str, Any], dict[str, AuditReport]]:
    """`benchmark` of a plain network and its `contestants`, as a record.

    Args:
        model_name: A name from `list_models()`.
        image_size: Height and width; None for the model's default.
        formats: As for `benchmark`.
        beside: Names of further models.
        alone: Whether the limit is measured, too, see `contestants`.
        progress: Called after every format with the record so far.
        **settings: Further arguments of `benchmark`.

    Returns:
        A dictionary: what was measured, on what, and the `"rows"`; and what
        `audit` says of each network.
    """
    shape = None
    if image_size is not None:
        shape = input_shape(image_size, image_size)
    models = contestants(model_name, shape, beside, alone)
    reports = {label: audit(model) for label, model in models.items()}
    record = {
        "model": model_name,
        "input_shape": list(models[PLAIN].input_shape[1:]),
        "counts": _counts(reports),
        "accuracy": _accuracies(model_name, models, beside),
        "settings": settings,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }

    def note(rows):
        progress({**record, "rows": rows})

    rows = benchmark(models, formats, progress=note, **settings)
    return {**record, "rows": rows}, reports


def _counts(reports):
    """What `audit` says of them: a clock cannot tell why."""
    return {
        label: {
            "macs": report.macs,
            "parameters": report.folded_parameters,
            "peak_activation": report.peak_activation,
            "peak_layer": report.peak_layer,
        }
        for label, report in reports.items()
    }


def _accuracies(model_name, models, beside):
    """What the table of weights states of the networks that it knows."""
    # What folds is equal; published residual networks are those with skips.
    known = {
        PLAIN: (model_name, False),
        UNFOLDED: (model_name, False),
        TWIN: (model_name, True),
        **{_label(name): (name, False) for name in beside},
    }
    shape = models[PLAIN].input_shape[1:]
    first = data_format_of(models[PLAIN]) == "channels_first"
    size = shape[1:] if first else shape[:2]
    found = {}
    for label, (name, skips) in known.items():
        for tag, entry in WEIGHTS.items():
            fits = (
                tag.partition(".")[0] == name
                and tuple(entry.image_size) == size
                and (entry.internal_path == "pass_through") == skips
            )
            if fits and entry.metrics:
                metric = entry.metrics[0]
                found.setdefault(label, {"weights": tag, **metric._asdict()})
    return found


def _label(name):
    return f"{name}, folded"


def contestants(
    model_name: str,
    input_shape: tuple[int, ...] | None = None,
    beside: Sequence[str] = (),
    alone: bool = False,
) -> dict[str, keras.Model]:
    """The networks that a plain one is compared with.

    Args:
        model_name: A name from `list_models()`.
        input_shape: Of one image; None for the model's default.
        beside: Names of further models, for images of the same size.
        alone: Whether to take the plain network's convolutions alone, too.

    Returns:
        Dictionary from label to model, of random weights: the folded plain
        network, the same as it is trained, the residual twin with its norms
        folded, and that of `keras.applications` where there is one; then the
        convolutions alone, and the further ones, folded.

    Raises:
        ValueError: If a model is named twice.
    """
    names = [model_name, *beside]
    if len(set(names)) < len(names):
        raise ValueError(
            "Networks that are compared are different ones. Received: "
            f"{names}. Name each once."
        )
    arguments = {} if input_shape is None else {"input_shape": input_shape}
    training_form = create_model(model_name, **arguments)
    twin = create_model(model_name, internal_path="residual", **arguments)
    models = {
        PLAIN: fold(training_form),
        UNFOLDED: training_form,
        TWIN: fold(twin),
    }
    theirs = KERAS_APPLICATIONS.get(model_name)
    if theirs is not None:
        model = getattr(keras.applications, theirs)(
            weights=None, input_shape=training_form.input_shape[1:]
        )
        models[f"keras.applications.{theirs}"] = model
    shape = training_form.input_shape[1:]
    if alone:
        models[ALONE] = convolutions_alone(models[PLAIN])
    for name in beside:
        models[_label(name)] = fold(create_model(name, input_shape=shape))
    return models


def convolutions_alone(chain: keras.Model) -> keras.Model:
    """The limit of a chain: its convolutions, poolings and classifier.

    Without biases, activations, explicit padding and the preprocessing, each
    of which a perfect runtime would do at no cost.
    """
    x = images = keras.Input(chain.input_shape[1:], name="images")
    for layer in chain.layers:
        config = layer.get_config()
        if isinstance(layer, WEIGHTED):
            config |= {"use_bias": False, "activation": None}
        if isinstance(layer, WEIGHTED[:2] + POOLINGS[:1]):
            config |= {"padding": "same"}
        if isinstance(layer, (*WEIGHTED, *POOLINGS)):
            x = type(layer).from_config(config)(x)
    return keras.Model(images, x, name=f"{chain.name}_alone")
