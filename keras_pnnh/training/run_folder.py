"""The files of a run, and its state from one epoch to the next.

config.json            what was asked for; a resumed run must agree
state.json             which checkpoint is valid, metrics so far
checkpoint-0007.npz    weights, optimizer and its step counter
log.csv, curves.png    metrics per epoch
model.weights.h5       the result; goes into `weights=`
record.json            config, versions, hardware, metrics, times; comes last,
                       so that a run with a record is a finished one
"""

import csv
import io
import json
from pathlib import Path

from keras_pnnh.files import remove_unfinished, write_text
from keras_pnnh.training import checkpoint


class RunFolder:
    """Reads and writes the folder of one run.

    Args:
        path: The folder; it is made when the run starts.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.weights_path = self.path / "model.weights.h5"
        self.record_path = self.path / "record.json"
        self.curves_path = self.path / "curves.png"

    def start(self, config, resume, translate=dict):
        """Begin a run, or find where an interrupted one goes on.

        Args:
            config: JSON-like description of the run.
            resume: Whether to go on with what the folder holds.
            translate: Makes of a model's config that an earlier version
                wrote one of today.

        Returns:
            The metrics of the finished epochs, a list of dicts.

        Raises:
            FileExistsError: If the folder holds a run and `resume` is False.
            ValueError: If the run in the folder has another config.
        """
        config = json.loads(json.dumps(config))
        path = self.path / "config.json"
        if not path.is_file():
            self._write_json(path, config)
            return []
        if not resume:
            raise FileExistsError(
                "A new run needs a folder of its own. Received: "
                f"'{self.path}', which holds one. Resume it with "
                "`resume=True`, or choose another folder as `output`."
            )
        found = self._read_json(path)
        found["model"] = translate(found["model"])
        different = _differences(found, config)
        if different:
            raise ValueError(
                "A run is resumed with the settings it was started with. "
                f"Received: '{self.path}' with other settings: "
                f"{'; '.join(different)}. Repeat the first call with "
                "`resume=True`, or choose another folder as `output`."
            )
        remove_unfinished(self.path)
        state = self._read_json(self.path / "state.json", default={})
        return state.get("epochs", [])

    def is_finished(self):
        """Whether the run has its record, which is written last."""
        return self.record_path.is_file()

    def save_checkpoint(self, model, epochs):
        """Keep the state after the last of `epochs`, then drop the one before.

        Whatever the moment of a crash, `state.json` names a complete
        checkpoint.
        """
        path = self._checkpoint_path(len(epochs))
        checkpoint.save_checkpoint(model, path)
        self._write_json(self.path / "state.json", {"epochs": epochs})
        self._write_log(epochs)
        self.remove_checkpoints(but=path)

    def load_checkpoint(self, model, finished_epochs):
        """Restore weights and optimizer; the model must be compiled."""
        checkpoint.load_checkpoint(
            model, self._checkpoint_path(finished_epochs)
        )

    def remove_checkpoints(self, but=None):
        for path in self.path.glob("checkpoint-*"):
            if path != but:
                path.unlink()

    def write_record(self, record):
        self._write_json(self.record_path, record)

    def read_record(self) -> dict:
        return self._read_json(self.record_path)

    def _checkpoint_path(self, epoch):
        return self.path / f"checkpoint-{epoch:04d}.npz"

    def _write_log(self, epochs):
        text = io.StringIO()
        writer = csv.DictWriter(text, epochs[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(epochs)
        write_text(self.path / "log.csv", text.getvalue())

    @staticmethod
    def _write_json(path, content):
        write_text(path, json.dumps(content, indent=1) + "\n")

    @staticmethod
    def _read_json(path, default=None):
        if default is not None and not path.is_file():
            return default
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"A finished run holds '{path.name}'. Received: "
                f"'{path.parent}', which does not."
            ) from error
        except ValueError as error:
            raise ValueError(
                f"The files of a run must be valid JSON. Received: '{path}': "
                f"{error}. Start anew in another folder."
            ) from error


def _differences(found, config, prefix=""):
    listed = []
    for key in sorted({**found, **config}):
        was, now = found.get(key), config.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            listed += _differences(was, now, f"{prefix}{key}: ")
        elif was != now:
            listed.append(f"{prefix}{key}: was {was!r}, now {now!r}")
    return listed
