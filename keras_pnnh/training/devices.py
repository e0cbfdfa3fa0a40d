"""On which devices a run computes: one, several, or those of many hosts.

JAX computes on any number by `keras.distribution.DataParallel`, one process a
host; TensorFlow on those of one host by `MirroredStrategy`; torch on one.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Literal

import keras

from keras_pnnh.graph.copy_checks import layers_within
from keras_pnnh.training import hosts


@contextlib.contextmanager
def use_devices(count: int | Literal["all"] | None = "all") -> Iterator[int]:
    """Compute on several devices what is built and trained in a `with` block.

    Every device holds the whole model and a share of each batch; batch norms
    use the statistics of the whole batch, so that the number of devices does
    not change the result. On JAX the devices of all hosts count, see
    `join_hosts`.

    Args:
        count: Number of devices, `"all"`, or None for Keras's own choice,
            which is one; of several hosts, all.

    Yields:
        The number of devices.

    Raises:
        ValueError: If there are fewer devices, the backend takes only one, or
            one of several hosts would have none.

    Example:

    >>> from keras_pnnh.applications import PlainResNet20
    >>> from keras_pnnh.training import use_devices
    >>> with use_devices(1) as devices:
    ...     model = PlainResNet20(classes=2)
    >>> devices
    1
    """
    if count is None and hosts.count() > 1:
        count = "all"
    if count is None:
        yield replicas()
        return
    found = _list_devices()
    chosen = found if count == "all" else _first(found, count)
    with _scope(chosen):
        yield len(chosen)


def replicas() -> int:
    """Number of devices that share a batch."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.distribute.get_strategy().num_replicas_in_sync
    distribution = keras.distribution.distribution()
    if distribution is None:
        return 1
    mesh = distribution.device_mesh
    batch_axis = mesh.axis_names.index(distribution.batch_dim_name)
    return mesh.shape[batch_axis]


def check_placement(model: keras.Model) -> None:
    """Raise a ValueError unless a model was built on the devices of the run.

    Its variables stay where they were made, whatever is set later.
    """
    if keras.backend.backend() != "jax":
        return
    distribution = keras.distribution.distribution()
    wanted = 1 if distribution is None else distribution.device_mesh.devices
    wanted = getattr(wanted, "size", 1)
    for variable in model.variables:
        found = len(variable.value.sharding.device_set)
        if found != wanted:
            raise ValueError(
                "A model must be built after its devices are chosen. "
                f"Received: '{model.name}' with variables on {found} of the "
                f"{wanted} devices. Build it inside `with use_devices(...)`, "
                "or after `keras.distribution.set_distribution`."
            )


def synchronize_norms(model: keras.Model) -> None:
    """Let batch norms use the statistics of all replicas.

    TensorFlow alone needs to be told; on JAX a batch is one array.
    """
    if keras.backend.backend() != "tensorflow" or replicas() == 1:
        return
    for layer in layers_within(model):
        for part in (layer, getattr(layer, "batch_norm", None)):
            if isinstance(part, keras.layers.BatchNormalization):
                part.synchronized = True


def _first(found: list[Any], count: int) -> list[Any]:
    whole = isinstance(count, int) and not isinstance(count, bool)
    if not whole or count < 1:
        raise ValueError(
            "`devices` must be 'all' or a whole number of at least 1. "
            f"Received: devices={count!r}."
        )
    if count > len(found):
        raise ValueError(
            "`devices` must be at most the number that there are. Received: "
            f"devices={count} where {keras.backend.backend()} finds "
            f"{len(found)}: {', '.join(map(str, found))}. Ask for fewer, or "
            "for all."
        )
    if count < len(found) and hosts.count() > 1:
        raise ValueError(
            "Every host takes part with all its devices. Received: "
            f"devices={count} of {len(found)} on {hosts.count()} hosts. Ask "
            "for all, or start fewer processes."
        )
    return found[:count]


def _list_devices() -> list[Any]:
    backend = keras.backend.backend()
    if backend == "torch":
        return ["the one that torch takes"]
    # Those of one kind, an accelerator's where there are any.
    return list(keras.distribution.list_devices())


@contextlib.contextmanager
def _scope(chosen):
    backend = keras.backend.backend()
    if backend == "jax":
        # Each process reads its own part of a batch: nothing is sharded
        # automatically.
        distribution = keras.distribution.DataParallel(
            devices=chosen, auto_shard_dataset=False
        )
        with distribution.scope():
            yield
    elif backend == "tensorflow" and len(chosen) > 1:
        import tensorflow as tf

        with tf.distribute.MirroredStrategy(chosen).scope():
            yield
    else:
        yield
