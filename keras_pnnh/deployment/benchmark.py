"""Networks side by side in the runtimes that they are deployed in.

It stays in the package because `keras-pnnh bench` is for users: which network
is faster on *their* machine. The scripts that write our tables are in
`benchmarks/`.
"""

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_pnnh.deployment.export import export
from keras_pnnh.deployment.formats import get_format
from keras_pnnh.deployment.process import TIME_LIMIT
from keras_pnnh.deployment.ratios import range_of_median, ratios_of
from keras_pnnh.deployment.run_file import describe_runtime
from keras_pnnh.deployment.timing import measure_memory, measure_times
from keras_pnnh.presentation.text_table import as_table

FORMATS = ("onnx", "litert", "saved_model")


def benchmark(
    models: Mapping[str, keras.Model],
    formats: Sequence[str] = FORMATS,
    batch_size: int = 8,
    rounds: int = 11,
    threads: int = 1,
    progress: Callable[[list[dict]], Any] = lambda rows: None,
    time_limit: float | None = TIME_LIMIT,
) -> list[dict[str, Any]]:
    """Latency, throughput and memory of models, exported and run.

    The files are not compared with Keras here: `export` does that.

    Args:
        models: Dictionary from name to built model, all for images of one
            size. The first is what the others are compared with.
        formats: What `export` writes; int8 is not among them.
        batch_size: Images per batch, for throughput and memory.
        rounds: How often each runs with a single image; half as often with a
            batch.
        threads: Of every runtime.
        progress: Called after every format with the rows so far.
        time_limit: Seconds that each process may take that writes or runs
            files; None for no limit.

    Returns:
        A list of dictionaries, one for each format and model: `"format"`,
        `"runtime"`, `"model"`, `"latency"` (median seconds for one image),
        `"throughput"` (images a second, of the median batch), `"memory"`
        (bytes, see `measure_memory`), and `"latency_ratio"`,
        `"throughput_ratio"`, `"memory_ratio"`: how many times slower, or
        larger, this model is than the first; the median of the ratios within
        the rounds. `"latency_range"` and `"throughput_range"` hold that median
        in nine of ten cases; None with fewer than five rounds.

    Raises:
        ValueError: See `export`; if the models take images of different
            sizes, or a number is not positive.
    """
    _check(models, formats, batch_size, rounds, threads)
    shape = next(iter(models.values())).input_shape[1:]
    rows = []
    for name in formats:
        form = get_format(name)
        with tempfile.TemporaryDirectory() as folder:
            paths = {}
            for number, (label, model) in enumerate(models.items()):
                paths[label] = Path(folder) / f"network{number}{form.suffix}"
                export(
                    model,
                    paths[label],
                    name,
                    verify=False,
                    fold=False,
                    keep_pass_through=True,
                    time_limit=time_limit,
                )
            single = measure_times(
                form, paths, shape, 1, rounds, threads, time_limit
            )
            batch = measure_times(
                form,
                paths,
                shape,
                batch_size,
                -(-rounds // 2),
                threads,
                time_limit,
            )
            memory = {
                label: measure_memory(
                    form, path, shape, batch_size, threads, time_limit
                )
                for label, path in paths.items()
            }
        rows += _rows(form, single, batch, memory, batch_size)
        progress(rows)
    return rows


def _check(models, formats, batch_size, rounds, threads):
    shapes = {label: model.input_shape for label, model in models.items()}
    if len(set(shapes.values())) != 1:
        raise ValueError(
            "Networks are compared on images of one size. Received: inputs of "
            f"shape {shapes}. Construct them with the same `input_shape`."
        )
    for name in formats:
        if get_format(name).quantized:
            raise ValueError(
                "The benchmark compares networks in float32. Received: "
                f"formats={list(formats)}. Leave '{name}' out."
            )
    for name, number in (
        ("batch_size", batch_size),
        ("rounds", rounds),
        ("threads", threads),
    ):
        least = 2 if name == "batch_size" else 1
        if number < least:
            raise ValueError(
                f"`{name}` must be at least {least}. Received: {name}={number}."
            )


def _rows(form, single, batch, memory, batch_size):
    first = next(iter(single))
    rows = []
    for label in single:
        sizes = memory[label], memory[first]
        slower = ratios_of(single[label], single[first])
        slower_batch = ratios_of(batch[label], batch[first])
        rows.append(
            {
                "format": form.name,
                "runtime": describe_runtime(form),
                "model": label,
                "latency": statistics.median(single[label]),
                "latency_ratio": statistics.median(slower),
                "latency_range": range_of_median(slower),
                "throughput": batch_size / statistics.median(batch[label]),
                "throughput_ratio": statistics.median(slower_batch),
                "throughput_range": range_of_median(slower_batch),
                "memory": memory[label],
                "memory_ratio": sizes[0] / sizes[1] if all(sizes) else None,
            }
        )
    return rows


def as_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a table for the terminal."""
    return as_table(
        [
            "runtime",
            "model",
            "latency, ms",
            "ratio",
            "images/s",
            "ratio of times",
            "memory, MB",
            "ratio",
        ],
        [
            [
                row["runtime"],
                row["model"],
                1e3 * row["latency"],
                row["latency_ratio"],
                row["throughput"],
                row["throughput_ratio"],
                row["memory"] and row["memory"] / 1e6,
                row["memory_ratio"],
            ]
            for row in rows
        ],
    )
