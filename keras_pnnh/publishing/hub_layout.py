"""The files of a repository that Keras, keras-hub and this library read.

config.json, metadata.json   the classifier: `keras.saving.load_model`
model.weights.h5             its weights; ours and those of keras-hub's backbone
task.json, task.weights.h5   the same as keras-hub's `ImageClassifier`
preprocessor.json, image_converter.json   resizing, for keras-hub
selftest.npz                 images and the logits that they must give
"""

import datetime
import json
from typing import Any

import h5py
import keras
import numpy as np

from keras_pnnh.files import replace_when_complete, write_text
from keras_pnnh.weights.writer import save_weights

SELF_TEST = "selftest.npz"


def write_layout(model: keras.Model, classifier: Any, folder: Any) -> None:
    """Write all files of a classifier but its card.

    Args:
        model: An application of this library that ends in a classifier.
        classifier: Its `Classifier`.
        folder: A `Path` to write into.

    Raises:
        ValueError: If the model has no classifier or no known input size.
    """
    config = model.get_config()
    if not config["include_top"]:
        raise ValueError(
            "A published network ends in a classifier. Received: "
            f"'{model.name}' with include_top=False."
        )
    logits = type(model).from_config({**config, "classifier_activation": None})
    published = type(model).from_config(
        {**config, "classifier_activation": "softmax"}
    )
    for copy in (logits, published):
        copy.set_weights(model.get_weights())
    _write_json(folder / "config.json", _serialize(published))
    _write_json(
        folder / "metadata.json",
        {
            "keras_version": keras.version(),
            "parameter_count": model.count_params(),
            "date_saved": f"{datetime.datetime.now():%Y-%m-%d@%H:%M:%S}",
        },
    )
    save_weights(published, folder / "model.weights.h5", classifier)
    if _is_task_of_keras_hub(published):
        _write_task(published, classifier, folder)
    images = _test_images(classifier.image_size)
    with replace_when_complete(folder / SELF_TEST) as path:
        np.savez(path, images=images, logits=predict_logits(logits, images))


def predict_logits(model: keras.Model, images: Any) -> Any:
    """Outputs for images with the channels last, computed in small batches."""
    if model.get_config()["data_format"] == "channels_first":
        images = images.transpose(0, 3, 1, 2)
    outputs = model(images.astype("float32"))
    return keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32"))


def _test_images(image_size, count=4):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (count, *image_size, 3), dtype=np.uint8)


def _is_task_of_keras_hub(model):
    """Whether the network is a feature map, averaged, and a classifier."""
    pool = keras.layers.GlobalAveragePooling2D
    return isinstance(model.layers[-2], pool)


def _write_task(model, classifier, folder):
    # Written by hand: keras-hub takes half a minute to import and brings
    # TensorFlow along.
    config = model.get_config()
    converter = _keras_hub(
        "layers.preprocessing.image_converter",
        "ImageConverter",
        {"name": "image_converter", "image_size": list(classifier.image_size)},
    )
    preprocessor = _keras_hub(
        "models.image_classifier_preprocessor",
        "ImageClassifierPreprocessor",
        {
            "name": "image_classifier_preprocessor",
            "image_converter": converter,
            "config_file": "preprocessor.json",
        },
    )
    backbone = _serialize(model)
    backbone["config"] = {**config, "include_top": False, "pooling": None}
    task = _keras_hub(
        "models.image_classifier",
        "ImageClassifier",
        {
            "name": "image_classifier",
            "backbone": backbone,
            "preprocessor": preprocessor,
            "num_classes": config["classes"],
            "pooling": "avg",
            "activation": "softmax",
            "dropout": 0.0,
        },
    )
    _write_json(folder / "image_converter.json", converter)
    _write_json(folder / "preprocessor.json", preprocessor)
    _write_json(folder / "task.json", task)
    with replace_when_complete(folder / "task.weights.h5", 1 << 16) as path:
        with h5py.File(path, "w") as file:
            for index, value in enumerate(model.layers[-1].get_weights()):
                file[f"layers/dense/vars/{index}"] = value


def _keras_hub(module, class_name, config):
    return {
        "module": f"keras_hub.src.{module}",
        "class_name": class_name,
        "config": config,
        "registered_name": f"keras_hub>{class_name}",
    }


def _serialize(model):
    return keras.saving.serialize_keras_object(model)


def _write_json(path, content):
    write_text(path, json.dumps(content, indent=1) + "\n")
