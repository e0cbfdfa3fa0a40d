"""Which runs led to a weight file."""

import json
from pathlib import Path
from typing import Any

from keras_pnnh.weights import digest, hub_repository, references


def describe_weights(variant: str, weights: Any) -> Any:
    """What the record of a run says about the weights that a run starts from.

    Args:
        variant: Name of the model, such as `"plain_resnet20"`.
        weights: A tag of the registry, the path of a weight file, or
            `"hf://owner/name"`.

    Returns:
        A JSON-like dict: `source` and `sha256`; of a file also the `record`
        of the run that it lies in, if it does.

    Raises:
        ValueError: If there are no weights of that tag.
        FileNotFoundError: If there is no such file.
    """
    kind = references.kind_of(weights)
    if kind == "repository":
        path = hub_repository.fetch_weights(weights)
        return {"source": weights, "sha256": digest.of_file(path)}
    if kind == "tag":
        name, entry = references.find_entry(variant, weights)
        return {"source": name, "sha256": entry.sha256}
    path = Path(weights)
    described = {
        "source": path.name,
        "sha256": digest.of_file(path),
    }
    record = path.with_name("record.json")
    if record.is_file():
        described["record"] = json.loads(record.read_text(encoding="utf-8"))
    return described


def runs(record: Any) -> Any:
    """The runs that led to a record, the first one first."""
    earlier = record.get("initial_weights", {}).get("record")
    return [*(runs(earlier) if earlier else []), record]
