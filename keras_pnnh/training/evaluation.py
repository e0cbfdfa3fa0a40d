"""Accuracy of a classifier on labelled images."""

import keras

from keras_pnnh.data_format import as_data_format
from keras_pnnh.training import requirements
from keras_pnnh.training.run_folder import RunFolder


def evaluate(model, data, batch_size=250, run=None):
    """Loss and accuracy of a model that returns probabilities.

    Args:
        model: A classifier with a softmax.
        data: `LabelledImages`, with the classes in the model's order.
        batch_size: Images per step.
        run: Folder of the run that trained the weights; its record then
            keeps the result under `"test"`.

    Returns:
        `{"images": ..., "loss": ..., "accuracy": ...}`.

    Raises:
        ValueError: If the data do not fit the model, or it returns logits.
        FileNotFoundError: If `run` is not the folder of a finished run.
    """
    requirements.check_data(model, data)
    requirements.check_probabilities(model)
    folder = RunFolder(run) if run else None
    record = folder.read_record() if folder else {}
    data_format = model.get_config().get("data_format", "channels_last")
    # A new model on the same layers, so that the user's is not compiled.
    compiled = keras.Model(model.inputs, model.outputs)
    compiled.compile(
        loss="sparse_categorical_crossentropy",
        metrics=["sparse_categorical_accuracy"],
    )
    loss, accuracy = compiled.evaluate(
        as_data_format(data.images, data_format),
        data.labels,
        batch_size=batch_size,
        verbose=0,
    )
    result = {
        "images": len(data.labels),
        "loss": round(float(loss), 6),
        "accuracy": round(float(accuracy), 6),
    }
    if folder:
        folder.write_record({**record, "test": result})
    return result
