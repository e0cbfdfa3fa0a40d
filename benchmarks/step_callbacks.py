"""What the library's callbacks cost where the input is slower than the step.

A callback that waits for the device at the end of a step keeps the next batch
from being made meanwhile. `train`, with all of its callbacks, and a bare
`model.fit` on the same batches, which take `--input` milliseconds each, run in
turns; the ratio is the median over rounds of the ratios within a round.

Run:   KERAS_BACKEND=jax python benchmarks/step_callbacks.py [--devices 2]
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from turns import median_ratio

from keras_pnnh import environment
from keras_pnnh.applications import PlainResNet
from keras_pnnh.data import LabelledImages
from keras_pnnh.presentation.text_table import as_markdown
from keras_pnnh.training import Recipe, train, use_devices
from keras_pnnh.training.batches import TrainingBatches
from keras_pnnh.training.losses import make_loss

RECORDS = Path(__file__).parents[1] / "evidence" / "step_callbacks"
BATCH, STEPS = 16, 30
# The first epoch compiles.
RECIPE = Recipe(
    epochs=3, batch_size=BATCH, validation_split=0.0, warmup_epochs=0
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", type=float, default=100.0, help="ms")
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", help="also write the result to this file")
    options = parser.parse_args()
    data = made_up()
    slow_down(options.input / 1e3)
    times = {"step": [], "bare": [], "train": []}
    with use_devices(options.devices):
        for _ in range(options.rounds):
            times["bare"].append(bare(data))
            times["train"].append(ours(data))
        TrainingBatches.__getitem__ = TrainingBatches.quick
        times["step"].append(bare(data))
    result = {
        "batch_size": BATCH,
        "devices": options.devices,
        "rounds": options.rounds,
        "input_ms": options.input,
        "milliseconds": {
            name: round(1e3 * statistics.median(seconds), 1)
            for name, seconds in times.items()
        },
        "ratio": median_ratio(times["train"], times["bare"]),
        "versions": environment.versions(),
        "hardware": environment.hardware(),
    }
    print(json.dumps(result["milliseconds"]), f"ratio {result['ratio']}")
    if options.output:
        text = json.dumps(result, indent=1) + "\n"
        Path(options.output).write_text(text, encoding="utf-8")


def as_table(records=RECORDS):
    """What was measured, a row for each number of devices."""
    rows = []
    for path in sorted(records.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        step = record["milliseconds"]
        rows.append(
            {
                "devices": record["devices"],
                "step alone, ms": f"{step['step']:.0f}",
                "with slow input, ms": f"{step['bare']:.0f}",
                "by `train`, ms": f"{step['train']:.0f}",
                "ratio": f"{record['ratio']:.3f}",
            }
        )
    return as_markdown(rows)


def made_up():
    count = BATCH * STEPS
    images = np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3))
    labels = np.arange(count) % 10
    return LabelledImages(images.astype("uint8"), labels, tuple("0123456789"))


def slow_down(seconds):
    """Let each batch take at least so long to be made."""
    quick = TrainingBatches.quick = TrainingBatches.__getitem__

    def slow(self, index):
        end = time.perf_counter() + seconds
        batch = quick(self, index)
        time.sleep(max(0.0, end - time.perf_counter()))
        return batch

    TrainingBatches.__getitem__ = slow


class Clock(keras.callbacks.Callback):
    """Seconds of every epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def network():
    return PlainResNet(
        (1, 1), (16, 32), input_shape=(16, 16, 3), classifier_activation=None
    )


def bare(data):
    """Seconds of a step of `model.fit` without callbacks."""
    model, clock = network(), Clock()
    model.compile("sgd", make_loss(RECIPE), metrics=["accuracy"])
    batches = TrainingBatches(data, RECIPE, seed=0)
    model.fit(
        batches,
        epochs=RECIPE.epochs,
        callbacks=[clock],
        shuffle=False,
        verbose=0,
    )
    return min(clock.seconds[1:]) / STEPS


def ours(data):
    """Seconds of a step of `train`."""
    model = network()
    with tempfile.TemporaryDirectory() as folder:
        record = train(model, data, RECIPE, f"{folder}/run")
    rate = max(row["images_per_second"] for row in record["epochs"][1:])
    return BATCH / rate


if __name__ == "__main__":
    main()
