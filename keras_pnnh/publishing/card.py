"""The model card of a checkpoint, written from the record of its run."""

from typing import Any

from keras_pnnh.presentation.plain_text import as_markdown_text
from keras_pnnh.publishing import lineage
from keras_pnnh.weights.entry import WeightsEntry

PATHS = {
    "coder": "the coder of PNNH",
    "residual": "residual connections",
    "none": "nothing",
}
PASS_THROUGH = "pass-through channels (a residual network, converted)"


def describe_path(model: Any) -> str:
    """What carries the input, of a model in a record."""
    path = model["internal_path"]
    if path == "pass_through" or model.get("coder") == "identity":
        return PASS_THROUGH
    return PATHS[path]


def render_card(name: str, entry: WeightsEntry, record: dict[str, Any]) -> str:
    """A model card in Markdown.

    Args:
        name: `<variant>.<tag>`.
        entry: The row of the registry.
        record: Record of the run, with the test result under `"test"`.

    Returns:
        The card's text. Every number in it comes from the record.

    Raises:
        ValueError: If the record has no test result.
    """
    if "test" not in record:
        raise ValueError(
            "A card states the test accuracy. Received: a record without "
            "'test'. Evaluate the run first, with `training.evaluate(model, "
            "data, run=...)`."
        )
    variant, tag = name.split(".")
    labels = ", ".join(map(as_markdown_text, entry.labels))
    model, data, test = record["model"], record["data"], record["test"]
    recipe = describe_recipes(record)
    versions = ", ".join(
        f"{key} {value}" for key, value in record["versions"].items()
    )
    hardware = describe_hardware(record["hardware"])
    return f"""# {name}

- **Accuracy:** {100 * test["accuracy"]:.2f} % top-1 on the {test["images"]}
  test images of {entry.data}, loss {test["loss"]:.4f}. The test images were
  not used to choose anything.
- **Parameters:** {model["parameters"]}. Input carried by
  {describe_path(model)}.
- **Task:** classification into {labels}.
- **Licence of the weights:** {entry.license}.
- **File:** `{entry.filename}`, SHA-256 `{entry.sha256}`.

```python
from keras_pnnh.applications import create_model

model = create_model("{variant}", weights="{tag}")
```

## How it was trained

- **Data:** {entry.data}, {data["training_images"]} images to train on and
  {data["validation_images"]} held out.
{recipe}
- **Time:** {describe_time(record)} on {hardware}.
- **Versions:** {versions}.

`record.json` next to this file is the complete record; `curves.png` and
`log.csv` show every epoch.

## Limits

{entry.limits}
"""


def describe_hardware(hardware: Any) -> str:
    """In words, with the accelerators where there are any."""
    accelerators = ", ".join(hardware["accelerators"])
    if accelerators:
        return accelerators
    return f"{hardware['threads']} thread(s) of a {hardware['processor']}"


def describe_time(record: Any) -> str:
    """How long all runs took that led to a record."""
    seconds = [run["seconds"] for run in lineage.runs(record)]
    if None in seconds:
        return "not measured,"
    return f"{sum(seconds) / 60:.1f} minutes"


def describe_recipes(record: Any) -> str:
    """One line of Markdown for each run that led to a record."""
    return "\n".join(
        f"- **Run {number}:** {_recipe(run)}."
        for number, run in enumerate(lineage.runs(record), 1)
    )


def _recipe(run):
    settings = ", ".join(
        f"{key} {value}" for key, value in run["recipe"].items()
    )
    last, epochs = run["epochs"][-1], len(run["epochs"])
    stopped = epochs < run["recipe"]["epochs"]
    end = f", stopped after {epochs} epochs" if stopped else ""
    training = f"training loss {last['loss']:.4f}"
    if "accuracy" in last:
        training = f"training accuracy {100 * last['accuracy']:.2f} %"
    validation = "no validation"
    if "val_accuracy" in last:
        validation = f"validation accuracy {100 * last['val_accuracy']:.2f} %"
    seed = "no seed" if run["seed"] is None else f"seed {run['seed']}"
    return f"{settings}; {seed}{end}. Last epoch: {training}, {validation}"
