"""Train what the study compares; one record for every run, failures too.

    python study/run.py --data DIR [TABLE ...] [--only '*-56-seed0']

Runs that have a record in `evidence/study/` are skipped and interrupted ones
resumed, so the command may be stopped and repeated. With several workers every
run gets one thread, which is the fastest use of a CPU for small networks.
"""

import argparse
import contextlib
import dataclasses
import fnmatch
import functools
import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import grid
import keras
import networks
from block_path import BlockPathResNet
from pretexts import pretrain_coders

from keras_pnnh import environment
from keras_pnnh.data import load_images
from keras_pnnh.data_format import input_shape
from keras_pnnh.files import write_text
from keras_pnnh.training import (
    evaluate,
    train,
)
from keras_pnnh.training.run_folder import RunFolder
from keras_pnnh.weights import loader

ROOT = Path(__file__).parents[1]
EVIDENCE = ROOT / "evidence" / "study"

# Networks that are not the library's.
MODELS = {"block_path_resnet": BlockPathResNet}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE")
    parser.add_argument("--data", required=True, help="CIFAR-10, see README")
    parser.add_argument(
        "--only", nargs="+", default=["*"], help="of the names of the runs"
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "study")
    options = parser.parse_args(arguments)
    unknown = set(options.tables) - set(grid.TABLES)
    if unknown:
        parser.error(
            f"TABLE must be among {sorted(grid.TABLES)}. "
            f"Received: {sorted(unknown)}."
        )
    pending = [
        run
        for run in grid.all_runs(options.tables or grid.TABLES)
        if not record_path(run).is_file()
        and any(fnmatch.fnmatch(run.name, only) for only in options.only)
    ]
    print(f"{len(pending)} runs to do, {options.workers} at a time", flush=True)
    if options.workers > 1:
        os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(
        options.workers, multiprocessing.get_context("spawn")
    ) as pool:
        futures = [
            pool.submit(execute, run, options.data, options.runs)
            for run in pending
        ]
        for count, future in enumerate(as_completed(futures), 1):
            print(f"{count}/{len(futures)}  {future.result()}", flush=True)


def record_path(run):
    return EVIDENCE / f"{run.name}.json"


def execute(run, data, runs):
    """Train and test one network in this process; returns a line to print."""
    folder = runs / run.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with (
        # Beside the folder: a run starts in an empty one.
        open(runs / f"{run.name}.log", "a", encoding="utf-8") as log,
        contextlib.redirect_stderr(log),
    ):
        record = train_and_test(run, data, folder)
    record = {"table": run.table, "label": run.label, **record}
    write_text(record_path(run), json.dumps(record, indent=1) + "\n")
    minutes = (time.monotonic() - start) / 60
    if "failed" in record:
        return f"{run.name}: FAILED, {minutes:.1f} min: {record['failed']}"
    accuracy = record["test"]["accuracy"]
    return f"{run.name}: test accuracy {accuracy:.4f}, {minutes:.1f} min"


def train_and_test(run, data, folder):
    keras.utils.clear_session()
    keras.utils.set_random_seed(run.seed)
    arguments = {
        "input_shape": input_shape(run.size, run.size),
        **run.architecture,
    }
    create = MODELS.get(
        run.model, functools.partial(networks.create, run.model)
    )
    model = create(classifier_activation=None, **arguments)
    training_images = images(data, "train", run.size)
    description = {"source": "cifar10", "size": run.size}
    if run.pretext:
        description["pretext"] = run.pretext
        description["reconstruction_errors"] = pretrain_coders(
            model, run.pretext, training_images.images[:256], run.seed
        )
    try:
        train(
            model,
            training_images,
            run.recipe,
            folder,
            seed=run.seed,
            resume=True,
            description=description,
        )
    except FloatingPointError as error:
        return {
            "failed": str(error),
            "model": {"parameters": model.count_params(), **model.get_config()},
            "recipe": dataclasses.asdict(run.recipe),
            "seed": run.seed,
            "epochs": [],
            "versions": environment.versions(),
            "hardware": environment.hardware(),
        }
    trained = create(**arguments)
    loader.load(trained, folder / "model.weights.h5")
    evaluate(trained, images(data, "test", run.size), run=folder)
    return RunFolder(folder).read_record()


@functools.cache
def images(data, split, size):
    """The images of one split, read once per process."""
    return load_images(data, split, (size, size))


if __name__ == "__main__":
    main()
