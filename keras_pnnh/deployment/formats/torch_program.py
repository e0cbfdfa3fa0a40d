"""`torch.export`: a program for torch, ExecuTorch and AOTInductor."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_pnnh.deployment.formats.format import Format


def write(
    model: keras.Model,
    path: str | Path,
    representative: np.ndarray | None = None,
) -> None:
    """Write a program of ATen operations, for batches of any size."""
    import torch

    torch.export.save(trace(model), str(path))


def trace(model: keras.Model) -> Any:
    """The `torch.export.ExportedProgram` of a model."""
    import torch

    # Of a batch of 1 torch would make a constant.
    images = torch.zeros(2, *model.inputs[0].shape[1:])
    batch = {0: torch.export.Dim.DYNAMIC}
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
    module = torch.export.load(str(path)).module()

    def run(images):
        with torch.no_grad():
            return module(torch.from_numpy(images)).numpy()

    return run


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
