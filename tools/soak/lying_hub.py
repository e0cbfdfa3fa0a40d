"""A Hub that fails and lies: every fault, at loading, pushing and verifying."""

import json
import os
import shutil
import time
from pathlib import Path

import keras
import numpy as np
from hub_server import FAULTS, HubServer
from outcomes import RIGHT, WRONG

import keras_pnnh
from keras_pnnh.applications import PlainResNet20
from keras_pnnh.publishing.publish import push
from keras_pnnh.publishing.verify import verify_repository
from keras_pnnh.weights import Classifier, digest, hub_answers

ROOT = Path(__file__).parents[2]
REFERENCE = "hf://owner/mine"
LIES = {
    "sha": ["../../escaped", "main", "dead" * 10, ""],
    "headers": [
        {"X-Repo-Commit": "../../../escaped"},
        {"X-Repo-Commit": "beef" * 10},
        {"ETag": '"../../../escaped"'},
        {"X-Linked-ETag": '"a/b"'},
    ],
    "files": [["../escaped"], ["/tmp/escaped"], ["a\nb"]],
}
HOW_OFTEN = (1, 3, 99)
WHERE = ("*", "*.h5", "*config.json", "/api/*", "/objects/*")
USES = ("load", "push", "verify")


def prepare(folder):
    """A finished run, and the environment of somebody who may push it."""
    cut_waits_short()
    os.environ["HF_TOKEN"] = "hf_owner"  # noqa: S105 - of the local Hub
    import huggingface_hub.constants

    huggingface_hub.constants.HF_HUB_DISABLE_IMPLICIT_TOKEN = False
    keras.utils.set_random_seed(0)
    arguments = {
        "blocks_per_stage": (1, 1),
        "filters_per_stage": (4, 8),
        "input_shape": (8, 8, 3),
        "classes": 3,
    }
    model = PlainResNet20(**arguments, classifier_activation=None)
    run = folder / "run"
    run.mkdir()
    path = run / "model.weights.h5"
    labels = ("ant", "bee", "cat")
    keras_pnnh.save_weights(model, path, Classifier(labels, (8, 8)))
    example = ROOT / "weights" / "plain_resnet20.cifar10" / "record.json"
    record = json.loads(example.read_text())
    record["model"] = {
        "class_name": type(model).__name__,
        "parameters": model.count_params(),
        **model.get_config(),
    }
    record["test"]["weights_sha256"] = digest.of_file(path)
    (run / "record.json").write_text(json.dumps(record))
    return folder, run, model.get_weights()


def cut_waits_short():
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, 0.005))
    hub_answers.PATIENCE = 0.3


def trial(seed, shared):
    """One fault or lie, at one use."""
    folder, run, weights = shared
    generator = np.random.default_rng(seed)
    cache = folder / "cache"
    os.environ["HF_HUB_CACHE"] = str(cache)
    before = {path.name for path in folder.iterdir()} | {"cache"}
    use = USES[seed % len(USES)]
    place = seed // len(USES)
    with HubServer() as hub:
        os.environ["HF_ENDPOINT"] = hub.endpoint
        push(run, REFERENCE)
        filled = bool(generator.random() < 0.3)
        if filled:
            keras_pnnh.from_weights(REFERENCE)
        if place % 4 < 3:
            what = inject(hub, FAULTS[place % len(FAULTS)], generator)
        else:
            about = str(generator.choice(sorted(LIES)))
            lies = LIES[about]
            hub.lies[about] = lies[int(generator.integers(len(lies)))]
            what = f"lie about {about}: {hub.lies[about]!r}"
        note = f"{use}{', in the cache' if filled else ''}: {what}"
        try:
            outcome = do(use, run, weights)
        finally:
            strays = {path.name for path in folder.iterdir()} - before
            shutil.rmtree(cache, ignore_errors=True)
        if strays or Path("/tmp/escaped").exists():  # noqa: S108
            return WRONG, f"{note}: wrote {strays or '/tmp/escaped'}"
    return outcome, note


def inject(hub, fault, generator):
    times = int(generator.choice(HOW_OFTEN))
    path = str(generator.choice(WHERE))
    hub.inject(fault, times=times, path=path, seconds=0.05)
    return f"{fault} x {times} at {path}"


def do(use, run, weights):
    if use == "push":
        published = push(run, REFERENCE)
        return RIGHT if published.tag == "v2" else WRONG
    if use == "verify":
        difference = verify_repository(REFERENCE).difference
        return RIGHT if difference is not None and difference < 1e-5 else WRONG
    found = keras_pnnh.from_weights(REFERENCE).get_weights()
    same = len(found) == len(weights) and all(
        np.array_equal(ours, theirs)
        for ours, theirs in zip(found, weights, strict=True)
    )
    return RIGHT if same else WRONG
