"""Fine-tune the bundled network on images of your own.

First the new head alone, then all stages, the early ones at a small learning
rate. The pictures reach `model.fit` as NumPy arrays, a `tf.data.Dataset` or a
Grain data set: it makes no difference to the model.

Run:    python examples/fine_tune.py --data DIR   (one sub-folder a class)
        python examples/fine_tune.py              (the 30 bundled samples,
        told apart into machines and animals)
Smoke:  python examples/fine_tune.py --smoke
"""

import argparse

import keras
import numpy as np

from keras_pnnh import samples
from keras_pnnh.applications import PlainResNet20
from keras_pnnh.data import (
    LabelledImages,
    load_images,
)
from keras_pnnh.training import (
    freeze,
    scale_learning_rates,
)

SIZE = (32, 32)
MACHINES = ("airplane", "automobile", "ship", "truck")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder with a sub-folder a class")
    parser.add_argument(
        "--input", choices=("numpy", "tf.data", "grain"), default="numpy"
    )
    parser.add_argument("--epochs", type=int, default=10, help="of each phase")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    epochs = 1 if options.smoke else options.epochs

    keras.utils.set_random_seed(options.seed)
    if options.data:
        data = load_images(options.data, "train", SIZE)
    else:
        data = machines_and_animals()
    training, held_out = data.split(share=1 / 3, seed=options.seed)
    batches = INPUTS[options.input](training, options.batch_size)
    model = PlainResNet20(weights="cifar10", classes=len(data.class_names))

    frozen = freeze(model, until="head")
    print(f"{len(frozen)} layers frozen, {options.input} input")
    fit(model, keras.optimizers.Adam(1e-2), batches, held_out, epochs)

    freeze(model, until="stage1")
    optimizer = scale_learning_rates(model, keras.optimizers.Adam(1e-3), 0.3)
    fit(model, optimizer, batches, held_out, epochs)


def fit(model, optimizer, batches, held_out, epochs):
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    # The batches are in random order already.
    model.fit(batches, epochs=epochs, shuffle=False, verbose=0)
    loss, accuracy = model.evaluate(held_out.images, held_out.labels, verbose=0)
    print(f"held out: accuracy {accuracy:.3f}, loss {loss:.3f}")


def machines_and_animals():
    """The bundled samples with two classes that the network does not know."""
    data = load_images(samples.__path__[0], "train", SIZE)
    animal = [name not in MACHINES for name in data.class_names]
    labels = np.array(animal, int)[data.labels]
    return LabelledImages(data.images, labels, ("machine", "animal"))


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
    return pairs.shuffle(1000, seed=0).batch(batch_size)


def from_grain(data, batch_size):
    """A Grain data set; needs the package `grain`, not TensorFlow."""
    import grain

    pairs = grain.MapDataset.source(
        list(zip(data.images, data.labels, strict=True))
    )
    return pairs.shuffle(seed=0).batch(batch_size)


INPUTS = {"numpy": from_numpy, "tf.data": from_tf_data, "grain": from_grain}

if __name__ == "__main__":
    main()
