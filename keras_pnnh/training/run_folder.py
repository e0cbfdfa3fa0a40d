"""The files of a run, and its state from one epoch to the next.

config.json            what was asked for; a resumed run must agree
images.npy             fingerprints of the images, training and validation
state.json             metrics so far; their number names the valid checkpoint
checkpoint-0007.npz    weights, optimizer and its step counter
checkpoint-0007-000120.npz  the same, and metrics, 120 steps later
log.csv, curves.png    metrics per epoch
model.weights.h5       the result; goes into `weights=`
model.keras            the same as a whole model, for `keras.saving.load_model`
record.json            config, versions, hardware, metrics, times; comes last,
                       so that a run with a record is a finished one
"""

import contextlib
import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_pnnh.addresses import refuse_url
from keras_pnnh.files import PREFIX, replace_when_complete, write_text
from keras_pnnh.training import checkpoint, hosts, run_lock, run_state
from keras_pnnh.training.run_state import RunState

FILES = (
    "config.json",
    "images.npy",
    "state.json",
    "log.csv",
    "curves.png",
    "model.weights.h5",
    "model.keras",
    "record.json",
)
CHECKPOINT = re.compile(r"checkpoint-(\d{4,})(?:-(\d{6,}))?\.npz")
# A file of a run that a killed process was writing; others' names may begin
# in the same way.
UNFINISHED = re.compile(
    rf"{re.escape(PREFIX)}\d+-"
    rf"({'|'.join(map(re.escape, FILES))}|{CHECKPOINT.pattern})"
)
# What a run that was killed at its very beginning, or a system, leaves.
NOTHING = re.compile(
    rf"{re.escape(run_lock.NAME)}|\.DS_Store|{UNFINISHED.pattern}"
    r"|(?i:thumbs\.db)"
)


