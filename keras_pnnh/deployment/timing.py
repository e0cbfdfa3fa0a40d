"""Time and memory of exported files, measured in a process of its own.

Runtimes keep threads and memory for themselves, so that what one did before
changes what the next one measures; and a process has one Keras backend.
"""

import ctypes
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_pnnh.deployment.formats import get_format
from keras_pnnh.deployment.formats.format import Format
from keras_pnnh.deployment.process import TIME_LIMIT, run_module


def measure_times(
    format: Format,
    paths: Mapping[str, str | Path],
    shape: Sequence[int],
    batch_size: int,
    rounds: int,
    threads: int = 1,
    time_limit: float | None = TIME_LIMIT,
) -> dict[str, list[float]]:
    """Seconds that files of one format take for a batch.

    The files take turns, batch by batch, so that whatever else the machine
    does slows all of them alike.

    Args:
        format: A `Format`.
        paths: Dictionary from name to exported file.
        shape: Shape of one image.
        batch_size: Images per batch.
        rounds: How often every file runs.
        threads: Of the runtime.
        time_limit: Seconds that the process may take; None for no limit.

    Returns:
        Dictionary from name to a list of seconds, one for each round.

    Raises:
        ValueError: If the process failed, with its last line.
    """
    return _start(
        format, "times", paths, shape, batch_size, rounds, threads, time_limit
    )


def measure_memory(
    format: Format,
    path: str | Path,
    shape: Sequence[int],
    batch_size: int,
    threads: int = 1,
    time_limit: float | None = TIME_LIMIT,
) -> int | None:
    """Bytes that a batch needs beyond the loaded network and one image.

    What the process holds at most while it runs a batch, less what it holds
    once a single image has run: weights that a runtime packs again then count
    as part of the network. Linux with
    glibc only.

    Returns:
        An integer, or None where the system does not tell.
    """
    paths = {"file": path}
    return _start(
        format, "memory", paths, shape, batch_size, 2, threads, time_limit
    )


def _start(format, task, paths, shape, batch_size, rounds, threads, time_limit):
    with tempfile.TemporaryDirectory() as folder:
        request = Path(folder) / "request.json"
        request.write_text(
            json.dumps(
                {
                    "format": format.name,
                    "task": task,
                    "paths": {key: str(path) for key, path in paths.items()},
                    "shape": list(shape),
                    "batch_size": batch_size,
                    "rounds": rounds,
                    "threads": threads,
                }
            )
        )
        try:
            run_module(
                __name__,
                [str(request)],
                format.runs_in or keras.backend.backend(),
                time_limit,
                OMP_NUM_THREADS=str(threads),
            )
        except ValueError as error:
            raise ValueError(
                "Exported files must run in their runtime to be measured. "
                f"Received: {sorted(paths)} as format='{format.name}': {error}"
            ) from error
        return json.loads((Path(folder) / "answer.json").read_text())


def main(arguments: Sequence[str]) -> int:
    """What the process does; returns its exit status."""
    request = Path(arguments[0])
    asked = json.loads(request.read_text())
    generator = np.random.default_rng(0)
    shape = (asked["batch_size"], *asked["shape"])
    images = generator.uniform(0, 255, shape).astype("float32")
    open_file = get_format(asked["format"]).open
    networks = {
        name: open_file(path, asked["threads"])
        for name, path in asked["paths"].items()
    }
    task = {"times": _times, "memory": _memory}[asked["task"]]
    answer = task(networks, images, asked["rounds"])
    (request.parent / "answer.json").write_text(json.dumps(answer))
    return 0


def _times(networks, images, rounds):
    for run in networks.values():
        for _ in range(2):  # compilation and first allocations
            run(images)
    times = {name: [] for name in networks}
    order = list(networks)
    for _ in range(rounds):
        for name in order:
            start = time.perf_counter()
            networks[name](images)
            times[name].append(time.perf_counter() - start)
        # Who runs behind whom matters for the caches.
        order.reverse()
    return times


def _memory(networks, images, rounds):
    (run,) = networks.values()
    run(images[:1])
    try:
        # What loading has freed stays with the process otherwise, and takes
        # up the activations: 100 MB of weights hid 30 MB of them.
        ctypes.CDLL(None).malloc_trim(0)
        # The peak starts from here.
        Path("/proc/self/clear_refs").write_text("5")
        before = _status("VmRSS")
    except (OSError, AttributeError):
        return None
    for _ in range(rounds):
        run(images)
    return _status("VmHWM") - before


def _status(key):
    """A size of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = dict(line.split(":", 1) for line in lines)
    return 1024 * int(sizes[key].split()[0])
