"""Inference on a GPU or TPU: the folded chain beside the networks with skips.

Compiled by XLA through JAX, computed in bfloat16 with the weights stored in
bfloat16, random weights. The networks take turns, batch by batch; the ratio is
the median over rounds of the ratio within a round, and above 1 where the chain
is faster.

Run:   KERAS_BACKEND=jax python benchmarks/accelerator.py --output FILE
"""

import argparse
import json
import os
import statistics
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import keras
from turns import median_ratio, take_turns

import keras_pnnh
from keras_pnnh.applications import create_model

CHAIN = "plain, folded"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 256])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--depth", type=int, default=50, choices=(18, 50))
    options = parser.parse_args(arguments)
    keras.config.set_dtype_policy("mixed_bfloat16")
    rows = []
    for batch in options.batches:
        actions = {
            name: forward(model, batch, options.size)
            for name, model in networks(options.depth, options.size).items()
        }
        take_turns(actions, 3)
        times = take_turns(actions, options.rounds)
        for name, seconds in times.items():
            rows.append(
                {
                    "network": name,
                    "batch": batch,
                    "milliseconds": round(1e3 * statistics.median(seconds), 3),
                    "to_plain": median_ratio(seconds, times[CHAIN]),
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    record = {
        "model": f"plain_resnet{options.depth}",
        "size": options.size,
        "rounds": options.rounds,
        "device": jax.devices()[0].device_kind,
        "versions": {"keras": keras.__version__, "jax": jax.__version__},
        "rows": rows,
    }
    text = json.dumps(record, indent=1) + "\n"
    options.output.write_text(text, encoding="utf-8")


def networks(depth, size):
    """What is compared, norms folded where the library can."""
    shape = (size, size, 3)
    name = f"plain_resnet{depth}"
    chain = create_model(name, input_shape=shape)
    twin = create_model(name, input_shape=shape, internal_path="residual")
    found = {
        CHAIN: keras_pnnh.fold(chain),
        "residual twin, folded": keras_pnnh.fold(twin),
    }
    if depth == 50:
        found["keras.applications.ResNet50"] = keras.applications.ResNet50(
            weights=None, input_shape=shape
        )
    return found


def forward(model, batch, size):
    """A function that computes one batch and waits for it."""
    shape = (batch, size, size, 3)
    images = jax.random.uniform(jax.random.key(0), shape, maxval=255.0)
    trained, others = (
        [v.value.astype("bfloat16") for v in variables]
        for variables in (
            model.trainable_variables,
            model.non_trainable_variables,
        )
    )

    @jax.jit
    def compute(trained, others, images):
        return model.stateless_call(trained, others, images, training=False)[0]

    compute = compute.lower(trained, others, images).compile()
    return lambda: jnp.asarray(
        compute(trained, others, images)
    ).block_until_ready()


if __name__ == "__main__":
    main()
