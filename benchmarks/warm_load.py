"""Time to load ResNet-50 from a warm cache beside `keras.applications`.

`PlainResNet50(weights="imagenet")` and its residual twin from the cache of the
Hub's client, `keras.applications.ResNet50` from a weight file, in turns, so
that a busy machine slows all alike; the ratio is the median over rounds of the
ratios within a round. Names and shapes are those of the published file, the
numbers random; digest and size of the registry's row are replaced by theirs.
The first load, which converts, is timed on its own; the first round fills the
backend's caches and does not count.

Run:   KERAS_BACKEND=torch python benchmarks/warm_load.py
"""

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import save_file
from turns import median_ratio, take_turns

from keras_pnnh import environment
from keras_pnnh.applications import PlainResNet50
from keras_pnnh.weights import digest, registry
from keras_pnnh.weights.state_dicts import match_resnet

KEY = "plain_resnet50.imagenet"

# In records from before the path had a name of its own.
RENAMED = {"coder": "pass_through"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", help="also write the result to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first, times = measure(Path(folder), options.rounds)
    result = {
        "rounds": options.rounds,
        "versions": environment.versions(),
        "hardware": environment.hardware(),
        "first_load": first,
        "rows": summarize(times),
    }
    print(as_table([result]))
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")


def measure(folder, rounds):
    """Seconds of the first load, and of the others, one a round."""
    file = folder / "resnet50.weights.h5"
    keras.applications.ResNet50(weights=None).save_weights(file)
    fill_cache(folder)
    loads = {
        "keras": lambda: keras.applications.ResNet50(weights=file),
        "pass_through": lambda: PlainResNet50(weights="imagenet"),
        "residual": lambda: PlainResNet50(
            weights="imagenet", internal_path="residual"
        ),
    }
    clear = keras.utils.clear_session
    first = take_turns({"first": loads["pass_through"]}, 1, clear)["first"][0]
    take_turns(loads, 1, clear)
    return first, take_turns(loads, rounds, clear)


def fill_cache(folder):
    """A file of the published names and shapes, where the client keeps it."""
    os.environ["HF_HUB_CACHE"] = str(folder)
    twin = PlainResNet50(internal_path="residual")
    state = {}
    for match in match_resnet(twin)[0]:
        value = keras.ops.convert_to_numpy(match.variable.value)
        if match.axes is not None:
            value = value.transpose(np.argsort(match.axes))
        state[match.name] = value.copy()
    entry = registry.WEIGHTS[KEY]
    repository = folder / f"models--{entry.repo_id.replace('/', '--')}"
    snapshot = repository / "snapshots" / entry.revision
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    path = repository / "blobs" / "model"
    save_file(state, path)
    sha256 = digest.of_file(path)
    path = path.rename(path.with_name(sha256))
    (snapshot / entry.filename).symlink_to(path)
    registry.WEIGHTS[KEY] = entry._replace(
        sha256=sha256, size=path.stat().st_size
    )


def summarize(times):
    """Median seconds and ratio to `keras.applications` of each path."""
    return [
        {
            "path": path,
            "seconds": round(statistics.median(seconds), 3),
            "ratio": median_ratio(seconds, times["keras"], digits=2),
        }
        for path, seconds in times.items()
        if path != "keras"
    ]


def as_table(results):
    """A Markdown table, one line for each backend and path."""
    lines = [
        "| backend | path | rounds | median, s | ratio to "
        "`keras.applications.ResNet50` | first load, s |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        backend = environment.backend(result["versions"])
        for row in result["rows"]:
            first = f"{result['first_load']:.1f}"
            path = RENAMED.get(row["path"], row["path"])
            lines.append(
                f"| {backend} | {path} | {result['rounds']} | "
                f"{row['seconds']:.2f} | {row['ratio']:.2f} | "
                f"{first if path == 'pass_through' else ''} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
