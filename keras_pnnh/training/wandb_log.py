"""Measurements of a run in Weights & Biases, on every backend."""

import hashlib
import importlib.util
from typing import Any

import keras

from keras_pnnh.training import hosts


class LogToWandb(keras.callbacks.Callback):
    """Logs what every epoch measured to a project of Weights & Biases.

    The callback of the package `wandb` needs TensorFlow; this one needs the
    package alone. Only the first of several hosts logs. A run that is resumed
    under the same name goes on where it was.

    Args:
        project: Name of the project.
        name: Name of the run, such as its folder; None lets the service
            choose, and starts a new run at every call of `fit`.
        config: JSON-like facts to show with the run, such as
            `dataclasses.asdict(recipe)`.

    Raises:
        ModuleNotFoundError: If `wandb` is not installed.

    Example:

    >>> from keras_pnnh.training import LogToWandb
    >>> try:
    ...     callbacks = [LogToWandb("plain-networks", name="first")]
    ... except ModuleNotFoundError:
    ...     callbacks = []
    """

    # A step need not wait for it: it looks at epochs alone.
    async_safe = True

    def __init__(
        self,
        project: str,
        name: str | None = None,
        config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if importlib.util.find_spec("wandb") is None:
            raise ModuleNotFoundError(
                "Logging to Weights & Biases needs its package. Received: "
                f"project={project!r}, and no wandb. Install it: pip install "
                "wandb."
            )
        self.project, self.name, self.config = project, name, config
        self._run: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        if not hosts.is_first() or self._run is not None:
            return
        import wandb

        known: dict[str, Any] = {}
        if self.name is not None:
            text = f"{self.project}/{self.name}"
            known["id"] = hashlib.sha256(text.encode()).hexdigest()[:16]
            known["resume"] = "allow"
        self._run = wandb.init(
            project=self.project, name=self.name, config=self.config, **known
        )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self._run is not None:
            numbers = {key: float(value) for key, value in (logs or {}).items()}
            self._run.log(numbers, step=epoch + 1)

    def on_train_end(self, logs: Any = None) -> None:
        if self._run is not None:
            self._run.finish()
            self._run = None
