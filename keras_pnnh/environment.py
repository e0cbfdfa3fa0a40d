"""What a run ran on: versions and hardware, for its record."""

import importlib
import os
import platform
from pathlib import Path
from typing import Any

import keras
import numpy

from keras_pnnh._version import __version__


def versions() -> dict[Any, Any]:
    """Versions of everything that computes."""
    backend = keras.backend.backend()
    return {
        "keras_pnnh": __version__,
        "python": platform.python_version(),
        "keras": keras.__version__,
        "numpy": numpy.__version__,
        "backend": backend,
        backend: importlib.import_module(backend).__version__,
    }


def backend(versions: Any) -> str:
    """The backend of a record's versions, in words: `"torch 2.13.0"`."""
    return f"{versions['backend']} {versions[versions['backend']]}"


def hardware() -> dict[str, Any]:
    """The processor, the cores this process may use, and accelerators."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        cores = os.cpu_count()
    return {
        "processor": _processor(),
        "cores": cores,
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "accelerators": _accelerators(),
    }


def _accelerators():
    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        return [
            torch.cuda.get_device_name(index)
            for index in range(torch.cuda.device_count())
        ]
    if backend == "jax":
        # Asked for a kind of device that is absent, JAX raises.
        import jax

        return [
            f"{device.device_kind} {device.id}"
            for device in jax.devices()
            if device.platform != "cpu"
        ]
    return keras.distribution.list_devices("gpu")


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [
        line.split(":")[1].strip() for line in lines if "model name" in line
    ]
    return names[0] if names else platform.machine()
