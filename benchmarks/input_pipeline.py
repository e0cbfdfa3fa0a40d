"""Rate and memory of the streaming input beside a bare JPEG decoder.

The input, random resized crops and mirroring at 224 pixels, and bare
`tf.io.decode_and_crop_jpeg` of the same boxes, which resizes nothing, work on
the same files with as many threads, in turns; the ratio is the median over
rounds of the ratios within a round. Where keras-cv is installed, so do batches
with its RandAugment and the bare layer on decoded images. The memory is the
peak of a process that reads one epoch of so many files.

Run:   KERAS_BACKEND=tensorflow python benchmarks/input_pipeline.py
Needs: the extras train and cv
"""

import argparse
import concurrent.futures
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from turns import median_ratio, take_turns

from keras_pnnh import environment
from keras_pnnh.data import stream_images
from keras_pnnh.data.decoding import draw_box
from keras_pnnh.data.order import IndexPlan
from keras_pnnh.data.prefetch import PrefetchedCrops
from keras_pnnh.training import Recipe
from keras_pnnh.training.batches import TrainingBatches

RECORD = Path(__file__).parents[1] / "evidence" / "input_pipeline.json"
BATCH = 64
LEAST_AREA = 0.08


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--memory", type=int, nargs=2, default=[2_000, 20_000])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", help="also write the result to this file")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print(measure_peak(options.peak, options.threads))
        return
    with tempfile.TemporaryDirectory() as folder:
        rate = measure_rate(folder, options)
        if importlib.util.find_spec("keras_cv"):
            rate["rand_augment"] = measure_rand_augment(folder, options)
    result = {
        "rounds": options.rounds,
        "threads": options.threads,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        **rate,
        "peak_mib": {str(n): peak_of(n, options) for n in options.memory},
    }
    print(as_table(result))
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)


def write_images(folder, count, pictures=64):
    """Files of 500 x 375 pixels; beyond `pictures` they are links."""
    from PIL import Image

    generator = np.random.default_rng(0)
    folder = Path(folder)
    for number in range(count):
        path = folder / f"class{number % 2}" / f"{number:06d}.jpg"
        path.parent.mkdir(exist_ok=True)
        if number >= pictures:
            first = number % pictures
            path.hardlink_to(folder / f"class{first % 2}" / f"{first:06d}.jpg")
            continue
        coarse = generator.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((500, 375), 3)
        noise = generator.integers(-12, 13, (375, 500, 3))
        pixels = np.clip(np.asarray(image) + noise, 0, 255).astype("uint8")
        Image.fromarray(pixels).save(path, quality=92)


def measure_rate(folder, options):
    """Images a second of both, and the ratio."""
    import tensorflow as tf

    write_images(folder, options.images)
    data = stream_images(folder, "train", (224, 224), workers=options.threads)
    plan = IndexPlan(options.images, BATCH)
    crops = PrefetchedCrops(data.images, plan, LEAST_AREA, flip=True, ahead=2)
    # Both begin with nothing in advance: a pool is empty after each round.
    ours = iter(range(10**9))

    def stream():
        epoch = next(ours)
        crops.ahead = 2
        for step in range(plan.steps):
            crops.ahead = min(2, plan.steps - 1 - step)
            crops.take(epoch, step)

    pool = concurrent.futures.ThreadPoolExecutor(options.threads)

    def decode(index):
        generator = np.random.default_rng((0, index))
        box = draw_box((375, 500), LEAST_AREA, generator)
        content = Path(data.images.paths[index]).read_bytes()
        tf.io.decode_and_crop_jpeg(content, box, channels=3).numpy()

    def bare():
        list(pool.map(decode, range(plan.steps * BATCH)))

    actions = {"stream": stream, "bare": bare}
    take_turns(actions, 1)
    times = take_turns(actions, options.rounds)
    images = plan.steps * BATCH
    return {
        "images": images,
        "images_per_second": {
            name: round(images / float(np.median(seconds)), 1)
            for name, seconds in times.items()
        },
        "ratio": median_ratio(times["bare"], times["stream"], digits=2),
    }


def measure_rand_augment(folder, options, steps=2, batch=32):
    """Images a second with keras-cv's RandAugment, and those of the layer."""
    import keras_cv

    data = stream_images(folder, "train", (224, 224), workers=options.threads)
    recipe = Recipe(
        epochs=1,
        warmup_epochs=0,
        batch_size=batch,
        crop_area=LEAST_AREA,
        crop_padding=0,
        rand_augment=9,
        rand_augment_by="keras_cv",
    )
    batches = TrainingBatches(data, recipe, seed=0)
    layer = keras_cv.layers.RandAugment(value_range=(0, 255), magnitude=0.9)
    decoded = data.images[:batch].astype("float32")
    actions = {
        "stream": lambda: [batches[step] for step in range(steps)],
        "bare": lambda: [layer(decoded).numpy() for _ in range(steps)],
    }
    take_turns(actions, 1)
    times = take_turns(actions, options.rounds)
    return {
        "images_per_second": {
            name: round(steps * batch / float(np.median(seconds)), 1)
            for name, seconds in times.items()
        },
        "ratio": median_ratio(times["bare"], times["stream"], digits=2),
    }


def peak_of(count, options):
    """Peak memory in MiB of a process that reads an epoch of `count` files."""
    with tempfile.TemporaryDirectory() as folder:
        write_images(folder, count)
        command = [sys.executable, __file__, "--peak", folder]
        command += ["--threads", str(options.threads)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True
        )
    return float(done.stdout.split()[-1])


def measure_peak(folder, threads):
    data = stream_images(folder, "train", (224, 224), workers=threads)
    plan = IndexPlan(len(data.labels), BATCH)
    crops = PrefetchedCrops(data.images, plan, LEAST_AREA, flip=True)
    for step in range(plan.steps):
        crops.take(0, step)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def recorded():
    """The table of the record."""
    return as_table(json.loads(RECORD.read_text(encoding="utf-8")))


def as_table(result):
    """A result as a Markdown table."""
    rate = result["images_per_second"]
    lines = [
        "| | measured |",
        "|---|---|",
        f"| streaming, random resized crop to 224 pixels and mirroring, "
        f"{result['threads']} threads | {rate['stream']:.0f} images/s |",
        "| bare `tf.io.decode_and_crop_jpeg` of the same boxes, as many "
        f"threads | {rate['bare']:.0f} images/s |",
        f"| ratio, median of {result['rounds']} rounds in turns | "
        f"{result['ratio']:.2f} |",
    ]
    if "rand_augment" in result:
        augmented = result["rand_augment"]
        rate = augmented["images_per_second"]
        lines += [
            "| streaming with RandAugment of keras-cv, magnitude 9 | "
            f"{rate['stream']:.0f} images/s |",
            "| that layer alone, on decoded images | "
            f"{rate['bare']:.0f} images/s |",
            f"| ratio, median of {result['rounds']} rounds in turns | "
            f"{augmented['ratio']:.2f} |",
        ]
    lines += [
        f"| peak memory of a process that reads {int(count):,} files | "
        f"{peak:.0f} MiB |"
        for count, peak in result["peak_mib"].items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