class RunFolder:
    """Reads and writes the folder of one run.

    Only files that a run writes are ever changed or deleted in it.

    Args:
        path: The folder; it is made when the run starts.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        refuse_url(path, "output")
        self.path: Path = Path(path)
        self.weights_path: Path = self.path / "model.weights.h5"
        self.model_path: Path = self.path / "model.keras"
        self.record_path: Path = self.path / "record.json"
        self.curves_path: Path = self.path / "curves.png"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and hold it; a finished run needs no lock.

        Raises:
            FileExistsError: If the folder holds files, but no run.
            RuntimeError: If another run is at work in it.
            OSError: If it cannot be made or written to.
        """
        self._check_place()
        if self.is_finished():
            yield
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                "A run needs a folder. Received: "
                f"'{self.path}', which could not be made ({error.strerror}). "
                "Choose another folder as `output`."
            ) from error
        with run_lock.locked(self.path):
            yield

    def start(
        self,
        config: dict[str, Any],
        resume: bool,
        translate: Callable[[dict[str, Any]], dict[str, Any]] = dict,
        images: np.ndarray | None = None,
    ) -> RunState:
        """Begin a run, or find where an interrupted one goes on.

        Args:
            config: JSON-like description of the run.
            resume: Whether to go on with what the folder holds.
            translate: Makes of a model's config that an earlier version
                wrote one of today.
            images: Fingerprints of the images, by which `evaluate` knows them
                again.

        Returns:
            How far it is.

        Raises:
            FileExistsError: If the folder holds a run and `resume` is False,
                or files, but no run.
            ValueError: If the run in the folder has another config, or its
                files are not what a run writes.
        """
        config = json.loads(json.dumps(config))
        path = self.path / "config.json"
        begun = path.name in self._check_place()
        if begun and not resume:
            raise FileExistsError(
                "A new run needs a folder of its own. Received: "
                f"'{self.path}', which holds one. Resume it with "
                "`resume=True`, or choose another folder as `output`."
            )
        if not begun:
            self._remove_unfinished()
            self._write_json(path, config)  # first: by this it is a run
            self._write_images(images)
            return RunState([])
        self._check_files()
        run_state.check_same_run(path, config, translate)
        self._remove_unfinished()
        if not self.is_finished():
            self._write_images(images)
        return run_state.read_state(self.path / "state.json")

    def check_shared(self) -> None:
        """Raise a FileNotFoundError on a host that does not see the folder."""
        if not (self.path / "config.json").is_file():
            raise FileNotFoundError(
                "All hosts of a run need its folder, on a file system that "
                f"they share. Received: '{self.path}', where process "
                f"{hosts.number()} does not find what process 0 wrote. Choose "
                "another folder as `output`."
            )

    def is_finished(self) -> bool:
        """Whether the run has its record, which is written last."""
        return self.record_path.is_file()

    def save_checkpoint(self, model: keras.Model, state: RunState) -> None:
        """Keep the state, then drop the one before.

        Whatever the moment of a crash, `state.json` names a complete
        checkpoint.
        """
        path = self._checkpoint_path(state)
        checkpoint.save_checkpoint(model, path, with_metrics=state.step > 0)
        self._write_json(self.path / "state.json", state.as_json())
        if not state.step:
            self.write_log(state.epochs)
        self.remove_checkpoints(len(state.epochs), but=path)

    def load_checkpoint(
        self, model: keras.Model, state: RunState
    ) -> list[np.ndarray]:
        """Restore weights and optimizer; the model must be compiled.

        Returns:
            What its metrics have seen, for `checkpoint.set_metrics`.
        """
        return checkpoint.load_checkpoint(model, self._checkpoint_path(state))

    def remove_checkpoints(self, epochs: int, but: Path | None = None) -> None:
        """Remove the checkpoints of a run that has come to epoch `epochs`."""
        for path, number, step in self._checkpoints():
            ours = (1 if step is None else 0) <= number <= epochs
            if path != but and ours and path.is_file():
                path.unlink()

    def write_record(self, record: dict[str, Any]) -> None:
        """Write the record; the run is finished by that."""
        self._write_json(self.record_path, record)

    def read_record(self) -> dict[str, Any]:
        """The record of a finished run."""
        return run_state.read_json(self.record_path)

    def read_images(self) -> np.ndarray | None:
        """Fingerprints of the images of the run; None of an earlier version.

        Raises:
            ValueError: If the file was damaged.
        """
        path = self.path / "images.npy"
        if not path.exists():
            return None
        try:
            images = np.load(path, allow_pickle=False)
            if images.dtype != np.uint64 or images.ndim != 1:
                raise ValueError(f"{images.dtype} of shape {images.shape}")
        # NumPy raises what it runs into.
        except Exception as error:
            raise ValueError(
                "The fingerprints of a run's images tell whether they are "
                f"test images. Received: '{path}', which cannot be read: "
                f"{error}. Evaluate without `run`."
            ) from error
        return images

    def _check_place(self):
        """A folder of a run, an empty one, or none at all."""
        try:
            found = sorted(entry.name for entry in self.path.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise OSError(
                f"A run needs a folder. Received: '{self.path}', which "
                f"could not be written or read ({error.strerror}). Choose "
                "another folder as `output`."
            ) from error
        found = [name for name in found if not NOTHING.fullmatch(name)]
        if found and "config.json" not in found:
            more = len(found) - 3
            raise FileExistsError(
                "A run needs an empty folder, so that nothing of yours is "
                f"overwritten. Received: '{self.path}', which holds no run, "
                f"but {', '.join(found[:3])}"
                + (f" and {more} more" if more > 0 else "")
                + ". Choose another folder as `output`."
            )
        return found

    def _check_files(self):
        places = [self.path / name for name in FILES]
        places += [path for path, _, _ in self._checkpoints()]
        for path in places:
            if path.exists() and not path.is_file():
                raise ValueError(
                    f"A run writes a file under this name. Received: '{path}', "
                    "which is none. Move it away."
                )

    def _remove_unfinished(self):
        for path in self.path.glob(f"{PREFIX}*"):
            if UNFINISHED.fullmatch(path.name) and path.is_file():
                with contextlib.suppress(OSError):
                    path.unlink()

    def _checkpoints(self):
        for path in sorted(self.path.glob("checkpoint-*.npz")):
            match = CHECKPOINT.fullmatch(path.name)
            if match:
                yield path, int(match[1]), match[2]

    def _checkpoint_path(self, state):
        step = f"-{state.step:06d}" if state.step else ""
        return self.path / f"checkpoint-{len(state.epochs):04d}{step}.npz"

    def _write_images(self, images):
        path = self.path / "images.npy"
        if images is None or path.exists():
            return
        with replace_when_complete(path) as unfinished:
            with open(unfinished, "wb") as file:
                np.save(file, np.sort(images))

    def write_log(self, epochs: list[dict[str, Any]]) -> None:
        """Write the metrics of all epochs as a table."""
        text = io.StringIO()
        # A callback may add a metric later than in the first epoch.
        names = dict.fromkeys(name for row in epochs for name in row)
        writer = csv.DictWriter(text, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(epochs)
        write_text(self.path / "log.csv", text.getvalue())

    @staticmethod
    def _write_json(path, content):
        write_text(path, json.dumps(content, indent=1) + "\n")
