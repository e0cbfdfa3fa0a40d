"""The model card of a repository of the Hub, from the record of a run."""

import json
from typing import Any

from keras_pnnh.presentation.plain_text import as_markdown_text
from keras_pnnh.publishing.card import (
    describe_hardware,
    describe_path,
    describe_recipes,
    describe_time,
)

CITATION = """```bibtex
@misc{zhang2024peeking,
  title = {Peeking Behind the Curtains of Residual Learning},
  author = {Zhang and Yan and Li and Chen},
  year = {2024},
  eprint = {2402.08645},
  archivePrefix = {arXiv}
}
```"""


def render_hub_card(
    repo_id: str,
    tag: str,
    record: Any,
    classifier: Any,
    license: str,
    limits: str,
    twin: Any = None,
) -> str:
    """A model card in Markdown, with the metadata that the Hub reads.

    Args:
        repo_id: `"owner/name"`.
        tag: The version, a tag of the repository.
        record: Record of the run, with the test result under `"test"`.
        classifier: The `Classifier` of the weights.
        license: Licence of the weights, as the Hub writes it.
        limits: What a user must know about data and use, in sentences.
        twin: Record of the residual twin, or None.

    Returns:
        The card's text. Every number in it comes from the records.
    """
    model, test, data = record["model"], record["test"], record["data"]
    source = as_markdown_text(data["source"])
    labels = ", ".join(map(as_markdown_text, classifier.labels))
    hardware = describe_hardware(record["hardware"])
    versions = ", ".join(
        f"{key} {value}" for key, value in record["versions"].items()
    )
    height, width = classifier.image_size
    return f"""---
{_metadata(repo_id, record, license)}
---

# {repo_id.split("/")[1]}

An image classifier of `keras_pnnh`, a library of deep networks without skip
connections (a reconstruction of PNNH, arXiv 2402.08645). Input carried by
{describe_path(model)}.

- **Task:** images of {height}x{width} pixels into {len(classifier.labels)}
  classes: {labels}.
- **Accuracy:** {100 * test["accuracy"]:.2f} % top-1 on the {test["images"]}
  test images of {source}, loss {test["loss"]:.4f}.
- **Residual twin:** {_describe_twin(twin)}
- **Parameters:** {model["parameters"]}.
- **Licence of the weights:** {license}.

## How to load it

Pixels are RGB, 0 to 255; the network scales them itself.

With `keras_pnnh` (verified, with a revision):

```python
import keras_pnnh

model = keras_pnnh.from_weights("hf://{repo_id}@{tag}")
```

With Keras:

```python
import keras, keras_pnnh

model = keras.saving.load_model("hf://{repo_id}")
```

With keras-hub, which resizes images, too:

```python
import keras_hub, keras_pnnh

model = keras_hub.models.ImageClassifier.from_preset("hf://{repo_id}")
```

`keras-pnnh verify hf://{repo_id}@{tag}` checks the files and compares the
logits of the batch in `selftest.npz`.

## How it was trained

- **Data:** {source}, {data["training_images"]} images to train on and
  {data["validation_images"]} held out.
{describe_recipes(record)}
- **Time:** {describe_time(record)} on {hardware}.
- **Versions:** {versions}.

`record.json` is the complete record.

## Limits

{limits}

## Citation

{CITATION}
"""


def _describe_twin(twin):
    if twin is None:
        return "not recorded."
    test = twin["test"]
    return (
        f"{100 * test['accuracy']:.2f} % on the same {test['images']} images "
        f"({twin['model']['parameters']} parameters)."
    )


def _metadata(repo_id, record, license):
    """YAML; JSON's strings and numbers are YAML's."""
    name = json.dumps(repo_id.split("/")[1])
    source = json.dumps(record["data"]["source"])
    test = record["test"]
    return f"""library_name: keras
license: {json.dumps(license)}
pipeline_tag: image-classification
tags:
- keras_pnnh
- keras-hub
- image-classification
metrics:
- accuracy
model-index:
- name: {name}
  results:
  - task:
      type: image-classification
    dataset:
      name: {source}
      type: {source}
      split: test
    metrics:
    - type: accuracy
      name: top-1 accuracy
      value: {test["accuracy"]}
    - type: loss
      name: cross entropy
      value: {test["loss"]}"""
