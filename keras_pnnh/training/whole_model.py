"""The network of a run in one file that Keras loads by itself."""

from typing import Any

import keras

from keras_pnnh.files import replace_when_complete


def save_whole(model: keras.Model, path: Any) -> None:
    """Write a `.keras` file of a network that was trained on logits.

    Its outputs are probabilities, as those of `load_run`. What was compiled is
    left out: the optimizer has done its work.

    Args:
        model: An application of this library; for another network nothing is
            written.
        path: Where to write; the name must end in `.keras`.

    Raises:
        OSError: If the file cannot be written (full disk, no rights).
    """
    if not hasattr(model, "translate_config"):
        return
    config = model.get_config()
    if "classifier_activation" in config:
        config["classifier_activation"] = "softmax"
    copy = type(model).from_config(config)
    copy.set_weights(model.get_weights())
    size = sum(value.nbytes for value in model.get_weights())
    with replace_when_complete(path, 2 * size) as unfinished:
        copy.save(unfinished)
