"""The architecture that a weight file was made for, kept inside the file.

Two networks can have variables of the same shapes and still be different: the
residual twin and the plain baseline, for one.
"""

import inspect
import json

import keras

ATTRIBUTE = "keras_pnnh_architecture"

# Arguments that do not change what the weights mean.
FREE_ARGUMENTS = {
    "name",
    "trainable",
    "include_top",
    "include_preprocessing",
    "input_shape",
    "pooling",
    "classes",
    "classifier_activation",
    "dropout_rate",
    "data_format",
    "dtype",
    "learner_gain",
    "coder_training",
    "coder_initializer",
    "code_gain",
}


def describe(model):
    """The arguments of `model` that its weights depend on.

    None for a model that is no application of this library.
    """
    registered_name = keras.saving.get_registered_name(type(model))
    if not registered_name.startswith("keras_pnnh>"):
        return None
    return of_config(type(model).__name__, model.get_config())


def of_config(class_name, config):
    """The part of a model's config that its weights depend on."""
    arguments = {
        key: config[key] for key in config if key not in FREE_ARGUMENTS
    }
    return {"class_name": class_name, **arguments}


def write(file, model):
    """Note the architecture of `model`, if known, in an open HDF5 file."""
    description = describe(model)
    if description is not None:
        file.attrs[ATTRIBUTE] = json.dumps(description)


def read(file):
    """The architecture noted in an open HDF5 file, or None."""
    text = file.attrs.get(ATTRIBUTE)
    return None if text is None else json.loads(text)


def check(model, made_for, path):
    """Raise a ValueError unless `model` has the architecture `made_for`.

    An argument that the file does not know is younger than the file, which
    then was made for its default.
    """
    wanted = json.loads(json.dumps(describe(model)))
    if wanted is None:
        return
    parameters = inspect.signature(type(model)).parameters
    defaults = {
        key: parameters[key].default for key in wanted if key in parameters
    }
    made_for = json.loads(json.dumps({**defaults, **made_for}))
    different = {
        key: (made_for.get(key), wanted.get(key))
        for key in {**made_for, **wanted}
        if made_for.get(key) != wanted.get(key)
    }
    if different:
        listed = "; ".join(
            f"{key}: file {theirs!r}, model {ours!r}"
            for key, (theirs, ours) in sorted(different.items())
        )
        raise ValueError(
            "Weights only fit the architecture they were made for. Received: "
            f"'{path}' for model '{model.name}'; they differ in {listed}. "
            "Construct the model with the file's values."
        )
