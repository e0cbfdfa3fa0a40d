"""ImageNet features tell ten kinds of things from a hundred pictures.

First the new head alone on a frozen network, then all stages with smaller
rates for the early ones, with early stopping, class weights and an average of
the weights; at the end a confusion matrix and a folded network for deployment.

Run:      python examples/transfer_learning.py --data DIR  (a folder a class)
          python examples/transfer_learning.py --data tf_flowers  (by TFDS)
          python examples/transfer_learning.py  (the 30 bundled samples, told
          apart into machines and animals, by the bundled CIFAR-10 network)
Smoke:    python examples/transfer_learning.py --smoke
Measured: with --data, not measured.

With `--data` it downloads `PlainResNet50(weights="imagenet")`: that network is
wide (see docs/pretrained.md). `--input` chooses what `fit` is fed with; it
makes no difference to the model.
"""

import argparse
import collections
from pathlib import Path

import keras
import numpy as np

import keras_pnnh
from keras_pnnh import samples
from keras_pnnh.applications import PlainResNet20, PlainResNet50
from keras_pnnh.data import LabelledImages, load_images
from keras_pnnh.presentation.canvas import new_figure, save_figure
from keras_pnnh.training import evaluate, freeze, scale_learning_rates
from keras_pnnh.weights import Classifier, save_weights

MACHINES = ("airplane", "automobile", "ship", "truck")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of images by class, or TFDS")
    parser.add_argument(
        "--input", choices=("numpy", "tf.data", "grain"), default="numpy"
    )
    parser.add_argument("--epochs", type=int, default=20, help="of each phase")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--output", type=Path, default=Path("runs/transfer_learning")
    )
    parser.add_argument("--smoke", action="store_true", help="one epoch each")
    options = parser.parse_args()
    epochs = 1 if options.smoke else options.epochs
    options.output.mkdir(parents=True, exist_ok=True)

    keras.utils.set_random_seed(options.seed)
    if options.data:
        data = load_images(options.data, "train", (224, 224))
        model = PlainResNet50(weights="imagenet", classes=len(data.class_names))
    else:
        data = machines_and_animals()
        model = PlainResNet20(weights="cifar10", classes=2)
    training, held_out = data.split(share=1 / 3, seed=options.seed)
    steps = -(-len(training.labels) // options.batch_size)
    batches = INPUTS[options.input](training, options.batch_size)

    frozen = freeze(model, until="head")
    print(f"{len(frozen)} layers frozen, {options.input} input")
    optimizer = keras.optimizers.AdamW(1e-2)
    fit(model, optimizer, batches, steps, training, held_out, epochs)

    # Batches are small: the norms keep the statistics of the pretraining.
    freeze(model, until="stage1", norms=True)
    average = {"use_ema": True, "ema_momentum": 0.9}
    optimizer = scale_learning_rates(
        model, keras.optimizers.AdamW(1e-3, **average), 0.3
    )
    fit(
        model,
        optimizer,
        batches,
        steps,
        training,
        held_out,
        epochs,
        [keras.callbacks.SwapEMAWeights()],
    )
    result = evaluate(model, held_out)
    print(
        f"held out: accuracy {result['accuracy']:.3f}, "
        f"loss {result['loss']:.3f}"
    )
    plot_confusion(model, held_out, options.output / "confusion.png")
    size = data.images.shape[1:3]
    save_weights(
        model,
        options.output / "model.weights.h5",
        Classifier(data.class_names, size),
    )
    keras_pnnh.fold(model).save(options.output / "folded.keras")
    print(
        f"{options.output}: confusion.png; model.weights.h5, for `keras-pnnh "
        "export --weights`; folded.keras, of standard layers"
    )


def fit(
    model, optimizer, batches, steps, training, held_out, epochs, callbacks=()
):
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    counts = collections.Counter(training.labels.tolist())
    rare = {
        label: len(training.labels) / (len(counts) * count)
        for label, count in counts.items()
    }
    stopping = keras.callbacks.EarlyStopping(
        patience=5, restore_best_weights=not callbacks
    )
    model.fit(
        batches,
        epochs=epochs,
        steps_per_epoch=steps,
        validation_data=(held_out.images, held_out.labels),
        class_weight=rare,
        callbacks=[*callbacks, stopping],
        shuffle=False,  # the batches are in random order already
        verbose=0,
    )


def machines_and_animals():
    """The bundled samples with two classes that the network does not know."""
    data = load_images(samples.__path__[0], "train", (32, 32))
    animal = [name not in MACHINES for name in data.class_names]
    labels = np.array(animal, int)[data.labels]
    return LabelledImages(data.images, labels, ("machine", "animal"))


def plot_confusion(model, data, path):
    """How many images of each class are taken for each."""
    guesses = model.predict(data.images, verbose=0).argmax(axis=-1)
    count = len(data.class_names)
    table = np.zeros((count, count), int)
    np.add.at(table, (data.labels, guesses), 1)
    figure = new_figure(2 + 0.4 * count, 2 + 0.4 * count)
    axis = figure.subplots()
    axis.imshow(table, cmap="Blues")
    for (row, column), number in np.ndenumerate(table):
        axis.text(column, row, str(number), ha="center", va="center")
    ticks = range(count)
    axis.set_xticks(ticks, data.class_names, rotation=90)
    axis.set_yticks(ticks, data.class_names)
    axis.set(xlabel="taken for", ylabel="class")
    save_figure(figure, path)


def from_numpy(data, batch_size):
    """Batches of arrays, in another order in every epoch."""

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return -(-len(data.labels) // batch_size)

        def __getitem__(self, index):
            start = index * batch_size
            part = order[start : start + batch_size]
            return data.images[part], data.labels[part]

        def on_epoch_end(self):
            generator.shuffle(order)

    generator = np.random.default_rng(0)
    order = generator.permutation(len(data.labels))
    return Batches()


def from_tf_data(data, batch_size):
    """A `tf.data.Dataset`; works on every backend, needs TensorFlow."""
    import tensorflow as tf

    pairs = tf.data.Dataset.from_tensor_slices((data.images, data.labels))
    return pairs.shuffle(1000, seed=0).batch(batch_size).repeat()


def from_grain(data, batch_size):
    """A Grain data set; needs the package `grain`, not TensorFlow.

    Without `repeat`, every epoch would have the order of the first.
    """
    import grain

    pairs = grain.MapDataset.source(
        list(zip(data.images, data.labels, strict=True))
    )
    return pairs.shuffle(seed=0).repeat().batch(batch_size)


INPUTS = {"numpy": from_numpy, "tf.data": from_tf_data, "grain": from_grain}

if __name__ == "__main__":
    main()
