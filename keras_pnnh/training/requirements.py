"""What must hold before a run or an evaluation starts."""

import importlib.util


def check_data(model, data):
    """Raise a ValueError unless the model takes these images and classes."""
    if not len(data.labels):
        raise ValueError(
            "Data must hold at least one image. Received: none. Give other "
            "data."
        )
    classes = model.output_shape[-1]
    if classes != len(data.class_names):
        raise ValueError(
            "The classifier needs one output for each class of the data. "
            f"Received: a model with {classes} outputs and data with "
            f"{len(data.class_names)} classes: "
            f"{', '.join(data.class_names[:12])}. Construct the model with "
            f"`classes={len(data.class_names)}`."
        )
    shape = data.images.shape[1:]
    if _data_format(model) == "channels_first":
        shape = (shape[-1], *shape[:-1])
    wanted = model.input_shape[1:]
    if len(wanted) != len(shape) or any(
        want not in (None, got) for want, got in zip(wanted, shape, strict=True)
    ):
        raise ValueError(
            "The images must have the size that the model takes. Received: "
            f"images of {shape} for a model of {wanted}. Resize the images "
            "(`size` of `load_images`) or construct the model with "
            f"`input_shape={shape}`."
        )


def check_logits(model):
    """Raise a ValueError if the model ends in a softmax."""
    activation = _activation(model, default="linear")
    if activation not in (None, "linear"):
        raise ValueError(
            "Training computes its loss from logits. Received: a model with "
            f"classifier_activation={activation!r}. Construct it with "
            "`classifier_activation=None`."
        )


def check_probabilities(model):
    """Raise a ValueError if the model returns logits."""
    activation = _activation(model, default="softmax")
    if activation != "softmax":
        raise ValueError(
            "Evaluation computes its loss from probabilities. Received: a "
            f"model with classifier_activation={activation!r}. Construct it "
            "with `classifier_activation='softmax'` and the same weights."
        )


def check_installed(tensorboard):
    """Raise before a long run, not after it, if a package is missing."""
    needs = [("matplotlib", "The plot of the curves", "images")]
    if tensorboard:
        needs += [
            ("tensorflow", "The logs for TensorBoard", "tensorflow"),
            ("tensorboard", "The logs for TensorBoard", "train"),
        ]
    for package, purpose, extra in needs:
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(
                f"{purpose} needs {package}, which is not installed. Run "
                f"`pip install 'keras-pnnh[{extra}]'`."
            )


def _activation(model, default):
    return model.get_config().get("classifier_activation", default)


def _data_format(model):
    return model.get_config().get("data_format", "channels_last")
