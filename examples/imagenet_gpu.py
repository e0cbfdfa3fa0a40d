"""Train PlainResNet50, or its residual twin, on ImageNet on all GPUs of a host.

Run:      KERAS_BACKEND=jax python examples/imagenet_gpu.py --data-dir DIR
          ... --path residual  (the twin)
          ... --devices 1 --accumulation 4 --batch-size 256  (less memory)
Smoke:    python examples/imagenet_gpu.py --smoke  (CPU, made-up images)
Needs:    the extras jax (with CUDA: pip install "jax[cuda12]"), tensorflow and
          train; ImageNet's archives, see imagenet_input.py.
Measured: accuracy, time and cost of a whole run: not measured. A training step
          on one GPU: docs/performance.md.

What comes out is a run, as that of `keras-pnnh train`: evaluate it into its
record, and push it. The recipe is `imagenet-resnet50` (He et al. 2015, Goyal
et al. 2017): 90 epochs, the rate grows with the batch. It computes in bfloat16.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from imagenet_input import describe, training_set, validation_set

from keras_pnnh.applications import PlainResNet, PlainResNet50
from keras_pnnh.training import (
    get_recipe,
    hosts,
    make_optimizer,
    save_run,
    use_devices,
)


def parse(arguments=None, description=__doc__):
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--data-dir", help="where TFDS keeps its files")
    parser.add_argument("--path", default="coder", help="coder or residual")
    parser.add_argument("--devices", default="all")
    parser.add_argument("--batch-size", type=int, default=1024, help="of all")
    parser.add_argument("--accumulation", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=90)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("runs/imagenet"))
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args(arguments)
    if options.smoke:
        options.size, options.batch_size, options.epochs = 32, 8, 1
    if options.devices != "all":
        options.devices = int(options.devices)
    return options


def main(options):
    recipe = get_recipe(
        "imagenet-resnet50",
        epochs=options.epochs,
        batch_size=options.batch_size,
        accumulation=options.accumulation,
        warmup_epochs=min(5, options.epochs / 2),
    )
    with use_devices(options.devices) as count:
        if hosts.is_first():
            print(f"{count} devices, {hosts.count()} hosts", flush=True)
        keras.utils.set_random_seed(options.seed)
        model = build(options)
        part = (hosts.number(), hosts.count())
        images, steps = training_set(options, *part)
        compile_model(model, recipe, steps)
        fit(model, options, images, steps, validation_set(options, *part))


def build(options):
    """The network; a small one for the smoke."""
    arguments = {
        "internal_path": options.path,
        "input_shape": (options.size, options.size, 3),
        "classes": 1000,
        "classifier_activation": None,
        "dtype": "mixed_bfloat16",
    }
    if options.smoke:
        return PlainResNet((1, 1), (8, 16), name="tiny", **arguments)
    return PlainResNet50(**arguments)


def compile_model(model, recipe, steps):
    model.compile(
        make_optimizer(recipe, steps, model),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # Weighted: what fills up the last batch counts nothing. It does in
        # Keras's `val_loss`; `val_cross_entropy` is right.
        weighted_metrics=[
            "accuracy",
            keras.metrics.SparseCategoricalCrossentropy(
                "cross_entropy", from_logits=True
            ),
        ],
    )


def fit(model, options, images, steps, validation):
    callbacks = []
    if hosts.is_first():
        options.output.mkdir(parents=True, exist_ok=True)
        log = str(options.output / "log.csv")
        callbacks = [keras.callbacks.CSVLogger(log)]
    start = time.monotonic()
    history = model.fit(
        images,
        epochs=options.epochs,
        steps_per_epoch=steps,
        validation_data=validation,
        callbacks=callbacks,
        shuffle=False,
        verbose=2 if hosts.is_first() else 0,
    )
    run = options.output / "run"
    save_run(
        model,
        run,
        source="ImageNet-1K (ILSVRC 2012), by TFDS",
        seed=options.seed,
        seconds=round(time.monotonic() - start, 1),
        **describe(options),
    )
    accuracy = history.history["val_accuracy"][-1]
    if hosts.is_first():
        print(f"{run}: {100 * accuracy:.2f} % of the validation images")


if __name__ == "__main__":
    main(parse())
