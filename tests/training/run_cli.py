"""The command line with a tiny model, and with a fault if asked for.

The environment variable FAULT names it: "kill EPOCH STEP", "interrupt EPOCH
STEP", "terminate EPOCH STEP", "full-disk EPOCH STEP" or "kill-while-writing
EPOCH" (counted from 0). LOGICAL_CPUS is the number of TensorFlow's devices.
"""

import os
import signal
import sys

import numpy as np

from keras_pnnh.applications import PlainResNet, catalog
from keras_pnnh.training.batches import TrainingBatches
from keras_pnnh.weights import loader


def tiny_model(weights=None, **arguments):
    # Eight channels at least: torch 2.13 corrupts its memory in training with
    # four (oneDNN on x86).
    model = PlainResNet((1, 1), (8, 16), name="tiny", **arguments)
    if weights is not None:
        loader.load(model, weights)
    return model


def fill_disk():
    import resource

    # Of a full disk's effects, this is the one that any user can bring about.
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))


def at_step(epoch, step, act):
    get = TrainingBatches.__getitem__

    def get_or_fail(self, index):
        if (self.epoch, index) == (epoch, step):
            act()
        return get(self, index)

    TrainingBatches.__getitem__ = get_or_fail


def while_writing(epoch):
    write = np.savez

    def write_half(file, **arrays):
        if f"checkpoint-{epoch + 1:04d}" in file.name:
            write(file, **dict(list(arrays.items())[:10]))
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        write(file, **arrays)

    np.savez = write_half


def send(number):
    return lambda: os.kill(os.getpid(), number)


if __name__ == "__main__":
    from keras_pnnh.cli.main import main

    # A job in the background inherits that SIGINT is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    catalog.MODELS["tiny"] = tiny_model
    if "LOGICAL_CPUS" in os.environ:
        import tensorflow as tf

        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()]
            * int(os.environ["LOGICAL_CPUS"]),
        )
    kind, *numbers = os.environ.get("FAULT", "none").split()
    numbers = [int(number) for number in numbers]
    if kind == "none":
        pass
    elif kind == "kill-while-writing":
        while_writing(*numbers)
    else:
        actions = {
            "kill": send(signal.SIGKILL),
            "interrupt": send(signal.SIGINT),
            "terminate": send(signal.SIGTERM),
            "full-disk": fill_disk,
        }
        at_step(*numbers, actions[kind])
    sys.exit(main(sys.argv[1:]))
