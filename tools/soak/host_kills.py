"""Streamed runs on two hosts that are killed at a random step, and go on.

Two processes of two devices each (JAX, virtual devices of one CPU); one of them
is killed, the other with it. The run goes on on two hosts again, where it must
end as the one that was never stopped, or on four devices of one process.
"""

import json
import os
import socket
import subprocess
import sys

import numpy as np
from kills import RUN, TIMES, pictures
from outcomes import BARE, RIGHT, WRONG

EPOCHS, STEPS = 3, 4
LIMIT = 600  # seconds of a run, on a machine that does other things, too
# As large a difference as another order of the same sums explains.
SAME, OTHER = 1e-6, 1e-5


def prepare(folder):
    """The run that is never stopped."""
    pictures(folder)
    ended = on_hosts(folder, "whole", ("none", "none"))
    if ended != [0, 0]:
        raise RuntimeError(f"the unbroken run ended with {ended}")
    return folder, metrics(folder / "whole")


def trial(seed, shared):
    """A kill at a random step, and the end on as many hosts or on one."""
    folder, wanted = shared
    generator = np.random.default_rng(seed)
    epoch, step = generator.integers(EPOCHS), generator.integers(STEPS)
    victim = int(generator.integers(2))
    faults = ["none", "none"]
    faults[victim] = f"kill {epoch} {step}"
    name, hosts = f"killed{seed}", 1 + seed % 2
    note = f"process {victim} killed in epoch {epoch}, step {step}, ended on "
    note += f"{hosts} host(s)"
    ended = on_hosts(folder, name, faults)
    if ended[victim] != -9:
        return BARE, f"{note}: it was not killed, but ended with {ended}"
    if hosts == 2:
        ended = on_hosts(folder, name, ("none", "none"), "--resume")
    else:
        ended = [start(folder, name, "none", 4, "--resume").wait(LIMIT)]
    if any(ended):
        return BARE, f"{note}: ended with {ended}"
    difference = np.abs(metrics(folder / name) - wanted).max()
    right = difference <= (SAME if hosts == 2 else OTHER)
    return (RIGHT if right else WRONG), f"{note}: {difference:.1e}"


def on_hosts(folder, name, faults, *more):
    """How both processes of a run ended."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    more += ("--hosts", address, "--processes", "2")
    hosts = [
        start(folder, name, fault, 2, *more, "--process", str(number))
        for number, fault in enumerate(faults)
    ]
    for number, fault in enumerate(faults):
        if fault != "none":
            hosts[number].wait(LIMIT)
            hosts[1 - number].kill()  # it would wait for the other
    return [host.wait(LIMIT) for host in hosts]


def start(folder, name, fault, devices, *more):
    """One process of a run."""
    flags = f"--xla_force_host_platform_device_count={devices}"
    flags += " --xla_backend_optimization_level=0"
    command = [
        *(sys.executable, str(RUN), "train", "--model", "tiny"),
        *("--data", str(folder / "images"), "--output", str(folder / name)),
        *("--stream", "--image-size", "8", "--crop-area", "0.3"),
        *("--crop-padding", "0", "--epochs", str(EPOCHS), "--seed", "3"),
        *("--batch-size", "4", "--warmup-epochs", "1"),
        *("--validation-split", "0.25", "--learning-rate", "0.05"),
        *("--checkpoint-steps", "2", "--devices", "all", *more),
    ]
    environment = {"KERAS_BACKEND": "jax", "XLA_FLAGS": flags, "FAULT": fault}
    return subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def metrics(folder):
    """What a run noted of its epochs, epoch by epoch."""
    rows = json.loads((folder / "record.json").read_text())["epochs"]
    return np.array(
        [[row[key] for key in sorted(row) if key not in TIMES] for row in rows],
        "float64",
    )
