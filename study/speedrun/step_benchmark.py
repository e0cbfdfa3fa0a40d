"""How long a training step takes, in turns, and its share of the peak.

    python study/speedrun/step_benchmark.py --output FILE [--size 224]

`PlainResNet50` and its residual twin in bfloat16, on images made up on the
device. `speed_tables.step` makes the table of it.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import keras

from keras_pnnh.applications import create_model


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--model", default="plain_resnet50")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--paths", nargs="+", default=["coder", "residual"])
    options = parser.parse_args(arguments)
    keras.config.set_dtype_policy("mixed_bfloat16")
    shape = (options.size, options.size, 3)
    steps = {}
    for path in options.paths:
        start = time.time()
        steps[path] = compiled(options.model, path, shape, options.batch)
        print(path, f"compiled in {time.time() - start:.1f} s", flush=True)
    times = {path: [] for path in steps}
    for _ in range(options.rounds):
        for path, step in steps.items():
            start = time.perf_counter()
            for _ in range(options.steps):
                loss = step()
            loss.block_until_ready()
            seconds = (time.perf_counter() - start) / options.steps
            times[path].append(seconds)
    record = {
        "model": options.model,
        "size": options.size,
        "batch": options.batch,
        "device": jax.devices()[0].device_kind,
        "versions": {"keras": keras.__version__, "jax": jax.__version__},
        "rows": {
            path: {
                "step_ms": round(1000 * statistics.median(seconds), 2),
                "images_per_second": round(
                    options.batch / statistics.median(seconds), 1
                ),
                "all_ms": [round(1000 * s, 2) for s in seconds],
            }
            for path, seconds in times.items()
        },
    }
    options.output.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record["rows"]), flush=True)


def compiled(name, path, shape, batch):
    """A function that does one step and returns its loss."""
    model = create_model(name, internal_path=path, input_shape=shape)
    trained = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    momenta = [jnp.zeros_like(value) for value in trained]
    key = jax.random.key(0)
    images = jax.random.uniform(key, (batch, *shape), maxval=255.0)
    classes = model.output_shape[-1]
    labels = jax.random.randint(key, (batch,), 0, classes)

    def step(trained, others, momenta):
        def compute(trained):
            outputs, new = model.stateless_call(
                trained, others, images, training=True
            )
            logs = jnp.log(outputs.astype("float32") + 1e-7)
            return -jnp.mean(logs[jnp.arange(batch), labels]), new

        (loss, others_), gradients = jax.value_and_grad(compute, has_aux=True)(
            trained
        )
        momenta = [0.9 * m + g for m, g in zip(momenta, gradients, strict=True)]
        trained = [v - 1e-3 * m for v, m in zip(trained, momenta, strict=True)]
        return trained, list(others_), momenta, loss

    step = jax.jit(step, donate_argnums=(0, 1, 2))
    state = [trained, others, momenta]

    def run():
        *state[:], loss = step(*state)
        return loss

    for _ in range(2):
        run().block_until_ready()
    return run


if __name__ == "__main__":
    main()
