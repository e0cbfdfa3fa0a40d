"""Cost of looking inside a deep network: time and memory of the measures.

Run:   KERAS_BACKEND=torch python benchmarks/analysis.py
"""

import argparse
import resource
import time

import numpy as np

from keras_pnnh.analysis import measure_signal
from keras_pnnh.applications import create_model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, default=110)
    parser.add_argument("--images", type=int, default=512)
    options = parser.parse_args()
    shape = (options.images, 32, 32, 3)
    images = np.random.default_rng(0).uniform(0, 255, shape).astype("float32")
    model = create_model(f"plain_resnet{options.depth}")
    start = time.monotonic(), time.process_time()
    signal = measure_signal(model, images, training=True)
    wall, cpu = time.monotonic() - start[0], time.process_time() - start[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{model.name}, {options.images} images, {len(signal.layers)} tensors: "
        f"{wall:.0f} s ({cpu:.0f} s of CPU), peak {peak:.2f} GiB of the process"
    )


if __name__ == "__main__":
    main()
