"""Which runs led to a weight file."""

import hashlib
import json
from pathlib import Path

from keras_pnnh.weights import registry


def describe_weights(variant, weights):
    """What the record of a run says about the weights that a run starts from.

    Args:
        variant: Name of the model, such as `"plain_resnet20"`.
        weights: A tag of the registry, or the path of a weight file.

    Returns:
        A JSON-like dict: `source` and `sha256`; of a file also the `record`
        of the run that it lies in, if it does.

    Raises:
        ValueError: If there are no weights of that tag.
        FileNotFoundError: If there is no such file.
    """
    if not registry.is_path(weights):
        entry = registry.find_weights(variant, weights)
        return {"source": f"{variant}.{weights}", "sha256": entry.sha256}
    path = Path(weights)
    described = {
        "source": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    record = path.with_name("record.json")
    if record.is_file():
        described["record"] = json.loads(record.read_text(encoding="utf-8"))
    return described


def runs(record):
    """The runs that led to a record, the first one first."""
    earlier = record.get("initial_weights", {}).get("record")
    return [*(runs(earlier) if earlier else []), record]
