"""Train a plan of networks on one device, several processes at a time.

    python study/speedrun/speed_run.py --plan everything --data cifar10.tar.xz \
        --output DIR --workers 8 --deadline 420

Each run writes its record when it ends, and is not done again where there is
one. At the deadline what is still running is stopped; a run that fails leaves a
record that says why.
"""

import argparse
import dataclasses
import json
import multiprocessing
import os
import threading
import time
import traceback
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def main(arguments=None):
    import plan

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plan", default="everything", choices=plan.PLANS)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument(
        "--threads", type=int, default=1, help="of a process: some compile"
    )
    parser.add_argument("--deadline", type=float, default=86400.0)
    parser.add_argument("--images", type=int, help="at most so many, a smoke")
    options = parser.parse_args(arguments)
    end = time.time() + options.deadline
    options.output.mkdir(parents=True, exist_ok=True)
    data = prepare(options.data, options.output, options.images)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    for number in range(len(plan.PLANS[options.plan]())):
        queue.put(number)
    for _ in range(options.workers * options.threads):
        queue.put(None)
    arguments = (queue, options.plan, data, options.output, end)
    workers = [
        context.Process(target=work, args=(*arguments, options.threads))
        for _ in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, end - time.time()))
    for worker in workers:
        if worker.is_alive():
            worker.kill()
    records = sorted(options.output.glob("*.json"))
    failed = sum("failure" in json.loads(r.read_text()) for r in records)
    print(f"{len(records)} records, {failed} of failed runs", flush=True)


def prepare(path, output, most):
    """The images as one file that all processes read."""
    import jpeg_archive

    parts = jpeg_archive.load(path)
    if most:
        parts = {part: (x[:most], y[:most]) for part, (x, y) in parts.items()}
    path = Path("/tmp") / f"speedrun-{os.getpid()}.npz"
    jpeg_archive.save(parts, path)
    return path


def work(queue, plan_name, data, output, end, threads):
    """One process: its threads take jobs until there are none."""
    import jax
    import jpeg_archive
    import plan

    jobs = plan.PLANS[plan_name]()
    parts = jpeg_archive.load(data)
    parts["train"] = tuple(jax.numpy.asarray(x) for x in parts["train"])

    def take():
        while (number := queue.get()) is not None and time.time() < end:
            attempt(jobs[number], parts, output)

    some = [threading.Thread(target=take) for _ in range(threads)]
    for thread in some:
        thread.start()
    for thread in some:
        thread.join()


def attempt(job, parts, output):
    """Train a job's network from those seeds that have no record yet."""
    left = tuple(
        seed
        for seed in job.seeds
        if not (output / f"{name_of(job, seed)}.json").is_file()
    )
    job = dataclasses.replace(job, seeds=left)
    try:
        run(job, parts, output)
    except Exception:
        name = f"{job.table}_{job.label}_failed"
        record = {**described(job), "failure": traceback.format_exc()}
        write(output / f"{name}.json", record)
        print(name, traceback.format_exc()[-300:], flush=True)


def name_of(job, seed):
    return f"{job.table}_{job.label}_seed{seed}"


def run(job, parts, output):
    import wide_networks
    from device_loop import Trainer

    trainer = Trainer(
        lambda: wide_networks.build(**job.network), job.recipe, *parts["train"]
    )
    for seed in job.seeds:
        name = name_of(job, seed)
        curve = []
        record = {**described(job), "seed": seed, "epochs": curve}
        start = time.time()
        try:
            model = trainer.train(seed, parts["validation"], curve.append)
        except FloatingPointError as error:
            write(output / f"{name}.json", {**record, "failure": str(error)})
            continue
        record["seconds"] = round(time.time() - start, 1)
        record["parameters"] = model.count_params()
        accuracy = trainer.accuracy(*trainer.state, *parts["test"])
        record["test"] = {"images": len(parts["test"][0]), "accuracy": accuracy}
        write(output / f"{name}.json", record)
        last = curve[-1]
        print(
            f"{name}: validation {last['validation']:.4f}, test {accuracy:.4f},"
            f" {record['seconds']} s",
            flush=True,
        )
        if job.keep:
            keep(model, output / f"{name}.npz")


def described(job):
    """What a record says before the run."""
    import jax
    import keras

    return {
        "table": job.table,
        "label": job.label,
        "network": job.network,
        "recipe": dataclasses.asdict(job.recipe),
        "data": "CIFAR-10 (JPEG copy), 48,000 training images",
        "versions": {"keras": keras.__version__, "jax": jax.__version__},
        "device": jax.devices()[0].device_kind,
    }


def keep(model, path):
    """The weights in float16 (statistics in float32), in the model's order."""
    import numpy as np

    arrays = {}
    for number, variable in enumerate(model.variables):
        value = np.asarray(variable.value)
        if value.ndim > 1:
            value = value.astype("float16")
        arrays[f"{number:03d}:{variable.path}"] = value
    np.savez_compressed(path, **arrays)


def write(path, record):
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(record, indent=1) + "\n")
    unfinished.rename(path)


if __name__ == "__main__":
    main()
