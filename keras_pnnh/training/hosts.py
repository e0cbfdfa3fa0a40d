"""A run that several processes share, one on each host. JAX alone does that."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_pnnh.training.roll_call import call_roll

# The names that `keras.distribution.initialize` gives them.
ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
COUNT = "KERAS_DISTRIBUTION_NUM_PROCESSES"
NUMBER = "KERAS_DISTRIBUTION_PROCESS_ID"


def join_hosts(
    hosts: str | None = None,
    processes: int | None = None,
    process: int | None = None,
    timeout: float = 300.0,
) -> int:
    """Make this process one of several that train together.

    Call it first of all: no array and no model may exist before. What is left
    out is read from the environment variables of
    `keras.distribution.initialize`: `KERAS_DISTRIBUTION_JOB_ADDRESSES`,
    `KERAS_DISTRIBUTION_NUM_PROCESSES` and `KERAS_DISTRIBUTION_PROCESS_ID`.

    Args:
        hosts: `"address:port"` of process 0, or those of all processes with
            commas between them, or `"auto"`: what SLURM or a TPU slice says.
        processes: Number of processes.
        process: Number of this one, from 0.
        timeout: Seconds to wait for the others.

    Returns:
        The number of processes, 1 where neither arguments nor variables say
        anything.

    Raises:
        ValueError: If the backend is not JAX, or something is left open.
        TimeoutError: If a process does not report in time; it is named. With
            `"auto"` it is JAX that waits: it ends the process.

    Example:

    >>> from keras_pnnh.training import join_hosts
    >>> join_hosts()
    1
    """
    hosts = hosts or os.environ.get(ADDRESSES)
    if hosts is None and processes is None and process is None:
        return count()
    if keras.backend.backend() != "jax":
        raise ValueError(
            "Several hosts need the backend JAX. Received: "
            f"hosts={hosts!r} with {keras.backend.backend()}. Set "
            "KERAS_BACKEND=jax."
        )
    import jax

    if hosts == "auto":
        _initialize(jax, initialization_timeout=int(timeout))
        return count()
    processes = _number(processes, "processes", COUNT)
    process = _number(process, "process", NUMBER)
    address, colon, port = str(hosts).split(",")[0].rpartition(":")
    if not colon or not port.isdigit() or not 0 <= process < processes:
        raise ValueError(
            "Several hosts need `hosts` as address:port of process 0, the "
            "number of `processes` and that of this `process`, from 0. "
            f"Received: hosts={hosts!r}, processes={processes}, "
            f"process={process}."
        )
    # JAX ends a process that waits in vain, without saying for whom.
    call_roll(address, int(port), processes, process, timeout)
    _initialize(
        jax,
        f"{address}:{port}",
        processes,
        process,
        initialization_timeout=int(timeout),
    )
    return count()


def count() -> int:
    """Number of processes that share the run."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def number() -> int:
    """Number of this process, from 0."""
    if keras.backend.backend() != "jax":
        return 0
    import jax

    return jax.process_index()


def is_first() -> bool:
    """Whether this is the process that writes and prints."""
    return number() == 0


@contextlib.contextmanager
def undistributed() -> Iterator[None]:
    """Keep what is computed in the block to one device of this process."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        yield
        return
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def decided_by_first(decide: Callable[[], Any]) -> Any:
    """What process 0 gets from a function; the others do not call it.

    Args:
        decide: Function without arguments; its result is JSON-like.

    Raises:
        RuntimeError: In the others, if the function raised in process 0.
    """
    if count() == 1:
        return decide()
    if is_first():
        try:
            # What the others do not compute must stay on this host.
            with undistributed():
                result = decide()
        except BaseException as error:
            _broadcast({"error": f"{type(error).__name__}: {error}"})
            raise
        _broadcast({"result": result})
        return result
    received = _broadcast(None)
    if "error" in received:
        raise RuntimeError(
            "All hosts stop when process 0 cannot go on. Received from it: "
            f"{received['error']}"
        )
    return received["result"]


def require_agreement(config: Any) -> None:
    """Raise a ValueError unless all processes were given the same run."""
    if count() == 1:
        return
    from jax.experimental import multihost_utils

    text = json.dumps(config, sort_keys=True).encode()
    digest = np.frombuffer(hashlib.sha256(text).digest()[:8], "<u4")
    found = np.asarray(multihost_utils.process_allgather(digest))
    different = [
        str(number)
        for number, row in enumerate(found)
        if not np.array_equal(row, found[0])
    ]
    if different:
        raise ValueError(
            "All hosts must train the same model on the same images by the "
            "same recipe. Received: other settings or images on process "
            f"{', '.join(different)} than on process 0. Start all of them "
            "with the same command."
        )


def _broadcast(content):
    from jax.experimental import multihost_utils

    text = json.dumps(content).encode()
    size = multihost_utils.broadcast_one_to_all(np.int32(len(text)))
    array = np.zeros(int(size), np.uint8)
    if is_first():
        array[:] = np.frombuffer(text, np.uint8)
    array = multihost_utils.broadcast_one_to_all(array)
    return json.loads(np.asarray(array).tobytes())


def _initialize(jax, *arguments, **timeouts):
    # A process that failed waits for the others as long as this.
    jax.distributed.initialize(
        *arguments, **timeouts, shutdown_timeout_seconds=30
    )


def _number(given, name, variable):
    text = os.environ.get(variable) if given is None else str(given)
    if text is None or not text.isdigit():
        raise ValueError(
            f"Several hosts need `{name}`, or the environment variable "
            f"{variable}. Received: {text}. Give a whole number."
        )
    return int(text)
