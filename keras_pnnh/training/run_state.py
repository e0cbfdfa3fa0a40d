"""Read what a run left on disk, whatever somebody did to it since."""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from keras_pnnh.data import identity
from keras_pnnh.training.recipe import Recipe

DEFAULTS = {
    field.name: field.default
    for field in dataclasses.fields(Recipe)
    if field.default is not dataclasses.MISSING
}


class RunState(NamedTuple):
    """How far a run is.

    Attributes:
        epochs: Metrics of each finished epoch.
        step: Steps of the next one that are done.
        steps: Steps of an epoch; 0 where `step` is.
        seconds: What these steps took.
    """

    epochs: list[dict[str, Any]]
    step: int = 0
    steps: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As `state.json` holds it."""
        if not self.step:
            return {"epochs": self.epochs}
        return self._asdict()


def read_json(path: Path) -> dict[str, Any]:
    """A file of a run: a JSON object.

    Raises:
        FileNotFoundError: If it is absent.
        ValueError: If it holds anything else, or cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"A finished run holds '{path.name}'. Received: '{path.parent}', "
            "which does not."
        ) from error
    # The last one: brackets in brackets, thousands deep.
    except (ValueError, OSError, RecursionError) as error:
        raise ValueError(
            f"The files of a run must be valid JSON. Received: '{path}': "
            f"{error}. Start again in another folder."
        ) from error
    if not isinstance(content, dict):
        raise _malformed(path, "a JSON object", content)
    return content


def read_state(path: Path) -> RunState:
    """How far a run is, at its beginning if `path` is absent.

    Raises:
        ValueError: If it is not what a run writes.
    """
    if not path.exists():
        return RunState([])
    content = read_json(path)
    epochs = content.get("epochs")
    if not isinstance(epochs, list):
        raise _malformed(path, "a list of epochs", epochs)
    for number, row in enumerate(epochs, 1):
        good = (
            isinstance(row, dict)
            and {"epoch", "learning_rate", "seconds"} <= row.keys()
            and all(map(_is_number, row.values()))
            and row["epoch"] == number
            and math.isfinite(row["seconds"])
        )
        if not good:
            raise _malformed(path, f"the metrics of epoch {number}", row)
    state = RunState(
        epochs, *(content.get(name, 0) for name in RunState._fields[1:])
    )
    good = all(map(_is_number, state[1:])) and (
        state.step == state.steps == 0 or 0 < state.step < state.steps
    )
    if not good or not isinstance(state.step, int):
        raise _malformed(path, "a step of an epoch", state[1:])
    return state


def check_same_run(
    path: Path,
    config: dict[str, Any],
    translate: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    """Raise a ValueError unless `config.json` is that of the same run.

    Args:
        path: The file.
        config: What is asked for now.
        translate: Makes of a model's config that an earlier version wrote
            one of today.
    """
    found = read_json(path)
    if not isinstance(found.get("model"), dict):
        raise _malformed(path, "the config of a model", found.get("model"))
    try:
        found["model"] = translate(found["model"])
    except ValueError:
        raise
    # Values of any type stand where it expects others.
    except Exception as error:
        raise _malformed(path, "the config of a model", error) from error
    if isinstance(found.get("recipe"), dict):
        # What recipes have learned since was off.
        found["recipe"] = {**DEFAULTS, **found["recipe"]}
    different = _differences(_comparable(found), _comparable(config))
    now = config.get("data", {}).get("digest")
    data = found.get("data")
    # Earlier versions kept no digest.
    if now and isinstance(data, dict) and "digest" in data:
        other = identity.difference(data["digest"], now)
        different += [f"data: {other}"] if other else []
    if different:
        raise ValueError(
            "A run is resumed with the settings it was started with. "
            f"Received: '{path.parent}' with other settings: "
            f"{'; '.join(different)}. Repeat the first call with "
            "`resume=True`, or choose another folder as `output`."
        )


def _comparable(config):
    """Without what decides nothing, and what is compared in words."""
    config = dict(config)
    # An automatic name counts the models of the process.
    for part, left_out in (("model", "name"), ("data", "digest")):
        if isinstance(config.get(part), dict):
            config[part] = {
                key: value
                for key, value in config[part].items()
                if key != left_out
            }
    return config


def _differences(found, config, prefix=""):
    listed = []
    for key in sorted({**found, **config}):
        was, now = found.get(key), config.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            listed += _differences(was, now, f"{prefix}{key}: ")
        elif was != now:
            listed.append(f"{prefix}{key}: was {was!r}, now {now!r}")
    return listed


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _malformed(path, wanted, received):
    return ValueError(
        f"'{path.name}' of a run must hold {wanted}. Received: '{path}' with "
        f"{str(received)[:80]!r}. Start again in another folder."
    )
