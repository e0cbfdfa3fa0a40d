"""`torch.export`: a program for torch, ExecuTorch and AOTInductor."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_pnnh.deployment.formats.format import Format, as_file_takes
from keras_pnnh.deployment.padding import absorb_padding


def write(
    model: keras.Model,
    path: str | Path,
    representative: np.ndarray | None = None,
) -> None:
    """Write a program of ATen operations, for batches of any size."""
    import torch

    # By way of memory: where torch writes to a disk that is full, it ends the
    # whole process (seen with torch 2.13).
    content = io.BytesIO()
    torch.export.save(trace(model), content)
    Path(path).write_bytes(content.getbuffer())


def trace(model: keras.Model) -> Any:
    """The `torch.export.ExportedProgram` of a model."""
    import torch

    model = absorb_padding(model, "torch")
    (given,) = model.inputs
    # A batch of 1 would become a constant in torch.
    open_sizes = {0: 2, 1: 64, 2: 96, 3: 96}
    images = torch.zeros(
        [
            open_sizes[axis] if size is None else size
            for axis, size in enumerate(given.shape)
        ],
        dtype=getattr(torch, given.dtype),
    )
    batch = {
        axis: torch.export.Dim.DYNAMIC
        for axis, size in enumerate(given.shape)
        if size is None
    }
    return torch.export.export(
        # Keras models take `*args`, so that one argument counts as a tuple.
        model,
        (images,),
        dynamic_shapes=[(batch,)],
        strict=False,
    )


def open_file(
    path: str | Path, threads: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from images to results."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    program = torch.export.load(str(path))
    module = program.module()
    (name,) = program.graph_signature.user_inputs
    (given,) = (
        node.meta["val"] for node in program.graph.nodes if node.name == name
    )
    size = given.shape[0] if isinstance(given.shape[0], int) else None

    def run(images):
        with torch.no_grad():
            return module(torch.from_numpy(images)).numpy()

    dtype = str(given.dtype).removeprefix("torch.")
    return as_file_takes(run, dtype, size)


FORMAT = Format(
    name="torch",
    suffix=".pt2",
    runtime="torch",
    backends=("torch",),
    packages=(),
    write=write,
    open=open_file,
    runs_in="torch",
)
