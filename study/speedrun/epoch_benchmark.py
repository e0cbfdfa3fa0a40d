"""What each path and each branch costs in training: epochs in turns.

    python study/speedrun/epoch_benchmark.py --data ARCHIVE --output FILE

The networks of the table of what carries, at one depth, on an idle device.
"""

import argparse
import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jpeg_archive
import keras
import wide_networks
from device_loop import Trainer
from recipe import Recipe

NETWORKS = {
    "none": {},
    "add": {"path": "add"},
    "concat": {"path": "concat"},
    "skip": {"path": "skip"},
    "1x1": {"branches": "1x1"},
    "1x1+identity": {"branches": "1x1+identity"},
    "add, normalised kernel": {"path": "add", "norm": "kernel"},
}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--convolutions", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, help="at most so many, a smoke")
    options = parser.parse_args(arguments)
    images, labels = jpeg_archive.load(options.data)["train"]
    if options.images:
        images, labels = images[: options.images], labels[: options.images]
    data = jax.numpy.asarray(images), jax.numpy.asarray(labels)
    recipe = Recipe(epochs=1 + options.rounds, batch_size=min(512, len(images)))
    epochs = {
        name: one_epoch(network, options.convolutions, recipe, data)
        for name, network in NETWORKS.items()
    }
    with ThreadPoolExecutor() as pool:
        for future in [pool.submit(epoch) for epoch in epochs.values()]:
            future.result()
    seconds = {name: [] for name in epochs}
    for _ in range(options.rounds):
        for name, epoch in epochs.items():
            start = time.perf_counter()
            epoch()
            seconds[name].append(time.perf_counter() - start)
    record = {
        "depth": 2 + 3 * options.convolutions,
        "images": len(images),
        "device": jax.devices()[0].device_kind,
        "versions": {"keras": keras.__version__, "jax": jax.__version__},
        "seconds": {
            name: [round(value, 4) for value in some]
            for name, some in seconds.items()
        },
        "to_skip": {
            name: round(
                statistics.median(
                    value / skip
                    for value, skip in zip(some, seconds["skip"], strict=True)
                ),
                3,
            )
            for name, some in seconds.items()
        },
    }
    options.output.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record["to_skip"]), flush=True)


def one_epoch(network, convolutions, recipe, data):
    """A function that trains a network for one epoch and waits for it."""
    trainer = Trainer(
        lambda: wide_networks.wide((32, 64, 128), convolutions, **network),
        recipe,
        *data,
    )
    _, state = trainer.begin(0)
    epochs = trainer.epochs(state, 0)
    return lambda: next(epochs)


if __name__ == "__main__":
    main()
