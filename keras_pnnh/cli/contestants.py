"""The networks that `keras-pnnh bench` compares, and the record of it."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_pnnh import environment
from keras_pnnh.applications import create_model
from keras_pnnh.auditing import audit
from keras_pnnh.data_format import input_shape
from keras_pnnh.deployment.benchmark import FORMATS, benchmark
from keras_pnnh.folding import fold

PLAIN = "plain, folded"

# Networks of Keras that have the same depth and widths.
KERAS_APPLICATIONS = {
    "plain_resnet50": "ResNet50",
    "plain_resnet101": "ResNet101",
    "plain_resnet152": "ResNet152",
    "plain_mobilenet_v2_100": "MobileNetV2",
}


def measure(
    model_name: str,
    image_size: int | None = None,
    formats: Sequence[str] = FORMATS,
    progress: Callable[[dict[str, Any]], Any] = lambda record: None,
    **settings: Any,
) -> dict[str, Any]:
    """`benchmark` of a plain network and its `contestants`, as a record.

    Args:
        model_name: A name from `list_models()`.
        image_size: Height and width; None for the model's default.
        formats: As for `benchmark`.
        progress: Called after every format with the record so far.
        **settings: Further arguments of `benchmark`.

    Returns:
        A dictionary: what was measured, on what, and the `"rows"`.
    """
    shape = None
    if image_size is not None:
        shape = input_shape(image_size, image_size)
    models = contestants(model_name, shape)
    record = {
        "model": model_name,
        "input_shape": list(models[PLAIN].input_shape[1:]),
        "counts": _counts(models),
        "settings": settings,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }

    def note(rows):
        progress({**record, "rows": rows})

    rows = benchmark(models, formats, progress=note, **settings)
    return {**record, "rows": rows}


def _counts(models):
    """What `audit` says of them: a clock cannot tell why."""
    reports = {label: audit(model) for label, model in models.items()}
    return {
        label: {
            "macs": report.macs,
            "parameters": report.folded_parameters,
            "peak_activation": report.peak_activation,
            "peak_layer": report.peak_layer,
        }
        for label, report in reports.items()
    }


def contestants(
    model_name: str, input_shape: tuple[int, ...] | None = None
) -> dict[str, keras.Model]:
    """The networks that a plain one is compared with.

    Args:
        model_name: A name from `list_models()`.
        input_shape: Of one image; None for the model's default.

    Returns:
        Dictionary from label to model, of random weights: the folded plain
        network, the same as it is trained, the residual twin with its norms
        folded, and that of `keras.applications` where there is one.
    """
    arguments = {} if input_shape is None else {"input_shape": input_shape}
    training_form = create_model(model_name, **arguments)
    twin = create_model(model_name, internal_path="residual", **arguments)
    models = {
        PLAIN: fold(training_form),
        "plain, not folded": training_form,
        "residual twin, folded": fold(twin),
    }
    theirs = KERAS_APPLICATIONS.get(model_name)
    if theirs is not None:
        model = getattr(keras.applications, theirs)(
            weights=None, input_shape=training_form.input_shape[1:]
        )
        models[f"keras.applications.{theirs}"] = model
    return models
